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
#: Values nearer to zero than this share the sketch's middle bin.
SMALLEST = 1e-9
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
def _bin(x: float, log_gamma: float) -> int:
    """Number of the sketch's bin: 0 around zero, rising with ``x``, negative below zero."""
    size = abs(x)
    if size < SMALLEST:
        return 0
    k = math.ceil(math.log(size / SMALLEST) / log_gamma)
    return int(k) + 1 if x > 0.0 else -int(k) - 1


@jit()
def sketch_range(values: NDArray[np.float64], log_gamma: float) -> tuple[int, int]:
    """Return the lowest and the highest bin that ``values`` need; (0, -1) if all are missing."""
    low, high = np.inf, -np.inf
    for x in values.flat:
        if math.isfinite(x):
            low = min(low, x)
            high = max(high, x)
    if low > high:
        return 0, -1
    return _bin(low, log_gamma), _bin(high, log_gamma)


@jit(nogil=True)
def sketch_fill(
    values: NDArray[np.float64],
    log_gamma: float,
    offset: int,
    counts: NDArray[np.int32],
    first: int,
    last: int,
) -> None:
    """Count ``values`` (runs × cells) in ``counts`` (cells × bins); ``offset`` is the first bin."""
    for block in range(first, last, _BLOCK):
        for run in range(values.shape[0]):
            for cell in range(block, min(last, block + _BLOCK)):
                x = values[run, cell]
                if math.isfinite(x):
                    counts[cell, _bin(x, log_gamma) - offset] += 1


@jit()
def sketch_quantile(
    counts: NDArray[np.int32], log_gamma: float, offset: int, share: float
) -> NDArray[np.float64]:
    """Return each cell's value at rank floor(share × (n − 1)), to half a bin; NaN if empty."""
    out = np.empty(counts.shape[0])
    gamma = math.exp(log_gamma)
    for cell in range(counts.shape[0]):
        total = counts[cell].sum()
        rank = math.floor(share * (total - 1))
        seen = 0
        out[cell] = np.nan
        for i in range(counts.shape[1]):
            seen += counts[cell, i]
            if seen > rank:
                k = i + offset
                size = SMALLEST * gamma ** (abs(k) - 1) * 2.0 / (1.0 + gamma)
                out[cell] = 0.0 if k == 0 else math.copysign(size, k)
                break
    return out
