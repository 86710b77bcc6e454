"""The exact stake-weighted median of many columns at once.

Weights are validators (rows) × miners (columns). Columns are taken 64 at a time into a tile that
stays in the processor's nearest cache; every step is a pass over that tile whose inner loop runs
over 64 neighbouring columns, which the compiler turns into vector instructions. Rows of the tile
are padded with zeros to a multiple of eight, because a pass takes eight rows at a time; a padded
row has no stake and counts for nothing.

The median of column j at kappa is C_j = the largest weight in the column that rows with stake kappa
or more reach. A rough search finds where it lies to one part in 500: it sees 16 bits of a weight,
its key, and stake in whole votes, so small that one instruction takes many of them. From the upper
end of that range an exact search goes down from weight to weight until stake kappa reaches one. The
first or the second does nearly always. Where many columns need more, because their weights lie
close together, the rough search looks at the next 16 bits; the last few columns are sorted out one
by one. The rough search only says where to begin: what it rounds cannot change the result.

`consensus`, `consensus_fixed` and `simulation` take `median_of_tile`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Short = NDArray[np.uint16]

TILE = 64  # columns of a tile
ROWS = 8  # rows that a pass of the rough search takes at a time
GROUP = 4  # rows that an exact pass takes at a time
KEY_BITS = 16  # at first seven for the binary exponent, nine for the digits after it
TOP_KEY = (1 << KEY_BITS) - 1
FIRST_SHIFT = 43  # bits of a float64 that the first keys leave out
LOOKS = 4  # until no bits are left out
VOTES = 65_535  # what all stake is divided into
STEPS = 2  # exact passes after a look
FEW = 3  # so few columns are faster looked at one by one
#: Unsigned, so that the compiler need not ask whether an index counts from the end.
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = (np.uint64(k) for k in range(1, 9))
WIDTH = np.uint64(TILE)


class Rough(NamedTuple):
    """What the rough search knows of the rows, and its memory."""

    votes: Short  # stake, rounded, (rows,)
    needed: int  # votes that a key needs
    lowest: int  # bits of the weight whose key is 0
    base: Whole  # the same for each column, as the search goes on, (64,)
    keys: Short  # row after row, (rows × 64,)
    found: Short  # (3, 64): the median's key, the key tried, the votes that reach it


@jit(inline=True)
def larger(x: float, y: float) -> float:
    """Return the larger of two numbers, neither NaN."""
    return x if x > y else y


@jit(inline=True)
def smaller(x: float, y: float) -> float:
    """Return the smaller of two numbers, neither NaN."""
    return x if x < y else y


# -------------------------------------------------------------------------------- rough search


@jit()
def rough(stake: Array, kappa: float, largest: float) -> Rough:
    """Prepare for tiles whose rows have stake (rows,) and whose weights do not exceed largest.

    Rounded to votes, stake is off by half a vote in each row. So that the search rather stops too
    high than too low, where the exact one has further to go, it needs a little less than kappa.
    """
    rows, total = stake.size, stake.sum()
    scale = max(VOTES - rows, 0) / total if total > 0.0 else 0.0
    votes = np.empty(rows, np.uint16)
    for i in range(rows):
        votes[i] = np.uint16(stake[i] * scale + 0.5)
    needed = max(1, int(kappa * scale - 0.5 * math.sqrt(rows)))
    edge = np.empty(1)
    edge[0] = largest
    lowest = max(0, (edge.view(np.int64)[0] >> FIRST_SHIFT) - TOP_KEY)
    return Rough(
        votes,
        needed,
        lowest,
        np.empty(TILE, np.int64),
        np.empty(rows * TILE, np.uint16),
        np.empty((3, TILE), np.uint16),
    )


@jit(inline=True)
def fill_keys(tile: Array, shift: int, base: Whole, keys: Short) -> None:
    """key_ij = the bits of w_ij from ``shift`` on, less base_j; 0 or TOP_KEY if outside 16 bits."""
    bits, r = tile.view(np.int64), 0
    for i in range(tile.shape[0]):
        row, key = bits[i], keys[r : r + TILE]
        for j in range(TILE):
            key[j] = np.uint16(min(max((row[j] >> shift) - base[j], 0), TOP_KEY))
        r += TILE


@jit(inline=True)
def votes_for(keys: Short, votes: Short, least: Short, reach: Short) -> None:
    """reach_j = Σ votes_i over the rows with key_ij >= least_j."""
    none, rows = np.uint16(0), np.uint64(votes.size)
    for j in range(TILE):
        reach[j] = none
    for i in range(np.uint64(0), rows, EIGHT):
        a, b, c, d = votes[i], votes[i + ONE], votes[i + TWO], votes[i + THREE]
        e, f, g, h = votes[i + FOUR], votes[i + FIVE], votes[i + SIX], votes[i + SEVEN]
        k, m = i * WIDTH, (i + FOUR) * WIDTH
        for j in range(np.uint64(0), WIDTH):
            x, u, v = least[j], k + j, m + j
            p = (a if keys[u] >= x else none) + (b if keys[u + WIDTH] >= x else none)
            q = (c if keys[u + TWO * WIDTH] >= x else none) + (
                d if keys[u + THREE * WIDTH] >= x else none
            )
            r = (e if keys[v] >= x else none) + (f if keys[v + WIDTH] >= x else none)
            s = (g if keys[v + TWO * WIDTH] >= x else none) + (
                h if keys[v + THREE * WIDTH] >= x else none
            )
            reach[j] = np.uint16(reach[j] + np.uint16(p + q) + np.uint16(r + s))


@jit(inline=True)
def bound_medians(tile: Array, search: Rough, shift: int, base: Whole, level: Array) -> None:
    """level_j = a number just above which the median of column j should not lie.

    The largest key that enough votes reach is put together bit by bit, the leading bit first.
    Afterwards base_j is where its next bits begin.
    """
    key, tried, reach = search.found[0], search.found[1], search.found[2]
    needed, none = np.uint16(search.needed), np.uint16(0)
    fill_keys(tile, shift, base, search.keys)
    for j in range(TILE):
        key[j] = np.uint16(0)
    for place in range(KEY_BITS - 1, -1, -1):
        bit = np.uint16(1 << place)
        for j in range(TILE):
            tried[j] = key[j] | bit
        votes_for(search.keys, search.votes, tried, reach)
        for j in range(TILE):
            key[j] = np.uint16(key[j] | (bit if reach[j] >= needed else none))
    bits = level.view(np.int64)
    for j in range(TILE):
        base[j] += np.int64(key[j])
        bits[j] = (base[j] + 1) << shift
        base[j] <<= shift - max(0, shift - KEY_BITS)


# -------------------------------------------------------------------------------- exact search


@jit(inline=True)
def descend(tile: Array, stake: Array, level: Array, reached: Array, below: Array) -> None:
    """reached_j = Σ stake_i over the rows with w_ij >= level_j; below_j = the next lower weight."""
    for j in range(TILE):
        reached[j] = 0.0
        below[j] = 0.0
    for i in range(0, stake.size, GROUP):
        a, b, c, d = stake[i], stake[i + 1], stake[i + 2], stake[i + 3]
        for j in range(TILE):
            x, p, q, r, s = level[j], tile[i, j], tile[i + 1, j], tile[i + 2, j], tile[i + 3, j]
            e, f, g, h = p >= x, q >= x, r >= x, s >= x
            first = (a if e else 0.0) + (b if f else 0.0)
            second = (c if g else 0.0) + (d if h else 0.0)
            reached[j] += first + second
            first = larger(0.0 if e else p, 0.0 if f else q)
            second = larger(0.0 if g else r, 0.0 if h else s)
            below[j] = larger(below[j], larger(first, second))


@jit()
def select(weight: Array, stake: Array, n: int, kappa: float) -> float:
    """Return the largest of weight[:n] that rows with stake kappa reach; reorders both arrays.

    Quickselect: split around a pivot, go on in the part that holds the answer. Where the stake of
    all rows falls short of kappa, the smallest weight is returned.
    """
    low, high = 0, n
    while high - low > 1:
        pivot = weight[(low + high) >> 1]
        above, at = 0.0, 0.0
        i, j, k = low, low, high  # larger than the pivot | equal | not yet seen | smaller
        while j < k:
            x = weight[j]
            if x > pivot:
                above += stake[j]
                weight[j], weight[i] = weight[i], x
                stake[j], stake[i] = stake[i], stake[j]
                i += 1
                j += 1
            elif x < pivot:
                k -= 1
                weight[j], weight[k] = weight[k], x
                stake[j], stake[k] = stake[k], stake[j]
            else:
                at += stake[j]
                j += 1
        if above >= kappa:
            high = i
        elif above + at >= kappa or k == high:
            return pivot
        else:
            kappa -= above + at
            low = k
    return weight[low]


@jit()
def select_in_column(
    tile: Array, stake: Array, j: int, low: float, high: float, kappa: float, key: Array
) -> float:
    """Return what `select` finds among the weights of column j from low to high."""
    n = 0
    for i in range(stake.size):
        x = tile[i, j]
        key[0, n] = x
        key[1, n] = stake[i]
        n += (x >= low) & (x <= high)
    return select(key[0], key[1], n, kappa)


@jit(inline=True)
def step_down(tile: Array, stake: Array, kappa: float, scratch: Array, median: Array) -> int:
    """Go to the next lower weight in columns that stake kappa does not reach; return how many."""
    reached, below, above = scratch[0], scratch[1], scratch[2]
    descend(tile, stake, median, reached, below)
    left = 0
    for j in range(TILE):
        more = (reached[j] < kappa) & (median[j] > 0.0)
        above[j] = reached[j] if more else math.inf
        median[j] = below[j] if more else median[j]
        left += more
    return left


@jit(inline=True)
def median_of_tile(
    tile: Array,
    stake: Array,
    kappa: float,
    search: Rough,
    scratch: Array,
    key: Array,
    median: Array,
) -> None:
    """Exact medians (64,) of a tile (rows, 64) by stake (rows,); kappa is in the unit of stake.

    ``search`` is of this stake and kappa; ``scratch`` (3, 64) and ``key`` (2, rows + 1) are memory.
    """
    reached, below, above = scratch[0], scratch[1], scratch[2]
    base, left = search.base, 0
    for j in range(TILE):
        base[j] = search.lowest
    for look in range(LOOKS):
        bound_medians(tile, search, max(0, FIRST_SHIFT - look * KEY_BITS), base, median)
        descend(tile, stake, median, reached, below)
        for j in range(TILE):
            level, median[j] = median[j], below[j]
            if reached[j] >= kappa:  # the rough search stopped too low
                median[j] = select_in_column(tile, stake, j, level, math.inf, kappa, key)
        for _ in range(STEPS):
            left = step_down(tile, stake, kappa, scratch, median)
            if left <= FEW:
                break
        if left <= FEW:
            break
    if left > 0:
        for j in range(TILE):
            if above[j] < kappa:
                short = kappa - above[j]
                median[j] = select_in_column(tile, stake, j, 0.0, median[j], short, key)


@jit()
def aligned_zeros(rows: int, columns: int) -> Array:
    """Zeros (rows, columns) that start on a cache line: 64 bytes, eight numbers."""
    buffer = np.zeros(rows * columns + 8)
    start = (-(buffer.ctypes.data // 8)) % 8
    return buffer[start : start + rows * columns].reshape(rows, columns)


@jit()
def padded(values: Array) -> Array:
    """Copy (n,) to an array of 8, 16, 24 … entries, filled up with zeros."""
    result = np.zeros(max(ROWS, values.size + (-values.size) % ROWS))
    result[: values.size] = values
    return result


@jit()
def attainable(kappa: float, stake: Array) -> float:
    """Return kappa, at most the stake of all rows as `descend` adds it; 1 if there is none.

    So a weight that all rows reach counts as reached at kappa = 1 whatever the rounding.
    """
    total = 0.0
    for i in range(0, stake.size, GROUP):
        total += (stake[i] + stake[i + 1]) + (stake[i + 2] + stake[i + 3])
    return min(kappa, total) if total > 0.0 else 1.0


@jit()
def largest_of(values: Array) -> float:
    """Return the largest of values (n,), none negative."""
    whole, top = values.size - values.size % TILE, np.zeros(TILE)
    for i in range(0, whole, TILE):
        part = values[i : i + TILE]
        for j in range(TILE):
            top[j] = larger(top[j], part[j])
    largest = top.max()
    for x in values[whole:]:
        largest = larger(largest, x)
    return largest


@jit()
def weighted_median(weights: Array, stake: Array, kappa: float, consensus: Array) -> None:
    """Median of each column of weights (n, m) by stake (n,); kappa is in the unit of stake."""
    n, miners = weights.shape
    if weights.size == 0:
        consensus[:] = 0.0
        return
    mass = padded(stake)
    kappa = attainable(kappa, mass)
    search = rough(mass, kappa, largest_of(weights.reshape(-1)))
    tile, scratch = aligned_zeros(mass.size, TILE), aligned_zeros(4, TILE)
    key, median = np.empty((2, mass.size + 1)), scratch[3]
    for first in range(0, miners, TILE):
        width = min(TILE, miners - first)
        for i in range(n):
            row, source = tile[i], weights[i, first : first + width]
            for j in range(width):
                row[j] = source[j]
            for j in range(width, TILE):
                row[j] = 0.0
        median_of_tile(tile, mass, kappa, search, scratch, key, median)
        consensus[first : first + width] = median[:width]
