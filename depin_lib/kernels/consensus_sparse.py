"""One epoch of Yuma consensus on sparse weights and bonds, in time linear in what they hold.

Weights come by rows (CSR) and are turned into columns on the way, where masks and scales are
applied; bonds come and go by columns (CSC). Within a row or column, indices rise strictly. Stake is
shared out before, and the payout after, by `consensus.share_stake` and `consensus.share_payout`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .consensus import YUMA2, YUMA3_LIQUID, Masks, Rules, Shares
from .jit import jit
from .median import select, smaller
from .passes import LARGEST_EXPONENT, LEAST

Array = NDArray[np.float64]
Indices = NDArray[np.int32]
Starts = NDArray[np.int64]

#: What a row stores: its new bonds, no bonds, or the old ones.
NEW, NONE, OLD = 0, 1, 2


class Compressed(NamedTuple):
    """A compressed sparse matrix; line k (a row or a column) holds starts[k] … starts[k + 1]."""

    starts: Starts
    indices: Indices
    values: Array


@jit()
def in_order(matrix: Compressed, width: int) -> int:
    """Return the first line whose indices do not rise strictly within 0 … width − 1, or −1."""
    for line in range(matrix.starts.size - 1):
        last = -1
        for k in range(matrix.starts[line], matrix.starts[line + 1]):
            if matrix.indices[k] <= last or matrix.indices[k] >= width:
                return line
            last = matrix.indices[k]
    return -1


@jit()
def by_columns(weights: Compressed, masks: Masks) -> tuple[Compressed, Array]:
    """Turn rows into columns: the weights that count, as they are, and their sum in each row."""
    n, m = weights.starts.size - 1, masks.registered.size
    newest = masks.registered.max() if m else 0
    starts, totals = np.zeros(m + 1, np.int64), np.zeros(n)
    for i in range(n):
        if not masks.permits[i]:
            continue
        own, expiry = masks.own_column[i], masks.expiry[i]
        for k in range(weights.starts[i], weights.starts[i + 1]):
            j = weights.indices[k]
            if j != own and (expiry > newest or masks.registered[j] < expiry):
                totals[i] += weights.values[k]
                starts[j + 1] += 1
    for j in range(m):
        starts[j + 1] += starts[j]
    free = starts[:m].copy()
    rows, values = np.empty(starts[m], np.int32), np.empty(starts[m])
    for i in range(n):
        if not masks.permits[i]:
            continue
        own, expiry = masks.own_column[i], masks.expiry[i]
        for k in range(weights.starts[i], weights.starts[i + 1]):
            j = weights.indices[k]
            if j != own and (expiry > newest or masks.registered[j] < expiry):
                place = free[j]
                rows[place] = i
                values[place] = weights.values[k]
                free[j] = place + 1
    return Compressed(starts, rows, values), totals


@jit()
def total_in_order(stake: Array) -> float:
    """Sum of stake (n,), added from the first to the last as a full column adds it."""
    total = 0.0
    for i in range(stake.size):
        total += stake[i]
    return total


@jit(inline=True)
def column_median(rows: Indices, weights: Array, stake: Array, kappa: float, key: Array) -> float:
    """Largest weight of a column that rows with stake kappa reach; a missing weight is 0."""
    held, n = 0.0, 0
    for k in range(rows.size):
        s = stake[rows[k]]
        held += s
        key[0, n] = weights[k]
        key[1, n] = s
        n += s > 0.0
    return select(key[0], key[1], n, kappa) if n > 0 and held >= kappa else 0.0


@jit(inline=True)
def liquid_rate(weight: float, bond: float, consensus: float, rules: Rules) -> float:
    """Rate of one bond under liquid alpha, as in `consensus.liquid_bonds`."""
    d = weight - consensus if weight >= bond else bond - weight
    x = rules.steepness * (0.5 - min(max(d, 0.0), 1.0))
    x = min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
    return rules.alpha_low + (rules.alpha_high - rules.alpha_low) / (1.0 + math.exp(x))


@jit(inline=True)
def column_bonds(
    rows: Indices,
    weights: Array,
    entered: NDArray[np.bool_],
    held_by: Indices,
    held: Array,
    kept: float,
    active: Array,
    consensus: float,
    rules: Rules,
    found: Indices,
    bonds: Array,
) -> int:
    """Merge a column's weights for bonds with its old bonds; return the number of rows found.

    ``found`` and ``bonds`` receive the rows and their new bonds E, before any rescaling.
    """
    buy, keep = rules.alpha, 1.0 - rules.alpha
    if rules.bonds == YUMA2:
        bought, owned = 0.0, 0.0
        for k in range(rows.size):
            bought += active[rows[k]] * weights[k]
        for k in range(held.size):
            owned += held[k]
        buy = buy / bought if bought > LEAST else 0.0
        keep = keep / owned if owned > LEAST else 0.0
    n, a, b = 0, 0, 0
    while a < rows.size or b < held.size:
        row = rows[a] if a < rows.size else held_by[b]
        row = min(row, held_by[b]) if b < held.size else row
        weight, bond, entry = 0.0, 0.0, False
        if a < rows.size and rows[a] == row:
            weight, entry = weights[a], entered[a]
            a += 1
        if b < held.size and held_by[b] == row:
            bond = kept * held[b]
            b += 1
        if rules.bonds == YUMA2:
            e = buy * (active[row] * weight) + keep * bond
        elif rules.bonds == YUMA3_LIQUID:
            rate = liquid_rate(weight, bond, consensus, rules)
            e = smaller((1.0 - rate) * bond + rate * weight, 1.0)
            e = 0.0 if rules.drop and not entry else e
        else:
            e = smaller(keep * bond + buy * weight, 1.0)
        found[n] = row
        bonds[n] = e
        n += 1
    return n


@jit()
def epoch(
    weights: Compressed,
    voting: Array,
    kappa: float,
    masks: Masks,
    rules: Rules,
    old: Compressed,
    stores: NDArray[np.int8],
    steps: float,
    shares: Shares,
) -> Compressed:
    """One epoch: raw weights by rows (n, m), stake that votes (n,), old bonds by columns.

    ``kappa`` is in the unit of ``voting``; ``stores`` says which bonds each row stores (n,); new
    ones are rounded down to whole 1/steps (0: not rounded). Fills the shares but for stake and
    payout; returns the bonds by columns.
    """
    columns, totals = by_columns(weights, masks)
    share = np.zeros(totals.size)
    for i in range(totals.size):
        share[i] = 1.0 / totals[i] if totals[i] > LEAST else 0.0
    n, m = voting.size, masks.registered.size
    active = shares.active_stake
    total = total_in_order(voting)
    kappa = min(kappa, total) if total > 0.0 else 1.0
    exact = rules.penalty == 0.0 or rules.penalty == 1.0
    key, entered, bonds = np.empty((2, n + 1)), np.empty(n, np.bool_), np.empty(n)
    found = np.empty(n, np.int32)
    room = columns.values.size + old.values.size
    starts, indices, values = np.zeros(m + 1, np.int64), np.empty(room, np.int32), np.empty(room)
    shares.trust[:] = 0.0
    shares.dividends[:] = 0.0
    end = 0
    for j in range(m):
        here = slice(columns.starts[j], columns.starts[j + 1])
        rows, w = columns.indices[here], columns.values[here]
        before = slice(old.starts[j], old.starts[j + 1])
        for k in range(rows.size):
            w[k] *= share[rows[k]]
        consensus = column_median(rows, w, voting, kappa, key)
        rank = 0.0
        for k in range(rows.size):
            clipped = smaller(w[k], consensus)
            shares.trust[rows[k]] += clipped
            rank += active[rows[k]] * clipped
            zero = w[k] == 0.0
            w[k] = rules.penalty * clipped + (1.0 - rules.penalty) * w[k]
            entered[k] = w[k] > 0.0 or (zero and exact)
        size = column_bonds(
            rows,
            w,
            entered,
            old.indices[before],
            old.values[before],
            masks.kept[j],
            active,
            consensus,
            rules,
            found,
            bonds,
        )
        whole, top = 0.0, 0.0
        for k in range(size):
            whole += bonds[k]
            top = max(top, bonds[k])
        paid = rank / whole if whole > LEAST else 0.0
        scale = 1.0 / top if rules.bonds == YUMA2 and top > LEAST else 1.0
        place = old.starts[j]
        for k in range(size):
            i = found[k]
            shares.dividends[i] += bonds[k] * paid
            while place < old.starts[j + 1] and old.indices[place] < i:
                place += 1
            bond = bonds[k] * scale
            if steps > 0.0:
                bond = math.floor(bond * steps) / steps
            if stores[i] == OLD:
                holds = place < old.starts[j + 1] and old.indices[place] == i
                bond = old.values[place] if holds else 0.0
            if bond > 0.0 and stores[i] != NONE:
                indices[end], values[end] = i, bond
                end += 1
        starts[j + 1] = end
        shares.consensus[j], shares.incentive[j] = consensus, rank
    if rules.bonds != YUMA2:
        for i in range(n):
            shares.dividends[i] *= active[i]
    return Compressed(starts, indices[:end], values[:end])
