"""What makes an experiment the one that it is: its settings, its data and the code of its model."""

import inspect
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import joblib

from .chunks import Plan

__all__ = ["identity"]

#: Packages whose objects are data, to be hashed as they would be stored.
_DATA = ("builtins", "numpy", "pandas", "xarray", "scipy", "datetime", "decimal", "fractions")


def identity(plan: Plan) -> dict[str, Any]:
    """Return the parts of an experiment that a checkpoint must share with it."""
    special = {
        "model": plan.model.name,
        "code": fingerprint(plan.model.model),
        "design": joblib.hash(plan.columns),
        "measures": [[m.name, fingerprint(m.of)] for m in plan.measures],
        "passages": [asdict(p) for p in plan.passages],
        "time": joblib.hash(plan.time),
    }
    plain = [f.name for f in fields(plan) if f.name not in {*special, "columns"}]
    return special | {name: getattr(plan, name) for name in plain}


def fingerprint(thing: Any) -> str:
    """Hash a model: the code of its functions, and the settings that they carry.

    Functions count by their code, wherever they stand in their file, with their defaults and the
    values that they close over; objects by the code of their class and their attributes. The global
    names that a function refers to do not count.
    """
    return str(joblib.hash(_parts(thing, ())))


def _parts(thing: Any, above: tuple[int, ...]) -> Any:
    """Return nested tuples of plain data that stand for a thing; ``above`` are those around it."""
    if id(thing) in above:
        return "itself"
    above = (*above, id(thing))
    if isinstance(thing, partial):
        return "partial", _parts([thing.func, thing.args, thing.keywords], above)
    if isinstance(thing, MethodType):
        return "method", _parts([thing.__func__, thing.__self__], above)
    function = getattr(thing, "py_func", thing)
    if isinstance(function, FunctionType):
        cells = [cell.cell_contents for cell in function.__closure__ or () if cell != CellType()]
        kept = [function.__defaults__, function.__kwdefaults__, cells]
        return "function", _code(function.__code__), _parts(kept, above)
    if isinstance(thing, Mapping):
        pairs = ((str(key), _parts(value, above)) for key, value in thing.items())
        return "mapping", tuple(sorted(pairs, key=lambda pair: pair[0]))
    if type(thing) in (list, tuple):
        return "row", tuple(_parts(value, above) for value in thing)
    if isinstance(thing, ModuleType):
        return "name", thing.__name__
    if isinstance(thing, type | BuiltinFunctionType):
        return "name", thing.__module__, thing.__qualname__
    if type(thing).__module__.partition(".")[0] in _DATA:
        with suppress(TypeError):  # what cannot be stored, such as a generator, counts by its type
            return "data", joblib.hash(thing)
        return "data", type(thing).__qualname__
    bases = [base for base in type(thing).__mro__ if base.__module__ not in _DATA]
    methods = [m for base in bases for m in vars(base).values() if inspect.isfunction(m)]
    state = thing.__getstate__()
    return type(thing).__qualname__, tuple(_code(m.__code__) for m in methods), _parts(state, above)


def _code(code: CodeType) -> tuple[Any, ...]:
    """Return what a function does, without the place where it stands."""
    return code.co_code, code.co_names, code.co_varnames, tuple(map(_constant, code.co_consts))


def _constant(value: Any) -> Any:
    """Return a constant of a function's code; a set has no order from one process to the next."""
    if isinstance(value, CodeType):
        return _code(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)
