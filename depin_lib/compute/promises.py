"""What a promised uptime allows, and what is paid when it is not kept."""

from dataclasses import dataclass

import numpy as np

from .. import checks
from .ownership import Floats, plain

__all__ = ["AWS_INSTANCE", "AWS_REGION", "CreditSchedule", "downtime_minutes"]

_HOURS_PER_MONTH = 730.0


@dataclass(frozen=True)
class CreditSchedule:
    """Share of a month's bill that comes back when the uptime falls short of a promise.

    Examples
    --------
    >>> AWS_INSTANCE.credit([0.996, 0.994, 0.98, 0.9])
    array([0. , 0.1, 0.3, 1. ])
    """

    promised: float  #: uptime below which the first credit is due; share of the month
    steps: tuple[tuple[float, float], ...]  #: (uptime below which, share of the bill), falling

    def __post_init__(self) -> None:
        checks.number("promised", self.promised, low=0, high=1)
        below = checks.finite("steps", [uptime for uptime, _ in self.steps], low=0, high=1)
        back = checks.finite("steps", [share for _, share in self.steps], low=0, high=1)
        if not below.size or below[0] != self.promised:
            raise ValueError(f"the first of steps is not at the promised {self.promised:g}")
        if (np.diff(below) >= 0).any() or (np.diff(back) <= 0).any():
            raise ValueError("steps must have falling uptimes and growing credits")

    def credit(self, uptime: Floats) -> Floats:
        """Return the share of the month's bill that comes back; uptime as a share of the month."""
        u = checks.finite("uptime", uptime, low=0, high=1)
        back = np.zeros_like(u)
        for below, share in self.steps:
            back = np.where(u < below, share, back)
        return plain(back)


#: One machine: AWS Compute SLA, version of 5 May 2022.
AWS_INSTANCE = CreditSchedule(0.995, ((0.995, 0.1), (0.99, 0.3), (0.95, 1.0)))
#: Machines in two or more zones of a region, down only if all are: the same document.
AWS_REGION = CreditSchedule(0.9999, ((0.9999, 0.1), (0.99, 0.3), (0.95, 1.0)))


def downtime_minutes(availability: Floats, *, hours: Floats = _HOURS_PER_MONTH) -> Floats:
    """Minutes of downtime that an availability allows over a time (a month of 730 hours).

    Examples
    --------
    >>> round(downtime_minutes(0.999), 1)
    43.8
    """
    a = checks.finite("availability", availability, low=0, high=1)
    return plain((1 - a) * checks.non_negative("hours", hours, unit="hours") * 60)
