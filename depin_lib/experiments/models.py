"""What can be swept: a plain function, a compiled one, or an object that computes many runs.

A plain function takes the parameters by name, and ``seed`` if it draws random numbers. It returns a
number, a series, or a mapping (or named tuple) of these. A function compiled by numba has the same
form, with ``seed`` last; its runs are spread over threads. An object with
``batch(columns, seeds)`` gets arrays, one entry per run, and returns arrays of shape (runs,) or
(runs, times).
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.jit import jit

__all__ = ["Measure", "vectorized"]

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Measure:
    """A number or a series that each run yields."""

    name: str  #: its name in the results
    unit: str = ""  #: its unit
    #: How to get it from what the model returned; by default the output of this name. With a
    #: compiled or batched model the arrays have the runs first, so write ``out["price"][..., -1]``.
    of: Callable[[Any], Any] | None = None


class ModelError(ValueError):
    """The model cannot be swept as it is: its form is wrong, not one of its runs."""


class Outputs(NamedTuple):
    """What some runs gave: an array (runs × times) per measure, and why runs failed."""

    values: dict[str, Array]
    series: dict[str, bool]  #: whether a measure has times
    failures: dict[int, str]  #: by number of the run within these


class Adapted:
    """One form for all models."""

    batched = False

    def __init__(self, model: Any, function: Callable[..., Any] | None = None) -> None:
        self.model = model
        self.name: str = getattr(model, "__name__", type(model).__name__)
        accepted = getattr(model, "parameters", None)
        if accepted is not None:
            self.accepted: frozenset[str] | None = frozenset(accepted)
            self.required: frozenset[str] = frozenset()
            self.seeded = True
            return
        listed = inspect.signature(function or model).parameters.values()
        named = [p for p in listed if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        open_ended = any(p.kind is p.VAR_KEYWORD for p in listed)
        self.accepted = None if open_ended else frozenset(p.name for p in named) - {"seed"}
        self.required = frozenset(p.name for p in named if p.default is p.empty) - {"seed"}
        self.seeded = any(p.name == "seed" for p in named)
        self.order = [p.name for p in named if p.name != "seed"]

    def check(self, names: Iterable[str]) -> None:
        """Refuse parameters that the model does not know, and a design that lacks one."""
        for name in names:
            if self.accepted is not None:
                checks.choice(f"parameter of {self.name}", name, self.accepted)
        if missing := sorted(self.required - set(names)):
            raise ValueError(f"{self.name} also needs {', '.join(missing)}; add to the design")

    def evaluate(
        self, columns: Columns, seeds: NDArray[np.uint64], measures: Sequence[Measure], workers: int
    ) -> Outputs:
        """Run the model once per entry of the columns; a run that fails spoils no other."""
        rows: list[dict[str, Any]] = []
        failures: dict[int, str] = {}
        names = list(columns)
        for i, values in enumerate(zip(*(c.tolist() for c in columns.values()), strict=True)):
            arguments = dict(zip(names, values, strict=True))
            if self.seeded:
                arguments["seed"] = int(seeds[i])
            try:
                result = self.model(**arguments)
            except Exception as exc:
                failures[i] = f"{type(exc).__name__}: {exc}"
                rows.append({})
                continue
            rows.append(measured(result, self.name, measures))
        return stacked(rows, failures)


class BatchModel(Adapted):
    """A model that computes many runs at once."""

    batched = True

    def evaluate(
        self, columns: Columns, seeds: NDArray[np.uint64], measures: Sequence[Measure], workers: int
    ) -> Outputs:
        """Compute all runs at once; where that raises, one by one, to find out which does."""
        try:
            return self._at_once(columns, seeds, measures, workers)
        except ModelError:
            raise
        except Exception as exc:
            if type(exc).__module__.startswith("numba."):  # it does not compile
                raise ModelError(f"{self.name} does not compile: {exc}") from exc
        rows: list[dict[str, Any]] = []
        failures = {}
        for i in range(len(seeds)):
            one = {name: column[i : i + 1] for name, column in columns.items()}
            try:
                part = self._at_once(one, seeds[i : i + 1], measures, 1)
            except ModelError:
                raise
            except Exception as exc:
                failures[i] = f"{type(exc).__name__}: {exc}"
                rows.append({})
            else:
                shown = {k: v[0] if part.series[k] else v[0, 0] for k, v in part.values.items()}
                rows.append(shown)
        return stacked(rows, failures)

    def _at_once(
        self, columns: Columns, seeds: NDArray[np.uint64], measures: Sequence[Measure], workers: int
    ) -> Outputs:
        result = measured(self._batch(columns, seeds, workers), self.name, measures)
        values, series = {}, {}
        for name, given in result.items():
            array = np.asarray(given, dtype=np.float64)
            if array.shape[:1] != seeds.shape or array.ndim > 2:
                raise ModelError(
                    f"{self.name} returned {name} of shape {array.shape} for {len(seeds)} runs; "
                    "expected (runs,) or (runs, times)"
                )
            series[name] = array.ndim == 2
            values[name] = np.ascontiguousarray(array.reshape(len(seeds), -1))
        return Outputs(values, series, {})

    def _batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int) -> Any:
        return self.model.batch(columns, seeds, **({"workers": workers} if workers > 1 else {}))


class CompiledModel(BatchModel):
    """A function compiled by numba; its runs are shared among threads, without the interpreter."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, model.py_func)
        self.name = model.py_func.__name__
        self.required = frozenset(self.order)
        *_, last = inspect.signature(model.py_func).parameters
        if self.seeded and last != "seed":
            raise ValueError(f"{self.name} takes {last} after seed; a compiled model has seed last")
        self._driver: Any = None
        self._form: dict[str, tuple[int, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_driver": None}

    def _batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int) -> dict[str, Array]:
        arguments = tuple(np.ascontiguousarray(columns[name]) for name in self.order)
        if self.seeded:
            arguments += (seeds,)
        if self._driver is None:
            first = self.model(*(column[0] for column in arguments))
            fields = named(first, self.name)
            self._form = {name: np.shape(value) for name, value in fields.items()}
            bare = not hasattr(first, "_asdict")
            self._driver = compiled_driver(self.model, len(arguments), 0 if bare else len(fields))
        outs = tuple(np.empty((len(seeds), *shape)) for shape in self._form.values())
        over_threads(lambda a, b: self._driver(arguments, outs, a, b), len(seeds), workers)
        return dict(zip(self._form, outs, strict=True))


class vectorized:  # noqa: N801  (a decorator)
    """Make a function of whole columns a model: it gets arrays with one entry per run.

    Parameters
    ----------
    function
        Takes the parameters by name, each an array of shape (runs,), and ``seed`` (runs,) if it
        draws random numbers; returns arrays of shape (runs,) or (runs, times), by name.

    Examples
    --------
    >>> square = vectorized(lambda side: {"area": side**2})
    >>> square.batch({"side": np.array([2.0, 3.0])}, np.zeros(2, np.uint64))
    {'area': array([4., 9.])}
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = function.__name__
        self._seeded = "seed" in inspect.signature(function).parameters

    def batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int = 1) -> Any:
        """Call the function once for all runs."""
        return self.function(**columns, **({"seed": seeds} if self._seeded else {}))


def adapt(model: Any) -> Adapted:
    """Return whatever a caller sweeps in the one form."""
    if isinstance(model, vectorized):
        return BatchModel(model, model.function)
    if hasattr(model, "batch"):
        return BatchModel(model)
    if hasattr(model, "py_func"):
        return CompiledModel(model)
    if not callable(model):
        raise TypeError(
            f"model is {model!r}; give a function, a function compiled by numba, "
            "or an object with batch(columns, seeds)"
        )
    return Adapted(model)


def named(result: Any, name: str) -> dict[str, Any]:
    """Return a model's result as a mapping."""
    if isinstance(result, Mapping):
        return dict(result)
    if hasattr(result, "_asdict"):
        return dict(result._asdict())
    if isinstance(result, bool | int | float | np.number | np.bool_ | np.ndarray | list):
        return {name: result}
    raise ModelError(
        f"{name} returned {type(result).__name__}; give a number, a series, a mapping or a named "
        "tuple of these, or say how to get a number: Measure(name, of=…)"
    )


def measured(result: Any, name: str, measures: Sequence[Measure]) -> dict[str, Any]:
    """Take the measures out of a result."""
    if not measures:
        return named(result, name)
    if all(m.of for m in measures):
        return {m.name: m.of(result) for m in measures if m.of}
    outputs = named(result, name)
    for m in measures:
        if not m.of and m.name not in outputs:
            raise ModelError(
                f"measure {m.name!r} is not among what {name} returns: {', '.join(outputs)}"
            )
    return {m.name: m.of(result) if m.of else outputs[m.name] for m in measures}


def stacked(rows: Sequence[dict[str, Any]], failures: dict[int, str]) -> Outputs:
    """Put the runs below one another; a run of another shape than the first is a failure."""
    first = next((row for row in rows if row), None)
    if first is None:
        return Outputs({}, {}, failures)
    shapes = {name: np.shape(value) for name, value in first.items()}
    for name, shape in shapes.items():
        if len(shape) > 1:
            raise ModelError(f"{name} has shape {shape}; a run gives numbers and series only")
    out = {name: np.full((len(rows), *shape), np.nan) for name, shape in shapes.items()}
    for i, row in enumerate(rows):
        if not row:
            continue
        have = {name: np.shape(value) for name, value in row.items()}
        if have != shapes:
            failures[i] = f"ValueError: outputs have shapes {have}; other runs gave {shapes}"
            continue
        for name, value in row.items():
            try:
                out[name][i] = value
            except (TypeError, ValueError):
                raise ModelError(f"{name} is {value!r}; a run gives numbers and series") from None
    series = {name: len(shape) == 1 for name, shape in shapes.items()}
    return Outputs({n: v.reshape(len(rows), -1) for n, v in out.items()}, series, failures)


def over_threads(work: Callable[[int, int], Any], count: int, workers: int) -> None:
    """Call ``work(start, stop)`` for equal parts of 0 … count, each on a thread of its own.

    The work must leave the interpreter alone (``nogil``). Threads of Python rather than ``prange``,
    because numba loses exceptions that are raised within a ``prange``.
    """
    parts = max(1, min(workers, count))
    if parts == 1:
        work(0, count)
        return
    edges = [count * i // parts for i in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


@lru_cache(maxsize=64)
def compiled_driver(function: Any, arguments: int, fields: int) -> Any:
    """Compile a loop over runs around ``function``, which returns ``fields`` (0: not a tuple)."""
    take = compose([getter(j) for j in range(arguments)])
    put = compose([_putter(j) for j in range(fields)]) if fields else _put_bare

    @jit(nogil=True, cache=False)
    def drive(columns: Any, outs: Any, start: int, stop: int) -> None:
        for i in range(start, stop):
            put(outs, i, function(*take(columns, i)))

    return drive


def compose(functions: Sequence[Any]) -> Any:
    """Compile one function that calls all of them with its arguments and returns a tuple."""
    chained = _nothing
    for function in functions:
        chained = _then(chained, function)
    return chained


@jit(cache=False)
def _nothing(*arguments: Any) -> Any:
    return ()


def _then(before: Any, function: Any) -> Any:
    @jit(cache=False)
    def both(*arguments: Any) -> Any:
        return before(*arguments) + (function(*arguments),)  # noqa: RUF005  (numba)

    return both


def getter(j: int) -> Any:
    """Compile a function that reads entry ``i`` of column ``j``."""

    @jit(cache=False)
    def get(columns: Any, i: int) -> Any:
        return columns[j][i]

    return get


def _putter(j: int) -> Any:
    @jit(cache=False)
    def put(outs: Any, i: int, result: Any) -> None:
        outs[j][i] = result[j]

    return put


@jit(cache=False)
def _put_bare(outs: Any, i: int, result: Any) -> None:
    outs[0][i] = result
