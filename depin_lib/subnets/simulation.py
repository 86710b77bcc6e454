"""Many epochs of Yuma consensus: weights move, stake grows, validators come and go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from .. import checks, seeds
from ..kernels import simulation as _kernels
from .parameters import YumaParams

__all__ = ["FIELDS", "Snapshot", "simulate_epochs"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: What a history can hold: dimensions after run and epoch, unit, meaning.
FIELDS: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "consensus": (("miner",), "share of a row's weight", "stake-weighted median of the weights"),
    "incentive": (("miner",), "share of the miners' half", "what an epoch pays a miner"),
    "dividends": (
        ("validator",),
        "share of the validators' half",
        "what an epoch pays a validator",
    ),
    "validator_trust": (("validator",), "share of a row's weight", "weight left after clipping"),
    "stake": (("validator",), "as the stake given", "stake that voted"),
    "bonds": (("validator", "miner"), "share of the largest bond", "bonds after the epoch"),
    "dividends_total": (
        ("validator",),
        "epochs' worth of the half",
        "dividends of all epochs so far",
    ),
    "incentive_total": (("miner",), "epochs' worth of the half", "incentive of all epochs so far"),
}
_PARAMS = YumaParams()
_MOST = 1e300


@dataclass(frozen=True)
class Snapshot:
    """What a schedule of weights can see before it decides on an epoch, for all runs at once."""

    epoch: int  #: number of the epoch to come, from 0
    stake: Array  #: stake at its start, shape (runs, n)
    bonds: Array  #: bonds at its start, shape (runs, n, m)
    consensus: Array  #: consensus of the last epoch, zeros before the first, shape (runs, m)
    incentive: Array  #: incentive of the last epoch, zeros before the first, shape (runs, m)
    dividends: Array  #: dividends of the last epoch, zeros before the first, shape (runs, n)


WeightRule: TypeAlias = Callable[[Snapshot], ArrayLike]


def simulate_epochs(
    weights: ArrayLike | WeightRule,
    stake: ArrayLike,
    *,
    epochs: int | None = None,
    runs: int | None = None,
    bonds: ArrayLike | None = None,
    params: YumaParams = _PARAMS,
    noise: float = 0.0,
    seed: seeds.Seed = None,
    emission: float = 0.0,
    present: ArrayLike | None = None,
    resets: Mapping[int, int | Iterable[int]] | None = None,
    copies: ArrayLike | None = None,
    record: Iterable[str] = ("incentive", "dividends"),
    every: int = 1,
) -> xr.Dataset:
    """Run consensus epoch after epoch, bonds carried over, for one subnet or many at once.

    Rows are validators that all hold a permit, columns are miners; no row is a column. Runs are
    independent of one another and spread over the processor's threads; the result has the same
    bits for any number of threads.

    Parameters
    ----------
    weights
        Scores in any unit, 0 or more: shape (n, m) for all epochs, (epochs, n, m), or
        (runs, epochs, n, m). Or a function that is called before each epoch with a `Snapshot` and
        returns (n, m) or (runs, n, m).
    stake
        Stake in any unit: shape (n,), (epochs, n) or (runs, epochs, n).
    epochs
        Number of epochs, where neither weights nor stake says it.
    runs
        Number of independent runs, where neither weights nor stake says it; 1 by default.
    bonds
        Bonds before the first epoch, shape (n, m); zeros by default.
    params
        Constants of the subnet.
    noise
        Half-width of the relative noise, 0 to 1: each weight is multiplied by a number of its own,
        uniform between 1 − noise and 1 + noise, anew in every epoch and run.
    seed
        Of the noise.
    emission
        Stake paid to all validators together in an epoch, in the unit of stake. It is shared out as
        dividends are and adds to their stake.
    present
        Which validators take part, shape (epochs, n); all by default. Who leaves loses the stake
        it has earned and its bonds; who comes back starts anew.
    resets
        For an epoch, from 0, the miners toward whom all bonds are deleted before it.
    copies
        For each validator −1, its own weights, or how old a consensus it submits instead: 0, what
        the rows of the non-copiers make of this epoch, k, the consensus of k epochs ago (its own
        weights as long as there is none). Shape (n,). Not with a function.
    record
        Names of `FIELDS`. Memory is taken for these alone.
    every
        Record each ``every``-th epoch, so that the last one is recorded.

    Returns
    -------
    xarray.Dataset
        Dimensions run, epoch (numbered from 0), validator, miner, as in `FIELDS`; the unit of each
        variable stands in its attributes.

    Raises
    ------
    ValueError
        For NaN, infinite or negative numbers, shapes that do not fit each other, more validators
        than permits, or unknown names.

    Notes
    -----
    Float64 throughout, by the rules of `yuma_epoch`. Where nobody earns dividends the emission goes
    to active stake, as on the chain.

    Examples
    --------
    >>> history = simulate_epochs([[1, 0], [1, 1]], [3, 1], epochs=3)
    >>> history["dividends"].sel(run=0, epoch=2).values.round(3)
    array([0.857, 0.143])
    """
    fields = tuple(record)
    for name in fields:
        checks.choice("record", name, FIELDS)
    rule = weights if callable(weights) else None
    w = np.zeros((1, 1, 0, 0)) if callable(weights) else _leading("weights", weights, 2)
    s = _leading("stake", stake, 1)
    n_runs = _length("runs", runs, 1, weights=w.shape[0], stake=s.shape[0])
    flags = None if present is None else np.asarray(present)
    rows = flags.shape[0] if flags is not None and flags.ndim == 2 else 1
    n_epochs = _length("epochs", epochs, None, weights=w.shape[1], stake=s.shape[1], present=rows)
    n = s.shape[2]
    if rule is not None:
        w = _asked(rule, _first(s, n_runs, bonds), n_runs, n)
    m = w.shape[3]
    checks.shape("stake", s[0, 0], (w.shape[2],), "one entry per validator")
    if n > params.max_validators:
        raise ValueError(
            f"weights has {n} rows; allowed: {params.max_validators}, the permits of params"
        )
    schedule = _kernels.Schedule(
        w, s, _present(flags, n_epochs, n), _resets(resets, n_epochs, m), _copies(copies, n)
    )
    if rule is not None and (schedule.copies != _kernels.OWN).any():
        raise ValueError("copies needs weights as an array; a function can copy by itself")
    constants = _constants(params, noise, emission)
    step = _whole("every", every, n_epochs)
    state = _kernels.State(
        _start(bonds, (n_runs, n, m), params),
        np.zeros((n_runs, n)),
        np.zeros((n_runs, n)),
        np.zeros((n_runs, m)),
    )
    word = seeds.seed_word(seed if noise > 0 else 0)
    kept = np.arange(n_epochs)[::-1][::step][::-1]
    if rule is None:
        history = _empty(fields, n_runs, kept.size, n, m)
        _kernels.simulate(word, 0, n_epochs, step, constants, schedule, state, history)
    else:
        history = _by_rule(rule, word, n_epochs, kept, constants, schedule, state, fields)
    return _dataset(history, fields, kept)


def _by_rule(
    rule: WeightRule,
    word: np.uint64,
    epochs: int,
    kept: NDArray[np.int64],
    constants: _kernels.Constants,
    schedule: _kernels.Schedule,
    state: _kernels.State,
    fields: tuple[str, ...],
) -> _kernels.History:
    """Simulate epoch by epoch, asking for the weights of each; the first are in the schedule."""
    runs, n, m = state.bonds.shape
    history = _empty(fields, runs, kept.size, n, m)
    seen = set(fields) | {"consensus", "incentive", "dividends"}
    places = {int(epoch): place for place, epoch in enumerate(kept)}
    weights = schedule.weights
    for epoch in range(epochs):
        now = _kernels.Schedule(
            weights,
            _at(schedule.stake, epoch, 1),
            _at(schedule.present, epoch, 0),
            _at(schedule.resets, epoch, 0),
            schedule.copies,
        )
        latest = _empty(seen, runs, 1, n, m)
        _kernels.simulate(word, epoch, 1, 1, constants, now, state, latest)
        for name in fields:
            if epoch in places:
                getattr(history, name)[:, places[epoch]] = getattr(latest, name)[:, 0]
        if epoch + 1 < epochs:
            stake = np.broadcast_to(_at(schedule.stake, epoch + 1, 1)[:, 0], (runs, n))
            snapshot = Snapshot(
                epoch + 1,
                stake + state.grown,
                state.bonds.copy(),
                latest.consensus[:, 0],
                latest.incentive[:, 0],
                latest.dividends[:, 0],
            )
            weights = _asked(rule, snapshot, runs, n, m)
    return history


def _asked(rule: WeightRule, snapshot: Snapshot, runs: int, n: int, m: int | None = None) -> Array:
    """Return what the rule answers as (runs or 1, 1, n, m)."""
    answer = checks.finite("weights", rule(snapshot), low=0, high=_MOST)
    answer = answer[np.newaxis] if answer.ndim == 2 else answer
    meaning = f"(n, m) or (runs, n, m) with runs = {runs}"
    checks.shape("weights", answer, (None, n, m), meaning)
    if answer.shape[0] not in (1, runs):
        raise ValueError(f"weights has shape {answer.shape}; expected {meaning}")
    return np.ascontiguousarray(answer[:, np.newaxis])


def _first(stake: Array, runs: int, bonds: ArrayLike | None) -> Snapshot:
    """Return what can be seen before the first epoch; without bonds m is not known yet."""
    n = stake.shape[2]
    held = np.zeros((n, 0)) if bonds is None else checks.finite("bonds", bonds)
    nothing = np.zeros((runs, held.shape[-1]))
    return Snapshot(
        0,
        np.broadcast_to(stake[:, 0], (runs, n)).copy(),
        np.broadcast_to(held, (runs, *held.shape)).copy(),
        nothing,
        nothing.copy(),
        np.zeros((runs, n)),
    )


def _leading(name: str, values: ArrayLike, own: int) -> Array:
    """Return an array with the axes runs and epochs in front, of length 1 where not given."""
    array = checks.finite(name, values, low=0, high=_MOST)
    last = "n, m" if own == 2 else "n"
    if not own <= array.ndim <= own + 2:
        raise ValueError(
            f"{name} has shape {array.shape}; "
            f"expected ({last}), (epochs, {last}) or (runs, epochs, {last})"
        )
    return np.ascontiguousarray(array.reshape((1,) * (own + 2 - array.ndim) + array.shape))


def _length(name: str, given: int | None, default: int | None, **lengths: int) -> int:
    """Return the one number of runs or epochs that everything says; a length of 1 says nothing."""
    said = {source: length for source, length in lengths.items() if length != 1}
    if given is not None:
        said[name] = _whole(name, given)
    if len(set(said.values())) > 1:
        each = ", ".join(f"{source}: {length}" for source, length in said.items())
        raise ValueError(f"the number of {name} differs ({each})")
    if not said:
        if default is None:
            raise ValueError(f"{name} is not given, and no array says how many there are")
        return default
    return next(iter(said.values()))


def _whole(name: str, value: int, high: int = 2**31 - 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; give a whole number")
    if not 1 <= value <= high:
        raise ValueError(f"{name} is {value}; allowed: 1 to {high}")
    return int(value)


def _at(array: NDArray, epoch: int, axis: int) -> NDArray:
    """Return one epoch of a schedule, its axis kept."""
    place = epoch if array.shape[axis] > 1 else 0
    return np.ascontiguousarray(np.take(array, [place], axis=axis))


def _constants(params: YumaParams, noise: float, emission: float) -> _kernels.Constants:
    rules = params.rules
    return _kernels.Constants(
        rules.bonds,
        rules.kappa,
        rules.threshold,
        rules.penalty,
        rules.alpha,
        rules.alpha_low,
        rules.alpha_high,
        rules.steepness,
        rules.drop,
        bool(params.bonds_u16),
        checks.number("noise", noise, low=0, high=1, unit="of a weight"),
        checks.number("emission", emission, low=0, high=_MOST, unit="stake per epoch"),
    )


def _present(flags: NDArray | None, epochs: int, n: int) -> Flags:
    if flags is None:
        return np.ones((1, n), np.bool_)
    if flags.dtype != np.bool_ or flags.shape != (epochs, n):
        raise ValueError(
            f"present has shape {flags.shape} and type {flags.dtype}; "
            f"expected ({epochs}, {n}) truth values: epochs × validators"
        )
    return np.ascontiguousarray(flags)


def _resets(resets: Mapping[int, int | Iterable[int]] | None, epochs: int, m: int) -> Flags:
    if not resets:
        return np.zeros((1, m), np.bool_)
    flags = np.zeros((epochs, m), np.bool_)
    for epoch, miners in resets.items():
        columns = np.atleast_1d(np.asarray(miners if isinstance(miners, int) else list(miners)))
        if not 0 <= epoch < epochs:
            raise ValueError(f"resets names epoch {epoch}; allowed: 0 to {epochs - 1}")
        if columns.dtype.kind not in "iu" or ((columns < 0) | (columns >= m)).any():
            raise ValueError(f"resets[{epoch}] names {miners!r}; allowed: miners 0 to {m - 1}")
        flags[epoch, columns] = True
    return flags


def _copies(copies: ArrayLike | None, n: int) -> NDArray[np.int64]:
    if copies is None:
        return np.full(n, _kernels.OWN)
    ages = checks.finite("copies", copies, low=_kernels.OWN, unit="epochs")
    checks.shape("copies", ages, (n,), "one age per validator, −1 for its own weights")
    if (ages != np.floor(ages)).any():
        raise ValueError("copies must hold whole numbers of epochs")
    return ages.astype(np.int64)


def _start(bonds: ArrayLike | None, shape: tuple[int, int, int], params: YumaParams) -> Array:
    if bonds is None:
        return np.zeros(shape)
    high = 1.0 if params.bonds_rule == "yuma3" else _MOST
    held = checks.finite("bonds", bonds, low=0, high=high)
    checks.shape("bonds", held, shape[1:], "validators × miners, as weights")
    return np.broadcast_to(held, shape).copy()


def _empty(fields: Iterable[str], runs: int, epochs: int, n: int, m: int) -> _kernels.History:
    """Make room for what is to be recorded, and none for anything else."""
    sizes = {"validator": n, "miner": m}
    wanted = set(fields)
    return _kernels.History(
        *(
            np.zeros((runs, epochs if name in wanted else 0, *(sizes[d] for d in dims)))
            for name, (dims, _, _) in FIELDS.items()
        )
    )


def _dataset(
    history: _kernels.History, fields: tuple[str, ...], kept: NDArray[np.int64]
) -> xr.Dataset:
    variables = {}
    for name in fields:
        dims, unit, meaning = FIELDS[name]
        attributes = {"units": unit, "long_name": meaning}
        variables[name] = (("run", "epoch", *dims), getattr(history, name), attributes)
    dataset = xr.Dataset(variables, coords={"epoch": ("epoch", kept, {"units": "epochs"})})
    for name in ("run", "validator", "miner"):
        if name in dataset.sizes:
            dataset = dataset.assign_coords({name: np.arange(dataset.sizes[name])})
    return dataset
