from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import compute

from . import twins
from .strategies import owners

HOSTED = compute.Ownership(
    capex_usd=40_000,
    power_kw=10.2 / 8,
    electricity_usd_per_kwh=0.0862,
    life_years=5,
    salvage_fraction=0.2,
    cost_of_capital=0.1,
    utilisation=0.7,
    pue=1.2,
    idle_power_fraction=0.3,
    maintenance_per_year=0.03,
)


@given(owner=owners())
def test_cost_is_that_of_the_readable_twin(owner: compute.Ownership) -> None:
    parts = compute.cost_of_ownership(owner)
    assert parts.cost == pytest.approx(twins.cost_per_sold_hour(owner), rel=1e-12)
    sold = 8760 * owner.utilisation
    assert parts.capital * sold == pytest.approx(twins.yearly_capital(owner), rel=1e-9)
    assert parts.energy * sold == pytest.approx(twins.yearly_energy(owner), rel=1e-12)


@given(owner=owners())
def test_parts_add_up_and_the_fee_comes_on_top(owner: compute.Ownership) -> None:
    parts = compute.cost_of_ownership(owner)
    five = parts.capital + parts.energy + parts.maintenance + parts.colocation + parts.fixed
    assert parts.cost == pytest.approx(five, rel=1e-15)
    assert compute.net_of_fee(parts.list_price, owner.platform_fee) == pytest.approx(parts.cost)
    assert 0 < parts.energy_share < 1


@given(owner=owners(), more=st.floats(1.001, 3))
def test_cost_falls_with_utilisation(owner: compute.Ownership, more: float) -> None:
    busier = replace(owner, utilisation=min(1.0, owner.utilisation * more))
    before = compute.cost_of_ownership(owner).cost
    assert compute.cost_of_ownership(busier).cost <= before * (1 + 1e-12)


@given(owner=owners(), factor=st.floats(0.1, 10))
def test_capital_and_maintenance_are_proportional_to_the_price(
    owner: compute.Ownership, factor: float
) -> None:
    parts = compute.cost_of_ownership(owner)
    scaled = compute.cost_of_ownership(replace(owner, capex_usd=factor * owner.capex_usd))
    assert scaled.capital == pytest.approx(factor * parts.capital)
    assert scaled.maintenance == pytest.approx(factor * parts.maintenance)
    assert (scaled.energy, scaled.colocation) == (parts.energy, parts.colocation)


@given(rate=st.one_of(st.just(0.0), st.floats(1e-9, 1)), years=st.floats(0.1, 50))
def test_annuity_repays_the_loan(rate: float, years: float) -> None:
    factor = compute.capital_recovery_factor(rate, years)
    assert factor == pytest.approx(twins.yearly_payment(1.0, rate, years), rel=1e-6)
    assert factor >= 1 / years


def test_annuity_is_continuous_where_interest_vanishes() -> None:
    assert compute.capital_recovery_factor(0, 5) == 0.2
    assert compute.capital_recovery_factor(1e-12, 5) == pytest.approx(0.2, rel=1e-10)


def test_a_year_of_holding_costs_interest_and_the_loss_of_value() -> None:
    held = replace(HOSTED, capex_usd=20_000, life_years=1, salvage_fraction=0.78)
    assert compute.annual_capital_cost(held) == pytest.approx(20_000 * (0.10 + 0.22))


@pytest.mark.parametrize(("years", "expected"), [(3, 1.522), (4, 1.142), (5, 0.913), (6, 0.761)])
def test_depreciation_policies(years: int, expected: float) -> None:
    assert compute.straight_line_cost(40_000, years) == pytest.approx(expected, abs=5e-4)


def test_card_at_home() -> None:
    parts = compute.cost_of_ownership(compute.ownership_case("RTX 4090 at home"))
    assert (round(parts.capital, 3), round(parts.energy, 3)) == (0.126, 0.104)
    assert parts.cost == pytest.approx(0.240, abs=5e-4)
    assert parts.list_price == pytest.approx(0.301, abs=5e-4)
    assert parts.energy_share == pytest.approx(0.43, abs=5e-3)


def test_published_cluster() -> None:
    cost = compute.cluster_cost(1024, 30_000, 0.7, 0.096, years=5, utilisation=0.7)
    published = {"acquisition": 30.72, "power": 2.11, "total": 32.83}
    assert {name: round(value / 1e6, 2) for name, value in asdict(cost).items()} == published


def test_arrays_give_what_single_numbers_give() -> None:
    u = np.array([0.2, 0.5, 0.9])
    together = compute.cost_of_ownership(replace(HOSTED, utilisation=u))
    alone = [compute.cost_of_ownership(replace(HOSTED, utilisation=float(x))).cost for x in u]
    assert together.cost.tolist() == alone
    assert together.to_frame().shape == (3, 7)
    assert compute.cost_of_ownership(HOSTED).to_frame().shape == (1, 7)
    assert all(isinstance(part, float) for part in vars(compute.cost_of_ownership(HOSTED)).values())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("utilisation", 0, r"utilisation is 0; allowed: finite, \(0, 1\]"),
        ("utilisation", [0.5, 1.2], r"utilisation\[1\] is 1.2; allowed: finite, \(0, 1\]"),
        ("capex_usd", -1, r"capex_usd is -1 USD per GPU; allowed: finite, \[0, inf\) USD per GPU"),
        ("electricity_usd_per_kwh", np.nan, "electricity_usd_per_kwh is nan USD per kWh"),
        ("platform_fee", 1, r"platform_fee is 1; allowed: finite, \[0, 1\)"),
        ("life_years", 0, r"life_years is 0 years; allowed: finite, \(0, inf\) years"),
        ("pue", 0.9, r"pue is 0.9; allowed: finite, \[1, inf\)"),
        ("salvage_fraction", 1.5, r"salvage_fraction is 1.5; allowed: finite, \[0, 1\]"),
    ],
)
def test_inputs_out_of_range_are_named(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(HOSTED, **{name: value})


def test_an_input_that_is_no_number() -> None:
    with pytest.raises(TypeError, match="power_kw must hold real numbers in kW"):
        replace(HOSTED, power_kw="much")
    with pytest.raises(ValueError, match=r"years is 0 years; allowed: finite, \(0, inf\)"):
        compute.straight_line_cost(1000, 0)


def test_every_input_has_a_range() -> None:
    from depin_lib.compute.ownership import _ALLOWED

    assert list(_ALLOWED) == [entry.name for entry in fields(compute.Ownership)]
