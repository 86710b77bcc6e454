"""Whatever is wrong with the input, in every arithmetic, dense and sparse: an error, never NaN."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from depin_lib import subnets

U16 = subnets.U16_MAX
BAD = {"negative": -1.0, "NaN": np.nan, "infinite": np.inf, "minus infinite": -np.inf}
everywhere = pytest.mark.parametrize("arithmetic", subnets.ARITHMETICS)
both_forms = pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_array])
sizes = st.tuples(st.integers(1, 5), st.integers(1, 70))


def subnet(data: st.DataObject) -> dict[str, Any]:
    """A subnet that every arithmetic takes."""
    n, m = data.draw(sizes)
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    return {
        "weights": rng.integers(0, 9, (n, m)).astype(float),
        "stake": rng.integers(0, 4, n).astype(float),
        "bonds": rng.integers(0, 2, (n, m)).astype(float),
        "validator_uids": -1,
    }


def run(told: dict[str, Any], arithmetic: str, form: Any, **more: Any) -> subnets.EpochResult:
    matrices = {name: form(told[name]) for name in ("weights", "bonds")}
    return subnets.yuma_epoch(**told | matrices | more, arithmetic=arithmetic)


def assert_sound(result: subnets.EpochResult) -> None:
    for name, values in vars(result).items():
        array = values.toarray() if sparse.issparse(values) else values
        assert np.isfinite(array).all(), name
        assert (array >= 0).all(), name
    for name in ("incentive", "dividends", "emission", "stake"):
        total = float(getattr(result, name).sum())
        assert total == 0 or total == pytest.approx(1.0, abs=1e-5), name


@everywhere
@both_forms
@given(data=st.data())
@settings(max_examples=40)
def test_a_sound_subnet_gives_sound_numbers(arithmetic: str, form: Any, data: Any) -> None:
    params = subnets.YumaParams.from_chain(
        yuma3=data.draw(st.booleans()),
        liquid_alpha=data.draw(st.booleans()),
        kappa=data.draw(st.integers(1, U16)),
    )
    assert_sound(run(subnet(data), arithmetic, form, params=params))


@everywhere
@both_forms
@pytest.mark.parametrize("name", ["weights", "stake", "bonds"])
@given(data=st.data())
@settings(max_examples=20)
def test_one_bad_number_is_found(arithmetic: str, form: Any, name: str, data: Any) -> None:
    told = subnet(data)
    place = tuple(data.draw(st.integers(0, size - 1)) for size in told[name].shape)
    told[name][place] = data.draw(st.sampled_from(list(BAD.values())))
    with pytest.raises(ValueError, match=rf"{name}\[.*\] is (-1|nan|-?inf); allowed: finite, \[0,"):
        run(told, arithmetic, form)


@everywhere
@both_forms
@given(data=st.data())
@settings(max_examples=20)
def test_a_shape_that_does_not_fit_is_found(arithmetic: str, form: Any, data: Any) -> None:
    told = subnet(data)
    n, m = told["weights"].shape
    name = data.draw(st.sampled_from(["stake", "bonds"]))
    wrong = {"stake": [(n + 1,), (n, 1), ()], "bonds": [(n, m + 1), (n + 1, m), (m + 9, n)]}
    told[name] = np.ones(data.draw(st.sampled_from(wrong[name])))
    with pytest.raises(ValueError, match=rf"{name} has shape \(.*\); expected"):
        run(told, arithmetic, form)


@everywhere
@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2)])
def test_weights_are_a_matrix(arithmetic: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"weights has shape \(.*\); expected \(any, any\)"):
        subnets.yuma_epoch(np.ones(shape), [1, 1], arithmetic=arithmetic)


@everywhere
@both_forms
@given(data=st.data())
@settings(max_examples=20)
def test_without_stake_nobody_is_paid(arithmetic: str, form: Any, data: Any) -> None:
    """The protocol's result, not an error."""
    told = subnet(data)
    told["stake"][:] = 0
    result = run(told, arithmetic, form)
    assert_sound(result)
    for name in ("consensus", "incentive", "dividends", "emission", "stake", "active_stake"):
        assert not getattr(result, name).any(), name
    assert not result.permits.any()


@everywhere
@both_forms
@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_an_empty_subnet_is_no_error(arithmetic: str, form: Any, shape: tuple[int, int]) -> None:
    result = subnets.yuma_epoch(form(np.ones(shape)), np.ones(shape[0]), arithmetic=arithmetic)
    assert_sound(result)
    assert result.consensus.shape == (shape[1],)
    assert result.bonds.shape == shape


