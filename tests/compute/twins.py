"""The cost model once more: one card, plain Python, one step per line."""

from dataclasses import asdict

from depin_lib import compute


def yearly_payment(amount: float, interest: float, years: float) -> float:
    if interest == 0:
        return amount / years
    growth = (1 + interest) ** years
    return amount * interest * growth / (growth - 1)


def yearly_capital(owner: compute.Ownership) -> float:
    x = asdict(owner)
    sale_today = x["capex_usd"] * x["salvage_fraction"]
    sale_today /= (1 + x["cost_of_capital"]) ** x["life_years"]
    return yearly_payment(x["capex_usd"] - sale_today, x["cost_of_capital"], x["life_years"])


def yearly_energy(owner: compute.Ownership) -> float:
    x = asdict(owner)
    sold = 8760 * x["utilisation"]
    idle = 8760 - sold
    kwh = x["power_kw"] * x["pue"] * (sold + idle * x["idle_power_fraction"])
    return kwh * x["electricity_usd_per_kwh"]


def yearly_fixed(owner: compute.Ownership) -> float:
    x = asdict(owner)
    space = 12 * x["colocation_usd_per_kw_month"] * x["power_kw"]
    return x["maintenance_per_year"] * x["capex_usd"] + space + x["fixed_usd_per_year"]


def cost_per_sold_hour(owner: compute.Ownership) -> float:
    year = yearly_capital(owner) + yearly_energy(owner) + yearly_fixed(owner)
    return year / (8760 * owner.utilisation)
