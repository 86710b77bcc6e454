"""One epoch of Yuma consensus: stake, normalised weights, median, clipping, bonds, payout.

Weights and bonds are validators (rows) × miners (columns). As in `median`, the columns are taken 64
at a time into a tile, and every step is a pass over the tile in vector instructions. The tile first
holds the weights w, after clipping the weights for bonds wᵇ, at the end the new bonds E.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .median import (
    GROUP,
    TILE,
    aligned_zeros,
    attainable,
    larger,
    median_of_tile,
    padded,
    rough,
    smaller,
)

Array = NDArray[np.float64]
Blocks = NDArray[np.int64]

#: The bond rules.
YUMA2, YUMA3, YUMA3_LIQUID = 2, 3, 4

TAYLOR = tuple(1.0 / math.factorial(k) for k in range(9, -1, -1))
LEAST = 1e-290  # a smaller sum counts as zero: its reciprocal might not be finite
LARGEST_EXPONENT = 20.0  # the chain clamps the sigmoid's exponent to ±20


class Rules(NamedTuple):
    """The constants of an epoch."""

    bonds: int
    kappa: float
    threshold: float
    penalty: float
    alpha: float
    alpha_low: float
    alpha_high: float
    steepness: float
    drop: bool


class Masks(NamedTuple):
    """What counts: n rows, m columns."""

    uids: Blocks  # the uid of each row: its column, or one from m on, (n,)
    own_column: Blocks  # the column that does not count in each row, −1 for none, (n,)
    owner: int  # row of the owner, −1 for none
    permits: NDArray[np.bool_]  # rows that may vote, (n,)
    active: NDArray[np.bool_]  # rows that are active, (n,)
    registered: Blocks  # block of each column's registration, (m,)
    expiry: Blocks  # weights toward columns registered then or later do not count, (n,)
    kept: Array  # 1, or 0 where old bonds are void, (m,)


class Shares(NamedTuple):
    """What an epoch gives out: filled by `epoch`."""

    consensus: Array  # (m,)
    incentive: Array  # (m,)
    server: Array  # (m,)
    trust: Array  # (n,)
    dividends: Array  # (n,)
    stake: Array  # (n,)
    active_stake: Array  # (n,)
    validator: Array  # (n,)
    combined: Array  # by uid


# --------------------------------------------------------------------------- stake and weights


@jit()
def all_within(values: Array, high: float) -> bool:
    """Say whether every number of values (n,) lies in [0, high]; NaN does not."""
    outside = 0
    for i in range(values.size):
        outside += 0 if (values[i] >= 0.0) & (values[i] <= high) else 1
    return outside == 0


@jit()
def row_sum(row: Array) -> float:
    """Sum of a row (m,) in eight partial sums, which the processor adds side by side."""
    a = b = c = d = e = f = g = h = 0.0
    whole = row.size - row.size % 8
    for j in range(0, whole, 8):
        part = row[j : j + 8]
        a += part[0]
        b += part[1]
        c += part[2]
        d += part[3]
        e += part[4]
        f += part[5]
        g += part[6]
        h += part[7]
    for x in row[whole:]:
        a += x
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@jit()
def normalise(values: Array) -> float:
    """Divide values (n,) by their sum, which is returned; zeros stay."""
    total = row_sum(values)
    if total > 0.0:
        for i in range(values.size):
            values[i] /= total
    return total


@jit()
def share_stake(
    stake: Array, threshold: float, masks: Masks, shares: Shares, voting: Array
) -> float:
    """Fill voting stake and its shares a, and the shares s of all stake; return Σ of the first."""
    for i in range(stake.size):
        counts = stake[i] >= threshold or i == masks.owner
        shares.stake[i] = stake[i] if counts else 0.0
        voting[i] = shares.stake[i] if masks.active[i] and masks.permits[i] else 0.0
        shares.active_stake[i] = voting[i]
    normalise(shares.stake)
    return normalise(shares.active_stake)


@jit()
def scale_rows(weights: Array, masks: Masks, scale: Array) -> None:
    """scale_i = 1 / the sum of the weights of row i that count, 0 if there are none."""
    newest = masks.registered.max() if masks.registered.size else 0
    for i in range(scale.size):
        scale[i] = 0.0
        if not masks.permits[i]:
            continue
        row, own, expiry = weights[i], masks.own_column[i], masks.expiry[i]
        if expiry <= newest:
            total = 0.0
            for j in range(row.size):
                total += row[j] if masks.registered[j] < expiry and j != own else 0.0
        elif own >= 0:
            total = row_sum(row[:own]) + row_sum(row[own + 1 :])
        else:
            total = row_sum(row)
        if total > LEAST:
            scale[i] = 1.0 / total


@jit(inline=True)
def load_weights(
    weights: Array, first: int, width: int, newest: int, masks: Masks, scale: Array, tile: Array
) -> None:
    """Copy columns first … first + width: w_ij = weight_ij · scale_i if it counts, else 0."""
    registered = masks.registered[first : first + width]
    for i in range(scale.size):
        w, source, factor = tile[i], weights[i, first : first + width], scale[i]
        for j in range(width):
            w[j] = source[j] * factor
        for j in range(width, TILE):
            w[j] = 0.0
        if masks.expiry[i] <= newest:
            for j in range(width):
                w[j] = w[j] if registered[j] < masks.expiry[i] else 0.0
        own = masks.own_column[i] - first
        if 0 <= own < width:
            w[own] = 0.0


@jit(inline=True)
def clip(
    tile: Array, active: Array, consensus: Array, penalty: float, rank: Array, trust: Array
) -> None:
    """Clip at the consensus; the tile then holds the weights for bonds.

    w̄_ij = min(w_ij, C_j), rank_j = Σ_i a_i w̄_ij, trust_ij += w̄_ij (columns of all tiles in one),
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
    for i in range(trust.shape[0]):
        w, t = tile[i], trust[i]
        for j in range(TILE):
            t[j] += smaller(w[j], consensus[j])
        for j in range(TILE):
            w[j] = penalty * smaller(w[j], consensus[j]) + keep * w[j]


