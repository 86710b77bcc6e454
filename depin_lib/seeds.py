"""From whatever a caller has as a seed to the 64-bit seed of the kernels, and arrays of draws."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .kernels import random as _random

__all__ = ["Seed", "normals", "seed_word", "uniforms"]

Seed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None


def seed_word(seed: Seed = None) -> np.uint64:
    """Turn a seed into the unsigned 64-bit word that keys the kernels' streams.

    Parameters
    ----------
    seed
        A non-negative integer below 2**64 or a ``SeedSequence`` (the same word every time), a
        ``Generator`` (draws its next word) or None (fresh entropy of the operating system).

    Raises
    ------
    TypeError
        If ``seed`` is of another type.
    ValueError
        If an integer seed is negative or needs more than 64 bits.

    Examples
    --------
    >>> int(seed_word(7))
    7
    """
    if seed is None:
        seed = np.random.SeedSequence()
    if isinstance(seed, np.random.SeedSequence):
        return np.uint64(seed.generate_state(1, np.uint64)[0])
    if isinstance(seed, np.random.Generator):
        return np.uint64(seed.integers(0, 2**64, dtype=np.uint64))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(
            f"seed is {seed!r}; give an integer, a numpy SeedSequence, a numpy Generator or None"
        )
    if not 0 <= int(seed) < 2**64:
        raise ValueError(f"seed is {seed}; an integer seed lies in 0 … 2**64 − 1")
    return np.uint64(seed)


def uniforms(runs: int, draws: int, *, seed: Seed = None, purpose: int = 0) -> NDArray[np.float64]:
    """Uniform draws in (0, 1), shape (runs, draws), the same bits for any number of threads.

    Examples
    --------
    >>> uniforms(1, 2, seed=1).shape
    (1, 2)
    """
    out = np.empty((runs, draws))
    with np.errstate(over="ignore"):
        _random.fill_uniform(seed_word(seed), np.uint64(purpose), out)
    return out


def normals(runs: int, draws: int, *, seed: Seed = None, purpose: int = 0) -> NDArray[np.float64]:
    """Standard normal draws, shape (runs, draws), the same bits for any number of threads.

    Examples
    --------
    >>> normals(1, 2, seed=1).shape
    (1, 2)
    """
    out = np.empty((runs, draws))
    with np.errstate(over="ignore"):
        _random.fill_normal(seed_word(seed), np.uint64(purpose), out)
    return out
