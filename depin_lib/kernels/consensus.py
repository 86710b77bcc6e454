"""One epoch of Yuma consensus: stake, normalised weights, median, clipping, bonds, payout.

Weights and bonds are validators (rows) × miners (columns). As in `median`, the columns are taken 64
at a time into a tile, and every step is a pass over the tile in vector instructions. The tile first
holds the weights w, after clipping the weights for bonds wᵇ, at the end the new bonds E.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .median import (
    TILE,
    aligned_zeros,
    attainable,
    larger,
    median_of_tile,
    padded,
    rough,
    smaller,
)
from .passes import LEAST, clip, liquid_rates, pay_dividends, row_sum

Array = NDArray[np.float64]
Blocks = NDArray[np.int64]

#: The bond rules.
YUMA2, YUMA3, YUMA3_LIQUID = 2, 3, 4


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
    """Say whether every number of values (n,) lies in [0, high]; NaN and −0 do not.

    Numbers from 0 on are ordered as their bits are; NaN and what has a sign are beyond infinity.
    """
    edge = np.empty(1, values.dtype)
    edge[0] = high
    if values.itemsize == 8:
        bits, top = values.view(np.uint64), np.uint64(0)
        for i in range(bits.size):
            top = max(top, bits[i])
        return top <= edge.view(np.uint64)[0]
    half, low_top = values.view(np.uint32), np.uint32(0)
    for i in range(half.size):
        low_top = max(low_top, half[i])
    return low_top <= edge.view(np.uint32)[0]


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


# ---------------------------------------------------------------------------- bonds, dividends


@jit(inline=True)
def yuma2_bonds(
    tile: Array,
    active: Array,
    old: Array,
    bonds: Array,
    first: int,
    kept: Array,
    alpha: float,
    scratch: Array,
) -> None:
    """E_ij = α ΔB_ij + (1 − α) B_ij in place of the weights; stored so that each column's top is 1.

    ΔB_ij is a_i wᵇ_ij and B_ij the old bond, both as shares of their column. The tile's columns
    are those of old and bonds (n, m) from ``first`` on, as many as kept (width,) has.
    """
    held, bought, top = scratch[0], scratch[1], scratch[2]
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
    for j in range(TILE):
        top[j] = 1.0 / top[j] if top[j] > LEAST else 0.0
    for i in range(old.shape[0]):
        w, b = tile[i], bonds[i, first : first + kept.size]
        for j in range(kept.size):
            b[j] = w[j] * top[j]


@jit(inline=True)
def yuma3_bonds(
    tile: Array, old: Array, bonds: Array, first: int, kept: Array, alpha: float
) -> None:
    """E_ij = min(1, (1 − α) B_ij + α wᵇ_ij), stored and in place of the weights."""
    stay = 1.0 - alpha
    for i in range(old.shape[0]):
        w, b = tile[i], old[i, first : first + kept.size]
        new = bonds[i, first : first + kept.size]
        for j in range(kept.size):
            w[j] = smaller(stay * (kept[j] * b[j]) + alpha * w[j], 1.0)
        for j in range(kept.size):
            new[j] = w[j]


@jit(inline=True)
def liquid_bonds(
    tile: Array,
    old: Array,
    bonds: Array,
    first: int,
    kept: Array,
    consensus: Array,
    rules: Rules,
    scratch: Array,
) -> None:
    """Bonds as in `yuma3_bonds`, with a rate of their own for each pair."""
    held, rate = scratch[0], scratch[1]
    low, high = rules.alpha_low, rules.alpha_high
    for i in range(old.shape[0]):
        w, b = tile[i], old[i, first : first + kept.size]
        new = bonds[i, first : first + kept.size]
        for j in range(kept.size):
            held[j] = kept[j] * b[j]
        liquid_rates(w, held, consensus, low, high, rules.steepness, rate)
        for j in range(kept.size):
            e = (1.0 - rate[j]) * held[j] + rate[j] * w[j]
            w[j] = 0.0 if rules.drop and w[j] == 0.0 else smaller(e, 1.0)
        for j in range(kept.size):
            new[j] = w[j]


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
    tile, buffer = aligned_zeros(mass.size, TILE), aligned_zeros(5, TILE)
    key = np.empty((2, mass.size + 1))
    consensus, rank, scratch = buffer[0], buffer[1], buffer[2:]
    shares.trust[:] = 0.0
    shares.dividends[:] = 0.0
    for first in range(0, miners, TILE):
        kept = masks.kept[first : min(first + TILE, miners)]
        load_weights(weights, first, kept.size, newest, masks, scale, tile)
        median_of_tile(tile, mass, kappa, search, scratch, key, consensus)
        clip(tile, active, consensus, rules.penalty, rank, shares.trust)
        if rules.bonds == YUMA2:
            yuma2_bonds(tile, active, old, bonds, first, kept, rules.alpha, scratch)
        elif rules.bonds == YUMA3:
            yuma3_bonds(tile, old, bonds, first, kept, rules.alpha)
        else:
            liquid_bonds(tile, old, bonds, first, kept, consensus, rules, scratch)
        pay_dividends(tile, rank, shares.dividends, scratch[0])
        for j in range(kept.size):
            shares.consensus[first + j] = consensus[j]
            shares.incentive[first + j] = rank[j]
    if rules.bonds != YUMA2:
        for i in range(n):
            shares.dividends[i] *= active[i]
    normalise(shares.incentive)
    normalise(shares.dividends)
    share_payout(masks.uids, shares)
