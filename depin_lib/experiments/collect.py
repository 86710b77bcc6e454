"""Chunks merged in their order into one labelled result."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..kernels import reducers as _kernel
from .chunks import (
    EXACT_RUNS,
    Partial,
    Plan,
    exact_quantiles,
    merge_moments,
    merge_sketches,
    sketch_quantiles,
)
from .design import Design
from .models import Array, ModelError
from .provenance import provenance
from .storage import Paths

__all__ = ["Collector", "failures"]

_LISTED = 100


@dataclass(frozen=True)
class Labels:
    """What a result is labelled with."""

    design: Design
    units: dict[str, str]  #: by measure
    time_unit: str


class Collector:
    """Holds what is done: summaries per point and time, and the one point that is under way."""

    def __init__(self, plan: Plan, labels: Labels, paths: Paths | None = None) -> None:
        self.plan, self.labels, self.paths = plan, labels, paths
        self.moments: dict[str, Array] = {}
        self.quantiles: dict[str, Array] = {}
        self.done = np.zeros(plan.points, dtype=np.int64)
        self.failures: list[tuple[int, int, int, str]] = []
        self.missing: dict[str, tuple[int, int]] = {}
        self._waiting: dict[int, Partial] = {}
        self._next = 0
        self._point = -1  #: the point under way, whose runs may be spread over chunks
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
        if p0 != self._point:
            self._close()
            self._point = p0
        self.failures += part.failures
        self.done[p0:p1] += r1 - r0
        for name, point, run in part.missing:
            self.missing.setdefault(name, (point, run))
        for name, found in part.moments.items():
            self._allocate(name, found.shape[2:], f"point {p0}, run {r0}")
            if name in part.quantiles:
                self.moments[name][:, p0:p1] = found
                self.quantiles[name][:, p0:p1] = part.quantiles[name]
                continue
            merge_moments(self.moments[name][:, p0:p1], found)
            if name in part.sketches:
                new, have = part.sketches[name], self._sketches.get(name)
                self._sketches[name] = merge_sketches(have, new) if have else new
            else:
                self._values.setdefault(name, []).append(part.values[name])
        if self.paths:
            self.paths.write((p0, p1, r0, r1), part.values)

    def _allocate(self, name: str, times: tuple[int, ...], where: str) -> None:
        known = self.moments.get(name)
        if known is None:
            self.moments[name] = np.zeros((6, self.plan.points, *times))
            self.moments[name][_kernel.LOW] = np.inf
            self.moments[name][_kernel.HIGH] = -np.inf
            shape = (len(self.plan.quantiles), self.plan.points, *times)
            self.quantiles[name] = np.full(shape, np.nan)
        elif known.shape[2:] != times:
            raise ModelError(
                f"{name} has {times or 'no'} times from {where} on, {known.shape[2:] or 'none'} "
                "before; every run gives the same times"
            )

    def _close(self) -> None:
        """Turn the runs of the point under way into quantiles and let them go."""
        shares, point = self.plan.quantiles, self._point
        for name, parts in self._values.items():
            values = np.concatenate(parts)[None]
            self.quantiles[name][:, point] = exact_quantiles(values, shares)[:, 0]
        for name, sketched in self._sketches.items():
            out = sketch_quantiles(sketched, self.plan.log_gamma, shares)
            ends = self.moments[name][_kernel.LOW : _kernel.HIGH + 1, point]
            self.quantiles[name][:, point] = np.clip(out.reshape(len(out), *ends.shape[1:]), *ends)
        self._values.clear()
        self._sketches.clear()

    def result(self, *, complete: bool) -> xr.Dataset:
        """Return what is done, with the parameters as coordinates, and its origin."""
        self.finish()
        design, units, time_unit = self.labels.design, self.labels.units, self.labels.time_unit
        places = list(design.points.columns) if design.shape else ["point"]
        lengths = design.shape or (len(design),)
        passages = {p.name for p in self.plan.passages}
        variables: dict[str, Any] = {}

        def variable(values: NDArray[Any], unit: str = "", dims: tuple[str, ...] = ()) -> Any:
            shaped = values.reshape(*lengths, *values.shape[1:])
            named = [*places, *dims, "time"][: shaped.ndim]
            return named, shaped, {"units": unit} if unit else {}

        for name, m in self.moments.items():
            count, missing = m[_kernel.COUNT], m[_kernel.MISSING]
            unit = units.get(name, time_unit if name in passages else "")
            with np.errstate(invalid="ignore", divide="ignore"):
                variance = np.where(count > 1, m[_kernel.M2] / (count - 1), np.nan)
            variables[f"{name}_mean"] = variable(np.where(count > 0, m[_kernel.MEAN], np.nan), unit)
            variables[f"{name}_variance"] = variable(variance, f"({unit})^2" if unit else "")
            variables[f"{name}_min"] = variable(np.where(count > 0, m[_kernel.LOW], np.nan), unit)
            variables[f"{name}_max"] = variable(np.where(count > 0, m[_kernel.HIGH], np.nan), unit)
            if name in passages:
                variables[f"{name}_share"] = variable(
                    1 - missing / np.maximum(missing + count, 1), "1"
                )
            else:
                variables[f"{name}_missing"] = variable(missing.astype(np.int64))
            if self.plan.quantiles:
                levels = np.moveaxis(self.quantiles[name], 0, 1)
                variables[f"{name}_quantile"] = variable(levels, unit, ("quantile",))
        failed = np.bincount([f[0] for f in self.failures], minlength=len(design))
        variables["runs_done"] = variable(self.done - failed)
        variables["runs_failed"] = variable(failed)
        attributes = self._attributes() | {"complete": "yes" if complete else "no"}
        found = xr.Dataset(variables, self._coordinates(), attributes)
        if self.paths and self.paths.path is None:
            found.coords["run"] = np.arange(self.plan.runs)
            for name, values in (self.paths.arrays or {}).items():
                found[name] = variable(values, units.get(name, ""), ("run",))
        return found

    def _coordinates(self) -> dict[str, Any]:
        """Return the parameters with their units, time, the quantiles' shares."""
        design, time_unit = self.labels.design, self.labels.time_unit
        coords: dict[str, Any] = {} if design.shape else {"point": np.arange(len(design))}
        for name, column in design.points.items():
            name = str(name)
            values = column.unique() if design.shape else column.to_numpy()
            unit = {"units": design.units[name]} if name in design.units else {}
            coords[name] = (name if design.shape else "point", np.asarray(values), unit)
        lengths = {m.shape[2]: name for name, m in self.moments.items() if m.ndim == 3}
        if len(lengths) > 1:
            raise ModelError(
                f"the series have {sorted(lengths)} times; keep series of one length only"
            )
        for length, name in lengths.items():
            time = self.plan.times(name, length)
            coords["time"] = ("time", time, {"units": time_unit} if time_unit else {})
        if self.plan.quantiles:
            coords["quantile"] = np.asarray(self.plan.quantiles)
        return coords

    def _attributes(self) -> dict[str, Any]:
        plan, keys = self.plan, ("point", "run", "seed", "error")
        exact = plan.runs <= EXACT_RUNS
        listed = [(p, r, str(seed), why) for p, r, seed, why in self.failures[:_LISTED]]
        paths = {"paths": str(self.paths.path)} if self.paths and self.paths.path else {}
        return {
            "model": plan.model.name,
            "design": self.labels.design.kind,
            "seed": str(plan.seed),
            "runs": plan.runs,
            "common_random_numbers": "yes" if plan.paired else "no",
            "chunk": plan.size,
            "quantiles": "exact" if exact else f"DDSketch, {plan.relative_error:g}",
            "failures": json.dumps([dict(zip(keys, row, strict=True)) for row in listed]),
            **provenance(),
            **paths,
        }

    def complaints(self) -> Iterator[str]:
        """Say which runs failed and which outputs are missing."""
        if count := len(self.failures):
            more = f"; {count - 1:,} more in failures(result)" if count > 1 else ""
            total = self.plan.points * self.plan.runs
            yield f"{count:,} of {total:,} runs failed, the others are kept: {self.failure()}{more}"
        for name, (point, run) in self.missing.items():
            if name not in {p.name for p in self.plan.passages}:
                count = int(self.moments[name][_kernel.MISSING].sum())
                yield (
                    f"{name}: {count:,} values are NaN or infinite and left out; the first in run "
                    f"{run} of point {point}"
                )

    def failure(self) -> str:
        """Say which run was the first to fail."""
        point, run, seed, why = self.failures[0]
        place = ", ".join(f"{name} = {column[point]}" for name, column in self.plan.columns.items())
        return f"run {run} of point {point} ({place}), seed {seed}: {why}"


def failures(result: xr.Dataset) -> pd.DataFrame:
    """List the runs that failed: point, run, seed and error, the first hundred.

    Examples
    --------
    >>> import xarray
    >>> failures(xarray.Dataset(attrs={"failures": "[]"})).empty
    True
    """
    return pd.DataFrame(json.loads(result.attrs["failures"]))
