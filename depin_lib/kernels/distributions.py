"""Draws from one-dimensional distributions by inversion: one counter, one draw.

An input's stream is keyed by (seed, purpose), and draw ``i`` uses counter ``i`` alone. So the draws
are the same bits on any number of threads, and an input keeps its draws when others come or go.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange
from .random import normal_quantile, stream_key, uniform

#: Draws that one thread takes at a time.
BLOCK = 4096
UNIFORM, TRIANGULAR, LOGNORMAL, NORMAL, EMPIRICAL = range(5)


@jit(inline=True)
def _triangular(low: float, high: float, mode: float, p: float) -> float:
    rising = (mode - low) / (high - low)
    if p < rising:
        return low + math.sqrt(p * (high - low) * (mode - low))
    return high - math.sqrt((1.0 - p) * (high - low) * (high - mode))


@jit(inline=True)
def _quantile(
    shape: int, row: NDArray[np.float64], observed: NDArray[np.float64], p: float
) -> float:
    """Value below which a share ``p`` lies; ``row`` holds low, high and the shape's own numbers."""
    low, high = row[0], row[1]
    if shape == UNIFORM:
        return low + p * (high - low)
    if shape == TRIANGULAR:
        return _triangular(low, high, row[2], p)
    if shape == LOGNORMAL:
        return row[2] * math.exp(row[3] * normal_quantile(p))
    if shape == NORMAL:  # cut off at low and high, whose probabilities are row[4] and row[5]
        z = normal_quantile(row[4] + p * (row[5] - row[4]))
        return min(max(row[2] + row[3] * z, low), high)
    return observed[int(p * observed.size)]


@jit(parallel=True)
def fill_draws(
    seed: np.uint64,
    purposes: NDArray[np.uint64],
    shapes: NDArray[np.int64],
    rows: NDArray[np.float64],
    observed: NDArray[np.float64],
    starts: NDArray[np.int64],
    out: NDArray[np.float64],
    first: int,
) -> None:
    """Fill ``out`` (inputs × draws) with the draws of each input from number ``first`` on.

    A row of ``rows`` has the 6 numbers of an input; its observations are those of ``observed`` from
    its entry of ``starts`` to the next.
    """
    blocks = (out.shape[1] + BLOCK - 1) // BLOCK
    for job in prange(out.shape[0] * blocks):
        k, block = job // blocks, job % blocks
        key = stream_key(seed, np.uint64(0), np.uint64(0), purposes[k])
        mine = observed[starts[k] : starts[k + 1]]
        for i in range(block * BLOCK, min(out.shape[1], (block + 1) * BLOCK)):
            out[k, i] = _quantile(shapes[k], rows[k], mine, uniform(key, np.uint64(first + i)))
