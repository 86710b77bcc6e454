"""Single precision: the epoch in float64 of rounded weights and bonds, each result rounded once."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from depin_lib import subnets

from .cases import Case

SHARES = ("incentive", "dividends", "validator_trust", "server_emission", "emission")
HALF_STEP = 2.0**-24  # largest relative error of rounding to single precision


def run(case: Case, arithmetic: str, form: Any = np.asarray, u16: bool = False) -> Any:
    params = subnets.YumaParams(**vars(case.params()) | {"bonds_u16": u16})
    told: dict[str, Any] = {"params": params, "arithmetic": arithmetic} | case.state
    return subnets.yuma_epoch(form(case.weights), case.stake, bonds=form(case.bonds), **told)


def rounded(case: Case) -> Case:
    case.weights = case.weights.astype(np.float32).astype(float)
    case.bonds = case.bonds.astype(np.float32).astype(float)
    return case


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("u16", [False, True])
@given(seed=st.integers(0, 10**9))
def test_it_is_the_rounded_float64_epoch_to_the_last_bit(form: Any, u16: bool, seed: int) -> None:
    found, wanted = (
        run(Case(seed), "float32", form, u16),
        run(rounded(Case(seed)), "float64", form, u16),
    )
    for field in fields(wanted):
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        if field.name == "bonds" and sparse.issparse(a):
            a, b = a.toarray(), b.toarray()
        assert a.dtype == (np.float32 if b.dtype == np.float64 else b.dtype), field.name
        np.testing.assert_array_equal(a, b.astype(a.dtype), err_msg=field.name)


@given(st.integers(0, 10**9))
def test_its_error_is_a_few_roundings_where_no_tie_decides(seed: int) -> None:
    """A weight moves by 2⁻²⁴ of itself at most; medians, minima and a few products do likewise."""
    rng = np.random.default_rng(seed)
    weights, stake = rng.random((12, 90)), rng.pareto(1.5, 12) + 0.1
    for rule in subnets.BOND_RULES:
        params = subnets.YumaParams(bonds_rule=rule)
        before = subnets.yuma_epoch(weights, stake, params=params).bonds
        told: dict[str, Any] = {"params": params, "bonds": before}
        exact = subnets.yuma_epoch(weights, stake, **told)
        found = subnets.yuma_epoch(weights, stake, arithmetic="float32", **told)
        for name in SHARES:
            a, b = getattr(found, name).astype(float), getattr(exact, name)
            assert (abs(a - b) <= 12 * HALF_STEP * b).all(), name
        assert (abs(found.bonds - exact.bonds) <= 12 * HALF_STEP * exact.bonds).all()


def test_stored_weights_lose_nothing() -> None:
    rng = np.random.default_rng(1)
    weights, stake = rng.integers(0, subnets.U16_MAX + 1, (8, 70)), rng.integers(0, 10**15, 8)
    exact = subnets.yuma_epoch(weights, stake)
    for given_ in (weights, weights.astype(np.float32), weights.astype(np.uint16)):
        found = subnets.yuma_epoch(given_, stake, arithmetic="float32")
        for name in SHARES:
            np.testing.assert_array_equal(
                getattr(found, name), getattr(exact, name).astype(np.float32), err_msg=name
            )
    assert found.payout_rao(10**9)["combined"].sum() == pytest.approx(10**9, abs=1_000)


def test_many_epochs_in_a_row_stay_near() -> None:
    rng = np.random.default_rng(2)
    stake, bonds = rng.pareto(1.5, 10) + 0.1, {"float64": None, "float32": None}
    for _ in range(20):
        weights = rng.random((10, 80))
        results = {
            a: subnets.yuma_epoch(weights, stake, bonds=b, arithmetic=a) for a, b in bonds.items()
        }
        bonds = {a: result.bonds for a, result in results.items()}
        a, b = (results[name].dividends for name in ("float32", "float64"))
        np.testing.assert_allclose(a, b, rtol=30 * HALF_STEP)


@pytest.mark.parametrize("value", [1e39, np.inf, np.nan, -1e-3])
def test_what_it_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(
        ValueError, match=r"weights\[0, 1\] is .*allowed: finite, \[0, 3.40282e\+38\]"
    ):
        subnets.yuma_epoch([[1.0, value]], [1.0], arithmetic="float32")
