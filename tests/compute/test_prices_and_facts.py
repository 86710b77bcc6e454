import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import compute, data

PRICES = st.floats(1e-3, 1e3)


@given(net=PRICES, fee=st.floats(0, 0.99))
def test_gross_up_and_fee_undo_one_another(net: float, fee: float) -> None:
    gross = compute.fee_gross_up(net, fee)
    assert compute.net_of_fee(gross, fee) == pytest.approx(net)
    assert gross >= net


@given(price=PRICES, reference=PRICES)
def test_discount_is_the_other_sign_of_the_relative_price(price: float, reference: float) -> None:
    assert compute.discount(price, reference) == -compute.relative_price(price, reference)
    assert reference * (1 + compute.relative_price(price, reference)) == pytest.approx(price)


def test_a_fee_of_everything_and_prices_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fee is 1; allowed: finite, \[0, 1\)"):
        compute.fee_gross_up(1.9, 1)
    with pytest.raises(ValueError, match=r"price is -1; allowed: finite, \[0, inf\)"):
        compute.discount(-1, 2)
    with pytest.raises(ValueError, match=r"reference is 0; allowed: finite, \(0, inf\)"):
        compute.discount(1, 0)
    with pytest.raises(ValueError, match="units is 0"):
        compute.revenue_per_unit(1, 0)


def test_prices_of_a_family_hold_all_its_forms() -> None:
    family = compute.market_prices("H100")
    one = compute.market_prices("H100 SXM")
    assert set(one["model"]) == {"H100 SXM"}
    assert len(one) < len(family)
    assert family["usd_per_gpu_hour"].is_monotonic_increasing
    assert set(family["provider_kind"]) == {"marketplace", "depin"}
    cloud = compute.market_prices("H100", provider_kinds=["hyperscaler"])
    assert cloud["usd_per_gpu_hour"].median() > 2 * family["usd_per_gpu_hour"].median()


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"gpu is 'RTX4090'.*did you mean 'RTX 4090'"):
        compute.market_prices("RTX4090")
    with pytest.raises(ValueError, match=r"gpu is 'h100 sxm'.*did you mean 'H100 SXM'"):
        compute.gpu("h100 sxm")
    with pytest.raises(ValueError, match=r"provider_kinds is 'depins'.*did you mean 'depin'"):
        compute.market_prices("H100", provider_kinds=["depins"])
    with pytest.raises(ValueError, match="did you mean"):
        compute.market_prices("H100", half_year="2026H3")
    with pytest.raises(ValueError, match="did you mean 'pue_google'"):
        compute.fact("pue_gogle")
    with pytest.raises(ValueError, match="did you mean 'RTX 4090 at home'"):
        compute.ownership_case("RTX 4090 at hom")


def test_currencies_are_not_mixed() -> None:
    german = compute.fact("electricity_germany_household")
    with pytest.raises(ValueError, match="is in EUR/kWh; for USD/kWh give usd_per_eur"):
        german.to("USD/kWh")
    assert german.to("USD/kWh", usd_per_eur=1.1) == pytest.approx(1.1 * 0.3835)
    with pytest.raises(ValueError, match="is in EUR/kWh; it cannot be given in USD"):
        german.to("USD")
    assert german.to("EUR/kWh") == 0.3835


def test_facts_say_whether_they_are_confirmed() -> None:
    assert compute.fact("pue_google").confirmed
    assert not compute.fact("fee_vast").confirmed
    assert compute.gpu("RTX 4090").confirmed
    assert np.isnan(compute.gpu("RTX 4090").street_price_usd)


@pytest.mark.parametrize("case", sorted(set(data.load("ownership_cases")["case"])))
def test_the_values_of_a_case_lie_in_their_ranges(case: str) -> None:
    owner = compute.ownership_case(case)
    for name, distribution in compute.ownership_ranges(case).items():
        low, high = distribution.quantile([0, 1 - 1e-12])
        assert low <= getattr(owner, name) <= high + 1e-9, f"{case}: {name}"


def test_tokens_refuse_a_rate_of_zero() -> None:
    with pytest.raises(ValueError, match="tokens_per_second is 0 1/s"):
        compute.cost_per_million_tokens(2, 0)
    per_token = compute.cost_per_million_tokens(2, 1000, utilisation=0.5)
    assert per_token == pytest.approx(2 * compute.cost_per_million_tokens(2, 1000))
