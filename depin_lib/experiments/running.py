"""One call for a whole experiment."""

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from .. import checks
from ..plotting.publish import IN_BOOK
from ..seeds import Seed, seed_word
from .checkpoints import Checkpoint, RunWarning
from .chunks import EXACT_RUNS, FirstPassage, Plan, default_size
from .collect import Collector
from .design import Design
from .executors import check_executor, computed
from .models import Adapted, Measure, adapt
from .provenance import provenance
from .storage import FilePaths, MemoryPaths

__all__ = ["Interrupted", "RunError", "run"]


class RunError(RuntimeError):
    """The experiment could not be finished; ``partial`` holds what was done."""

    partial: xr.Dataset | None = None


class Interrupted(KeyboardInterrupt):
    """The reader stopped the experiment; ``partial`` holds what was done."""

    partial: xr.Dataset | None = None


def run(
    model: Any,
    design: Design,
    *,
    runs: int = 1,
    seed: Seed = None,
    measures: Sequence[str | Measure] = (),
    first_passage: Sequence[FirstPassage] = (),
    quantiles: Sequence[float] = (0.05, 0.5, 0.95),
    relative_error: float = 0.01,
    every: int = 1,
    time: ArrayLike | None = None,
    time_unit: str = "",
    paths: bool | str | os.PathLike[str] = False,
    executor: Any = "threads",
    workers: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    chunk: int | None = None,
) -> xr.Dataset:
    """Run a model at every point of a design, many times each, and summarise what it gives.

    Memory: every worker holds one chunk of runs; beside it the result, which grows with parameters
    × stored times × measures and not with runs. The numbers are the same bits on any executor and
    any number of workers, for one type of processor and the same versions of the libraries.

    Parameters
    ----------
    model
        A function of the parameters by name (and of ``seed``, an integer, if it draws) that returns
        a number, a series, or a mapping of these; the same compiled by numba, with ``seed`` last;
        a `vectorized` function; a `Model` or `Agents`; or any object with ``batch``.
    design
        The points, from `grid`, `latin_hypercube`, `sobol`, `monte_carlo` or `table`.
    runs
        Runs per point. Run k of point p has a seed of its own; in a design with common random
        numbers run k has the same seed at every point.
    seed
        Integer, SeedSequence, Generator or None.
    measures
        Which outputs to keep, by name or as `Measure`; by default all of them.
    first_passage
        Levels whose first passage by a series is wanted; at the stored times.
    quantiles
        Shares between 0 and 1; exact up to 1,024 runs per point, from DDSketch beyond.
    relative_error
        Largest error of a sketched quantile, as a share of its value.
    every
        Store every so many-th time of a series. A first passage is looked for at stored times, so
        with 7 a day of it is known to the week.
    time, time_unit
        The stored times and their unit; by default the steps are counted.
    paths
        True keeps every run in the result; a name ending in ``.zarr`` or ``.nc`` writes them there.
    executor
        ``"threads"``, ``"processes"`` or a ``dask.distributed.Client``.
    workers
        Number of threads or processes; by default one per core.
    checkpoint
        A folder that takes each finished chunk.
    resume
        Go on with what the folder holds. A change of the model's source or settings is noticed, a
        change of what its functions refer to is not.
    progress
        Show a bar with the time left, once a second has passed.
    chunk
        Runs in a chunk. Another size may change the last bits, another number of workers not.

    Returns
    -------
    xarray.Dataset
        Per measure ``_mean``, ``_variance``, ``_min``, ``_max``, ``_quantile`` and ``_missing``
        (NaN or infinite), with the parameters as coordinates; ``runs_done`` and ``runs_failed``;
        versions, seed, processor and commit as attributes. See `failures` for runs that raised.

    Raises
    ------
    ValueError
        If an argument is out of range, the design does not fit the model, or a checkpoint belongs
        to another experiment.
    RunError
        If every run fails, or workers die again and again; ``partial`` holds what was done.
    Interrupted
        After Ctrl-C; ``partial`` holds what was done, the checkpoint too.

    Examples
    --------
    >>> from depin_lib.experiments import grid, run
    >>> def burn(price, fee):
    ...     return {"burned": fee / price}
    >>> result = run(burn, grid({"price": [1.0, 2.0], "fee": [10.0]}, units={"fee": "USD"}))
    >>> float(result["burned_mean"].sel(price=2.0, fee=10.0))
    5.0
    """
    check_executor(executor)
    if workers is not None:
        workers = checks.whole_number("workers", workers)
    every = checks.whole_number("every", every)
    thins = hasattr(model, "thin")
    adapted = adapt(model.thin(every) if thins else model)
    known = time if time is not None else getattr(adapted.model, "time", None)
    columns, count = _columns(adapted, design), _runs(adapted, runs)
    plan = Plan(
        model=adapted,
        columns=columns,
        runs=count,
        seed=_seed(seed, checkpoint, resume),
        paired=design.paired,
        measures=tuple(_measures(measures, getattr(model, "units", {}))),
        passages=tuple(first_passage),
        every=1 if thins else every,
        time=None if known is None else np.asarray(known, dtype=np.float64),
        quantiles=tuple(checks.finite("quantiles", list(quantiles), low=0, high=1).tolist()),
        relative_error=checks.number("relative_error", relative_error, low=1e-5, high=0.5),
        paths=bool(paths),
        size=default_size(len(design), count, adapted.batched)
        if chunk is None
        else checks.whole_number("chunk", chunk),
    )
    kept = Checkpoint(checkpoint, plan, resume) if checkpoint is not None else None
    units = dict(getattr(model, "units", {})) | {m.name: m.unit for m in plan.measures}
    labels = _Labels(design, units, time_unit or getattr(model, "time_unit", ""))
    collector = Collector(plan, _writer(paths, plan))
    try:
        _work(plan, collector, kept, executor, workers, progress)
        if len(collector.failures) == plan.points * plan.runs:
            raise RunError(f"every run failed; the first: {collector.failure_lines()[0]}")
    except KeyboardInterrupt:
        stopped = Interrupted(_where(collector, kept))
        stopped.partial = labels.result(collector, complete=False)
        raise stopped from None
    except RuntimeError as exc:
        error = RunError(f"{exc} ({_where(collector, kept)})")
        error.partial = labels.result(collector, complete=False)
        raise error from exc
    finally:
        if isinstance(collector.writer, FilePaths):
            collector.writer.close()
    _warn(collector)
    return labels.result(collector, complete=True)


