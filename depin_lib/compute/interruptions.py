"""Interruptions by simulation: what the formulas of `reliability` cannot say.

Stays of any law, bootstrapped ones among them, announced interruptions, machines that go together.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels import events as _kernel
from ..seeds import Seed, seed_word
from .durations import ConstantTime, Duration, as_kernel_laws, fits_in_memory
from .reliability import optimal_interval

__all__ = ["FleetSamples", "Job", "JobSamples", "simulate_fleet", "simulate_job"]


@dataclass(frozen=True)
class Job:
    """A job that saves its work from time to time.

    Examples
    --------
    >>> Job(useful_hours=500, checkpoint_hours=5 / 60, restart_hours=10 / 60).interval_hours
    """

    useful_hours: float  #: work without any interruption; hours
    checkpoint_hours: float  #: time to write a checkpoint; hours
    restart_hours: float  #: from a new machine to work again; not before the first attempt; hours
    interval_hours: float | None = None  #: work between two checkpoints; None: `optimal_interval`
    #: Share of interruptions announced early enough to write a last checkpoint.
    announced_share: float = 0.0

    def __post_init__(self) -> None:
        checks.number("useful_hours", self.useful_hours, low=0, low_open=True, high=1e9)
        for name in ("checkpoint_hours", "restart_hours"):
            value = getattr(self, name)
            checks.number(name, value, low=0, high=np.inf, high_open=True, unit="hours")
        if self.interval_hours is not None:
            checks.number("interval_hours", self.interval_hours, low=0, low_open=True, unit="hours")
        checks.number("announced_share", self.announced_share, low=0, high=1)


@dataclass(frozen=True)
class JobSamples:
    """What happened to a job; arrays of shape (runs,), infinite where it was given up."""

    useful_hours: float  #: work of the job; hours
    running_hours: NDArray[np.float64]  #: hours with a machine, which are those that are paid
    away_hours: NDArray[np.float64]  #: hours without a machine
    interruptions: NDArray[np.float64]  #: number of interruptions
    lost_hours: NDArray[np.float64]  #: work that was done and had to be done again; hours
    finished: NDArray[np.bool_]  #: False where the limit of interruptions was reached

    @property
    def overhead(self) -> float:
        """Mean of the hours that are paid per useful hour, φ."""
        return float(np.mean(self.running_hours)) / self.useful_hours

    @property
    def overhead_error(self) -> float:
        """Standard error of `overhead` from the runs, which are independent; NaN for one run."""
        runs = self.running_hours.size
        spread = float(np.std(self.running_hours, ddof=1)) if runs > 1 else math.nan
        return spread / math.sqrt(runs) / self.useful_hours

    @property
    def wall_hours(self) -> NDArray[np.float64]:
        """Hours by the clock, with a machine and without; shape (runs,)."""
        return self.running_hours + self.away_hours

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: the arrays of the class as columns, times in hours."""
        frame = pd.DataFrame({k: v for k, v in vars(self).items() if k != "useful_hours"})
        return frame.rename_axis("run")


@dataclass(frozen=True)
class FleetSamples:
    """How many machines of a fleet were there; first axis: runs."""

    hours: float  #: length of each run; hours
    share_with: NDArray[np.float64]  #: share of time with exactly k machines; (runs, machines + 1)
    availability: NDArray[np.float64]  #: share of time that each machine is up; (runs, machines)
    stops: NDArray[np.float64]  #: times that a full fleet lost a machine; (runs,)

    @property
    def all_up(self) -> float:
        """Share of time with every machine, as a job that needs all sees it; mean over runs."""
        return float(self.share_with[:, -1].mean())

    @property
    def any_up(self) -> float:
        """Share of time with at least one machine."""
        return float(1 - self.share_with[:, 0].mean())

    @property
    def gang_mtbf_hours(self) -> float:
        """Mean time between interruptions of a job that needs every machine, in hours."""
        stops = float(self.stops.sum())
        full = self.hours * float(self.share_with[:, -1].sum())
        return full / stops if stops else math.inf

    def share_with_at_least(self, machines: int) -> float:
        """Return the share of time with at least so many machines."""
        k = checks.whole_number("machines", machines, low=0, high=self.availability.shape[1])
        return float(self.share_with[:, k:].sum(axis=1).mean())

    def to_frame(self) -> pd.DataFrame:
        """Return the mean share of time by number of machines."""
        shares = pd.DataFrame({"share_of_time": self.share_with.mean(axis=0)})
        return shares.rename_axis("machines")


