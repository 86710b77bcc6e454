"""A small engine: a state, policies that read it, updates that make the next one."""

import copy
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..kernels.jit import COMPILED, jit
from ..kernels.random import normal, uniform
from ..seeds import Seed, seed_word
from .models import Array, Columns, ModelError, Words, over_threads, written

__all__ = ["Model"]

Rule = Callable[..., Any]


@dataclass(kw_only=True, eq=False)
class Stepped:
    """What `Model` and `Agents` share: parameters, steps, when they are stored, the call of a loop.

    A model is a loop over runs and steps, written out from its rules, and what a run starts with.
    """

    _start: ClassVar[Callable[..., Any]]
    loop: ClassVar[Any]

    parameters: Mapping[str, float] = field(default_factory=dict)
    steps: int = 100
    every: int = 1
    units: Mapping[str, str] = field(default_factory=dict)
    time_unit: str = "step"
    jit: bool | None = None
    name: str = ""

    def _prepare(self, functions: Iterable[Rule], dtype: np.dtype[Any]) -> None:
        self.functions = list(functions)  #: all rules
        self.dtype = dtype  #: of the stored states
        self.usual = {k: float(v) for k, v in (self.parameters or {}).items()}
        self.parameters = dict(self.usual)  #: what a design may set
        self.units = dict(self.units or {})
        self.steps = checks.whole_number("steps", self.steps)
        self.every = checks.whole_number("every", self.every)
        marked = all(hasattr(function, "py_func") for function in self.functions)
        self.compiled = COMPILED and (marked if self.jit is None else self.jit)
        self.__name__ = self.name or type(self).__name__.lower()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "loop"}

    @property
    def time(self) -> Array:
        """Steps at which states are stored, 0 and every `every`-th; shape (steps // every + 1,)."""
        return np.arange(0, self.steps + 1, self.every, dtype=np.float64)

    def thin(self, every: int) -> Any:
        """Return the same model that stores only every so many-th step."""
        other = copy.copy(self)
        vars(other).update(loop=self.loop, every=self.every * checks.whole_number("every", every))
        return other

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
        out = np.empty(len(self.time), dtype=self.dtype)
        for name, values in self.batch(columns, np.array([seed_word(seed)])).items():
            out[name] = values[0]
        return out

    def batch(self, columns: Columns, seeds: Words, workers: int = 1) -> Any:
        """Run once per entry of the columns.

        Parameters
        ----------
        columns
            What a design may set, by name, each of shape (runs,).
        seeds
            One 64-bit word per run.
        workers
            Threads that share the runs, if the rules are compiled.

        Returns
        -------
        dict of str to ndarray, shape (runs, stored steps)
        """
        runs, names = len(seeds), self.dtype.names or ()
        given = self._columns(columns, self.usual, np.dtype([(k, "f8") for k in self.usual]), runs)
        outs = tuple(np.empty((runs, len(self.time)), dtype=self.dtype[k]) for k in names)
        start = self._start(columns, runs)

        def some(first: int, last: int) -> None:
            with np.errstate(over="ignore"):
                self.loop(start, given, seeds, outs, self.steps, self.every, first, last)

        over_threads(some, runs, workers if self.compiled else 1)
        return dict(zip(names, outs, strict=True))

    def _columns(
        self, columns: Columns, usual: Mapping[str, Any], dtype: np.dtype[Any], runs: int
    ) -> Any:
        """Return a column per name, from the design or else its usual value."""
        found = []
        for name, value in usual.items():
            given = np.asarray(columns.get(name, np.full(runs, value)))
            column = given.astype(dtype[name])
            if column.dtype.kind != "f" and (column != given).any():
                raise ModelError(
                    f"{name} is {given[column != given][0]} in the design, but {value!r} in the "
                    f"model: a whole number stays one; start with {float(value)!r}"
                )
            found.append(column)
        return tuple(found) if self.compiled else tuple(column.tolist() for column in found)

    def _written(self, text: str, kinds: Mapping[str, Iterable[str]], **names: Any) -> Any:
        """Make the loop of its text; the text knows tuples of some kinds, and the rules."""
        for kind, fields in kinds.items():
            try:
                names[kind] = namedtuple(kind, fields)
            except ValueError as exc:
                raise ModelError(f"{exc}; the names of {kind.lower()} are names of Python") from exc
        for rule in self.functions:
            plain = getattr(rule, "py_func", rule)
            ready = rule if hasattr(rule, "py_func") else jit(cache=False)(rule)
            names[rule_name(rule)] = ready if self.compiled else plain
        return written(text, names | {"np": np, "word": np.uint64}, compiled=self.compiled)


