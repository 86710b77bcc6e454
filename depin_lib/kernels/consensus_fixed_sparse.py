"""One epoch in the chain's own arithmetic on sparse weights and bonds, bit for bit.

Rules and rounding are those of `consensus_fixed`, layout and masks those of `consensus_sparse`,
whose helpers are used here. Weights come by rows (CSR) and are turned into columns, bonds come and
go by columns (CSC), and memory goes with what they hold. Dividends need the incentive of all
columns, so new bonds are kept by column in 2⁻³² until then.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .consensus import YUMA2, YUMA3_LIQUID, Masks, Shares
from .consensus_fixed import (
    NEAR,
    U16,
    Outcome,
    Rules,
    begin,
    distance,
    liquid_rates,
    move_at,
    pay_out,
)
from .consensus_sparse import NONE, OLD, Compressed, by_columns, column_median
from .fixed_point import ONE, divide, multiply, normalise
from .jit import jit

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Indices = NDArray[np.int32]


class Bonds(NamedTuple):
    """New bonds of all columns before they are stored; column j holds starts[j] … starts[j + 1]."""

    starts: Whole
    rows: Indices
    values: Whole  # in 2⁻³²
    whole: Whole  # sum of each column


@jit()
def count_broken(held: Array) -> int:
    """Say how many stored bonds / 65,535 are no whole 65,535ths."""
    broken = 0
    for k in range(held.size):
        x = held[k] * 65_535.0
        broken += 1 if abs(float(int(x + 0.5)) - x) > NEAR else 0
    return broken


@jit()
def load_bonds(values: Array, kept: bool, yuma2: bool, held: Whole) -> None:
    """held_k = the stored bonds of a column in 2⁻³², for Yuma2 as shares of their sum."""
    total = np.int64(0)
    for k in range(values.size):
        held[k] = int(values[k] * 65_535.0 + 0.5) if kept else 0
        total += held[k]
    for k in range(values.size):
        if yuma2:
            held[k] = divide(held[k], total)
        else:
            held[k] = held[k] * 65_537 + (held[k] == U16)  # 2³² held / 65,535


@jit()
def buy_shares(rows: Indices, w: Whole, active: Whole) -> None:
    """Put in place of weights for bonds ΔB of Yuma2: stake × weight as shares of their column."""
    total = np.int64(0)
    for k in range(rows.size):
        w[k] = multiply(w[k], active[rows[k]])
        total += w[k]
    for k in range(rows.size):
        w[k] = divide(w[k], total)


@jit()
def move_column(
    rows: Indices,
    w: Whole,
    entered: NDArray[np.bool_],
    held_by: Indices,
    held: Whole,
    consensus: int,
    rules: Rules,
    scratch: Whole,
    found: Indices,
    bonds: Whole,
) -> int:
    """Merge a column's weights for bonds with its old bonds; return the number of rows found."""
    weight, rate = scratch[0], scratch[1]
    n, a, b = 0, 0, 0
    while a < rows.size or b < held_by.size:
        row = rows[a] if a < rows.size else held_by[b]
        row = min(row, held_by[b]) if b < held_by.size else row
        weight[n], bonds[n], entry = 0, 0, False
        if a < rows.size and rows[a] == row:
            weight[n], entry = w[a], entered[a]
            a += 1
        if b < held_by.size and held_by[b] == row:
            bonds[n] = held[b]
            b += 1
        if rules.bonds == YUMA3_LIQUID and rules.drop and not entry:
            weight[n], bonds[n] = 0, 0
        found[n] = row
        n += 1
    if rules.bonds == YUMA3_LIQUID:
        for k in range(n):
            rate[k] = distance(weight[k], bonds[k], consensus)
        liquid_rates(rate[:n], rules, scratch[2, :n], scratch[3, :n])
        for k in range(n):
            bonds[k] = move_at(rate[k], bonds[k], weight[k])
    else:
        for k in range(n):
            bonds[k] = multiply(rules.alpha, weight[k]) + multiply(ONE - rules.alpha, bonds[k])
    return n


@jit()
def clip_column(
    rows: Indices,
    raw: Array,
    w: Whole,
    active: Whole,
    consensus: int,
    penalty: int,
    entered: NDArray[np.bool_],
    trust: Whole,
) -> int:
    """Clip a column; w then holds the weights for bonds. Return the rank Σ_i a_i w̄_ij.

    ``entered`` says which of them the chain's sparse rows hold: those above 0, and without
    interpolation also a weight stored as 0.
    """
    rank = np.int64(0)
    for k in range(rows.size):
        clipped = min(w[k], consensus)
        trust[rows[k]] += clipped
        rank += multiply(active[rows[k]], clipped)
        if penalty == ONE:
            w[k] = clipped
        elif penalty != 0:
            w[k] += multiply(penalty, clipped - w[k])
        entered[k] = w[k] > 0 or (raw[k] == 0.0 and (penalty == ONE or penalty == 0))
    return int(rank)


