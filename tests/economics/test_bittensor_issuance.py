import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import economics

TAO = economics.RAO_PER_TAO
CAP = 21_000_000 * TAO
HALF = CAP // 2

issuances = st.integers(0, CAP - 1)


def emission_in_fixed_point(issuance: int) -> int:
    """The chain's own arithmetic: I96F32, whose division rounds down (positive numbers)."""
    one = 1 << 32
    if issuance >= CAP:
        return 0
    share = (issuance << 64) // (CAP << 32)
    operand = (one << 32) // (one - share)
    k = 0
    while operand >= 2 * one:
        k += 1
        operand = (operand >> 1) + (operand & 1)
    return ((one << 32) // (one << k)) * TAO >> 32


def emission_by_definition(issuance: int) -> int:
    k = 0
    while (CAP - issuance) << (k + 1) <= CAP:
        k += 1
    return TAO >> k


def walk(start: int, blocks: int, recycled: int) -> int:
    x = start
    for _ in range(blocks):
        x += (emission_by_definition(x) if x < CAP else 0) - recycled
    return x


@given(issuances)
def test_integer_rule_is_the_fixed_point_rule(issuance: int) -> None:
    exact = economics.tao_block_emission_rao(issuance)
    assert exact == emission_in_fixed_point(issuance) == emission_by_definition(issuance)


@pytest.mark.parametrize("k", range(1, 30))
@pytest.mark.parametrize("step", [-1, 0, 1])
def test_integer_rule_is_the_fixed_point_rule_at_every_threshold(k: int, step: int) -> None:
    x = economics.tao_threshold_rao(k) + step
    assert economics.tao_block_emission_rao(x) == emission_in_fixed_point(x)
    assert economics.tao_block_emission_rao(x) == TAO >> (k if step >= 0 else k - 1)


def test_floats_cannot_see_the_threshold() -> None:
    one_rao_short = HALF - 1
    assert economics.tao_block_emission_rao(one_rao_short) == TAO
    assert math.floor(math.log2(1 / (1 - one_rao_short / CAP))) == 1  # a whole halving too early


def test_float_rule_agrees_away_from_thresholds() -> None:
    whole = np.arange(0, 21_000_000, 997)
    exact = economics.tao_block_emission_rao([int(x) * TAO for x in whole])
    real = economics.tao_block_emission(whole.astype(float))
    assert (np.floor(real * TAO) == exact).all()
    assert economics.tao_block_emission([21e6, 22e6]).tolist() == [0.0, 0.0]


@settings(max_examples=60)
@given(
    st.one_of(issuances, st.integers(HALF - 50 * TAO, HALF + 50 * TAO)),
    st.integers(0, 300),
    st.one_of(st.just(0), st.integers(0, TAO)),
)
def test_jumping_equals_walking_block_by_block(start: int, blocks: int, recycled: int) -> None:
    start = max(start, blocks * recycled)
    path = economics.tao_issuance_path(start, [blocks], recycled_rao_per_block=recycled)
    assert path.issuance_rao[0] == walk(start, blocks, recycled)


@settings(max_examples=40)
@given(issuances, st.lists(st.integers(0, 10**7), min_size=2, max_size=6))
def test_issuance_never_falls_nor_passes_the_cap_without_recycling(
    start: int, steps: list[int]
) -> None:
    path = economics.tao_issuance_path(start, np.cumsum(steps))
    assert (np.diff(path.issuance_rao) >= 0).all()
    assert (np.diff(path.emission_rao) <= 0).all()
    assert path.issuance_rao[-1] <= CAP


@settings(max_examples=40)
@given(issuances, st.integers(1, 10**6), st.integers(0, TAO // 8))
def test_what_is_minted_is_issued_or_recycled(start: int, blocks: int, recycled: int) -> None:
    start = min(start, CAP // 4 * 3 - 1)
    start = max(start, recycled * blocks)
    path = economics.tao_issuance_path(start, [blocks], recycled_rao_per_block=recycled)
    minted = int(path.issuance_rao[0]) - start + recycled * blocks
    assert 0 <= minted <= TAO * blocks
    if start < HALF and path.issuance_rao[0] < HALF:
        assert minted == TAO * blocks


def test_recycling_above_the_next_payout_pins_issuance_at_the_threshold() -> None:
    path = economics.tao_issuance_path(
        HALF - 1000 * TAO, [10**5, 10**6, 10**7], recycled_rao_per_block=int(0.6 * TAO)
    )
    assert (np.abs(path.issuance_rao - HALF) <= TAO).all()
    plan = economics.tao_next_halving(HALF, recycled_rao_per_block=int(0.6 * TAO))
    assert plan.number == 2
    assert plan.blocks is None
    assert plan.days is None


@settings(max_examples=40)
@given(st.integers(0, CAP - CAP // 2**20), st.integers(0, 400))
def test_next_halving_is_the_first_block_that_pays_less(start: int, recycled: int) -> None:
    plan = economics.tao_next_halving(start, recycled_rao_per_block=recycled)
    assert plan.blocks is not None
    path = economics.tao_issuance_path(
        start, [plan.blocks - 1, plan.blocks], recycled_rao_per_block=recycled
    )
    before, after = path.issuance_rao
    assert before < plan.threshold_rao <= after
    assert path.emission_rao[0] == economics.tao_block_emission_rao(start)


def test_hundred_steps_end_where_the_chains_own_test_does() -> None:
    """The Rust test takes 100 steps of 10.5 million blocks, each at the payout of its start."""
    x = 0
    for _ in range(100):
        x += 10_500_000 * economics.tao_block_emission_rao(x)
    assert x == 20_999_999_989_500_000


def test_path_has_a_frame_in_tao() -> None:
    frame = economics.tao_issuance_path(HALF, [0, 7200]).to_frame()
    assert frame["issuance_tao"].tolist() == [10.5e6, 10.5e6 + 3600]
    assert frame["day"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: economics.tao_block_emission_rao(-1),
            r"issuance_rao is -1 rao; allowed: at least 0",
        ),
        (lambda: economics.tao_block_emission(-0.5), r"issuance_tao is -0.5 TAO"),
        (lambda: economics.tao_issuance_path(CAP + 1, [0]), r"start_rao is 21000000000000001 rao"),
        (lambda: economics.tao_next_halving(CAP), r"allowed: 0 to 20999999999999999 rao"),
        (lambda: economics.tao_issuance_path(0, [2, 1]), r"blocks must be ascending"),
        (lambda: economics.tao_issuance_path(0, [0.5]), r"blocks must be ascending whole"),
        (
            lambda: economics.tao_issuance_path(0, [1], recycled_rao_per_block=2 * TAO),
            r"recycled_rao_per_block is 2000000000 rao; allowed: 0 to 1000000000 rao",
        ),
        (lambda: economics.tao_threshold_rao(63), r"halving is 63; allowed: \[0, 62\]"),
        (lambda: economics.TaoRules(seconds_per_block=0), r"seconds_per_block is 0 s"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_fractions_of_a_rao_are_refused() -> None:
    with pytest.raises(TypeError, match=r"issuance_rao is 1.5; give whole rao"):
        economics.tao_block_emission_rao(1.5)  # type: ignore[arg-type]
