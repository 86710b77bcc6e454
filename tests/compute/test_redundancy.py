import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from depin_lib import compute, data

SHARE = st.floats(0.01, 0.99)


@given(a=st.floats(0, 1), n=st.integers(1, 30))
def test_one_of_many_is_the_binomial(a: float, n: int) -> None:
    assert compute.availability_of_k(a, n, 1) == pytest.approx(compute.availability_of_any(a, n))
    assert compute.availability_of_k(a, n, 0) == 1
    assert compute.availability_of_k(a, n, n) == pytest.approx(a**n, abs=1e-12)


@given(a=SHARE, n=st.integers(1, 60), rho=st.floats(0.001, 0.999), data=st.data())
def test_correlated_machines_follow_the_beta_binomial_law(
    a: float, n: int, rho: float, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, n))
    size = (1 - rho) / rho
    expected = stats.betabinom(n, a * size, (1 - a) * size).sf(k - 1)
    found = compute.availability_of_k(a, n, k, correlation=rho)
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)


@given(a=SHARE, n=st.integers(2, 40), rho=st.floats(0, 1))
def test_fit_gives_back_what_the_law_was_made_from(a: float, n: int, rho: float) -> None:
    at_least = [compute.availability_of_k(a, n, k, correlation=rho) for k in range(n + 1)]
    share = np.clip(-np.diff([*at_least, 0.0]), 0, 1)
    found = compute.shared_outages(share)
    assert found.availability == pytest.approx(a)
    assert found.correlation == pytest.approx(rho, abs=1e-7)


@given(a=SHARE, n=st.integers(1, 40), rho=st.floats(0, 1), beta=st.floats(0, 1))
def test_more_machines_help_and_shared_causes_hurt(
    a: float, n: int, rho: float, beta: float
) -> None:
    shared = {"correlation": rho, "common_share": beta}
    one, two = (compute.availability_of_k(a, m, 1, **shared) for m in (n, n + 1))
    assert a - 1e-12 <= one <= two + 1e-12 <= 1 - beta * (1 - a) + 1e-9
    assert compute.availability_of_k(a, 1, 1, **shared) == pytest.approx(a)
    assert one <= compute.availability_of_any(a, n) + 1e-12


def test_common_outages_against_the_simulated_fleet() -> None:
    """Exponential outages, shared ones every 40 hours: the beta factor holds for short repairs."""
    up, down, shared = 20.0, 0.5, 40.0
    fleet = compute.simulate_fleet(
        4,
        compute.ExponentialTime(up),
        compute.ExponentialTime(down),
        shared_mean_hours=shared,
        hours=20_000,
        runs=40,
        seed=1,
    )
    a = float(fleet.availability.mean())
    beta = (1 / shared) / (1 / up + 1 / shared)
    expected = 1 - compute.availability_of_k(a, 4, 1, common_share=beta)
    assert 1 - fleet.any_up == pytest.approx(expected, rel=0.05)


@given(
    a=st.floats(0.3, 0.99),
    target=st.floats(0.5, 0.999),
    needed=st.integers(1, 20),
    rho=st.sampled_from([0.0, 0.02, 0.1]),
)
def test_machines_needed_are_enough_and_no_more(
    a: float, target: float, needed: int, rho: float
) -> None:
    try:
        n = compute.machines_needed(a, target, needed=needed, correlation=rho, most=2000)
    except ValueError:
        assert compute.availability_of_k(a, 2000, needed, correlation=rho) < target
        return
    assert compute.availability_of_k(a, n, needed, correlation=rho) >= target
    if n > needed:
        assert compute.availability_of_k(a, n - 1, needed, correlation=rho) < target


def test_sixteen_observed_machines_follow_the_law_of_two_numbers() -> None:
    """Availability and correlation alone give how often none and how often all were there."""
    for _, rows in data.load("spot_nodes").groupby("zone"):
        share = rows["share_of_time"].to_numpy()
        found = compute.shared_outages(share)
        shared = {"correlation": found.correlation}
        a = found.availability
        assert found.correlation > 0.88
        assert compute.availability_of_k(a, 16, 16, **shared) == pytest.approx(share[16], abs=0.005)
        none = 1 - compute.availability_of_k(a, 16, 1, **shared)
        assert none == pytest.approx(share[0], abs=0.015)


def test_arrays_and_extremes() -> None:
    found = compute.availability_of_any(0.9, np.array([1, 2, 3]), correlation=[0.0, 0.5, 1.0])
    assert found == pytest.approx([0.9, 1 - 0.1 * (0.1 + 0.5 * 0.9), 0.9])
    assert compute.availability_of_k(1.0, 5, 5, correlation=0.3) == 1
    assert compute.availability_of_k(0.0, 5, 1, correlation=0.3) == 0
    assert compute.availability_of_k(0.0, 5, 1, common_share=1.0) == 0
    thousands = compute.availability_of_k(0.98, 5000, 4850, correlation=1e-9)
    assert thousands == pytest.approx(compute.availability_of_k(0.98, 5000, 4850), rel=1e-4)


def test_credits_of_aws() -> None:
    assert compute.AWS_INSTANCE.credit(0.995) == 0
    assert compute.AWS_INSTANCE.credit(0.9949) == 0.1
    assert compute.AWS_REGION.credit([1, 0.9998, 0.98, 0.5]).tolist() == [0, 0.1, 0.3, 1]


@given(better=st.floats(0, 1), worse=st.floats(0, 1))
def test_less_uptime_never_means_less_credit(better: float, worse: float) -> None:
    worse, better = sorted((better, worse))
    assert compute.AWS_INSTANCE.credit(worse) >= compute.AWS_INSTANCE.credit(better)


def test_downtime_of_published_levels() -> None:
    assert compute.downtime_minutes(0.999, hours=730.5) == pytest.approx(43.83)
    assert compute.downtime_minutes(0.9999) == pytest.approx(4.38)
    assert math.isclose(compute.downtime_minutes(0.995) / 60, 3.65)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.availability_of_k(0.5, 3, 4), r"needed is 4; allowed: \[0, 3\]"),
        (lambda: compute.availability_of_k(0.5, 3, 2, correlation=-0.1), "correlation is -0.1"),
        (lambda: compute.availability_of_any(0.5, 0), r"providers is 0; allowed: finite, \[1, inf"),
        (
            lambda: compute.availability_of_any(0.5, 1.5, correlation=0.1),
            "machines is 1.5; allowed: whole numbers",
        ),
        (
            lambda: compute.machines_needed(0.9, 0.995, common_share=0.1),
            r"target is 0.995; allowed: up to 0.99, what 10000 machines reach with correlation 0",
        ),
        (lambda: compute.machines_needed(0.9, 1.0), r"target is 1; allowed: \[0, 1\)"),
        (lambda: compute.shared_outages([0.5, 0.5]), "2 entries; allowed: at least 3"),
        (lambda: compute.shared_outages([0.5, 0.1, 0.1]), "the sum of share_of_time is 0.7"),
        (lambda: compute.shared_outages([0, 0, 1]), "always or never there"),
        (lambda: compute.downtime_minutes(99.9), "availability is 99.9; allowed"),
        (lambda: compute.CreditSchedule(0.99, ((0.9, 0.1),)), "not at the promised 0.99"),
        (lambda: compute.CreditSchedule(0.9, ((0.9, 0.2), (0.8, 0.1))), "growing credits"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