@given(st.one_of(st.floats(max_value=0.0), st.floats(min_value=1.0, exclude_min=True)))
def test_kappa_is_a_share_above_zero(kappa: float) -> None:
    with pytest.raises(ValueError, match=r"kappa is .* of the stake; allowed: \(0, 1\]"):
        subnets.YumaParams(kappa=kappa)


@everywhere
@pytest.mark.parametrize("name", ["weights", "bonds"])
@given(data=st.data())
@settings(max_examples=20)
def test_sparse_indices_rise(arithmetic: str, name: str, data: Any) -> None:
    told = subnet(data)
    if told["weights"].shape[1] == 1:
        return
    told[name][0, :2] = 1.0
    form = data.draw(st.sampled_from([sparse.csr_array, sparse.csc_array]))
    matrix = form(told[name])
    line = 0 if matrix.format == "csr" else None
    if line is None:  # a second entry in the first column
        if told["weights"].shape[0] == 1:
            return
        told[name][:2, 0] = 1.0
        matrix = form(told[name])
    second = data.draw(st.sampled_from([0, matrix.indices[0]]))
    matrix.indices[:2] = (matrix.indices[1], second)
    told[name] = matrix
    with pytest.raises(ValueError, match=f"{name}: the indices of (row|column) 0 do not rise"):
        subnets.yuma_epoch(**told, arithmetic=arithmetic)


@both_forms
@given(data=st.data())
@settings(max_examples=30)
def test_what_overflows_the_chains_numbers_is_refused(form: Any, data: Any) -> None:
    told = subnet(data)
    what = data.draw(st.sampled_from(["weight", "fraction", "stake", "bond", "width"]))
    n = told["stake"].size
    if what == "weight":
        told["weights"][0, 0] = data.draw(st.floats(U16 + 1, 1e30))
        message = r"weights\[.*\] is .*; allowed: finite, \[0, 65535\]"
    elif what == "fraction":
        told["weights"][0, 0] = data.draw(st.integers(0, 9)) + 0.25
        message = "weights must be whole numbers from 0 to 65,535"
    elif what == "stake":
        told["stake"][0] = data.draw(st.floats(2.0**63, 1e200))
        message = r"stake sums to \d+; allowed: below 2\*\*63"
    elif what == "bond":
        told["bonds"][0, 0] = 0.4 / U16
        message = "bonds must be whole 65,535ths"
    else:
        told["weights"], told["bonds"] = np.ones((2, n, 32_769))
        message = r"weights has 32769 .*; allowed: up to 32768"
    with pytest.raises(ValueError, match=message):
        run(told, "fixed", form)


@everywhere
@given(st.integers(1, 20), st.integers(1, 40))
def test_too_many_uids_for_mechanisms_are_refused(arithmetic: str, count: int, n: int) -> None:
    weights = [np.zeros((n, n))] * count

    def epoch() -> subnets.MechanismsResult:
        return subnets.epoch_with_mechanisms(weights, np.ones(n), 9, arithmetic=arithmetic)

    if count > subnets.MOST_MECHANISMS:
        with pytest.raises(ValueError, match=f"the number of mechanisms is {count}; allowed"):
            epoch()
    elif n * count > subnets.MOST_UIDS:
        with pytest.raises(ValueError, match=f"{n} uids × {count} mechanisms are {n * count}; "):
            epoch()
    else:
        assert sum(epoch().validator_rao) <= 9


@everywhere
@given(st.floats(0, 1e-280), st.integers(0, 10**6))
@settings(max_examples=30)
def test_tiny_numbers_are_no_trap(arithmetic: str, tiny: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 2, (3, 5)) * (1.0 if arithmetic == "fixed" else tiny)
    stake = rng.integers(0, 2, 3) * (tiny if seed % 2 else 1.0)
    for form in (np.asarray, sparse.csr_array):
        for rule in subnets.BOND_RULES:
            params = subnets.YumaParams(bonds_rule=rule, liquid_alpha=True)
            told: dict[str, Any] = {"params": params, "validator_uids": -1}
            result = subnets.yuma_epoch(form(weights), stake, arithmetic=arithmetic, **told)
            assert_sound(result)
            again = subnets.yuma_epoch(
                form(weights), stake, bonds=result.bonds, arithmetic=arithmetic, **told
            )
            assert_sound(again)
