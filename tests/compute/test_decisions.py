from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad

from depin_lib import compute

from . import twins
from .strategies import owners

PRICES = st.floats(0.01, 20)
HOSTED = replace(compute.ownership_case("H100 in an existing hall"), platform_fee=0.2)
HOME = compute.ownership_case("RTX 4090 at home")


@given(owner=owners(), price=PRICES)
def test_cost_at_the_break_even_is_the_net_price(owner: compute.Ownership, price: float) -> None:
    u = compute.break_even_utilisation(owner, price)
    assume(0 < u <= 1)
    parts = compute.cost_of_ownership(replace(owner, utilisation=u))
    assert parts.cost == pytest.approx(compute.net_of_fee(price, owner.platform_fee), rel=1e-9)
    assert parts.list_price == pytest.approx(price, rel=1e-9)


@given(owner=owners(), price=PRICES)
def test_break_even_is_infinite_where_no_hour_pays(owner: compute.Ownership, price: float) -> None:
    u = compute.break_even_utilisation(owner, price, capital_only=True)
    assert np.isinf(u) == (price <= compute.shutdown_price(owner))


@given(owner=owners(), price=PRICES)
def test_short_form_is_never_above_the_complete_one(owner: compute.Ownership, price: float) -> None:
    complete = compute.break_even_utilisation(owner, price)
    assume(complete <= 1)
    short = compute.break_even_utilisation(owner, price, capital_only=True)
    assert short <= complete * (1 + 1e-12)


def test_break_even_of_an_h100() -> None:
    assert compute.break_even_utilisation(HOSTED, 2.40) == pytest.approx(0.674, abs=5e-4)
    short = compute.break_even_utilisation(HOSTED, 2.40, capital_only=True)
    assert short == pytest.approx(0.590, abs=5e-4)


@given(owner=owners(), price=PRICES)
def test_payback_counts_a_month_hour_by_hour(owner: compute.Ownership, price: float) -> None:
    net = price * (1 - owner.platform_fee)
    year = 8760 * owner.utilisation * net - twins.yearly_energy(owner) - twins.yearly_fixed(owner)
    months = compute.payback_months(owner, price)
    if year > 1e-6:
        assert months == pytest.approx(12 * owner.capex_usd / year, rel=1e-6)
    elif year < -1e-6:
        assert months == np.inf


def test_payback_of_an_h100_with_and_without_maintenance() -> None:
    assert compute.payback_months(HOSTED, 2.40) == pytest.approx(49.7, abs=0.05)
    bare = replace(HOSTED, maintenance_per_year=0)
    assert compute.payback_months(bare, 2.40) == pytest.approx(44.2, abs=0.05)


def test_shutdown_prices() -> None:
    assert compute.shutdown_price(HOME) == pytest.approx(0.114, abs=5e-4)
    assert compute.shutdown_price(HOSTED) == pytest.approx(0.165, abs=5e-4)
    worn = compute.shutdown_price(HOME, wear_usd_per_hour=0.02)
    assert worn - compute.shutdown_price(HOME) == pytest.approx(0.02 / 0.8)


@given(owner=owners(), dearer=st.floats(1, 100))
def test_shutdown_price_ignores_what_the_card_cost(owner: compute.Ownership, dearer: float) -> None:
    other = replace(owner, capex_usd=dearer * owner.capex_usd, salvage_fraction=0, utilisation=1)
    assert compute.shutdown_price(other) == compute.shutdown_price(owner)
    assert compute.shutdown_price(owner) < compute.cost_of_ownership(owner).list_price


@given(owner=owners(), decline=st.floats(-0.3, 0.6))
def test_value_is_zero_at_the_entry_price(owner: compute.Ownership, decline: float) -> None:
    first = compute.entry_price(owner, decline_per_year=decline)
    value = compute.net_present_value(owner, first, decline_per_year=decline)
    assert abs(value) < 1e-9 * owner.capex_usd + 1e-6


@pytest.mark.parametrize("decline", [-0.2, -0.1, 0.0, 0.15, 0.32])
def test_entry_price_by_integrating_the_flow_of_money(decline: float) -> None:
    first = compute.entry_price(HOSTED, decline_per_year=decline)
    r, u, life = HOSTED.cost_of_capital, HOSTED.utilisation, HOSTED.life_years
    running = twins.yearly_energy(HOSTED) + twins.yearly_fixed(HOSTED)

    def flow(t: float) -> float:
        rent = first * np.exp(-decline * t)
        return np.exp(-r * t) * (8760 * u * (1 - HOSTED.platform_fee) * rent - running)

    sale = HOSTED.salvage_fraction * HOSTED.capex_usd * np.exp(-r * life)
    value = quad(flow, 0, life)[0] + sale - HOSTED.capex_usd
    assert value == pytest.approx(0, abs=1e-6)


@given(owner=owners())
def test_without_interest_and_decline_entry_is_the_full_cost(owner: compute.Ownership) -> None:
    free = replace(owner, cost_of_capital=0)
    assert compute.entry_price(free) == pytest.approx(compute.cost_of_ownership(free).list_price)


@given(owner=owners(), decline=st.floats(-0.3, 0.5))
def test_faster_decline_needs_a_higher_first_price(
    owner: compute.Ownership, decline: float
) -> None:
    slower = compute.entry_price(owner, decline_per_year=decline)
    assert compute.entry_price(owner, decline_per_year=decline + 0.05) > slower
    # Where nothing but capital and energy is paid the two are equal, but for the last digit.
    short = compute.entry_price(owner, decline_per_year=decline, capital_only=True)
    assert short <= slower * (1 + 1e-12)


def test_arrays_and_refusals() -> None:
    prices = np.array([0.05, 0.2, 0.5])
    months = compute.payback_months(HOME, prices)
    assert months[0] == np.inf
    assert months[1] > months[2]
    assert compute.break_even_utilisation(HOME, prices)[0] == np.inf
    with pytest.raises(ValueError, match="list_price_usd is -1 USD per GPU-hour"):
        compute.payback_months(HOME, -1)
    with pytest.raises(ValueError, match="wear_usd_per_hour is -1"):
        compute.shutdown_price(HOME, wear_usd_per_hour=-1)
    with pytest.raises(ValueError, match="decline_per_year is inf"):
        compute.entry_price(HOME, decline_per_year=np.inf)
