"""One epoch of Yuma consensus: row normalisation, median, clipping, bonds and dividends.

Weights and bonds are validators (rows) × miners (columns). As in `median`, the columns are taken 64
at a time into a tile, and every step is a pass over the tile in vector instructions. The tile first
holds the weights w, after clipping the weights for bonds wᵇ, at the end the new bonds E.
"""

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .median import ROWS, TILE, aligned_zeros, attainable, larger, median_of_tile, padded, smaller

Array = NDArray[np.float64]

#: The bond rules of `epoch`.
YUMA2, YUMA3, YUMA3_LIQUID = 2, 3, 4

LANES = 8  # partial sums of a row: one order of addition on every machine
INVERSE = tuple(1.0 / k for k in range(12, 0, -1))
LARGEST_EXPONENT = 20.0  # the chain clamps the sigmoid's exponent to ±20


@jit()
def row_sum(row: Array) -> float:
    """Sum of a row (m,), in eight partial sums."""
    a = b = c = d = e = f = g = h = 0.0
    for j in range(0, row.size - row.size % LANES, LANES):
        part = row[j : j + LANES]
        a += part[0]
        b += part[1]
        c += part[2]
        d += part[3]
        e += part[4]
        f += part[5]
        g += part[6]
        h += part[7]
    rest = 0.0
    for j in range(row.size - row.size % LANES, row.size):
        rest += row[j]
    return ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest


@jit()
def row_scales(
    weights: Array,
    permitted: NDArray[np.bool_],
    expiry: NDArray[np.int64],
    registered: NDArray[np.int64],
    self_column: NDArray[np.int64],
    scale: Array,
) -> None:
    """scale_i = 1 / the sum of the weights of row i that count, 0 if there are none.

    Not counted: rows without permit, the weight in the row's own column (self_column_i, if it is
    not negative), weights toward a column registered at block expiry_i or later.
    """
    newest = registered.max() if registered.size else 0
    for i in range(scale.size):
        scale[i] = 0.0
        if not permitted[i]:
            continue
        row, own = weights[i], self_column[i]
        if expiry[i] <= newest:
            total = 0.0
            for j in range(row.size):
                total += row[j] if registered[j] < expiry[i] and j != own else 0.0
        elif own >= 0:
            total = row_sum(row[:own]) + row_sum(row[own + 1 :])
        else:
            total = row_sum(row)
        if total > 0.0:
            scale[i] = 1.0 / total


@jit(inline=True)
def load_weights(
    weights: Array,
    first: int,
    width: int,
    scale: Array,
    expiry: NDArray[np.int64],
    registered: NDArray[np.int64],
    newest: int,
    self_column: NDArray[np.int64],
    tile: Array,
) -> None:
    """Copy columns first … first + width of the weights that count, each row normalised."""
    block = registered[first : first + width]
    for i in range(scale.size):
        row, source, factor = tile[i], weights[i, first : first + width], scale[i]
        for j in range(width):
            row[j] = source[j] * factor
        for j in range(width, TILE):
            row[j] = 0.0
        if expiry[i] <= newest:
            for j in range(width):
                row[j] = row[j] if block[j] < expiry[i] else 0.0
        own = self_column[i] - first
        if 0 <= own < width:
            row[own] = 0.0


@jit(inline=True)
def clip(
    tile: Array, active: Array, consensus: Array, penalty: float, rank: Array, trust: Array
) -> None:
    """Clip at the consensus; the tile then holds the weights for bonds.

    w̄_ij = min(w_ij, C_j), rank_j = Σ_i a_i w̄_ij, trust_ij += w̄_ij,
    wᵇ_ij = w_ij + β (w̄_ij − w_ij), written so that β = 0 and β = 1 are exact.
    """
    keep = 1.0 - penalty
    for j in range(TILE):
        rank[j] = 0.0
    for i in range(0, active.size, ROWS):
        a, b, c, d = active[i], active[i + 1], active[i + 2], active[i + 3]
        for j in range(TILE):
            x = consensus[j]
            first = a * smaller(tile[i, j], x) + b * smaller(tile[i + 1, j], x)
            second = c * smaller(tile[i + 2, j], x) + d * smaller(tile[i + 3, j], x)
            rank[j] += first + second
    for i in range(trust.shape[0]):
        w, t = tile[i], trust[i]
        for j in range(TILE):
            t[j] += smaller(w[j], consensus[j])
        for j in range(TILE):
            w[j] = penalty * smaller(w[j], consensus[j]) + keep * w[j]


