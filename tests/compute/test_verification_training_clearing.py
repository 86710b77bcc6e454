import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from depin_lib import compute
from depin_lib.seeds import uniforms

SHARES = st.floats(0, 1)


@given(n=st.integers(1, 7), f=SHARES)
def test_majority_is_the_sum_over_all_outcomes(n: int, f: float) -> None:
    wrong = 0.0
    for outcome in itertools.product((0, 1), repeat=n):
        if 2 * sum(outcome) > n:
            wrong += f ** sum(outcome) * (1 - f) ** (n - sum(outcome))
    assert compute.replication_error(n, f) == pytest.approx(wrong, abs=1e-12)


def test_published_error_rates() -> None:
    assert compute.replication_error(5, 0.2) == pytest.approx(0.0579, abs=5e-5)
    assert compute.accepted_error_rate(0.1, 0.5, 50, 0.2) == pytest.approx(0.0094, abs=5e-5)
    assert compute.accepted_error_rate(0.5, 1.0, 10_000, 1.0) == 0


def test_spot_checks_by_simulation() -> None:
    draws = uniforms(20_000, 50, seed=3)
    caught = (draws < 0.1 * 0.5).any(axis=1).mean()
    assert compute.detection_probability(0.1, 0.5, 50) == pytest.approx(caught, abs=0.01)


@given(g=st.floats(0.01, 10), s=st.floats(0, 1000), d=st.floats(0.1, 1))
def test_cheating_pays_nothing_at_the_deterrent_rate(g: float, s: float, d: float) -> None:
    q = compute.deterrent_check_rate(g, s, detection=d)
    assert (1 - q * d) * g - q * d * s == pytest.approx(0, abs=1e-9 * (g + s))


def test_links_of_the_comparison() -> None:
    home = compute.ring_allreduce_seconds(14, 20e9, 22.6e6 / 8)
    assert home == pytest.approx(13_148, rel=1e-4)
    assert compute.ring_allreduce_seconds(1, 1e9, 1.0, latency_seconds=1.0) == 0
    slow = compute.ring_allreduce_seconds(8, 0.0, 1.0, latency_seconds=0.05)
    assert slow == pytest.approx(14 * 0.05)
    assert compute.local_steps_needed(0.95, 22.8, 420) == pytest.approx(350)
    assert compute.training_days(10e9, 1e12, 112, 989e12, utilisation=0.39) == pytest.approx(
        16.1, abs=0.05
    )


@given(x=st.floats(0, 0.99), step=st.floats(0.1, 100), sync=st.floats(0.1, 1000))
def test_local_steps_give_the_efficiency(x: float, step: float, sync: float) -> None:
    steps = compute.local_steps_needed(x, step, sync)
    if steps >= 1:
        assert compute.local_step_efficiency(step, sync, local_steps=steps) == pytest.approx(x)


@given(z=st.floats(0.1, 5), eps=st.floats(0.1, 3), eta=st.floats(0, 3))
def test_surge_price_clears(z: float, eps: float, eta: float) -> None:
    p = compute.surge_price(z, eps, eta)
    assert z * p**-eps == pytest.approx(p**eta)


def test_auctions_by_simulation() -> None:
    costs = np.sort(1 + 2 * uniforms(200_000, 5, seed=4), axis=1)
    assert compute.reverse_auction_price(1, 3, 5) == pytest.approx(costs[:, 1].mean(), abs=5e-3)
    bids = compute.first_price_bid(costs[:, 0], 3.0, 5)
    assert compute.reverse_auction_price(1, 3, 5) == pytest.approx(bids.mean(), abs=5e-3)
    assert compute.reverse_auction_price(1, 3, 1) == compute.first_price_bid(2.0, 3.0, 1) == 3
    assert compute.uniform_auction_price(1, 3, 5, units=5) == 3
    third = compute.uniform_auction_price(1, 3, 5, units=3)
    assert third == pytest.approx(costs[:, 3].mean(), abs=5e-3)


@given(ratio=st.floats(0.05, 0.95))
def test_commitment_is_cheapest_at_its_level(ratio: float) -> None:
    best = optimize.minimize_scalar(
        lambda q: compute.commitment_cost(q, 100, 20, ratio), bounds=(0, 200), method="bounded"
    )
    level = compute.commitment_level(100, 20, ratio)
    assert best.x == pytest.approx(level, abs=0.01)
    beyond, _ = integrate.quad(lambda d: (d - level) * stats.norm.pdf(d, 100, 20), level, 300)
    assert best.fun == pytest.approx(ratio * level + beyond, rel=1e-6)


def test_posted_price() -> None:
    assert compute.unserved_share(np.array([0.8, 1.0, 1.25])) == pytest.approx([0, 0, 0.2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.replication_error(3, 0.1, agreeing=4), r"agreeing is 4; allowed: \[1, 3"),
        (lambda: compute.deterrent_check_rate(0, 1), "gain is 0"),
        (lambda: compute.detection_probability(1.1, 0.5, 3), "check_rate is 1.1"),
        (lambda: compute.ring_allreduce_seconds(0, 1, 1), "nodes is 0"),
        (lambda: compute.local_steps_needed(1.0, 1, 1), r"efficiency is 1; allowed.*\[0, 1\)"),
        (lambda: compute.surge_price(2, 0, 0), "the sum of the elasticities is 0"),
        (lambda: compute.first_price_bid(4, 3, 5), "cost is 4; allowed: at most highest_cost, 3"),
        (lambda: compute.reverse_auction_price(3, 1, 5), "lowest_cost is 3; allowed: at most"),
        (lambda: compute.reverse_auction_price(1, 3, 0), r"bidders is 0; allowed: finite, \[1"),
        (lambda: compute.uniform_auction_price(1, 3, 5, units=6), "units is 6; allowed: at most 5"),
        (lambda: compute.commitment_level(100, 20, 1.0), "reserved_price_ratio is 1"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
