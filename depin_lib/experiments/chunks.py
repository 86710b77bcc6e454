"""What one worker does: a fixed piece of the runs, summarised.

Which runs form a chunk depends on the design, the number of runs and the kind of model alone, never
on workers. Run k of point p draws from the stream (seed, k, p); in a paired design from (seed, k).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..kernels import reducers as _kernel
from ..kernels.jit import jit
from ..kernels.random import stream_key
from .models import Adapted, Array, Columns, Measure, ModelError, Outputs, Shapes, Words
from .summaries import Sketch, exact_quantiles, moments, sketch

__all__ = ["FirstPassage", "Partial", "Plan", "compute_chunk"]

#: Up to this many runs per point the quantiles are exact; beyond, they come from the sketch.
EXACT_RUNS = 1024
_PURPOSE = 0x52554E  # "RUN"
#: First and last point, first and last run of a chunk, the last ones excluded.
Bounds = tuple[int, int, int, int]


@dataclass(frozen=True)
class FirstPassage:
    """The first stored time at which a measure reaches a level; missing where it never does."""

    measure: str  #: name of the measure, a series
    above: float | None = None  #: the level, if it is reached from below
    below: float | None = None  #: the level, if it is reached from above
    label: str = ""  #: its name among the results; by default measure, side and level

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError(
                f"first passage of {self.measure}: above is {self.above} and below is {self.below};"
                " give one of them"
            )

    @property
    def level(self) -> float:
        """The level, in the unit of the measure."""
        return float(self.above if self.above is not None else self.below)  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """Name of the passage among the results."""
        if self.label:
            return self.label
        side = "above" if self.above is not None else "below"
        return f"{self.measure}_{side}_{str(self.level).removesuffix('.0')}"


@dataclass(frozen=True)
class Plan:
    """All that a worker needs to know."""

    model: Adapted
    columns: Columns  #: the parameters, one entry per point
    runs: int  #: per point
    seed: int
    paired: bool  #: whether run k draws the same at every point
    measures: tuple[Measure, ...]
    passages: tuple[FirstPassage, ...]
    every: int  #: which times are kept
    time: Array | None  #: the kept times; counted if None
    quantiles: tuple[float, ...]
    relative_error: float
    paths: bool  #: whether the values of every run are wanted
    size: int  #: runs in a chunk

    @property
    def points(self) -> int:
        """Number of points."""
        return len(next(iter(self.columns.values())))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        if self.runs <= self.size:
            return math.ceil(self.points / (self.size // self.runs))
        return self.points * math.ceil(self.runs / self.size)

    def times(self, name: str, length: int) -> Array:
        """Return the kept times of a series."""
        counted = np.arange(length, dtype=np.float64) * self.every
        time = counted if self.time is None else self.time
        if len(time) != length:
            raise ModelError(f"time has {len(time)} entries; {name}, {length}")
        return time

    @property
    def log_gamma(self) -> float:
        """Width of the sketch's bins."""
        return math.log((1 + self.relative_error) / (1 - self.relative_error))

    def bounds(self, index: int) -> Bounds:
        """Return where a chunk lies: it holds whole points, or a part of the runs of one."""
        if self.runs <= self.size:
            per = self.size // self.runs
            return index * per, min(self.points, (index + 1) * per), 0, self.runs
        point, part = divmod(index, math.ceil(self.runs / self.size))
        return point, point + 1, part * self.size, min(self.runs, (part + 1) * self.size)

    def task(self, index: int) -> "tuple[Plan, Bounds]":
        """Return what a worker gets for a chunk: the plan with the chunk's points, its bounds."""
        first, last, *_ = bounds = self.bounds(index)
        columns = {name: column[first:last] for name, column in self.columns.items()}
        return replace(self, columns=columns), bounds

    def length(self, index: int) -> int:
        """Return the number of runs in a chunk."""
        p0, p1, r0, r1 = self.bounds(index)
        return (p1 - p0) * (r1 - r0)


@dataclass
class Partial:
    """What a chunk found; arrays by name of the measure, of shape (…, times) if it is a series."""

    shapes: Shapes = field(default_factory=dict)  #: of the outputs of one run
    #: Counts, mean, squares, extremes and, of whole points, quantiles: (6 + shares, points).
    summaries: dict[str, Array] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)  #: (runs), if they are needed
    sketches: dict[str, Sketch] = field(default_factory=dict)
    failures: list[tuple[int, int, int, str]] = field(default_factory=list)
    """Point, run, seed and why."""
    missing: list[tuple[str, int, int]] = field(default_factory=list)  #: measure, point, run


