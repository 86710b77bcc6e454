"""The median kernel against its definition, on weights that its rough search cannot tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from depin_lib.kernels import median

Array = NDArray[np.float64]

#: Ways to make a column's weights from whole numbers 0 … 9: far apart, close, closer than the
#: rough search sees at first and at last, over hundreds of powers of ten, with zeros, in any unit.
SPREADS = {
    "uniform": lambda k: 1.0 + k,
    "a part in a thousand": lambda k: 0.7 * (1 + k / 1e3),
    "a part in ten million": lambda k: 0.7 * (1 + k / 1e7),
    "neighbours": lambda k: 0.7 + k * np.spacing(0.7),
    "powers": lambda k: 10.0 ** (-33.0 * k),
    "zeros": lambda k: np.maximum(0.0, k - 6.0),
    "large unit": lambda k: 1e300 * (1 + k),
    "small unit": lambda k: 5e-324 * k,
}


def by_definition(weights: Array, stake: Array, kappa: float) -> list[float]:
    """Return the largest weight of each column that stake kappa reaches; stake in whole numbers."""
    return [max((w for w in c if stake[c >= w].sum() >= kappa), default=0.0) for c in weights.T]


def found(weights: Array, stake: Array, kappa: float) -> list[float]:
    consensus = np.empty(weights.shape[1])
    median.weighted_median(weights, stake, kappa, consensus)
    return consensus.tolist()


@given(st.data(), st.integers(1, 40), st.integers(1, 70))
def test_the_median_is_the_largest_weight_with_enough_stake(
    data: st.DataObject, rows: int, columns: int
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    names = data.draw(st.lists(st.sampled_from(sorted(SPREADS)), min_size=1, max_size=3))
    drawn = rng.integers(0, 10, (rows, columns)).astype(float)
    weights = np.empty((rows, columns))
    for j in range(columns):
        weights[:, j] = SPREADS[names[j % len(names)]](drawn[:, j])
    stake = rng.integers(0, data.draw(st.sampled_from([2, 100, 10**9])), rows).astype(float)
    kappa = float(data.draw(st.integers(1, max(1, int(stake.sum())))))
    if stake.sum() > 0:
        assert found(weights, stake, kappa) == by_definition(weights, stake, kappa)
    else:
        assert found(weights, stake, kappa) == [0.0] * columns


@pytest.mark.parametrize("rows", [9_000, 70_000])
def test_more_rows_than_the_rough_search_can_count(rows: int) -> None:
    rng = np.random.default_rng(rows)
    weights, stake = rng.lognormal(size=(rows, 2)), rng.integers(1, 9, rows).astype(float)
    kappa = float(stake.sum() // 2)
    order = np.argsort(-weights, axis=0)
    first = np.argmax(np.cumsum(stake[order], axis=0) >= kappa, axis=0)
    expected = [weights[order[first[j], j], j] for j in range(2)]
    assert found(weights, stake, kappa) == expected


def test_no_rows_and_no_columns() -> None:
    assert found(np.empty((0, 2)), np.empty(0), 1.0) == [0.0, 0.0]
    assert found(np.empty((2, 0)), np.ones(2), 1.0) == []
