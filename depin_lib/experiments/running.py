"""One call for a whole experiment."""

import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from .. import checks
from ..plotting.publish import IN_BOOK
from ..seeds import Seed, seed_word
from .checkpoints import Checkpoint, note_in, tell
from .chunks import FirstPassage, Plan, default_size
from .collect import Collector, Labels
from .design import Design
from .executors import check_executor, computed
from .models import Adapted, Measure
from .storage import Paths

__all__ = ["Interrupted", "RunError", "run"]


class RunError(RuntimeError):
    """The experiment could not be finished; ``partial`` holds what was done."""

    partial: xr.Dataset


class Interrupted(KeyboardInterrupt):
    """The reader stopped the experiment; ``partial`` holds what was done."""

    partial: xr.Dataset


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
        Go on with what the folder holds. A change of the model's code or settings is noticed, a
        change of the global names that its functions refer to is not.
    progress
        Show a bar with the time left, once a second has passed.
    chunk
        Runs in a chunk. Another size may change the last bits, another number of workers not.

    Returns
    -------
    xarray.Dataset
        Per measure ``_mean``, ``_variance``, ``_min``, ``_max``, ``_quantile`` and ``_missing``
        (NaN or infinite), with the parameters as coordinates; ``runs_done`` and ``runs_failed``;
        versions, seed, processor and commit as attributes. `failures` lists the runs that failed.

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
    every, thins = checks.whole_number("every", every), hasattr(model, "thin")
    adapted = Adapted(model.thin(every) if thins else model)
    known = time if time is not None else getattr(adapted.model, "time", None)
    _check_design(adapted, design)
    count = checks.whole_number("runs", runs)
    if count > 1 and not adapted.seeded:
        raise ValueError(
            f"runs is {count}, but {adapted.name} takes no seed: every run would be the same; "
            "allowed: 1"
        )
    if resume and checkpoint is None:
        raise ValueError("resume is True, but checkpoint is None: name the folder to go on with")
    stored = note_in(checkpoint).get("seed") if checkpoint and resume and seed is None else None
    units = dict(getattr(model, "units", {}))
    chosen = tuple(_measure(given, units) for given in _listed(measures, str | Measure))
    passages = tuple(_listed(first_passage, FirstPassage))
    shares = checks.finite("quantiles", _listed(quantiles, int | float), low=0, high=1)
    names = [m.name for m in chosen] + [p.name for p in passages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{twice[0]!r} is the name of two measures; give each a name of its own")
    plan = Plan(
        model=adapted,
        columns={str(name): column.to_numpy() for name, column in design.points.items()},
        runs=count,
        seed=int(seed_word(seed)) if stored is None else int(stored),
        paired=design.paired,
        measures=chosen,
        passages=passages,
        every=1 if thins else every,
        time=None if known is None else np.asarray(known, dtype=np.float64),
        quantiles=tuple(shares.tolist()),
        relative_error=checks.number("relative_error", relative_error, low=1e-5, high=0.5),
        paths=bool(paths),
        size=default_size(len(design), count, adapted.batched)
        if chunk is None
        else checks.whole_number("chunk", chunk),
    )
    units |= {m.name: m.unit for m in chosen}
    labels = Labels(design, units, time_unit or getattr(model, "time_unit", ""))
    kept = Checkpoint(checkpoint, plan, resume) if checkpoint is not None else None
    again = kept is not None and bool(kept.done())
    collector = Collector(plan, labels, Paths(paths, plan, replace=again) if paths else None)
    result = _work(collector, kept, progress, (executor, workers))
    for text in collector.complaints():
        tell(text)
    return result


def _work(
    collector: Collector, kept: Checkpoint | None, progress: bool, where: tuple[Any, int | None]
) -> xr.Dataset:
    """Return the result; where that is stopped, what is done goes with the exception.

    ``where`` are the executor and the number of workers.
    """
    try:
        _merge_all(collector, kept, progress, where)
        if len(collector.failures) == collector.plan.points * collector.plan.runs:
            raise RunError(f"every run failed; the first: {collector.failure()}")
        return collector.result(complete=True)
    except (KeyboardInterrupt, RuntimeError) as exc:
        raise _stopped(exc, collector, kept) from exc
    finally:
        if collector.paths:
            collector.paths.close()


def _merge_all(
    collector: Collector, kept: Checkpoint | None, progress: bool, where: tuple[Any, int | None]
) -> None:
    """Load the chunks that are done, compute the others, merge them all."""
    plan = collector.plan
    todo, loaded = set(range(plan.chunks)), 0
    with _bar(plan, progress) as bar:
        for index in kept.done() if kept else ():
            part = kept.load(index) if kept and index in todo else None
            if part is not None:
                todo.remove(index)
                collector.add(index, part)
                loaded += plan.length(index)
        bar.initial = bar.n = bar.last_print_n = loaded  # what was loaded says nothing of the pace
        bar.unpause()
        for index, part in computed(plan, sorted(todo), *where):
            if kept:
                kept.save(index, part)
            collector.add(index, part)
            bar.update(plan.length(index))


def _bar(plan: Plan, progress: bool) -> Any:
    """Return a progress bar: in a notebook a widget, in a terminal a line, else none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without ipywidgets the line will do
        from tqdm.auto import tqdm
    seen = sys.stderr.isatty() or "ipykernel" in sys.modules
    return tqdm(
        total=plan.points * plan.runs,
        unit="run",
        desc=plan.model.name,
        disable=not (progress and seen) or IN_BOOK in os.environ,
        delay=1,
        smoothing=0.1,
    )


def _check_design(model: Adapted, design: Design) -> None:
    if not isinstance(design, Design):
        raise TypeError(f"design is {type(design).__name__}; make one with grid, sobol or table")
    model.check(design.points.columns)
    for name, column in design.points.items():
        if column.dtype.kind in "iuf":
            checks.finite(f"parameter {name}", column.to_numpy())
        elif model.batched and column.dtype.kind != "b":
            raise TypeError(f"parameter {name} holds {column[0]!r}; this model takes numbers only")


def _listed(given: Any, kind: Any) -> list[Any]:
    """Return a list, also where one value alone is given."""
    return [given] if isinstance(given, kind) else list(given)


def _measure(given: str | Measure, units: Mapping[str, str]) -> Measure:
    if isinstance(given, str):
        return Measure(given, units.get(given, ""))
    if isinstance(given, Measure):
        return given
    raise TypeError(f"measure is {given!r}; give a name or a Measure")


def _stopped(
    exc: BaseException, collector: Collector, kept: Checkpoint | None
) -> RunError | Interrupted:
    """Say what was done and where it is, and carry it along."""
    plan, done = collector.plan, int(collector.done.sum())
    place = "in the attribute partial of this exception"
    if kept and not kept.full:
        place = f"in {kept.folder}: go on with resume=True"
        done = sum(plan.length(index) for index in kept.done())
    where = f"stopped after {done:,} of {plan.points * plan.runs:,} runs; they are {place}"
    interrupted = isinstance(exc, KeyboardInterrupt)
    stopped = Interrupted(where) if interrupted else RunError(f"{exc} ({where})")
    stopped.partial = collector.result(complete=False)
    return stopped
