"""What is known of an input that is not known exactly: a range with a shape, or observations."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from . import checks
from .kernels import distributions as _kernel
from .seeds import Seed, seed_word

__all__ = [
    "Distribution",
    "Empirical",
    "Lognormal",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "sample",
]

_NO_OBSERVATIONS = np.empty(0)


class Distribution(ABC):
    """One uncertain number."""

    _shape: int

    @abstractmethod
    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which the shares ``p`` of the probability lie, each in [0, 1)."""

    @abstractmethod
    def _numbers(self) -> tuple[float, ...]:
        """Return low, high and up to four numbers of the shape, as the kernel reads them."""

    def _observations(self) -> NDArray[np.float64]:
        return _NO_OBSERVATIONS


@dataclass(frozen=True)
class Uniform(Distribution):
    """Any value between ``low`` and ``high``, all alike.

    Examples
    --------
    >>> float(Uniform(1, 3).quantile(0.5))
    2.0
    """

    low: float  #: smallest value, in the unit of the input
    high: float  #: largest value, the same unit
    _shape = _kernel.UNIFORM

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which the shares ``p`` lie."""
        return np.asarray(self.low + _share(p) * (self.high - self.low))

    def _numbers(self) -> tuple[float, ...]:
        return self.low, self.high


@dataclass(frozen=True)
class Triangular(Distribution):
    """Most likely ``mode``, falling in a straight line to nothing at ``low`` and at ``high``.

    Examples
    --------
    >>> float(Triangular(0, 1, 2).quantile(0.5))
    1.0
    """

    low: float  #: smallest value, in the unit of the input
    mode: float  #: most likely value
    high: float  #: largest value
    _shape = _kernel.TRIANGULAR

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)
        checks.number("mode", self.mode, low=self.low, high=self.high)

    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which the shares ``p`` lie."""
        p, width = _share(p), self.high - self.low
        left = self.low + np.sqrt(p * width * (self.mode - self.low))
        right = self.high - np.sqrt((1 - p) * width * (self.high - self.mode))
        return np.where(p < (self.mode - self.low) / width, left, right)

    def _numbers(self) -> tuple[float, ...]:
        return self.low, self.high, self.mode


@dataclass(frozen=True)
class Lognormal(Distribution):
    """A positive value whose logarithm is normal: as likely twice the median as half of it.

    Examples
    --------
    >>> float(Lognormal(median=2.0, sigma=0.5).quantile(0.5))
    2.0
    """

    median: float  #: the value that half of the probability lies below
    sigma: float  #: standard deviation of the logarithm
    _shape = _kernel.LOGNORMAL

    def __post_init__(self) -> None:
        checks.number("median", self.median, low=0, low_open=True, high=np.inf, high_open=True)
        checks.number("sigma", self.sigma, low=0, high=np.inf, high_open=True)

    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which the shares ``p`` lie."""
        return np.asarray(self.median * np.exp(self.sigma * special.ndtri(_share(p))))

    def _numbers(self) -> tuple[float, ...]:
        return 0.0, np.inf, self.median, self.sigma


@dataclass(frozen=True)
class TruncatedNormal(Distribution):
    """A normal value that cannot lie below ``low`` or above ``high``.

    Examples
    --------
    >>> float(TruncatedNormal(mean=0.7, sd=0.2, low=0.4, high=1.0).quantile(0.5))
    0.7
    """

    mean: float  #: mean before the cut
    sd: float  #: standard deviation before the cut
    low: float  #: smallest value
    high: float  #: largest value
    _shape = _kernel.NORMAL

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)
        checks.number("sd", self.sd, low=0, low_open=True, high=np.inf, high_open=True)
        below, above = self._tails()
        if above - below < 1e-6:
            raise ValueError(
                f"low = {self.low:g} and high = {self.high:g} leave {above - below:.0e} of a "
                f"normal with mean {self.mean:g} and sd {self.sd:g}; allowed: at least 1e-06"
            )

    def _tails(self) -> tuple[float, float]:
        z = (np.array([self.low, self.high]) - self.mean) / self.sd
        below, above = special.ndtr(z)
        return float(below), float(above)

    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the values below which the shares ``p`` lie."""
        below, above = self._tails()
        z = special.ndtri(below + _share(p) * (above - below))
        return np.clip(self.mean + self.sd * z, self.low, self.high)

    def _numbers(self) -> tuple[float, ...]:
        return self.low, self.high, self.mean, self.sd, *self._tails()


