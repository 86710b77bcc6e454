"""Streaming summaries of many runs: moments, extremes, first passages, and a quantile sketch.

Moments follow Welford (1962), "Note on a method for calculating corrected sums of squares and
products", Technometrics 4(3); the sketch is DDSketch: Masson, Rim & Lee (2019), "DDSketch: a fast
and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12(12). Its state is
whole numbers only, so that partial sketches add up to the same bits in any order.

Each cell (a stored time of a measure) meets the runs in their order, on one thread; a kernel takes
the cells from ``first`` to ``last`` − 1, so that callers may share them among threads.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit

COUNT, MISSING, MEAN, M2, LOW, HIGH = range(6)
_BLOCK = 64


@jit(nogil=True)
def moments(
    values: NDArray[np.float64],
    group: NDArray[np.int64],
    out: NDArray[np.float64],
    first: int,
    last: int,
) -> None:
    """Add ``values`` (runs × cells) to ``out`` (6 × groups × cells): `COUNT` … `HIGH`.

    ``group`` (runs) says which group a run belongs to. NaN and infinite values are counted as
    `MISSING` and left out of the rest.
    """
    for block in range(first, last, _BLOCK):
        for run in range(values.shape[0]):
            g = group[run]
            for cell in range(block, min(last, block + _BLOCK)):
                x = values[run, cell]
                if not math.isfinite(x):
                    out[MISSING, g, cell] += 1.0
                    continue
                out[COUNT, g, cell] += 1.0
                step = x - out[MEAN, g, cell]
                out[MEAN, g, cell] += step / out[COUNT, g, cell]
                out[M2, g, cell] += step * (x - out[MEAN, g, cell])
                out[LOW, g, cell] = min(out[LOW, g, cell], x)
                out[HIGH, g, cell] = max(out[HIGH, g, cell], x)


@jit()
def first_passage(
    values: NDArray[np.float64],
    time: NDArray[np.float64],
    level: float,
    above: bool,
    out: NDArray[np.float64],
) -> None:
    """Fill ``out`` (runs) with the first ``time`` at which a path reaches ``level``, else NaN."""
    for run in range(values.shape[0]):
        out[run] = np.nan
        for cell in range(values.shape[1]):
            x = values[run, cell]
            if (x >= level) if above else (x <= level):
                out[run] = time[cell]
                break


@jit(inline=True)
def _bin(size: float, log_gamma: float) -> int:
    """Number of the bin of a size above zero."""
    return math.ceil(math.log(size) / log_gamma)


@jit()
def sketch_range(
    values: NDArray[np.float64], log_gamma: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the lowest and the highest bin above and below zero; (0, -1) where there is none."""
    least, most, nearest, furthest = np.inf, 0.0, np.inf, 0.0
    for x in values.flat:
        if math.isfinite(x):
            if x > 0.0:
                least = min(least, x)
                most = max(most, x)
            elif x < 0.0:
                nearest = min(nearest, -x)
                furthest = max(furthest, -x)
    above = (_bin(least, log_gamma), _bin(most, log_gamma)) if most > 0.0 else (0, -1)
    below = (_bin(nearest, log_gamma), _bin(furthest, log_gamma)) if furthest > 0.0 else (0, -1)
    return above, below


@jit(nogil=True)
def sketch_fill(
    values: NDArray[np.float64],
    log_gamma: float,
    offsets: tuple[int, int],
    zeros: NDArray[np.int32],
    positive: NDArray[np.int32],
    negative: NDArray[np.int32],
    first: int,
    last: int,
) -> None:
    """Count ``values`` (runs × cells) in ``zeros`` (cells) and by size (cells × bins).

    ``offsets`` are the numbers of the first bins above and below zero.
    """
    for block in range(first, last, _BLOCK):
        for run in range(values.shape[0]):
            for cell in range(block, min(last, block + _BLOCK)):
                x = values[run, cell]
                if not math.isfinite(x):
                    continue
                if x > 0.0:
                    positive[cell, _bin(x, log_gamma) - offsets[0]] += 1
                elif x < 0.0:
                    negative[cell, _bin(-x, log_gamma) - offsets[1]] += 1
                else:
                    zeros[cell] += 1


@jit()
def sketch_quantile(
    log_gamma: float,
    offsets: tuple[int, int],
    zeros: NDArray[np.int32],
    positive: NDArray[np.int32],
    negative: NDArray[np.int32],
    share: float,
) -> NDArray[np.float64]:
    """Return each cell's value at rank floor(share × (n − 1)), to half a bin; NaN if empty."""
    out = np.empty(zeros.size)
    middle = 2.0 / (1.0 + math.exp(log_gamma))
    for cell in range(zeros.size):
        below = negative[cell].sum()
        total = below + zeros[cell] + positive[cell].sum()
        rank = math.floor(share * (total - 1))
        if total == 0:
            out[cell] = np.nan
        elif rank < below:  # the largest size first
            bins, left, i = negative[cell], rank, negative.shape[1] - 1
            while left >= bins[i]:
                left -= bins[i]
                i -= 1
            out[cell] = -math.exp((i + offsets[1]) * log_gamma) * middle
        elif rank < below + zeros[cell]:
            out[cell] = 0.0
        else:
            bins, left, i = positive[cell], rank - below - zeros[cell], 0
            while left >= bins[i]:
                left -= bins[i]
                i += 1
            out[cell] = math.exp((i + offsets[0]) * log_gamma) * middle
    return out
