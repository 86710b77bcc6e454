"""A small engine: a state, policies that read it, updates that make the next one."""

import copy
from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.jit import COMPILED, jit
from ..kernels.random import normal, uniform
from ..seeds import Seed, seed_word
from .models import Array, Columns, ModelError, over_threads

__all__ = ["Model"]

Rule = Callable[..., Any]


class Stepped:
    """What `Model` and `Agents` share: parameters, steps, and when they are stored."""

    functions: list[Rule]  #: all rules, for the fingerprint of a checkpoint
    parameters: dict[str, Any]  #: what a design may set, and what holds where it does not

    def _prepare(
        self, parameters: Mapping[str, float] | None, steps: int, every: int, jit: bool | None
    ) -> None:
        self._parameters = {k: float(v) for k, v in (parameters or {}).items()}
        self.parameters = dict(self._parameters)
        self.steps = checks.whole_number("steps", steps)
        self.every = checks.whole_number("every", every)
        rules = all(hasattr(function, "py_func") for function in self.functions)
        self.compiled = COMPILED and (rules if jit is None else jit)
        self._memory: dict[str, Any] = {}  #: shared by copies, so that one compilation serves all

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_memory": {}}

    @property
    def time(self) -> Array:
        """The stored steps."""
        return np.arange(0, self.steps + 1, self.every, dtype=np.float64)

    @property
    def settings(self) -> dict[str, Any]:
        """All numbers and names that the model was made with, for the note of a checkpoint."""
        left_out = {"functions", "policies", "updates", "act", "observe", "_memory"}
        return {
            key: {k: np.asarray(v).tolist() for k, v in value.items()}
            if isinstance(value, dict)
            else value
            for key, value in sorted(self.__dict__.items())
            if key not in left_out
        }

    def thin(self, every: int) -> Any:
        """Return the same model that stores only every so many-th step."""
        other = copy.copy(self)
        other._memory = self._memory
        other.every = self.every * checks.whole_number("every", every)
        return other

    def batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int = 1) -> Any:
        """Run once per entry of the columns; returns arrays of shape (runs, stored steps)."""
        raise NotImplementedError

    def path(self, *, seed: Seed = None, **parameters: float) -> NDArray[Any]:
        """Run once and return the stored states as a structured array, one record per time.

        Raises
        ------
        ValueError
            If a parameter is not one of the model's.
        """
        for name in parameters:
            checks.choice("parameter", name, self.parameters)
        columns = {name: np.array([value]) for name, value in parameters.items()}
        found = self.batch(columns, np.array([seed_word(seed)]))
        kinds = getattr(self, "dtype", None)
        dtype = kinds or np.dtype([(name, "f8") for name in found])
        out = np.empty(len(self.time), dtype=dtype)
        for name, values in found.items():
            out[name] = values[0]
        return out

    def _filled(self, columns: Columns, runs: int) -> tuple[Array, ...]:
        """Return one array per parameter, from the design or else its usual value."""
        return tuple(
            np.asarray(columns.get(name, np.full(runs, usual)), dtype=np.float64)
            for name, usual in self._parameters.items()
        )


