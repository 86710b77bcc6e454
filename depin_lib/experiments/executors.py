"""Where the chunks are computed: this process, several processes, or a Dask cluster."""

import importlib.util
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..kernels.jit import COMPILED
from .checkpoints import RunWarning
from .chunks import Partial, Plan, compute_chunk
from .models import ModelError

__all__ = ["LostWorkers", "check_executor", "computed"]

#: A chunk whose worker is lost this often is given up.
MAX_LOSSES = 3
#: Chunks that a cluster holds per thread, so that no worker waits and none is swamped.
_AHEAD = 4
_ONE_AT_A_TIME = threading.Lock()


class LostWorkers(RuntimeError):  # noqa: N818  (says what happened)
    """Workers died again and again on the same chunks."""


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
    """Yield (number, result) of each chunk to do, in whatever order they are ready."""
    if executor == "threads":
        with _threads(workers) as count:
            for index in todo:
                yield index, compute_chunk(plan, index, count)
    elif executor == "processes":
        yield from _in_processes(plan, todo, workers or _cores())
    else:
        yield from _on_cluster(plan, todo, executor)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _threads(workers: int | None) -> Iterator[int]:
    """Set how many threads numba may use, and set it back."""
    if not COMPILED:
        yield 1
        return
    import numba

    before = numba.get_num_threads()
    count = workers or before
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(count, most))
    try:
        yield count
    finally:
        numba.set_num_threads(before)


def _one(plan: Plan, index: int) -> tuple[int, Partial]:
    with _threads(1):
        return index, compute_chunk(plan, index)


def _in_processes(plan: Plan, todo: Sequence[int], workers: int) -> Iterator[tuple[int, Partial]]:
    """Compute in processes; where one is killed, start anew with what is missing."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    left = list(todo)
    for attempt in range(1, MAX_LOSSES + 1):
        try:
            with parallel_config(backend="loky", inner_max_num_threads=1):
                pool = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
                for index, part in pool(delayed(_one)(plan, index) for index in list(left)):
                    left.remove(index)
                    yield index, part
            return
        except TerminatedWorkerError as exc:
            if attempt == MAX_LOSSES:
                raise LostWorkers(
                    f"worker processes died {attempt} times; not done: {_places(plan, left)}. "
                    "The usual cause is memory: keep fewer times (every=…) or use fewer workers"
                ) from exc
            warnings.warn(
                f"a worker process died; {len(left)} chunks are computed anew",
                RunWarning,
                stacklevel=2,
            )


def _task(plan: Plan, index: int) -> tuple[int, Partial]:
    """Compute one chunk at a time in a worker; its threads work on that one together."""
    from distributed import get_worker

    with _ONE_AT_A_TIME, _threads(get_worker().state.nthreads) as count:
        return index, compute_chunk(plan, index, count)


def _on_cluster(plan: Plan, todo: Sequence[int], client: Any) -> Iterator[tuple[int, Partial]]:
    """Compute on a cluster; it gives the chunks of a lost worker to the others by itself."""
    from distributed import as_completed

    task = partial(_task, plan)  # one object, so that the model is serialised once
    waiting = iter(todo)

    def submit() -> Any:
        index = next(waiting, None)
        if index is None:
            return None
        return client.submit(task, index, pure=False, retries=MAX_LOSSES, key=_key(plan, index))

    ahead = max(2, _AHEAD * sum(client.nthreads().values()))
    open_futures = [future for _ in range(min(ahead, len(todo))) if (future := submit())]
    queue = as_completed(open_futures)
    try:
        for future in queue:
            try:
                done = future.result()
            except ModelError:
                raise
            except Exception as exc:
                index = int(future.key.rpartition("-")[2])
                raise LostWorkers(
                    f"the cluster gave up on {_places(plan, [index])}: {type(exc).__name__}: {exc}"
                ) from exc
            future.release()
            if (more := submit()) is not None:
                queue.add(more)
            yield done
    finally:
        client.cancel(list(queue.futures))


def _key(plan: Plan, index: int) -> str:
    return f"depin-{id(plan):x}-{os.urandom(4).hex()}-{index}"


def _places(plan: Plan, chunks: Sequence[int]) -> str:
    """Name chunks by their points and runs, the first three."""
    named = []
    for index in sorted(chunks)[:3]:
        p0, p1, r0, r1 = plan.bounds(index)
        named.append(f"points {p0} to {p1 - 1}, runs {r0} to {r1 - 1}")
    return "; ".join(named) + (f"; and {len(chunks) - 3} more chunks" if len(chunks) > 3 else "")
