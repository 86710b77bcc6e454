import itertools
import math

import numpy as np
import pytest

from depin_lib.experiments import (
    Lognormal,
    Measure,
    Uniform,
    break_even,
    morris_screening,
    one_at_a_time,
    plot_break_even,
    plot_morris,
    plot_one_at_a_time,
    plot_sobol,
    sobol_indices,
    vectorized,
)

from . import models

PAIR = {"a": (0, 1), "b": (0, 1)}
CIRCLE = {f"x{i}": (-math.pi, math.pi) for i in (1, 2, 3)}


def _ishigami(x1, x2, x3):
    return np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


@vectorized
def ishigami(x1, x2, x3):
    return {"y": _ishigami(x1, x2, x3)}


def test_sobol_indices_of_the_ishigami_function() -> None:
    """Against the closed form of Ishigami & Homma (1990) with a = 7, b = 0.1."""
    v1 = 0.5 * (1 + 0.1 * math.pi**4 / 5) ** 2
    v2, v13 = 49 / 8, 0.01 * math.pi**8 * (1 / 18 - 1 / 50)
    total = v1 + v2 + v13
    first = {"x1": v1 / total, "x2": v2 / total, "x3": 0.0}
    whole = {"x1": (v1 + v13) / total, "x2": v2 / total, "x3": v13 / total}
    found = sobol_indices(ishigami, CIRCLE, points=4096, seed=1)
    for name in CIRCLE:
        assert found.loc[name, "first"] == pytest.approx(first[name], abs=0.02)
        assert found.loc[name, "total"] == pytest.approx(whole[name], abs=0.02)
        assert found.loc[name, "first_low"] <= first[name] <= found.loc[name, "first_high"]
        assert found.loc[name, "total_low"] <= whole[name] <= found.loc[name, "total_high"]
    assert found.index[0] == "x1"


def test_sobol_indices_of_the_g_function() -> None:
    """Against the closed form of Saltelli & Sobol (1995)."""
    a = np.array([0.0, 1.0, 4.5, 9.0])

    @vectorized
    def g(**x):
        return {
            "y": np.prod(
                [(abs(4 * v - 2) + k) / (1 + k) for v, k in zip(x.values(), a, strict=True)], 0
            )
        }

    parts = 1 / (3 * (1 + a) ** 2)
    variance = np.prod(1 + parts) - 1
    total = parts * np.prod(1 + parts) / (1 + parts) / variance
    found = sobol_indices(g, {f"x{i}": (0, 1) for i in range(4)}, points=8192, seed=2, resamples=99)
    found = found.sort_index()
    np.testing.assert_allclose(found["first"], parts / variance, atol=0.02)
    np.testing.assert_allclose(found["total"], total, atol=0.02)


def test_a_seed_fixes_a_study() -> None:
    one, two = (sobol_indices(ishigami, CIRCLE, points=64, seed=5, resamples=20) for _ in "ab")
    assert one.equals(two)
    one, two = (morris_screening(ishigami, CIRCLE, seed=5) for _ in "ab")
    assert one.equals(two)


def test_morris_screening_against_every_effect_of_the_grid() -> None:
    levels, step = 4, 2 / 3
    effects: dict[str, list[float]] = {name: [] for name in CIRCLE}
    for shares in itertools.product(np.arange(levels) / (levels - 1), repeat=3):
        for i, name in enumerate(CIRCLE):
            if shares[i] + step > 1 + 1e-12:
                continue
            ends = [np.array(shares), np.array(shares)]
            ends[1][i] += step
            low, high = (float(_ishigami(*(2 * math.pi * e - math.pi))) for e in ends)
            effects[name].append((high - low) / step)
    found = morris_screening(ishigami, CIRCLE, trajectories=3000, seed=1)
    for name, exact in effects.items():
        size = np.abs(exact)
        assert found.loc[name, "mu_star"] == pytest.approx(size.mean(), abs=0.3)
        assert found.loc[name, "mu"] == pytest.approx(np.mean(exact), abs=0.5)
        assert found.loc[name, "sigma"] == pytest.approx(np.std(exact), abs=0.3)


