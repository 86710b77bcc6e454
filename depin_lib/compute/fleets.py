"""Many machines of different speed: throughput, the slowest one, schedules."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .. import checks

__all__ = [
    "Schedule",
    "fleet_throughput",
    "list_schedule",
    "makespan_bound",
    "optimal_makespan",
    "slowest_of",
    "synchronous_throughput",
]

#: Above this many tasks the exact search may take minutes.
_MOST_TASKS = 24


@dataclass(frozen=True)
class Schedule:
    """Which machine does which task, and when each machine is done."""

    machine: NDArray[np.int64]  #: machine of each task; shape (tasks,)
    done: NDArray[np.float64]  #: time at which each machine is done; shape (machines,)

    @property
    def makespan(self) -> float:
        """Time at which the last machine is done, in the unit of the tasks' lengths."""
        return float(self.done.max())


def fleet_throughput(
    speeds: ArrayLike, *, availability: ArrayLike = 1.0, overhead: ArrayLike = 1.0
) -> float:
    """Work per hour of machines that work on tasks of their own: Σ sᵢ aᵢ / φᵢ.

    Parameters
    ----------
    speeds
        Work per hour of each machine; shape (machines,).
    availability
        Share of time that each is there; one number or one per machine.
    overhead
        Hours of running per useful hour of each, at least 1; one number or one per machine.

    Examples
    --------
    >>> fleet_throughput([2.0, 1.0], availability=[1.0, 0.5], overhead=1.25)
    2.0
    """
    s = _speeds(speeds)
    a = checks.finite("availability", availability, low=0, high=1)
    return float(np.sum(s * a / checks.finite("overhead", overhead, low=1)))


def synchronous_throughput(speeds: ArrayLike, *, proportional: bool = False) -> float:
    """Work per hour of machines that wait for one another after every step.

    Parameters
    ----------
    speeds
        Work per hour of each machine; shape (machines,).
    proportional
        False: equal shares, so that all work at the pace of the slowest, N min sᵢ. True: shares in
        proportion to speed, Σ sᵢ.

    Examples
    --------
    >>> fleet = [5438.38] * 2 + [3325.26] * 6
    >>> round(synchronous_throughput(fleet))
    26602
    >>> round(synchronous_throughput(fleet, proportional=True))
    30828
    """
    s = _speeds(speeds)
    return float(s.sum() if proportional else s.size * s.min())


def slowest_of(machines: int, *, mean: float = 1.0) -> float:
    """Expected time of the slowest of N independent exponential times: mean × (1 + ½ + … + 1/N).

    Examples
    --------
    >>> round(slowest_of(100), 3)
    5.187
    """
    count = checks.whole_number("machines", machines)
    scale = checks.number("mean", mean, low=0)
    return scale * float(special.digamma(count + 1) + np.euler_gamma)


def list_schedule(tasks: ArrayLike, speeds: ArrayLike, *, longest_first: bool = False) -> Schedule:
    """Give each task, in the order of the list, to the machine that would finish it first.

    Parameters
    ----------
    tasks
        Work of each task; shape (tasks,).
    speeds
        Work per hour of each machine; shape (machines,).
    longest_first
        Whether to sort the list by falling length first (the rule LPT).

    Notes
    -----
    On m equal machines a list takes at most 2 − 1/m times the best schedule (Graham 1966), longest
    first at most 4/3 − 1/(3m) times (Graham 1969).

    Examples
    --------
    >>> list_schedule([1, 1, 1, 1, 1, 1, 3], [1, 1, 1]).makespan
    5.0
    """
    work, s = _tasks(tasks), _speeds(speeds)
    order = np.argsort(-work, kind="stable") if longest_first else np.arange(work.size)
    machine = np.empty(work.size, dtype=np.int64)
    load = np.zeros(s.size)
    for task in order:
        chosen = int(np.argmin((load + work[task]) / s))
        load[chosen] += work[task]
        machine[task] = chosen
    return Schedule(machine, load / s)


def makespan_bound(tasks: ArrayLike, speeds: ArrayLike) -> float:
    """Time that no schedule can beat.

    All work on all machines, and for every k the k longest tasks on the k fastest machines.

    Examples
    --------
    >>> makespan_bound([3, 1, 1], [1, 1])
    3.0
    """
    work, s = np.sort(_tasks(tasks))[::-1], np.sort(_speeds(speeds))[::-1]
    few = min(work.size, s.size)
    longest = np.cumsum(work)[:few] / np.cumsum(s)[:few]
    return float(max(longest.max(), work.sum() / s.sum()))


def optimal_makespan(tasks: ArrayLike, speeds: ArrayLike) -> float:
    """Shortest time in which the machines can do the tasks, by exact search.

    Raises
    ------
    ValueError
        With more than 24 tasks; `makespan_bound` and `list_schedule` enclose the result.

    Examples
    --------
    >>> optimal_makespan([3, 3, 2, 2, 2], [1, 1])
    6.0
    """
    work, s = np.sort(_tasks(tasks))[::-1], _speeds(speeds)
    if work.size > _MOST_TASKS:
        raise ValueError(f"tasks has {work.size} entries; allowed: at most {_MOST_TASKS}")
    goal = makespan_bound(work, s)
    best = list_schedule(work, s, longest_first=True).makespan
    load = np.zeros(s.size)

    def place(task: int) -> None:
        """Try the next task on every machine that is not the twin of one tried before."""
        nonlocal best
        if task == work.size:
            best = min(best, float((load / s).max()))
            return
        tried = set()
        for i in range(s.size):
            state = (load[i], s[i])
            if state in tried or (load[i] + work[task]) / s[i] >= best or best <= goal:
                continue
            tried.add(state)
            load[i] += work[task]
            place(task + 1)
            load[i] = state[0]

    place(0)
    return best


def _speeds(speeds: ArrayLike) -> NDArray[np.float64]:
    s = checks.finite("speeds", np.atleast_1d(speeds), low=0, low_open=True, unit="work per hour")
    return checks.shape("speeds", s, (None,), "one entry per machine")


def _tasks(tasks: ArrayLike) -> NDArray[np.float64]:
    work = checks.finite("tasks", np.atleast_1d(tasks), low=0, unit="work")
    checks.shape("tasks", work, (None,), "one entry per task")
    if work.size == 0:
        raise ValueError("tasks is empty; give at least one")
    return work
