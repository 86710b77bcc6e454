import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import data, economics

RULES = economics.FilRules()
MAINNET = economics.FIL_MAINNET
YEAR = RULES.epochs_per_year
EIB = 2.0**60
ATTO = economics.ATTO_PER_FIL

powers = st.floats(0, 40).map(lambda x: x * EIB)


def recorded(index: int) -> tuple[economics.FilRewardState, str]:
    row = data.load("filecoin_states").iloc[index]
    whole = {k: int(row[k]) for k in economics.FilRewardState.__dataclass_fields__}
    return economics.FilRewardState(**whole), row["raw_power_bytes"]


def slow_path(power: list[float], epochs: int, realized: float, first: int) -> tuple[float, float]:
    """Epoch by epoch, in the words of the specification: capped sum, θ, difference of supplies."""
    g, decay = RULES.growth_per_epoch, RULES.decay_per_epoch
    b0 = float(RULES.initial_baseline_bytes)
    minted = 0.0
    for i, p in enumerate(power):
        for j in range(epochs):
            e = first + i * epochs + j
            before = math.log1p(-math.expm1(-g) * realized / b0) / g
            realized += min(b0 * math.exp(g * e), p)
            after = math.log1p(-math.expm1(-g) * realized / b0) / g
            minted += 770e6 * math.exp(-decay * before) * -math.expm1(-decay * (after - before))
    return realized, minted


def test_rewards_recorded_on_mainnet_are_reproduced_to_the_last_atto() -> None:
    state, power = recorded(0)
    assert state.this_epoch_reward == 49_245_153_650_273_969_387
    assert economics.fil_recompute_reward_atto(state, int(power)) == state.this_epoch_reward
    assert economics.fil_implied_raw_power(state) == pytest.approx(int(power), rel=1e-7)


def test_baseline_recorded_on_mainnet_lags_by_one_epoch() -> None:
    for index in (0, 1):
        state, _ = recorded(index)
        lagging = float(economics.fil_baseline_power(state.epoch))
        assert lagging == pytest.approx(state.this_epoch_baseline_power, rel=1e-12)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=30))
def test_float_path_follows_the_integer_actor(power: list[int]) -> None:
    state = economics.fil_first_state(power[0])
    rewards = [state.this_epoch_reward]
    for p in power[1:]:
        state = economics.fil_next_state(state, p)
        rewards.append(state.this_epoch_reward)
    path = economics.fil_minting_path(np.array(power, float), epochs_per_step=1, rules=RULES)
    total = np.sum(rewards) / ATTO
    assert (path.simple_fil + path.baseline_fil).sum() == pytest.approx(total, rel=1e-6)
    assert path.realized_byte_epochs[-1] == pytest.approx(state.cumsum_realized, rel=1e-9)


@settings(max_examples=25)
@given(st.lists(powers, min_size=1, max_size=5), st.integers(1, 50), st.integers(0, 4 * YEAR))
def test_closed_sums_within_a_step_equal_the_walk(
    power: list[float], epochs: int, first: int
) -> None:
    start = 1e24
    path = economics.fil_minting_path(
        power, epochs_per_step=epochs, first_epoch=first, realized_byte_epochs=start, rules=RULES
    )
    realized, minted = slow_path(power, epochs, start, first)
    assert path.realized_byte_epochs[-1] == pytest.approx(realized, rel=1e-12)
    assert path.baseline_fil.sum() == pytest.approx(minted, rel=1e-7, abs=1e-7)


def test_a_power_that_meets_the_baseline_within_a_step_is_capped_at_the_right_epoch() -> None:
    crossing = RULES.initial_baseline_bytes * 2.0**0.5
    whole = economics.fil_minting_path([crossing], epochs_per_step=YEAR, rules=RULES)
    fine = economics.fil_minting_path([crossing] * YEAR, epochs_per_step=1, rules=RULES)
    assert whole.realized_byte_epochs[0] == pytest.approx(fine.realized_byte_epochs[-1], rel=1e-10)
    assert whole.baseline_fil[0] == pytest.approx(fine.baseline_fil.sum(), rel=1e-10)


