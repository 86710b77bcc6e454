"""What can be swept: a plain function, a compiled one, or an object that computes many runs.

A plain function takes the parameters by name, and ``seed`` if it draws random numbers. It returns a
number, a series, or a mapping (or named tuple) of these. A function compiled by numba has the same
form, with ``seed`` last; its runs are spread over threads. An object with
``batch(columns, seeds)`` gets arrays, one entry per run, and returns arrays of shape (runs,) or
(runs, times).
"""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.jit import jit

__all__ = ["Measure", "vectorized"]

Array = NDArray[np.float64]
Words = NDArray[np.uint64]
Named = dict[str, Any]
Columns = dict[str, NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]  #: of the outputs of one run


@dataclass(frozen=True)
class Measure:
    """A number or a series that each run yields."""

    name: str  #: its name in the results
    unit: str = ""  #: its unit
    #: How to get it from what the model returned; by default the output of this name. With a
    #: compiled or batched model the arrays have the runs first, so write ``out["price"][..., -1]``.
    of: Callable[[Any], Any] | None = None


Measures = Sequence[Measure]


class ModelError(ValueError):
    """The model cannot be swept as it is: its form is wrong, not one of its runs."""


class Outputs(NamedTuple):
    """What some runs gave, and why runs failed."""

    values: dict[str, Array]  #: by measure, shape (runs,) or (runs, times)
    failures: dict[int, Exception]  #: by number of the run within these


class Adapted:
    """One form for all models: which parameters they take, and a call for many runs."""

    def __init__(self, model: Any) -> None:
        self.model: Any = Compiled(model) if hasattr(model, "py_func") else model
        self.batched = hasattr(self.model, "batch")
        self.name = name_of(model)
        self.accepted: frozenset[str] | None = None  #: by default any parameter
        self.required: frozenset[str] = frozenset()
        self.seeded = True
        function = getattr(model, "py_func", getattr(model, "function", model))
        if hasattr(model, "parameters"):
            self.accepted = frozenset(model.parameters)
        elif callable(function):
            self._read(inspect.signature(function).parameters.values())
        elif not self.batched:
            raise TypeError(
                f"model is {model!r}; give a function, a function compiled by numba, "
                "or an object with batch(columns, seeds)"
            )

    def _read(self, listed: Iterable[inspect.Parameter]) -> None:
        by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        known = {p.name: p for p in listed if p.kind in by_name}
        self.seeded = known.pop("seed", None) is not None
        usual = isinstance(self.model, Compiled)  # whose loop passes every argument
        self.required = frozenset(n for n, p in known.items() if usual or p.default is p.empty)
        if not any(p.kind is p.VAR_KEYWORD for p in listed):
            self.accepted = frozenset(known)

    def check(self, names: Iterable[str]) -> None:
        """Refuse parameters that the model does not know, and a design that lacks one."""
        if self.accepted is not None:
            for name in names:
                checks.choice(f"parameter of {self.name}", name, self.accepted)
        if missing := sorted(self.required - set(names)):
            raise ValueError(f"{self.name} also needs {', '.join(missing)}; add to the design")

    def evaluate(
        self,
        columns: Columns,
        seeds: Words,
        measures: Measures,
        workers: int,
        shapes: Shapes | None = None,
    ) -> Outputs:
        """Run the model once per entry of the columns; a run that fails spoils no other.

        All runs at once, if the model can; where that raises, one by one, to find out which does.
        A run whose outputs have other ``shapes`` fails, by default other than the first run's.
        """
        try:
            if self.batched:
                values = self._at_once(columns, seeds, measures, workers)
                if shapes in (None, {name: array.shape[1:] for name, array in values.items()}):
                    return Outputs(values, {})
        except ModelError:
            raise
        except Exception as exc:
            if type(exc).__module__.startswith("numba."):
                raise ModelError(f"{self.name} does not compile: {exc}") from exc
        rows: dict[int, dict[str, Array]] = {}
        failures: dict[int, Exception] = {}
        for i in range(len(seeds)):
            try:
                one = {name: column[i : i + 1] for name, column in columns.items()}
                rows[i] = checked(self._one(one, seeds[i : i + 1], measures), self.name)
                have = {name: value.shape for name, value in rows[i].items()}
                shapes = have if shapes is None else shapes
                if have != shapes:
                    del rows[i]
                    raise ModelError(f"outputs have shapes {have}; other runs gave {shapes}")
            except Exception as exc:
                failures[i] = exc
        out = {n: np.full((len(seeds), *shape), np.nan) for n, shape in (shapes or {}).items()}
        for i, row in rows.items():
            for name, value in row.items():
                out[name][i] = value
        return Outputs(out, failures)

    def _one(self, columns: Columns, seeds: Words, measures: Measures) -> Named:
        if self.batched:
            found = self._at_once(columns, seeds, measures, 1)
            return {name: values[0] for name, values in found.items()}
        given = {name: plain(column[0]) for name, column in columns.items()}
        drawn = {"seed": int(seeds[0])} if self.seeded else {}
        return measured(self.model(**given, **drawn), self.name, measures)

    def _at_once(
        self, columns: Columns, seeds: Words, measures: Measures, workers: int
    ) -> dict[str, Array]:
        options = {"workers": workers} if workers > 1 else {}
        result = measured(self.model.batch(columns, seeds, **options), self.name, measures)
        values = {name: np.asarray(given, dtype=np.float64) for name, given in result.items()}
        for name, array in values.items():
            if array.shape[:1] != seeds.shape or array.ndim > 2:
                raise ModelError(
                    f"{self.name} returned {name} of shape {array.shape} for {len(seeds)} runs; "
                    "expected (runs,) or (runs, times)"
                )
        return values


