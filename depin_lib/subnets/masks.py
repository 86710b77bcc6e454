"""Which rows and weights count in an epoch: permits, activity, self-weights, outdated weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from .parameters import YumaParams

__all__ = ["Masks", "masks_of"]

Blocks = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Masks:
    """What counts in an epoch of n rows and m columns, as the kernel takes it."""

    uids: Blocks  #: the uid of each row: its column, or one after the last column, shape (n,)
    self_column: Blocks  #: the column whose weight is dropped in each row, −1 for none, shape (n,)
    owner: int | None  #: row of the owner
    permits: NDArray[np.bool_]  #: rows with a permit from the last epoch, shape (n,)
    active: NDArray[np.bool_]  #: rows that are active, shape (n,)
    registered: Blocks  #: block of each column's registration, shape (m,)
    expiry: Blocks  #: weights toward columns registered then or later are dropped, shape (n,)
    kept: NDArray[np.float64]  #: 1, or 0 where bonds are older than the column's uid, shape (m,)


def masks_of(
    shape: tuple[int, int],
    params: YumaParams,
    validator_uids: ArrayLike | None,
    permits: ArrayLike | None,
    owner: int | None,
    block: int | None,
    last_update: ArrayLike | None,
    registered: ArrayLike | None,
    committed: ArrayLike | None,
    last_epoch: int | None,
) -> Masks:
    """Check and combine what `yuma_epoch` was told; its docstring explains the arguments."""
    n, m = shape
    uids, self_column = _uids(validator_uids, n, m)
    permitted = _permits(permits, n)
    if owner is not None:
        owner = _whole("owner", owner, n - 1, "row")
        permitted[owner] = True
        self_column[owner] = -1
    now = None if block is None else _whole("block", block, _NEVER, "block")
    active = np.ones(n, np.bool_)
    expiry = np.full(n, _NEVER)
    if last_update is not None:
        updated = _blocks("last_update", last_update, n, "one block per row")
        expiry = np.minimum(expiry, updated)
        if now is not None:
            active = updated + params.activity_cutoff >= now
    if committed is not None:
        commits = _blocks("committed", committed, n, "one block per row, −1 for none", low=-1)
        expiry = np.minimum(expiry, np.where(commits < 0, _NEVER, commits + 1))
    since, kept = np.zeros(m, np.int64), np.ones(m)
    if registered is not None:
        since = _blocks("registered", registered, m, "one block per column")
        first = None
        if last_epoch is not None:
            first = _whole("last_epoch", last_epoch, _NEVER, "block") + 1
        elif now is not None:
            first = now - params.tempo
        if first is not None:
            kept = np.where(since >= first, 0.0, 1.0)
    return Masks(uids, self_column, owner, permitted, active, since, expiry, kept)


def _uids(validator_uids: ArrayLike | None, n: int, m: int) -> tuple[Blocks, Blocks]:
    """Return the uid of each row, and the column of each row or −1."""
    given = np.asarray(-1 if validator_uids is None else validator_uids)
    if validator_uids is None and n == m:
        return np.arange(n, dtype=np.int64), np.arange(n, dtype=np.int64)
    if given.ndim == 0 and given == -1:
        return np.arange(m, m + n, dtype=np.int64), np.full(n, -1)
    columns = _blocks("validator_uids", given, n, "one column per row, −1 for none", low=-1)
    if columns.max(initial=-1) >= m:
        raise ValueError(f"validator_uids holds {columns.max()}; allowed: −1 to {m - 1}")
    inside, counts = np.unique(columns[columns >= 0], return_counts=True)
    if counts.max(initial=1) > 1:
        raise ValueError(f"validator_uids holds {inside[counts.argmax()]} twice; a uid has one row")
    outside = columns < 0
    return np.where(outside, m - 1 + np.cumsum(outside), columns), columns


def _permits(permits: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    if permits is None:
        return np.ones(n, np.bool_)
    array = np.asarray(permits)
    if array.shape != (n,) or array.dtype != np.bool_:
        raise ValueError(
            f"permits has shape {array.shape} and type {array.dtype}; "
            f"expected ({n},) truth values: one per row"
        )
    return array.copy()


def _blocks(name: str, values: ArrayLike, length: int, meaning: str, low: int = 0) -> Blocks:
    array = checks.finite(name, values, low=low)
    checks.shape(name, array, (length,), meaning)
    whole = array.astype(np.int64)
    if (whole != array).any():
        raise ValueError(f"{name} must hold whole numbers: {meaning}")
    return whole


def _whole(name: str, value: int, high: int, unit: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; give a whole number")
    if not 0 <= value <= high:
        raise ValueError(f"{name} is {value}; allowed: {unit} 0 to {high}")
    return int(value)
