"""What is to be computed, and who offers to: workloads, offers and ways to buy, with their doubts.

An input is a number, or a distribution where it is not known. The presets come from the table
``comparison_inputs``, which names the source of every input and says whether it is confirmed;
prices come from ``gpu_prices``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import ceil, log, sqrt
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .. import checks, data
from ..distributions import Distribution, Empirical, Lognormal, Triangular, Uniform
from .price_observations import price_observations

__all__ = [
    "GPUS_PER_MACHINE",
    "PROVIDERS",
    "WORKLOADS",
    "Known",
    "Offer",
    "ProviderKind",
    "Workload",
    "offer",
    "offered_prices",
    "provider_kind",
    "provider_kinds",
    "workload",
]

Known: TypeAlias = float | Distribution
GPUS_PER_MACHINE = 8
INTERCONNECTS = ("single", "node", "cluster")
#: Standard normal quantile between the 5% and the 95% point.
_Z95 = 1.6448536269514722

#: Range and unit of each input.
_ALLOWED: dict[str, dict[str, Any]] = {
    "price_usd": {"low": 0, "low_open": True, "unit": "USD per GPU-hour"},
    "mtbf_hours": {"low": 0, "low_open": True, "unit": "hours"},
    "restart_hours": {"low": 0, "unit": "hours"},
    "bandwidth_gbps": {"low": 0, "low_open": True, "unit": "Gb/s per machine"},
    "egress_usd_per_gb": {"low": 0, "unit": "USD per GB"},
    "verification": {"low": 0},
    "uptime": {"low": 0, "low_open": True, "high": 1},
    "speed_single": {"low": 0, "low_open": True},
    "speed_node": {"low": 0, "low_open": True},
    "speed_cluster": {"low": 0, "low_open": True},
    "subsidy_ratio": {"low": 0},
    "egress_gb_per_hour": {"low": 0, "unit": "GB per useful GPU-hour"},
    "state_gb": {"low": 0, "unit": "GB"},
    "session_hours": {"low": 0, "low_open": True, "unit": "hours"},
    "active_share": {"low": 0, "low_open": True, "high": 1},
    "persistence": {"low": 0, "high": 1},
    "demand_cv": {"low": 0, "high": 2},
    "ratio": {"low": 0, "low_open": True},
}


@dataclass(frozen=True)
class Workload:
    """What is to be computed; the six inputs that may be uncertain are numbers or distributions.

    Raises
    ------
    TypeError, ValueError
        If an input is of another type or lies outside its range; the message names both.

    Examples
    --------
    >>> workload("fine-tuning").machines
    1
    """

    name: str  #: how it is called
    gpus: int = 8  #: GPUs that work together; all stop when one machine does
    gpu_hours: float = 1000.0  #: useful GPU-hours in all
    egress_gb_per_hour: Known = 0.0  #: results that leave; GB per useful GPU-hour
    state_gb: Known = 0.0  #: size of a checkpoint of the whole job; GB; 0: stateless
    session_hours: Known = 24.0  #: hours between two starts
    active_share: Known = 1.0  #: share of a year in which it runs
    persistence: Known = 1.0  #: chance that it is still there a year later
    demand_cv: Known = 0.0  #: standard deviation of the GPUs needed, over their mean
    interconnect: str = "node"  #: "single", "node" (one machine) or "cluster" (several in step)
    replicas: int = 0  #: machines that must answer at any time; 0: nobody waits
    uptime_target: float = 0.0  #: share of time in which that many are up
    verify: float = 1.0  #: weight of the offer's checks; 0 where results prove themselves

    def __post_init__(self) -> None:
        checks.whole_number("gpus", self.gpus)
        checks.number("gpu_hours", self.gpu_hours, low=0, low_open=True, unit="GPU-hours")
        checks.choice("interconnect", self.interconnect, INTERCONNECTS)
        checks.whole_number("replicas", self.replicas, low=0)
        checks.number("uptime_target", self.uptime_target, low=0, high=1, high_open=True)
        checks.number("verify", self.verify, low=0)
        _check_inputs(self)

    @property
    def machines(self) -> int:
        """Machines of eight GPUs that the job holds at once."""
        return ceil(self.gpus / GPUS_PER_MACHINE)

    @property
    def stateless(self) -> bool:
        """Whether there is no state to save, so that a stop costs only the machine's restart."""
        return not isinstance(self.state_gb, Distribution) and self.state_gb == 0


