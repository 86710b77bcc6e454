"""Passes over a tile of weights or bonds: validators (rows) × 64 columns, as in `median`.

`consensus` and `simulation` take them. Sums here may be added up in any order; whether stake
reaches kappa is decided in `median`, in a fixed one.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .median import GROUP, TILE, larger, smaller

Array = NDArray[np.float64]

TAYLOR = tuple(1.0 / math.factorial(k) for k in range(7, -1, -1))
LEAST = 1e-290  # a smaller sum counts as zero: its reciprocal might not be finite
LARGEST_EXPONENT = 20.0  # the chain clamps the sigmoid's exponent to ±20


@jit(reassociate=True)
def row_sum(row: Array) -> float:
    """Sum of a row (m,)."""
    total = 0.0
    for j in range(row.size):
        total += row[j]
    return total


@jit(reassociate=True)
def clip(
    tile: Array, active: Array, consensus: Array, penalty: float, rank: Array, trust: Array
) -> None:
    """Clip at the consensus; the tile then holds the weights for bonds.

    w̄_ij = min(w_ij, C_j), rank_j = Σ_i a_i w̄_ij, trust_i += Σ_j w̄_ij,
    wᵇ_ij = w_ij + β (w̄_ij − w_ij), written so that β = 0 and β = 1 are exact.
    """
    keep = 1.0 - penalty
    for j in range(TILE):
        rank[j] = 0.0
    for i in range(0, active.size, GROUP):
        a, b, c, d = active[i], active[i + 1], active[i + 2], active[i + 3]
        for j in range(TILE):
            x = consensus[j]
            first = a * smaller(tile[i, j], x) + b * smaller(tile[i + 1, j], x)
            second = c * smaller(tile[i + 2, j], x) + d * smaller(tile[i + 3, j], x)
            rank[j] += first + second
    for i in range(trust.size):
        w, left = tile[i], 0.0
        for j in range(TILE):
            clipped = smaller(w[j], consensus[j])
            left += clipped
            w[j] = penalty * clipped + keep * w[j]
        trust[i] += left


@jit(inline=True)
def exponential(row: Array) -> None:
    """row_j = e^row_j for 64 numbers within ±20, to 2e-13: (e^(x/512))^512 by Taylor's series.

    `math.exp` takes one number at a time; this loop becomes vector instructions.
    """
    for j in range(TILE):
        x = row[j] * (1.0 / 512.0)
        y = TAYLOR[0]
        for k in range(1, 8):
            y = y * x + TAYLOR[k]
        for _ in range(9):
            y *= y
        row[j] = y


@jit(inline=True)
def liquid_rates(
    w: Array, held: Array, consensus: Array, low: float, high: float, steepness: float, rate: Array
) -> None:
    """α_j = low + (high − low) / (1 + e^(−steepness (d_j − ½))) for a row of 64 pairs.

    d_j = wᵇ_j − C_j if wᵇ_j >= B_j (buying), else B_j − wᵇ_j (selling), within [0, 1].
    """
    reach = LARGEST_EXPONENT / max(abs(steepness), 2.0 * LARGEST_EXPONENT)
    for j in range(TILE):
        d = w[j] - consensus[j] if w[j] >= held[j] else held[j] - w[j]
        rate[j] = steepness * (0.5 - smaller(larger(d, 0.5 - reach), 0.5 + reach))
    exponential(rate)
    for j in range(TILE):
        rate[j] = low + (high - low) / (1.0 + rate[j])


@jit(reassociate=True)
def pay_dividends(bonds: Array, rank: Array, dividends: Array, share: Array) -> None:
    """dividends_i += Σ_j (E_ij / Σ_i E_ij) rank_j."""
    for j in range(TILE):
        share[j] = 0.0
    for i in range(0, bonds.shape[0], GROUP):
        for j in range(TILE):
            share[j] += (bonds[i, j] + bonds[i + 1, j]) + (bonds[i + 2, j] + bonds[i + 3, j])
    for j in range(TILE):
        share[j] = rank[j] / share[j] if share[j] > LEAST else 0.0
    for i in range(dividends.size):
        e, paid = bonds[i], 0.0
        for j in range(TILE):
            paid += e[j] * share[j]
        dividends[i] += paid
