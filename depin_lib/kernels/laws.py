"""Laws of durations for the simulations by event, and their streams of random numbers.

Every draw is keyed by (seed, run, machine, purpose) and its place in that stream, so results are
the same bits on any number of threads. Shared by `events`, `queues` and `training`; the twins in
the tests freeze what it draws.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit
from .random import normal_quantile, stream_key, uniform

CONSTANT, EXPONENTIAL, WEIBULL, LOGNORMAL, OBSERVED = range(5)
ARRIVALS, SERVICE, UP, DOWN, NOTICE, SHARED, ROUTE = range(7)


class Law(NamedTuple):
    """A law of durations."""

    code: int  #: one of the five above
    scale: float  #: in units of time; OBSERVED has none
    shape: float  #: Weibull's shape, or the standard deviation of the logarithm
    observed: NDArray[np.float64]  #: (observations,)


@jit(inline=True)
def law(laws: NDArray[np.float64], observed: NDArray[np.float64], i: int) -> Law:
    """Unpack a row of ``laws``: code, scale, shape, and which part of ``observed`` it owns."""
    row = laws[i]
    return Law(int(row[0]), row[1], row[2], observed[int(row[3]) : int(row[4])])


@jit(inline=True)
def draw(law: Law, key: np.uint64, counter: int) -> float:
    """Draw a duration: number ``counter`` of the stream ``key``."""
    p = uniform(key, np.uint64(counter))
    if law.code == EXPONENTIAL:
        return -law.scale * math.log(p)
    if law.code == CONSTANT:
        return law.scale
    if law.code == WEIBULL:
        return law.scale * (-math.log(p)) ** (1.0 / law.shape)
    if law.code == LOGNORMAL:
        return law.scale * math.exp(law.shape * normal_quantile(p))
    return law.observed[int(p * law.observed.size)]


@jit(inline=True)
def stream(seed: np.uint64, run: int, machine: int, purpose: int) -> np.uint64:
    """Return the key of one stream."""
    return stream_key(seed, np.uint64(run), np.uint64(machine), np.uint64(purpose))