class Model(Stepped):
    """A state of a few named numbers that is updated step by step.

    In every step the policies see the state and each gives one number, a signal; then every update
    sees the old state and the signals and gives the next value of its field. Fields without update
    stay as they are.

    Parameters
    ----------
    state
        Initial values by name, or a NumPy record. A whole number stays one, a bool too.
    updates
        By name of a field: ``update(state, parameters, signals, noise)`` returns its next value.
    policies
        By name of a signal: ``policy(state, parameters, noise)`` returns a number.
    parameters
        Usual values by name. A design may set these and the initial values of the state.
    noise
        By name, ``"normal"`` (standard) or ``"uniform"`` in (0, 1): fresh draws for every step.
    steps, every
        Number of steps, and which of them are stored; the first state is.
    units, time_unit
        Units of the fields and of a step.
    jit
        True compiles the rules with numba, False leaves them to Python. By default they are
        compiled if all of them are marked for it (``numba.njit``). Both give the same bits.

    Raises
    ------
    ValueError
        If an update names no field, two things share a name, or a noise is of an unknown kind.

    Examples
    --------
    >>> model = Model(
    ...     state={"supply": 100.0},
    ...     policies={"burn": lambda state, p, noise: p.rate * state.supply},
    ...     updates={"supply": lambda state, p, signals, noise: state.supply - signals.burn},
    ...     parameters={"rate": 0.1},
    ...     steps=2,
    ... )
    >>> model.path()["supply"].tolist()
    [100.0, 90.0, 81.0]
    >>> model.path(rate=0.5)["supply"].tolist()
    [100.0, 50.0, 25.0]
    """

    def __init__(
        self,
        state: Mapping[str, Any] | np.void,
        updates: Mapping[str, Rule],
        *,
        policies: Mapping[str, Rule] | None = None,
        parameters: Mapping[str, float] | None = None,
        noise: Mapping[str, str] | None = None,
        steps: int = 100,
        every: int = 1,
        units: Mapping[str, str] | None = None,
        time_unit: str = "step",
        jit: bool | None = None,
        name: str = "model",
    ) -> None:
        self.state = _initial(state)
        self.policies, self.noise = dict(policies or {}), dict(noise or {})
        self.updates = {field: updates.get(field) for field in self.state}
        for field in updates:
            checks.choice("updated field", field, self.state)
        for field, kind in self.noise.items():
            checks.choice(f"noise {field}", kind, NOISE_DRAWS)
        self.functions = [*self.policies.values(), *updates.values()]
        self._prepare(parameters, steps, every, jit)
        twice = set(self.state) & set(self.parameters)
        if twice:
            raise ValueError(f"{sorted(twice)[0]} is the name of a field and of a parameter")
        self.parameters |= self.state
        self.dtype = np.dtype([(k, np.asarray(v).dtype) for k, v in self.state.items()])
        self.units, self.time_unit, self.__name__ = dict(units or {}), time_unit, name

    def batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int = 1) -> Any:
        """Run once per entry of the columns.

        Parameters
        ----------
        columns
            Parameters and initial values by name, each of shape (runs,).
        seeds
            One 64-bit word per run.
        workers
            Threads that share the runs, if the rules are compiled.

        Returns
        -------
        dict of str to ndarray, shape (runs, stored steps)
        """
        runs = len(seeds)
        start = tuple(
            np.asarray(columns.get(k, np.full(runs, v)), dtype=self.dtype[k])
            for k, v in self.state.items()
        )
        outs = tuple(np.empty((runs, len(self.time)), dtype=a.dtype) for a in start)
        given = self._filled(columns, runs)
        if "loop" not in self._memory:
            self._memory["loop"] = self._loop()
        loop = self._memory["loop"]
        if self.compiled:
            over_threads(
                lambda a, b: loop(start, given, seeds, outs, self.steps, self.every, a, b),
                runs,
                workers,
            )
        else:
            self._interpret(loop, start, given, seeds, outs)
        return dict(zip(self.state, outs, strict=True))

    def _names(self) -> dict[str, Any]:
        """Return what the loop's text calls: named tuples, rules, draws, types of the fields."""
        names: dict[str, Any] = {"new": tuple.__new__, "word": np.uint64} | NOISE_DRAWS
        groups = {
            "State": self.state,
            "Parameters": self._parameters,
            "Noise": self.noise,
            "Signals": self.policies,
        }
        for kind, fields in groups.items():
            try:
                names[kind] = namedtuple(kind, fields)
            except ValueError as exc:
                raise ModelError(f"{exc}; the names of {kind.lower()} are names of Python") from exc
        rules = [f for f in [*self.policies.values(), *self.updates.values()] if f]
        names |= {_name(f): compiled_rule(f) if self.compiled else plain_rule(f) for f in rules}
        return names | {f"as_{dtype}": dtype.type for dtype in _types(self.dtype)}

    def _loop(self) -> Any:
        """Write the rules out as one loop and compile it, with numba or for the interpreter.

        The text calls each rule by name: a loop over a list of rules would cost the interpreter
        half a microsecond a step, and numba cannot compile one.
        """
        types = _types(self.dtype)
        cast = [f"as_{dtype}({{}})" if self.compiled else "{}" for dtype in types]
        rules = zip(self.updates.items(), cast, strict=True)
        width = len(self.noise)
        parts = {
            "signals": [f"{_name(f)}(state, parameters, noise)" for f in self.policies.values()],
            "state": [
                form.format(f"{_name(f)}(state, parameters, signals, noise)" if f else f"state.{k}")
                for (k, f), form in rules
            ],
            "start": [f"start[{j}][i]" for j in range(len(types))],
            "given": [f"given[{j}][i]" for j in range(len(self._parameters))],
            "noise": [
                f"{kind}(seeds[i], word(step * {width} + {j}))"
                for j, kind in enumerate(self.noise.values())
            ],
        }
        lists = {key: ", ".join(calls) + "," if calls else "" for key, calls in parts.items()}
        store = [f"outs[{j}][i, time] = state[{j}]" for j in range(len(types))]
        names = self._names()
        text = (_COMPILED if self.compiled else _INTERPRETED).format(
            **lists, store="; ".join(store)
        )
        exec(compile(text, f"<loop of {self.__name__}>", "exec"), names)
        return jit(nogil=True, cache=False)(names["loop"]) if self.compiled else names["loop"]

    def _interpret(
        self, loop: Any, start: Any, given: Any, seeds: NDArray[np.uint64], outs: tuple[Any, ...]
    ) -> None:
        """Run the rules as plain Python, on named tuples."""
        for i, seed in enumerate(seeds):
            state, parameters = ([column[i].item() for column in c] for c in (start, given))
            rows = loop(state, parameters, _draws(self.noise, seed, self.steps))
            for out, values in zip(outs, zip(*rows[:: self.every], strict=True), strict=True):
                out[i] = values


