"""The small functions, and the median on awkward columns."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import subnets


def by_sorting(weights: np.ndarray, stake: np.ndarray, kappa: float) -> np.ndarray:
    """Sort each column, add up stake from the top, take the first weight that reaches kappa."""
    order = np.argsort(-weights, axis=0, kind="stable")
    reached = np.cumsum(stake[order], axis=0) >= kappa * stake.sum()
    ordered = np.take_along_axis(weights, order, axis=0)
    return np.where(reached, ordered, 0.0).max(axis=0, initial=0.0)


def columns(kind: str, n: int, m: int, rng: np.random.Generator) -> np.ndarray:
    made = {
        "lognormal": lambda: rng.lognormal(size=(n, m)),
        "uniform": lambda: rng.random((n, m)),
        "heavy tail": lambda: rng.pareto(0.5, (n, m)),
        "many scales": lambda: np.exp(rng.uniform(-300, 300, (n, m))),
        "ties": lambda: rng.integers(0, 3, (n, m)).astype(float),
        "sparse": lambda: rng.random((n, m)) * (rng.random((n, m)) < 0.2),
        "two clusters": lambda: np.where(rng.random((n, m)) < 0.5, 1e-12, 1.0) * rng.random((n, m)),
        "neighbours": lambda: np.nextafter(0.5, rng.choice([0.0, 1.0], (n, m))),
        "tiny": lambda: rng.random((n, m)) * 5e-324 * rng.integers(0, 5, (n, m)),
        "equal": lambda: np.ones((n, m)),
        "nothing": lambda: np.zeros((n, m)),
    }
    return made[kind]()


KINDS = [
    "lognormal", "uniform", "heavy tail", "many scales", "ties", "sparse", "two clusters",
    "neighbours", "tiny", "equal", "nothing",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_median_is_exact_on_awkward_columns(kind: str) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    for n in (1, 2, 3, 4, 5, 17, 64, 130):
        weights = columns(kind, n, 90, rng)
        for stake in (rng.integers(0, 100, n), np.ones(n), 2.0 ** -rng.integers(0, 40, n)):
            for kappa in (0.1, 0.25, 0.5, 32_767 / 65_535, 0.75, 1.0):
                found = subnets.weighted_median(weights, stake, kappa)
                wanted = by_sorting(weights, np.asarray(stake, float), kappa)
                assert (found == wanted).all(), f"{kind}, {n} rows, kappa {kappa}"


@given(st.integers(0, 10**6))
def test_top_k_drops_the_smallest_and_of_equals_the_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 5, int(rng.integers(1, 12))).astype(float)
    k = int(rng.integers(0, 12))
    marked = subnets.top_k(values, k)
    assert marked.sum() == min(k, np.count_nonzero(values))
    for i in np.flatnonzero(marked):
        for j in np.flatnonzero(~marked):
            assert (values[i], i) > (values[j], j)


def test_interpolation_is_exact_at_its_ends() -> None:
    a, b = np.random.default_rng(0).random((2, 3, 4))
    assert (subnets.interpolate(a, b, 0) == a).all()
    assert (subnets.interpolate(a, b, 1) == b).all()


def test_upscaled_rows_reach_the_top() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-9, 1.0, 65_535.0, 1e9):
        row = subnets.max_upscale_u16(rng.random(50) * scale)
        assert row.max() == subnets.U16_MAX
    assert not subnets.max_upscale_u16([0.0, 0.0]).any()


def test_liquid_alpha_of_the_matrices_is_that_of_the_epoch() -> None:
    rng = np.random.default_rng(2)
    weights, bonds, stake = rng.random((4, 70)), rng.random((4, 70)), np.arange(1.0, 5.0)
    params = subnets.YumaParams(liquid_alpha=True, alpha_low=0.1, alpha_high=0.3)
    for steepness in (10.0, 300.0, -50.0):
        changed = subnets.YumaParams(
            **{**vars_of(params), "alpha_steepness": steepness, "bonds_penalty": 0.5}
        )
        result = subnets.yuma_epoch(weights, stake, bonds=bonds, params=changed)
        rows = subnets.row_normalise(weights)
        clipped = subnets.column_clip(rows, result.consensus)
        for_bonds = subnets.interpolate(rows, clipped, 0.5)
        rates = subnets.liquid_alpha_rates(
            for_bonds, bonds, result.consensus, low=0.1, high=0.3, steepness=steepness
        )
        wanted = subnets.bond_ema(bonds, for_bonds, rates)
        np.testing.assert_allclose(result.bonds, wanted, rtol=1e-12)


def vars_of(params: subnets.YumaParams) -> dict:
    return {name: getattr(params, name) for name in params.__dataclass_fields__}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: subnets.weighted_median([[1.0]], [1.0], 0.0), "kappa is 0 of the stake"),
        (lambda: subnets.weighted_median([[1.0]], [1.0, 2.0], 0.5), "one entry per row of weights"),
        (lambda: subnets.weighted_median([[-1.0]], [1.0], 0.5), "weights[0, 0] is -1"),
        (lambda: subnets.row_normalise([1.0]), "matrix has shape (1,)"),
        (lambda: subnets.column_clip([[1.0]], [1.0, 2.0]), "threshold has shape (2,)"),
        (lambda: subnets.interpolate([[1.0]], [[1.0]], 2.0), "ratio is 2"),
        (lambda: subnets.bond_ema([1.0], [1.0], 1.5), "alpha is 1.5"),
        (lambda: subnets.top_k([1.0], -1), "k is -1"),
        (lambda: subnets.max_upscale_u16([-1.0]), "weights[0] is -1"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()  # type: ignore[operator]


def test_bonds_of_an_unknown_miner_cannot_be_reset() -> None:
    with pytest.raises(IndexError):
        subnets.reset_bonds([[1.0]], 3)
