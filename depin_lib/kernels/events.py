"""Simulations by event: jobs that are interrupted, fleets that come and go, queues with failures.

Every draw is keyed by (seed, run, machine, purpose) and its place in that stream, so results are
the same bits on any number of threads.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .random import normal_quantile, stream_key, uniform

CONSTANT, EXPONENTIAL, WEIBULL, LOGNORMAL, OBSERVED = range(5)
ARRIVALS, SERVICE, UP, DOWN, NOTICE, SHARED = range(6)


class _Law(NamedTuple):
    """A law of durations."""

    code: int  #: one of the five above
    scale: float  #: in units of time; OBSERVED has none
    shape: float  #: Weibull's shape, or the standard deviation of the logarithm
    observed: NDArray[np.float64]  #: (observations,)


@jit(inline=True)
def _law(laws: NDArray[np.float64], observed: NDArray[np.float64], i: int) -> _Law:
    """Unpack a row of ``laws``: code, scale, shape, and which part of ``observed`` it owns."""
    row = laws[i]
    return _Law(int(row[0]), row[1], row[2], observed[int(row[3]) : int(row[4])])


@jit(inline=True)
def _draw(law: _Law, key: np.uint64, counter: int) -> float:
    """Draw a duration: number ``counter`` of the stream ``key``."""
    p = uniform(key, np.uint64(counter))
    if law.code == EXPONENTIAL:
        return -law.scale * math.log(p)
    if law.code == CONSTANT:
        return law.scale
    if law.code == WEIBULL:
        return law.scale * (-math.log(p)) ** (1.0 / law.shape)
    if law.code == LOGNORMAL:
        return law.scale * math.exp(law.shape * normal_quantile(p))
    return law.observed[int(p * law.observed.size)]


@jit(inline=True)
def _stream(seed: np.uint64, run: int, machine: int, purpose: int) -> np.uint64:
    """Return the key of one stream."""
    return stream_key(seed, np.uint64(run), np.uint64(machine), np.uint64(purpose))


@jit()
def _run_job(
    seed: np.uint64,
    run: int,
    job: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    most: int,
    out: NDArray[np.float64],
) -> None:
    """Run one job; see `simulate_jobs`."""
    work, interval, write, restart, announced = job[0], job[1], job[2], job[3], job[4]
    up, down = _law(laws, observed, 0), _law(laws, observed, 1)
    key_up, key_down = _stream(seed, run, 0, UP), _stream(seed, run, 0, DOWN)
    key_notice = _stream(seed, run, 0, NOTICE)
    saved, running, away, lost, finished = 0.0, 0.0, 0.0, 0.0, 0.0
    count = 0
    while count < most:
        stay = _draw(up, key_up, count)
        ready = 0.0 if count == 0 else restart
        room, left = stay - ready, work - saved
        needed = left + math.ceil(left / interval - 1e-9) * write
        if room >= needed:
            running += ready + needed
            finished = 1.0
            break
        running += stay
        if room > 0.0:
            whole = math.floor(room / (interval + write))
            kept = whole * interval
            rest = room - whole * (interval + write)
            worked = kept + min(rest, interval, left - kept)
            if rest > write and uniform(key_notice, np.uint64(count)) < announced:
                kept += min(rest - write, interval, left - kept)  # saved in time
                worked = kept
            lost += worked - kept
            saved += kept
        away += _draw(down, key_down, count)
        count += 1
    out[0], out[1], out[2], out[3], out[4] = running, away, count, lost, finished


@jit(parallel=True)
def simulate_jobs(
    seed: np.uint64,
    job: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    most: int,
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (runs × 5): hours running, hours away, interruptions, work lost, finished.

    ``job`` (5) holds work, interval, checkpoint, restart and the share of announced interruptions,
    ``laws`` (2 × 5) the times up and down. A run that meets ``most`` interruptions is given up.
    """
    for run in prange(out.shape[0]):
        _run_job(seed, run, job, laws, observed, most, out[run])