_COMPILED = """
def loop(start, given, seeds, outs, steps, every, first, last):
    for i in range(first, last):
        state, parameters, time = State({start}), Parameters({given}), 0
        {store}
        for step in range(1, steps + 1):
            noise = Noise({noise})
            signals = Signals({signals})
            state = State({state})
            if step % every == 0:
                time = step // every
                {store}
"""

_INTERPRETED = """
def loop(state, parameters, draws):
    state, parameters = State._make(state), Parameters._make(parameters)
    rows = [state]
    for noise in map(Noise._make, draws):
        signals = new(Signals, ({signals}))
        state = new(State, ({state}))
        rows.append(state)
    return rows
"""


def _initial(state: Mapping[str, Any] | np.void) -> dict[str, Any]:
    """Return the initial values as plain numbers, bools and integers apart from floats."""
    if isinstance(state, np.void):
        given: dict[str, Any] = {name: state[name].item() for name in state.dtype.names or ()}
    else:
        given = dict(state)
    if not given:
        raise ValueError("the state is empty; give at least one field with its initial value")
    for name, value in given.items():
        if not isinstance(value, bool | np.bool_ | int | np.integer):
            given[name] = checks.number(f"initial {name}", value)
    return given


def compiled_rule(rule: Rule) -> Any:
    """Return a rule compiled by numba."""
    return rule if hasattr(rule, "py_func") else jit(cache=False)(rule)


def plain_rule(rule: Rule) -> Rule:
    """Return a rule as plain Python."""
    return getattr(rule, "py_func", rule)


def _name(rule: Rule) -> str:
    """Name a rule in the loop's text; the same function may serve twice."""
    return f"rule_{id(rule):x}"


def _types(dtype: np.dtype[Any]) -> list[np.dtype[Any]]:
    return [dtype[k] for k in dtype.names or ()]


@jit()
def _normal(seed: np.uint64, counter: np.uint64) -> float:
    return normal(seed, counter)


@jit()
def _uniform(seed: np.uint64, counter: np.uint64) -> float:
    return uniform(seed, counter)


NOISE_DRAWS = {"normal": _normal, "uniform": _uniform}


def _draws(noise: Mapping[str, str], seed: np.uint64, steps: int) -> list[Any]:
    """Return the draws of a whole run, one row per step."""
    out = np.empty((steps, len(noise)))
    with np.errstate(over="ignore"):
        for j, kind in enumerate(noise.values()):
            (_fill_normal if kind == "normal" else _fill_uniform)(seed, j, out)
    return out.tolist()


@jit()
def _fill_normal(seed: np.uint64, j: int, out: Array) -> None:
    for step in range(out.shape[0]):
        out[step, j] = normal(seed, np.uint64((step + 1) * out.shape[1] + j))


@jit()
def _fill_uniform(seed: np.uint64, j: int, out: Array) -> None:
    for step in range(out.shape[0]):
        out[step, j] = uniform(seed, np.uint64((step + 1) * out.shape[1] + j))
