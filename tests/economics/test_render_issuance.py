import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import economics

RULES = economics.RenderRules()


def test_published_years_are_exact_whatever_is_assumed_later() -> None:
    for decline in (0.0, 0.055, 1.0):
        issue = economics.render_annual_issue(10, later_decline=decline)
        assert issue.issue[:3].tolist() == [9_126_804, 5_905_584, 5_905_584]
        assert issue.published.tolist() == [True] * 3 + [False] * 7


@given(st.integers(1, 200), st.floats(0, 1), st.integers(3, 20))
def test_supply_rises_to_the_cap_at_most(years: int, decline: float, flat: int) -> None:
    issue = economics.render_annual_issue(years, later_decline=decline, flat_years=flat)
    assert (issue.issue >= -1e-6).all()
    assert (np.diff(issue.supply_at_end) >= -1e-6).all()
    assert issue.supply_at_end[-1] <= RULES.cap
    assert issue.supply_at_end[0] - RULES.initial_supply == 9_126_804


def test_the_damping_of_rnp_001_spends_everything_before_year_60() -> None:
    issue = economics.render_annual_issue(60, later_decline=0.055)
    assert issue.supply_at_end[-1] == RULES.cap
    last = int(np.argmax(issue.supply_at_end >= RULES.cap)) + 1
    assert last < 40


@pytest.mark.parametrize("last", [20, 40, 60])
def test_decline_found_for_a_last_year_spends_everything_then(last: int) -> None:
    decline = economics.render_decline_for_last_year(last)
    issue = economics.render_annual_issue(last + 5, later_decline=decline)
    assert issue.supply_at_end[last - 1] == pytest.approx(RULES.cap, abs=1)
    assert issue.issue[last:].sum() == pytest.approx(0, abs=1)
    assert issue.issue[last - 1] > 1000


def test_frame_has_one_row_per_year() -> None:
    frame = economics.render_annual_issue(5, later_decline=0.055).to_frame()
    assert frame["year"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: economics.render_annual_issue(0, later_decline=0.1), r"years is 0 years"),
        (lambda: economics.render_annual_issue(5, later_decline=1.5), r"later_decline is 1.5"),
        (
            lambda: economics.render_annual_issue(5, later_decline=0.1, flat_years=2),
            r"flat_years is 2 years; allowed: \[3",
        ),
        (
            lambda: economics.render_decline_for_last_year(10),
            r"last_year is 10: even without a decline the cap is reached later; allowed: at le",
        ),
        (lambda: economics.RenderRules(extra_share=0.0), r"sum of published"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
