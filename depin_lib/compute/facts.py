"""Look-ups by name: a dated fact, a card, an owner."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from .. import checks, data
from ..distributions import Distribution, Triangular, Uniform
from .ownership import Ownership

__all__ = [
    "Fact",
    "Fleet",
    "Gpu",
    "fact",
    "fleet",
    "gpu",
    "ownership_case",
    "ownership_ranges",
]


@dataclass(frozen=True)
class Fact:
    """One dated figure of the table ``compute_facts``."""

    key: str  #: its name
    value: float  #: in ``unit``; the middle of a range
    low: float  #: lower end, NaN without a range
    high: float  #: upper end, NaN without a range
    unit: str  #: unit of the three
    as_of: str  #: date
    source: str  #: where it was read
    confirmed: bool  #: False: an assumption, or a source that could not be read again

    def to(self, unit: str, *, usd_per_eur: float | None = None) -> float:
        """Return the value in a unit: its own, or dollars for euros at a rate that you give.

        Raises
        ------
        ValueError
            If the units differ in more than the currency, or no rate is given.
        """
        if unit == self.unit:
            return self.value
        if self.unit.replace("EUR", "USD") != unit:
            raise ValueError(f"{self.key} is in {self.unit}; it cannot be given in {unit}")
        if usd_per_eur is None:
            raise ValueError(f"{self.key} is in {self.unit}; for {unit} give usd_per_eur")
        return self.value * checks.number("usd_per_eur", usd_per_eur, low=0, low_open=True)


@dataclass(frozen=True)
class Gpu:
    """One card of the table ``gpu_specs``; NaN where no price was found."""

    model: str  #: name
    power_limit_w: float  #: W, the card alone
    memory_gib: float  #: GiB
    memory_bandwidth_gb_s: float  #: GB/s
    launch_price_usd: float  #: USD
    street_price_usd: float  #: USD
    confirmed: bool  #: False: from memory of a data sheet


@dataclass(frozen=True)
class Fleet:
    """What a number of systems amounts to."""

    gpus: float  #: number of GPUs
    value_usd: float  #: USD
    power_kw: float  #: kW


def fact(key: str) -> Fact:
    """Look up a dated fact by name.

    Raises
    ------
    ValueError
        If there is none of this name; the nearest is suggested.

    Examples
    --------
    >>> fact("server_power_dgx_h100").to("kW")
    10.2
    """
    row = _row("compute_facts", "key", "fact", key)
    return Fact(
        key=key,
        value=float(row["value"]),
        low=float(row["low"]),
        high=float(row["high"]),
        unit=row["unit"],
        as_of=row["as_of"],
        source=row["source"],
        confirmed=row["confirmed"] == "yes",
    )


def gpu(model: str) -> Gpu:
    """Look up a card by name.

    Raises
    ------
    ValueError
        If the table has no such card; the nearest is suggested.

    Examples
    --------
    >>> gpu("RTX 4090").power_limit_w
    450.0
    """
    row = _row("gpu_specs", "model", "gpu", model)
    return Gpu(
        model=model,
        power_limit_w=float(row["power_limit_w"]),
        memory_gib=float(row["memory_gib"]),
        memory_bandwidth_gb_s=float(row["memory_bandwidth_gb_s"]),
        launch_price_usd=float(row["launch_price_usd"]),
        street_price_usd=float(row["street_price_usd"]),
        confirmed=row["confirmed"] == "yes",
    )


def ownership_case(name: str) -> Ownership:
    """Return one of the owners that the book follows, with the single values of its inputs.

    Raises
    ------
    ValueError
        If there is none of this name; the nearest is suggested.

    Examples
    --------
    >>> ownership_case("RTX 4090 at home").capex_usd
    2200.0
    """
    rows = _case(name)
    return Ownership(**{str(p): float(v) for p, v in rows["value"].items()})


def ownership_ranges(name: str) -> dict[str, Distribution]:
    """Return the ranges of one owner's uncertain inputs, by field of `Ownership`.

    Raises
    ------
    ValueError
        If there is none of this name; the nearest is suggested.

    Examples
    --------
    >>> ownership_ranges("RTX 4090 at home")["pue"]
    Uniform(low=1.0, high=1.3)
    """
    ranges: dict[str, Distribution] = {}
    for parameter, row in _case(name).dropna(subset=["shape"]).iterrows():
        low, mode, high = float(row["low"]), float(row["value"]), float(row["high"])
        triangular = row["shape"] == "triangular"
        ranges[str(parameter)] = Triangular(low, mode, high) if triangular else Uniform(low, high)
    return ranges


def fleet(
    systems: float,
    *,
    gpus_per_system: float = 8,
    usd_per_system: float = 0.0,
    kw_per_system: float = 0.0,
) -> Fleet:
    """Size up a claim about a number of systems: GPUs, value and power.

    Parameters
    ----------
    systems
        Number of systems, such as servers.
    gpus_per_system, usd_per_system, kw_per_system
        GPUs, price in USD and power in kW of each.

    Examples
    --------
    >>> fleet(166_700, usd_per_system=270_000, kw_per_system=10.2).gpus
    1333600.0
    """
    count = checks.number("systems", systems, low=0)
    gpus = checks.number("gpus_per_system", gpus_per_system, low=0)
    price = checks.number("usd_per_system", usd_per_system, low=0, unit="USD")
    power = checks.number("kw_per_system", kw_per_system, low=0, unit="kW")
    return Fleet(gpus=count * gpus, value_usd=count * price, power_kw=count * power)


def _row(table: str, index: str, what: str, name: str) -> Any:
    rows = data.load(table).set_index(index)
    return rows.loc[checks.choice(what, name, rows.index)]


def _case(name: str) -> pd.DataFrame:
    table = data.load("ownership_cases")
    checks.choice("case", name, set(table["case"]))
    return table[table["case"] == name].set_index("parameter")
