"""The 22 synthetic cases of the simulator yuma-simulation, by the rules that they follow.

Most cases tell one story: everybody supports one miner, a better one appears, and the validators
move their weights to it one after the other. Such a case is a list of moves. Source:
bactensor/yuma-simulation @2b976fd (5 June 2025), ``_internal/cases.py``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPOCHS", "SyntheticCase", "synthetic_case", "synthetic_cases"]

Array = NDArray[np.float64]

#: Epochs of every case.
EPOCHS = 40
_BIG_FIRST = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class SyntheticCase:
    """A story of three validators and two or three miners over 40 epochs."""

    number: int  #: 1 to 22
    title: str  #: what happens
    weights: Array  #: shape (epochs, 3, miners)
    stake: Array  #: sum 1 in every epoch, shape (epochs, 3)
    reset: tuple[int, int] | None = None  #: epoch and miner of a reset of bonds
    winner_takes_all: bool = False  #: whether the highest rank takes the whole incentive


def synthetic_case(number: int) -> SyntheticCase:
    """Return one of the 22 cases.

    Parameters
    ----------
    number
        1 to 22.

    Raises
    ------
    ValueError
        If there is no such case.

    Examples
    --------
    >>> synthetic_case(2).title
    'The big validator moves second'
    """
    cases = synthetic_cases()
    if number not in range(1, len(cases) + 1):
        raise ValueError(f"number is {number!r}; allowed: 1 to {len(cases)}")
    return cases[number - 1]


@lru_cache(maxsize=1)
def synthetic_cases() -> tuple[SyntheticCase, ...]:
    """Return all 22 cases in their order.

    Examples
    --------
    >>> len(synthetic_cases())
    22
    """
    there_and_back = "The big validator moves late, "
    stories: list[tuple[str, Array, tuple[int, int] | None]] = [
        ("The big validator moves first", _moves([1], [2], [3]), None),
        ("The big validator moves second", _moves([2], [1], [3]), None),
        ("The big validator moves last", _moves([3], [1], [2]), None),
        ("All move at once", _moves([1], [1], [1]), None),
        ("The big validator moves second, then last", _moves([2, 23], [1, 21], [1, 22]), (20, 1)),
        (
            "The big validator moves second, then all at once",
            _moves([2, 21], [1, 21], [3, 21]),
            (21, 0),
        ),
        (there_and_back + "then all but one do", _moves([2, 22], [1, 22], [1, 21]), (21, 0)),
        (there_and_back + "and again", _moves([2, 22], [1, 21], [1, 21]), (20, 1)),
        ("Two small validators merge", _moves([0], [0], [0]), None),
        ("The big validator waits ten epochs", _moves([10], [1], [11]), None),
    ]
    cases = [
        SyntheticCase(k, title, weights, _constant(_BIG_FIRST), reset)
        for k, (title, weights, reset) in enumerate(stories, 1)
    ]
    merged = _constant(_BIG_FIRST)
    merged[6:] = (0.8, 0.2, 0.0)
    cases[8] = SyntheticCase(9, cases[8].title, cases[8].weights, merged)
    return (*cases, *_mixed_cases(), *_stable_miner_cases(), *_winner_cases())


def _constant(shares: Sequence[float]) -> Array:
    """Repeat the same stake in all epochs."""
    return np.tile(np.array(shares), (EPOCHS, 1))


def _moves(*validators: Sequence[int]) -> Array:
    """Let each validator support miner 1 at first and change sides at the epochs of its list."""
    weights = np.zeros((EPOCHS, len(validators), 2))
    for i, epochs in enumerate(validators):
        side = np.searchsorted(epochs, np.arange(EPOCHS), side="right") % 2
        weights[np.arange(EPOCHS), i, side] = 1.0
    return weights


def _mixed_cases() -> list[SyntheticCase]:
    """Cases 11 to 14: validators that split their weights or stray once."""
    clipping = np.zeros((EPOCHS, 3, 2))
    clipping[:, :2] = [[0.3, 0.7], [0.6, 0.4]]
    clipping[:20, 2], clipping[20:, 2] = (0.61, 0.39), (0.3, 0.61)
    hedged = _moves([1, 21], [1, 21], [1, 21])
    hedged[:, 1] = np.where(hedged[:, 1] == 1.0, 0.999, 0.001)
    split = _moves([0], [0], [0])
    split[:, 1] = split[21:, 2] = 0.5
    stray = _moves([], [], [20, 21])
    near, thirds = _constant((0.49, 0.49, 0.02)), _constant((0.33, 0.33, 0.34))
    big = _constant(_BIG_FIRST)
    return [
        SyntheticCase(11, "Two camps, and a small validator between them", clipping, near),
        SyntheticCase(12, "All move, one keeps a foot in the door", hedged, big, (20, 1)),
        SyntheticCase(13, "The small validators support both", split, big, (20, 0)),
        SyntheticCase(14, "One of three strays for an epoch", stray, thirds),
    ]


def _stable_miner_cases() -> list[SyntheticCase]:
    """Cases 15 to 18: case 2 beside a third miner whose weight never moves."""
    cases = []
    for number, stable in zip(range(15, 19), (0.25, 0.5, 0.75, 0.9), strict=True):
        weights = np.full((EPOCHS, 3, 3), stable)
        weights[:, :, :2] = (1.0 - stable) * _moves([2], [1], [3])
        title = f"The big validator moves second, a stable miner has {stable:g}"
        cases.append(SyntheticCase(number, title, weights, _constant(_BIG_FIRST)))
    return cases


def _winner_cases() -> list[SyntheticCase]:
    """Cases 19 to 22: noisy weights, of which the validators or the chain pick the winner."""
    two = _noisy((0.6, 0.55), (0.05, 0.15, 0.15), streams=6)
    three = _noisy((0.30, 0.35, 0.40), (0.05, 0.10, 0.10), streams=3)
    near, thirds = _constant((0.49, 0.49, 0.02)), _constant((0.34, 0.33, 0.33))
    by_validators, by_chain = "Each validator picks a winner", "The chain picks the winner"
    return [
        SyntheticCase(19, by_validators, _winner(two), near),
        SyntheticCase(20, by_chain, two, near, winner_takes_all=True),
        SyntheticCase(21, by_validators + " of three", _winner(three), thirds, None, True),
        SyntheticCase(22, by_chain + " of three", three, thirds, None, True),
    ]


def _noisy(quality: Sequence[float], spread: Sequence[float], streams: int) -> Array:
    """Weights around the miners' quality with a spread of each validator's own, rows of sum 1."""
    weights = np.empty((EPOCHS, len(spread), len(quality)))
    per_stream = weights[0].size // streams
    for epoch in range(EPOCHS):
        draws = [_torch_normals(42 + k * EPOCHS + epoch, per_stream) for k in range(streams)]
        noise = np.reshape(draws, weights[0].shape) * np.array(spread)[:, np.newaxis]
        weights[epoch] = np.clip(np.array(quality) + noise, 0.0, 1.0)
    return weights / weights.sum(axis=2, keepdims=True)


def _torch_normals(seed: int, count: int) -> list[float]:
    """Standard normals as torch draws a few of them from a seeded generator.

    Two uniforms of 53 bits, each from two words of the Mersenne Twister, give two normals by Box
    and Muller.
    """
    twister = np.random.RandomState(seed)
    words = twister.randint(0, 2**32, size=4 * count, dtype=np.uint32).astype(np.uint64)
    bits = (words[::2] << np.uint64(32) | words[1::2]) & np.uint64(2**53 - 1)
    normals: list[float] = []
    for turn, length in bits.reshape(-1, 2) * 2.0**-53:
        radius, angle = math.sqrt(-2.0 * math.log1p(-length)), 2.0 * math.pi * turn
        normals += [radius * math.cos(angle), radius * math.sin(angle)]
    return normals[:count]


def _winner(weights: Array) -> Array:
    """Give all the weight of a row to its largest entry."""
    return np.eye(weights.shape[2])[weights.argmax(axis=2)]
