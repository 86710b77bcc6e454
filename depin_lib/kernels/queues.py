"""Simulations of requests: one line before servers that may fail, or a line before each server."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .laws import ARRIVALS, DOWN, ROUTE, SERVICE, UP, Law, draw, law, stream
from .random import uniform


@jit()
def _set_clock(
    clock: NDArray[np.float64], winner: NDArray[np.int64], slot: int, time: float
) -> None:
    """Set a clock and play its matches again: ``winner[1]`` is the slot that rings first.

    Of two clocks that ring together the one with the lower slot wins. ``clock`` has a power of two
    of slots, ``winner`` twice as many.
    """
    clock[slot] = time
    node = (clock.size + slot) >> 1
    while node >= 1:
        left, right = winner[2 * node], winner[2 * node + 1]
        winner[node] = left if clock[left] <= clock[right] else right
        node >>= 1


@jit()
def _silent_clocks(slots: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return clocks that never ring and the tournament over them."""
    size = 1
    while size < slots:
        size *= 2
    winner = np.empty(2 * size, dtype=np.int64)
    for i in range(size):
        winner[size + i] = i
    for node in range(size - 1, 0, -1):
        winner[node] = winner[2 * node]
    return np.full(size, np.inf), winner


@jit()
def _earliest(requests: NDArray[np.int64], count: int) -> int:
    """Place of the smallest of the first ``count`` numbers."""
    best = 0
    for i in range(1, count):
        if requests[i] < requests[best]:
            best = i
    return best


