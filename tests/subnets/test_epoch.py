"""The epoch against a slow twin that follows the rules entry by entry, and against its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import subnets

KAPPA = 32_767 / 65_535


def median(column: list[float], stake: list[float], kappa: float) -> float:
    """The largest weight that rows with at least the share kappa of the stake reach."""
    reached = [
        w
        for w in set(column)
        if sum(s for x, s in zip(column, stake, strict=True) if x >= w) >= kappa * sum(stake)
    ]
    return max(reached, default=0.0)


def twin(weights: np.ndarray, stake: np.ndarray, bonds: np.ndarray, rule: str) -> dict:
    """One epoch of a rectangular matrix with the chain's defaults and α = 0.1."""
    n, m = weights.shape
    w = [[x / sum(row) if sum(row) else 0.0 for x in row] for row in weights.tolist()]
    s = (stake / stake.sum()).tolist()
    c = [median([w[i][j] for i in range(n)], stake.tolist(), KAPPA) for j in range(m)]
    clipped = [[min(w[i][j], c[j]) for j in range(m)] for i in range(n)]
    rank = [sum(s[i] * clipped[i][j] for i in range(n)) for j in range(m)]
    incentive = [r / sum(rank) if sum(rank) else 0.0 for r in rank]

    def columns_to_one(matrix: list[list[float]]) -> list[list[float]]:
        total = [sum(matrix[i][j] for i in range(n)) for j in range(m)]
        return [[matrix[i][j] / total[j] if total[j] else 0.0 for j in range(m)] for i in range(n)]

    new = clipped
    old = bonds.tolist()
    if rule == "yuma2":
        old = columns_to_one(old)
        new = columns_to_one([[s[i] * x for x in clipped[i]] for i in range(n)])
    moved = [[min(1.0, 0.9 * old[i][j] + 0.1 * new[i][j]) for j in range(m)] for i in range(n)]
    share = columns_to_one(moved)
    earned = [sum(share[i][j] * incentive[j] for j in range(m)) for i in range(n)]
    if rule == "yuma3":
        earned = [s[i] * earned[i] for i in range(n)]
    dividends = [d / sum(earned) if sum(earned) else 0.0 for d in earned]
    if rule == "yuma2":
        high = [max(share[i][j] for i in range(n)) for j in range(m)]
        moved = [[share[i][j] / high[j] if high[j] else 0.0 for j in range(m)] for i in range(n)]
    trust = [sum(row) for row in clipped]
    return {
        "consensus": c,
        "incentive": incentive,
        "dividends": dividends,
        "validator_trust": trust,
        "bonds": moved,
    }


