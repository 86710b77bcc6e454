"""Where the chunks are computed: this process, several processes, or a Dask cluster."""

import importlib.util
import pickle
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from joblib import (
    Parallel,
    cpu_count,
    delayed,
    parallel_config,
    wrap_non_picklable_objects,
)

from .checkpoints import tell
from .chunks import Bounds, Partial, Plan, compute_chunk
from .models import ModelError

__all__ = ["check_executor", "computed"]

#: A chunk whose worker is lost this often is given up.
MAX_LOSSES = 3
_ONE_AT_A_TIME = threading.Lock()


def check_executor(executor: Any) -> None:
    """Refuse what is no executor."""
    if executor in ("threads", "processes") or hasattr(executor, "scheduler_info"):
        return
    hint = ""
    if importlib.util.find_spec("distributed") is None:
        hint = " (pip install 'depin-lib[cluster]')"
    raise ValueError(
        f"executor is {executor!r}; allowed: 'threads', 'processes' or a dask.distributed "
        f"Client{hint}"
    )


def computed(
    plan: Plan, todo: Sequence[int], executor: Any, workers: int | None
) -> Iterator[tuple[int, Partial]]:
    """Yield (number, result) of each chunk to do, in whatever order they are ready.

    A cluster gives the chunks of a lost worker to the others by itself; where a process is killed,
    joblib starts anew with what is missing.
    """
    if executor == "threads":
        threads = workers or cpu_count()
        for index in todo:
            yield index, compute_chunk(*plan.task(index), threads)
        return
    check_travels(plan)
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    threads, options = 1, {"backend": "loky", "inner_max_num_threads": 1}
    if executor != "processes":
        threads = min(executor.nthreads().values(), default=1)
        options = {"backend": "dask", "client": executor}
    left = list(todo)
    for attempt in range(1, MAX_LOSSES + 1):
        try:
            with parallel_config(**options):
                pool = Parallel(n_jobs=workers or -1, return_as="generator_unordered", batch_size=1)
                tasks = (delayed(_one)(i, *plan.task(i), threads) for i in list(left))
                for index, part in pool(tasks):
                    left.remove(index)
                    yield index, part
            return
        except TerminatedWorkerError as exc:
            if attempt == MAX_LOSSES:
                raise RuntimeError(
                    f"worker processes died {attempt} times; not done: {_places(plan, left)}. "
                    "The usual cause is memory: keep fewer times (every=…) or use fewer workers"
                ) from exc
            tell(f"a worker process died; {len(left)} chunks are computed anew")
        except Exception as exc:
            if isinstance(exc, ModelError) or executor == "processes":
                raise
            raise RuntimeError(
                f"the cluster gave up: {type(exc).__name__}: {exc}; not done: {_places(plan, left)}"
            ) from exc


def check_travels(plan: Plan) -> None:
    """Refuse a model that cannot be sent to another process: a cluster would wait for ever."""
    try:
        pickle.dumps(wrap_non_picklable_objects(replace(plan, columns={})))
    except Exception as exc:
        raise ModelError(
            f"{plan.model.name} cannot be sent to another process ({exc}); use executor='threads', "
            "or make what it refers to within it"
        ) from exc


def _one(index: int, plan: Plan, bounds: Bounds, threads: int) -> tuple[int, Partial]:
    """Compute one chunk at a time in a worker; its threads work on that one together."""
    with _ONE_AT_A_TIME:
        return index, compute_chunk(plan, bounds, threads)


def _places(plan: Plan, chunks: Sequence[int]) -> str:
    """Name chunks by their points and runs, the first three."""
    named = []
    for index in sorted(chunks)[:3]:
        p0, p1, r0, r1 = plan.bounds(index)
        named.append(f"points {p0} to {p1 - 1}, runs {r0} to {r1 - 1}")
    return "; ".join(named) + (f"; and {len(chunks) - 3} more chunks" if len(chunks) > 3 else "")