def default_size(points: int, runs: int, batched: bool) -> int:
    """Choose how many runs form a chunk: some 256 chunks, within limits."""
    low, high = (256, 1024) if batched else (1, 256)
    return min(high, max(low, math.ceil(points * runs / 256)))


def compute_chunk(
    plan: Plan, bounds: Bounds, workers: int = 1, shapes: Shapes | None = None
) -> Partial:
    """Run the model for one chunk, whose points are the plan's, and summarise what it gave.

    A run whose outputs have other ``shapes`` fails; by default other than the first run's.
    """
    p0, p1, r0, r1 = bounds
    points = np.repeat(np.arange(p0, p1), r1 - r0)
    runs = np.tile(np.arange(r0, r1), p1 - p0)
    seeds = run_seeds(plan, points, runs)
    columns = {name: column[points - p0] for name, column in plan.columns.items()}
    outputs = plan.model.evaluate(columns, seeds, plan.measures, workers, shapes)
    part = Partial({name: values.shape[1:] for name, values in outputs.values.items()})
    for i, exc in sorted(outputs.failures.items()):
        why = f"{type(exc).__name__}: {exc}"
        part.failures.append((int(points[i]), int(runs[i]), int(seeds[i]), why))
    form = all(isinstance(exc, ModelError) for exc in outputs.failures.values())
    if len(outputs.failures) == len(seeds) and form and p0 == r0 == 0:
        raise outputs.failures[0]  # the model, not one of its runs, has a wrong form
    good = np.ones(len(runs), dtype=bool)
    good[list(outputs.failures)] = False
    for name, values in with_passages(plan, outputs):
        kept, group = (values, points) if good.all() else (values[good], points[good])
        found = moments(kept, group - p0, p1 - p0, workers)
        if found[_kernel.MISSING].any():
            finite = np.isfinite(values)
            first = int(np.argmax(good & ~finite.reshape(len(runs), -1).all(axis=1)))
            part.missing.append((name, int(points[first]), int(runs[first])))
            values = np.where(finite, values, np.nan)
        whole = r1 - r0 == plan.runs
        if whole:
            blocks = values.reshape(p1 - p0, plan.runs, *values.shape[1:])
            found = np.concatenate([found, exact_quantiles(blocks, plan.quantiles, workers)])
        elif plan.runs > EXACT_RUNS:
            part.sketches[name] = sketch(kept, plan.log_gamma, workers)
        if plan.paths or not (whole or plan.runs > EXACT_RUNS):
            part.values[name] = values
        part.summaries[name] = found
    return part


def run_seeds(plan: Plan, points: NDArray[np.int64], runs: NDArray[np.int64]) -> Words:
    """Return the seed of each run."""
    out = np.empty(len(runs), dtype=np.uint64)
    keys = np.zeros_like(points) if plan.paired else points + 1
    with np.errstate(over="ignore"):
        _fill_seeds(np.uint64(plan.seed), runs.astype(np.uint64), keys.astype(np.uint64), out)
    return out


@jit()
def _fill_seeds(seed: np.uint64, runs: Words, points: Words, out: Words) -> None:
    for i in range(out.size):
        out[i] = stream_key(seed, runs[i], points[i], np.uint64(_PURPOSE))


def with_passages(plan: Plan, outputs: Outputs) -> Iterator[tuple[str, Array]]:
    """Yield every measure at the kept times, then the first passages."""
    kept = {
        name: np.ascontiguousarray(values[:, :: plan.every] if values.ndim == 2 else values)
        for name, values in outputs.values.items()
    }
    yield from kept.items()
    for passage in plan.passages if kept else ():
        if passage.name in kept:
            raise ModelError(f"first passage {passage.name!r} has the name of a measure; label it")
        values = kept.get(passage.measure, np.empty(0))
        if values.ndim == 1:
            series = ", ".join(name for name in kept if kept[name].ndim == 2) or "none"
            raise ModelError(f"first passage of {passage.measure!r}: the series are: {series}")
        time, out = plan.times(passage.measure, values.shape[1]), np.empty(len(values))
        _kernel.first_passage(values, time, passage.level, passage.above is not None, out)
        yield passage.name, out