def subnet(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random subnet with ties, zeros, empty rows and whole-number stake."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 9)), int(rng.integers(1, 80))
    weights = rng.integers(0, 5, (n, m)) * (rng.random((n, m)) < 0.7).astype(float)
    if seed % 3 == 0:
        weights *= rng.random((n, m))
    stake = rng.integers(0, 4, n).astype(float)
    stake[rng.integers(n)] += 1.0
    return weights, stake, rng.random((n, m)) * (rng.random((n, m)) < 0.8)


@pytest.mark.parametrize("rule", ["yuma2", "yuma3"])
def test_epoch_is_its_slow_twin(rule: str) -> None:
    params = subnets.YumaParams(bonds_rule=rule)
    for seed in range(600):
        weights, stake, bonds = subnet(seed)
        result = subnets.yuma_epoch(weights, stake, bonds=bonds, params=params, validator_uids=-1)
        kept = result.permits  # rows without stake lose their permit and with it their bonds
        for name, expected in twin(weights, stake, bonds, rule).items():
            found, wanted = getattr(result, name), np.array(expected)
            if name == "bonds":
                found, wanted = found[kept], wanted[kept]
            np.testing.assert_allclose(
                found, wanted, rtol=1e-9, atol=1e-12, err_msg=f"{seed} {name}"
            )


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_shares_sum_to_one_and_units_do_not_matter(seed: int, scale: float) -> None:
    weights, stake, bonds = subnet(seed)
    one = subnets.yuma_epoch(weights, stake, bonds=bonds, validator_uids=-1)
    two = subnets.yuma_epoch(weights * scale, stake * 8.0, bonds=bonds, validator_uids=-1)
    for shares in (one.incentive, one.dividends):
        assert shares.sum() == pytest.approx(1.0) or not shares.any()
    assert one.emission.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(one.incentive, two.incentive, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.dividends, two.dividends, rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_order_of_uids_does_not_matter(seed: int) -> None:
    weights, stake, bonds = subnet(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(weights.shape[0]), rng.permutation(weights.shape[1])
    one = subnets.yuma_epoch(weights, stake, bonds=bonds, validator_uids=-1)
    two = subnets.yuma_epoch(
        weights[rows][:, columns],
        stake[rows],
        bonds=bonds[rows][:, columns],
        validator_uids=-1,
    )
    np.testing.assert_allclose(one.consensus[columns], two.consensus, rtol=1e-12)
    np.testing.assert_allclose(one.incentive[columns], two.incentive, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.dividends[rows], two.dividends, rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_consensus_falls_with_kappa_and_a_copier_keeps_its_trust(seed: int) -> None:
    weights, stake, _ = subnet(seed)
    params = [subnets.YumaParams(kappa=kappa) for kappa in (0.2, 0.5, 0.9)]
    by_kappa = [
        subnets.yuma_epoch(weights, stake, params=p, validator_uids=-1).consensus for p in params
    ]
    assert (by_kappa[0] >= by_kappa[1]).all()
    assert (by_kappa[1] >= by_kappa[2]).all()
    if by_kappa[1].any():
        copied = np.vstack([weights, by_kappa[1]])
        result = subnets.yuma_epoch(copied, [*stake, 0.0], params=params[1], validator_uids=-1)
        total = by_kappa[1].sum()
        expected = np.minimum(by_kappa[1] / total, by_kappa[1]).sum()
        assert result.validator_trust[-1] == pytest.approx(expected)


def test_own_weights_count_only_for_the_owner() -> None:
    weights = [[0.9, 0.1], [0.0, 1.0]]
    assert subnets.yuma_epoch(weights, [1, 1]).incentive.tolist() == [0.0, 1.0]
    assert subnets.yuma_epoch(weights, [3, 1], owner=0).incentive[0] > 0.8


def test_where_nobody_is_scored_the_validators_are_paid_by_stake() -> None:
    result = subnets.yuma_epoch(np.zeros((2, 2)), [1, 3])
    assert result.emission.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[0.5, float("nan")]]}, r"weights\[0, 1\] is nan"),
        ({"weights": [[0.5, -1.0]]}, r"weights\[0, 1\] is -1"),
        ({"weights": [0.5, 0.5]}, r"weights has shape \(2,\); expected \(any, any\)"),
        ({"stake": [-1.0]}, r"stake\[0\] is -1"),
        ({"stake": [1.0, 2.0]}, r"stake has shape \(2,\); expected \(1\)"),
        ({"bonds": [[0.1]]}, r"bonds has shape \(1, 1\); expected \(1, 2\)"),
        ({"bonds": [[0.1, 1.5]]}, r"bonds\[0, 1\] is 1.5; allowed: finite, \[0, 1\]"),
        ({"arithmetic": "float46"}, "did you mean 'float64'"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    arguments = {"weights": [[0.5, 0.5]], "stake": [1.0]} | change
    with pytest.raises(ValueError, match=message):
        subnets.yuma_epoch(**arguments)


def test_bad_parameters_are_named() -> None:
    with pytest.raises(ValueError, match=r"kappa is 1.5 of the stake; allowed: \(0, 1\]"):
        subnets.YumaParams(kappa=1.5)
    with pytest.raises(ValueError, match="did you mean 'yuma3'"):
        subnets.YumaParams(bonds_rule="yuma33")
