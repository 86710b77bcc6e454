"""Training by simulation: nodes that leave in the middle of a round, lose it, and come back."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels import training as _kernel
from ..seeds import Seed, seed_word
from .durations import ConstantTime, Duration, as_kernel_laws, fits_in_memory

__all__ = ["TrainingPlan", "TrainingSamples", "simulate_training"]

_SECONDS_PER_HOUR = 3600.0
_USES = ("counted", "lost", "exchanging", "waiting", "joining", "absent")
#: Columns of the kernel's output but the last.
_COLUMNS = ("wall_hours", *_USES, "contributions", "departures")


@dataclass(frozen=True)
class TrainingPlan:
    """Local steps on every node, then an exchange, again and again.

    Examples
    --------
    >>> plan = TrainingPlan(nodes=14, local_steps=100, step_seconds=22.8, sync_seconds=469)
    >>> round(plan.round_seconds)
    2749
    """

    nodes: int  #: places in the fleet; a node that leaves is replaced in its place
    local_steps: int  #: steps between two exchanges, H; 1 is synchronous training
    step_seconds: ArrayLike  #: time of one step; one number or one per node; seconds
    #: Time of an exchange; one number, or one for 1, 2, … nodes; seconds.
    sync_seconds: ArrayLike
    rejoin_seconds: float = 0.0  #: from arriving to being able to take part; seconds
    #: True: a round needs every node, and is lost when one leaves. False: the others go on.
    wait_for_all: bool = False
    least_nodes: int = 1  #: a round begins once so many are ready (all of them, with wait_for_all)

    def __post_init__(self) -> None:
        count = checks.whole_number("nodes", self.nodes, high=10_000)
        checks.whole_number("local_steps", self.local_steps)
        checks.whole_number("least_nodes", self.least_nodes, high=count)
        checks.finite("step_seconds", self.step_seconds, low=0, low_open=True, unit="seconds")
        for name in ("step_seconds", "sync_seconds"):
            self._per_node(name)
        checks.number(
            "rejoin_seconds",
            self.rejoin_seconds,
            low=0,
            high=np.inf,
            high_open=True,
            unit="seconds",
        )

    @property
    def round_seconds(self) -> float:
        """Time of a round in which no node leaves."""
        slowest = float(self._per_node("step_seconds").max())
        return self.local_steps * slowest + float(self._per_node("sync_seconds")[-1])

    def _per_node(self, name: str) -> NDArray[np.float64]:
        values = checks.non_negative(name, getattr(self, name), unit="seconds")
        if values.ndim:
            checks.shape(name, values, (self.nodes,), "one entry per node")
        return np.ascontiguousarray(np.broadcast_to(values, self.nodes))


@dataclass(frozen=True)
class TrainingSamples:
    """How the time of a fleet was spent; arrays of shape (runs,), times in node-hours but one.

    The six uses add up to nodes × `wall_hours`.
    """

    plan: TrainingPlan  #: what was run
    wall_hours: NDArray[np.float64]  #: hours by the clock
    counted: NDArray[np.float64]  #: local steps that entered the model
    lost: NDArray[np.float64]  #: local steps of nodes that left before the exchange was over
    exchanging: NDArray[np.float64]  #: exchanges, those that had to begin anew too
    waiting: NDArray[np.float64]  #: present, and waiting for slower nodes or for the next round
    joining: NDArray[np.float64]  #: arrived, and fetching the model
    absent: NDArray[np.float64]  #: place without a node
    contributions: NDArray[np.float64]  #: nodes that took part in an exchange, summed over rounds
    departures: NDArray[np.float64]  #: number of times that a node left
    finished: NDArray[np.bool_]  #: False where the limit of departures was reached

    @property
    def useful_share(self) -> float:
        """Node-hours of steps that counted, as a share of all; runs weighted by their length."""
        return float(self.counted.sum() / (self.plan.nodes * self.wall_hours.sum()))

    @property
    def useful_share_error(self) -> float:
        """Standard error of `useful_share`, that of a ratio of two means."""
        runs = self.wall_hours.size
        if runs < 2:
            return math.nan
        hours = self.plan.nodes * self.wall_hours
        rest = self.counted - self.useful_share * hours
        return float(np.std(rest, ddof=1) / math.sqrt(runs) / hours.mean())

    @property
    def steps_per_second(self) -> float:
        """Local steps that entered the model, per second and over all nodes."""
        steps = self.plan.local_steps * self.contributions.sum()
        return float(steps / (_SECONDS_PER_HOUR * self.wall_hours.sum()))

    def shares(self) -> pd.Series:
        """Return the share of all node-hours that went to each use."""
        total = self.plan.nodes * self.wall_hours.sum()
        return pd.Series({use: float(getattr(self, use).sum() / total) for use in _USES})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per run: the arrays of the class as columns, in their units."""
        frame = pd.DataFrame({k: v for k, v in vars(self).items() if k != "plan"})
        return frame.rename_axis("run")


