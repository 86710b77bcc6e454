"""Providers with a line each: requests sent at random, and sent again when the answer is late."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import checks
from ..kernels import queues as _kernel
from ..seeds import Seed, seed_word
from .durations import Duration, as_kernel_laws
from .queues import check_stable, mean_error, request_counts

__all__ = ["DispatchSamples", "simulate_dispatch"]


@dataclass(frozen=True)
class DispatchSamples:
    """What happened to requests that were sent to providers with a line each."""

    time: NDArray[np.float64]  #: time until the answer, after the warm-up; (runs, requests)
    worked_share: NDArray[np.float64]  #: time worked per server and time; (runs,)
    copies: NDArray[np.float64]  #: copies sent per request; (runs,)

    @property
    def mean_time(self) -> float:
        """Mean time until the first answer, over all requests and runs after the warm-up."""
        return float(self.time.mean())

    @property
    def mean_time_error(self) -> float:
        """Standard error of `mean_time` from the runs, which are independent; NaN for one run."""
        return mean_error(self.time)

    @property
    def extra_load(self) -> float:
        """Share of requests that are sent a second time."""
        return float(self.copies.mean()) - 1

    def time_quantile(self, share: float) -> float:
        """Return the time in which a share of the requests is answered."""
        return float(np.quantile(self.time, checks.number("share", share, low=0, high=1)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: mean time, worked share and copies."""
        columns = {
            "mean_time": self.time.mean(axis=1),
            "worked_share": self.worked_share,
            "copies": self.copies,
        }
        return pd.DataFrame(columns).rename_axis("run")


def simulate_dispatch(
    between_arrivals: Duration,
    service: Duration,
    servers: int,
    *,
    hedge_after: float = math.inf,
    same_service: bool = False,
    requests: int = 100_000,
    warm_up: int | None = None,
    runs: int = 8,
    seed: Seed = None,
) -> DispatchSamples:
    """Simulate c servers with a line each; requests choose at random and may be sent again.

    This is a market without a common queue: each provider serves its own line, first come first
    served, and nobody knows who is idle. A request that has no answer after a while goes to a
    second provider too; the first answer counts, and the other copy is dropped at once, also while
    it is served (hedged requests with cancellation).

    Parameters
    ----------
    between_arrivals, service
        Laws of the time between two arrivals, at all servers together, and of the service of one
        copy, in the same unit of time.
    servers
        c; at least 2 with hedging.
    hedge_after
        Time without an answer after which the second copy is sent; infinite: never.
    same_service
        Whether both copies need the same service, because it is the request that is long. Otherwise
        each draws its own, because it is the provider that is slow.
    requests, runs
        Requests per run and number of independent runs.
    warm_up
        Requests at the start of each run whose times are not reported, because the lines were empty
        at first; a tenth where it is not given.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    DispatchSamples
        The same bits for any number of threads.

    Raises
    ------
    ValueError
        If more arrives than the servers can do without any second copy. With second copies the
        servers may be overrun nevertheless: then times grow with ``requests``.

    Notes
    -----
    Source: Dean & Barroso (2013), Communications of the ACM 56(2), 74–80, for hedged requests.

    Examples
    --------
    >>> from depin_lib.compute import ExponentialTime
    >>> alone = simulate_dispatch(ExponentialTime(0.2), ExponentialTime(1.0), 10, seed=1)
    >>> abs(alone.mean_time - 2.0) < 0.05  # ten times M/M/1 at 50%
    True
    """
    c = checks.whole_number("servers", servers, high=100_000)
    delay = checks.number("hedge_after", hedge_after, low=0)
    if c < 2 and not math.isinf(delay):
        raise ValueError("servers is 1; allowed with hedging: at least 2")
    laws, observed = as_kernel_laws({"between_arrivals": between_arrivals, "service": service})
    gap = checks.number("the mean of between_arrivals", between_arrivals.mean, low=0, low_open=True)
    check_stable(service.mean / gap, c)
    n, count, first = request_counts(requests, runs, warm_up)
    spent, totals = np.empty((count, n)), np.empty((count, 3))
    with np.errstate(over="ignore"):  # unsigned arithmetic wraps; plain Python would warn
        _kernel.simulate_dispatches(
            seed_word(seed), c, delay, same_service, laws, observed, spent, totals
        )
    worked = totals[:, 1] / (c * totals[:, 0])
    return DispatchSamples(spent[:, first:], worked, totals[:, 2] / n)