@jit()
def _run_queue(
    seed: np.uint64,
    run: int,
    servers: int,
    room: int,
    fails: bool,
    resumes: bool,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    wait: NDArray[np.float64],
    spent: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Run one queue until every request has left; see `simulate_queues`.

    Clock 0 rings for the next arrival, clock 1 + s for the departure from server s, and clock
    1 + servers + s for its failure or repair.
    """
    arrivals, service = law(laws, observed, 0), law(laws, observed, 1)
    up, down = law(laws, observed, 2), law(laws, observed, 3)
    key_arrivals, key_service = stream(seed, run, 0, ARRIVALS), stream(seed, run, 0, SERVICE)
    n = wait.size
    arrived, left = np.empty(n), np.full(n, np.nan)  # left: service to be done, NaN: not drawn
    queue, head, tail = np.empty(n, dtype=np.int64), 0, 0  # waiting requests in order of arrival
    thrown, thrown_count = np.empty(servers + 1, dtype=np.int64), 0  # those whose server failed
    serves, begun = np.full(servers, -1, dtype=np.int64), np.zeros(servers)
    is_up, failures = np.ones(servers, dtype=np.bool_), np.zeros(servers, dtype=np.int64)
    free, free_count = np.arange(servers - 1, -1, -1), servers  # a stack of idle servers
    place = np.arange(servers - 1, -1, -1)  # where each idle server stands in it
    clock, winner = _silent_clocks(1 + (2 if fails else 1) * servers)
    _set_clock(clock, winner, 0, draw(arrivals, key_arrivals, 0))
    for s in range(servers if fails else 0):
        _set_clock(clock, winner, 1 + servers + s, draw(up, stream(seed, run, s + 1, UP), 0))
    came, gone, events, now, worked = 0, 0, 0, 0.0, 0.0
    while gone < n and events < 1000 * n + 1_000_000:
        events += 1
        slot = winner[1]
        now = clock[slot]
        if slot == 0:
            arrived[came] = now
            if free_count > 0 or tail - head < room:
                queue[tail] = came
                tail += 1
            else:
                wait[came], spent[came] = np.nan, np.nan
                gone += 1
            came += 1
            gap = draw(arrivals, key_arrivals, came) if came < n else np.inf
            _set_clock(clock, winner, 0, now + gap)
        elif slot <= servers:
            s = slot - 1
            spent[serves[s]] = now - arrived[serves[s]]
            worked += now - begun[s]
            gone += 1
            serves[s] = -1
            place[s], free[free_count] = free_count, s
            free_count += 1
            _set_clock(clock, winner, slot, np.inf)
        else:
            s = slot - 1 - servers
            is_up[s] = not is_up[s]
            if is_up[s]:
                failures[s] += 1
                stay = draw(up, stream(seed, run, s + 1, UP), failures[s])
                place[s], free[free_count] = free_count, s
                free_count += 1
            else:
                stay = draw(down, stream(seed, run, s + 1, DOWN), failures[s])
                if serves[s] < 0:
                    free_count -= 1
                    last = free[free_count]
                    free[place[s]], place[last] = last, place[s]
                else:
                    worked += now - begun[s]
                    if resumes:
                        left[serves[s]] = clock[1 + s] - now
                    thrown[thrown_count] = serves[s]
                    thrown_count += 1
                    serves[s] = -1
                    _set_clock(clock, winner, 1 + s, np.inf)
            _set_clock(clock, winner, slot, now + stay)
        while free_count > 0 and (thrown_count > 0 or head < tail):
            if thrown_count > 0:
                first = _earliest(thrown, thrown_count)
                request = thrown[first]
                thrown_count -= 1
                thrown[first] = thrown[thrown_count]
            else:
                request = queue[head]
                head += 1
            free_count -= 1
            s = free[free_count]
            if np.isnan(left[request]):
                left[request] = draw(service, key_service, request)
                wait[request] = now - arrived[request]
            serves[s], begun[s] = request, now
            _set_clock(clock, winner, 1 + s, now + left[request])
    totals[0], totals[1], totals[2] = now, worked, n - gone


@jit(parallel=True)
def simulate_queues(
    seed: np.uint64,
    servers: int,
    room: int,
    fails: bool,
    resumes: bool,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    wait: NDArray[np.float64],
    spent: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Run independent queues; ``laws`` (4 × 5): times between arrivals, of service, up, and down.

    ``wait`` and ``spent`` (runs × requests) get the time until service begins and until it ends,
    NaN for a request that found no room. ``totals`` (runs × 3) gets the time of the last event, the
    time that servers worked, and how many requests were left when the limit of events was reached.
    """
    for run in prange(wait.shape[0]):
        out = wait[run], spent[run], totals[run]
        _run_queue(seed, run, servers, room, fails, resumes, laws, observed, *out)


class _Lines(NamedTuple):
    """A line of copies before each server. Copies 2r and 2r + 1 are those of request r."""

    answered: NDArray[np.bool_]  #: (requests,)
    behind: NDArray[np.int64]  #: who stands behind each copy, −1: nobody; (copies,)
    ends: NDArray[np.int64]  #: first and last of each line, −1: empty; (servers, 2)
    serves: NDArray[np.int64]  #: copy that each server serves, −1: none; (servers,)
    begun: NDArray[np.float64]  #: since when; (servers,)
    clock: NDArray[np.float64]
    winner: NDArray[np.int64]


@jit()
def _begin(
    lines: _Lines, server: int, now: float, key: np.uint64, service: Law, same: bool
) -> None:
    """Let an idle server begin the next copy in its line whose request is not yet answered."""
    ends, behind = lines.ends, lines.behind
    copy = ends[server, 0]
    while copy >= 0 and lines.answered[copy >> 1]:
        copy = behind[copy]
    if copy < 0:
        ends[server, 0], ends[server, 1] = -1, -1
        _set_clock(lines.clock, lines.winner, 1 + server, np.inf)
        return
    ends[server, 0] = behind[copy]
    if behind[copy] < 0:
        ends[server, 1] = -1
    lines.serves[server], lines.begun[server] = copy, now
    need = draw(service, key, copy - copy % 2 if same else copy)
    _set_clock(lines.clock, lines.winner, 1 + server, now + need)


@jit()
def _line_up(lines: _Lines, server: int, copy: int) -> None:
    """Put a copy at the end of a server's line."""
    if lines.ends[server, 0] < 0:
        lines.ends[server, 0] = copy
    else:
        lines.behind[lines.ends[server, 1]] = copy
    lines.ends[server, 1] = copy


@jit()
def _run_dispatch(
    seed: np.uint64,
    run: int,
    servers: int,
    delay: float,
    same: bool,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    spent: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Run servers with a line each until every request is answered; see `simulate_dispatches`.

    Clock 0 rings for the next arrival, clock 1 + s for
    the end of a service at server s, clock 1 + servers for the next second copy.
    """
    arrivals, service = law(laws, observed, 0), law(laws, observed, 1)
    key_arrivals, key_service = stream(seed, run, 0, ARRIVALS), stream(seed, run, 0, SERVICE)
    key_route = stream(seed, run, 0, ROUTE)
    n = spent.size
    at = np.full(2 * n, -1, dtype=np.int64)  # the server of each copy
    arrived, answered = np.empty(n), np.zeros(n, dtype=np.bool_)
    behind, ends = np.full(2 * n, -1, dtype=np.int64), np.full((servers, 2), -1, dtype=np.int64)
    serves, begun = np.full(servers, -1, dtype=np.int64), np.zeros(servers)
    clock, winner = _silent_clocks(2 + servers)
    lines = _Lines(answered, behind, ends, serves, begun, clock, winner)
    _set_clock(clock, winner, 0, draw(arrivals, key_arrivals, 0))
    came, second, gone, copies, worked, now = 0, 0, 0, 0, 0.0, 0.0
    while gone < n:
        slot = winner[1]
        now = clock[slot]
        if 0 < slot <= servers:
            done = serves[slot - 1]
            answered[done >> 1] = True
            spent[done >> 1] = now - arrived[done >> 1]
            gone += 1
            for copy in (done, done ^ 1):
                s = at[copy]
                if s >= 0 and serves[s] == copy:
                    worked += now - begun[s]
                    serves[s] = -1
                    _begin(lines, s, now, key_service, service, same)
            continue
        if slot == 0:
            arrived[came] = now
            copy = 2 * came
            at[copy] = int(uniform(key_route, np.uint64(copy)) * servers)
            if second == came and delay < np.inf:
                _set_clock(clock, winner, 1 + servers, now + delay)
            came += 1
            gap = draw(arrivals, key_arrivals, came) if came < n else np.inf
            _set_clock(clock, winner, 0, now + gap)
        else:
            copy = 2 * second + 1
            second += 1
            then = arrived[second] + delay if second < came else np.inf
            _set_clock(clock, winner, 1 + servers, then)
            if answered[copy >> 1]:
                continue
            step = 1 + int(uniform(key_route, np.uint64(copy)) * (servers - 1))
            at[copy] = (at[copy - 1] + step) % servers
        copies += 1
        s = at[copy]
        _line_up(lines, s, copy)
        if serves[s] < 0:
            _begin(lines, s, now, key_service, service, same)
    totals[0], totals[1], totals[2] = now, worked, copies


@jit(parallel=True)
def simulate_dispatches(
    seed: np.uint64,
    servers: int,
    delay: float,
    same: bool,
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    spent: NDArray[np.float64],
    totals: NDArray[np.float64],
) -> None:
    """Run independent groups of servers with a line each; ``laws`` (2 × 5): arrivals, service.

    A request goes to a server at random and, if it is not answered after ``delay``, also to another
    one; with the first answer the other copy is dropped. ``same``: both copies need the same
    service. ``spent`` (runs × requests) gets the time
    until the answer, ``totals`` (runs × 3) the time of the last answer, the time that servers
    worked, and the number of copies sent.
    """
    for run in prange(spent.shape[0]):
        _run_dispatch(seed, run, servers, delay, same, laws, observed, spent[run], totals[run])