class Compiled:
    """A function compiled by numba; its runs are shared among threads, without the interpreter."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.__name__ = function.py_func.__name__
        self.order = list(inspect.signature(function.py_func).parameters)
        if "seed" in self.order[:-1]:
            raise ValueError(
                f"{self.__name__} takes {self.order[-1]} after seed; a compiled model has seed last"
            )

    def batch(self, columns: Columns, seeds: Words, workers: int = 1) -> Any:
        """Run once per entry of the columns; the first run tells which outputs there are."""
        known = columns | {"seed": seeds}
        arguments = tuple(np.ascontiguousarray(known[name]) for name in self.order)
        first = self.function(*(column[0] for column in arguments))
        outputs = named(first, self.__name__)
        outs = tuple(np.empty((len(seeds), *np.shape(value))) for value in outputs.values())
        for out, value in zip(outs, outputs.values(), strict=True):
            out[0] = value
        fields = len(outs) if hasattr(first, "_asdict") else 0
        loop = compiled_loop(self.function, len(arguments), fields)
        over_threads(lambda a, b: loop(arguments, outs, a + 1, b + 1), len(seeds) - 1, workers)
        return dict(zip(outputs, outs, strict=True))


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
        self.__name__ = name_of(function)
        self._seeded = "seed" in inspect.signature(function).parameters

    def batch(self, columns: Columns, seeds: Words, workers: int = 1) -> Any:
        """Call the function once for all runs."""
        return self.function(**columns, **({"seed": seeds} if self._seeded else {}))


def named(result: Any, name: str) -> Named:
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


def measured(result: Any, name: str, measures: Measures) -> Named:
    """Take the measures out of a result."""
    if not measures:
        return named(result, name)
    outputs = {} if all(m.of for m in measures) else named(result, name)
    for m in measures:
        if not m.of and m.name not in outputs:
            raise ModelError(
                f"measure {m.name!r} is not among what {name} returns: {', '.join(outputs)}"
            )
    return {m.name: m.of(result) if m.of else outputs[m.name] for m in measures}


def checked(row: Named, name: str) -> dict[str, Array]:
    """Return a run's outputs as floats and series of floats."""
    if not row:
        raise ModelError(f"{name} returned nothing; give at least one number")
    arrays = {}
    for output, value in row.items():
        try:
            arrays[output] = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise ModelError(f"{output} is {value!r}; a run gives numbers and series") from None
        if arrays[output].ndim > 1:
            shape = arrays[output].shape
            raise ModelError(f"{output} has shape {shape}; a run gives numbers and series only")
    return arrays


def plain(value: Any) -> Any:
    """Return a number, text or bool of Python; dates stay NumPy's, which are finer."""
    number = isinstance(value, np.generic) and value.dtype.kind not in "mM"
    return value.item() if number else value


def name_of(model: Any) -> str:
    """Return what a model is called in results and messages."""
    while isinstance(model, partial):
        model = model.func
    return str(getattr(model, "__name__", type(model).__name__))


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
    list(threads(parts, os.getpid()).map(work, edges[:-1], edges[1:]))


@cache
def threads(count: int, process: int) -> ThreadPoolExecutor:
    """Return a pool that stays: to start one takes longer than many a chunk. A fork has its own."""
    return ThreadPoolExecutor(count)


@lru_cache(maxsize=64)
def compiled_loop(function: Any, arguments: int, fields: int) -> Any:
    """Compile a loop over runs around ``function``, which returns ``fields`` (0: not a tuple)."""
    entries = ", ".join(f"columns[{j}][i]" for j in range(arguments))
    store = "; ".join(f"outs[{j}][i] = result[{j}]" for j in range(fields))
    text = f"""
def loop(columns, outs, first, last):
    for i in range(first, last):
        result = function({entries})
        {store or "outs[0][i] = result"}
"""
    return written(text, {"function": function}, compiled=True)


def written(text: str, names: dict[str, Any], *, compiled: bool) -> Any:
    """Make a function of the text of ``loop``, compiled by numba or for the interpreter.

    numba cannot loop over rules or arguments of several types, and in the interpreter such a loop
    would cost half a microsecond a step: so each call stands in the text by name.
    """
    exec(compile(text, "<loop>", "exec"), names)
    return jit(nogil=True, cache=False)(names["loop"]) if compiled else names["loop"]