@dataclass(frozen=True)
class Offer:
    """A GPU-hour to be had from one kind of provider, without commitment.

    Raises
    ------
    TypeError, ValueError
        If an input is of another type or lies outside its range; the message names both.

    Examples
    --------
    >>> offer("neocloud").egress_usd_per_gb
    Uniform(low=0.0, high=0.015)
    """

    name: str  #: how it is called; part of the names of its inputs
    price_usd: Known  #: list price; USD per GPU-hour
    mtbf_hours: Known = 1e9  #: mean time between interruptions of a machine of eight GPUs; hours
    restart_hours: Known = 0.0  #: time to find a machine and be at work; hours
    bandwidth_gbps: Known = 10.0  #: to where copies are kept; Gb/s per machine
    egress_usd_per_gb: Known = 0.0  #: price of data that leave; USD per GB
    verification: Known = 0.0  #: work repeated as a check, as a share
    uptime: Known = 1.0  #: share of time in which a rented machine is up
    speed_single: Known = 1.0  #: relative speed for jobs on one GPU
    speed_node: Known = 1.0  #: for jobs on one machine
    speed_cluster: Known = 1.0  #: for jobs on several machines in step
    subsidy_ratio: Known = 0.0  #: token emission per dollar of price
    leaves: bool = False  #: whether copies must leave the provider, and pay egress, to be safe
    capacity_gpus: float = np.inf  #: GPUs that exist there

    def __post_init__(self) -> None:
        checks.number("capacity_gpus", self.capacity_gpus, low=0, unit="GPUs")
        _check_inputs(self)


@dataclass(frozen=True)
class ProviderKind:
    """A way to buy: from one offer as needed, or a reserved base with another offer for bursts.

    Where there is a base, as much is reserved as makes the expected cost smallest in each draw.

    Examples
    --------
    >>> provider_kind("hybrid_neocloud").base.name
    'neocloud'
    """

    name: str  #: how it is called
    burst: Offer  #: where hours are bought as needed
    base: Offer | None = None  #: where hours are reserved, used or not
    ratio: Known = 1.0  #: reserved price over the base's list price
    committed_usd: Known | None = (
        None  #: reserved price itself, instead of a ratio; USD per GPU-hour
    )
    years: int = 1  #: length of the commitment

    def __post_init__(self) -> None:
        checks.whole_number("years", self.years, high=10)
        _check("ratio", self.ratio, "ratio")
        if self.committed_usd is not None:
            _check("committed_usd", self.committed_usd, "price_usd")

    def offers(self) -> list[Offer]:
        """List the one or two offers behind it, the base first."""
        return [self.burst] if self.base is None else [self.base, self.burst]


#: The ways to buy: offer for bursts, offer of the base, years.
PROVIDERS: dict[str, tuple[str, str | None, int]] = {
    "hyperscaler": ("hyperscaler", None, 1),
    "hyperscaler_spot": ("hyperscaler_spot", None, 1),
    "hyperscaler_1y": ("hyperscaler", "hyperscaler", 1),
    "hyperscaler_3y": ("hyperscaler", "hyperscaler", 3),
    "neocloud": ("neocloud", None, 1),
    "neocloud_1y": ("neocloud", "neocloud", 1),
    "marketplace": ("marketplace", None, 1),
    "depin": ("depin", None, 1),
    "hybrid_hyperscaler": ("depin", "hyperscaler", 3),
    "hybrid_neocloud": ("depin", "neocloud", 1),
}
#: Whose terms a hybrid has.
_TERMS = {"hybrid_hyperscaler": "hyperscaler_3y", "hybrid_neocloud": "neocloud_1y"}
WORKLOADS = ("batch", "inference", "fine-tuning", "large training")
_PRICING = {
    "hyperscaler": ("hyperscaler", "on_demand"),
    "hyperscaler_spot": ("hyperscaler", "spot"),
    "neocloud": ("neocloud", "on_demand"),
    "marketplace": ("marketplace", "marketplace"),
    "depin": ("depin", "marketplace"),
}
#: Points that stand for one provider: divisible by most numbers of rows.
_POINTS = 60


