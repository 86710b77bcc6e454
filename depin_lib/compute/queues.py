"""Waiting for one of several servers: Erlang's formulas, pools, tails, hedged requests.

Rates and times are in any one unit of time: with rates per second, times are in seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import checks
from .durations import fits_in_memory
from .ownership import Floats, plain

__all__ = [
    "Hedge",
    "MultiServerQueue",
    "approximate_wait",
    "erlang_b",
    "erlang_c",
    "hedged_request",
    "kingman_bound",
    "mmc",
    "servers_needed",
    "tail_at_scale",
]


#: The recursion of Erlang takes a step for each server.
_MOST_SERVERS = 10_000_000


@dataclass(frozen=True)
class MultiServerQueue:
    """A queue M/M/c in steady state: Poisson arrivals, exponential service, c servers."""

    utilisation: Floats  #: share of time that a server works, ρ
    wait_probability: Floats  #: probability that a request waits, Erlang's C
    mean_wait: Floats  #: mean time in the queue
    mean_time: Floats  #: mean time in the queue and in service
    mean_queue: Floats  #: mean number in the queue
    spare_rate: Floats  #: cμ − λ, the rate at which long waits die out

    def wait_exceeds(self, time: Floats) -> Floats:
        """Return the probability of waiting longer than a time."""
        t = checks.non_negative("time", time)
        return plain(self.wait_probability * np.exp(-self.spare_rate * t))

    def wait_quantile(self, share: Floats) -> Floats:
        """Return the wait that a share of the requests does not exceed."""
        q = checks.finite("share", share, low=0, high=1, high_open=True)
        with np.errstate(divide="ignore"):
            wait = np.log(self.wait_probability / (1 - q)) / self.spare_rate
        return plain(np.maximum(0.0, wait))


@dataclass(frozen=True)
class Hedge:
    """A request that is sent a second time after a delay; whichever is first counts."""

    service_rate: float  #: rate of the exponential service of either copy
    delay: float  #: time after which the second copy is sent

    @property
    def extra_load(self) -> float:
        """Share of requests that are sent a second time."""
        return float(np.exp(-self.service_rate * self.delay))

    @property
    def mean(self) -> float:
        """Mean time until the first answer, in the unit of time of `delay`."""
        return (1 - self.extra_load / 2) / self.service_rate

    def exceeds(self, time: Floats) -> Floats:
        """Return the probability that there is no answer yet at a time."""
        t = checks.non_negative("time", time)
        both = np.maximum(0.0, t - self.delay)
        return plain(np.exp(-self.service_rate * (t + both)))

    def quantile(self, share: Floats) -> Floats:
        """Return the time by which a share of the requests is answered."""
        q = checks.finite("share", share, low=0, high=1, high_open=True)
        alone = -np.log1p(-q) / self.service_rate
        return plain(np.where(alone <= self.delay, alone, (alone + self.delay) / 2))


def erlang_b(servers: int, load: Floats) -> Floats:
    """Probability that a request finds all servers busy and is lost (M/G/c/c).

    Parameters
    ----------
    servers
        c, from 0 on.
    load
        A, arrival rate over service rate, in erlangs; any load is legal, since what finds no
        server leaves.

    Source: Erlang (1917). The recursion over c is exact and does not overflow.

    Examples
    --------
    >>> round(erlang_b(10, 5.0), 6)
    0.018385
    """
    count = checks.whole_number("servers", servers, low=0, high=_MOST_SERVERS)
    a = checks.non_negative("load", load, unit="erlangs")
    lost = np.ones_like(a)
    for k in range(1, count + 1):
        lost = a * lost / (k + a * lost)
    return plain(lost)


def erlang_c(servers: int, load: Floats) -> Floats:
    """Probability that a request has to wait for one of c servers (M/M/c).

    Parameters
    ----------
    servers
        c, from 1 on.
    load
        A in erlangs, below c.

    Raises
    ------
    ValueError
        If the load is not below c: the queue would grow without end.

    Examples
    --------
    >>> round(erlang_c(10, 5.0), 6)
    0.036105
    """
    count = checks.whole_number("servers", servers, high=_MOST_SERVERS)
    a = check_stable(load, count)
    lost = erlang_b(count, a)
    return plain(count * lost / (count - a * (1 - lost)))


def mmc(arrival_rate: Floats, service_rate: Floats, servers: int) -> MultiServerQueue:
    """Steady state of c servers with one queue, Poisson arrivals and exponential service.

    Parameters
    ----------
    arrival_rate, service_rate
        λ of all requests and μ of one server, per unit of time.
    servers
        c.

    Raises
    ------
    ValueError
        If λ is not below cμ: the queue would grow without end.

    Examples
    --------
    >>> queue = mmc(8.0, 1.0, 10)
    >>> round(queue.mean_wait, 4), round(queue.wait_quantile(0.99), 3)
    (0.2046, 1.856)
    """
    lam = checks.non_negative("arrival_rate", arrival_rate, unit="per unit of time")
    mu = checks.finite("service_rate", service_rate, low=0, low_open=True, unit="per unit of time")
    c = checks.whole_number("servers", servers, high=_MOST_SERVERS)
    waits = erlang_c(c, lam / mu)
    spare = c * mu - lam
    wait = waits / spare
    return MultiServerQueue(
        utilisation=plain(lam / (c * mu)),
        wait_probability=waits,
        mean_wait=plain(wait),
        mean_time=plain(wait + 1 / mu),
        mean_queue=plain(lam * wait),
        spare_rate=plain(spare),
    )


def approximate_wait(
    arrival_rate: Floats,
    service_rate: Floats,
    servers: int,
    *,
    arrival_scv: Floats = 1.0,
    service_scv: Floats = 1.0,
) -> Floats:
    """Mean wait in a queue with any laws of arrival and service (G/G/c), by Allen and Cunneen.

    The wait of M/M/c times the mean of the two squared coefficients of variation. Exact for one
    server with Poisson arrivals (Pollaczek and Khinchine) and for M/M/c, else a rule of thumb: for
    ten servers at 80% it misses the simulation by a few per cent up to a third, the most where
    services vary little and arrivals much.

    Parameters
    ----------
    arrival_rate, service_rate, servers
        As in `mmc`.
    arrival_scv, service_scv
        Variance over squared mean of the time between arrivals and of service; for a law of
        durations its property ``scv``.

    Examples
    --------
    >>> round(approximate_wait(0.8, 1.0, 1, service_scv=0.0), 3)  # M/D/1: half of M/M/1
    2.0
    """
    ca = checks.non_negative("arrival_scv", arrival_scv)
    cs = checks.non_negative("service_scv", service_scv)
    return plain(mmc(arrival_rate, service_rate, servers).mean_wait * (ca + cs) / 2)


def kingman_bound(
    arrival_rate: Floats, service_rate: Floats, *, arrival_scv: Floats, service_scv: Floats
) -> Floats:
    """Mean wait at one server that no laws of arrival and service exceed (G/G/1).

    Parameters
    ----------
    arrival_rate, service_rate, arrival_scv, service_scv
        As in `approximate_wait`.

    Notes
    -----
    λ times the sum of the variances of gaps and services, over 2(1 − ρ). Source: Kingman (1962),
    Some inequalities for the queue GI/G/1, Biometrika 49(3/4), 315–324.

    Examples
    --------
    >>> round(kingman_bound(0.8, 1.0, arrival_scv=1.0, service_scv=1.0), 3)  # M/M/1 has 4
    5.125
    """
    lam = checks.finite("arrival_rate", arrival_rate, low=0, low_open=True)
    mu = checks.finite("service_rate", service_rate, low=0, low_open=True)
    rho = check_stable(lam / mu, 1)
    ca = checks.non_negative("arrival_scv", arrival_scv)
    cs = checks.non_negative("service_scv", service_scv)
    return plain(lam * (ca / lam**2 + cs / mu**2) / (2 * (1 - rho)))


def servers_needed(
    load: float, wait_probability: float, *, longest_wait: float = 0.0, pools: int = 1
) -> int:
    """Servers, over all pools, with which at most a share of the requests waits, or waits long.

    Parameters
    ----------
    load
        Load of all pools together in erlangs; each takes an equal part and helps no other.
    wait_probability
        Largest share that may wait for longer than ``longest_wait``, between 0 and 1.
    longest_wait
        Time that anyone may wait, in mean service times.
    pools
        Number of pools.

    Examples
    --------
    >>> servers_needed(80, 0.05), servers_needed(80, 0.05, pools=10)
    (97, 140)
    >>> servers_needed(80, 0.05, longest_wait=0.2)
    89
    """
    a = checks.number("load", load, low=0, high=1e6, unit="erlangs")
    target = checks.number("wait_probability", wait_probability, low=0, low_open=True, high=1)
    patience = checks.number("longest_wait", longest_wait, low=0, unit="service times")
    count = checks.whole_number("pools", pools)
    share = a / count
    lost, c = 1.0, 0
    while True:
        c += 1
        lost = share * lost / (c + share * lost)
        if c > share:
            waits = c * lost / (c - share * (1 - lost))
            if waits * np.exp(-(c - share) * patience) <= target:
                return c * count


def tail_at_scale(slow_probability: Floats, calls: Floats) -> Floats:
    """Probability that at least one of n calls is slow: 1 − (1 − p)ⁿ.

    Source: Dean & Barroso (2013), Communications of the ACM 56(2), 74–80.

    Examples
    --------
    >>> round(tail_at_scale(0.01, 100), 3), round(tail_at_scale(0.0001, 2000), 3)
    (0.634, 0.181)
    """
    p = checks.finite("slow_probability", slow_probability, low=0, high=1)
    n = checks.non_negative("calls", calls)
    with np.errstate(divide="ignore", invalid="ignore"):
        slow = -np.expm1(n * np.log1p(-p))
    return plain(np.where(n == 0, 0.0, slow))


def hedged_request(service_rate: float, delay: float) -> Hedge:
    """Times of a request of exponential service that is sent again after a delay.

    Parameters
    ----------
    service_rate
        μ of either copy.
    delay
        d, from 0 (always two copies) on.

    Examples
    --------
    >>> hedge = hedged_request(1.0, np.log(20))  # after the 95% point
    >>> round(hedge.mean, 3), round(hedge.extra_load, 3), round(hedge.quantile(0.99), 2)
    (0.975, 0.05, 3.8)
    """
    mu = checks.number("service_rate", service_rate, low=0, low_open=True)
    return Hedge(mu, checks.number("delay", delay, low=0))


def check_stable(load: Floats, servers: int) -> NDArray[np.float64]:
    """Return the load if fewer erlangs arrive than there are servers."""
    a = checks.non_negative("load", load, unit="erlangs")
    if (a >= servers).any():
        raise ValueError(
            f"load is {np.max(a):g} erlangs; allowed: [0, {servers}) erlangs, fewer than there are "
            "servers, or the queue grows without end"
        )
    return a


def request_counts(requests: int, runs: int, warm_up: int | None) -> tuple[int, int, int]:
    """Return the requests per run, the runs, and how many at the start are not reported."""
    n, count = checks.whole_number("requests", requests), checks.whole_number("runs", runs)
    fits_in_memory("runs × requests", (count, n))
    if warm_up is None:
        return n, count, n // 10
    return n, count, checks.whole_number("warm_up", warm_up, low=0, high=n - 1)


def mean_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the mean of (runs, requests), by run; NaN for one run."""
    means = np.nanmean(values, axis=1)
    return float(np.std(means, ddof=1) / np.sqrt(means.size)) if means.size > 1 else float("nan")
