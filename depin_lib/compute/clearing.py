"""How a price comes about: posted, cleared, or bid for, and how much to reserve beforehand."""

import numpy as np
from scipy import special

from .. import checks
from .ownership import Floats, plain

__all__ = [
    "commitment_cost",
    "commitment_level",
    "first_price_bid",
    "reverse_auction_price",
    "surge_price",
    "uniform_auction_price",
    "unserved_share",
]


def surge_price(
    demand_shift: Floats, demand_elasticity: Floats, supply_elasticity: Floats = 0.0
) -> Floats:
    """Price that clears the market after demand has grown, relative to before: z^(1/(ε + η)).

    Demand z p^(−ε) meets supply p^η, both 1 at the price 1 before the shift.

    Parameters
    ----------
    demand_shift
        z, demand at the old price, relative to before.
    demand_elasticity, supply_elasticity
        ε and η, both as positive numbers; η = 0 is a fixed supply. Not both zero.

    Examples
    --------
    >>> round(surge_price(2, 0.5, 1.0), 3), round(surge_price(1.2, 0.5), 2)
    (1.587, 1.44)
    """
    z = checks.finite("demand_shift", demand_shift, low=0, low_open=True)
    eps = checks.non_negative("demand_elasticity", demand_elasticity)
    eta = checks.non_negative("supply_elasticity", supply_elasticity)
    total = checks.finite("the sum of the elasticities", eps + eta, low=0, low_open=True)
    return plain(z ** (1 / total))


def unserved_share(demand_shift: Floats, *, load_before: Floats = 1.0) -> Floats:
    """Share of demand that is turned away where the price is posted and does not move.

    Parameters
    ----------
    demand_shift
        Demand relative to before.
    load_before
        Demand before, relative to the supply.

    Examples
    --------
    >>> round(unserved_share(1.25), 3), unserved_share(1.25, load_before=0.7)
    (0.2, 0.0)
    """
    z = checks.finite("demand_shift", demand_shift, low=0, low_open=True)
    load = z * checks.finite("load_before", load_before, low=0, low_open=True)
    return plain(np.maximum(0.0, 1 - 1 / load))


def first_price_bid(cost: Floats, highest_cost: Floats, bidders: Floats) -> Floats:
    """Bid in a reverse auction in which the lowest bid wins and is paid: c + (b − c)/n.

    The equilibrium of n bidders whose costs are independent and uniform up to b.

    Parameters
    ----------
    cost, highest_cost
        c, own cost, and b, the highest that anyone may have; in the same money.
    bidders
        n, at least 1; the only bidder asks for b, which is then the buyer's limit.

    Source: Vickrey (1961), Journal of Finance 16(1), 8–37.

    Examples
    --------
    >>> round(first_price_bid(1.2, 3.0, 5), 2)
    1.56
    """
    b = checks.non_negative("highest_cost", highest_cost)
    c = checks.non_negative("cost", cost)
    if (c > b).any():
        raise ValueError(f"cost is {np.max(c):g}; allowed: at most highest_cost, {np.min(b):g}")
    n = checks.finite("bidders", bidders, low=1)
    return plain(c + (b - c) / n)


def reverse_auction_price(lowest_cost: Floats, highest_cost: Floats, bidders: Floats) -> Floats:
    """Expected price of one unit: the second-lowest of n uniform costs, a + 2(b − a)/(n + 1).

    It is the same whether the winner is paid his bid or the second-lowest cost.

    Parameters
    ----------
    lowest_cost, highest_cost
        a and b, ends of the range of costs, in the same money.
    bidders
        n, at least 1; the only bidder gets b.

    Examples
    --------
    >>> round(reverse_auction_price(1.0, 3.0, 5), 3)
    1.667
    """
    return uniform_auction_price(lowest_cost, highest_cost, bidders, units=1)


def uniform_auction_price(
    lowest_cost: Floats, highest_cost: Floats, bidders: Floats, *, units: Floats
) -> Floats:
    """Expected price where k units are bought at the lowest cost that loses: a + (b−a)(k+1)/(n+1).

    Parameters
    ----------
    lowest_cost, highest_cost, bidders
        As in `reverse_auction_price`; each bidder has one unit.
    units
        k, at most the bidders; where all of them win, the price is b, the buyer's limit.

    Examples
    --------
    >>> round(uniform_auction_price(0.1, 0.9, 100, units=60), 3)
    0.583
    """
    a = checks.non_negative("lowest_cost", lowest_cost)
    b = checks.non_negative("highest_cost", highest_cost)
    if (a > b).any():
        raise ValueError(
            f"lowest_cost is {np.max(a):g}; allowed: at most highest_cost, {np.min(b):g}"
        )
    n = checks.finite("bidders", bidders, low=1)
    k = checks.finite("units", units, low=1)
    if (k > n).any():
        raise ValueError(f"units is {np.max(k):g}; allowed: at most {np.min(n):g}, one per bidder")
    return plain(a + (b - a) * (k + 1) / (n + 1))


def commitment_level(
    mean_demand: Floats, sd_demand: Floats, reserved_price_ratio: Floats
) -> Floats:
    """How much to reserve when demand is normal: P(demand > q) = reserved over on-demand price.

    Parameters
    ----------
    mean_demand, sd_demand
        Mean and standard deviation of demand, in GPUs.
    reserved_price_ratio
        Price of a reserved hour over that of an hour on demand, between 0 and 1.

    Examples
    --------
    >>> round(commitment_level(100, 20, 0.40), 1), round(commitment_level(100, 20, 0.60), 1)
    (105.1, 94.9)
    """
    mean, sd, ratio = _demand(mean_demand, sd_demand, reserved_price_ratio)
    return plain(np.maximum(0.0, mean - sd * special.ndtri(ratio)))


def commitment_cost(
    reserved: Floats, mean_demand: Floats, sd_demand: Floats, reserved_price_ratio: Floats
) -> Floats:
    """Expected cost of a reservation and of what is bought on demand beside it.

    Parameters
    ----------
    reserved
        q, GPUs that are reserved and paid, used or not.
    mean_demand, sd_demand, reserved_price_ratio
        As in `commitment_level`.

    Returns
    -------
    float or ndarray
        In prices of an hour on demand, per hour.

    Examples
    --------
    >>> best = commitment_level(100, 20, 0.6)
    >>> commitment_cost(best, 100, 20, 0.6) < commitment_cost(100, 100, 20, 0.6)
    True
    """
    mean, sd, ratio = _demand(mean_demand, sd_demand, reserved_price_ratio)
    checks.finite("sd_demand", sd, low=0, low_open=True, unit="GPUs")
    q = checks.non_negative("reserved", reserved, unit="GPUs")
    z = (q - mean) / sd
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    beyond = sd * (density - z * special.ndtr(-z))
    return plain(ratio * q + beyond)


def _demand(mean: Floats, sd: Floats, ratio: Floats) -> tuple[Floats, Floats, Floats]:
    return (
        checks.non_negative("mean_demand", mean, unit="GPUs"),
        checks.non_negative("sd_demand", sd, unit="GPUs"),
        checks.finite("reserved_price_ratio", ratio, low=0, low_open=True, high=1, high_open=True),
    )
