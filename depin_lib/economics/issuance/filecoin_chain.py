"""FIL as the reward actor computes it: integers in atto-FIL and bytes, fractions in Q.128.

A Q.128 number is an integer that stands for itself divided by 2**128. Right shifts and divisions
round down. Sources: filecoin-project/builtin-actors @b0a3bdd (21 July 2026),
``actors/reward/src/{logic,state}.rs``. The rules have been the same since actors version 2 (October
2020).
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from ... import checks
from .filecoin_q128 import (
    baseline_exponent_q128,
    exp_lambda_minus_one_q128,
    expneg_q128,
    lambda_q128,
)

__all__ = [
    "ATTO_PER_FIL",
    "FIL_MAINNET",
    "FilRewardState",
    "FilRules",
    "fil_baseline_before_start",
    "fil_block_reward_atto",
    "fil_first_state",
    "fil_grow_baseline",
    "fil_implied_raw_power",
    "fil_initial_reward_estimate_atto",
    "fil_next_state",
    "fil_recompute_reward_atto",
    "fil_reward_atto",
    "fil_theta_q128",
]

ATTO_PER_FIL = 10**18
_BITS = 128
_ONE = 1 << _BITS


@dataclass(frozen=True)
class FilRules:
    """Constants of Filecoin's minting.

    As of November 2026. A year is 365 days of 2,880 epochs of 30 s in every minting formula.
    """

    simple_total_atto: int = 330_000_000 * ATTO_PER_FIL  #: atto-FIL, simple minting
    baseline_total_atto: int = 770_000_000 * ATTO_PER_FIL  #: atto-FIL, baseline minting
    initial_baseline_bytes: int = 2_888_888_880_000_000_000  #: bytes, 2.5057 EiB
    half_life_years: int = 6  #: years, of both kinds of minting
    growth_per_year: float = 1.0  #: baseline doubles every year
    epochs_per_year: int = 1_051_200  #: epochs
    baseline_lag_epochs: int = 0  #: epochs by which the stored baseline trails the epoch
    wins_per_epoch: int = 5  #: expected block rewards per epoch

    def __post_init__(self) -> None:
        checks.number("simple_total_atto", self.simple_total_atto, low=0, unit="atto-FIL")
        checks.number("baseline_total_atto", self.baseline_total_atto, low=0, unit="atto-FIL")
        checks.number("initial_baseline_bytes", self.initial_baseline_bytes, low=1, unit="bytes")
        checks.number("half_life_years", self.half_life_years, low=1, unit="years")
        checks.number("growth_per_year", self.growth_per_year, low=0, low_open=True)
        checks.number("epochs_per_year", self.epochs_per_year, low=1, unit="epochs")
        checks.number("baseline_lag_epochs", self.baseline_lag_epochs, low=0, unit="epochs")

    @property
    def decay_per_epoch(self) -> float:
        """Decay rate λ of both kinds of minting, per epoch: ln 2 over the half-life."""
        return math.log(2.0) / (self.half_life_years * self.epochs_per_year)

    @property
    def growth_per_epoch(self) -> float:
        """Growth rate g of the baseline, per epoch: ln 2 over one year."""
        return math.log1p(self.growth_per_year) / self.epochs_per_year


#: Mainnet since actors version 2: the migration of October 2020 rescaled the baseline total, and
#: the baseline stored there trails by one epoch.
FIL_MAINNET = FilRules(baseline_total_atto=768_335_872_210768889362796814, baseline_lag_epochs=1)
_RULES = FilRules()


@dataclass(frozen=True)
class FilRewardState:
    """State of the reward actor; powers in bytes, sums in byte-epochs."""

    epoch: int  #: epoch number
    cumsum_baseline: int  #: baseline summed over effective epochs, byte-epochs
    cumsum_realized: int  #: power capped by the baseline, summed over epochs, byte-epochs
    effective_network_time: int  #: θ rounded up, epochs
    effective_baseline_power: int  #: baseline at that time, bytes
    this_epoch_baseline_power: int  #: baseline at this epoch, bytes
    this_epoch_reward: int  #: atto-FIL for all winners of the epoch


def fil_grow_baseline(power_bytes: int, epochs: int = 1, *, rules: FilRules = _RULES) -> int:
    """Let a baseline power grow for some epochs, rounding down to whole bytes in each.

    Examples
    --------
    >>> fil_grow_baseline(2_888_888_880_000_000_000)
    2888890784895207676
    """
    factor = baseline_exponent_q128(rules.growth_per_year, rules.epochs_per_year)
    power = _whole("power_bytes", power_bytes, "bytes")
    for _ in range(_whole("epochs", epochs, "epochs")):
        power = power * factor >> _BITS
    return power


def fil_baseline_before_start(*, rules: FilRules = _RULES) -> int:
    """Compute the baseline in bytes one epoch before the start, from which epoch 0 grows.

    Examples
    --------
    >>> fil_baseline_before_start()
    2888886975106048385
    """
    factor = baseline_exponent_q128(rules.growth_per_year, rules.epochs_per_year)
    return (rules.initial_baseline_bytes << 2 * _BITS) // factor >> _BITS


def fil_theta_q128(
    effective_network_time: int,
    effective_baseline_power: int,
    cumsum_realized: int,
    cumsum_baseline: int,
) -> int:
    """Compute effective network time θ, in epochs, Q.128.

    θ is the time at which a network that always followed the baseline would have summed up the
    same power; within its last epoch it is interpolated linearly.

    Parameters
    ----------
    effective_network_time
        θ rounded up, epochs.
    effective_baseline_power
        Baseline at that time, bytes.
    cumsum_realized, cumsum_baseline
        Sums of the capped power and of the baseline, byte-epochs.

    Returns
    -------
    int
        θ · 2**128.

    Raises
    ------
    ValueError
        If an argument is negative or the baseline power is zero.

    Examples
    --------
    >>> fil_theta_q128(1, 4096, 4096, 6144) / 2**128
    0.5
    """
    n = _whole("effective_network_time", effective_network_time, "epochs")
    power = _whole("effective_baseline_power", effective_baseline_power, "bytes")
    checks.number("effective_baseline_power", power, low=1, unit="bytes")
    realized = _whole("cumsum_realized", cumsum_realized, "byte-epochs")
    baseline = _whole("cumsum_baseline", cumsum_baseline, "byte-epochs")
    if n == 0:
        return 0
    return (n << _BITS) - ((baseline - realized) << _BITS) // power


def fil_reward_atto(
    epoch: int, theta0_q128: int = 0, theta1_q128: int = 0, *, rules: FilRules = _RULES
) -> int:
    """Compute the reward of an epoch in which θ goes from one value to another, in atto-FIL.

    Parameters
    ----------
    epoch
        Epoch number: it decides the simple part.
    theta0_q128, theta1_q128
        Effective network time before and after the epoch, epochs, Q.128: they decide the baseline
        part. Both parts are added before the one rounding.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    int
        atto-FIL for all winners of the epoch.

    Raises
    ------
    ValueError
        If an argument is negative or θ falls.

    Examples
    --------
    >>> fil_reward_atto(0), fil_reward_atto(0, 0, 1 << 128)
    (36266264293777134739, 120887538346234419850)
    """
    e = _whole("epoch", epoch, "epochs")
    before = _whole("theta0_q128", theta0_q128, "epochs, Q.128")
    after = _whole("theta1_q128", theta1_q128, "epochs, Q.128")
    if after < before:
        raise ValueError("theta1_q128 is below theta0_q128; effective network time never falls")
    gain = _supply_q128(after, rules) - _supply_q128(before, rules)
    return _simple_q128(e, rules) + gain >> _BITS


def fil_first_state(raw_power_bytes: int, *, rules: FilRules = _RULES) -> FilRewardState:
    """Return the reward actor's state at epoch 0 of a fresh chain.

    Examples
    --------
    >>> fil_first_state(0).this_epoch_reward
    36266264293777134739
    """
    before = fil_baseline_before_start(rules=rules)
    genesis = FilRewardState(-1, 0, 0, 0, rules.initial_baseline_bytes, before, 0)
    return fil_next_state(genesis, raw_power_bytes, rules=rules)


def fil_next_state(
    state: FilRewardState, raw_power_bytes: int, *, epochs: int = 1, rules: FilRules = _RULES
) -> FilRewardState:
    """Go on by one epoch, or by several of which only the last has a block.

    Parameters
    ----------
    state
        State of the reward actor.
    raw_power_bytes
        Raw-byte power of the network, bytes.
    epochs
        1, or 1 plus the number of epochs without a block: their part of the reward is never paid.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    FilRewardState

    Raises
    ------
    ValueError
        If the power is negative or ``epochs`` is below 1.

    Examples
    --------
    >>> fil_next_state(fil_first_state(10**18), 10**18).this_epoch_reward
    65558220501384736135
    """
    power = _whole("raw_power_bytes", raw_power_bytes, "bytes")
    factor = baseline_exponent_q128(rules.growth_per_year, rules.epochs_per_year)
    for _ in range(int(checks.number("epochs", epochs, low=1, unit="epochs"))):
        before = _theta(state)
        baseline = state.this_epoch_baseline_power * factor >> _BITS
        realized = state.cumsum_realized + min(baseline, power)
        n, effective = state.effective_network_time, state.effective_baseline_power
        total = state.cumsum_baseline
        while realized > total:
            n += 1
            effective = effective * factor >> _BITS
            total += effective
        state = FilRewardState(state.epoch + 1, total, realized, n, effective, baseline, 0)
    return replace(
        state, this_epoch_reward=fil_reward_atto(state.epoch, before, _theta(state), rules=rules)
    )


def fil_recompute_reward_atto(
    state: FilRewardState, raw_power_bytes: int, *, rules: FilRules = FIL_MAINNET
) -> int:
    """Recompute the reward of a recorded state from the rest of it and the power of its epoch.

    Examples
    --------
    >>> second = fil_next_state(fil_first_state(10**18), 10**18)
    >>> fil_recompute_reward_atto(second, 10**18, rules=FilRules()) == second.this_epoch_reward
    True
    """
    power = _whole("raw_power_bytes", raw_power_bytes, "bytes")
    factor = baseline_exponent_q128(rules.growth_per_year, rules.epochs_per_year)
    realized = state.cumsum_realized - min(state.this_epoch_baseline_power, power)
    n, effective = state.effective_network_time, state.effective_baseline_power
    total = state.cumsum_baseline
    while n > 0 and total - effective >= realized:
        total -= effective
        n -= 1
        effective = -(-(effective << _BITS) // factor)  # least integer that grows to it
    before = fil_theta_q128(n, effective, realized, total)
    return fil_reward_atto(state.epoch, before, _theta(state), rules=rules)


def fil_implied_raw_power(state: FilRewardState, *, rules: FilRules = FIL_MAINNET) -> float:
    """Solve a recorded reward for the raw-byte power that earned it, in bytes.

    The baseline part of the reward gives the step of θ; θ moves by power over effective baseline.
    At or above the baseline only a lower bound can be known: the baseline itself.

    Raises
    ------
    ValueError
        If the reward is below the simple part, so that no power explains it.

    Examples
    --------
    >>> second = fil_next_state(fil_first_state(10**18), 10**18)
    >>> round(fil_implied_raw_power(second, rules=FilRules()) / 1e18, 6)
    1.0
    """
    simple = fil_reward_atto(state.epoch, rules=rules)
    gain = state.this_epoch_reward - simple
    if gain < 0:
        raise ValueError(
            f"the reward is {state.this_epoch_reward} atto-FIL; the simple part alone is {simple}"
        )
    theta = _theta(state) / _ONE
    decay = rules.decay_per_epoch
    left = rules.baseline_total_atto * math.exp(-decay * theta)
    return math.log1p(gain / left) / decay * state.effective_baseline_power


def fil_initial_reward_estimate_atto(
    simple_total_fil: int = 330_000_000, *, rules: FilRules = _RULES
) -> int:
    """Compute (1 − exp(−λ)) of the simple total in atto-FIL, where the chain's filter starts.

    Examples
    --------
    >>> fil_initial_reward_estimate_atto()
    36266260308195979333
    """
    total = _whole("simple_total_fil", simple_total_fil, "FIL") * ATTO_PER_FIL
    with localcontext(prec=90):
        rate = Decimal(2).ln() / (rules.half_life_years * rules.epochs_per_year)
        return int((1 - (-rate).exp()) * total)


def fil_block_reward_atto(
    epoch_reward_atto: int,
    win_count: int = 1,
    *,
    gas_atto: int = 0,
    balance_atto: int | None = None,
    rules: FilRules = _RULES,
) -> int:
    """Compute what a block with some wins is paid: its share of the epoch's reward, and gas tips.

    Parameters
    ----------
    epoch_reward_atto
        Reward for all winners of the epoch, atto-FIL.
    win_count
        Wins of the block; five are expected per epoch.
    gas_atto
        Tips, atto-FIL.
    balance_atto
        What the reward actor holds; it cannot pay more.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    int
        atto-FIL.

    Raises
    ------
    ValueError
        If an argument is negative.

    Examples
    --------
    >>> fil_block_reward_atto(36266264293777134739, 1, gas_atto=200)
    7253252858755427147
    """
    reward = _whole("epoch_reward_atto", epoch_reward_atto, "atto-FIL")
    wins = _whole("win_count", win_count, "wins")
    paid = reward * wins // rules.wins_per_epoch + _whole("gas_atto", gas_atto, "atto-FIL")
    return paid if balance_atto is None else min(paid, _whole("balance", balance_atto, "atto-FIL"))


def _simple_q128(epoch: int, rules: FilRules) -> int:
    decay = lambda_q128(rules.half_life_years, rules.epochs_per_year)
    step = exp_lambda_minus_one_q128(rules.half_life_years, rules.epochs_per_year)
    return rules.simple_total_atto * step * expneg_q128(decay * epoch) >> _BITS


def _supply_q128(theta: int, rules: FilRules) -> int:
    decay = lambda_q128(rules.half_life_years, rules.epochs_per_year)
    return (_ONE - expneg_q128(theta * decay >> _BITS)) * rules.baseline_total_atto


def _theta(state: FilRewardState) -> int:
    return fil_theta_q128(
        state.effective_network_time,
        state.effective_baseline_power,
        state.cumsum_realized,
        state.cumsum_baseline,
    )


def _whole(name: str, value: int, unit: str) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise TypeError(f"{name} is {value!r}; give whole {unit}")
    if value < 0:
        raise ValueError(f"{name} is {value} {unit}; allowed: at least 0 {unit}")
    return int(value)