# ---------------------------------------------------------------------------- bonds, dividends


@jit(inline=True)
def yuma2_bonds(
    tile: Array,
    active: Array,
    old: Array,
    first: int,
    kept: Array,
    alpha: float,
    scratch: Array,
    top: Array,
) -> None:
    """E_ij = α ΔB_ij + (1 − α) B_ij and top_j = the largest E_ij, in place of the weights.

    ΔB_ij is a_i wᵇ_ij and B_ij the old bond, both as shares of their column. The tile's columns
    are those of old (n, m) from ``first`` on, as many as kept (width,) has.
    """
    held, bought = scratch[0], scratch[1]
    for j in range(TILE):
        held[j] = 0.0
        bought[j] = 0.0
        top[j] = 0.0
    for i in range(old.shape[0]):
        a, w, b = active[i], tile[i], old[i, first : first + kept.size]
        for j in range(TILE):
            w[j] *= a
        for j in range(TILE):
            bought[j] += w[j]
        for j in range(kept.size):
            held[j] += b[j]
    for j in range(TILE):
        bought[j] = alpha / bought[j] if bought[j] > LEAST else 0.0
    for j in range(kept.size):
        held[j] = (1.0 - alpha) * kept[j] / held[j] if held[j] > LEAST else 0.0
    for i in range(old.shape[0]):
        w, b = tile[i], old[i, first : first + kept.size]
        for j in range(TILE):
            w[j] *= bought[j]
        for j in range(kept.size):
            w[j] += held[j] * b[j]
        for j in range(TILE):
            top[j] = larger(top[j], w[j])


@jit(inline=True)
def yuma3_bonds(tile: Array, old: Array, first: int, kept: Array, alpha: float) -> None:
    """E_ij = min(1, (1 − α) B_ij + α wᵇ_ij) in place of the weights."""
    stay = 1.0 - alpha
    for i in range(old.shape[0]):
        w, b = tile[i], old[i, first : first + kept.size]
        for j in range(kept.size):
            w[j] = smaller(stay * (kept[j] * b[j]) + alpha * w[j], 1.0)


@jit(inline=True)
def exponential(row: Array) -> None:
    """row_j = e^row_j for 64 numbers within ±20, to 6e-14: (e^(x/256))^256 by Taylor's series.

    `math.exp` takes one number at a time; this loop becomes vector instructions.
    """
    for j in range(TILE):
        x = row[j] * (1.0 / 256.0)
        y = TAYLOR[0]
        for k in range(1, 10):
            y = y * x + TAYLOR[k]
        for _ in range(8):
            y *= y
        row[j] = y


