"""The epoch against its slow twin, and against the laws that every epoch keeps."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import subnets

from . import twin
from .cases import KAPPA, Case, differences

seeds = st.integers(0, 10**9)


@pytest.mark.parametrize("block", range(4))
def test_epoch_is_its_slow_twin(block: int) -> None:
    for seed in range(600 * block, 600 * (block + 1)):
        case = Case(seed)
        assert not differences(case.ours(), case.twins()), f"Case({seed})"


@given(seeds)
def test_epoch_is_its_slow_twin_on_any_subnet(seed: int) -> None:
    case = Case(seed)
    assert not differences(case.ours(), case.twins())


@settings(max_examples=200)
@given(st.data())
def test_exact_ties_fall_as_fractions_do(data: st.DataObject) -> None:
    """Whole stakes and weights in sixteenths: every sum is exact, so is the median."""
    n, m = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    row = st.lists(st.integers(0, 15), min_size=m, max_size=m)
    weights = data.draw(st.lists(row, min_size=n, max_size=n))
    weights = [[*r, max(0, 16 * m - sum(r))] for r in weights]  # every row sums to 16 m
    stake = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    kappa = data.draw(st.sampled_from([Fraction(1, 4), Fraction(1, 2), Fraction(1)]))
    scale = Fraction(1, 16 * m)
    found = subnets.weighted_median(np.array(weights) / 16, stake, float(kappa))
    for j in range(m + 1):
        column = [r[j] * scale for r in weights]
        assert Fraction(float(found[j])) * 16 == twin.median(column, stake, kappa) * 16 * m


@given(seeds)
def test_shares_sum_to_one_or_are_zero(seed: int) -> None:
    result = Case(seed).ours()
    for shares in (result.incentive, result.dividends, result.stake, result.active_stake):
        assert (shares >= 0).all()
        assert shares.sum() == pytest.approx(1.0) or not shares.any()
    assert result.emission.sum() == pytest.approx(1.0) or not result.stake.any()
    assert (result.validator_trust <= 1 + 1e-12).all()


@given(seeds, st.floats(1e-3, 1e3))
def test_units_do_not_matter(seed: int, scale: float) -> None:
    case = Case(seed)
    before = case.twins()
    case.weights = case.weights * np.linspace(0.5, 1.0, len(case.weights))[:, np.newaxis] * scale
    if case.rules.threshold == 0:
        case.stake = case.stake * 1024
    assert not differences(case.ours(), before)


@given(seeds)
def test_the_order_of_uids_does_not_matter(seed: int) -> None:
    case = Case(seed)
    if len(set(case.stake)) < case.stake.size:
        return  # equal stakes compete for permits by uid
    n, m = case.weights.shape
    before = case.ours()
    rows = case.rng.permutation(n)
    columns = rows if n == m else case.rng.permutation(m)
    case.weights, case.bonds = case.weights[rows][:, columns], case.bonds[rows][:, columns]
    case.stake = case.stake[rows]
    for name, order in (("permits", rows), ("last_update", rows), ("committed", rows)):
        if name in case.state:
            case.state[name] = case.state[name][order]
    if "registered" in case.state:
        case.state["registered"] = case.state["registered"][columns]
    if "owner" in case.state:
        case.state["owner"] = int(np.flatnonzero(rows == case.state["owner"])[0])
    after = case.ours()
    for name in ("consensus", "incentive", "server_emission"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name)[columns], atol=1e-12)
    for name in ("dividends", "validator_trust", "stake", "permits"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name)[rows], atol=1e-12)


@given(seeds)
def test_consensus_falls_as_kappa_rises(seed: int) -> None:
    case = Case(seed)
    last = np.full(case.weights.shape[1], np.inf)
    for kappa in (0.1, 0.3, KAPPA, 0.7, 1.0):
        case.rules.kappa = kappa
        consensus = case.ours().consensus
        assert (consensus <= last).all()
        last = consensus


@given(seeds)
def test_consensus_is_a_weight_and_clipping_raises_none(seed: int) -> None:
    case = Case(seed)
    case.state = {}
    result = subnets.yuma_epoch(case.weights, case.stake, params=case.params(), validator_uids=-1)
    rows = subnets.row_normalise(case.weights)
    for j, c in enumerate(result.consensus):
        assert c == 0 or np.isclose(rows[:, j], c, rtol=1e-15, atol=0).any()
    clipped = subnets.column_clip(rows, result.consensus)
    assert (clipped <= rows).all()
    np.testing.assert_allclose(clipped.sum(axis=1), result.validator_trust, atol=1e-12)


@given(seeds)
def test_who_copies_the_consensus_is_not_clipped(seed: int) -> None:
    case = Case(seed)
    epoch = {"params": subnets.YumaParams(), "validator_uids": -1}
    consensus = subnets.yuma_epoch(case.weights, case.stake, **epoch).consensus
    if abs(consensus.sum() - 1) > 1e-12:
        return  # a copied row is normalised: only then is it the consensus itself
    weights = np.vstack([case.weights, consensus])
    result = subnets.yuma_epoch(weights, [*case.stake, 0.0], **epoch)
    assert result.validator_trust[-1] == pytest.approx(1.0)


def test_a_validator_that_agrees_with_all_keeps_its_trust() -> None:
    result = subnets.yuma_epoch([[0.3, 0.7]] * 5, [1, 2, 3, 4, 5])
    np.testing.assert_allclose(result.validator_trust, 1.0)
    np.testing.assert_allclose(result.consensus, [0.3, 0.7])
    np.testing.assert_allclose(result.dividends, np.arange(1, 6) / 15)


# ------------------------------------------------------------------------ what the chain documents


def test_half_of_the_stake_is_a_majority() -> None:
    weights = [[1.0, 0.0], [0.0, 1.0]]
    result = subnets.yuma_epoch(weights, [1, 1], validator_uids=-1)
    assert result.consensus.tolist() == [1.0, 1.0]
    params = subnets.YumaParams(kappa=np.nextafter(0.5, 1))
    result = subnets.yuma_epoch(weights, [1, 1], params=params, validator_uids=-1)
    assert result.consensus.tolist() == [0.0, 0.0]


def test_own_weights_count_only_for_the_owner() -> None:
    weights = [[0.9, 0.1], [0.0, 1.0]]
    assert subnets.yuma_epoch(weights, [1, 1]).incentive.tolist() == [0.0, 1.0]
    assert subnets.yuma_epoch(weights, [3, 1], owner=0).incentive[0] > 0.8
    apart = subnets.yuma_epoch(weights, [3, 1], validator_uids=-1)
    assert apart.incentive[0] > 0.8


@pytest.mark.parametrize(
    ("weights", "state"),
    [
        (np.zeros((2, 2)), {}),
        (np.eye(2), {}),
        (1 - np.eye(2), {"last_update": [5, 5], "registered": [5, 5]}),
    ],
)
def test_where_nobody_is_scored_validators_are_paid_by_stake(
    weights: np.ndarray, state: dict
) -> None:
    result = subnets.yuma_epoch(weights, [1, 3], **state)
    assert not result.consensus.any()
    assert result.emission.tolist() == [0.25, 0.75]
    assert not result.server_emission.any()


def test_where_all_are_inactive_all_are_paid_by_stake() -> None:
    state = {"block": 6_000, "last_update": [10, 999]}
    result = subnets.yuma_epoch(1 - np.eye(2), [1, 3], **state)
    assert not result.active.any()
    assert not result.active_stake.any()
    assert result.emission.tolist() == [0.25, 0.75]
    state["last_update"] = [10, 1_000]
    assert subnets.yuma_epoch(1 - np.eye(2), [1, 3], **state).active.tolist() == [False, True]


def test_without_stake_nothing_is_paid() -> None:
    result = subnets.yuma_epoch(1 - np.eye(3), np.zeros(3))
    assert not result.emission.any()
    assert not result.consensus.any()
    assert not result.permits.any()


def test_the_lost_permit_takes_the_bonds_along() -> None:
    params = subnets.YumaParams(max_validators=1)
    bonds = np.full((3, 2), 0.5)
    result = subnets.yuma_epoch(
        np.ones((3, 2)),
        [1, 2, 3],
        bonds=bonds,
        params=params,
        permits=np.array([True, False, True]),
    )
    assert result.permits.tolist() == [False, False, True]
    assert not result.bonds[0].any()
    assert result.bonds[1].tolist() == [0.5, 0.5]
    assert (result.bonds[2] == 0.9 * 0.5 + 0.1 * 0.5).all()


def test_liquid_alpha_needs_a_consensus() -> None:
    """Where no weight finds a majority, bonds fade at the plain rate."""
    weights, stake, bonds = np.eye(3), [1, 1, 1], np.full((3, 3), 0.5)
    results = [
        subnets.yuma_epoch(
            weights,
            stake,
            bonds=bonds,
            params=subnets.YumaParams(liquid_alpha=liquid),
            validator_uids=-1,
        )
        for liquid in (False, True)
    ]
    assert not results[1].consensus.any()
    assert (results[0].bonds == results[1].bonds).all()


@pytest.mark.parametrize("rule", subnets.BOND_RULES)
def test_stored_bonds_are_whole_65535ths(rule: str) -> None:
    case = Case(4)
    stored, real = (
        subnets.yuma_epoch(
            case.weights,
            case.stake,
            bonds=case.bonds,
            params=subnets.YumaParams(bonds_rule=rule, bonds_u16=u16),
        ).bonds
        for u16 in (True, False)
    )
    units = stored * subnets.U16_MAX
    np.testing.assert_allclose(units, np.round(units), atol=1e-9)
    assert ((real - stored >= 0) & (real - stored < 1 / subnets.U16_MAX)).all()


def test_given_arrays_are_left_alone() -> None:
    case = Case(11)
    before = case.weights.copy(), case.stake.copy(), case.bonds.copy()
    case.ours()
    for array, copy in zip((case.weights, case.stake, case.bonds), before, strict=True):
        assert (array == copy).all()


def test_types_and_layouts_of_input_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    weights, stake = rng.integers(0, 65_536, (5, 70)), rng.integers(0, 10, 5)
    wanted = subnets.yuma_epoch(weights.astype(float), stake.astype(float))
    for change in (np.uint16, np.int64, np.float32):
        found = subnets.yuma_epoch(weights.astype(change), stake.tolist())
        assert (found.incentive == wanted.incentive).all()
    assert (subnets.yuma_epoch(np.asfortranarray(weights), stake).bonds == wanted.bonds).all()
    wide = np.zeros((5, 140))
    wide[:, ::2] = weights
    assert (subnets.yuma_epoch(wide[:, ::2], stake).bonds == wanted.bonds).all()


def test_results_by_uid() -> None:
    result = subnets.yuma_epoch(
        [[0, 1, 2, 1], [1, 0, 3, 0]], [1, 3], validator_uids=[0, -1], params=subnets.YumaParams()
    )
    assert result.row_uids.tolist() == [0, 4]
    frame = result.to_frame()
    assert frame.index.name == "uid"
    assert len(frame) == 5
    assert frame["emission"].sum() == pytest.approx(1.0)
    assert frame["dividends"].isna().tolist() == [False, True, True, True, False]
    assert frame["incentive"].isna().tolist() == [False] * 4 + [True]
    assert frame["permit"].tolist() == [True, False, False, False, True]
    paid = result.payout_rao(1_000)
    assert (paid["server"] + paid["validator"] - paid["combined"]).abs().max() <= 1
