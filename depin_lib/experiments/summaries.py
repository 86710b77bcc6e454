"""What many runs come down to: moments, extremes and quantiles, and how those of parts add up."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import reducers as _kernel
from .models import Array, over_threads

__all__ = [
    "Sketch",
    "exact_quantiles",
    "merge_moments",
    "merge_sketches",
    "moments",
    "sketch",
    "sketch_quantiles",
]

#: Number of the first bin, and counts by time and bin.
Bins = tuple[int, NDArray[np.int32]]


class Sketch(NamedTuple):
    """Counts of values of each time: zeros, and by size those above and below zero."""

    zeros: NDArray[np.int32]
    positive: Bins
    negative: Bins


_FEW = 50_000  #: values that one thread summarises sooner than several


def moments(values: Array, group: NDArray[np.int64], groups: int, workers: int = 1) -> Array:
    """Return counts, mean, squares and extremes by group, shape (6, groups, times)."""
    out = np.zeros((6, groups, *values.shape[1:]))
    out[_kernel.LOW], out[_kernel.HIGH] = np.inf, -np.inf
    rows, flat = _rows(values), out.reshape(6, groups, -1)
    _over_cells(rows, workers, lambda a, b: _kernel.moments(rows, group, flat, a, b))
    return out


def _rows(values: Array) -> Array:
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _over_cells(rows: Array, workers: int, work: Callable[[int, int], Any]) -> None:
    """Share the cells of runs × cells among threads, if there are enough values to be worth it."""
    over_threads(work, rows.shape[1], workers if rows.size > _FEW else 1)


def merge_moments(into: Array, more: Array) -> None:
    """Add the moments of later runs to those of earlier ones (Chan, Golub & LeVeque 1979)."""
    n, m = into[_kernel.COUNT], more[_kernel.COUNT]
    total = np.maximum(n + m, 1)
    step = more[_kernel.MEAN] - into[_kernel.MEAN]
    into[_kernel.M2] += more[_kernel.M2] + step * (step * (n * m / total))
    into[_kernel.MEAN] += step * (m / total)
    into[_kernel.COUNT] += m
    into[_kernel.MISSING] += more[_kernel.MISSING]
    into[_kernel.LOW] = np.minimum(into[_kernel.LOW], more[_kernel.LOW])
    into[_kernel.HIGH] = np.maximum(into[_kernel.HIGH], more[_kernel.HIGH])


def exact_quantiles(values: Array, shares: tuple[float, ...], workers: int = 1) -> Array:
    """Return quantiles over axis 1, shape (shares, points, times); NaN is left out.

    As `numpy.quantile`, to the bit, but by sorting, which NumPy does with vector instructions and
    without the interpreter's lock, and which puts NaN last.
    """
    rows = values.reshape(*values.shape[:2], math.prod(values.shape[2:]))
    out = np.empty((len(shares), rows.shape[0], rows.shape[2]))

    def some(first: int, last: int) -> None:
        ordered = np.sort(rows[..., first:last].swapaxes(1, 2).copy(), axis=2)
        most = (~np.isnan(ordered)).sum(2)[..., None] - 1  # -1 where all are missing: NaN it is
        place = most * np.asarray(shares)
        below = np.floor(place).astype(np.int64)
        low = np.take_along_axis(ordered, below, 2)
        high = np.take_along_axis(ordered, np.minimum(below + 1, most), 2)
        part, gap = place - below, high - low
        found = np.where(part < 0.5, low + gap * part, high - gap * (1 - part))
        out[..., first:last] = np.moveaxis(found, 2, 0)

    if shares and rows.size:
        over_threads(some, rows.shape[2], workers if rows.size > _FEW else 1)
    return out.reshape(len(shares), len(values), *values.shape[2:])


def sketch(values: Array, log_gamma: float, workers: int = 1) -> Sketch:
    """Count the values of each time in bins."""
    rows = _rows(values)
    ends = _kernel.sketch_range(rows, log_gamma)
    times = rows.shape[1]
    found = Sketch(np.zeros(times, np.int32), *(_bins(times, low, high) for low, high in ends))
    (above, positive), (below, negative) = found.positive, found.negative
    _over_cells(
        rows,
        workers,
        lambda a, b: _kernel.sketch_fill(
            rows, log_gamma, (above, below), found.zeros, positive, negative, a, b
        ),
    )
    return found


def _bins(times: int, low: int, high: int) -> Bins:
    return int(low), np.zeros((times, high - low + 1), dtype=np.int32)


def merge_sketches(one: Sketch, two: Sketch) -> Sketch:
    """Add the counts of two sketches."""
    return Sketch(
        one.zeros + two.zeros,
        _merge_bins(one.positive, two.positive),
        _merge_bins(one.negative, two.negative),
    )


def _merge_bins(one: Bins, two: Bins) -> Bins:
    if not one[1].shape[1] or not two[1].shape[1]:
        return one if one[1].shape[1] else two
    low = min(one[0], two[0])
    high = max(offset + counts.shape[1] for offset, counts in (one, two))
    out = np.zeros((one[1].shape[0], high - low), dtype=np.int32)
    for offset, counts in (one, two):
        out[:, offset - low : offset - low + counts.shape[1]] += counts
    return low, out


def sketch_quantiles(sketched: Sketch, log_gamma: float, shares: tuple[float, ...]) -> Array:
    """Return the quantiles of each time, shape (shares, times), by the published rule."""
    (above, positive), (below, negative) = sketched.positive, sketched.negative
    return np.array(
        [
            _kernel.sketch_quantile(
                log_gamma, (above, below), sketched.zeros, positive, negative, share
            )
            for share in shares
        ]
    )