@jit(inline=True)
def yuma2_bonds(
    tile: Array,
    active: Array,
    bonds: Array,
    first: int,
    width: int,
    kept: Array,
    alpha: float,
    held: Array,
    bought: Array,
    top: Array,
) -> None:
    """E_ij = α ΔB_ij + (1 − α) B_ij and top_j = the largest E_ij, in place of the weights.

    ΔB_ij is a_i wᵇ_ij and B_ij the old bond, both as shares of their column.
    """
    for j in range(TILE):
        held[j] = 0.0
        bought[j] = 0.0
        top[j] = 0.0
    for i in range(active.size):
        a, w, b = active[i], tile[i], bonds[i, first : first + width]
        for j in range(TILE):
            w[j] *= a
        for j in range(TILE):
            bought[j] += w[j]
        for j in range(width):
            held[j] += b[j]
    for j in range(TILE):
        held[j] = (1.0 - alpha) * kept[j] / held[j] if held[j] > 0.0 else 0.0
        bought[j] = alpha / bought[j] if bought[j] > 0.0 else 0.0
    for i in range(active.size):
        w, b = tile[i], bonds[i, first : first + width]
        for j in range(TILE):
            w[j] *= bought[j]
        for j in range(width):
            w[j] += held[j] * b[j]
        for j in range(TILE):
            top[j] = larger(top[j], w[j])


@jit(inline=True)
def yuma3_bonds(
    tile: Array, bonds: Array, first: int, width: int, kept: Array, alpha: float
) -> None:
    """Bonds of Yuma3 in place of the tile's weights: E_ij = min(1, (1 − α) B_ij + α wᵇ_ij)."""
    old = 1.0 - alpha
    for i in range(bonds.shape[0]):
        w, b = tile[i], bonds[i, first : first + width]
        for j in range(width):
            e = old * (kept[j] * b[j]) + alpha * w[j]
            w[j] = e if e < 1.0 else 1.0


@jit(inline=True)
def exponential(row: Array) -> None:
    """row_j = e^row_j for 64 numbers within ±20, to 3e-14: (e^(x/64))^64 by Taylor's series.

    `math.exp` takes one number at a time; this loop becomes vector instructions.
    """
    for j in range(TILE):
        x = row[j] * (1.0 / 64.0)
        y = x * (1.0 / 13.0) + 1.0
        for k in range(12):
            y = y * x * INVERSE[k] + 1.0
        for _ in range(6):
            y *= y
        row[j] = y


@jit(inline=True)
def liquid_bonds(
    tile: Array,
    bonds: Array,
    first: int,
    width: int,
    kept: Array,
    consensus: Array,
    alpha_low: float,
    alpha_high: float,
    steepness: float,
    drop: bool,
    row: Array,
) -> None:
    """Bonds of Yuma3 with a rate of their own per pair, in place of the tile's weights.

    d_ij = wᵇ_ij − C_j if wᵇ_ij >= B_ij (buying), else B_ij − wᵇ_ij (selling), within [0, 1];
    α_ij = α_low + (α_high − α_low) / (1 + e^(−steepness (d_ij − ½))).
    """
    for i in range(bonds.shape[0]):
        w, b = tile[i], bonds[i, first : first + width]
        for j in range(width):
            held = kept[j] * b[j]
            d = w[j] - consensus[j] if w[j] >= held else held - w[j]
            d = d if d > 0.0 else 0.0
            row[j] = d if d < 1.0 else 1.0
        for j in range(TILE):
            x = steepness * (0.5 - row[j])
            x = x if x < LARGEST_EXPONENT else LARGEST_EXPONENT
            row[j] = x if x > -LARGEST_EXPONENT else -LARGEST_EXPONENT
        exponential(row)
        for j in range(TILE):
            row[j] = alpha_low + (alpha_high - alpha_low) / (1.0 + row[j])
        for j in range(width):
            held = kept[j] * b[j]
            e = (1.0 - row[j]) * held + row[j] * w[j]
            e = e if e < 1.0 else 1.0
            w[j] = 0.0 if drop and w[j] == 0.0 else e