@jit(inline=True)
def liquid_bonds(
    tile: Array,
    old: Array,
    first: int,
    kept: Array,
    consensus: Array,
    rules: Rules,
    rate: Array,
) -> None:
    """Bonds as in `yuma3_bonds`, with a rate of their own for each pair.

    d_ij = wᵇ_ij − C_j if wᵇ_ij >= B_ij (buying), else B_ij − wᵇ_ij (selling), within [0, 1];
    α_ij = α_low + (α_high − α_low) / (1 + e^(−steepness (d_ij − ½))).
    """
    low, span = rules.alpha_low, rules.alpha_high - rules.alpha_low
    for i in range(old.shape[0]):
        w, b = tile[i], old[i, first : first + kept.size]
        for j in range(kept.size):
            held = kept[j] * b[j]
            d = w[j] - consensus[j] if w[j] >= held else held - w[j]
            rate[j] = smaller(larger(d, 0.0), 1.0)
        for j in range(TILE):
            x = rules.steepness * (0.5 - rate[j])
            rate[j] = smaller(larger(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
        exponential(rate)
        for j in range(TILE):
            rate[j] = low + span / (1.0 + rate[j])
        for j in range(kept.size):
            e = (1.0 - rate[j]) * (kept[j] * b[j]) + rate[j] * w[j]
            w[j] = 0.0 if rules.drop and w[j] == 0.0 else smaller(e, 1.0)


@jit(inline=True)
def pay_dividends(tile: Array, rank: Array, dividends: Array, share: Array) -> None:
    """dividends_ij += (E_ij / Σ_i E_ij) rank_j (columns of all tiles in one)."""
    for j in range(TILE):
        share[j] = 0.0
    for i in range(0, tile.shape[0], GROUP):
        for j in range(TILE):
            share[j] += (tile[i, j] + tile[i + 1, j]) + (tile[i + 2, j] + tile[i + 3, j])
    for j in range(TILE):
        share[j] = rank[j] / share[j] if share[j] > LEAST else 0.0
    for i in range(dividends.shape[0]):
        e, d = tile[i], dividends[i]
        for j in range(TILE):
            d[j] += e[j] * share[j]


@jit(inline=True)
def store_bonds(tile: Array, scale: Array, bonds: Array, first: int, width: int) -> None:
    """B_ij = E_ij scale_j."""
    for i in range(bonds.shape[0]):
        e, b = tile[i], bonds[i, first : first + width]
        for j in range(width):
            b[j] = e[j] * scale[j]


# ------------------------------------------------------------------------------------ the epoch


@jit()
def share_payout(uids: Blocks, shares: Shares) -> None:
    """Both halves as shares of the whole, by column, by row and by uid.

    Without incentive and dividends everything goes to active stake, or else to all stake.
    """
    total = row_sum(shares.incentive) + row_sum(shares.dividends)
    voted = row_sum(shares.active_stake) > 0.0
    for j in range(shares.server.size):
        shares.server[j] = shares.incentive[j] / total if total > 0.0 else 0.0
        shares.combined[j] = shares.server[j]
    for j in range(shares.server.size, shares.combined.size):
        shares.combined[j] = 0.0
    for i in range(uids.size):
        instead = shares.active_stake[i] if voted else shares.stake[i]
        shares.validator[i] = shares.dividends[i] / total if total > 0.0 else instead
        shares.combined[uids[i]] += shares.validator[i]


@jit()
def epoch(
    weights: Array,
    stake: Array,
    masks: Masks,
    rules: Rules,
    old: Array,
    bonds: Array,
    shares: Shares,
) -> None:
    """One epoch of n validators × m miners: raw weights (n, m), raw stake (n,), old bonds (n, m).

    Fills the new bonds (n, m), which may be the array of the old ones, and the shares.
    """
    n, miners = weights.shape
    voting, scale = np.empty(n), np.empty(n)
    voted = share_stake(stake, rules.threshold, masks, shares, voting)
    mass, active = padded(voting), padded(shares.active_stake)
    kappa = attainable(rules.kappa * voted, mass)
    search = rough(mass, kappa, 1.0)
    scale_rows(weights, masks, scale)
    newest = masks.registered.max() if miners else 0
    tile, trust, earned = (
        aligned_zeros(mass.size, TILE),
        aligned_zeros(n, TILE),
        aligned_zeros(n, TILE),
    )
    buffer, key = aligned_zeros(6, TILE), np.empty((2, mass.size + 1))
    consensus, rank, factor, scratch = buffer[0], buffer[1], buffer[2], buffer[3:]
    factor[:] = 1.0
    for first in range(0, miners, TILE):
        kept = masks.kept[first : min(first + TILE, miners)]
        load_weights(weights, first, kept.size, newest, masks, scale, tile)
        median_of_tile(tile, mass, kappa, search, scratch, key, consensus)
        clip(tile, active, consensus, rules.penalty, rank, trust)
        if rules.bonds == YUMA2:
            yuma2_bonds(tile, active, old, first, kept, rules.alpha, scratch, factor)
            for j in range(TILE):
                factor[j] = 1.0 / factor[j] if factor[j] > LEAST else 0.0
        elif rules.bonds == YUMA3:
            yuma3_bonds(tile, old, first, kept, rules.alpha)
        else:
            liquid_bonds(tile, old, first, kept, consensus, rules, scratch[0])
        pay_dividends(tile, rank, earned, scratch[0])
        store_bonds(tile, factor, bonds, first, kept.size)
        for j in range(kept.size):
            shares.consensus[first + j] = consensus[j]
            shares.incentive[first + j] = rank[j]
    for i in range(n):
        paid_for = 1.0 if rules.bonds == YUMA2 else active[i]
        shares.trust[i] = row_sum(trust[i])
        shares.dividends[i] = paid_for * row_sum(earned[i])
    normalise(shares.incentive)
    normalise(shares.dividends)
    share_payout(masks.uids, shares)
