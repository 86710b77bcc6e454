"""The epoch on sparse weights: reading `scipy.sparse` input and running the kernels on it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels import consensus as _dense
from ..kernels import consensus_sparse as _kernels
from ..kernels.consensus import YUMA3, YUMA3_LIQUID, Masks, Shares
from ..kernels.consensus_sparse import NEW, NONE, OLD, Compressed
from .masks import next_permits
from .parameters import U16_MAX, YumaParams

__all__ = ["is_sparse", "parts_of", "read", "run", "what_is_stored"]

Array = NDArray[np.float64]


def is_sparse(values: object) -> bool:
    """Say whether this is a sparse matrix, without importing scipy to find out."""
    return hasattr(values, "tocsr")


def read(name: str, matrix: Any, shape: tuple[int | None, int | None], high: float) -> Any:
    """Check a sparse matrix (CSR or CSC), entries from 0 to ``high``; return it in float64.

    Raises
    ------
    TypeError
        If it has another sparse format.
    ValueError
        If its shape does not fit, its indices are unsorted, repeated or out of range, or an entry
        is NaN, negative or too large.
    """
    if matrix.format not in ("csr", "csc"):
        raise TypeError(f"{name} is sparse in the format {matrix.format!r}; give CSR or CSC")
    for length, wanted in zip(matrix.shape, shape, strict=True):
        if wanted is not None and length != wanted:
            raise ValueError(f"{name} has shape {matrix.shape}; expected {shape}, as weights")
    by_rows = matrix.format == "csr"
    parts = parts_of(matrix)
    line = _kernels.in_order(parts, matrix.shape[1 if by_rows else 0])
    if line >= 0:
        what = "row" if by_rows else "column"
        raise ValueError(
            f"{name}: the indices of {what} {line} do not rise strictly within the matrix; "
            "call sum_duplicates() to sort and merge them"
        )
    if not _dense.all_within(parts.values, high):
        checks.finite(name, parts.values, low=0, high=high)
    return matrix.astype(np.float64, copy=False)


def run(
    weights: Any, stake: Array, old: Any, masks: Masks, shares: Shares, params: YumaParams
) -> tuple[Any, NDArray[np.bool_]]:
    """Compute the epoch: fill the shares, return the stored bonds (CSC) and the new permits."""
    from scipy.sparse import csc_array  # takes a quarter of the wing's import time

    rules, voting = params.rules, np.empty(stake.size)
    kappa = params.kappa * _dense.share_stake(stake, rules.threshold, masks, shares, voting)
    permits = next_permits(shares.stake, params, masks.owner)
    stores = what_is_stored(permits, masks)
    steps = float(U16_MAX) if params.bonds_u16 else 0.0
    rows = parts_of(weights.tocsr())
    held = parts_of(csc_array(weights.shape if old is None else old))
    found = _kernels.epoch(rows, voting, kappa, masks, rules, held, stores, steps, shares)
    if rules.bonds == YUMA3_LIQUID and not shares.consensus.any():  # then no liquid alpha
        rules = rules._replace(bonds=YUMA3)
        found = _kernels.epoch(rows, voting, kappa, masks, rules, held, stores, steps, shares)
    _dense.normalise(shares.incentive)
    _dense.normalise(shares.dividends)
    _dense.share_payout(masks.uids, shares)
    bonds = csc_array((found.values, found.indices, found.starts), shape=weights.shape)
    return bonds, permits


def what_is_stored(permits: NDArray[np.bool_], masks: Masks) -> NDArray[np.int8]:
    """Say which bonds each row stores (n,), given the permits for the next epoch."""
    return np.where(permits, NEW, np.where(masks.permits, NONE, OLD)).astype(np.int8)


def parts_of(matrix: Any) -> Compressed:
    """Return the arrays of a CSR or CSC matrix in the types of the kernels."""
    return Compressed(
        matrix.indptr.astype(np.int64, copy=False),
        matrix.indices.astype(np.int32, copy=False),
        np.ascontiguousarray(matrix.data, np.float64),
    )
