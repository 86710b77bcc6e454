"""Interruptions: how often they come, how often to save, and what an hour then is worth.

A job of useful work writes checkpoints, is interrupted, starts again from the last checkpoint.
Interruptions are a Poisson process here and may strike during a checkpoint and during a restart as
well; `simulate_job` drops the first assumption. Times are in hours throughout.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from .. import checks
from .ownership import HOURS_PER_YEAR, Floats, plain

__all__ = [
    "CheckpointWarning",
    "SpotZone",
    "breakeven_discount",
    "checkpoint_overhead",
    "cluster_mtbf",
    "daly_interval",
    "expected_run_hours",
    "expected_run_hours_without_checkpoints",
    "failure_rate_mtbf",
    "machine_mtbf_years",
    "observed_mtbf",
    "optimal_interval",
    "spot_zone",
    "useful_hour_price",
    "young_interval",
]


#: C/M below which three terms of the series are more exact than Lambert's function.
_SMALL_RATIO = 1e-8


class CheckpointWarning(UserWarning):
    """A checkpoint takes longer than the mean time between interruptions."""


@dataclass(frozen=True)
class SpotZone:
    """A job on machines that come and go; numbers, or arrays."""

    interval_hours: Floats  #: useful work between two checkpoints; hours
    overhead: Floats  #: hours that are paid per useful hour
    availability: Floats  #: share of time that the machine is there
    wall_factor: Floats  #: hours by the clock per useful hour

    def to_frame(self) -> pd.DataFrame:
        """Return one column per field; one row, or one per zone."""
        return pd.DataFrame({name: np.atleast_1d(part) for name, part in vars(self).items()})


def young_interval(checkpoint_hours: Floats, mtbf_hours: Floats) -> Floats:
    """Work between two checkpoints by Young's first-order rule √(2CM), in hours.

    Parameters
    ----------
    checkpoint_hours
        C, time to write a checkpoint.
    mtbf_hours
        M, mean time between interruptions.

    Source: Young (1974), Communications of the ACM 17(9), 530–531.

    Examples
    --------
    >>> young_interval(5 / 60, 24)
    2.0
    """
    c, m = _write_and_mean(checkpoint_hours, mtbf_hours)
    return plain(np.sqrt(2 * c * m))


def daly_interval(checkpoint_hours: Floats, mtbf_hours: Floats) -> Floats:
    """Work between two checkpoints by Daly's higher-order rule, in hours.

    The rule is a series in √(C/2M) below C = 2M and the mean time between interruptions above.

    Parameters
    ----------
    checkpoint_hours
        C, time to write a checkpoint. Above M a `CheckpointWarning` is given.
    mtbf_hours
        M, mean time between interruptions.

    Source: Daly (2006), Future Generation Computer Systems 22(3), 303–312.

    Examples
    --------
    >>> round(60 * daly_interval(5 / 60, 24), 1)
    116.7
    """
    c, m = _write_and_mean(checkpoint_hours, mtbf_hours)
    x = np.sqrt(c / (2 * m))
    series = np.sqrt(2 * c * m) * (1 + x / 3 + x**2 / 9) - c
    return plain(np.where(c < 2 * m, series, m))


def optimal_interval(checkpoint_hours: Floats, mtbf_hours: Floats) -> Floats:
    """Work between two checkpoints that makes `expected_run_hours` smallest, in hours.

    With x = τ/M the condition is (1 − x) eˣ = e^(−C/M), solved by Lambert's function:
    τ = M [1 + W₀(−e^(−1−C/M))]. The restart time does not matter.

    Parameters
    ----------
    checkpoint_hours
        C, time to write a checkpoint. Above M a `CheckpointWarning` is given.
    mtbf_hours
        M, mean time between interruptions.

    Examples
    --------
    >>> round(60 * optimal_interval(5 / 60, 24), 1)
    116.7
    """
    c, m = _write_and_mean(checkpoint_hours, mtbf_hours)
    ratio = c / m
    root = np.sqrt(2 * ratio)
    series = root - root**2 / 3 + root**3 / 36  # where the argument of W rounds off to −1/e
    lambert = np.real(special.lambertw(-np.exp(-1 - ratio)))
    small = ratio < _SMALL_RATIO
    x = np.where(small, series, 1 + lambert)
    with np.errstate(divide="ignore", invalid="ignore"):
        newton = x + (np.log1p(-x) + x + ratio) * (1 - x) / x
    x = np.where(small | (x >= 1), x, newton)
    return plain(m * x)


def checkpoint_overhead(
    checkpoint_hours: Floats,
    restart_hours: Floats,
    mtbf_hours: Floats,
    *,
    interval_hours: Floats | None = None,
) -> Floats:
    """Hours of running per hour of useful work, φ = M e^(R/M) (e^((τ+C)/M) − 1) / τ.

    Parameters
    ----------
    checkpoint_hours, restart_hours
        C and R, time to write a checkpoint and to be at work again after an interruption.
    mtbf_hours
        M, mean time between interruptions.
    interval_hours
        τ, useful work between two checkpoints; the best one where it is not given.

    Returns
    -------
    float or ndarray
        At least 1; infinite where the job practically never ends.

    Source: Daly (2006), the complete cost function.

    Examples
    --------
    >>> round(checkpoint_overhead(5 / 60, 10 / 60, 24), 3)
    1.096
    """
    c, m = _write_and_mean(checkpoint_hours, mtbf_hours)
    r = checks.non_negative("restart_hours", restart_hours, unit="hours")
    if interval_hours is None:
        interval_hours = _interval_of(c, m)
    tau = checks.finite("interval_hours", interval_hours, low=0, low_open=True, unit="hours")
    with np.errstate(over="ignore"):
        return plain(m * np.exp(r / m) * np.expm1((tau + c) / m) / tau)


def expected_run_hours(
    useful_hours: Floats,
    checkpoint_hours: Floats,
    restart_hours: Floats,
    mtbf_hours: Floats,
    *,
    interval_hours: Floats | None = None,
) -> Floats:
    """Expected running time of a job with checkpoints, interruptions included, in hours.

    Every interval ends with a checkpoint, the last one too. Time without a machine does not count.

    Parameters
    ----------
    useful_hours
        Work of the job in hours without any interruption.
    checkpoint_hours, restart_hours, mtbf_hours, interval_hours
        As in `checkpoint_overhead`.

    Examples
    --------
    >>> round(expected_run_hours(500, 5 / 60, 10 / 60, 24, interval_hours=2), 1)
    547.9
    """
    work = checks.non_negative("useful_hours", useful_hours, unit="hours")
    overhead = checkpoint_overhead(
        checkpoint_hours, restart_hours, mtbf_hours, interval_hours=interval_hours
    )
    return plain(work * overhead)


def expected_run_hours_without_checkpoints(
    useful_hours: Floats, mtbf_hours: Floats, *, restart_hours: Floats = 0.0
) -> Floats:
    """Expected running time of a job that starts from nothing after an interruption, in hours.

    Parameters
    ----------
    useful_hours
        Work of the job in hours without any interruption.
    mtbf_hours
        Mean time between interruptions.
    restart_hours
        Time until work begins again; not paid before the first attempt.

    Returns
    -------
    float or ndarray
        Infinite where the job practically never ends.

    Examples
    --------
    >>> round(expected_run_hours_without_checkpoints(24, 24), 1)
    41.2
    """
    work = checks.non_negative("useful_hours", useful_hours, unit="hours")
    m = checks.finite("mtbf_hours", mtbf_hours, low=0, low_open=True, unit="hours")
    r = checks.non_negative("restart_hours", restart_hours, unit="hours")
    with np.errstate(over="ignore"):
        return plain(np.exp(r / m) * m * np.expm1(work / m))


def observed_mtbf(hours: Floats, interruptions: Floats) -> Floats:
    """Mean time between interruptions that were counted over a time, in hours.

    Examples
    --------
    >>> round(observed_mtbf(54 * 24, 419), 2)
    3.09
    """
    span = checks.finite("hours", hours, low=0, low_open=True, unit="hours")
    count = checks.finite("interruptions", interruptions, low=0, low_open=True)
    return plain(span / count)


def cluster_mtbf(machine_mtbf_hours: Floats, machines: Floats) -> Floats:
    """Mean time between interruptions of a job that stops with any of its machines, in hours.

    Machines fail independently of one another and alike; for many together see `simulate_fleet`.

    Examples
    --------
    >>> round(cluster_mtbf(50_000, 16_384), 2)
    3.05
    """
    m = checks.finite("machine_mtbf_hours", machine_mtbf_hours, low=0, low_open=True, unit="hours")
    count = checks.finite("machines", machines, low=1)
    return plain(m / count)


def failure_rate_mtbf(
    gpus: Floats, failures_per_1000_node_days: Floats, *, gpus_per_node: Floats = 8
) -> Floats:
    """Mean time between failures of a job, from a rate per thousand node-days, in hours.

    Source: Kokolis et al. (2025), HPCA, arXiv 2410.21680.

    Examples
    --------
    >>> round(failure_rate_mtbf(16_384, 6.50), 1)
    1.8
    """
    count = checks.finite("gpus", gpus, low=0, low_open=True)
    rate = checks.finite(
        "failures_per_1000_node_days", failures_per_1000_node_days, low=0, low_open=True
    )
    size = checks.finite("gpus_per_node", gpus_per_node, low=0, low_open=True)
    return plain(24 / (count / size * rate / 1000))


def spot_zone(
    mean_up_hours: Floats,
    mean_down_hours: Floats,
    checkpoint_hours: Floats,
    restart_hours: Floats,
    *,
    interval_hours: Floats | None = None,
) -> SpotZone:
    """Cost and length of a job on machines that are taken away and come back.

    Parameters
    ----------
    mean_up_hours, mean_down_hours
        U and D, mean length of a stay and of an absence; availability is U/(U + D).
    checkpoint_hours, restart_hours, interval_hours
        As in `checkpoint_overhead`, with interruptions at the rate 1/U.

    Examples
    --------
    >>> zone = spot_zone(10.401, 1.104, 2 / 60, 5 / 60)
    >>> round(zone.overhead, 3), round(zone.wall_factor, 2)
    (1.093, 1.21)
    """
    up = checks.finite("mean_up_hours", mean_up_hours, low=0, low_open=True, unit="hours")
    down = checks.non_negative("mean_down_hours", mean_down_hours, unit="hours")
    c, _ = _write_and_mean(checkpoint_hours, up)
    tau = _interval_of(c, up) if interval_hours is None else interval_hours
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)  # given above
        overhead = checkpoint_overhead(c, restart_hours, up, interval_hours=tau)
    availability = up / (up + down)
    return SpotZone(tau, overhead, plain(availability), plain(overhead / availability))


def breakeven_discount(overhead: Floats, *, verification: Floats = 0.0) -> Floats:
    """Discount from which an interruptible hour is the cheaper one: 1 − 1/(φ(1 + v)).

    Parameters
    ----------
    overhead
        φ, hours paid per useful hour.
    verification
        v, additional work to check the results, as a share.

    Examples
    --------
    >>> round(breakeven_discount(1.15, verification=0.05), 3)
    0.172
    """
    return plain(1 - 1 / _paid_per_useful(overhead, verification))


def useful_hour_price(
    price_usd: Floats,
    overhead: Floats = 1.0,
    *,
    verification: Floats = 0.0,
    egress_gb_per_hour: Floats = 0.0,
    egress_usd_per_gb: Floats = 0.0,
    relative_speed: Floats = 1.0,
) -> Floats:
    """Price of an hour of useful work: [p φ (1 + v) + E g] / speed, in USD.

    Parameters
    ----------
    price_usd
        p, price of a GPU-hour in USD; paid while the machine is there.
    overhead, verification
        φ and v, as in `breakeven_discount`.
    egress_gb_per_hour, egress_usd_per_gb
        E and g, data sent out per GPU-hour in GB and its price in USD per GB.
    relative_speed
        Work done in an hour, relative to the machine that it is compared with.

    Examples
    --------
    >>> useful_hour_price(2.00, 1.25)
    2.5
    """
    price = checks.non_negative("price_usd", price_usd, unit="USD per GPU-hour")
    paid = _paid_per_useful(overhead, verification)
    data = checks.non_negative("egress_gb_per_hour", egress_gb_per_hour, unit="GB per hour")
    rate = checks.non_negative("egress_usd_per_gb", egress_usd_per_gb, unit="USD per GB")
    speed = checks.finite("relative_speed", relative_speed, low=0, low_open=True)
    return plain((price * paid + data * rate) / speed)


def machine_mtbf_years(job_mtbf_hours: Floats, machines: Floats) -> Floats:
    """Mean time between interruptions of one machine of a job, in years of 8,760 hours.

    Examples
    --------
    >>> round(machine_mtbf_years(observed_mtbf(54 * 24, 419), 16_384), 2)
    5.79
    """
    m = checks.finite("job_mtbf_hours", job_mtbf_hours, low=0, low_open=True, unit="hours")
    count = checks.finite("machines", machines, low=1)
    return plain(m * count / HOURS_PER_YEAR)


def _paid_per_useful(overhead: Floats, verification: Floats) -> NDArray[np.float64]:
    phi = checks.finite("overhead", overhead, low=1)
    return phi * (1 + checks.non_negative("verification", verification))


def _interval_of(c: NDArray[np.float64], m: NDArray[np.float64]) -> Floats:
    """Return the best interval, without a second warning; a free checkpoint has none."""
    if (c == 0).any():
        raise ValueError(
            "checkpoint_hours is 0 hours: the best interval is then zero; give interval_hours"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        return optimal_interval(c, m)


def _write_and_mean(checkpoint_hours: Any, mtbf_hours: Any) -> tuple[Any, Any]:
    c = checks.non_negative("checkpoint_hours", checkpoint_hours, unit="hours")
    m = checks.finite("mtbf_hours", mtbf_hours, low=0, low_open=True, unit="hours")
    if (c > m).any():
        warnings.warn(
            f"a checkpoint takes up to {np.max(c):g} hours, longer than the mean time of "
            f"{np.min(m):g} hours between interruptions: most checkpoints fail",
            CheckpointWarning,
            stacklevel=3,
        )
    return c, m
