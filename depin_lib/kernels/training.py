"""Training on nodes that come and go, round by round.

Its draws are those of `laws`, whose outputs the tests freeze: every draw is keyed by (seed, run,
node, purpose), so results are the same bits on any number of threads.
"""

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .laws import DOWN, UP, draw, law, stream

#: Columns of ``out``: time by the clock, node-time by use, and three counts.
CLOCK, COUNTED, LOST, EXCHANGE, WAITING, JOINING, ABSENT, CONTRIBUTIONS, DEPARTURES, DONE = range(
    10
)


@jit()
def _next_stay(
    seed: np.uint64,
    run: int,
    i: int,
    rejoin: float,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    stays: NDArray[np.float64],
    drawn: NDArray[np.int64],
) -> None:
    """Follow a stay by an absence and the next one; ``stays[i]``: arrival, ready, departure."""
    up, down = law(laws, observed, 0), law(laws, observed, 1)
    stays[i, 0] = stays[i, 2] + draw(down, stream(seed, run, i + 1, DOWN), drawn[i])
    drawn[i] += 1
    stays[i, 1] = stays[i, 0] + rejoin
    stays[i, 2] = stays[i, 0] + draw(up, stream(seed, run, i + 1, UP), drawn[i])


@jit()
def _stand_by(
    seed: np.uint64,
    run: int,
    i: int,
    start: float,
    end: float,
    rejoin: float,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    stays: NDArray[np.float64],
    drawn: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Account for a node's time outside a round: absent, joining or waiting for the next one."""
    while True:
        arrival, ready, departure = stays[i]
        if departure <= start:
            _next_stay(seed, run, i, rejoin, laws, observed, stays, drawn)
        elif start >= end:
            return
        else:
            use, until = WAITING, departure
            if start < arrival:
                use, until = ABSENT, arrival
            elif start < ready:
                use, until = JOINING, min(ready, departure)
            until = min(until, end)
            out[use] += until - start
            start = until


@jit()
def _exchange(
    now: float,
    computed: float,
    together: bool,
    work: NDArray[np.float64],
    sync: NDArray[np.float64],
    stays: NDArray[np.float64],
) -> tuple[float, bool]:
    """Return when the round that began at ``now`` ends, and whether its exchange succeeded.

    It begins when all are done, and anew whenever one of its nodes leaves, until none is left;
    where all are needed, the first departure ends the round.
    """
    begun, gone = computed, -1.0
    while True:
        count, first, all_stayed = 0, np.inf, True
        for i in range(sync.size):
            stayed = stays[i, 2] >= max(computed, now + work[i]) and stays[i, 2] > gone
            if stays[i, 1] <= now and (together or stayed):
                count += 1
                first = min(first, stays[i, 2])
                all_stayed &= stayed
        if count == 0:
            return begun, False
        if all_stayed and first >= begun + sync[count - 1]:
            return begun + sync[count - 1], True
        if together:
            return first, False
        begun = gone = first


@jit()
def _run_training(
    seed: np.uint64,
    run: int,
    rounds: int,
    least: int,
    together: bool,
    rejoin: float,
    work: NDArray[np.float64],
    sync: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    most: int,
    out: NDArray[np.float64],
) -> None:
    """Run one training; see `simulate_trainings`."""
    nodes = work.size
    stays, drawn = np.zeros((nodes, 3)), np.zeros(nodes, dtype=np.int64)
    for i in range(nodes):
        stays[i, 2] = draw(law(laws, observed, 0), stream(seed, run, i + 1, UP), 0)
    now, done = 0.0, 0
    while done < rounds and drawn.sum() < most:
        count, change, computed = 0, np.inf, now
        for i in range(nodes):
            while stays[i, 2] <= now:
                _next_stay(seed, run, i, rejoin, laws, observed, stays, drawn)
            if stays[i, 1] <= now:
                count += 1
                computed = max(computed, min(now + work[i], stays[i, 2]))
                change = min(change, stays[i, 2])
            else:
                change = min(change, stays[i, 1], stays[i, 2])
        if count >= least:
            end, success = _exchange(now, computed, together, work, sync, stays)
        else:
            end, success = change, False
        for i in range(nodes):
            last = now
            if count >= least and stays[i, 1] <= now:
                last = min(stays[i, 2], end)
                ready = min(now + work[i], last)
                # Where an exchange takes no time, the last to leave unfinished leaves at its end.
                counts = success and stays[i, 2] >= max(end, now + work[i])
                out[COUNTED if counts else LOST] += ready - now
                out[CONTRIBUTIONS] += 1.0 if counts else 0.0
                out[WAITING] += max(0.0, min(last, computed) - ready)
                out[EXCHANGE] += max(0.0, last - computed)
            if last < end:
                _stand_by(seed, run, i, last, end, rejoin, laws, observed, stays, drawn, out)
        now, done = end, done + (1 if success else 0)
    out[CLOCK], out[DEPARTURES], out[DONE] = now, drawn.sum(), 1.0 if done == rounds else 0.0


@jit(parallel=True)
def simulate_trainings(
    seed: np.uint64,
    rounds: int,
    least: int,
    together: bool,
    rejoin: float,
    work: NDArray[np.float64],
    sync: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    most: int,
    out: NDArray[np.float64],
) -> None:
    """Add up ``out`` (runs × 10), whose columns are named above, over ``rounds`` exchanges.

    ``work`` (nodes) is the time of each node's local steps, ``sync`` (nodes) that of an exchange
    among 1, 2, … nodes; a round begins once ``least`` nodes are ready, and where they train
    ``together`` it is lost when one leaves. ``laws`` (2 × 5) are those of the times up and down.
    A run with ``most`` departures is given up.
    """
    for run in prange(out.shape[0]):
        _run_training(
            seed, run, rounds, least, together, rejoin, work, sync, laws, observed, most, out[run]
        )
