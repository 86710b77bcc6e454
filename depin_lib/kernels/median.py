"""The exact stake-weighted median of many columns at once.

Weights are validators (rows) × miners (columns). Columns are taken 64 at a time into a tile that
stays in the processor's nearest cache; every step is a pass over that tile whose inner loop runs
over 64 neighbouring columns, which the compiler turns into vector instructions. Rows of the tile
are padded with zeros to a multiple of four, because a pass takes four rows at a time; a padded row
has no stake and counts for nothing.

The median of column j at kappa is C_j = the largest weight in the column that rows with stake kappa
or more reach. With S(x) = the stake of the rows above x, which falls in steps, C_j is the smallest
weight x in the column with S(x) < kappa. The search keeps S(low) >= kappa > S(high), so that
low < C_j <= high, and ends with the weights that are left between the two.

`consensus` calls `median_of_tile`: numba's cache does not notice an edit here, so touch that file
after one.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

TILE = 64  # columns of a tile
LEADERS = 3  # validators whose weights are tried first
ROWS = 4  # rows that a pass takes at a time
TRIALS = 10  # levels tried before the weights that are left are looked at one by one


@jit(inline=True)
def larger(x: float, y: float) -> float:
    """Return the larger of two numbers, neither NaN."""
    return x if x > y else y


@jit(inline=True)
def smaller(x: float, y: float) -> float:
    """Return the smaller of two numbers, neither NaN."""
    return x if x < y else y


@jit(inline=True)
def stake_above(tile: Array, stake: Array, level: Array, above: Array) -> None:
    """above_j = Σ stake_i over the rows with w_ij > level_j."""
    for j in range(TILE):
        above[j] = 0.0
    for i in range(0, stake.size, ROWS):
        a, b, c, d = stake[i], stake[i + 1], stake[i + 2], stake[i + 3]
        for j in range(TILE):
            x = level[j]
            first = (a if tile[i, j] > x else 0.0) + (b if tile[i + 1, j] > x else 0.0)
            second = (c if tile[i + 2, j] > x else 0.0) + (d if tile[i + 3, j] > x else 0.0)
            above[j] += first + second


@jit(inline=True)
def stake_at(tile: Array, stake: Array, level: Array, at: Array) -> None:
    """at_j = Σ stake_i over the rows with w_ij = level_j."""
    for j in range(TILE):
        at[j] = 0.0
    for i in range(0, stake.size, ROWS):
        a, b, c, d = stake[i], stake[i + 1], stake[i + 2], stake[i + 3]
        for j in range(TILE):
            x = level[j]
            first = (a if tile[i, j] == x else 0.0) + (b if tile[i + 1, j] == x else 0.0)
            second = (c if tile[i + 2, j] == x else 0.0) + (d if tile[i + 3, j] == x else 0.0)
            at[j] += first + second


@jit(inline=True)
def largest_up_to(tile: Array, level: Array, largest: Array) -> None:
    """largest_j = the largest w_ij <= level_j, or 0."""
    for j in range(TILE):
        largest[j] = 0.0
    for i in range(0, tile.shape[0], ROWS):
        for j in range(TILE):
            x = level[j]
            a = tile[i, j] if tile[i, j] <= x else 0.0
            b = tile[i + 1, j] if tile[i + 1, j] <= x else 0.0
            c = tile[i + 2, j] if tile[i + 2, j] <= x else 0.0
            d = tile[i + 3, j] if tile[i + 3, j] <= x else 0.0
            largest[j] = larger(largest[j], larger(larger(a, b), larger(c, d)))


@jit(inline=True)
def try_level(trial: int, leader: Array, kappa: float, search: Array) -> None:
    """Choose each column's next level between low and high: rows of search as in the caller.

    First the weights of the three largest validators, one after the other. Then in turn the middle,
    the point where a straight line through S(low) and S(high) meets kappa, and the geometric
    middle, which finds the scale of weights that range over many powers of ten.
    """
    low, high, s_low, s_high, level = search[0], search[1], search[2], search[3], search[4]
    if trial < LEADERS:
        for j in range(TILE):
            level[j] = leader[j]
    elif trial % 3 == 0:
        for j in range(TILE):
            level[j] = low[j]  # not inside: the middle, below
    elif trial % 3 == 1:
        for j in range(TILE):
            fall = s_low[j] - s_high[j]
            level[j] = (s_low[j] - kappa) / fall if fall > 0.0 else 0.5
        for j in range(TILE):
            share = smaller(larger(level[j], 0.05), 0.95)
            level[j] = low[j] + (high[j] - low[j]) * share
    else:
        for j in range(TILE):
            middle = math.sqrt(low[j] * high[j])
            level[j] = middle if low[j] > 1e-3 * high[j] else 0.03 * high[j]
    for j in range(TILE):
        inside = (level[j] > low[j]) & (level[j] < high[j])
        level[j] = level[j] if inside else 0.5 * (low[j] + high[j])


@jit(inline=True)
def narrow(kappa: float, search: Array) -> None:
    """Move low or high to the level that was tried, and S(low) or S(high) with it."""
    low, high, s_low, s_high, level = search[0], search[1], search[2], search[3], search[4]
    s_level = search[5]
    for j in range(TILE):
        low[j] = level[j] if s_level[j] >= kappa else low[j]
        high[j] = high[j] if s_level[j] >= kappa else level[j]
    for j in range(TILE):
        s_low[j] = s_level[j] if s_level[j] >= kappa else s_low[j]
        s_high[j] = s_high[j] if s_level[j] >= kappa else s_level[j]


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


@jit(inline=True)
def settle(
    tile: Array, stake: Array, kappa: float, search: Array, key: Array, consensus: Array
) -> None:
    """Turn each bracket (low, high] into the exact median: its largest weight or one below."""
    low, high, s_high, s_level = search[0], search[1], search[3], search[5]
    largest_up_to(tile, high, consensus)
    stake_at(tile, stake, consensus, s_level)
    for j in range(TILE):
        reached = s_high[j] + s_level[j]
        if reached >= kappa or consensus[j] == 0.0:
            continue
        n = 0
        for i in range(stake.size):
            x = tile[i, j]
            key[0, n] = x
            key[1, n] = stake[i]
            n += (x > low[j]) & (x < consensus[j])
        if n > 0:
            consensus[j] = select(key[0], key[1], n, kappa - reached)


@jit(inline=True)
def median_of_tile(
    tile: Array,
    stake: Array,
    lead: Rows,
    kappa: float,
    search: Array,
    key: Array,
    consensus: Array,
) -> None:
    """Exact medians of a tile (rows, 64) by stake (rows,); kappa is in the unit of stake.

    ``lead`` are the `heaviest` rows. ``search`` (6, 64) and ``key`` (2, rows + 1) are scratch: the
    rows of search are low, high, S(low), S(high), the level tried, and S(level).
    """
    low, high, s_low, s_high, level = search[0], search[1], search[2], search[3], search[4]
    for j in range(TILE):
        level[j] = math.inf
    largest_up_to(tile, level, high)
    for j in range(TILE):
        low[j] = 0.0
        s_high[j] = 0.0
    stake_above(tile, stake, low, s_low)
    for j in range(TILE):
        high[j] = high[j] if s_low[j] >= kappa else 0.0  # too little stake: the median is 0
    for trial in range(TRIALS):
        try_level(trial, tile[lead[trial % LEADERS]], kappa, search)
        stake_above(tile, stake, level, search[5])
        narrow(kappa, search)
    settle(tile, stake, kappa, search, key, consensus)


@jit()
def aligned_zeros(rows: int, columns: int) -> Array:
    """Zeros (rows, columns) that start on a cache line: 64 bytes, eight numbers."""
    buffer = np.zeros(rows * columns + 8)
    start = (-(buffer.ctypes.data // 8)) % 8
    return buffer[start : start + rows * columns].reshape(rows, columns)


@jit()
def padded(values: Array) -> Array:
    """Copy (n,) to an array of 4, 8, 12 … entries, filled up with zeros."""
    result = np.zeros(max(ROWS, values.size + (-values.size) % ROWS))
    result[: values.size] = values
    return result


@jit()
def attainable(kappa: float, stake: Array) -> float:
    """Return kappa, at most the stake of all rows as `stake_above` adds it; 1 if there is none.

    So a weight that all rows reach counts as reached at kappa = 1 whatever the rounding.
    """
    total = 0.0
    for i in range(0, stake.size, ROWS):
        total += (stake[i] + stake[i + 1]) + (stake[i + 2] + stake[i + 3])
    return min(kappa, total) if total > 0.0 else 1.0


@jit()
def heaviest(stake: Array) -> Rows:
    """Return the three rows with the largest stake (rows,), the largest first; of four or more."""
    lead = np.zeros(LEADERS, np.int64)
    for place in range(LEADERS):
        best = -1.0
        for i in range(stake.size):
            if stake[i] > best and not (lead[:place] == i).any():
                lead[place], best = i, stake[i]
    return lead


@jit()
def weighted_median(weights: Array, stake: Array, kappa: float, consensus: Array) -> None:
    """Median of each column of weights (n, m) by stake (n,); kappa is in the unit of stake."""
    n, miners = weights.shape
    mass = padded(stake)
    kappa, lead = attainable(kappa, mass), heaviest(mass)
    tile, search = aligned_zeros(mass.size, TILE), aligned_zeros(6, TILE)
    key, median = np.empty((2, mass.size + 1)), aligned_zeros(1, TILE)[0]
    for first in range(0, miners, TILE):
        width = min(TILE, miners - first)
        for i in range(n):
            row, source = tile[i], weights[i, first : first + width]
            for j in range(width):
                row[j] = source[j]
            for j in range(width, TILE):
                row[j] = 0.0
        median_of_tile(tile, mass, lead, kappa, search, key, median)
        consensus[first : first + width] = median[:width]
