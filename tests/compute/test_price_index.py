"""Price indices on the panel of sellers, and on panels made to mislead."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import compute, data

PANEL = data.load("gpu_rent_panel")


def panel(gpu: str, since: str = "") -> pd.DataFrame:
    return PANEL[(PANEL["gpu"] == gpu) & (PANEL["quarter"] >= since)]


def index_of(rows: pd.DataFrame, method: str, **options: int) -> compute.PriceIndex:
    columns = rows["quarter"], rows["provider"], rows["usd_per_gpu_hour"]
    return compute.price_index(*columns, method=method, **options)


def test_the_panel_agrees_with_the_published_index_in_its_full_months() -> None:
    sellers = data.load("h100_rent_sellers").query("month == '2026-09'")
    last = panel("H100").query("quarter == '2026Q3'").set_index("provider")["usd_per_gpu_hour"]
    near = last.reindex(sellers["provider"]).to_numpy()
    assert np.abs(near / sellers["usd_per_gpu_hour"].to_numpy() - 1).max() < 0.03


@st.composite
def panels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return levels of periods, of items, and which item is seen when; the first always is."""
    periods, items = draw(st.integers(2, 6)), draw(st.integers(2, 5))
    positive = st.floats(0.2, 5)
    level = np.array(draw(st.lists(positive, min_size=periods, max_size=periods)))
    item = np.array(draw(st.lists(positive, min_size=items, max_size=items)))
    bits = st.lists(st.booleans(), min_size=periods * items, max_size=periods * items)
    seen = np.array(draw(bits)).reshape(periods, items)
    seen[:, 0] = True
    return level, item, seen


@given(panels())
@settings(max_examples=60, deadline=None)
def test_an_index_finds_a_common_movement_whoever_is_seen(
    drawn: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    level, item, seen = drawn
    t, i = np.nonzero(seen)
    for method in ("time_dummy", "matched"):
        found = compute.price_index(t, i, level[t] * item[i], method=method)
        np.testing.assert_allclose(found.level, level / level[0], rtol=1e-8)


@pytest.mark.parametrize("gpu", ["H100", "H200", "B200", "A100"])
@pytest.mark.parametrize("method", ["time_dummy", "matched"])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 7.0])
def test_a_provider_at_a_constant_ratio_does_not_move_the_index(
    gpu: str, method: str, ratio: float
) -> None:
    rows = panel(gpu, "2024Q1")
    before = index_of(rows, method)
    levels = pd.Series(before.level, before.period)
    late = [q for q in before.period if q >= "2025Q3"]  # it joins when the sample is under way
    added = pd.DataFrame(
        {"quarter": late, "provider": "new", "usd_per_gpu_hour": ratio * levels[late].to_numpy()}
    )
    after = index_of(pd.concat([rows, added]), method)
    np.testing.assert_allclose(after.level, before.level, rtol=1e-9)
    naive = index_of(pd.concat([rows, added]), "median").level
    assert not np.allclose(naive, index_of(rows, "median").level)


def test_the_chain_is_a_slow_chain_and_the_time_dummy_bridges_gaps() -> None:
    rows = panel("H100", "2024Q1")
    wide = np.log(rows.pivot(index="quarter", columns="provider", values="usd_per_gpu_hour"))
    level = [1.0]
    for a, b in zip(wide.index, wide.index[1:], strict=False):
        level.append(level[-1] * np.exp((wide.loc[b] - wide.loc[a]).dropna().mean()))
    np.testing.assert_allclose(index_of(rows, "matched").level, level)
    gap = {"period": ["a", "a", "b", "c", "c"], "item": ["x", "y", "x", "x", "y"]}
    price = [1.0, 1.0, 1.0, 1.0, 4.0]  # y rises while it is not seen
    chain = compute.price_index(**gap, price=price, method="matched")
    dummy = compute.price_index(**gap, price=price)
    assert chain.change("a", "c").value == pytest.approx(0)
    assert dummy.change("a", "c").value == pytest.approx(1)


def test_the_time_dummy_is_least_squares_on_full_dummies() -> None:
    rows = panel("H200")
    design = pd.get_dummies(rows[["quarter", "provider"]]).to_numpy(float)
    target = np.log(rows["usd_per_gpu_hour"].to_numpy())
    fit = np.linalg.lstsq(design, target, rcond=None)[0]
    quarters = fit[: rows["quarter"].nunique()]
    np.testing.assert_allclose(index_of(rows, "time_dummy").level, np.exp(quarters - quarters[0]))


def test_changes_have_intervals_counts_and_a_base() -> None:
    rows = panel("H100", "2024Q1")
    index = index_of(rows, "time_dummy", resamples=300, seed=2)
    change = index.change("2025Q4", "2026Q3")
    assert change.low is not None
    assert change.high is not None
    assert change.low < change.value < change.high
    assert change.matched == 8
    back = index.change("2026Q3", "2025Q4")
    assert (1 + back.value) * (1 + change.value) == pytest.approx(1)
    moved = compute.price_index(
        rows["quarter"], rows["provider"], rows["usd_per_gpu_hour"], base="2025Q4"
    )
    np.testing.assert_allclose(moved.level / moved.level[0], index.level)
    assert index_of(rows, "time_dummy").change("2025Q4", "2026Q3").low is None
    frame = index.to_frame()
    assert list(frame["items"]) == list(rows.groupby("quarter").size())


def test_a_naive_median_moves_where_no_price_does() -> None:
    rows = {"period": ["a"] * 3 + ["b"] * 2, "item": list("xyzyz"), "price": [1.0, 2, 3, 2, 3]}
    assert compute.price_index(**rows, method="median").change("a", "b").value == 0.25
    for method in ("time_dummy", "matched"):
        change = compute.price_index(**rows, method=method).change("a", "b").value
        assert change == pytest.approx(0)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ((["a"], ["x"], [-1.0]), {}, r"price is -1|price\[0\] is -1; allowed: finite, \(0, inf\)"),
        ((["a", "b"], ["x"], [1.0]), {}, "have 2, 1 and 1 entries"),
        (([], [], []), {}, "have 0, 0 and 0 entries; allowed: the same number, at least one"),
        ((["a", "a"], ["x", "x"], [1.0, 2.0]), {}, "item 'x' has 2 prices in the period 'a'"),
        ((["a", "b"], ["x", "y"], [1.0, 2.0]), {}, "no item links the period 'a' with b"),
        (
            (["a", "b", "c"], ["x", "y", "x"], [1.0, 2.0, 3.0]),
            {"method": "matched"},
            "no item has a price both in 'a' and in 'b'",
        ),
        ((["a"], ["x"], [1.0]), {"method": "mean"}, "method is 'mean'"),
        ((["2025Q1"], ["x"], [1.0]), {"base": "2025Q2"}, "base is '2025Q2'.*'2025Q1'"),
    ],
)
def test_bad_panels_are_refused(rows: tuple, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute.price_index(*rows, **options)
