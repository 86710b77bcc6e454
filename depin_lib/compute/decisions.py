"""Run, buy or leave: what the price has to be for each, and how long a purchase takes to pay."""

import numpy as np

from .. import checks
from .ownership import HOURS_PER_YEAR, Floats, Ownership, annual_capital_cost, plain

__all__ = [
    "break_even_utilisation",
    "entry_price",
    "net_present_value",
    "payback_months",
    "shutdown_price",
]

_HOURS_PER_MONTH = HOURS_PER_YEAR / 12


def shutdown_price(owner: Ownership, *, wear_usd_per_hour: Floats = 0.0) -> Floats:
    """List price below which the owner of a paid card loses by renting it out for an hour.

    What was paid for the card does not enter, and neither does what an idle hour costs as well.

    Parameters
    ----------
    owner
        Inputs; only power, PUE, electricity and fee are used.
    wear_usd_per_hour
        Wear of an hour at load, or what the next best use of the card would bring.

    Returns
    -------
    float or ndarray
        USD per GPU-hour.

    Examples
    --------
    >>> card = Ownership(capex_usd=2200, power_kw=0.5, pue=1.05, electricity_usd_per_kwh=0.173,
    ...                  platform_fee=0.2)
    >>> round(shutdown_price(card), 4)
    0.1135
    """
    wear = checks.non_negative("wear_usd_per_hour", wear_usd_per_hour, unit="USD per hour")
    return plain((owner.energy_usd_per_hour() + wear) / (1 - owner.platform_fee))


def break_even_utilisation(
    owner: Ownership, list_price_usd: Floats, *, capital_only: bool = False
) -> Floats:
    """Share of hours that must be sold at a list price for the owner to come out even.

    Parameters
    ----------
    owner
        Inputs; its own utilisation is not used.
    list_price_usd
        Price to the customer in USD per GPU-hour.
    capital_only
        The short form: against the margin of a sold hour stands capital alone. Idle energy,
        maintenance, space and other fixed cost are left out, so that the result is too low.

    Returns
    -------
    float or ndarray
        Above 1 no utilisation is enough; infinite where the price does not even pay for energy.
        In the complete form `cost_of_ownership` at the result equals the price after the fee.

    Examples
    --------
    >>> card = Ownership(capex_usd=40_000, power_kw=1.275, electricity_usd_per_kwh=0.0862, pue=1.2,
    ...                  salvage_fraction=0.2, idle_power_fraction=0.3, maintenance_per_year=0.03,
    ...                  platform_fee=0.2)
    >>> round(break_even_utilisation(card, 2.40), 3)
    0.674
    >>> round(break_even_utilisation(card, 2.40, capital_only=True), 3)
    0.59
    """
    net = _net_price(owner, list_price_usd)
    energy = owner.energy_usd_per_hour()
    every_hour = annual_capital_cost(owner) / HOURS_PER_YEAR
    margin = net - energy
    if not capital_only:
        idle = owner.idle_power_fraction * energy
        every_hour = every_hour + owner.fixed_usd_per_hour() + idle
        margin = margin + idle
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.asarray(margin) > 0, np.divide(every_hour, margin), np.inf)
    return plain(share)


def payback_months(owner: Ownership, list_price_usd: Floats) -> Floats:
    """Months until the money earned has returned the purchase price, without interest.

    Parameters
    ----------
    owner
        Inputs; life, salvage and cost of capital are not used.
    list_price_usd
        Price to the customer in USD per GPU-hour.

    Returns
    -------
    float or ndarray
        Infinite where a month brings nothing.

    Examples
    --------
    >>> card = Ownership(capex_usd=2200, power_kw=0.5, pue=1.05, electricity_usd_per_kwh=0.173,
    ...                  platform_fee=0.2, utilisation=0.6, idle_power_fraction=0.15)
    >>> round(payback_months(card, 0.35), 1)
    27.9
    >>> payback_months(card, 0.10)
    inf
    """
    net = _net_price(owner, list_price_usd)
    u, energy = owner.utilisation, owner.energy_usd_per_hour()
    idle = (1 - u) * owner.idle_power_fraction * energy
    month = _HOURS_PER_MONTH * (u * (net - energy) - idle - owner.fixed_usd_per_hour())
    with np.errstate(divide="ignore", invalid="ignore"):
        months = np.where(np.asarray(month) > 0, np.divide(owner.capex_usd, month), np.inf)
    return plain(months)


