"""The epoch on sparse matrices: equal to the dense one, and clear about what it cannot read."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from depin_lib import subnets

from .cases import Case

FORMATS = (sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix)


def same(found: subnets.EpochResult, wanted: subnets.EpochResult) -> None:
    assert found.bonds.has_canonical_format
    for field in fields(wanted):
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        a = a.toarray() if field.name == "bonds" else a
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=field.name)


def both(case: Case, form: Any, bonds: Any) -> tuple[subnets.EpochResult, subnets.EpochResult]:
    told: dict[str, Any] = {"params": case.params()} | case.state
    found = subnets.yuma_epoch(form(case.weights), case.stake, bonds=bonds(case.bonds), **told)
    return found, subnets.yuma_epoch(case.weights, case.stake, bonds=case.bonds, **told)


@pytest.mark.parametrize("form", FORMATS)
def test_sparse_and_dense_agree_on_random_subnets(form: Any) -> None:
    for seed in range(500):
        same(*both(Case(seed), form, FORMATS[seed % 4] if seed % 5 else np.asarray))


@given(st.integers(0, 10**9))
def test_sparse_and_dense_agree_on_any_subnet(seed: int) -> None:
    same(*both(Case(seed), sparse.csr_array, sparse.csc_array))


def test_many_epochs_in_a_row_agree_in_stored_bonds() -> None:
    rng = np.random.default_rng(3)
    params = subnets.YumaParams(bonds_rule="yuma2", bonds_u16=True)
    stake = rng.integers(1, 50, 12)
    dense = thin = None
    for _ in range(8):
        weights = rng.integers(0, 9, (12, 90)) * (rng.random((12, 90)) < 0.3)
        a = subnets.yuma_epoch(weights, stake, bonds=dense, params=params)
        b = subnets.yuma_epoch(sparse.csr_array(weights), stake, bonds=thin, params=params)
        dense, thin = a.bonds, b.bonds
        np.testing.assert_allclose(thin.toarray(), dense, rtol=0, atol=1.01 / subnets.U16_MAX)
        assert thin.nnz == np.count_nonzero(thin.toarray()), "no zeros are stored"


def test_a_weight_of_zero_that_is_stored_keeps_a_bond_where_a_missing_one_loses_it() -> None:
    """The chain's sparse code under liquid alpha, for full and for no bonds penalty."""
    weights = sparse.csr_array((np.array([1.0, 0.0, 1.0]), ([0, 0, 1], [0, 1, 0])), shape=(2, 3))
    bonds = np.full((2, 3), 0.5)
    for penalty, stays in ((1.0, True), (0.0, True), (0.5, False)):
        params = subnets.YumaParams(
            liquid_alpha=True, drop_unweighted_bonds=True, bonds_penalty=penalty
        )
        told: dict[str, Any] = {"bonds": bonds, "params": params, "validator_uids": -1}
        found = subnets.yuma_epoch(weights, [1, 1], **told).bonds.toarray()
        assert (found[0, 1] > 0) == stays
        assert found[0, 2] == found[1, 1] == found[1, 2] == 0


def test_dense_weights_with_sparse_bonds_stay_dense() -> None:
    case = Case(7)
    told: dict[str, Any] = {"params": case.params()} | case.state
    bonds = sparse.csr_array(case.bonds)
    found = subnets.yuma_epoch(case.weights, case.stake, bonds=bonds, **told)
    np.testing.assert_array_equal(found.bonds, case.ours().bonds)


GOOD = sparse.csr_array(np.array([[0.5, 0.5], [0.0, 1.0]]))


def broken(**parts: Any) -> Any:
    matrix = GOOD.copy()
    for name, values in parts.items():
        getattr(matrix, name)[:] = values
    return matrix


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (broken(indices=[1, 0, 1]), "weights: the indices of row 0 do not rise strictly"),
        (broken(indices=[0, 0, 1]), "weights: the indices of row 0 do not rise strictly"),
        (broken(indices=[0, 1, 7]), "weights: the indices of row 1 do not rise strictly"),
        (broken(indices=[-1, 1, 1]), "weights: the indices of row 0 do not rise strictly"),
        (broken(data=[1.0, -1.0, 1.0]), "weights"),
        (broken(data=[1.0, np.nan, 1.0]), "weights"),
    ],
)
def test_broken_sparse_weights_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subnets.yuma_epoch(weights, [1, 1])


def test_other_formats_and_shapes_are_refused() -> None:
    with pytest.raises(TypeError, match="weights is sparse in the format 'coo'; give CSR or CSC"):
        subnets.yuma_epoch(GOOD.tocoo(), [1, 1])
    with pytest.raises(ValueError, match=r"bonds has shape \(1, 2\); expected \(2, 2\)"):
        subnets.yuma_epoch(GOOD, [1, 1], bonds=sparse.csc_array((1, 2)))
    with pytest.raises(ValueError, match="stake has shape"):
        subnets.yuma_epoch(GOOD, [1, 1, 1])


def test_an_empty_matrix_pays_by_stake() -> None:
    result = subnets.yuma_epoch(sparse.csr_array((2, 3)), [1, 3])
    assert result.validator_emission.tolist() == [0.25, 0.75]
    assert result.bonds.nnz == 0
