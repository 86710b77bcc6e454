"""Simulations by event: jobs that are interrupted, and fleets whose machines come and go."""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .laws import DOWN, EXPONENTIAL, NOTICE, SHARED, UP, Law, draw, law, stream
from .random import uniform


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
    up, down = law(laws, observed, 0), law(laws, observed, 1)
    key_up, key_down = stream(seed, run, 0, UP), stream(seed, run, 0, DOWN)
    key_notice = stream(seed, run, 0, NOTICE)
    saved, running, away, lost, finished = 0.0, 0.0, 0.0, 0.0, 0.0
    count = 0
    while count < most:
        stay = draw(up, key_up, count)
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
        away += draw(down, key_down, count)
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
    up, down = law(laws, observed, 0), law(laws, observed, 1)
    machines = scale.size
    until = np.empty(machines)  # when each machine goes or comes next
    is_up = np.ones(machines, dtype=np.bool_)
    drawn = np.zeros(machines, dtype=np.int64)
    for i in range(machines):
        until[i] = scale[i] * draw(up, stream(seed, run, i + 1, UP), 0)
    clock = Law(EXPONENTIAL, shared_mean, 0.0, scale)
    key_shared, key_back = stream(seed, run, 0, SHARED), stream(seed, run, 0, DOWN)
    shared = draw(clock, key_shared, 0)
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
            back = now + draw(down, key_back, shocks)
            for i in range(machines):
                if is_up[i]:
                    is_up[i], until[i] = False, back
            count, shocks = 0, shocks + 1
            shared = now + draw(clock, key_shared, shocks)
        elif is_up[first]:
            is_up[first], count = False, count - 1
            until[first] = now + draw(down, stream(seed, run, first + 1, DOWN), drawn[first])
        else:
            drawn[first] += 1
            is_up[first], count = True, count + 1
            stay = draw(up, stream(seed, run, first + 1, UP), drawn[first])
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