@dataclass(frozen=True)
class _Labels:
    """What a result is labelled with."""

    design: Design
    units: dict[str, str]
    time_unit: str

    def result(self, collector: Collector, *, complete: bool) -> xr.Dataset:
        """Return what is done, with its origin."""
        collector.finish()
        found = collector.dataset(self.design, self.units, self.time_unit)
        found.attrs = _attributes(self.design, collector, complete)
        if isinstance(collector.writer, FilePaths):
            found.attrs["paths"] = str(collector.writer.path)
        if not isinstance(collector.writer, MemoryPaths):
            return found
        places = list(self.design.points.columns) if self.design.shape else ["point"]
        lengths = self.design.shape or (len(self.design),)
        for name, values in collector.writer.values.items():
            shaped, dims = values.reshape(*lengths, *values.shape[1:]), [*places, "run", "time"]
            if not collector.series[name]:
                shaped, dims = shaped[..., 0], dims[:-1]
            attrs = {"units": self.units[name]} if self.units.get(name) else {}
            found[name] = (dims, shaped, attrs)
        return found.assign_coords(run=np.arange(collector.plan.runs))


def _writer(paths: bool | str | os.PathLike[str], plan: Plan) -> MemoryPaths | FilePaths | None:
    if not paths:
        return None
    return MemoryPaths(plan) if paths is True else FilePaths(Path(str(paths)), plan)


def _work(
    plan: Plan,
    collector: Collector,
    kept: Checkpoint | None,
    executor: Any,
    workers: int | None,
    progress: bool,
) -> None:
    """Load the chunks that are done, compute the others, merge them all."""
    done = set()
    if kept:
        for index in kept.done():
            part = kept.load(index) if index < plan.chunks else None
            if part is not None:
                collector.add(index, part)
                done.add(index)
    todo = [index for index in range(plan.chunks) if index not in done]
    with _bar(plan, progress) as bar:
        bar.update(int(collector.done.sum()))
        bar.unpause()
        for index, part in computed(plan, todo, executor, workers):
            if kept:
                kept.save(index, part)
            collector.add(index, part)
            p0, p1, r0, r1 = plan.bounds(index)
            bar.update((p1 - p0) * (r1 - r0))


