"""Chunks merged in their order into one labelled result."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ..kernels import reducers as _kernel
from .chunks import EXACT_RUNS, Partial, Plan, compute_chunk
from .design import Design
from .models import Array, ModelError, Shapes
from .provenance import provenance
from .storage import Paths
from .summaries import Sketch, exact_quantiles, merge_moments, merge_sketches, sketch_quantiles

__all__ = ["Collector", "failures"]

_LISTED = 100


_KINDS = ("mean", "variance", "min", "max", "share", "missing", "quantile")


@dataclass(frozen=True)
class Labels:
    """What a result is labelled with, and a worker need not know."""

    design: Design
    units: Mapping[str, str]  #: by measure
    time_unit: str


class Collector:
    """Holds what is done: summaries per point and time, and the one point that is under way."""

    def __init__(self, plan: Plan, labels: Labels, paths: Paths | None = None) -> None:
        self.plan, self.labels, self.paths = plan, labels, paths
        self.shapes: Shapes = {}  #: of the outputs, as the first runs gave them
        self.summaries: dict[str, Array] = {}  #: by measure, shape (6 + shares, points, times)
        self.done = np.zeros(plan.points, dtype=np.int64)
        self.failures: list[tuple[int, int, int, str]] = []
        self.missing: dict[str, tuple[int, int]] = {}
        self._waiting: dict[int, Partial] = {}
        self._next = 0
        self._point = -1  #: the point under way, whose runs may be spread over chunks
        self._values: dict[str, list[Array]] = {}
        self._sketches: dict[str, Sketch] = {}

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
        p0, p1, r0, r1 = bounds = self.plan.bounds(index)
        if part.shapes and not self.shapes:
            self._learn(part)
        elif part.shapes not in ({}, self.shapes):  # its first run was an odd one
            part = compute_chunk(*self.plan.task(index), shapes=self.shapes)
        if p0 != self._point:
            self._close()
            self._point = p0
        self.failures += part.failures
        self.done[p0:p1] += r1 - r0
        for name, point, run in part.missing:
            self.missing.setdefault(name, (point, run))
        for name, found in part.summaries.items():
            summary = self.summaries[name][:, p0:p1]
            if r1 - r0 == self.plan.runs:
                summary[:] = found
                continue
            merge_moments(summary, found)
            if name in part.sketches:
                new, have = part.sketches[name], self._sketches.get(name)
                self._sketches[name] = merge_sketches(have, new) if have else new
            else:
                self._values.setdefault(name, []).append(part.values[name])
        if self.paths:
            self.paths.write(bounds, part.values)

    def _learn(self, part: Partial) -> None:
        """Take the form of the outputs from the first runs; refuse what cannot be labelled."""
        self.shapes, plan = part.shapes, self.plan
        lengths = {name: s.shape[2] for name, s in part.summaries.items() if s.ndim == 3}
        if len(set(lengths.values())) > 1:
            raise ModelError(
                f"the series have {sorted(set(lengths.values()))} times; keep series of one length"
            )
        for name, length in lengths.items():
            plan.times(name, length)
        results = {f"{name}_{kind}" for name in part.summaries for kind in _KINDS}
        if taken := sorted({*plan.columns} & {*results, "runs_done", "runs_failed"}):
            raise ModelError(f"parameter {taken[0]!r} has the name of a result; rename it")
        if self.paths:
            self.paths.name(part.summaries, results)
        empty = np.array([0, 0, 0, 0, np.inf, -np.inf, *[np.nan] * len(plan.quantiles)])
        for name, found in part.summaries.items():
            shape = (plan.points, *found.shape[2:])
            self.summaries[name] = np.tile(empty.reshape(-1, *[1] * len(shape)), (1, *shape))

    def _close(self) -> None:
        """Turn the runs of the point under way into quantiles and let them go."""
        shares, point = self.plan.quantiles, self._point
        for name, parts in self._values.items():
            exact = exact_quantiles(np.concatenate(parts)[None], shares)
            self.summaries[name][_kernel.HIGH + 1 :, point] = exact[:, 0]
        for name, sketched in self._sketches.items():
            summary = self.summaries[name][:, point]
            out = sketch_quantiles(sketched, self.plan.log_gamma, shares)
            ends = summary[[_kernel.LOW, _kernel.HIGH]]
            summary[_kernel.HIGH + 1 :] = np.clip(out.reshape(len(out), *ends.shape[1:]), *ends)
        self._values.clear()
        self._sketches.clear()

    def result(self, *, complete: bool) -> xr.Dataset:
        """Return what is done, with the parameters as coordinates, and its origin."""
        self.finish()
        plan = self.plan
        passages = {p.name for p in plan.passages}
        variables: dict[str, Any] = {}
        for name, summary in self.summaries.items():
            count, missing = summary[_kernel.COUNT], summary[_kernel.MISSING]
            unit = self.labels.units.get(name, self.labels.time_unit if name in passages else "")
            known = np.where(count > 0, summary, np.nan)
            with np.errstate(invalid="ignore", divide="ignore"):
                variance = np.where(count > 1, known[_kernel.M2] / (count - 1), np.nan)
            for kind, values in (
                ("mean", known[_kernel.MEAN]),
                ("variance", variance),
                ("min", known[_kernel.LOW]),
                ("max", known[_kernel.HIGH]),
            ):
                squared = f"({unit})^2" if unit and kind == "variance" else unit
                variables[f"{name}_{kind}"] = self._variable(values, squared)
            if name in passages:
                share = 1 - missing / np.maximum(missing + count, 1)
                variables[f"{name}_share"] = self._variable(share, "1")
            else:
                variables[f"{name}_missing"] = self._variable(missing.astype(np.int64))
            if plan.quantiles:
                levels = np.moveaxis(summary[_kernel.HIGH + 1 :], 0, 1)
                variables[f"{name}_quantile"] = self._variable(levels, unit, "quantile")
        failed = np.bincount([f[0] for f in self.failures], minlength=plan.points)
        variables["runs_done"] = self._variable(self.done - failed)
        variables["runs_failed"] = self._variable(failed)
        coords = self._coordinates()
        if self.paths and self.paths.path is None and self.paths.arrays:
            coords["run"] = np.arange(plan.runs)
            for name, values in self.paths.arrays.items():
                unit = self.labels.units.get(name, "")
                variables[self.paths.names[name]] = self._variable(values, unit, "run")
        attributes = self._attributes() | {"complete": "yes" if complete else "no"}
        return xr.Dataset(variables, coords, attributes)

    def _variable(self, values: NDArray[Any], unit: str = "", second: str = "") -> Any:
        """Label values of shape (points, …): a grid gets one dimension per parameter."""
        design = self.labels.design
        shaped = values.reshape(*(design.shape or (len(design),)), *values.shape[1:])
        places = list(design.points.columns) if design.shape else ["point"]
        named = [*places, *([second] if second else []), "time"][: shaped.ndim]
        return named, shaped, {"units": unit} if unit else {}

    def _coordinates(self) -> dict[str, Any]:
        """Return the parameters with their units, time, the quantiles' shares."""
        plan, design = self.plan, self.labels.design
        coords: dict[str, Any] = {} if design.shape else {"point": np.arange(len(design))}
        for name, column in design.points.items():
            name = str(name)
            values = column.unique() if design.shape else column.to_numpy()
            unit = {"units": design.units[name]} if name in design.units else {}
            coords[name] = (name if design.shape else "point", np.asarray(values), unit)
        for name, summary in self.summaries.items():
            if summary.ndim == 3:
                unit = {"units": self.labels.time_unit} if self.labels.time_unit else {}
                coords["time"] = ("time", plan.times(name, summary.shape[2]), unit)
        if plan.quantiles:
            coords["quantile"] = np.asarray(plan.quantiles)
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
                count = int(self.summaries[name][_kernel.MISSING].sum())
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