def simulate_job(
    job: Job,
    up: Duration,
    down: Duration | None = None,
    *,
    runs: int = 10_000,
    most_interruptions: int = 1_000_000,
    seed: Seed = None,
) -> JobSamples:
    """Run a job on a machine that is taken away and replaced, event by event.

    Every stay is a new draw, the first one too; interruptions may strike during a restart and a
    checkpoint. Each interval ends with a checkpoint, the last one too, so that with exponential
    stays the mean is that of `expected_run_hours`.

    Parameters
    ----------
    job
        What is to be done.
    up, down
        Laws of stays and absences, in hours; without ``down`` a new machine is there at once.
    runs
        How many times to run the job.
    most_interruptions
        After so many a run is given up: its hours are infinite, ``finished`` is False.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    JobSamples
        The same bits for any number of threads.

    Examples
    --------
    >>> from depin_lib.compute import ExponentialTime
    >>> job = Job(500, checkpoint_hours=5 / 60, restart_hours=10 / 60, interval_hours=2)
    >>> samples = simulate_job(job, ExponentialTime(24), seed=1)
    >>> abs(samples.overhead - 547.90 / 500) < 4 * samples.overhead_error
    True
    """
    laws, observed = as_kernel_laws({"up": up, "down": down or ConstantTime(0.0)})
    count = checks.whole_number("runs", runs)
    fits_in_memory("runs × 5", (count, 5))
    most = checks.whole_number("most_interruptions", most_interruptions)
    interval = job.interval_hours
    if interval is None:
        interval = float(optimal_interval(job.checkpoint_hours, up.mean))
        checks.number("the best interval_hours", interval, low=0, low_open=True, unit="hours")
    interval = min(interval, job.useful_hours)
    numbers = (job.useful_hours, interval, job.checkpoint_hours, job.restart_hours)
    out = np.empty((count, 5))
    with np.errstate(over="ignore"):  # unsigned arithmetic wraps; plain Python would warn
        _kernel.simulate_jobs(
            seed_word(seed), np.array([*numbers, job.announced_share]), laws, observed, most, out
        )
    finished = out[:, 4] == 1.0
    hours = np.where(finished[:, None], out[:, :4], np.inf)
    return JobSamples(job.useful_hours, hours[:, 0], hours[:, 1], out[:, 2], hours[:, 3], finished)


def simulate_fleet(
    machines: int,
    up: Duration,
    down: Duration,
    *,
    hours: float = 1000.0,
    shared_mean_hours: float = math.inf,
    relative_stays: ArrayLike = 1.0,
    runs: int = 100,
    seed: Seed = None,
) -> FleetSamples:
    """Let the machines of a fleet come and go, each alone and all of them together.

    Beside what each machine does on its own, shared outages take every machine that is up, and all
    of these come back together. All machines are up at the start.

    Parameters
    ----------
    machines
        Number of machines.
    up, down
        Laws of a machine's own stays and of absences, in hours.
    hours
        Length of a run.
    shared_mean_hours
        Mean time between shared outages, which come as a Poisson process; infinite: none. A machine
        with exponential stays of mean U of which a share s ends in shared outages has own stays of
        mean U/(1 − s) and shared outages every U/s hours.
    relative_stays
        Stays of each machine relative to the law; one number or shape (machines,).
    runs
        How many independent fleets.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    FleetSamples
        The same bits for any number of threads.

    Examples
    --------
    >>> from depin_lib.compute import ExponentialTime
    >>> fleet = simulate_fleet(4, ExponentialTime(9), ExponentialTime(1), hours=10_000, seed=1)
    >>> abs(fleet.all_up - 0.9**4) < 0.01
    True
    """
    laws, observed = as_kernel_laws({"up": up, "down": down})
    size = checks.whole_number("machines", machines, high=10_000)
    count = checks.whole_number("runs", runs)
    fits_in_memory("runs × (machines + 1)", (count, size + 1))
    span = checks.number(
        "hours", hours, low=0, low_open=True, high=np.inf, high_open=True, unit="hours"
    )
    shared = checks.number(
        "shared_mean_hours", shared_mean_hours, low=0, low_open=True, unit="hours"
    )
    if up.mean + down.mean == 0:
        raise ValueError("up and down both last 0 hours; give one of them a duration")
    scale = checks.finite("relative_stays", relative_stays, low=0, low_open=True)
    if scale.ndim:
        checks.shape("relative_stays", scale, (size,), "one entry per machine")
    scales = np.ascontiguousarray(np.broadcast_to(scale, size))
    with_k, up_hours, stops = np.zeros((count, size + 1)), np.zeros((count, size)), np.zeros(count)
    with np.errstate(over="ignore"):
        _kernel.simulate_fleets(
            seed_word(seed), span, shared, scales, laws, observed, with_k, up_hours, stops
        )
    return FleetSamples(span, with_k / span, up_hours / span, stops)
