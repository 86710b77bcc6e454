"""Auctions and markets against the closed forms."""

import numpy as np
import pytest

from depin_lib import compute
from depin_lib.compute import Empirical, Lognormal, Triangular, Uniform

RUNS = 20_000


def near(values: np.ndarray, expected: float) -> None:
    assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(values.size)


@pytest.mark.parametrize("bidders", [2, 5, 30])
@pytest.mark.parametrize("rule", ["first_price", "second_price"])
def test_reverse_auctions_cost_the_same(bidders: int, rule: str) -> None:
    sold = compute.simulate_auction(Uniform(1, 3), bidders, rule=rule, runs=RUNS, seed=1)
    near(sold.price, compute.reverse_auction_price(1, 3, bidders))
    near(sold.cost, 1 + 2 / (bidders + 1))
    assert sold.efficient.all()
    assert (sold.price >= sold.cost).all()


def test_uniform_price() -> None:
    sold = compute.simulate_auction(
        Uniform(0.1, 0.9), 100, units=60, rule="uniform_price", runs=RUNS, seed=1
    )
    near(sold.price, compute.uniform_auction_price(0.1, 0.9, 100, units=60))


@pytest.mark.parametrize("costs", [Triangular(1, 1.2, 3), Empirical(np.linspace(1, 3, 40) ** 2)])
def test_revenue_equivalence_for_other_costs(costs: compute.Distribution) -> None:
    first, second = (
        compute.simulate_auction(costs, 6, rule=rule, runs=RUNS, seed=1).price
        for rule in ("first_price", "second_price")
    )
    near(first - second, 0.0)
    assert first.std() < second.std()  # the same on average, with less risk


@pytest.mark.parametrize("bidders", [2, 3, 10])
def test_equilibrium_bid_of_uniform_costs(bidders: int) -> None:
    share = np.linspace(0, 0.99, 12)
    bids = compute.equilibrium_bid(share, Uniform(1, 3), bidders)
    np.testing.assert_allclose(bids, compute.first_price_bid(1 + 2 * share, 3, bidders), rtol=1e-9)


def test_no_other_bid_pays_better() -> None:
    """Against five who bid as in equilibrium, a host with a known cost gains nothing elsewhere."""
    costs, cost_share = Triangular(1, 1.5, 3), 0.3
    own = float(costs.quantile(cost_share))
    shares = np.linspace(0, 0.98, 99)
    bids = np.asarray(compute.equilibrium_bid(shares, costs, 6))
    gain = (bids - own) * (1 - shares) ** 5  # bidding as if one's cost lay at another share
    assert abs(shares[gain.argmax()] - cost_share) < 0.011


@pytest.mark.parametrize(("z", "eps", "eta"), [(2.0, 0.5, 1.0), (1.2, 0.5, 0.0), (1.39, 0.6, 0.4)])
def test_market_clears_at_the_closed_form(z: float, eps: float, eta: float) -> None:
    market = compute.simulate_market(z, eps, eta, runs=200, seed=1)
    assert market.clearing_price.mean() == pytest.approx(compute.surge_price(z, eps, eta), rel=0.01)
    assert market.unserved.mean() == pytest.approx(compute.unserved_share(z), abs=0.01)
    assert len(market.to_frame()) == 200


def test_seeds() -> None:
    a, b = (compute.simulate_auction(Uniform(1, 3), 5, runs=50, seed=4).price for _ in range(2))
    assert np.array_equal(a, b)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="rule"):
        compute.simulate_auction(Uniform(1, 3), 5, rule="dutch")
    with pytest.raises(ValueError, match="units is 2"):
        compute.simulate_auction(Uniform(1, 3), 5, units=2)
    with pytest.raises(ValueError, match="bidders is 1"):
        compute.simulate_auction(Uniform(1, 3), 1)
    with pytest.raises(ValueError, match="highest_price"):
        compute.simulate_market(9, 0.2, 0.1, highest_price=3, runs=5, seed=1)
    bids = compute.equilibrium_bid([0.1], Lognormal(2, 0.3), 5)
    assert np.isfinite(bids).all()
