"""What a sold GPU-hour costs the owner of the card.

The model is the total cost of ownership of warehouse-scale computers (Barroso, Hölzle and
Ranganathan, 2018) for a single GPU: capital as an annuity, energy, maintenance, space and other
fixed cost, divided by the hours that are sold. Every function takes numbers or arrays of draws.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import checks

__all__ = [
    "HOURS_PER_YEAR",
    "ClusterCost",
    "CostBreakdown",
    "Floats",
    "Ownership",
    "annual_capital_cost",
    "capital_recovery_factor",
    "cluster_cost",
    "cost_of_ownership",
    "straight_line_cost",
]

HOURS_PER_YEAR = 8760
Floats: TypeAlias = float | NDArray[np.float64]


#: Range and unit of each input of `Ownership`; all are finite and not negative.
_ALLOWED: dict[str, dict[str, Any]] = {
    "capex_usd": {"unit": "USD per GPU"},
    "power_kw": {"unit": "kW"},
    "electricity_usd_per_kwh": {"unit": "USD per kWh"},
    "life_years": {"low_open": True, "unit": "years"},
    "salvage_fraction": {"high": 1.0},
    "cost_of_capital": {"unit": "per year"},
    "utilisation": {"high": 1.0, "low_open": True},
    "pue": {"low": 1.0},
    "idle_power_fraction": {"high": 1.0},
    "maintenance_per_year": {"unit": "per year"},
    "colocation_usd_per_kw_month": {"unit": "USD per kW and month"},
    "fixed_usd_per_year": {"unit": "USD per year"},
    "platform_fee": {"high": 1.0, "high_open": True},
}


@dataclass(frozen=True)
class Ownership:
    """What it takes to own and run one GPU; each field a number, or an array of draws.

    Defaults count nothing: no salvage, no idle power, no fee. Source: the cost model above; figures
    for three owners stand in the table ``ownership_cases``.

    Raises
    ------
    TypeError, ValueError
        If a field is not a number or lies outside its range; the message names both and the unit.

    Examples
    --------
    >>> Ownership(capex_usd=2200, power_kw=0.5, electricity_usd_per_kwh=0.173).pue
    1.0
    """

    capex_usd: Floats  #: purchase with the GPU's share of host, network, installation; USD
    power_kw: Floats  #: power at load with the host's share; kW
    electricity_usd_per_kwh: Floats  #: zero if the colocation price includes it; USD per kWh
    life_years: Floats = 5.0  #: years until the card is sold or scrapped
    salvage_fraction: Floats = 0.0  #: share of the purchase price that the sale then brings
    cost_of_capital: Floats = 0.1  #: return the money would earn elsewhere at this risk; per year
    utilisation: Floats = 1.0  #: share of all hours that are sold
    pue: Floats = 1.0  #: power usage effectiveness: energy bought per energy used
    idle_power_fraction: Floats = 0.0  #: power when not sold, as a share of power at load
    maintenance_per_year: Floats = 0.0  #: repairs and spares, as a share of capex; per year
    colocation_usd_per_kw_month: Floats = 0.0  #: rent of space and supply; USD per kW and month
    fixed_usd_per_year: Floats = 0.0  #: what else is paid, sold or not; USD per year
    platform_fee: Floats = 0.0  #: share of the list price that the platform keeps

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            values = checks.finite(name, getattr(self, name), **{"low": 0.0, **allowed})
            object.__setattr__(self, name, plain(values))

    def energy_usd_per_hour(self) -> Floats:
        """Cost of an hour at load, in USD (v in the book)."""
        return self.power_kw * self.pue * self.electricity_usd_per_kwh

    def fixed_usd_per_hour(self) -> Floats:
        """Maintenance, space and other fixed cost of every hour, sold or not, in USD."""
        maintenance = self.maintenance_per_year * self.capex_usd
        space = 12 * self.colocation_usd_per_kw_month * self.power_kw
        return (maintenance + space + self.fixed_usd_per_year) / HOURS_PER_YEAR


@dataclass(frozen=True)
class CostBreakdown:
    """Parts of the cost in USD per sold GPU-hour; numbers, or arrays of draws."""

    capital: Floats  #: interest and loss of value
    energy: Floats  #: electricity of the sold hour and its share of idle hours
    maintenance: Floats  #: repairs and spares
    colocation: Floats  #: space and power supply
    fixed: Floats  #: other fixed cost
    cost: Floats  #: sum of the five
    list_price: Floats  #: price to the customer that leaves the cost after the platform's fee

    @property
    def energy_share(self) -> Floats:
        """Electricity as a share of the cost, 0 to 1; shaped like the parts."""
        return self.energy / self.cost

    def to_frame(self) -> pd.DataFrame:
        """Return one column per part; one row, or one per draw."""
        return pd.DataFrame({name: np.atleast_1d(part) for name, part in vars(self).items()})


@dataclass(frozen=True)
class ClusterCost:
    """Cost of a cluster over its life, in USD."""

    acquisition: Floats  #: purchase
    power: Floats  #: electricity
    total: Floats  #: sum


def capital_recovery_factor(cost_of_capital: Floats, years: Floats) -> Floats:
    """Yearly payment per unit of money that repays it with interest over the years (an annuity).

    Parameters
    ----------
    cost_of_capital
        Interest per year, zero or above.
    years
        Number of years, above zero.

    Returns
    -------
    float or ndarray
        Per year.

    Examples
    --------
    >>> round(capital_recovery_factor(0.1, 5), 6)
    0.263797
    """
    r = checks.non_negative("cost_of_capital", cost_of_capital, unit="per year")
    n = checks.finite("years", years, low=0, low_open=True, unit="years")
    repaid = -np.expm1(-n * np.log1p(r))  # 1 − (1 + r)^(−n), also where r is small
    with np.errstate(invalid="ignore"):
        factor = np.where(repaid > 0, r / repaid, 1 / n)
    return plain(factor)


def annual_capital_cost(owner: Ownership) -> Floats:
    """Yearly payment that covers the purchase less what the sale brings, in USD (A in the book).

    Examples
    --------
    >>> card = Ownership(capex_usd=40_000, power_kw=1.275, electricity_usd_per_kwh=0.0862,
    ...                  salvage_fraction=0.2)
    >>> round(annual_capital_cost(card))
    9242
    """
    discounted = (1 + owner.cost_of_capital) ** -owner.life_years
    outlay = owner.capex_usd * (1 - owner.salvage_fraction * discounted)
    return outlay * capital_recovery_factor(owner.cost_of_capital, owner.life_years)


def cost_of_ownership(owner: Ownership) -> CostBreakdown:
    """Compute the cost of a sold GPU-hour, part by part.

    Parameters
    ----------
    owner
        Inputs; arrays are combined draw by draw.

    Returns
    -------
    CostBreakdown
        USD per sold GPU-hour.

    Examples
    --------
    >>> card = Ownership(capex_usd=40_000, power_kw=1.275, electricity_usd_per_kwh=0.0862,
    ...                  salvage_fraction=0.2, utilisation=0.7, pue=1.2,
    ...                  idle_power_fraction=0.3, maintenance_per_year=0.03)
    >>> round(cost_of_ownership(card).cost, 3)
    1.852
    """
    u = owner.utilisation
    sold_hours = HOURS_PER_YEAR * u
    idle = owner.idle_power_fraction * (1 - u) / u
    capital = annual_capital_cost(owner) / sold_hours
    energy = owner.energy_usd_per_hour() * (1 + idle)
    maintenance = owner.maintenance_per_year * owner.capex_usd / sold_hours
    colocation = 12 * owner.colocation_usd_per_kw_month * owner.power_kw / sold_hours
    fixed = owner.fixed_usd_per_year / sold_hours
    cost = capital + energy + maintenance + colocation + fixed
    list_price = cost / (1 - owner.platform_fee)
    return CostBreakdown(capital, energy, maintenance, colocation, fixed, cost, list_price)


def straight_line_cost(capex_usd: Floats, years: Floats, *, utilisation: Floats = 1.0) -> Floats:
    """Depreciation per sold GPU-hour as accounts show it: in equal parts, without interest.

    Returns
    -------
    float or ndarray
        USD per sold GPU-hour.

    Examples
    --------
    >>> round(straight_line_cost(40_000, 4), 3), round(straight_line_cost(40_000, 6), 3)
    (1.142, 0.761)
    """
    capex = checks.non_negative("capex_usd", capex_usd, unit="USD per GPU")
    n = checks.finite("years", years, low=0, low_open=True, unit="years")
    u = checks.finite("utilisation", utilisation, low=0, low_open=True, high=1)
    return plain(capex / (HOURS_PER_YEAR * n * u))


def cluster_cost(
    gpus: Floats,
    gpu_usd: Floats,
    power_kw: Floats,
    electricity_usd_per_kwh: Floats,
    *,
    years: Floats,
    utilisation: Floats = 1.0,
) -> ClusterCost:
    """Add up purchase and electricity of a cluster over its life, without interest.

    Parameters
    ----------
    gpus, gpu_usd
        Number of GPUs and price of each in USD.
    power_kw
        Power of one GPU at load in kW.
    electricity_usd_per_kwh
        Price of electricity in USD per kWh, with cooling if it is to count.
    years, utilisation
        Life, and the share of its hours at load; idle hours draw nothing.

    Examples
    --------
    >>> round(cluster_cost(1024, 30_000, 0.7, 0.096, years=5, utilisation=0.7).total / 1e6, 2)
    32.83
    """
    count = checks.non_negative("gpus", gpus)
    price = checks.non_negative("gpu_usd", gpu_usd, unit="USD")
    power = checks.non_negative("power_kw", power_kw, unit="kW")
    energy = checks.non_negative("electricity_usd_per_kwh", electricity_usd_per_kwh, unit="USD/kWh")
    n = checks.finite("years", years, low=0, low_open=True, unit="years")
    u = checks.finite("utilisation", utilisation, low=0, low_open=True, high=1)
    acquisition = count * price
    electricity = count * power * u * n * HOURS_PER_YEAR * energy
    return ClusterCost(plain(acquisition), plain(electricity), plain(acquisition + electricity))


def plain(values: Any) -> Floats:
    """Return a Python number for a single value, the array otherwise."""
    return float(values) if np.ndim(values) == 0 else values


def check_input_names(names: Iterable[str]) -> None:
    """Raise, with the nearest name, if one is no field of `Ownership`."""
    for name in names:
        checks.choice("input", name, _ALLOWED)