def workload(name: str) -> Workload:
    """Return one of the four workloads of the book.

    Parameters
    ----------
    name
        ``"batch"``, ``"inference"``, ``"fine-tuning"`` or ``"large training"``.

    Raises
    ------
    ValueError
        If there is none of this name; the nearest is suggested.

    Examples
    --------
    >>> workload("large training").machines
    128
    """
    known = _inputs("workload", checks.choice("workload", name, WORKLOADS))
    numbers = {k: int(known.pop(k)) for k in ("gpus", "replicas") if k in known}  # type: ignore[arg-type]
    several = numbers["gpus"] > GPUS_PER_MACHINE
    return Workload(name, interconnect="cluster" if several else "node", **numbers, **known)  # type: ignore[arg-type]


def offered_prices(
    name: str, *, gpu: str = "H100", half_year: str = "2026H2", provider: str | None = None
) -> Empirical:
    """Spread of the list prices of one kind of offer: each provider as likely as the others.

    Of a provider the lowest, the median and the highest offer are known; between them the
    logarithms of the prices are taken as evenly spread. Cards with a slower bus (PCIe, NVL) are
    left out.

    Parameters
    ----------
    name
        An offer: ``"hyperscaler"``, ``"hyperscaler_spot"``, ``"neocloud"``, ``"marketplace"`` or
        ``"depin"``.
    gpu
        A family, such as ``"H100"``: its SXM form and offers that do not name the form.
    half_year
        Such as ``"2026H2"``.
    provider
        One provider only, such as ``"AWS"``.

    Raises
    ------
    ValueError
        If the name is unknown, or the table has no such price.

    Examples
    --------
    >>> bool(offered_prices("depin").quantile(0.5) < offered_prices("hyperscaler").quantile(0.5))
    True
    """
    kind, pricing = _PRICING[checks.choice("offer", name, _PRICING)]
    known = {"half_year": half_year, "provider_kinds": [kind], "pricing": [pricing]}
    rows = price_observations(gpu, **known)  # type: ignore[arg-type]
    rows = rows[rows["model"].isin([gpu, f"{gpu} SXM"])]
    if provider is not None:
        rows = rows[rows["provider"] == checks.choice("provider", provider, rows["provider"])]
    if rows.empty:
        raise ValueError(f"gpu is {gpu!r}; the table gpu_prices has no {name} of it in {half_year}")
    values = []
    for _, group in rows.groupby("provider", sort=True):
        points = (_POINTS // len(group)) | 1  # odd, so that the middle one is the median itself
        steps = (np.arange(points) + 0.5) / points
        for seen in group[["usd_min", "usd_per_gpu_hour", "usd_max"]].to_numpy(np.float64):
            values.append(np.exp(np.interp(steps, [0.0, 0.5, 1.0], np.log(seen))))
    return Empirical(np.concatenate(values))


def offer(
    name: str, *, gpu: str = "H100", half_year: str = "2026H2", provider: str | None = None
) -> Offer:
    """Return an offer with its prices and with what the table knows of its other inputs.

    Parameters
    ----------
    name, gpu, half_year, provider
        As in `offered_prices`.

    Raises
    ------
    ValueError
        As `offered_prices`.

    Examples
    --------
    >>> offer("depin").capacity_gpus
    63.0
    """
    price = offered_prices(name, gpu=gpu, half_year=half_year, provider=provider)
    known = _inputs("offer", name)
    leaves = bool(known.pop("leaves"))
    return Offer(name, price, leaves=leaves, **known)  # type: ignore[arg-type]


def provider_kind(name: str, *, gpu: str = "H100", half_year: str = "2026H2") -> ProviderKind:
    """Return one of the ways to buy that the book compares.

    Parameters
    ----------
    name
        A key of `PROVIDERS`. ``"hybrid_hyperscaler"`` reserves for three years at a hyperscaler,
        ``"hybrid_neocloud"`` for one at a neocloud; both buy bursts from a token network.
    gpu, half_year
        As in `offered_prices`.

    Raises
    ------
    ValueError
        If the name is unknown, or the table has no such price.

    Examples
    --------
    >>> provider_kind("hyperscaler_3y").years
    3
    """
    burst, base, years = PROVIDERS[checks.choice("provider", name, PROVIDERS)]
    offers = {k: offer(k, gpu=gpu, half_year=half_year) for k in {burst, base} - {None}}  # type: ignore[arg-type]
    kind = ProviderKind(name, offers[burst], None if base is None else offers[base], years=years)
    terms = _inputs("provider", _TERMS.get(name, name))
    if "price_usd" in terms:
        return replace(kind, committed_usd=terms["price_usd"])
    return replace(kind, ratio=terms.get("ratio", 1.0))


def provider_kinds(
    *, gpu: str = "H100", half_year: str = "2026H2", changes: Mapping[str, Any] | None = None
) -> tuple[ProviderKind, ...]:
    """Return all ways to buy, some inputs changed if you like.

    Parameters
    ----------
    gpu, half_year
        As in `offered_prices`.
    changes
        New values by ``"offer.input"``, numbers or distributions.

    Raises
    ------
    ValueError
        If a name is unknown.

    Examples
    --------
    >>> kinds = provider_kinds(changes={"depin.mtbf_hours": 24.0})
    >>> [k.burst.mtbf_hours for k in kinds if k.name == "depin"]
    [24.0]
    """
    kinds = [provider_kind(name, gpu=gpu, half_year=half_year) for name in PROVIDERS]
    return tuple(with_changes(kind, changes or {}) for kind in kinds)


def with_changes(kind: ProviderKind, changes: Mapping[str, Any]) -> ProviderKind:
    """Return a provider with some inputs of its offers changed, by ``"offer.input"``."""
    for name in changes:
        owner, _, field = name.partition(".")
        checks.choice("offer", owner, _PRICING)
        checks.choice("input", field, {f.name for f in fields(Offer)} - {"name"})

    def changed(old: Offer) -> Offer:
        mine = {k.split(".")[1]: v for k, v in changes.items() if k.split(".")[0] == old.name}
        return replace(old, **mine)

    base = None if kind.base is None else changed(kind.base)
    return replace(kind, burst=changed(kind.burst), base=base)


def _inputs(group: str, name: str) -> dict[str, Known]:
    table: pd.DataFrame = data.load("comparison_inputs")
    rows = table[(table["group"] == group) & (table["name"] == name)]
    return {str(row.input): _known(row) for row in rows.itertuples()}


def _known(row: Any) -> Known:
    if row.shape == "fixed":
        return float(row.value)
    if row.shape == "triangular":
        return Triangular(float(row.low), float(row.value), float(row.high))
    if row.shape == "range":
        middle, ratio = sqrt(row.low * row.high), log(row.high / row.low)
        return Lognormal(middle, ratio / (2 * _Z95))
    return Uniform(float(row.low), float(row.high))


def _check_inputs(item: Workload | Offer) -> None:
    for field in fields(item):
        if field.name in _ALLOWED:
            _check(field.name, getattr(item, field.name), field.name)


def _check(name: str, value: Known, rule: str) -> None:
    """Check a number, or both ends of a distribution."""
    ends = value.quantile([0.0, 1 - 1e-9]) if isinstance(value, Distribution) else [value]
    for end in ends:
        allowed = dict(_ALLOWED[rule])
        if isinstance(value, Distribution):  # a lognormal reaches its open end only in the limit
            allowed["low_open"] = False
        checks.number(name, end, **{"high": 1e300} | allowed)
