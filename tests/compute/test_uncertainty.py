import zlib
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from depin_lib import compute

from ..kernels.test_random import key_of, splitmix64

HOME = compute.ownership_case("RTX 4090 at home")
RANGES = compute.ownership_ranges("RTX 4090 at home")
SHAPES = {
    "uniform": (compute.Uniform(1, 3), stats.uniform(1, 2)),
    "triangular": (compute.Triangular(1, 1.5, 4), stats.triang(1 / 6, 1, 3)),
    "leaning left": (compute.Triangular(0, 0, 1), stats.triang(0, 0, 1)),
    "leaning right": (compute.Triangular(0, 1, 1), stats.triang(1, 0, 1)),
    "lognormal": (compute.Lognormal(2, 0.7), stats.lognorm(0.7, scale=2)),
    "normal": (compute.TruncatedNormal(1, 2, 0, 3), stats.truncnorm(-0.5, 1, 1, 2)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_quantiles_are_scipys(name: str) -> None:
    ours, reference = SHAPES[name]
    p = np.linspace(0.0005, 0.9995, 2000)
    assert ours.quantile(p) == pytest.approx(reference.ppf(p), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [*SHAPES, "observed"])
def test_draws_are_quantiles_of_the_counter_based_uniforms(name: str) -> None:
    observed = compute.Empirical([5.0, 1.0, 2.0, 2.0])
    distribution = SHAPES[name][0] if name in SHAPES else observed
    zero, purpose = np.uint64(0), np.uint64(zlib.crc32(b"x"))
    key = int(key_of(np.uint64(7), zero, zero, purpose))
    p = np.array([((word >> 11) + 0.5) / 2**53 for word in splitmix64(key, 500)])
    draws = compute.sample({"x": distribution}, 500, seed=7)["x"]
    assert draws == pytest.approx(distribution.quantile(p), rel=1e-12)


def test_observations_come_up_equally_often() -> None:
    draws = compute.sample({"x": compute.Empirical([3, 1, 2])}, 30_000, seed=3)["x"]
    values, counts = np.unique(draws, return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert abs(counts - 10_000).max() < 400


def test_same_bits_on_one_and_on_all_threads() -> None:
    original = numba.get_num_threads()
    results = []
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            results.append(compute.simulate_cost(HOME, RANGES, draws=20_011, seed=11))
    finally:
        numba.set_num_threads(original)
    one, many = results
    assert all(np.array_equal(one.inputs[name], many.inputs[name]) for name in RANGES)
    assert np.array_equal(one.breakdown.list_price, many.breakdown.list_price)


def test_an_input_keeps_its_draws_when_others_leave() -> None:
    every = compute.sample(RANGES, 100, seed=1)
    alone = compute.sample({"pue": RANGES["pue"]}, 100, seed=1)
    assert np.array_equal(every["pue"], alone["pue"])
    assert not np.array_equal(every["pue"], compute.sample(RANGES, 100, seed=2)["pue"])


def test_inputs_are_independent() -> None:
    draws = compute.sample(RANGES, 40_000, seed=5)
    correlation = np.corrcoef(list(draws.values())) - np.eye(len(draws))
    assert np.abs(correlation).max() < 5 / np.sqrt(40_000)


def test_each_draw_is_the_cost_of_its_inputs() -> None:
    samples = compute.simulate_cost(HOME, RANGES, draws=50, seed=4)
    for i in (0, 17, 49):
        owner = replace(HOME, **{name: float(draw[i]) for name, draw in samples.inputs.items()})
        assert samples.breakdown.cost[i] == pytest.approx(compute.cost_of_ownership(owner).cost)


@given(price=st.floats(0, 2))
def test_share_covered_is_the_distribution_function(price: float) -> None:
    samples = compute.simulate_cost(HOME, RANGES, draws=400, seed=4)
    below = np.mean(samples.breakdown.list_price <= price)
    assert samples.share_covered(price) == below


def test_quantiles_by_part() -> None:
    samples = compute.simulate_cost(HOME, RANGES, draws=4000, seed=4)
    table = samples.quantiles()
    assert table.columns.tolist() == [0.05, 0.5, 0.95]
    assert (table[0.05] <= table[0.95]).all()
    assert table.loc["cost", 0.5] == pytest.approx(np.median(samples.breakdown.cost))


def test_narrow_ranges_give_the_single_cost() -> None:
    narrow = {"capex_usd": compute.Uniform(2200, 2200.001), "pue": compute.Uniform(1.05, 1.05001)}
    samples = compute.simulate_cost(HOME, narrow, draws=1000, seed=1)
    assert samples.breakdown.cost == pytest.approx(compute.cost_of_ownership(HOME).cost, rel=1e-4)


def test_tornado_moves_one_input_and_sorts_by_swing() -> None:
    table = compute.one_at_a_time(HOME, RANGES)
    assert table.index[0] == "utilisation"
    assert table["swing"].is_monotonic_decreasing
    row = table.loc["electricity_usd_per_kwh"]
    moved = replace(HOME, electricity_usd_per_kwh=row["high"])
    assert row["at_high"] == compute.cost_of_ownership(moved).list_price
    floor = compute.one_at_a_time(HOME, RANGES, measure=compute.shutdown_price)
    assert floor.loc["capex_usd", "swing"] == 0


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"input is 'utilization'.*did you mean 'utilisation'"):
        compute.simulate_cost(HOME, {"utilization": compute.Uniform(0, 1)}, draws=10)
    with pytest.raises(ValueError, match="did you mean 'capex_usd'"):
        compute.one_at_a_time(HOME, {"capex": compute.Uniform(0, 1)})
    with pytest.raises(ValueError, match=r"utilisation\[\d+\] is 1\.\d+; allowed"):
        compute.simulate_cost(HOME, {"utilisation": compute.Uniform(0.5, 2)}, draws=50, seed=1)
    with pytest.raises(TypeError, match=r"pue is 1.2; give a distribution"):
        compute.sample({"pue": 1.2}, 10)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match=r"draws is 1.5; allowed: whole numbers"):
        compute.sample(RANGES, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"draws is 0; allowed: \[1"):
        compute.sample(RANGES, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: compute.Uniform(2, 1), r"high is 1; allowed: \(2, inf\)"),
        (lambda: compute.Triangular(0, 3, 2), r"mode is 3; allowed: \[0, 2\]"),
        (lambda: compute.Lognormal(0, 1), r"median is 0; allowed: \(0, inf\)"),
        (lambda: compute.TruncatedNormal(0, 1, 9, 10), "leave 0e\\+00 of a normal"),
        (lambda: compute.TruncatedNormal(0, 0, 0, 1), r"sd is 0; allowed: \(0, inf\)"),
        (lambda: compute.Empirical([]), "values is empty"),
        (lambda: compute.Empirical([1, np.nan]), r"values\[1\] is nan"),
        (lambda: compute.Uniform(0, 1).quantile(1), r"p is 1; allowed: finite, \[0, 1\)"),
    ],
)
def test_distributions_refuse_nonsense(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
