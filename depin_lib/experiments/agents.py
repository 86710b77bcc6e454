"""Many agents that act one after another, in fixed or in shuffled order."""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels.jit import jit
from ..kernels.random import random_bits, stream_key
from .engine import Rule, Stepped, compiled_rule, plain_rule
from .models import Columns, compose, getter, over_threads

__all__ = ["Agents", "integer"]

_SHUFFLE, _ACT = np.uint64(1), np.uint64(2)
#: Sets the keys of agents apart. Draw c of agent i is the generator's output at key + i a + c b,
#: for this a and the generator's own b: the first thousand draws of a million agents never meet.
_SPREAD = np.uint64(0xD1342543DE82EF95)
_LOW_32, _S32 = np.uint64(0xFFFFFFFF), np.uint64(32)


@jit(inline=True)
def integer(key: np.uint64, counter: np.uint64, below: int) -> int:
    """Draw a whole number from 0 to ``below`` − 1, for ``below`` up to 2**32.

    By multiplication and shift (Lemire 2019) of 32 random bits; each number's probability is right
    to ``below`` / 2**32.

    Examples
    --------
    >>> 0 <= integer(np.uint64(1), np.uint64(0), 6) < 6
    True
    """
    bits = random_bits(key, np.uint64(counter)) & _LOW_32
    return np.int64((bits * np.uint64(below)) >> _S32)  # type: ignore[return-value]