@jit(inline=True)
def pay_dividends(tile: Array, rank: Array, dividends: Array, share: Array) -> None:
    """dividends_ij += (E_ij / Σ_i E_ij) rank_j."""
    for j in range(TILE):
        share[j] = 0.0
    for i in range(0, tile.shape[0], ROWS):
        for j in range(TILE):
            share[j] += (tile[i, j] + tile[i + 1, j]) + (tile[i + 2, j] + tile[i + 3, j])
    for j in range(TILE):
        share[j] = rank[j] / share[j] if share[j] > 0.0 else 0.0
    for i in range(dividends.shape[0]):
        e, d = tile[i], dividends[i]
        for j in range(TILE):
            d[j] += e[j] * share[j]


@jit(inline=True)
def store_bonds(tile: Array, bonds: Array, first: int, width: int, scale: Array) -> None:
    """B_ij = E_ij scale_j."""
    for i in range(bonds.shape[0]):
        e, b = tile[i], bonds[i, first : first + width]
        for j in range(width):
            b[j] = e[j] * scale[j]


@jit()
def normalise(values: Array) -> None:
    """Divide values (n,) by their sum; zeros stay."""
    total = 0.0
    for i in range(values.size):
        total += values[i]
    if total > 0.0:
        for i in range(values.size):
            values[i] /= total


@jit()
def epoch(
    weights: Array,
    permitted: NDArray[np.bool_],
    expiry: NDArray[np.int64],
    registered: NDArray[np.int64],
    self_column: NDArray[np.int64],
    stake: Array,
    kappa: float,
    active: Array,
    kept: Array,
    rule: int,
    penalty: float,
    alpha: float,
    alpha_low: float,
    alpha_high: float,
    steepness: float,
    drop: bool,
    bonds: Array,
    consensus: Array,
    incentive: Array,
    trust: Array,
    dividends: Array,
) -> None:
    """One epoch for n validators × m miners, from raw weights to incentive, dividends, new bonds.

    In: weights (n, m), permits (n,), masks as in `row_scales`, voting stake (n,) with kappa in its
    unit, active stake (n,) of sum 1, kept (m,): 1, or 0 where old bonds are void. In and out: bonds
    (n, m). Out: consensus, incentive (m,), trust, dividends (n,).
    """
    n, miners = weights.shape
    mass, shares = padded(stake), padded(active)
    kappa = attainable(kappa, mass)
    newest = registered.max() if miners else 0
    scale = np.empty(n)
    row_scales(weights, permitted, expiry, registered, self_column, scale)
    tile, search = aligned_zeros(mass.size, TILE), aligned_zeros(6, TILE)
    key = np.empty((2, mass.size + 1))
    trusted, earned = aligned_zeros(n, TILE), aligned_zeros(n, TILE)
    buffer = aligned_zeros(7, TILE)
    median, ranks, row, kept_here = buffer[0], buffer[1], buffer[2], buffer[3]
    held, bought, factor = buffer[4], buffer[5], buffer[6]
    factor[:] = 1.0
    for first in range(0, miners, TILE):
        width = min(TILE, miners - first)
        kept_here[:width] = kept[first : first + width]
        load_weights(weights, first, width, scale, expiry, registered, newest, self_column, tile)
        median_of_tile(tile, mass, kappa, search, key, median)
        clip(tile, shares, median, penalty, ranks, trusted)
        if rule == YUMA2:
            yuma2_bonds(tile, active, bonds, first, width, kept_here, alpha, held, bought, factor)
            for j in range(TILE):
                factor[j] = 1.0 / factor[j] if factor[j] > 0.0 else 0.0
        elif rule == YUMA3:
            yuma3_bonds(tile, bonds, first, width, kept_here, alpha)
        else:
            liquid_bonds(
                tile,
                bonds,
                first,
                width,
                kept_here,
                median,
                alpha_low,
                alpha_high,
                steepness,
                drop,
                row,
            )
        pay_dividends(tile, ranks, earned, held)
        store_bonds(tile, bonds, first, width, factor)
        consensus[first : first + width] = median[:width]
        incentive[first : first + width] = ranks[:width]
    for i in range(n):
        trust[i] = row_sum(trusted[i])
        dividends[i] = row_sum(earned[i])
    normalise(incentive)
    if rule != YUMA2:
        for i in range(n):
            dividends[i] *= active[i]
    normalise(dividends)
