"""The epoch in the chain's own arithmetic: reading whole numbers and running the kernels on them.

Rules: opentensor/subtensor @14bc6f9 (30 June 2026), ``epoch/run_epoch.rs`` (``epoch_mechanism``)
and ``epoch/math.rs``; the exponential of liquid alpha: encointer/substrate-fixed v0.6.0,
``transcendental.rs`` (``exp``). Stake is I64F64 until it is shared out, everything after it I32F32.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import consensus_fixed as _kernels
from ..kernels import consensus_fixed_sparse as _thin
from ..kernels.consensus import YUMA3, YUMA3_LIQUID, Masks, Shares
from .masks import keep_or_lose, next_permits
from .parameters import U16_MAX, YumaParams
from .sparse import is_sparse, parts_of, what_is_stored

__all__ = ["check_weights", "run"]

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

ONE = 1 << 32
_MOST_STAKE = 2**63  # I64F64
_MOST_COLUMNS = 2**31 // U16_MAX  # more weights of 65,535 in a row overflow I32F32
_EXACT = 2.0**53  # whole numbers below it have no rounding in float64
_NEAR = 1e-6
_NOT_WHOLE = (
    "bonds must be whole 65,535ths in fixed arithmetic, as the chain stores them; float64 gives "
    "such with bonds_u16=True"
)


def check_weights(weights: Any) -> None:
    """Check that weights from 0 to 65,535 are such as the chain stores.

    Raises
    ------
    ValueError
        If they are not whole, or a row could overflow I32F32.
    """
    thin = is_sparse(weights)
    most = np.diff(weights.tocsr().indptr).max(initial=0) if thin else weights.shape[1]
    if most > _MOST_COLUMNS:
        raise ValueError(
            f"weights has {most} {'entries in a row' if thin else 'columns'}; allowed: up to "
            f"{_MOST_COLUMNS}, beyond which the sum of a row may overflow I32F32"
        )
    if not _kernels.all_whole(weights.data if thin else weights.reshape(-1)):
        raise ValueError(
            "weights must be whole numbers from 0 to 65,535 in fixed arithmetic, as the chain "
            "stores them; scale each row with max_upscale_u16"
        )


def run(
    weights: Any, stake: Array, old: Any, masks: Masks, shares: Shares, params: YumaParams
) -> tuple[Any, NDArray[np.bool_]]:
    """Compute the epoch: fill the shares, return the stored bonds and the new permits.

    Weights and old bonds are dense, or sparse; then so are the bonds (CSC).
    """
    s = _shares_of_stake(stake, params.stake_threshold, masks.owner)
    permits = next_permits(s, params, masks.owner)
    run_kernel = _run_sparse if is_sparse(weights) else _run_dense
    rules = _rules(params)
    new = run_kernel(weights, s, old, masks, permits, shares, rules)
    if rules.bonds == YUMA3_LIQUID and not shares.consensus.any():  # then no liquid alpha
        rules = rules._replace(bonds=YUMA3)
        new = run_kernel(weights, s, old, masks, permits, shares, rules)
    return new, permits


def _run_dense(
    weights: Array,
    stake: Whole,
    old: Array | None,
    masks: Masks,
    permits: NDArray[np.bool_],
    shares: Shares,
    rules: _kernels.Rules,
) -> Array:
    """Run the dense kernel; return the stored bonds (n, m)."""
    new = np.zeros(weights.shape) if old is None else np.empty(weights.shape)
    held = new if old is None else old  # the kernel reads a bond before it writes it
    if _kernels.epoch(weights, stake, masks, rules, held, new.view(np.int64), new, shares) > 0:
        raise ValueError(_NOT_WHOLE)
    keep_or_lose(new, old, masks, permits)
    return new


def _run_sparse(
    weights: Any,
    stake: Whole,
    old: Any,
    masks: Masks,
    permits: NDArray[np.bool_],
    shares: Shares,
    rules: _kernels.Rules,
) -> Any:
    """Run the sparse kernel; return the stored bonds (CSC)."""
    from scipy.sparse import csc_array  # takes a quarter of the wing's import time

    rows = parts_of(weights.tocsr())
    held = parts_of(csc_array(weights.shape if old is None else old))
    if _thin.count_broken(held.values) > 0:
        raise ValueError(_NOT_WHOLE)
    stores = what_is_stored(permits, masks)
    new = _thin.epoch(rows, stake, masks, rules, held, stores, shares)
    return csc_array((new.values, new.indices, new.starts), shape=weights.shape)


@lru_cache(maxsize=64)
def _rules(params: YumaParams) -> _kernels.Rules:
    """Return the constants as the chain computes them from its stored whole numbers."""
    average = _stored("bonds_moving_average", params.bonds_moving_average, 1_000_000)
    steepness = _stored("alpha_steepness", params.alpha_steepness, 100)
    shares = {
        name: (_stored(name, getattr(params, name), U16_MAX) << 32) // U16_MAX
        for name in ("kappa", "bonds_penalty", "alpha_low", "alpha_high")
    }
    slope = (abs(steepness) << 32) // 100
    return _kernels.Rules(
        bonds=params.rules.bonds,
        kappa=shares["kappa"],
        penalty=shares["bonds_penalty"],
        alpha=ONE - (average << 32) // 1_000_000,
        alpha_low=shares["alpha_low"],
        alpha_high=shares["alpha_high"],
        slope=-slope if steepness >= 0 else slope,
        drop=bool(params.drop_unweighted_bonds),
    )


def _stored(name: str, value: float, parts: int) -> int:
    whole = round(value * parts)
    if abs(value * parts - whole) > _NEAR:
        raise ValueError(
            f"{name} is {value!r}, which the chain cannot store: it holds whole {parts:,}ths; "
            f"nearest: {whole:,}/{parts:,}"
        )
    return whole


def _shares_of_stake(stake: Array, threshold: float, owner: int) -> Whole:
    """Divide stake, cut to 64 binary places, by its sum; cut the quotient to 32."""
    if stake.sum() < _EXACT and _kernels.all_whole(stake):
        whole = stake.astype(np.int64)
        low = stake < threshold
        low[owner : owner + 1] = False  # nothing where there is no owner, −1
        whole[low] = 0
        _kernels.normalise(whole)
        return whole
    exact = [float(s).as_integer_ratio() for s in stake]
    bits = [(p << 64) // q for p, q in exact]
    kept = [b if (b >> 64) >= threshold or i == owner else 0 for i, b in enumerate(bits)]
    total = sum(kept)
    if total >= _MOST_STAKE << 64:
        raise ValueError(f"stake sums to {total >> 64}; allowed: below 2**63, the chain's I64F64")
    shares = [(b << 64) // total >> 32 if total else 0 for b in kept]
    return np.array(shares, dtype=np.int64)
