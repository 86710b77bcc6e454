import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from depin_lib.experiments.summaries import (
    exact_quantiles,
    merge_moments,
    merge_sketches,
    moments,
    sketch,
    sketch_quantiles,
)
from depin_lib.kernels import reducers

missing = st.one_of(st.floats(-1e6, 1e6), st.just(np.nan))
floats = st.floats(-1e6, 1e6, allow_nan=False)
tables = hnp.arrays(np.float64, st.tuples(st.integers(2, 40), st.integers(1, 5)), elements=floats)


@given(tables, st.integers(1, 39))
def test_moments_of_parts_add_up_to_those_of_the_whole(values, cut: int) -> None:
    cut = min(cut, len(values) - 1)
    zeros = np.zeros(len(values), dtype=np.int64)
    total = moments(values[:cut], zeros[:cut], 1)
    merge_moments(total, moments(values[cut:], zeros[cut:], 1))
    scale = np.abs(values).max() + 1e-300
    assert (total[reducers.COUNT, 0] == len(values)).all()
    np.testing.assert_allclose(total[reducers.MEAN, 0], values.mean(0), atol=1e-12 * scale)
    np.testing.assert_allclose(
        total[reducers.M2, 0], ((values - values.mean(0)) ** 2).sum(0), atol=1e-10 * scale**2
    )
    assert (total[reducers.LOW, 0] == values.min(0)).all()
    assert (total[reducers.HIGH, 0] == values.max(0)).all()


def test_huge_values_keep_their_variance() -> None:
    total = moments(np.empty((0, 1)), np.zeros(0, dtype=np.int64), 1)
    merge_moments(total, moments(np.full((2, 1), 1e200), np.zeros(2, dtype=np.int64), 1))
    assert total[reducers.M2, 0, 0] == 0


def test_missing_values_are_counted_and_left_out() -> None:
    values = np.array([[1.0], [np.nan], [3.0], [np.inf]])
    out = moments(values, np.zeros(4, dtype=np.int64), 1)[:, 0, 0]
    assert out.tolist() == [2, 2, 2.0, 2.0, 1.0, 3.0]


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 4)),
        elements=missing,
    ),
    st.lists(st.floats(0, 1), max_size=4),
)
def test_exact_quantiles_are_those_of_numpy(values, shares: list[float]) -> None:
    got = exact_quantiles(values, tuple(shares), workers=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but NaN
        known = np.nanquantile(values, shares, axis=1) if shares else np.empty((0, *got.shape[1:]))
    np.testing.assert_array_equal(got, known)


@given(tables, st.sampled_from([0.001, 0.01, 0.1]), st.floats(0, 1))
def test_the_sketch_keeps_its_published_error(values, error: float, share: float) -> None:
    log_gamma = np.log((1 + error) / (1 - error))
    got = sketch_quantiles(sketch(values, log_gamma), log_gamma, (share,))[0]
    rank = int(np.floor(share * (len(values) - 1)))
    exact = np.sort(values, axis=0)[rank]
    assert (np.abs(got - exact) <= error * np.abs(exact) * (1 + 1e-9)).all()


@given(tables, st.integers(1, 39))
def test_sketches_of_parts_add_up_to_the_same_counts_in_any_order(values, cut: int) -> None:
    cut = min(cut, len(values) - 1)
    log_gamma = np.log(1.01 / 0.99)
    whole = sketch(values, log_gamma)
    parts = [sketch(values[:cut], log_gamma), sketch(values[cut:], log_gamma)]
    for order in (parts, parts[::-1]):
        merged = merge_sketches(*order)
        assert (merged.zeros == whole.zeros).all()
        for one, other in ((merged.positive, whole.positive), (merged.negative, whole.negative)):
            assert one[0] == other[0]
            assert (one[1] == other[1]).all()


def test_an_empty_sketch_gives_nothing() -> None:
    empty = sketch(np.full((3, 1), np.nan), 0.02)
    full = sketch(np.ones((1, 1)), 0.02)
    assert np.isnan(sketch_quantiles(empty, 0.02, (0.5,))).all()
    for merged in (merge_sketches(empty, full), merge_sketches(full, empty)):
        one = sketch_quantiles(merged, 0.02, (0.5,))
        np.testing.assert_allclose(one, [[1.0]], rtol=0.0101)


@pytest.mark.parametrize(("level", "above", "expected"), [(2.0, True, 20.0), (0.5, False, np.nan)])
def test_first_passage(level: float, above: bool, expected: float) -> None:
    out = np.empty(1)
    path, time = np.array([[1.0, 1.5, 2.5, 1.0]]), np.arange(4) * 10.0
    reducers.first_passage(path, time, level, above, out)
    np.testing.assert_equal(out, [expected])