class Agents(Stepped):
    """Agents with a few named numbers each, that act in turn and change themselves and others.

    Parameters
    ----------
    count
        Number of agents.
    state
        Initial values by name: one for all agents, or an array of shape (count,).
    act
        ``act(i, agents, world, parameters, key)`` lets agent ``i`` act. ``agents.wealth[i]`` reads
        and writes its field, ``world.pool[0]`` what is common to all. Draws are functions of
        ``key``: ``uniform(key, 0)``, ``normal(key, 1)``, ``integer(key, 2, below)``.
    observe
        By name: ``f(agents, world, parameters)`` returns a number; stored over time.
    world
        Initial values of what is common to all, by name.
    parameters
        Usual values by name. A design may set these.
    order
        ``"fixed"``: 0, 1, 2 …; ``"shuffled"``: a fresh random order in every step.
    steps, every
        Number of steps, and which of them are observed; the start is.
    units, time_unit
        Units of the observed numbers and of a step.
    jit
        As in `Model`. Both give the same bits.

    Raises
    ------
    ValueError
        If a count is not positive, an array has another length, or the order is unknown.

    Examples
    --------
    >>> def share(i, agents, world, p, key):
    ...     world.pool[0] += p.rate * agents.wealth[i]
    ...     agents.wealth[i] -= p.rate * agents.wealth[i]
    >>> model = Agents(
    ...     3,
    ...     state={"wealth": 10.0},
    ...     act=share,
    ...     observe={"pool": lambda agents, world, p: world.pool[0]},
    ...     world={"pool": 0.0},
    ...     parameters={"rate": 0.5},
    ...     steps=2,
    ... )
    >>> model.path()["pool"].tolist()
    [0.0, 15.0, 22.5]
    """

    def __init__(
        self,
        count: int,
        state: Mapping[str, ArrayLike],
        act: Rule,
        observe: Mapping[str, Rule],
        *,
        world: Mapping[str, float] | None = None,
        parameters: Mapping[str, float] | None = None,
        order: str = "fixed",
        steps: int = 100,
        every: int = 1,
        units: Mapping[str, str] | None = None,
        time_unit: str = "step",
        jit: bool | None = None,
        name: str = "agents",
    ) -> None:
        self.count = checks.whole_number("count", count)
        self.order = checks.choice("order", order, ["fixed", "shuffled"])
        if not state or not observe:
            raise ValueError("state or observe is empty; give at least one field of each")
        self.state = {k: _column(k, v, self.count) for k, v in state.items()}
        self.world = {k: np.array([v]) for k, v in (world or {}).items()}
        self.act, self.observe = act, dict(observe)
        self.functions = [act, *self.observe.values()]
        self._prepare(parameters, steps, every, jit)
        self.units, self.time_unit, self.__name__ = dict(units or {}), time_unit, name

    def batch(self, columns: Columns, seeds: NDArray[np.uint64], workers: int = 1) -> Any:
        """Run once per entry of the columns.

        Parameters
        ----------
        columns
            Parameters by name, each of shape (runs,).
        seeds
            One 64-bit word per run.
        workers
            Threads that share the runs, if the rules are compiled.

        Returns
        -------
        dict of str to ndarray, shape (runs, observed steps)
        """
        runs = len(seeds)
        given = self._filled(columns, runs)
        out = np.empty((len(self.observe), runs, len(self.time)))
        if "loop" not in self._memory:
            self._memory["loop"] = self._loop()
        loop = self._memory["loop"]

        def some(first: int, last: int) -> None:
            for i in range(first, last):
                state = tuple(column.copy() for column in self.state.values())
                world = tuple(value.copy() for value in self.world.values())
                with np.errstate(over="ignore"):
                    loop(state, world, given, i, seeds[i], self.steps, self.every, out[:, i])

        over_threads(some, runs, workers if self.compiled else 1)
        return dict(zip(self.observe, out, strict=True))

    def _loop(self) -> Any:
        """Put the rules into one loop and compile it, with numba or not at all."""
        agents_kind = namedtuple("Agents", self.state)  # type: ignore[misc]
        world_kind = namedtuple("World", self.world)  # type: ignore[misc]
        given_kind = namedtuple("Parameters", self._parameters)  # type: ignore[misc]
        mark: Any = jit(nogil=True, cache=False) if self.compiled else lambda function: function
        rule = compiled_rule if self.compiled else plain_rule
        act, shuffled, count = rule(self.act), self.order == "shuffled", self.count
        watch = [_number(rule(f), mark) for f in self.observe.values()]
        take = [getter(j) for j in range(len(self._parameters))]
        read = compose(take) if self.compiled else lambda g, i: tuple(c[i].item() for c in g)
        look = compose(watch) if self.compiled else lambda *all_: tuple(f(*all_) for f in watch)

        @mark
        def loop(
            state: Any, world: Any, given: Any, i: int, seed: Any, steps: int, every: int, out: Any
        ) -> None:
            agents, common = agents_kind(*state), world_kind(*world)
            parameters = given_kind(*read(given, i))
            order = np.arange(count)
            out[:, 0] = np.array(look(agents, common, parameters))
            for step in range(1, steps + 1):
                if shuffled:
                    _shuffle(
                        order, np.uint64(stream_key(seed, np.uint64(step), _SHUFFLE, _SHUFFLE))
                    )
                key = np.uint64(stream_key(seed, np.uint64(step), _ACT, _ACT))
                for place in range(count):
                    who = order[place] if shuffled else place
                    act(who, agents, common, parameters, key + np.uint64(who) * _SPREAD)
                if step % every == 0:
                    out[:, step // every] = np.array(look(agents, common, parameters))

        return loop


def _number(look: Rule, mark: Any) -> Any:
    @mark
    def number(agents: Any, world: Any, parameters: Any) -> float:
        return float(look(agents, world, parameters))

    return number


@jit()
def _shuffle(order: NDArray[np.int64], key: np.uint64) -> None:
    """Put ``order`` into a random order in place (Fisher and Yates, from the end)."""
    for i in range(order.size - 1, 0, -1):
        j = integer(key, np.uint64(i), i + 1)
        order[i], order[j] = order[j], order[i]


def _column(name: str, value: ArrayLike, count: int) -> NDArray[Any]:
    array = np.asarray(value)
    if array.shape not in ((), (count,)):
        raise ValueError(f"{name} has shape {array.shape}; expected one number or ({count},)")
    return np.full(count, array) if array.shape == () else array.copy()
