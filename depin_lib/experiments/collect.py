"""Chunks merged in their order into one labelled result."""

import json
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..kernels import reducers as _kernel
from .chunks import (
    Partial,
    Plan,
    counted,
    exact_quantiles,
    merge_moments,
    merge_sketches,
    sketch_quantiles,
)
from .design import Design
from .models import Array, ModelError

__all__ = ["Collector", "PathWriter", "failures"]

_LISTED = 100


class PathWriter(Protocol):
    """Takes the values of every run as they come."""

    def write(self, name: str, place: tuple[int, int, int, int], values: Array) -> None:
        """Keep values of shape (points, runs, times) at first and last point and run."""


class Collector:
    """Holds what is done: summaries per point and time, and the one point that is under way."""

    def __init__(self, plan: Plan, writer: PathWriter | None = None) -> None:
        self.plan, self.writer = plan, writer
        self.moments: dict[str, Array] = {}
        self.quantiles: dict[str, Array] = {}
        self.series: dict[str, bool] = {}
        self.done = np.zeros(plan.points, dtype=np.int64)
        self.failures: list[tuple[int, int, int, str]] = []
        self.missing: dict[str, tuple[int, int]] = {}
        self._waiting: dict[int, Partial] = {}
        self._next = 0
        self._point = -1  #: the point whose runs are spread over chunks
        self._values: dict[str, list[Array]] = {}
        self._sketches: dict[str, tuple[int, NDArray[np.int32]]] = {}

    def add(self, index: int, part: Partial) -> None:
        """Take a chunk; chunks that come too early wait for their turn."""
        self._waiting[index] = part
        while self._next in self._waiting:
            self._merge(self._next, self._waiting.pop(self._next))
            self._next += 1

    def finish(self) -> None:
        """Merge what waits (after an interruption there are gaps) and close the last point."""
        for index in sorted(self._waiting):
            self._merge(index, self._waiting.pop(index))
        self._close()

    def _merge(self, index: int, part: Partial) -> None:
        p0, p1, r0, r1 = self.plan.bounds(index)
        self.failures += part.failures
        self.done[p0:p1] += r1 - r0
        for name, point, run in part.missing:
            self.missing.setdefault(name, (point, run))
        whole = r1 - r0 == self.plan.runs
        if not whole and p0 != self._point:
            self._close()
            self._point = p0
        for name, moments in part.moments.items():
            self._allocate(name, part.series[name], moments.shape[2], f"point {p0}, run {r0}")
            if whole:
                self.moments[name][:, p0:p1] = moments
                self.quantiles[name][:, p0:p1] = part.quantiles[name]
                continue
            merge_moments(self.moments[name][:, p0:p1], moments)
            if name in part.sketches:
                have = self._sketches.get(name)
                new = part.sketches[name]
                self._sketches[name] = merge_sketches(have, new) if have else new
            else:
                self._values.setdefault(name, []).append(part.values[name])
        if self.writer:
            for name, values in part.values.items():
                shaped = values.reshape(p1 - p0, r1 - r0, -1)
                self.writer.write(name, (p0, p1, r0, r1), shaped)

    def _allocate(self, name: str, series: bool, times: int, where: str) -> None:
        if name not in self.moments:
            self.series[name] = series
            self.moments[name] = np.zeros((6, self.plan.points, times))
            self.moments[name][_kernel.LOW] = np.inf
            self.moments[name][_kernel.HIGH] = -np.inf
            shape = (len(self.plan.quantiles), self.plan.points, times)
            self.quantiles[name] = np.full(shape, np.nan)
        elif self.moments[name].shape[2] != times:
            raise ModelError(
                f"{name} has {times} times from {where} on, "
                f"{self.moments[name].shape[2]} before; every run gives the same times"
            )

    def _close(self) -> None:
        """Turn the runs of the point under way into quantiles and let them go."""
        shares, point = self.plan.quantiles, self._point
        for name, parts in self._values.items():
            values = np.concatenate(parts)[None]
            self.quantiles[name][:, point] = exact_quantiles(values, shares)[:, 0]
        for name, sketched in self._sketches.items():
            out = sketch_quantiles(sketched, self.plan.log_gamma, shares)
            low, high = self.moments[name][_kernel.LOW : _kernel.HIGH + 1, point]
            self.quantiles[name][:, point] = np.clip(out, low, high)
        self._values.clear()
        self._sketches.clear()

    def dataset(self, design: Design, units: dict[str, str], time_unit: str) -> xr.Dataset:
        """Return the summaries with the parameters as coordinates."""
        places = list(design.points.columns) if design.shape else ["point"]
        lengths = design.shape or (len(design),)
        variables: dict[str, Any] = {}

        def put(name: str, dims: list[str], values: NDArray[Any], unit: str) -> None:
            shaped = values.reshape(*lengths, *values.shape[1:])
            variables[name] = (places + dims, shaped, {"units": unit} if unit else {})

        passages = {p.name for p in self.plan.passages}
        times = sorted({m.shape[2] for name, m in self.moments.items() if self.series[name]})
        if len(times) > 1:
            raise ModelError(f"the series have {times} times; keep series of one length only")
        for name, stats in summaries(self.moments).items():
            dims = ["time"] if self.series[name] else []
            unit = units.get(name, time_unit if name in passages else "")
            for statistic, values in stats.items():
                shown = values if dims else values[:, 0]
                whose = {"variance": f"({unit})^2" if unit else "", "missing": ""}
                if name in passages and statistic == "missing":
                    share = 1 - shown / np.maximum(shown + self.moments[name][0, :, 0], 1)
                    put(f"{name}_share", dims, share, "1")
                    continue
                put(f"{name}_{statistic}", dims, shown, whose.get(statistic, unit))
            if self.plan.quantiles:
                levels = np.moveaxis(self.quantiles[name], 0, 1)
                put(
                    f"{name}_quantile",
                    ["quantile", *dims],
                    levels if dims else levels[..., 0],
                    unit,
                )
        failed = np.bincount([f[0] for f in self.failures], minlength=len(design))
        put("runs_done", [], self.done - failed, "")
        put("runs_failed", [], failed, "")
        return xr.Dataset(variables, coordinates(self.plan, design, times, time_unit))

    def failure_lines(self) -> list[str]:
        """Say for each failed run which it was."""
        return [
            f"run {run} of point {point} ({describe(self.plan, point)}), seed {seed}: {why}"
            for point, run, seed, why in self.failures
        ]

    def failures_json(self) -> str:
        """Write the first failures for the attributes of a result."""
        keys = ("point", "run", "seed", "error")
        listed = self.failures[:_LISTED]
        return json.dumps(
            [dict(zip(keys, (p, r, str(s), w), strict=True)) for p, r, s, w in listed]
        )