@dataclass(frozen=True)
class Empirical(Distribution):
    """One of the values that were observed, each as likely as the others.

    Examples
    --------
    >>> float(Empirical([3.0, 1.0, 2.0]).quantile(0.5))
    2.0
    """

    values: ArrayLike  #: observations, in the unit of the input
    _sorted: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _shape = _kernel.EMPIRICAL

    def __post_init__(self) -> None:
        values = np.sort(checks.finite("values", self.values).ravel())
        if not values.size:
            raise ValueError("values is empty; give at least one observation")
        object.__setattr__(self, "_sorted", values)

    def quantile(self, p: ArrayLike) -> NDArray[np.float64]:
        """Return the observations at which the shares ``p`` are reached."""
        return self._sorted[(_share(p) * self._sorted.size).astype(np.int64)]

    def _numbers(self) -> tuple[float, ...]:
        return float(self._sorted[0]), float(self._sorted[-1])

    def _observations(self) -> NDArray[np.float64]:
        return self._sorted


def sample(
    distributions: Mapping[str, Distribution], draws: int, *, seed: Seed = None
) -> dict[str, NDArray[np.float64]]:
    """Draw every input independently.

    Parameters
    ----------
    distributions
        What is known of each input, by name. The name belongs to the seed: an input keeps its draws
        when others are added or left out, so that two runs differ only in what was changed.
    draws
        How many values of each.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        The same bits for any number of threads.

    Raises
    ------
    TypeError
        If something other than a distribution is given.
    ValueError
        If ``draws`` is not a positive whole number.

    Examples
    --------
    >>> prices = sample({"price": Uniform(1, 2)}, 1000, seed=1)["price"]
    >>> bool((prices > 1).all() and (prices < 2).all())
    True
    """
    count = checks.whole_number("draws", draws)
    word = seed_word(seed)
    for name, distribution in distributions.items():
        if not isinstance(distribution, Distribution):
            raise TypeError(f"{name} is {distribution!r}; give a distribution, such as Uniform")
    return draw(distributions, count, word=word)


def draw(
    distributions: Mapping[str, Distribution], count: int, *, word: np.uint64, first: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Return the draws of `sample` for a seed's word, from number ``first`` of each stream on."""
    shapes = list(distributions.values())
    rows = np.zeros((len(shapes), 6))
    for row, shape in zip(rows, shapes, strict=True):
        numbers = shape._numbers()
        row[: len(numbers)] = numbers
    purposes = np.array([zlib.crc32(name.encode()) for name in distributions], dtype=np.uint64)
    codes = np.array([shape._shape for shape in shapes], dtype=np.int64)
    observed = [shape._observations() for shape in shapes]
    starts = np.cumsum([0, *(o.size for o in observed)])
    joined = np.concatenate([_NO_OBSERVATIONS, *observed])
    out = np.empty((len(shapes), count))
    with np.errstate(over="ignore"):  # unsigned arithmetic wraps; plain Python would warn
        _kernel.fill_draws(word, purposes, codes, rows, joined, starts, out, first)
    return dict(zip(distributions, out, strict=True))


def _check_range(low: float, high: float) -> None:
    checks.number("low", low, low=-np.inf, low_open=True, high=np.inf, high_open=True)
    checks.number("high", high, low=low, low_open=True, high=np.inf, high_open=True)


def _share(p: ArrayLike) -> NDArray[np.float64]:
    return checks.finite("p", p, low=0, high=1, high_open=True)
