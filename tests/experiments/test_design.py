import numpy as np
import pytest
from scipy.stats import qmc

from depin_lib.experiments import (
    Lognormal,
    Uniform,
    grid,
    latin_hypercube,
    monte_carlo,
    sobol,
    table,
)


def test_a_grid_holds_every_combination_once() -> None:
    design = grid({"a": [1, 2], "b": ["x", "y", "z"]}, units={"a": "USD"})
    assert design.shape == (2, 3)
    assert list(design.points.itertuples(index=False, name=None)) == [
        (a, b) for a in (1, 2) for b in "xyz"
    ]


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_range() -> None:
    design = latin_hypercube({"a": (0, 1), "b": Lognormal(2.0, 0.5)}, 32, seed=1)
    assert sorted((design.points["a"] * 32).astype(int)) == list(range(32))
    edges = Lognormal(2.0, 0.5).quantile(np.arange(32) / 32)
    assert sorted(np.searchsorted(edges, design.points["b"])) == list(range(1, 33))


def test_a_sobol_design_covers_better_than_draws() -> None:
    inputs = {"a": (0, 1), "b": (0, 1), "c": (0, 1)}
    even = qmc.discrepancy(sobol(inputs, 256, seed=1).points.to_numpy())
    drawn = qmc.discrepancy(monte_carlo(inputs, 256, seed=1).points.to_numpy())
    assert even < drawn / 5


@pytest.mark.parametrize("make", [latin_hypercube, sobol, monte_carlo])
def test_a_seed_fixes_a_design(make) -> None:
    inputs = {"a": Uniform(1, 3), "b": (5, 6)}
    one, two, other = (make(inputs, 16, seed=s).points for s in (7, 7, 8))
    assert one.equals(two)
    assert not one.equals(other)
    assert one["a"].between(1, 3).all()
    assert one["b"].between(5, 6).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: grid({"a": []}), r"a is \[\]; allowed: at least one value, each once"),
        (lambda: grid({"a": [1, 1]}), r"a is \[1, 1\]"),
        (lambda: grid({"run": [1]}), "parameter 'run': allowed are Python names other than"),
        (lambda: grid({"fee": [1]}, units={"fees": "USD"}), "did you mean 'fee'"),
        (lambda: sobol({"a": (0, 1)}, 100), "points is 100; allowed: powers of two, such as 64"),
        (lambda: sobol({"a": (0, 1)}, -4), "points is -4"),
        (lambda: latin_hypercube({"a": (1, 0)}, 4), r"a is \(1, 0\): high is 0; allowed: \(1, inf"),
        (lambda: latin_hypercube({}, 4), "there is no input"),
        (lambda: table({"a": []}), "the design has no point"),
    ],
)
def test_bad_designs_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a is 3; give a distribution or the pair"):
        sobol({"a": 3}, 4)  # type: ignore[dict-item]


@pytest.mark.parametrize("value", [0.1, "A10", True])
def test_a_single_value_is_no_list_of_values(value) -> None:
    with pytest.raises(TypeError, match=rf"a is {value!r}; give a list of values, \[{value!r}\]"):
        grid({"a": value})
