"""The small functions that the epoch is made of, each usable by itself.

Matrices are validators (rows) × miners (columns). A row or column of zeros stays zero wherever
something is divided by its sum or its largest entry. Source of every rule: opentensor/subtensor
@14bc6f9 (30 June 2026), ``pallets/subtensor/src/epoch/math.rs``. The chain computes in fixed point;
here it is float64.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels import median as _kernels
from .parameters import U16_MAX

__all__ = [
    "bond_ema",
    "column_clip",
    "column_max_upscale",
    "column_normalise",
    "interpolate",
    "liquid_alpha_rates",
    "max_upscale_u16",
    "reset_bonds",
    "row_normalise",
    "safe_divide",
    "sigmoid",
    "top_k",
    "weighted_column_sums",
    "weighted_median",
    "weighted_row_sums",
]

Array = NDArray[np.float64]

_LARGEST_EXPONENT = 20.0


def safe_divide(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """Divide entry by entry; what is divided by zero is 0.

    Raises
    ------
    ValueError
        If an entry is not finite.

    Examples
    --------
    >>> safe_divide([1.0, 1.0], [4.0, 0.0])
    array([0.25, 0.  ])
    """
    x, y = checks.finite("numerator", numerator), checks.finite("denominator", denominator)
    shape = np.broadcast_shapes(x.shape, y.shape)
    return np.divide(x, y, out=np.zeros(shape), where=np.broadcast_to(y != 0.0, shape))


def row_normalise(matrix: ArrayLike) -> Array:
    """Divide each row (n, m) by its sum.

    Examples
    --------
    >>> row_normalise([[1.0, 3.0], [0.0, 0.0]])
    array([[0.25, 0.75],
           [0.  , 0.  ]])
    """
    x = _matrix("matrix", matrix)
    return safe_divide(x, x.sum(axis=1, keepdims=True))


def column_normalise(matrix: ArrayLike) -> Array:
    """Divide each column (n, m) by its sum.

    Examples
    --------
    >>> column_normalise([[1.0, 0.0], [3.0, 0.0]])
    array([[0.25, 0.  ],
           [0.75, 0.  ]])
    """
    x = _matrix("matrix", matrix)
    return safe_divide(x, x.sum(axis=0))


def column_max_upscale(matrix: ArrayLike) -> Array:
    """Divide each column (n, m) by its largest entry, as the chain does before it stores bonds.

    Examples
    --------
    >>> column_max_upscale([[1.0, 0.0], [4.0, 0.0]])
    array([[0.25, 0.  ],
           [1.  , 0.  ]])
    """
    x = _matrix("matrix", matrix)
    return safe_divide(x, x.max(axis=0, initial=0.0))


def column_clip(matrix: ArrayLike, threshold: ArrayLike) -> Array:
    """Cut every entry of (n, m) down to its column's threshold (m,).

    Examples
    --------
    >>> column_clip([[0.2, 0.8], [0.5, 0.5]], [0.3, 0.6])
    array([[0.2, 0.6],
           [0.3, 0.5]])
    """
    x = _matrix("matrix", matrix)
    return np.minimum(x, _vector("threshold", threshold, x.shape[1], "one entry per column"))


def interpolate(start: ArrayLike, end: ArrayLike, ratio: float) -> Array:
    """Go the share ``ratio`` of the way from ``start`` to ``end``; 0 and 1 are exact.

    With raw and clipped weights and the bonds penalty as ratio: the weights for bonds.

    Examples
    --------
    >>> interpolate([[1.0]], [[11.0]], 0.5)
    array([[6.]])
    """
    share = checks.number("ratio", ratio, low=0, high=1)
    x, y = checks.finite("start", start), checks.finite("end", end)
    checks.shape("end", y, x.shape, "as start")
    return (1.0 - share) * x + share * y


def weighted_column_sums(matrix: ArrayLike, weights: ArrayLike) -> Array:
    """Σ_i weights_i matrix_ij for each column j: stake (n,) times weights (n, m) gives ranks (m,).

    Examples
    --------
    >>> weighted_column_sums([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([31., 42.])
    """
    x = _matrix("matrix", matrix)
    return _vector("weights", weights, x.shape[0], "one entry per row") @ x


def weighted_row_sums(matrix: ArrayLike, weights: ArrayLike) -> Array:
    """Σ_j matrix_ij weights_j for each row i: bonds (n, m) times incentive (m,) gives dividends.

    Examples
    --------
    >>> weighted_row_sums([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """
    x = _matrix("matrix", matrix)
    return x @ _vector("weights", weights, x.shape[1], "one entry per column")


def weighted_median(weights: ArrayLike, stake: ArrayLike, kappa: float) -> Array | float:
    """Find the largest weight that rows with at least the share kappa of the stake reach.

    C_j = max{w in column j : Σ_{i : w_ij ≥ w} stake_i ≥ κ Σ stake}, exactly: the result is a weight
    of the column, or 0 where less than κ of the stake gives any. Rows without stake do not count;
    without any stake the result is 0. Sums of stake are rounded like all float64 sums, so where a
    tie falls on κ itself, give stake in whole numbers. The chain cannot hold κ = ½: it uses
    32,767/65,535, and half of the stake then suffices.

    Parameters
    ----------
    weights
        Weights, 0 or more, shape (n, m), or (n,) for one column.
    stake
        Stake, 0 or more, any unit, shape (n,).
    kappa
        Share of the stake, above 0, at most 1.

    Returns
    -------
    float64 array of shape (m,), or float for one column

    Raises
    ------
    ValueError
        For NaN, infinite or negative entries, shapes that do not fit, or kappa out of range.

    Examples
    --------
    >>> weighted_median([[0.2, 0.8], [0.5, 0.5], [0.6, 0.4]], [1, 1, 1], 0.5)
    array([0.5, 0.5])
    """
    single = np.ndim(weights) == 1
    w = checks.non_negative("weights", weights)
    w = _matrix("weights", w[:, np.newaxis] if single else w)
    s = checks.non_negative("stake", stake)
    checks.shape("stake", s, (w.shape[0],), "one entry per row of weights")
    share = checks.number("kappa", kappa, low=0, high=1, low_open=True, unit="of the stake")
    out = np.empty(w.shape[1])
    _kernels.weighted_median(np.ascontiguousarray(w), s, share * float(s.sum()), out)
    return float(out[0]) if single else out


def top_k(values: ArrayLike, k: int) -> NDArray[np.bool_]:
    """Mark the k largest entries above zero; of equal ones, those that come last.

    With stake (n,): the permits of the next epoch.

    Examples
    --------
    >>> top_k([3.0, 0.0, 1.0, 1.0], 2)
    array([ True, False, False,  True])
    """
    x = checks.non_negative("values", values)
    checks.shape("values", x, (None,), "one entry per uid")
    count = int(checks.number("k", k, low=0, unit="entries"))
    marked = x > 0.0
    if np.count_nonzero(marked) > count:
        order = np.argsort(x, kind="stable")
        marked[order[: x.size - count]] = False
    return marked


def sigmoid(x: ArrayLike, rho: float, kappa: float) -> Array:
    """Compute 1 / (1 + e^(−rho (x − kappa))), its exponent held within ±20 as on the chain.

    Examples
    --------
    >>> sigmoid([0.5], 40.0, 0.5)
    array([0.5])
    """
    exponent = rho * (checks.finite("x", x) - kappa)
    return 1.0 / (1.0 + np.exp(-np.clip(exponent, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


def liquid_alpha_rates(
    weights: ArrayLike,
    bonds: ArrayLike,
    consensus: ArrayLike,
    *,
    low: float,
    high: float,
    steepness: float,
) -> Array:
    """Compute the rate at which each bond moves under liquid alpha.

    With w a weight for bonds, b the old bond and c the column's consensus, d is w − c where w ≥ b
    (buying) and b − w otherwise (selling), held within 0 and 1. The rate rises with d from ``low``
    to ``high`` along a sigmoid around ½.

    Parameters
    ----------
    weights, bonds
        Weights for bonds and old bonds, shape (n, m).
    consensus
        Shape (m,).
    low, high
        The limits of the rate, per epoch.
    steepness
        Slope of the sigmoid.

    Returns
    -------
    float64 array of shape (n, m)
        Rates per epoch.

    Examples
    --------
    >>> liquid_alpha_rates([[1.0]], [[0.0]], [0.5], low=0.1, high=0.3, steepness=10.0)
    array([[0.2]])
    """
    w, b = _matrix("weights", weights), _matrix("bonds", bonds)
    checks.shape("bonds", b, w.shape, "as weights")
    c = _vector("consensus", consensus, w.shape[1], "one entry per column")
    distance = np.clip(np.where(w >= b, w - c, b - w), 0.0, 1.0)
    return np.clip(low + sigmoid(distance, steepness, 0.5) * (high - low), low, high)


def bond_ema(
    old: ArrayLike, new: ArrayLike, alpha: ArrayLike, *, drop_unweighted: bool = False
) -> Array:
    """Move bonds toward weights at the rate alpha: min(1, (1 − α) old + α new).

    Parameters
    ----------
    old, new
        Old bonds and weights for bonds, 0 or more, of one shape.
    alpha
        Rate per epoch from 0 to 1: one number, or one per entry.
    drop_unweighted
        Whether a bond without a weight is lost at once, as in the chain's sparse code with liquid
        alpha, where it fades in the dense code.

    Examples
    --------
    >>> bond_ema([0.5, 0.5], [1.0, 0.0], 0.1)
    array([0.55, 0.45])
    >>> bond_ema([0.5, 0.5], [1.0, 0.0], 0.1, drop_unweighted=True)
    array([0.55, 0.  ])
    """
    b, w = checks.non_negative("old", old), checks.non_negative("new", new)
    checks.shape("new", w, b.shape, "as old")
    rate = checks.finite("alpha", alpha, low=0, high=1)
    bonds = np.minimum(1.0, (1.0 - rate) * b + rate * w)
    return np.where(w > 0.0, bonds, 0.0) if drop_unweighted else bonds


def reset_bonds(bonds: ArrayLike, miners: ArrayLike) -> Array:
    """Delete all bonds toward some miners: BondsResetOn, or a uid that changes hands.

    Parameters
    ----------
    bonds
        Shape (n, m).
    miners
        Columns: one number or several.

    Raises
    ------
    IndexError
        If there is no such column.

    Examples
    --------
    >>> reset_bonds([[0.5, 0.5]], 1)
    array([[0.5, 0. ]])
    """
    result = np.array(_matrix("bonds", bonds))
    result[:, np.asarray(miners, dtype=np.intp)] = 0.0
    return result


def max_upscale_u16(weights: ArrayLike) -> NDArray[np.uint16]:
    """Scale a row so that its largest entry is 65,535 and round: how weights reach the chain.

    Halves round up. A row of zeros stays zero. In float64: of whole numbers above 32,768 the chain
    rounds a few halves down, as `submit_weights` does. Source: ``epoch/math.rs``,
    ``vec_max_upscale_to_u16``, called by ``subnets/weights.rs``.

    Parameters
    ----------
    weights
        0 or more, shape (m,).

    Returns
    -------
    uint16 array of shape (m,)

    Examples
    --------
    >>> max_upscale_u16([0.0, 0.1, 0.4])
    array([    0, 16384, 65535], dtype=uint16)
    """
    w = checks.non_negative("weights", weights)
    checks.shape("weights", w, (None,), "one row")
    top = float(w.max(initial=0.0))
    if top == 0.0:
        return np.zeros(w.size, np.uint16)
    scaled = w * U16_MAX / top if top <= (U16_MAX + 1) // 2 else w * (U16_MAX / top)
    return np.floor(scaled + 0.5).astype(np.uint16)


def _matrix(name: str, values: ArrayLike) -> Array:
    return checks.shape(
        name, checks.finite(name, values), (None, None), "validators (rows) × miners (columns)"
    )


def _vector(name: str, values: ArrayLike, length: int, meaning: str) -> Array:
    return checks.shape(name, checks.finite(name, values), (length,), meaning)
