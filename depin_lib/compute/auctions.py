"""Prices that come about by bidding and clearing, simulated bid by bid and order by order.

The closed forms of `clearing` hold for uniform costs and constant elasticities. Here costs may have
any distribution, and a market has a finite number of buyers and sellers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .. import checks
from ..distributions import Distribution
from ..seeds import Seed, seed_word, uniforms
from .ownership import Floats, plain

__all__ = [
    "AuctionSamples",
    "MarketSamples",
    "equilibrium_bid",
    "simulate_auction",
    "simulate_market",
]

RULES = ("first_price", "second_price", "uniform_price")
_NODES = 48


@dataclass(frozen=True)
class AuctionSamples:
    """Auctions run by run; arrays of shape (runs,)."""

    price: NDArray[np.float64]  #: mean price of a unit, in the money of the costs
    cost: NDArray[np.float64]  #: mean cost of the winners
    efficient: NDArray[np.bool_]  #: whether the cheapest won

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: mean price, winners' mean cost, whether the cheapest won."""
        return pd.DataFrame(dict(vars(self)))


@dataclass(frozen=True)
class MarketSamples:
    """A market with many buyers and sellers, run by run; arrays of shape (runs,)."""

    clearing_price: NDArray[np.float64]  #: price at which as much is offered as is asked for
    unserved: NDArray[np.float64]  #: share of demand at the old price turned away if it stays
    traded: NDArray[np.float64]  #: units sold at the clearing price

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: clearing price, unserved share of demand, units traded."""
        return pd.DataFrame(dict(vars(self)))


def equilibrium_bid(share_below: ArrayLike, costs: Distribution, bidders: int) -> Floats:
    """Bid in a reverse auction won and paid by the lowest bid, for costs of any distribution.

    It is the expected lowest cost of the n − 1 others, given that all of them are above one's own.

    Parameters
    ----------
    share_below
        Probability that another bidder's cost is below one's own, in [0, 1); any shape.
    costs
        Distribution of every bidder's cost, independent; it needs a highest value.
    bidders
        n, at least 2.

    Source: Krishna (2009), Auction Theory, chapter 2, turned round for a purchase.

    Examples
    --------
    >>> from depin_lib.compute import Uniform, first_price_bid
    >>> round(equilibrium_bid(0.1, Uniform(1, 3), 5), 6), round(first_price_bid(1.2, 3, 5), 6)
    (1.56, 1.56)
    """
    u = checks.finite("share_below", share_below, low=0, high=1, high_open=True)
    n = checks.whole_number("bidders", bidders, low=2)
    top = costs.quantile(np.nextafter(1.0, 0.0))
    checks.finite("the highest cost", top)
    nodes, weights = special.roots_jacobi(_NODES, 0.0, n - 2.0)
    t = (nodes + 1) / 2  # the others' lowest, as a share of what lies above: density (n−1) t^(n−2)
    share = np.minimum(1 - (1 - u[..., None]) * t, np.nextafter(1.0, 0.0))
    return plain(costs.quantile(share) @ (weights / weights.sum()))


def simulate_auction(
    costs: Distribution,
    bidders: int,
    *,
    units: int = 1,
    rule: str = "first_price",
    runs: int = 10_000,
    seed: Seed = None,
) -> AuctionSamples:
    """Run reverse auctions in which each bidder has one unit and asks what suits him best.

    Parameters
    ----------
    costs
        Distribution of every bidder's cost; independent draws.
    bidders
        n, at least 2.
    units
        k, units bought; more than one only under ``"uniform_price"``, and fewer than n.
    rule
        ``"first_price"``: the lowest bid wins and is paid (as on Akash); ``"second_price"``: it is
        paid the second-lowest; ``"uniform_price"``: the k lowest are paid the lowest that loses.
    runs
        Number of auctions.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    AuctionSamples
        The same bits for any number of threads.

    Raises
    ------
    ValueError
        If the rule is unknown, or ``units`` does not fit it.

    Examples
    --------
    >>> from depin_lib.compute import Uniform, reverse_auction_price
    >>> prices = simulate_auction(Uniform(1, 3), 5, runs=20_000, seed=1).price
    >>> bool(abs(prices.mean() - reverse_auction_price(1, 3, 5)) < 0.01)
    True
    """
    checks.choice("rule", rule, RULES)
    n = checks.whole_number("bidders", bidders, low=2)
    most = n - 1 if rule == "uniform_price" else 1
    k = checks.whole_number("units", units, high=most)
    count = checks.whole_number("runs", runs)
    u = np.sort(uniforms(count, n, seed=seed), axis=1)  # whoever is cheapest bids lowest
    drawn = costs.quantile(u)
    if rule == "first_price":
        price = np.asarray(equilibrium_bid(u[:, 0], costs, n))
    else:  # asking one's cost is best, since one's bid never sets one's own price
        price = drawn[:, k]
    mean_cost = drawn[:, :k].mean(axis=1)
    return AuctionSamples(price, mean_cost, np.all(drawn[:, :k] <= drawn[:, [k]], axis=1))


def simulate_market(
    demand_shift: float,
    demand_elasticity: float,
    supply_elasticity: float,
    *,
    units: int = 2000,
    highest_price: float = 20.0,
    runs: int = 200,
    seed: Seed = None,
) -> MarketSamples:
    """Let single buyers and sellers meet after demand has grown, at a clearing and a posted price.

    Before the shift as many units are offered as asked for at the price 1. Buyers have the highest
    prices they would pay, sellers the lowest they would take, drawn so that demand falls as p^(−ε)
    above 1 and supply grows as p^η; the market clears where the two lists cross.

    Parameters
    ----------
    demand_shift
        z, at least 1: units asked for at the old price, relative to before.
    demand_elasticity, supply_elasticity
        ε above 0 and η at least 0, as in `surge_price`; η = 0 is a fixed supply.
    units
        Units that changed hands before.
    highest_price
        Sellers who would come only above it are left out.
    runs, seed
        As in `simulate_auction`.

    Raises
    ------
    ValueError
        If the price reaches ``highest_price`` in some run.

    Examples
    --------
    >>> from depin_lib.compute import surge_price
    >>> market = simulate_market(2, 0.5, 1.0, runs=50, seed=1)
    >>> bool(abs(market.clearing_price.mean() - surge_price(2, 0.5, 1.0)) < 0.02)
    True
    """
    z = checks.number("demand_shift", demand_shift, low=1, high=100)
    eps = checks.number("demand_elasticity", demand_elasticity, low=0, low_open=True)
    eta = checks.number("supply_elasticity", supply_elasticity, low=0)
    top = checks.number("highest_price", highest_price, low=1, low_open=True)
    base = checks.whole_number("units", units, high=1e6)
    count = checks.whole_number("runs", runs)
    word = int(seed_word(seed))
    asked = round(z * base)
    buyers = uniforms(count, asked, seed=word, purpose=1) ** (-1 / eps)
    if eta:
        sellers = top * uniforms(count, round(base * top**eta), seed=word, purpose=2) ** (1 / eta)
    else:
        sellers = np.zeros((count, base))
    buyers, sellers = -np.sort(-buyers, axis=1), np.sort(sellers, axis=1)
    short = min(buyers.shape[1], sellers.shape[1])
    matched = (buyers[:, :short] >= sellers[:, :short]).sum(axis=1)
    rows = np.arange(count)
    price = np.maximum(sellers[rows, matched - 1], _next(buyers, matched))
    if (price > top).any():
        raise ValueError(
            f"the clearing price is {price.max():.3g}; allowed: at most highest_price, {top:g}"
        )
    at_one = (sellers <= 1).sum(axis=1)
    return MarketSamples(price, np.maximum(0.0, 1 - at_one / asked), matched.astype(np.float64))


def _next(buyers: NDArray[np.float64], matched: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the first buyer who gets nothing would have paid, or 0 where all are served."""
    padded = np.concatenate([buyers, np.zeros((len(buyers), 1))], axis=1)
    return np.asarray(padded[np.arange(len(buyers)), matched])