@jit()
def decide(
    weights: Compressed, masks: Masks, rules: Rules, old: Compressed, outcome: Outcome
) -> Bonds:
    """Fill consensus, incentive and trust, and return the new bonds before they are stored."""
    columns, totals = by_columns(weights, masks)
    active = outcome.active
    n, m = active.size, masks.registered.size
    votes = active.copy()
    normalise(votes)
    stake = votes.astype(np.float64)  # whole numbers below 2⁵³: exact
    voted = float(votes.sum())
    kappa = min(float(rules.kappa), voted) if voted > 0.0 else 1.0
    key, entered = np.empty((2, n + 1)), np.empty(n, np.bool_)
    w, held, bonds, found = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), 0
    by, scratch = np.empty(n, np.int32), np.empty((4, n), np.int64)
    room = columns.values.size + old.values.size
    indices, values = np.empty(room, np.int32), np.empty(room, np.int64)
    starts, whole, end = np.zeros(m + 1, np.int64), np.zeros(m, np.int64), 0
    for j in range(m):
        here = slice(columns.starts[j], columns.starts[j + 1])
        before = slice(old.starts[j], old.starts[j + 1])
        rows, raw, held_by = columns.indices[here], columns.values[here], old.indices[before]
        for k in range(rows.size):
            w[k] = divide(int(raw[k]), int(totals[rows[k]]))
        consensus = np.int64(column_median(rows, w, stake, kappa, key))
        rank = clip_column(rows, raw, w, active, consensus, rules.penalty, entered, outcome.trust)
        load_bonds(old.values[before], masks.kept[j] > 0.0, rules.bonds == YUMA2, held)
        if rules.bonds == YUMA2:
            buy_shares(rows, w, active)
        found = move_column(rows, w, entered, held_by, held, consensus, rules, scratch, by, bonds)
        if rules.bonds == YUMA2:
            normalise(bonds[:found])
        for k in range(found):
            whole[j] += bonds[k]
        indices[end : end + found], values[end : end + found] = by[:found], bonds[:found]
        end += found
        starts[j + 1] = end
        outcome.consensus[j], outcome.incentive[j] = consensus, rank
    normalise(outcome.incentive)
    return Bonds(starts, indices[:end], values[:end], whole)


@jit()
def pay_dividends(bonds: Bonds, yuma2: bool, outcome: Outcome) -> None:
    """dividends_i = Σ_j E_ij incentive_j; by the Yuma3 rules of E_ij / whole_j, times stake."""
    for j in range(bonds.whole.size):
        for k in range(bonds.starts[j], bonds.starts[j + 1]):
            share = bonds.values[k] if yuma2 else divide(bonds.values[k], bonds.whole[j])
            outcome.dividends[bonds.rows[k]] += multiply(share, outcome.incentive[j])
    if not yuma2:
        for i in range(outcome.active.size):
            outcome.dividends[i] = multiply(outcome.dividends[i], outcome.active[i])
    normalise(outcome.dividends)


@jit()
def store(bonds: Bonds, old: Compressed, stores: NDArray[np.int8], upscale: bool) -> Compressed:
    """Round bonds down to whole 65,535ths; first divide columns by their largest, if so."""
    m = bonds.whole.size
    starts, end = np.zeros(m + 1, np.int64), 0
    indices, values = np.empty(bonds.rows.size, np.int32), np.empty(bonds.rows.size)
    for j in range(m):
        top = np.int64(ONE)
        if upscale:
            top = np.int64(0)
            for k in range(bonds.starts[j], bonds.starts[j + 1]):
                top = max(top, bonds.values[k])
        place, last = old.starts[j], old.starts[j + 1]
        for k in range(bonds.starts[j], bonds.starts[j + 1]):
            i = bonds.rows[k]
            while place < last and old.indices[place] < i:
                place += 1
            share = divide(bonds.values[k], top) if upscale else bonds.values[k]
            bond = float((share * U16) >> 32) / 65_535.0
            if stores[i] == OLD:
                bond = old.values[place] if place < last and old.indices[place] == i else 0.0
            if bond > 0.0 and stores[i] != NONE:
                indices[end], values[end] = i, bond
                end += 1
        starts[j + 1] = end
    return Compressed(starts, indices[:end], values[:end])


@jit()
def epoch(
    weights: Compressed,
    stake: Whole,
    masks: Masks,
    rules: Rules,
    old: Compressed,
    stores: NDArray[np.int8],
    shares: Shares,
) -> Compressed:
    """One epoch: stored weights by rows (n, m), shares of stake in 2⁻³² (n,), bonds / 65,535.

    ``stores`` says which bonds each row stores, as in `consensus_sparse`. Fills the shares; returns
    the bonds by columns, stored / 65,535.
    """
    yuma2 = rules.bonds == YUMA2
    outcome = begin(stake, masks)
    bonds = decide(weights, masks, rules, old, outcome)
    pay_dividends(bonds, yuma2, outcome)
    pay_out(masks.uids, outcome, shares)
    return store(bonds, old, stores, yuma2)