def test_morris_finds_the_ten_inputs_of_his_function() -> None:
    """Morris (1991), section 4: inputs 1 to 10 matter, 8 to 10 without curvature, the rest not."""
    noise = np.random.default_rng(1)
    one, two = noise.normal(size=20), np.triu(noise.normal(size=(20, 20)), 1)
    one[:10], two[:6, :6] = 20, np.triu(np.full((6, 6), -15.0), 1)
    three = list(itertools.combinations(range(5), 3))

    @vectorized
    def morris(**x):
        rows = np.array(list(x.values()))
        w = 2 * (rows - 0.5)
        for i in (2, 4, 6):
            w[i] = 2 * (1.1 * rows[i] / (rows[i] + 0.1) - 0.5)
        y = one @ w + np.einsum("ij,ik,jk->k", two, w, w)
        y += sum(-10 * np.prod(w[list(c)], axis=0) for c in three)
        return {"y": y + 5 * np.prod(w[:4], axis=0)}

    inputs = {f"x{i:02}": (0, 1) for i in range(1, 21)}
    found = morris_screening(morris, inputs, trajectories=40, seed=3)
    assert set(found.index[:10]) == set(list(inputs)[:10])
    straight = found.loc[["x08", "x09", "x10"]]
    assert (straight["sigma"] < 0.25 * straight["mu_star"]).all()
    assert (found.loc[["x01", "x02", "x03"], "sigma"] > 20).all()


def test_an_input_that_is_not_uniform_is_screened_over_the_middle_of_its_range() -> None:
    spread = Lognormal(1.0, 0.5)
    found = morris_screening(lambda a: a, {"a": spread}, levels=2, trajectories=2, seed=1)
    low, high = spread.quantile([0.01, 0.99])
    assert found.loc["a", "mu"] == pytest.approx((high - low) / 0.98)


def test_a_noisy_model_is_studied_by_its_mean_with_common_noise() -> None:
    def noisy(a: float, b: float, seed: int) -> dict[str, list[float]]:
        return {"path": [0.0, a + 2 * b + (seed % 1000)]}

    end = Measure("end", of=lambda out: out["path"][-1])
    found = sobol_indices(noisy, PAIR, end, points=256, runs=3, seed=1, resamples=9)
    assert found.loc["b", "first"] == pytest.approx(0.8, abs=0.02), "noise of 1,000 cancels"


def test_a_tornado_of_pairs_and_distributions() -> None:
    found = one_at_a_time(
        lambda a, b, c=1.0: a * b * c, {"a": (0, 2), "b": Uniform(0, 10)}, base={"a": 1, "b": 5}
    )
    assert found.loc["a", ["low", "high", "at_low", "at_high", "swing"]].tolist() == [
        0,
        2,
        0,
        10,
        10,
    ]
    assert found.loc["b", ["low", "high"]].tolist() == [0.5, 9.5]
    assert found.index.tolist() == ["a", "b"]


def test_break_even_finds_every_change_of_sign() -> None:
    assert break_even(math.sin, 1, 10) == pytest.approx([math.pi, 2 * math.pi, 3 * math.pi])
    assert break_even(lambda x: x, -1, 1) == [0.0]
    tiny = break_even(lambda x: 1e-170 * (x - 3.3e-13), 0, 1e-12)
    assert tiny == pytest.approx([3.3e-13], rel=1e-9), "tolerance and product know no unit"
    assert break_even(lambda x: -1 if x < 0.4 else 1, 0, 1) == pytest.approx([0.4])
    assert break_even(lambda x: (x - 2) / (x - 0.3), -1, 3) == pytest.approx([2]), "0.3 is a pole"


