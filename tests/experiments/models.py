"""Models that the tests sweep; at module level, so that worker processes find them."""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from depin_lib.experiments import Design
from depin_lib.experiments.chunks import Plan
from depin_lib.experiments.models import Adapted
from depin_lib.kernels.jit import jit
from depin_lib.kernels.random import normal


def plan(model: Any, design: Design, runs: int, seed: int = 1, size: int = 1) -> Plan:
    """What `run` would plan with its defaults."""
    columns = {name: column.to_numpy() for name, column in design.points.items()}
    draws = (runs, seed, design.paired)
    return Plan(Adapted(model), columns, *draws, (), (), 1, None, (), 0.01, False, size)


def walk(drift: float, seed: int) -> dict[str, Any]:
    """A random walk of ten steps."""
    draws = np.random.default_rng(seed).normal(size=10)
    path = np.cumsum(drift + draws)
    return {"price": path, "last": path[-1]}


@jit(cache=False)
def compiled_walk(drift, steps, seed):  # type: ignore[no-untyped-def]
    """The same kind of walk, compiled."""
    path = np.empty(steps)
    x = 0.0
    for i in range(steps):
        x += drift + normal(seed, np.uint64(i))
        path[i] = x
    return path


class Ends(NamedTuple):
    """What a compiled model returns by name."""

    last: float
    path: Any


@jit(cache=False)
def compiled_ends(drift, seed):  # type: ignore[no-untyped-def]
    """A compiled model with two outputs."""
    path = np.arange(4) * drift + normal(seed, np.uint64(0))
    return Ends(path[3], path)


@jit(cache=False)
def compiled_breaks(limit, seed):  # type: ignore[no-untyped-def]
    """A compiled model that raises in some runs."""
    x = normal(seed, np.uint64(0))
    if x > limit:
        raise ValueError("the pool is empty")
    return x


def breaks(x: float, seed: int, bad: int) -> dict[str, float]:
    """Raises in the run whose seed is ``bad``."""
    if seed == bad:
        raise ZeroDivisionError("no supply left")
    return {"y": x + seed % 7}


def kills_once(x: float, seed: int, folder: str) -> float:
    """Kills its own process the first time that a run with this seed modulus comes up."""
    mark = Path(folder) / "killed"
    if seed % 16 == 0 and not mark.exists():
        mark.touch()
        os._exit(9)
    return x + seed % 3


def always_dies(x: float, seed: int, folder: str) -> float:
    """Ends its process without a word."""
    os._exit(9)


def slow_walk(drift: float, seed: int) -> dict[str, Any]:
    """A walk that takes long enough for somebody to press Ctrl-C meanwhile."""
    time.sleep(0.05)
    return walk(drift, seed)
