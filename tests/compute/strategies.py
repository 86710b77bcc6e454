"""Random owners of cards, as far from one another as the model allows."""

from hypothesis import strategies as st

from depin_lib import compute


def owners() -> st.SearchStrategy[compute.Ownership]:
    return st.builds(
        compute.Ownership,
        capex_usd=st.floats(100, 1e5),
        power_kw=st.floats(0.05, 3),
        electricity_usd_per_kwh=st.floats(0.01, 0.6),
        life_years=st.floats(0.5, 12),
        salvage_fraction=st.floats(0, 0.9),
        cost_of_capital=st.one_of(st.just(0.0), st.floats(0.001, 0.5)),
        utilisation=st.floats(0.01, 1),
        pue=st.floats(1, 2.5),
        idle_power_fraction=st.floats(0, 0.9),
        maintenance_per_year=st.floats(0, 0.2),
        colocation_usd_per_kw_month=st.floats(0, 400),
        fixed_usd_per_year=st.floats(0, 1000),
        platform_fee=st.floats(0, 0.6),
    )