@dataclass(eq=False)
class Model(Stepped):
    """A state of a few named numbers that is updated step by step.

    In every step the policies see the state and each gives one number, a signal; then every update
    sees the old state and the signals and gives the next value of its field. Fields without update
    stay as they are.

    Parameters
    ----------
    state
        Initial values by name, or a NumPy record. A whole number stays one (fractions are cut
        off), a bool too: write 1.0 where fractions may come.
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

    state: Any
    updates: Mapping[str, Rule]
    policies: Mapping[str, Rule] = field(default_factory=dict, kw_only=True)
    noise: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        self.state = _initial(self.state)
        for name in self.updates:
            checks.choice("updated field", name, self.state)
        for name, kind in self.noise.items():
            checks.choice(f"noise {name}", kind, _DRAWS)
        dtype = np.dtype([(k, np.asarray(v).dtype) for k, v in self.state.items()])
        self._prepare([*self.policies.values(), *self.updates.values()], dtype)
        if twice := sorted(set(self.state) & set(self.parameters)):
            raise ValueError(f"{twice[0]} is the name of a field and of a parameter")
        self.parameters = self.usual | self.state

    def _start(self, columns: Columns, runs: int) -> Any:
        return self._columns(columns, self.state, self.dtype, runs)

    @cached_property
    def loop(self) -> Any:
        """The rules written out as one loop over runs and steps."""
        width, kinds = len(self.noise), list(self.noise.values())
        updates = {
            k: f"{rule_name(self.updates[k])}(state, parameters, signals, noise)"
            if k in self.updates
            else f"state.{k}"
            for k in self.state
        }
        whole = {k for k in self.updates if self.dtype[k].kind != "f"}  # and stays so
        for k in self.state if self.compiled else whole:
            kind = self.dtype[k].type if self.compiled else type(self.state[k])
            updates[k] = f"{'np.' if self.compiled else ''}{kind.__name__}({updates[k]})"
        text = (_COMPILED if self.compiled else _INTERPRETED).format(
            start=entries("start[{}][i]", self.state),
            given=entries("given[{}][i]", self.usual),
            signals="".join(
                f"{rule_name(f)}(state, parameters, noise), " for f in self.policies.values()
            ),
            noise="".join(
                f"{kind}(seeds[i], word(step * {width} + {j})), " for j, kind in enumerate(kinds)
            ),
            state="".join(f"{call}, " for call in updates.values()),
            store="; ".join(f"outs[{j}][i, time] = state[{j}]" for j in range(len(self.state))),
        )
        groups = {
            "State": self.state,
            "Parameters": self.usual,
            "Noise": self.noise,
            "Signals": self.policies,
        }
        gaussian = np.array([kind == "normal" for kind in kinds], dtype=bool)

        def draws(seed: np.uint64, steps: int) -> list[Any]:
            out = np.empty((steps, width))
            _fill(seed, gaussian, out)
            return out.tolist()

        calls = {"draws": draws, "new": tuple.__new__} if not self.compiled else _DRAWS
        return self._written(text, groups, **calls)


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
def loop(start, given, seeds, outs, steps, every, first, last):
    for i in range(first, last):
        state, parameters = State({start}), Parameters({given})
        rows = [state]
        for noise in map(Noise._make, draws(seeds[i], steps)):
            signals = new(Signals, ({signals}))
            state = new(State, ({state}))
            rows.append(state)
        for out, values in zip(outs, zip(*rows[::every])):
            out[i] = values
"""


def _initial(state: Mapping[str, Any] | np.void) -> dict[str, Any]:
    """Return the initial values as plain numbers, bools and integers apart from floats."""
    names = state.dtype.names or () if isinstance(state, np.void) else state
    given = {name: state[name] for name in names}
    if not given:
        raise ValueError("the state is empty; give at least one field with its initial value")
    whole = (bool, int, np.bool_, np.integer)
    return {
        k: np.asarray(v).item() if isinstance(v, whole) else checks.number(f"initial {k}", v)
        for k, v in given.items()
    }


def entries(form: str, names: Iterable[str]) -> str:
    """Write out a call's arguments, one for each name, numbered."""
    return "".join(f"{form.format(j)}, " for j, _ in enumerate(names))


def rule_name(rule: Rule) -> str:
    """Name a rule in the loop's text; the same function may serve twice."""
    return f"rule_{id(rule):x}"


_DRAWS = {"normal": normal, "uniform": uniform}


@jit()
def _fill(seed: np.uint64, gaussian: NDArray[np.bool_], out: Array) -> None:
    """Fill in the draws of a whole run, one row per step."""
    for step in range(out.shape[0]):
        for j in range(out.shape[1]):
            counter = np.uint64((step + 1) * out.shape[1] + j)
            out[step, j] = normal(seed, counter) if gaussian[j] else uniform(seed, counter)