def entry_price(
    owner: Ownership, *, decline_per_year: Floats = 0.0, capital_only: bool = False
) -> Floats:
    """First list price at which a purchase breaks even while rents fall at a constant rate.

    Rents follow p₀ e^(−d t) over the life of the card; money is discounted continuously at the cost
    of capital. At the result the `net_present_value` is zero.

    Parameters
    ----------
    owner
        Inputs.
    decline_per_year
        d, the continuous rate at which rents fall; negative where they rise.
    capital_only
        The short form: capital and the energy of sold hours, nothing else.

    Returns
    -------
    float or ndarray
        USD per GPU-hour.

    Examples
    --------
    >>> card = Ownership(capex_usd=40_000, power_kw=1.275, electricity_usd_per_kwh=0.0862, pue=1.2,
    ...                  salvage_fraction=0.1, utilisation=0.7)
    >>> round(entry_price(card, decline_per_year=0.15), 2)
    2.33
    """
    d = checks.finite("decline_per_year", decline_per_year, unit="per year")
    r, life = owner.cost_of_capital, owner.life_years
    outlay = owner.capex_usd * (1 - owner.salvage_fraction * np.exp(-r * life))
    spent = outlay + _running_usd_per_year(owner, capital_only) * _annuity(r, life)
    sold_hours = HOURS_PER_YEAR * owner.utilisation
    return plain(spent / ((1 - owner.platform_fee) * sold_hours * _annuity(r + d, life)))


def net_present_value(
    owner: Ownership, first_price_usd: Floats, *, decline_per_year: Floats = 0.0
) -> Floats:
    """Value today of buying a card and renting it out while rents fall at a constant rate, in USD.

    Parameters
    ----------
    owner
        Inputs.
    first_price_usd
        List price of the first hour in USD per GPU-hour.
    decline_per_year
        The continuous rate at which rents fall; negative where they rise.

    Examples
    --------
    >>> card = Ownership(capex_usd=2200, power_kw=0.5, electricity_usd_per_kwh=0.173)
    >>> abs(net_present_value(card, entry_price(card))) < 1e-9
    True
    """
    d = checks.finite("decline_per_year", decline_per_year, unit="per year")
    r, life = owner.cost_of_capital, owner.life_years
    net = _net_price(owner, first_price_usd)
    earned = net * HOURS_PER_YEAR * owner.utilisation * _annuity(r + d, life)
    running = _running_usd_per_year(owner, False) * _annuity(r, life)
    outlay = owner.capex_usd * (1 - owner.salvage_fraction * np.exp(-r * life))
    return plain(earned - running - outlay)


def _net_price(owner: Ownership, list_price_usd: Floats) -> Floats:
    price = checks.non_negative("list_price_usd", list_price_usd, unit="USD per GPU-hour")
    return price * (1 - owner.platform_fee)


def _running_usd_per_year(owner: Ownership, capital_only: bool) -> Floats:
    u, energy = owner.utilisation, owner.energy_usd_per_hour()
    if capital_only:
        return HOURS_PER_YEAR * u * energy
    hour = energy * (u + owner.idle_power_fraction * (1 - u)) + owner.fixed_usd_per_hour()
    return HOURS_PER_YEAR * hour


def _annuity(rate: Floats, years: Floats) -> Floats:
    """Value today of one unit of money a year, paid continuously."""
    rate = np.asarray(rate, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rate == 0, years, -np.expm1(-rate * years) / rate)
