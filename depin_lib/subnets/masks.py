"""Which rows and weights count in an epoch: permits, activity, self-weights, outdated weights."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels.consensus import Masks
from .matrices import top_k
from .parameters import YumaParams

__all__ = ["keep_or_lose", "masks_of", "next_permits"]

Blocks = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


def masks_of(
    shape: tuple[int, int],
    params: YumaParams,
    *,
    validator_uids: ArrayLike | None = None,
    permits: ArrayLike | None = None,
    owner: int | None = None,
    block: int | None = None,
    last_update: ArrayLike | None = None,
    registered: ArrayLike | None = None,
    committed: ArrayLike | None = None,
    last_epoch: int | None = None,
) -> tuple[Masks, int]:
    """Check and combine what `yuma_epoch` was told; its docstring explains the arguments.

    Returns the masks, which are not to be changed, and the number of uids.
    """
    n, m = shape
    nothing = validator_uids is permits is last_update is committed is None
    if nothing and owner is block is registered is last_epoch is None:
        return _open(n, m)
    uids, own_column = _uids(validator_uids, n, m)
    permitted = _permits(permits, n)
    owner_row = -1 if owner is None else _whole("owner", owner, n - 1, "row")
    if owner_row >= 0:
        permitted[owner_row] = True
        own_column[owner_row] = -1
    now = None if block is None else _whole("block", block, _NEVER, "block")
    updated = commits = np.full(n, _NEVER)
    active = np.ones(n, np.bool_)
    if last_update is not None:
        updated = _blocks("last_update", last_update, n, "one block per row")
        if now is not None:
            active = updated + params.activity_cutoff >= now
    if committed is not None:
        commits = _blocks("committed", committed, n, "one block per row, −1 for none", low=-1)
        commits = np.where(commits < 0, _NEVER, commits + 1)
    since, expiry, kept = np.zeros(m, np.int64), np.full(n, _NEVER), np.ones(m)
    if registered is not None:
        since = _blocks("registered", registered, m, "one block per column")
        expiry = np.minimum(updated, commits)
        first = _first_block(now, last_epoch, params)
        if first is not None:
            kept = np.where(since >= first, 0.0, 1.0)
    masks = Masks(uids, own_column, owner_row, permitted, active, since, expiry, kept)
    return masks, max(m, int(uids.max(initial=-1)) + 1)


def next_permits(stake: NDArray[Any], params: YumaParams, owner: int) -> NDArray[np.bool_]:
    """Say who may vote in the next epoch, by shares of stake (n,) and the owner's row or −1."""
    few = stake.size <= params.max_validators
    permits = stake > 0.0 if few else top_k(stake, params.max_validators)
    if owner >= 0:
        permits[owner] = True
    return permits


def keep_or_lose(
    new: NDArray[np.float64],
    old: NDArray[np.float64] | None,
    masks: Masks,
    permits: NDArray[np.bool_],
) -> None:
    """Store no new bonds (n, m) without a permit: who had one loses all, others keep the old."""
    if np.count_nonzero(permits) == permits.size:
        return
    new[~permits & masks.permits] = 0.0
    never = ~permits & ~masks.permits
    new[never] = 0.0 if old is None else old[never]


@lru_cache(maxsize=64)
def _open(n: int, m: int) -> tuple[Masks, int]:
    """Return the masks that let everything count."""
    uids, own_column = _uids(None, n, m)
    everyone = np.ones(n, np.bool_)
    since, expiry = np.zeros(m, np.int64), np.full(n, _NEVER)
    masks = Masks(uids, own_column, -1, everyone, everyone, since, expiry, np.ones(m))
    return masks, m if n == m else m + n


def _first_block(now: int | None, last_epoch: int | None, params: YumaParams) -> int | None:
    """Return the first block after the last epoch: bonds toward uids registered since are void."""
    if last_epoch is not None:
        return _whole("last_epoch", last_epoch, _NEVER, "block") + 1
    return None if now is None else now - params.tempo


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
