"""Laws of durations: how long a machine stays, how long it is away, how long a request takes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .. import checks
from ..kernels import laws as _kernel

__all__ = [
    "ConstantTime",
    "Duration",
    "ExponentialTime",
    "LognormalTime",
    "ObservedTimes",
    "WeibullTime",
]

_NO_OBSERVATIONS = np.empty(0)


class Duration(ABC):
    """A law of durations, in any one unit of time."""

    @property
    @abstractmethod
    def mean(self) -> float:
        """Mean duration, in the unit of time in which the law is given."""

    @property
    @abstractmethod
    def scv(self) -> float:
        """Squared coefficient of variation: variance over squared mean."""

    @abstractmethod
    def _row(self) -> tuple[int, float, float]:
        """Return code, scale and shape, as the kernel reads them."""

    def _observations(self) -> NDArray[np.float64]:
        return _NO_OBSERVATIONS


@dataclass(frozen=True)
class ConstantTime(Duration):
    """Always the same.

    Examples
    --------
    >>> ConstantTime(2.0).mean
    2.0
    """

    value: float  #: the duration

    def __post_init__(self) -> None:
        checks.number("value", self.value, low=0, high=np.inf, high_open=True)

    @property
    def mean(self) -> float:
        """Mean duration: `value`, in the unit in which it is given."""
        return float(self.value)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 0, since nothing varies."""
        return 0.0

    def _row(self) -> tuple[int, float, float]:
        return _kernel.CONSTANT, self.value, 0.0


@dataclass(frozen=True)
class ExponentialTime(Duration):
    """Without memory: what is left of it does not depend on how long it has lasted.

    Examples
    --------
    >>> ExponentialTime(24.0).mean
    24.0
    """

    mean_time: float  #: mean duration

    def __post_init__(self) -> None:
        _positive("mean_time", self.mean_time)

    @property
    def mean(self) -> float:
        """Mean duration: `mean_time`, in the unit in which it is given."""
        return float(self.mean_time)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 1, whatever the mean."""
        return 1.0

    def _row(self) -> tuple[int, float, float]:
        return _kernel.EXPONENTIAL, self.mean_time, 0.0


@dataclass(frozen=True)
class WeibullTime(Duration):
    """Ends at a rate that falls with age (shape below 1) or grows with it (shape above 1).

    Examples
    --------
    >>> WeibullTime(24.0, shape=0.5).mean
    24.0
    """

    mean_time: float  #: mean duration
    shape: float  #: 1 is exponential

    def __post_init__(self) -> None:
        _positive("mean_time", self.mean_time)
        checks.number("shape", self.shape, low=0.1, high=100)

    @property
    def mean(self) -> float:
        """Mean duration: `mean_time`, in the unit in which it is given."""
        return float(self.mean_time)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation; it depends on `shape` alone: Γ(1+2/k)/Γ(1+1/k)² − 1."""
        return float(special.gamma(1 + 2 / self.shape) / special.gamma(1 + 1 / self.shape) ** 2 - 1)

    def _row(self) -> tuple[int, float, float]:
        scale = self.mean_time / special.gamma(1 + 1 / self.shape)
        return _kernel.WEIBULL, float(scale), self.shape


@dataclass(frozen=True)
class LognormalTime(Duration):
    """Mostly short with a long tail; given by its mean and its coefficient of variation.

    Examples
    --------
    >>> LognormalTime(1.0, variation=2.0).mean
    1.0
    """

    mean_time: float  #: mean duration
    variation: float  #: standard deviation over mean

    def __post_init__(self) -> None:
        _positive("mean_time", self.mean_time)
        _positive("variation", self.variation)

    @property
    def mean(self) -> float:
        """Mean duration: `mean_time`, in the unit in which it is given."""
        return float(self.mean_time)

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: `variation` squared, whatever the mean."""
        return self.variation**2

    def _row(self) -> tuple[int, float, float]:
        variance = np.log1p(self.variation**2)
        median = self.mean_time * np.exp(-variance / 2)
        return _kernel.LOGNORMAL, float(median), float(np.sqrt(variance))


@dataclass(frozen=True)
class ObservedTimes(Duration):
    """One of the durations that were observed, each as likely as the others (a bootstrap).

    Examples
    --------
    >>> ObservedTimes([1.0, 3.0]).mean
    2.0
    """

    values: ArrayLike  #: observations

    def __post_init__(self) -> None:
        values = checks.non_negative("values", self.values)
        checks.shape("values", values, (None,), "one entry per observation")
        if values.size == 0 or not (values > 0).any():
            raise ValueError("values holds no duration above zero; give at least one")
        object.__setattr__(self, "values", values)

    @property
    def mean(self) -> float:
        """Mean of the observed durations, in the unit in which they are given."""
        return float(np.mean(self._observations()))

    @property
    def scv(self) -> float:
        """Squared coefficient of variation of the observed durations, all of equal weight."""
        return float(np.var(self._observations()) / self.mean**2)

    def _row(self) -> tuple[int, float, float]:
        return _kernel.OBSERVED, 0.0, 0.0

    def _observations(self) -> NDArray[np.float64]:
        return np.asarray(self.values, dtype=np.float64)


def as_kernel_laws(
    laws: dict[str, Duration],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pack laws for the kernels: one row each, and all observations in one array."""
    rows, observed, start = [], [], 0
    for name, law in laws.items():
        if not isinstance(law, Duration):
            raise TypeError(f"{name} is {law!r}; give a law, such as ExponentialTime")
        values = law._observations()
        rows.append((*law._row(), start, start + values.size))
        observed.append(values)
        start += values.size
    return np.array(rows, dtype=np.float64), np.concatenate(observed)


def fits_in_memory(what: str, counts: Sequence[int], *, most: float = 5e8) -> None:
    """Raise if a result would have more numbers than is sensible."""
    total = float(np.prod([float(c) for c in counts]))
    if total > most:
        raise ValueError(f"{what} is {total:g} numbers; allowed: at most {most:g}")


def _positive(name: str, value: float) -> None:
    checks.number(name, value, low=0, low_open=True, high=np.inf, high_open=True)