def simulate_training(
    plan: TrainingPlan,
    up: Duration,
    down: Duration | None = None,
    *,
    rounds: int = 100,
    runs: int = 100,
    most_departures: int = 1_000_000,
    seed: Seed = None,
) -> TrainingSamples:
    """Train on nodes that leave and come back, round by round.

    All nodes are there at the start. In a round every node that is ready does its local steps; then
    those that are still there exchange. Who leaves before the exchange is over takes its steps of
    this round along; the exchange begins anew among those that stay. Who comes back fetches the
    model, for ``rejoin_seconds``, and waits for the next round.

    Parameters
    ----------
    plan
        The fleet and its rounds.
    up, down
        Laws of a node's stays and absences, in hours; without ``down`` a place is filled at once.
    rounds
        Exchanges until the training is done.
    runs
        How many times to run it.
    most_departures
        After so many a run is given up: ``finished`` is False, its times are those until then.
    seed
        Integer, SeedSequence, Generator or None.

    Returns
    -------
    TrainingSamples
        The same bits for any number of threads.

    Examples
    --------
    >>> from depin_lib.compute import ExponentialTime, local_step_efficiency
    >>> plan = TrainingPlan(nodes=14, local_steps=100, step_seconds=22.8, sync_seconds=469)
    >>> stable = simulate_training(plan, ExponentialTime(1e12), runs=2, seed=1)
    >>> abs(stable.useful_share - local_step_efficiency(2280, 469)) < 1e-9
    True
    >>> leaving = simulate_training(plan, ExponentialTime(10), runs=20, seed=1)
    >>> leaving.useful_share < stable.useful_share
    True
    """
    laws, observed = as_kernel_laws({"up": up, "down": down or ConstantTime(0.0)})
    count = checks.whole_number("rounds", rounds)
    fits_in_memory("runs × 10", (checks.whole_number("runs", runs), 10))
    most = checks.whole_number("most_departures", most_departures)
    if up.mean == 0:
        raise ValueError("up lasts 0 hours; give it a duration")
    out = np.zeros((int(runs), 10))
    with np.errstate(over="ignore"):  # unsigned arithmetic wraps; plain Python would warn
        _kernel.simulate_trainings(
            seed_word(seed),
            count,
            plan.nodes if plan.wait_for_all else plan.least_nodes,
            plan.wait_for_all,
            plan.rejoin_seconds / _SECONDS_PER_HOUR,
            plan.local_steps * plan._per_node("step_seconds") / _SECONDS_PER_HOUR,
            plan._per_node("sync_seconds") / _SECONDS_PER_HOUR,
            laws,
            observed,
            most,
            out,
        )
    columns = {name: out[:, i] for i, name in enumerate(_COLUMNS)}
    return TrainingSamples(plan, finished=out[:, 9] == 1.0, **columns)