@settings(max_examples=25)
@given(st.lists(powers, min_size=1, max_size=100))
def test_network_time_never_runs_faster_than_the_clock(power: list[float]) -> None:
    path = economics.fil_minting_path(power, rules=RULES)
    assert (path.theta <= (path.epoch + 1) * (1 + 1e-12)).all()
    assert (np.diff(path.theta, prepend=0.0) >= 0).all()
    assert (np.diff(path.realized_byte_epochs, prepend=0.0) >= 0).all()
    assert path.baseline_fil.sum() < 770e6
    assert path.simple_fil.sum() < 330e6


def test_a_network_above_its_baseline_mints_as_if_by_the_clock() -> None:
    path = economics.fil_minting_path([1e30] * 3650, rules=RULES)
    assert path.theta[-1] == pytest.approx(3650 * 2880, abs=1)  # the chain's sums trail by one
    expected = economics.fil_baseline_minted(path.theta[-1], rules=RULES)
    assert path.baseline_fil.sum() == pytest.approx(float(expected), rel=1e-9)


def test_simple_minting_sums_to_the_closed_form() -> None:
    for epochs in (1, 7, 100_000):
        total = economics.fil_minting_path([0.0], epochs_per_step=epochs, rules=RULES).simple_fil[0]
        closed = float(economics.fil_simple_minted(epochs, rules=RULES))
        assert total == pytest.approx(closed * math.exp(RULES.decay_per_epoch), rel=1e-12)
    exact = sum(economics.fil_reward_atto(e) for e in range(50)) / ATTO
    assert economics.fil_minting_path([0.0] * 50, epochs_per_step=1).simple_fil.sum() == (
        pytest.approx(exact, rel=1e-13)
    )


def test_constant_power_leaves_a_power_law() -> None:
    """remaining = T (1 + g R / b0) ** (−1/6): the book's identity."""
    path = economics.fil_minting_path([2.0 * EIB] * 2000, rules=RULES)
    left = 770e6 - np.cumsum(path.baseline_fil)
    scale = -math.expm1(-RULES.growth_per_epoch) / RULES.initial_baseline_bytes
    assert np.allclose(
        left, 770e6 * (1 + scale * path.realized_byte_epochs) ** (-1 / 6), rtol=1e-12
    )


def test_chain_exponential_is_as_near_as_its_source_says() -> None:
    for x in np.linspace(0, 1.7, 9):
        exact = math.exp(-(int(x * 2**128) / 2**128))
        assert economics.expneg_q128(int(x * 2**128)) / 2**128 == pytest.approx(exact, rel=1e-15)


def test_epochs_without_a_block_are_not_paid() -> None:
    state = economics.fil_first_state(10**18)
    missed = economics.fil_next_state(state, 10**18, epochs=3)
    steps = [state]
    for _ in range(3):
        steps.append(economics.fil_next_state(steps[-1], 10**18))
    assert missed == steps[-1]
    assert missed.this_epoch_reward < sum(s.this_epoch_reward for s in steps[1:])


def test_awards_stop_at_the_balance() -> None:
    assert economics.fil_block_reward_atto(5000, 1, balance_atto=500) == 500
    assert economics.fil_block_reward_atto(5000, 2) == 2000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: economics.fil_first_state(-1), r"raw_power_bytes is -1 bytes; allowed"),
        (lambda: economics.fil_reward_atto(-1), r"epoch is -1 epochs"),
        (lambda: economics.fil_reward_atto(0, 2, 1), r"effective network time never falls"),
        (lambda: economics.fil_theta_q128(1, 0, 0, 0), r"effective_baseline_power is 0 bytes"),
        (lambda: economics.fil_minting_path([-1.0]), r"raw_power_bytes\[0\] is -1 bytes"),
        (lambda: economics.fil_minting_path([1.0], epochs_per_step=0), r"epochs_per_step is 0"),
        (lambda: economics.fil_network_time(math.nan), r"realized_byte_epochs is nan"),
        (lambda: economics.FilRules(growth_per_year=0.0), r"growth_per_year is 0"),
        (lambda: economics.fil_circulating_supply(-1, 0, 0, 0, 0), r"vested_fil is -1 FIL"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
