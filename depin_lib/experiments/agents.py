"""Many agents that act one after another, in fixed or in shuffled order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels.jit import jit
from ..kernels.random import random_bits, stream_key
from .engine import Rule, Stepped, entries, rule_name
from .models import Columns

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


@dataclass(eq=False)
class Agents(Stepped):
    """Agents with a few named numbers each, that act in turn and change themselves and others.

    Parameters
    ----------
    count
        Number of agents.
    state
        Initial values by name: one for all agents, or an array of shape (count,). As in an array,
        whole numbers stay whole (fractions are cut off): write 1.0 where fractions may come.
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

    count: int
    state: Mapping[str, Any]
    act: Rule
    observe: Mapping[str, Rule]
    world: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    order: str = field(default="fixed", kw_only=True)

    def __post_init__(self) -> None:
        self.count = checks.whole_number("count", self.count)
        checks.choice("order", self.order, ["fixed", "shuffled"])
        if not self.state or not self.observe:
            raise ValueError("state or observe is empty; give at least one field of each")
        self.state = {k: _column(k, v, self.count) for k, v in self.state.items()}
        self.world = {k: np.array([v]) for k, v in self.world.items()}
        dtype = np.dtype([(name, "f8") for name in self.observe])
        self._prepare([self.act, *self.observe.values()], dtype)

    def _start(self, columns: Columns, runs: int) -> Any:
        return tuple(self.state.values()), tuple(self.world.values())

    @cached_property
    def loop(self) -> Any:
        """The rules written out as one loop over runs, steps and agents."""
        shuffled = self.order == "shuffled"
        calls = [f"{rule_name(f)}(agents, world, parameters)" for f in self.observe.values()]
        text = _LOOP.format(
            agents=entries("start[0][{}].copy()", self.state),
            world=entries("start[1][{}].copy()", self.world),
            given=entries("given[{}][i]", self.usual),
            shuffle=_SHUFFLED if shuffled else "",
            who="order[place]" if shuffled else "place",
            act=rule_name(self.act),
            store="; ".join(f"outs[{j}][i, time] = float({f})" for j, f in enumerate(calls)),
        )
        kinds = {"Agents": self.state, "World": self.world, "Parameters": self.usual}
        return self._written(text, kinds, **_NAMES, count=self.count)


_SHUFFLED = "shuffle(order, word(stream_key(seeds[i], word(step), SHUFFLE, SHUFFLE)))"
_LOOP = """
def loop(start, given, seeds, outs, steps, every, first, last):
    for i in range(first, last):
        agents, world, parameters = Agents({agents}), World({world}), Parameters({given})
        order, time = np.arange(count), 0
        {store}
        for step in range(1, steps + 1):
            {shuffle}
            key = word(stream_key(seeds[i], word(step), ACT, ACT))
            for place in range(count):
                who = {who}
                {act}(who, agents, world, parameters, key + word(who) * SPREAD)
            if step % every == 0:
                time = step // every
                {store}
"""


@jit()
def _shuffle(order: NDArray[np.int64], key: np.uint64) -> None:
    """Put ``order`` into a random order in place (Fisher and Yates, from the end)."""
    for i in range(order.size - 1, 0, -1):
        j = integer(key, np.uint64(i), i + 1)
        order[i], order[j] = order[j], order[i]


_NAMES = {
    "stream_key": stream_key,
    "shuffle": _shuffle,
    "SHUFFLE": _SHUFFLE,
    "ACT": _ACT,
    "SPREAD": _SPREAD,
}


def _column(name: str, value: ArrayLike, count: int) -> NDArray[Any]:
    array = np.asarray(value)
    if array.shape not in ((), (count,)):
        raise ValueError(f"{name} has shape {array.shape}; expected one number or ({count},)")
    return np.full(count, array) if array.shape == () else array.copy()