def _bar(plan: Plan, progress: bool) -> Any:
    """Return a progress bar: in a notebook a widget, in a terminal a line, else none."""
    from tqdm import TqdmWarning, tqdm

    bar: Any = tqdm
    off = None if progress else True  # None: silent where nobody sits at a terminal
    if IN_BOOK in os.environ:
        off = True
    elif progress and _in_notebook():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TqdmWarning)  # no ipywidgets: the line will do
            from tqdm.auto import tqdm as automatic
        bar = automatic
        off = False
    total = plan.points * plan.runs
    return bar(total=total, unit="run", desc=plan.model.name, disable=off, delay=1, smoothing=0.1)


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


def _columns(model: Adapted, design: Design) -> dict[str, Any]:
    if not isinstance(design, Design):
        raise TypeError(f"design is {type(design).__name__}; make one with grid, sobol or table")
    model.check(design.points.columns)
    columns = {name: design.points[name].to_numpy() for name in design.points.columns}
    for name, column in columns.items():
        if column.dtype.kind in "iuf":
            checks.finite(f"parameter {name}", column)
        elif model.batched and column.dtype.kind != "b":
            raise TypeError(f"parameter {name} holds {column[0]!r}; this model takes numbers only")
    return columns


def _runs(model: Adapted, runs: int) -> int:
    count = checks.whole_number("runs", runs)
    if count > 1 and not model.seeded:
        raise ValueError(
            f"runs is {count}, but {model.name} takes no seed: every run would be the same; "
            "allowed: 1"
        )
    return count


def _seed(seed: Seed, checkpoint: Any, resume: bool) -> int:
    if seed is None and resume and checkpoint is not None:
        stored = Checkpoint.stored_seed(checkpoint)
        if stored is not None:
            return stored
    return int(seed_word(seed))


def _measures(given: Iterable[str | Measure], units: dict[str, str]) -> Iterable[Measure]:
    for measure in given:
        if isinstance(measure, str):
            yield Measure(measure, units.get(measure, ""))
        elif isinstance(measure, Measure):
            yield measure
        else:
            raise TypeError(f"measure is {measure!r}; give a name or a Measure")


def _attributes(
    design: Design, collector: Collector, complete: bool
) -> dict[str, str | int | float]:
    plan = collector.plan
    return {
        "model": plan.model.name,
        "design": design.kind,
        "seed": str(plan.seed),
        "runs": plan.runs,
        "common_random_numbers": "yes" if plan.paired else "no",
        "complete": "yes" if complete else "no",
        "chunk": plan.size,
        "quantiles": "exact" if plan.runs <= EXACT_RUNS else f"DDSketch, {plan.relative_error:g}",
        "failures": collector.failures_json(),
        **provenance(),
    }


def _where(collector: Collector, kept: Checkpoint | None) -> str:
    done, total = int(collector.done.sum()), collector.plan.points * collector.plan.runs
    place = "in the attribute partial of this exception"
    if kept and not kept.full:
        place = f"in {kept.folder}: go on with resume=True"
        done = sum(_size(collector.plan, index) for index in kept.done())
    return f"stopped after {done:,} of {total:,} runs; they are {place}"


def _size(plan: Plan, index: int) -> int:
    p0, p1, r0, r1 = plan.bounds(index)
    return (p1 - p0) * (r1 - r0)


def _warn(collector: Collector) -> None:
    """Say which runs failed and which outputs are missing."""
    total = collector.plan.points * collector.plan.runs
    lines = collector.failure_lines()
    if lines:
        more = f"; {len(lines) - 1:,} more in failures(result)" if len(lines) > 1 else ""
        text = f"{len(lines):,} of {total:,} runs failed, the others are kept: {lines[0]}{more}"
        warnings.warn(text, RunWarning, stacklevel=3)
    passages = {p.name for p in collector.plan.passages}
    for name, (point, number) in collector.missing.items():
        if name in passages:
            continue
        count = int(collector.moments[name][1].sum())
        text = f"{name}: {count:,} values are NaN or infinite and left out; the first in run "
        warnings.warn(f"{text}{number} of point {point}", RunWarning, stacklevel=3)
