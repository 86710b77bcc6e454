"""One epoch of Yuma consensus in the chain's own arithmetic, bit for bit.

A share is a whole number of 2⁻³²; `fixed_point` says how products and quotients round. Sums and
comparisons are exact, so the median may be found in float64: whole numbers below 2⁵³ are exact
there. Weights and bonds are validators (rows) × miners (columns), stored as whole numbers up to
65,535; the columns are taken 64 at a time as in `consensus`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .consensus import YUMA2, YUMA3_LIQUID, Masks, Shares
from .fixed_point import (
    ONE,
    divide,
    divide_by,
    exponential,
    inverse_of,
    multiply,
    normalise,
    share_of_u16,
)
from .jit import jit
from .median import TILE, aligned_zeros, attainable, median_of_tile, padded, rough
from .passes import row_sum

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

HALF = 1 << 31
U16 = 65_535
LARGEST_EXPONENT = 20 << 32
NEAR = 1e-6  # as near as float64 comes to a whole 65,535th, with room


class Rules(NamedTuple):
    """The constants of an epoch, in 2⁻³²."""

    bonds: int
    kappa: int
    penalty: int
    alpha: int
    alpha_low: int
    alpha_high: int
    slope: int  # −steepness
    drop: bool


class Outcome(NamedTuple):
    """What an epoch finds, in 2⁻³²."""

    stake: Whole  # (n,)
    active: Whole  # of this, rows that are active and permitted, sum 1 or 0, (n,)
    trust: Whole  # (n,)
    dividends: Whole  # (n,)
    consensus: Whole  # (m,)
    incentive: Whole  # (m,)


@jit()
def all_whole(values: Array) -> bool:
    """Say whether all of values (n,), 0 or more and below 2⁵³, are whole numbers."""
    broken = 0
    for i in range(values.size):
        broken += 1 if float(int(values[i])) != values[i] else 0
    return broken == 0


@jit()
def begin(stake: Whole, masks: Masks) -> Outcome:
    """Start with all stake as shares (n,) and find the active ones; all else is zero."""
    n, m = stake.size, masks.registered.size
    active, trust, dividends = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    consensus, incentive = np.zeros(m, np.int64), np.zeros(m, np.int64)
    for i in range(n):
        active[i] = stake[i] if masks.active[i] and masks.permits[i] else 0
    normalise(active)
    return Outcome(stake, active, trust, dividends, consensus, incentive)


@jit(inline=True)
def distance(weight: int, bond: int, consensus: int) -> int:
    """How far a validator buys above the consensus, or sells: what liquid alpha goes by."""
    return weight - consensus if weight >= bond else bond - weight


@jit()
def liquid_rates(rates: Whole, rules: Rules, operand: Whole, term: Whole) -> None:
    """Rates of bonds (n,) under liquid alpha, in place of their distances."""
    for k in range(rates.size):
        x = multiply(rules.slope, min(max(rates[k], 0), ONE) - HALF)
        rates[k] = min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
    exponential(rates, operand, term)
    low, high = rules.alpha_low, rules.alpha_high
    for k in range(rates.size):
        rate = low + multiply(divide(ONE, ONE + rates[k]), high - low)
        rates[k] = min(max(rate, low), high)


@jit(inline=True)
def move_at(rate: int, bond: int, weight: int) -> int:
    """Move a bond toward its weight by a rate of its own; at most 1."""
    return min(multiply(ONE - rate, bond) + multiply(rate, weight), ONE)


@jit()
def row_sums(weights: Array, masks: Masks) -> Array:
    """Sum of the weights of each row that count, a whole number."""
    n, m = weights.shape
    newest = masks.registered.max() if m else 0
    sums = np.zeros(n)
    for i in range(n):
        if not masks.permits[i]:
            continue
        row, own, expiry = weights[i], masks.own_column[i], masks.expiry[i]
        if expiry <= newest:
            for j in range(m):
                sums[i] += row[j] if masks.registered[j] < expiry else 0.0
        else:
            sums[i] = row_sum(row)
        if own >= 0 and masks.registered[own] < expiry:
            sums[i] -= row[own]
    return sums


@jit(inline=True)
def load_weights(
    weights: Array, first: int, width: int, newest: int, masks: Masks, sums: Array, tile: Array
) -> None:
    """w_ij = weight_ij / sum_i if it counts, else 0: whole numbers of 2⁻³², exact in float64.

    The quotient in float64 is off by one at most; the remainder corrects it.
    """
    registered = masks.registered[first : first + width]
    for i in range(sums.size):
        w, source, total = tile[i], weights[i, first : first + width], sums[i]
        inverse = 1.0 / total if total > 0.0 else 0.0
        for j in range(width):
            scaled = source[j] * 4_294_967_296.0
            quotient = math.floor(scaled * inverse)
            rest = scaled - quotient * total
            w[j] = quotient + (1.0 if rest >= total else 0.0) - (1.0 if rest < 0.0 else 0.0)
        for j in range(width, TILE):
            w[j] = 0.0
        if masks.expiry[i] <= newest or total == 0.0:
            for j in range(width):
                w[j] = w[j] if registered[j] < masks.expiry[i] and total > 0.0 else 0.0
        own = masks.own_column[i] - first
        if 0 <= own < width:
            w[own] = 0.0


@jit(inline=True)
def clip(
    tile: Whole, active: Whole, consensus: Whole, penalty: int, rank: Whole, trust: Whole
) -> None:
    """Clip at the consensus; the tile then holds the weights for bonds.

    w̄_ij = min(w_ij, C_j), rank_j = Σ_i a_i w̄_ij, trust_i += Σ_j w̄_ij,
    wᵇ_ij = w_ij + β (w̄_ij − w_ij).
    """
    rank[:] = 0
    for i in range(active.size):
        a, w = active[i], tile[i]
        total = np.int64(0)
        for j in range(TILE):
            clipped = min(w[j], consensus[j])
            total += clipped
            rank[j] += multiply(a, clipped)
        trust[i] += total
        if penalty == ONE:
            for j in range(TILE):
                w[j] = min(w[j], consensus[j])
        elif penalty != 0:
            for j in range(TILE):
                w[j] += multiply(penalty, min(w[j], consensus[j]) - w[j])


@jit(inline=True)
def normalise_columns(tile: Whole, total: Whole) -> None:
    """Divide each column of the tile by its sum."""
    total[:] = 0
    for i in range(tile.shape[0]):
        for j in range(TILE):
            total[j] += tile[i, j]
    for i in range(tile.shape[0]):
        for j in range(TILE):
            tile[i, j] = divide(tile[i, j], total[j])


@jit(inline=True)
def move_bonds(
    tile: Whole, held: Whole, active: Whole, consensus: Whole, rules: Rules, total: Whole
) -> None:
    """Turn the weights for bonds in the tile into the new bonds E; held are the stored ones."""
    stay = ONE - rules.alpha
    n = held.shape[0]
    if rules.bonds == YUMA2:
        normalise_columns(held, total)
        for i in range(n):
            for j in range(TILE):
                tile[i, j] = multiply(tile[i, j], active[i])
        normalise_columns(tile, total)
    else:
        for i in range(n):
            for j in range(TILE):
                held[i, j] = held[i, j] * 65_537 + (held[i, j] == U16)  # 2³² held / 65,535
    if rules.bonds == YUMA3_LIQUID:
        rate, operand, term = total, np.empty(TILE, np.int64), np.empty(TILE, np.int64)
        for i in range(n):
            w, b = tile[i], held[i]
            for j in range(TILE):
                rate[j] = distance(w[j], b[j], consensus[j])
            liquid_rates(rate, rules, operand, term)
            for j in range(TILE):
                e = move_at(rate[j], b[j], w[j])
                w[j] = e if w[j] > 0 or not rules.drop else 0
    else:
        for i in range(n):
            w, b = tile[i], held[i]
            for j in range(TILE):
                w[j] = multiply(rules.alpha, w[j]) + multiply(stay, b[j])
    if rules.bonds == YUMA2:
        normalise_columns(tile, total)


@jit(inline=True)
def load_bonds(old: Array, first: int, kept: Array, held: Whole) -> int:
    """Stored bonds as whole numbers, without those that are void; return how many are not whole."""
    broken = 0
    for i in range(old.shape[0]):
        h, b = held[i], old[i, first : first + kept.size]
        for j in range(kept.size):
            x = b[j] * 65_535.0
            whole = int(x + 0.5)
            broken += 1 if abs(float(whole) - x) > NEAR else 0
            h[j] = whole if kept[j] > 0.0 else 0
        for j in range(kept.size, TILE):
            h[j] = 0
    return broken


@jit()
def epoch(
    weights: Array,
    stake: Whole,
    masks: Masks,
    rules: Rules,
    old: Array,
    bonds: Whole,
    stored: Array,
    shares: Shares,
) -> int:
    """One epoch: stored weights (n, m), shares of stake in 2⁻³² (n,), stored bonds / 65,535 (n, m).

    Fills the new stored bonds / 65,535 (n, m) and the shares. ``bonds`` is the memory of ``stored``
    seen as whole numbers. Returns how many old bonds are no whole 65,535ths.
    """
    outcome = begin(stake, masks)
    active = outcome.active
    n, m = weights.shape
    votes = active.copy()
    normalise(votes)
    mass = padded(votes.astype(np.float64))
    kappa = attainable(float(rules.kappa), mass)
    search = rough(mass, kappa, float(ONE))
    sums = row_sums(weights, masks)
    newest = masks.registered.max() if m else 0
    tile, held = np.zeros((n, TILE), np.int64), np.zeros((n, TILE), np.int64)
    floats, scratch = aligned_zeros(mass.size, TILE), aligned_zeros(4, TILE)
    key, median = np.empty((2, mass.size + 1)), scratch[3]
    spare = np.zeros((3, TILE), np.int64)
    consensus, rank, total = spare[0], spare[1], spare[2]
    whole, broken = np.empty(m, np.int64), 0
    for first in range(0, m, TILE):
        width = min(TILE, m - first)
        load_weights(weights, first, width, newest, masks, sums, floats)
        for i in range(n):
            for j in range(TILE):
                tile[i, j] = np.int64(floats[i, j])
        median_of_tile(floats, mass, kappa, search, scratch, key, median)
        for j in range(TILE):
            consensus[j] = np.int64(median[j])
        clip(tile, active, consensus, rules.penalty, rank, outcome.trust)
        broken += load_bonds(old, first, masks.kept[first : first + width], held)
        move_bonds(tile, held, active, consensus, rules, total)
        total[:] = 0
        for i in range(n):
            for j in range(width):
                total[j] += tile[i, j]
                bonds[i, first + j] = tile[i, j]
        whole[first : first + width] = total[:width]
        outcome.consensus[first : first + width] = consensus[:width]
        outcome.incentive[first : first + width] = rank[:width]
    normalise(outcome.incentive)
    pay_dividends(bonds, whole, rules, outcome)
    store(bonds, rules.bonds == YUMA2, stored)
    normalise(outcome.dividends)
    pay_out(masks.uids, outcome, shares)
    return broken


@jit()
def pay_dividends(bonds: Whole, whole: Whole, rules: Rules, outcome: Outcome) -> None:
    """dividends_i = Σ_j E_ij incentive_j; by the Yuma3 rules of E_ij / whole_j, times stake."""
    n, m = bonds.shape
    inverse = np.empty(m)
    for j in range(m):
        inverse[j] = inverse_of(whole[j])
    for i in range(n):
        paid = np.int64(0)
        if rules.bonds == YUMA2:
            for j in range(m):
                paid += multiply(outcome.incentive[j], bonds[i, j])
        else:
            for j in range(m):
                share = divide_by(bonds[i, j], whole[j], inverse[j])
                paid += multiply(share, outcome.incentive[j])
            paid = multiply(paid, outcome.active[i])
        outcome.dividends[i] = paid


@jit()
def store(bonds: Whole, upscale: bool, stored: Array) -> None:
    """Round bonds (n, m) down to whole 65,535ths; first divide columns by their largest, if so."""
    n, m = bonds.shape
    if upscale:
        top = np.zeros(m, np.int64)
        for i in range(n):
            for j in range(m):
                top[j] = max(top[j], bonds[i, j])
        for i in range(n):
            for j in range(m):
                bonds[i, j] = divide(bonds[i, j], top[j])
    line = np.empty(m, np.int64)  # bonds may be the memory of stored
    for i in range(n):
        for j in range(m):
            line[j] = bonds[i, j]
        for j in range(m):
            stored[i, j] = share_of_u16((line[j] * U16) >> 32)


@jit()
def pay_out(uids: Whole, outcome: Outcome, shares: Shares) -> None:
    """Fill the shares: what was found, and both halves as shares of the whole.

    Without incentive and dividends everything goes to active stake, or else to all stake.
    """
    voted = outcome.active.any()
    whole = np.zeros(shares.combined.size, np.int64)
    whole[: outcome.incentive.size] = outcome.incentive
    for i in range(uids.size):
        whole[uids[i]] += outcome.dividends[i]
    total = int(whole.sum())
    inverse = inverse_of(total)
    for j in range(outcome.incentive.size):
        shares.consensus[j] = outcome.consensus[j] / ONE
        shares.incentive[j] = outcome.incentive[j] / ONE
        shares.server[j] = divide_by(outcome.incentive[j], total, inverse) / ONE
    for k in range(whole.size):
        shares.combined[k] = divide_by(whole[k], total, inverse) / ONE
    for i in range(uids.size):
        shares.stake[i] = outcome.stake[i] / ONE
        shares.active_stake[i] = outcome.active[i] / ONE
        shares.trust[i] = outcome.trust[i] / ONE
        shares.dividends[i] = outcome.dividends[i] / ONE
        instead = outcome.active[i] if voted else outcome.stake[i]
        paid = divide_by(outcome.dividends[i], total, inverse) if total > 0 else instead
        shares.validator[i] = paid / ONE
        if total == 0:
            shares.combined[uids[i]] = shares.validator[i]