def describe(plan: Plan, point: int) -> str:
    """Name the parameters of a point."""
    return ", ".join(f"{name} = {column[point]}" for name, column in plan.columns.items())


def summaries(moments: dict[str, Array]) -> dict[str, dict[str, NDArray[Any]]]:
    """Turn moments into statistics by measure, each of shape (points, times)."""
    out: dict[str, dict[str, NDArray[Any]]] = {}
    for name, m in moments.items():
        count = m[_kernel.COUNT]
        with np.errstate(invalid="ignore", divide="ignore"):
            out[name] = {
                "mean": np.where(count > 0, m[_kernel.MEAN], np.nan),
                "variance": np.where(count > 1, m[_kernel.M2] / (count - 1), np.nan),
                "min": np.where(count > 0, m[_kernel.LOW], np.nan),
                "max": np.where(count > 0, m[_kernel.HIGH], np.nan),
                "missing": m[_kernel.MISSING].astype(np.int64),
            }
    return out


def coordinates(plan: Plan, design: Design, times: Iterable[int], time_unit: str) -> dict[str, Any]:
    """Return the coordinates: parameters with their units, time, the quantiles' shares."""
    coords: dict[str, Any] = {}
    for name in design.points.columns:
        column = design.points[name]
        values = column.unique() if design.shape else column.to_numpy()
        unit = design.units.get(name)
        dims = name if design.shape else "point"
        coords[name] = (dims, np.asarray(values), {"units": unit} if unit else {})
    if not design.shape:
        coords["point"] = np.arange(len(design))
    for length in times:
        time = plan.time if plan.time is not None else counted(length, plan.every)
        if len(time) != length:
            raise ModelError(f"time has {len(time)} entries; the series have {length}")
        coords["time"] = ("time", time, {"units": time_unit} if time_unit else {})
    if plan.quantiles:
        coords["quantile"] = np.asarray(plan.quantiles)
    return coords


def failures(result: xr.Dataset) -> pd.DataFrame:
    """List the runs that failed: point, run, seed and error, the first hundred.

    Examples
    --------
    >>> import xarray
    >>> failures(xarray.Dataset(attrs={"failures": "[]"})).empty
    True
    """
    return pd.DataFrame(json.loads(result.attrs["failures"]))