@pytest.mark.filterwarnings("ignore:<lambda>. 60 values are NaN:depin_lib.experiments.RunWarning")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: break_even(lambda x: x + 9, 0, 1, unit="USD"),
            r"between 0 and 1 USD: it is 9 and",
        ),
        (lambda: break_even(lambda x: x, 2, 1), "high is 1"),
        (
            lambda: break_even(lambda x: math.sqrt(1 - x) if x < 1 else math.nan, 0, 2),
            "at 1 is nan",
        ),
        (lambda: break_even(lambda x: max(0, x - 1), 0, 4), "is 0 at 0 and 0.0625"),
        (lambda: one_at_a_time(lambda a, b: math.inf * b, PAIR), "output at a = 0, b = 0.5 is inf"),
        (lambda: morris_screening(ishigami, CIRCLE, confidence=95), r"confidence is 95; allowed"),
        (lambda: sobol_indices(ishigami, CIRCLE, confidence=95), r"confidence is 95; allowed"),
        (lambda: sobol_indices(ishigami, CIRCLE, resamples=0), "resamples is 0"),
        (lambda: sobol_indices(ishigami, CIRCLE, points=100), "allowed: powers of two"),
        (lambda: sobol_indices(lambda a, b: 1.0, PAIR, points=8), "1 at every point"),
        (lambda: sobol_indices(models.walk, {"drift": (0, 1)}), "number of inputs is 1"),
        (lambda: morris_screening(models.walk, {"drift": (0, 1)}), "measure is None; name one of"),
        (lambda: morris_screening(models.walk, {"drift": (0, 1)}, "price"), "price is a series"),
        (lambda: morris_screening(lambda a, b: math.inf, PAIR), "<lambda> is nan at a = "),
        (lambda: morris_screening(ishigami, CIRCLE, levels=3), "levels is 3; allowed: even"),
        (lambda: morris_screening(ishigami, CIRCLE, trajectories=1), "trajectories is 1"),
    ],
)
def test_bad_studies_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_plots_show_what_the_tables_hold() -> None:
    indices = sobol_indices(ishigami, CIRCLE, points=64, seed=1, resamples=20)
    fig = plot_sobol(indices, labels={"x1": "first angle"})
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == ["first angle", "x2", "x3"]
    effects = morris_screening(ishigami, CIRCLE, seed=1)
    drawn = plot_morris(effects).axes[0].lines[0]
    np.testing.assert_array_equal(drawn.get_xdata(), effects["mu_star"])
    swings = one_at_a_time(lambda a, b: a * b, {"a": (0, 2), "b": (0, 10)})
    bars = plot_one_at_a_time(swings, middle=5.0, unit="USD").axes[0].lines
    assert [list(bar.get_xdata()) for bar in bars[:2]] == [[0.0, 10.0], [0.0, 10.0]]
    curve = plot_break_even(math.sin, 1, 10, break_even(math.sin, 1, 10)).axes[0]
    assert [t.get_text() for t in curve.texts] == ["3.14", "6.28", "9.42"]


def test_inputs_without_effect_can_be_drawn(recwarn) -> None:
    fig = plot_morris(morris_screening(lambda a, b: 1.0, PAIR, seed=1))
    assert fig.axes[0].get_xlim() == (0, 1)
    assert not recwarn


def test_one_result_by_name_is_refused_where_a_number_is_wanted() -> None:
    with pytest.raises(TypeError, match=r"output at a = 0, b = 0.5 is \{'y': 0.0\}; give one"):
        one_at_a_time(lambda a, b: {"y": a}, PAIR)


@pytest.mark.parametrize("study", [sobol_indices, morris_screening])
def test_a_study_goes_on_without_its_seed(study, tmp_path) -> None:
    def noisy(a: float, b: float, seed: int) -> float:
        return a + b + seed % 5

    size = {"points": 8, "resamples": 9} if study is sobol_indices else {"trajectories": 3}
    first = study(noisy, PAIR, checkpoint=tmp_path, **size)
    for chunk in sorted(tmp_path.glob("chunk-*"))[::2]:
        chunk.unlink()
    assert study(noisy, PAIR, checkpoint=tmp_path, resume=True, **size).equals(first)
