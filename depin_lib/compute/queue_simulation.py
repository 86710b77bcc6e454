"""Queues by simulation: any law of arrivals and service, servers that fail, limited room."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import checks
from ..kernels import queues as _kernel
from ..seeds import Seed, seed_word
from .durations import ConstantTime, Duration, as_kernel_laws
from .queues import mean_error, request_counts

__all__ = ["QueueSamples", "simulate_queue"]


@dataclass(frozen=True)
class QueueSamples:
    """What happened to requests after the warm-up; NaN where one found no room."""

    wait: NDArray[np.float64]  #: time until service begins; (runs, requests)
    time: NDArray[np.float64]  #: time until service has ended; (runs, requests)
    worked_share: NDArray[np.float64]  #: time worked per server and time; (runs,)

    @property
    def lost_share(self) -> float:
        """Share of the requests after the warm-up that found no room, over all runs."""
        return float(np.isnan(self.wait).mean())

    @property
    def mean_wait(self) -> float:
        """Mean time until service begins, over the served requests of all runs."""
        return float(np.nanmean(self.wait))

    @property
    def mean_wait_error(self) -> float:
        """Standard error of `mean_wait` from the runs, which are independent; NaN for one run."""
        return mean_error(self.wait)

    @property
    def mean_time(self) -> float:
        """Mean time until service has ended, over the served requests of all runs."""
        return float(np.nanmean(self.time))

    @property
    def mean_time_error(self) -> float:
        """Standard error of `mean_time` from the runs; NaN for one run."""
        return mean_error(self.time)

    def wait_quantile(self, share: float) -> float:
        """Return the wait that a share of the served requests does not exceed."""
        return float(np.nanquantile(self.wait, checks.number("share", share, low=0, high=1)))

    def time_quantile(self, share: float) -> float:
        """Return the time in which a share of the served requests is done."""
        return float(np.nanquantile(self.time, checks.number("share", share, low=0, high=1)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: means, worked share and share of lost requests."""
        columns = {
            "mean_wait": np.nanmean(self.wait, axis=1),
            "mean_time": np.nanmean(self.time, axis=1),
            "worked_share": self.worked_share,
            "lost_share": np.isnan(self.wait).mean(axis=1),
        }
        return pd.DataFrame(columns).rename_axis("run")


def simulate_queue(
    between_arrivals: Duration,
    service: Duration,
    servers: int,
    *,
    up: Duration | None = None,
    down: Duration | None = None,
    resume: bool = False,
    room: float = math.inf,
    requests: int = 100_000,
    warm_up: int | None = None,
    runs: int = 8,
    seed: Seed = None,
) -> QueueSamples:
    """Simulate c servers with one queue, first come first served, event by event (G/G/c).

    A server that fails throws out its request, which goes on at the head of the queue. Servers fail
    whether they work or not.

    Parameters
    ----------
    between_arrivals, service
        Laws of the time between two arrivals and of service, in the same unit of time.
    servers
        c.
    up, down
        Laws of the time until a server fails and of its repair; both, or neither.
    resume
        Whether a request keeps the work done on it (checkpoints) or starts again from nothing.
    room
        How many may wait; with 0 a request that finds no server is lost (Erlang's loss system).
    requests, runs
        Requests per run and number of independent runs.
    warm_up
        Requests at the start of each run that are not reported, because the queue was empty at
        first; a tenth where it is not given.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    QueueSamples
        The same bits for any number of threads.

    Raises
    ------
    ValueError
        If room is unlimited and more arrives than the servers can do, or if requests cannot be
        finished because servers fail too soon.

    Examples
    --------
    >>> from depin_lib.compute import ConstantTime, ExponentialTime
    >>> queue = simulate_queue(ExponentialTime(1.25), ConstantTime(1.0), 1, seed=1)
    >>> abs(queue.mean_wait - 2.0) < 0.1  # M/D/1 at 80%: half the wait of M/M/1
    True
    """
    c = checks.whole_number("servers", servers, high=100_000)
    if (up is None) != (down is None):
        raise ValueError("give both up and down, or neither")
    fails, never = up is not None, ConstantTime(0.0)
    chosen = {"between_arrivals": between_arrivals, "service": service}
    laws, observed = as_kernel_laws(chosen | {"up": up or never, "down": down or never})
    if math.isinf(checks.number("room", room, low=0)):
        availability = up.mean / (up.mean + down.mean) if up and down else 1.0
        _check_stable(between_arrivals.mean, service.mean, c, availability)
    n, count, first = request_counts(requests, runs, warm_up)
    places = int(min(room, n))
    wait, spent, totals = np.empty((count, n)), np.empty((count, n)), np.empty((count, 3))
    with np.errstate(over="ignore"):  # unsigned arithmetic wraps; plain Python would warn
        _kernel.simulate_queues(
            seed_word(seed), c, places, fails, resume, laws, observed, wait, spent, totals
        )
    unfinished = int(totals[:, 2].max())
    if unfinished:
        raise ValueError(
            f"{unfinished} of {n} requests were never finished: servers fail before a service of "
            f"mean {service.mean:g} is over; give longer up-times or resume=True"
        )
    worked = totals[:, 1] / (c * totals[:, 0])
    return QueueSamples(wait[:, first:], spent[:, first:], worked)


def _check_stable(gap: float, service: float, servers: int, availability: float) -> None:
    """Raise unless less work arrives than the servers that are up can do."""
    load, there = service / gap if gap else math.inf, servers * availability
    if load >= there:
        raise ValueError(
            f"the load is {load:g} erlangs; allowed: [0, {there:g}) erlangs, what the servers can "
            "do while they are up, or the queue grows without end; give room to lose requests"
        )
