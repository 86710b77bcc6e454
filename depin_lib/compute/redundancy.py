"""Machines that stand in for one another, and the causes that take them away together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "SharedOutages",
    "availability_of_any",
    "availability_of_k",
    "machines_needed",
    "shared_outages",
]

_MOST_MACHINES = 100_000


@dataclass(frozen=True)
class SharedOutages:
    """What a record of machines that come and go says about their outages."""

    machines: int  #: number of machines
    availability: float  #: share of time that one machine is there, mean over the machines
    correlation: float  #: of whether one and whether another is there, mean over the pairs


def availability_of_any(
    availability: Floats, providers: Floats, *, correlation: Floats = 0.0
) -> Floats:
    """Share of time that at least one of n providers is there; independent: 1 − (1 − a)ⁿ.

    Parameters
    ----------
    availability
        a of each.
    providers
        n, from 1 on; a whole number where the outages are correlated.
    correlation
        ρ, between 0 and 1; see `availability_of_k`.

    Examples
    --------
    >>> round(availability_of_any(0.8, 3), 3)
    0.992
    >>> round(availability_of_any(0.8, 3, correlation=0.5), 3)
    0.912
    """
    a = checks.finite("availability", availability, low=0, high=1)
    n = checks.finite("providers", providers, low=1)
    rho = checks.finite("correlation", correlation, low=0, high=1)
    if not rho.any():
        return plain(1 - (1 - a) ** n)
    shared = np.frompyfunc(lambda a, n, rho: availability_of_k(a, n, 1, correlation=rho), 3, 1)
    return plain(np.asarray(shared(a, n, rho), dtype=np.float64))


def availability_of_k(
    availability: float,
    machines: int,
    needed: int,
    *,
    correlation: float = 0.0,
    common_share: float = 0.0,
) -> float:
    """Share of time that at least k of n alike machines are there.

    Parameters
    ----------
    availability
        a of each machine.
    machines, needed
        n and k, k up to n.
    correlation
        ρ, between 0 and 1: the correlation of whether one and whether another is there. The number
        that are there follows the beta-binomial law, which is binomial for ρ = 0 and all or none
        for ρ = 1.
    common_share
        β, between 0 and 1: the share of a machine's unavailability that comes from causes that take
        all of them at once (the beta factor of reliability engineering). With it the result cannot
        exceed 1 − β(1 − a), however many machines there are. ρ then holds outside such causes.

    Examples
    --------
    >>> round(1 - availability_of_k(0.9, 10, 8), 3)
    0.07
    >>> round(1 - availability_of_k(0.9, 10, 8, correlation=0.3), 3)
    0.151
    >>> round(availability_of_k(0.9, 1000, 1, common_share=0.1), 3)
    0.99
    """
    a = checks.number("availability", availability, low=0, high=1)
    n = checks.whole_number("machines", machines, high=_MOST_MACHINES)
    k = checks.whole_number("needed", needed, low=0, high=n)
    rho = checks.number("correlation", correlation, low=0, high=1)
    beta = checks.number("common_share", common_share, low=0, high=1)
    if k == 0:
        return 1.0
    outside = 1 - beta * (1 - a)  # share of time without a common outage
    if outside == 0:
        return 0.0
    return outside * _at_least(min(1.0, a / outside), n, k, rho)


def machines_needed(
    availability: float,
    target: float,
    *,
    needed: int = 1,
    correlation: float = 0.0,
    common_share: float = 0.0,
    most: int = 10_000,
) -> int:
    """Smallest number of alike machines of which at least k are there for a share of the time.

    Parameters
    ----------
    availability
        a of each machine.
    target
        Share of time, below 1.
    needed
        k.
    correlation, common_share
        As in `availability_of_k`.
    most
        Where to stop looking.

    Raises
    ------
    ValueError
        If even ``most`` machines are not enough; the message says how far they come.

    Examples
    --------
    >>> machines_needed(0.98, 0.9999), machines_needed(0.98, 0.9999, correlation=0.1)
    (3, 5)
    """
    goal = checks.number("target", target, low=0, high=1, high_open=True)
    k = checks.whole_number("needed", needed, high=_MOST_MACHINES)
    high = checks.whole_number("most", most, low=k, high=_MOST_MACHINES)

    def reached(n: int) -> float:
        return availability_of_k(
            availability, n, k, correlation=correlation, common_share=common_share
        )

    if reached(high) < goal:
        raise ValueError(
            f"target is {goal:g}; allowed: up to {reached(high):.6g}, what {high} machines reach "
            f"with correlation {correlation:g} and common_share {common_share:g}"
        )
    low = k - 1  # too few; each further machine can only help
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= goal else (middle, high)
    return high


def shared_outages(share_of_time: ArrayLike) -> SharedOutages:
    """Availability and correlation of machines of which a record says how many were there.

    With K of n there, the mean of K is n a, and its variance n a (1 − a) (1 + (n − 1) ρ): both are
    exact for any machines with a and ρ their means over machines and pairs, if all are alike.

    Parameters
    ----------
    share_of_time
        Share of time with exactly 0, 1, …, n machines; shape (n + 1,), n from 2 on.

    Examples
    --------
    >>> found = shared_outages([0.5, 0.0, 0.5])
    >>> found.availability, found.correlation
    (0.5, 1.0)
    """
    share = checks.finite("share_of_time", share_of_time, low=0, high=1, unit="of the time")
    checks.shape("share_of_time", share, (None,), "one entry per number of machines, from 0 on")
    n = share.size - 1
    if n < 2:
        raise ValueError(f"share_of_time has {share.size} entries; allowed: at least 3")
    total = checks.number("the sum of share_of_time", float(share.sum()), low=0.99, high=1.01)
    share = share / total
    count = np.arange(n + 1)
    a = float(share @ count) / n
    if a in (0.0, 1.0):
        raise ValueError("the machines are always or never there: they have no correlation")
    variance = float(share @ (count - n * a) ** 2)
    return SharedOutages(n, a, (variance / (n * a * (1 - a)) - 1) / (n - 1))


def _at_least(a: float, n: int, k: int, rho: float) -> float:
    """Share of time with k or more of n, k from 1 on, from the smaller of the two tails."""
    if a in (0.0, 1.0) or rho == 1.0:
        return a
    there = _log_shares(a, n, rho)
    lower, upper = np.exp(there[:k]).sum(), np.exp(there[k:]).sum()
    return float(1 - lower if lower < upper else upper)


def _log_shares(a: float, n: int, rho: float) -> NDArray[np.float64]:
    """Logarithm of the share of time with 0, 1, …, n machines, by Pólya's urn; shape (n + 1,)."""
    i = np.arange(n)
    none = np.log(((1 - a) * (1 - rho) + i * rho) / (1 - rho + i * rho)).sum()
    step = (n - i) / (i + 1) * (a * (1 - rho) + i * rho)
    step /= (1 - a) * (1 - rho) + (n - 1 - i) * rho
    with np.errstate(divide="ignore"):  # an availability next to nothing: never there
        return np.concatenate(([none], none + np.cumsum(np.log(step))))
