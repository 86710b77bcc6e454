import math
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize

from depin_lib import compute

pytestmark = pytest.mark.filterwarnings("ignore::depin_lib.compute.CheckpointWarning")

WRITES = st.floats(1e-4, 5)
MEANS = st.floats(0.05, 1000)


def hours_of_one_interval(work: float, restart: float, mean: float) -> float:
    """Mean time of one interval: integrals over the moment at which the interruption strikes."""

    def attempt(length: float) -> tuple[float, float]:
        gets_through = math.exp(-length / mean)
        lost, _ = integrate.quad(lambda t: t / mean * math.exp(-t / mean), 0, length)
        return gets_through, lost + length * gets_through

    first_through, first = attempt(work)
    again_through, again = attempt(restart + work)
    return first + (1 - first_through) * again / again_through


@given(c=WRITES, m=MEANS)
def test_optimum_is_that_of_a_search(c: float, m: float) -> None:
    def log_overhead(log_tau: float) -> float:
        return math.log(compute.checkpoint_overhead(c, 0.1, m, interval_hours=math.exp(log_tau)))

    best = compute.optimal_interval(c, m)
    around = (math.log(best) - 1, math.log(best) + 1)
    found = optimize.minimize_scalar(log_overhead, bounds=around, method="bounded")
    assert log_overhead(math.log(best)) <= found.fun + 1e-12
    assert best == pytest.approx(math.exp(found.x), rel=0.05)


@pytest.mark.parametrize("ratio", [1e-18, 1e-12, 0.99e-8, 1.01e-8, 1e-5, 1e-3, 0.1, 3.0, 40.0])
def test_optimum_to_fifty_digits(ratio: float) -> None:
    with localcontext() as context:
        context.prec = 50
        low, high = Decimal(0), Decimal(1)
        for _ in range(160):  # (1 − x) eˣ falls from 1 to 0
            x = (low + high) / 2
            above = (1 - x) * x.exp() > (-Decimal(ratio)).exp()
            low, high = (x, high) if above else (low, x)
    assert compute.optimal_interval(ratio, 1.0) == pytest.approx(float(x), rel=1e-11)


@pytest.mark.parametrize(("m", "published"), [(24.0, 117), (6.0, 57), (0.25, 9.1)])
def test_optima_printed_by_daly(m: float, published: float) -> None:
    digits = 1 if published < 10 else 0
    assert round(60 * compute.daly_interval(5 / 60, m), digits) == published


@given(m=MEANS, share=st.floats(1e-6, 0.05))
def test_rules_of_young_and_daly_near_the_optimum(m: float, share: float) -> None:
    best = compute.optimal_interval(share * m, m)
    assert compute.daly_interval(share * m, m) == pytest.approx(best, rel=1e-3)
    assert compute.young_interval(share * m, m) == pytest.approx(best, rel=math.sqrt(share) + 1e-9)


@given(c=WRITES, r=st.floats(0, 2), m=st.floats(0.5, 100), tau=st.floats(0.1, 10))
def test_overhead_is_that_of_the_integrals(c: float, r: float, m: float, tau: float) -> None:
    if (tau + c + r) / m > 20:
        return
    expected = hours_of_one_interval(tau + c, r, m) / tau
    assert compute.checkpoint_overhead(c, r, m, interval_hours=tau) == pytest.approx(
        expected, rel=1e-6
    )


def test_one_interval_without_a_checkpoint_is_the_restart_formula() -> None:
    plain = compute.expected_run_hours_without_checkpoints(7.0, 3.0, restart_hours=0.5)
    assert plain == pytest.approx(hours_of_one_interval(7.0, 0.5, 3.0))
    assert compute.expected_run_hours(7.0, 0.0, 0.5, 3.0, interval_hours=7.0) == plain
    assert compute.expected_run_hours_without_checkpoints(1e6, 1.0) == math.inf


def test_limits() -> None:
    assert compute.checkpoint_overhead(1e-9, 0, 1e9) == pytest.approx(1, abs=1e-8)
    assert compute.cluster_mtbf(100.0, 1) == 100.0
    assert compute.optimal_interval(0.0, 5.0) == 0.0
    assert compute.optimal_interval(1000.0, 1.0) == pytest.approx(1.0)
    assert compute.breakeven_discount(1.0) == 0.0
    assert compute.useful_hour_price(2.5) == 2.5


def test_interruptible_hour_costs_the_same_at_the_breakeven_discount() -> None:
    discount = compute.breakeven_discount(1.3, verification=0.05)
    assert compute.useful_hour_price(2 * (1 - discount), 1.3, verification=0.05) == pytest.approx(2)


def test_marketplace_hour_of_the_comparison() -> None:
    overhead = compute.checkpoint_overhead(2 / 60, 15 / 60, 24)
    price = compute.useful_hour_price(
        2.67, overhead, verification=0.05, egress_gb_per_hour=2, egress_usd_per_gb=0.03
    )
    assert price == pytest.approx(3.05, abs=5e-3)
    assert 1 - price / (6.88 + 2 * 0.09) == pytest.approx(0.568, abs=5e-4)


def test_zones_of_the_traces() -> None:
    zones = compute.spot_zone(np.array([10.4, 1.48]), np.array([1.10, 1.69]), 2 / 60, 5 / 60)
    assert zones.overhead == pytest.approx([1.093, 1.318], abs=1e-3)
    assert zones.wall_factor == pytest.approx([1.21, 2.82], abs=5e-3)
    assert zones.to_frame().shape == (2, 4)


@pytest.mark.filterwarnings("default::depin_lib.compute.CheckpointWarning")
def test_checkpoint_longer_than_the_mean_time_warns_and_daly_takes_the_mean() -> None:
    with pytest.warns(compute.CheckpointWarning, match=r"up to 3 hours, longer than .* 1 hours"):
        assert compute.daly_interval(3.0, 1.0) == 1.0
    for call in (compute.young_interval, compute.optimal_interval):
        with pytest.warns(compute.CheckpointWarning):
            call(3.0, 1.0)
    with pytest.warns(compute.CheckpointWarning) as seen:
        compute.spot_zone(1.0, 1.0, 3.0, 0.1)
    assert len(seen) == 1
    with pytest.warns(compute.CheckpointWarning) as seen:
        compute.checkpoint_overhead(3.0, 0.1, 1.0)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute.daly_interval(1.0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.young_interval(-1, 1), r"checkpoint_hours is -1 hours; allowed"),
        (lambda: compute.young_interval(1, 0), r"mtbf_hours is 0 hours; allowed: finite, \(0, inf"),
        (lambda: compute.checkpoint_overhead(0, 0, 1), "give interval_hours"),
        (lambda: compute.checkpoint_overhead(1, 0, 9, interval_hours=0), "interval_hours is 0"),
        (lambda: compute.breakeven_discount(0.9), r"overhead is 0.9; allowed: finite, \[1, inf"),
        (lambda: compute.useful_hour_price(-1), "price_usd is -1 USD per GPU-hour"),
        (lambda: compute.spot_zone(0, 1, 0.1, 0.1), "mean_up_hours is 0 hours"),
        (lambda: compute.cluster_mtbf(5, 0.5), r"machines is 0.5; allowed: finite, \[1, inf"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
