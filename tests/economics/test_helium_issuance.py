from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import data, economics

burns = st.lists(st.floats(0, 1e5), min_size=1, max_size=60)
CAP = economics.HntRules().net_emission_cap_hnt_per_day


def replay(burn: list[float], rule: str, cap: float) -> list[float]:
    """The four rules as the sources state them, one epoch at a time."""
    pool = overage = smoothed = 0.0
    emitted = []
    for b in burn:
        if rule == "hip20_text":
            paid = pool / 336
            pool = pool - paid + min(b, cap)
        elif rule == "l1_code":
            paid = min(cap, b + overage)
            overage = overage + (b - cap) if b > cap else max(0.0, overage - (cap - b))
        elif rule == "no_memory":
            paid = min(b, cap)
        else:
            smoothed = smoothed * 6 / 7 + b / 7
            paid = min(smoothed, cap)
        emitted.append(paid)
    return emitted


def test_hip20_table_is_reproduced() -> None:
    table = data.load("hip20_schedule")
    year = table["year"].to_numpy()
    assert np.allclose(economics.hnt_annual_issue(year), table["minted_hnt"], rtol=0, atol=0.06)
    assert np.allclose(
        economics.hnt_supply_at_start(year), table["supply_at_start_hnt"], rtol=0, atol=0.51
    )
    split = economics.hnt_reward_split(year).to_frame()
    for name in ("poc", "data", "securities", "consensus"):
        assert (split[name] == table[f"{name}_percent"]).all()


@given(st.integers(1, 60))
def test_supply_is_the_sum_of_the_years_before(year: int) -> None:
    before = economics.hnt_annual_issue(np.arange(1, year)).sum() if year > 1 else 0.0
    assert economics.hnt_supply_at_start(year) == pytest.approx(before)
    assert economics.hnt_supply_at_start(year) < 240e6


@given(st.integers(1, 60))
def test_split_is_whole(year: int) -> None:
    split = economics.hnt_reward_split(year)
    assert split.poc + split.data + split.securities + split.consensus == 100


def test_daily_issue_adds_up_to_the_years_issue() -> None:
    for regime, total in (("launch", 60e6), ("hip20", 7.5e6)):
        issue = economics.hnt_daily_issue(date(2025, 8, 1), date(2026, 8, 1), regime=regime)
        assert issue.total_hnt.sum() == pytest.approx(total, abs=1e-4)


def test_later_rules_contain_the_earlier_ones() -> None:
    span = date(2024, 8, 1), date(2030, 8, 1)
    totals = [
        economics.hnt_daily_issue(*span, regime=r).total_hnt.sum()
        for r in ("hip20", "hip138", "hip149")
    ]
    assert totals[1] - totals[0] == pytest.approx(2.9e6, abs=1e-3)
    assert totals[2] - totals[1] == pytest.approx(141_120_000, abs=1e-3)


def test_supplement_starts_and_ends_on_its_days() -> None:
    issue = economics.hnt_daily_issue(date(2026, 8, 5), date(2029, 7, 25)).to_frame()
    by_day = issue.set_index("day")["supplement_hnt"]
    assert by_day["2026-08-05"] == 0
    assert by_day["2026-08-06"] == by_day["2027-07-31"] == 196_000
    assert 0 < by_day["2029-07-20"] < by_day["2029-07-19"]
    assert by_day["2029-07-21"] == 0


@given(burns, st.sampled_from(sorted(economics.NET_EMISSION_RULES)), st.floats(1, 1e4))
def test_net_emissions_follow_the_rules_as_stated(burn: list[float], rule: str, cap: float) -> None:
    result = economics.net_emissions(burn, rule=rule, cap_hnt=cap)
    assert np.allclose(result.emitted_hnt, replay(burn, rule, cap), rtol=1e-9, atol=1e-6)


@given(burns, st.sampled_from(sorted(economics.NET_EMISSION_RULES)))
def test_never_more_is_minted_again_than_was_burned(burn: list[float], rule: str) -> None:
    result = economics.net_emissions(burn, rule=rule)
    assert (result.emitted_hnt <= CAP + 1e-9).all()
    assert (np.cumsum(result.emitted_hnt) <= np.cumsum(burn) * (1 + 1e-9) + 1e-6).all()


def test_a_lumpy_burner_loses_re_emission_only_without_memory() -> None:
    burn = np.zeros(30)
    burn[0] = 30 * 1000.0
    emitted = {
        rule: economics.net_emissions(burn, rule=rule).emitted_hnt.sum()
        for rule in ("no_memory", "smoothed", "l1_code")
    }
    assert emitted["no_memory"] == pytest.approx(CAP)
    assert emitted["l1_code"] == pytest.approx(18 * CAP + (30_000 - 18 * CAP))
    assert emitted["no_memory"] < emitted["smoothed"] < emitted["l1_code"]


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_integer_step_is_the_smoothed_rule_rounded_down(smoothed: int, burn: int) -> None:
    after, emitted = economics.net_emission_step_bones(smoothed, burn, 10**30)
    assert after == emitted
    assert 0 <= (6 * smoothed + burn) / 7 - after < 2 + 1e-15 * (smoothed + burn)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: economics.hnt_annual_issue(0), r"year is 0 \(1 is the year from 1 August 2019\)"),
        (lambda: economics.hnt_annual_issue(1.5), r"year must hold whole numbers"),
        (
            lambda: economics.hnt_daily_issue(date(2026, 1, 1), date(2026, 2, 1), regime="hip-149"),
            r"regime is 'hip-149', which is not known; did you mean 'hip149'",
        ),
        (
            lambda: economics.hnt_daily_issue(date(2019, 1, 1), date(2026, 2, 1)),
            r"start is 2019-01-01",
        ),
        (lambda: economics.net_emissions([1.0], rule="smooth"), r"did you mean 'smoothed'"),
        (lambda: economics.net_emissions([1.0, -2.0]), r"burn_hnt\[1\] is -2 HNT"),
        (lambda: economics.net_emissions([[1.0]]), r"burn_hnt has shape \(1, 1\)"),
        (lambda: economics.net_emission_step_bones(-1, 0, 0), r"smoothed_bones is -1 bones"),
        (lambda: economics.HntSupplement(council_share=2), r"council_share is 2"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
