"""What it pays not to do the work: copying the consensus, submitting the same weights for ever.

A subnet whose miners' quality wanders, validators who measure it with an error, and one who does
not measure at all. All weights of a run come from counter-based random numbers.

Commit–reveal in this model: honest rows count for an epoch with the quality of ``reveal`` epochs
ago, because they were hidden for so long; a copier sees them when they count, and its own row waits
as long again. Against the honest rows it is therefore ``reveal`` epochs late. Without commit–reveal
it reads the rows of the same epoch before the epoch ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from .. import checks, seeds
from .parameters import YumaParams
from .simulation import simulate_epochs

__all__ = [
    "STRATEGIES",
    "World",
    "copier_advantage",
    "copying_table",
    "free_riding",
    "liquid_alpha_cabal",
    "stake_merge",
]

Array = NDArray[np.float64]

#: What a validator without measurements can do.
STRATEGIES = ("copy", "frozen", "uniform")
_PARAMS = YumaParams()
_QUALITY, _ERRORS = 1, 2  # purposes of random numbers


@dataclass(frozen=True)
class World:
    """A subnet in which quality moves and is measured with errors; all figures are assumptions."""

    miners: int = 32
    validators: int = 12
    #: Standard deviation of the change of a miner's log quality in an epoch.
    speed: float = 0.05
    #: Standard deviation of log quality among miners, in the long run and at the start.
    spread: float = 1.0
    #: Standard deviation of the error in a validator's measurement of log quality.
    error: float = 0.2
    #: Correlation of a validator's errors in two successive epochs: 0, it measures anew in each;
    #: near 1, it has a taste of its own that lasts.
    memory: float = 0.0
    #: Stake of the one validator who does not measure, as a share of the whole.
    copier_stake: float = 0.05
    epochs: int = 200

    def __post_init__(self) -> None:
        for name, low in (("miners", 1), ("validators", 2), ("epochs", 2)):
            checks.whole_number(name, getattr(self, name), low=low)
        for name in ("speed", "spread", "error"):
            checks.number(name, getattr(self, name), low=0, unit="of log quality")
        checks.number(
            "copier_stake", self.copier_stake, low=0, high=1, low_open=True, high_open=True
        )
        checks.number("memory", self.memory, low=0, high=1, high_open=True)
        if self.speed > self.spread:
            raise ValueError(
                f"speed is {self.speed:g} of log quality; allowed: at most spread, {self.spread:g}"
            )

    @property
    def stake(self) -> Array:
        """Stake of all validators, sum 1; the last one is the one who does not measure."""
        honest = (1.0 - self.copier_stake) / (self.validators - 1)
        return np.r_[np.full(self.validators - 1, honest), self.copier_stake]

    def quality(self, runs: int, seed: seeds.Seed) -> Array:
        """Draw log quality, shape (runs, epochs, miners): it wanders, and is drawn to its mean.

        Its spread is the same in all epochs; two epochs apart by k it correlates by
        (1 − speed² / (2 spread²))^k.
        """
        shape = runs, self.epochs, self.miners
        steps = seeds.normals(runs, self.epochs * self.miners, seed=seed, purpose=_QUALITY)
        steps = steps.reshape(shape)
        if self.spread == 0.0:
            return np.zeros(shape)
        keep = 1.0 - 0.5 * (self.speed / self.spread) ** 2
        fresh = self.spread * np.sqrt(1.0 - keep**2)
        quality = np.empty(shape)
        quality[:, 0] = self.spread * steps[:, 0]
        for epoch in range(1, self.epochs):
            quality[:, epoch] = keep * quality[:, epoch - 1] + fresh * steps[:, epoch]
        return quality

    def weights(self, runs: int, seed: seeds.Seed) -> Array:
        """Draw what each validator measures, rows of sum 1, (runs, epochs, validators, miners)."""
        word = int(seeds.seed_word(seed))
        size = self.epochs * self.validators * self.miners
        errors = seeds.normals(runs, size, seed=word, purpose=_ERRORS)
        errors = errors.reshape(runs, self.epochs, self.validators, self.miners)
        if self.memory > 0.0:
            errors[:, 1:] *= np.sqrt(1.0 - self.memory**2)
            for epoch in range(1, self.epochs):
                errors[:, epoch] += self.memory * errors[:, epoch - 1]
        measured = np.exp(self.quality(runs, word)[:, :, np.newaxis] + self.error * errors)
        return measured / measured.sum(axis=3, keepdims=True)


_WORLD = World()


def copier_advantage(
    world: World = _WORLD,
    *,
    reveal: int | Sequence[int] = 0,
    strategy: str = "copy",
    params: YumaParams = _PARAMS,
    runs: int = 20,
    warm_up: float = 0.25,
    seed: seeds.Seed = None,
) -> xr.DataArray:
    """Compare the dividends per stake of a validator who does not measure with the others'.

    Parameters
    ----------
    world
        The subnet.
    reveal
        Epochs for which weights are hidden; 0: no commit–reveal, the copier copies the rows of the
        same epoch. Several: one after the other in the same worlds. Only "copy" depends on it.
    strategy
        "copy": submit the consensus; "frozen": submit the first measurement for ever; "uniform":
        the same weight for every miner.
    params
        Constants of the subnet.
    runs
        Independent simulations.
    warm_up
        Share of the epochs that are left out while bonds fill.
    seed
        Of quality and errors: the same seed gives every strategy the same world.

    Returns
    -------
    xarray.DataArray
        Dimension run, for several reveals also reveal: dividends per stake of the one over those of
        all the others, less 1.

    Raises
    ------
    ValueError
        For an unknown strategy or numbers out of range.

    Examples
    --------
    >>> still = World(speed=0, error=0.3, epochs=40)
    >>> found = copier_advantage(still, reveal=[0, 1], runs=4, seed=1)
    >>> found.dims, bool((found > 0).all())
    (('reveal', 'run'), True)
    """
    checks.choice("strategy", strategy, STRATEGIES)
    checks.number("warm_up", warm_up, low=0, high=1, high_open=True, unit="of the epochs")
    several = isinstance(reveal, Sequence)
    ages = reveal if isinstance(reveal, Sequence) else [reveal]
    for age in ages:
        checks.whole_number("reveal", age, low=0, high=world.epochs - 1)
    weights = world.weights(runs, seed)
    if strategy == "frozen":
        weights[:, :, -1] = weights[:, :1, -1]
    elif strategy == "uniform":
        weights[:, :, -1] = 1.0
    first = int(warm_up * world.epochs)
    found = []
    for age in ages:
        copies = np.full(world.validators, -1)
        copies[-1] = age if strategy == "copy" else -1
        history = simulate_epochs(
            weights, world.stake, copies=copies, params=params, record=("dividends",)
        )
        paid = history["dividends"].values[:, first:].mean(axis=1)
        others = paid[:, :-1].sum(axis=1) / (1.0 - world.copier_stake)
        found.append(paid[:, -1] / world.copier_stake / others - 1.0)
    advantage = xr.DataArray(
        np.array(found),
        {"reveal": list(ages), "run": np.arange(runs)},
        name="advantage",
        attrs={"units": "share of an honest return"},
    )
    return advantage if several else advantage.isel(reveal=0, drop=True)


def copying_table(
    speeds: Iterable[float],
    reveals: Iterable[int],
    world: World = _WORLD,
    **options: Any,
) -> pd.DataFrame:
    """Tabulate the copier's mean advantage by how fast quality moves and how long weights hide.

    Parameters
    ----------
    speeds, reveals
        Values of ``world.speed`` (rows) and of ``reveal`` (columns).
    world
        The rest of the subnet.
    options
        Passed to `copier_advantage`.

    Returns
    -------
    pandas.DataFrame
        Mean over the runs, share of an honest return.

    Examples
    --------
    >>> table = copying_table([0.0], [0, 1], World(epochs=30), runs=2, seed=1)
    >>> table.shape, table.index.name, table.columns.name
    ((1, 2), 'speed', 'reveal')
    """
    columns = list(reveals)
    worlds = {speed: replace(world, speed=speed) for speed in speeds}
    rows = {
        speed: copier_advantage(at, reveal=columns, **options).mean("run").values
        for speed, at in worlds.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis(index="speed", columns="reveal")


def free_riding(world: World = _WORLD, **options: Any) -> pd.Series:
    """Compare all ways of not measuring, and honest measuring, in the same worlds.

    Parameters
    ----------
    world
        The subnet.
    options
        Passed to `copier_advantage`.

    Returns
    -------
    pandas.Series
        Mean advantage over an honest return, by strategy.

    Examples
    --------
    >>> free_riding(World(epochs=30), runs=2, seed=1).index.tolist()
    ['copy', 'frozen', 'uniform']
    """
    means = {s: float(copier_advantage(world, strategy=s, **options).mean()) for s in STRATEGIES}
    return pd.Series(means, name="advantage").rename_axis("strategy")


def stake_merge(
    weights: ArrayLike,
    stake: ArrayLike,
    *,
    parts: Iterable[int],
    at: int,
    epochs: int = 40,
    params: YumaParams = _PARAMS,
) -> xr.Dataset:
    """Move the stake of some validators to the first of them, and see what bonds make of it.

    Under "yuma2" bonds hold stake: the bonds of those who give their stake away are lost an epoch
    after it.
    Under "yuma3" bonds hold none, and dividends follow the stake at once.

    Parameters
    ----------
    weights
        Shape (n, m), the same in all epochs, or (epochs, n, m).
    stake
        Before the merger, shape (n,).
    parts
        The validators that merge; the first keeps everything.
    at
        Epoch from which the stake is merged.
    epochs
        Number of epochs.
    params
        Constants of the subnet.

    Returns
    -------
    xarray.Dataset
        dividends and stake by epoch and validator.

    Raises
    ------
    ValueError
        If the validators or the epoch do not exist.

    Examples
    --------
    >>> history = stake_merge([[0, 1]] * 3, [8, 1, 1], parts=[1, 2], at=6)
    >>> history["stake"].sel(run=0, epoch=6).values
    array([8., 2., 0.])
    """
    before = checks.non_negative("stake", stake)
    checks.shape("stake", before, (None,), "one entry per validator")
    members = list(parts)
    if len(set(members)) < 2 or not set(members) <= set(range(before.size)):
        raise ValueError(
            f"parts is {members}; give two or more of validators 0 to {before.size - 1}"
        )
    if not 0 < at < epochs:
        raise ValueError(f"at is epoch {at}; allowed: 1 to {epochs - 1}")
    schedule = np.tile(before, (epochs, 1))
    schedule[at:, members] = 0.0
    schedule[at:, members[0]] = before[members].sum()
    return simulate_epochs(
        weights, schedule, epochs=epochs, params=params, record=("dividends", "stake")
    )


def liquid_alpha_cabal(
    stake: float,
    *,
    lead: int = 1,
    validators: int = 16,
    miners: int = 8,
    epochs: int = 60,
    params: YumaParams = _PARAMS,
) -> float:
    """Tell what a cabal gains that knows the next good miner some epochs before the others.

    Every ten epochs the honest validators move all their weight to the next miner; the cabal does
    so ``lead`` epochs before them, or, for a negative lead, after them.

    Parameters
    ----------
    stake
        The cabal's share of all stake, in (0, 1).
    lead
        Epochs.
    validators, miners, epochs
        Size of the subnet; half of the validators belong to the cabal.
    params
        Constants of the subnet, with or without liquid alpha.

    Returns
    -------
    float
        Dividends of the cabal over its share of stake, less 1.

    Raises
    ------
    ValueError
        If the share lies outside (0, 1) or the lead is ten epochs or more.

    Examples
    --------
    >>> round(liquid_alpha_cabal(0.2, lead=0), 12) == 0
    True
    """
    checks.number("stake", stake, low=0, high=1, low_open=True, high_open=True, unit="of all")
    checks.whole_number("lead", lead, low=-9, high=9)
    checks.whole_number("validators", validators, low=2)
    half = validators // 2
    weights = np.zeros((epochs, validators, miners))
    for epoch in range(epochs):
        weights[epoch, :half, (epoch + lead) // 10 % miners] = 1.0
        weights[epoch, half:, epoch // 10 % miners] = 1.0
    shares = np.r_[
        np.full(half, stake / half), np.full(validators - half, (1 - stake) / (validators - half))
    ]
    history = simulate_epochs(weights, shares, params=params, record=("dividends",))
    paid = history["dividends"].sel(run=0)[10:, :half].sum("validator").mean()
    return float(paid) / stake - 1.0