@jit()
def _run_fleet(
    seed: np.uint64,
    run: int,
    hours: float,
    shared_mean: float,
    scale: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    time_with: NDArray[np.float64],
    machine_up: NDArray[np.float64],
) -> int:
    """Run one fleet; return how often it was full and lost a machine."""
    up, down = _law(laws, observed, 0), _law(laws, observed, 1)
    machines = scale.size
    until = np.empty(machines)  # when each machine goes or comes next
    is_up = np.ones(machines, dtype=np.bool_)
    drawn = np.zeros(machines, dtype=np.int64)
    for i in range(machines):
        until[i] = scale[i] * _draw(up, _stream(seed, run, i + 1, UP), 0)
    clock = _Law(EXPONENTIAL, shared_mean, 0.0, scale)
    key_shared, key_back = _stream(seed, run, 0, SHARED), _stream(seed, run, 0, DOWN)
    shared = _draw(clock, key_shared, 0)
    now, count, shocks, stops = 0.0, machines, 0, 0
    while now < hours:
        first = int(np.argmin(until))
        then = min(until[first], shared, hours)
        time_with[count] += then - now
        for i in range(machines):
            machine_up[i] += then - now if is_up[i] else 0.0
        now, before = then, count
        if then == hours:
            break
        if shared <= until[first]:
            back = now + _draw(down, key_back, shocks)
            for i in range(machines):
                if is_up[i]:
                    is_up[i], until[i] = False, back
            count, shocks = 0, shocks + 1
            shared = now + _draw(clock, key_shared, shocks)
        elif is_up[first]:
            is_up[first], count = False, count - 1
            until[first] = now + _draw(down, _stream(seed, run, first + 1, DOWN), drawn[first])
        else:
            drawn[first] += 1
            is_up[first], count = True, count + 1
            stay = _draw(up, _stream(seed, run, first + 1, UP), drawn[first])
            until[first] = now + scale[first] * stay
        if before == machines and count < machines:
            stops += 1
    return stops


@jit(parallel=True)
def simulate_fleets(
    seed: np.uint64,
    hours: float,
    shared_mean: float,
    scale: NDArray[np.float64],
    laws: NDArray[np.float64],
    observed: NDArray[np.float64],
    time_with: NDArray[np.float64],
    machine_up: NDArray[np.float64],
    stops: NDArray[np.float64],
) -> None:
    """Let machines come and go, alone and, every ``shared_mean`` hours, all at once.

    ``laws`` (2 × 5) are those of the times up and down; a stay of machine i lasts ``scale[i]``
    times its draw. Adds hours with k machines up to ``time_with`` (runs × machines + 1), hours up
    to ``machine_up`` (runs × machines), and how often a full fleet lost a machine to ``stops``.
    """
    for run in prange(time_with.shape[0]):
        out = time_with[run], machine_up[run]
        stops[run] += _run_fleet(seed, run, hours, shared_mean, scale, laws, observed, *out)


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
    arrivals, service = _law(laws, observed, 0), _law(laws, observed, 1)
    up, down = _law(laws, observed, 2), _law(laws, observed, 3)
    key_arrivals, key_service = _stream(seed, run, 0, ARRIVALS), _stream(seed, run, 0, SERVICE)
    n = wait.size
    arrived, left = np.empty(n), np.full(n, np.nan)  # left: service to be done, NaN: not drawn
    queue, head, tail = np.empty(n, dtype=np.int64), 0, 0  # waiting requests in order of arrival
    thrown, thrown_count = np.empty(servers + 1, dtype=np.int64), 0  # those whose server failed
    serves, begun = np.full(servers, -1, dtype=np.int64), np.zeros(servers)
    is_up, failures = np.ones(servers, dtype=np.bool_), np.zeros(servers, dtype=np.int64)
    free, free_count = np.arange(servers - 1, -1, -1), servers  # a stack of idle servers
    place = np.arange(servers - 1, -1, -1)  # where each idle server stands in it
    clock, winner = _silent_clocks(1 + (2 if fails else 1) * servers)
    _set_clock(clock, winner, 0, _draw(arrivals, key_arrivals, 0))
    for s in range(servers if fails else 0):
        _set_clock(clock, winner, 1 + servers + s, _draw(up, _stream(seed, run, s + 1, UP), 0))
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
            gap = _draw(arrivals, key_arrivals, came) if came < n else np.inf
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
                stay = _draw(up, _stream(seed, run, s + 1, UP), failures[s])
                place[s], free[free_count] = free_count, s
                free_count += 1
            else:
                stay = _draw(down, _stream(seed, run, s + 1, DOWN), failures[s])
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
                left[request] = _draw(service, key_service, request)
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
