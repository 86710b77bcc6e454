"""What a GPU-hour was offered for: the dated table, robust medians, discounts by comparator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks, data
from ..seeds import Seed, seed_word, uniforms
from .facts import fact
from .prices import discount

__all__ = [
    "COMPARATORS",
    "PriceMedian",
    "compare_half_year",
    "market_prices",
    "price_observations",
    "provider_prices",
    "robust_median",
]

#: Fewest prices for which a bootstrap interval of the median is given. With three or fewer the
#: resamples hold so few different medians that the interval is just the range of the prices.
FEWEST = 4

#: What a decentralised offer may be compared with: kind of provider, of pricing, and, where it is
#: one provider only, its name.
COMPARATORS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "hyperscalers, on demand": ("hyperscaler", "on_demand", ""),
        "AWS, on demand": ("hyperscaler", "on_demand", "AWS"),
        "neoclouds, on demand": ("neocloud", "on_demand", ""),
        "hyperscalers, spot": ("hyperscaler", "spot", ""),
        "AWS, spot": ("hyperscaler", "spot", "AWS"),
        "neoclouds, spot": ("neocloud", "spot", ""),
        "marketplaces": ("marketplace", "marketplace", ""),
        "token networks": ("depin", "marketplace", ""),
    }
)

COLUMNS = (
    *("comparator", "offer_usd", "comparator_usd", "discount", "low", "high"),
    *("n_offers", "n_comparator", "interval", "confirmed", "assumed"),
)


@dataclass(frozen=True)
class PriceMedian:
    """A median with its bootstrap interval, or with the reason why there is none."""

    value: float  #: the median, in the unit of the prices
    low: float | None  #: lower end of the interval; None where it is not defined
    high: float | None  #: upper end; None where it is not defined
    n: int  #: how many prices
    confidence: float  #: of the interval, such as 0.95
    reason: str  #: why there is no interval; empty where there is one

    def __str__(self) -> str:
        """Say the median and its interval in a line."""
        if self.low is None or self.high is None:
            return f"{self.value:.2f}, {self.reason}"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}], n = {self.n}"


def price_observations(
    gpu: str | None = None,
    *,
    half_year: str | None = None,
    provider_kinds: Sequence[str] | None = None,
    pricing: Sequence[str] | None = None,
    confirmed_only: bool = False,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Choose rows of the price table; what is not named is not restricted.

    Parameters
    ----------
    gpu
        A model (``"H100 SXM"``) or a family (``"H100"``: every form of it).
    half_year
        Such as ``"2026H2"``.
    provider_kinds
        Of ``"marketplace"``, ``"depin"``, ``"neocloud"`` and ``"hyperscaler"``.
    pricing
        Of ``"on_demand"``, ``"spot"`` and ``"marketplace"``.
    confirmed_only
        Leave out rows whose day was inferred or whose price was quoted second-hand.
    table
        Own prices, as `read_prices` returns them; the table ``gpu_prices`` by default.

    Returns
    -------
    pandas.DataFrame
        Prices in USD per GPU-hour, oldest first, cheapest first within a half-year.

    Raises
    ------
    ValueError
        If a name is not in the table; the nearest is suggested.

    Examples
    --------
    >>> rows = price_observations("H100", half_year="2026H1", pricing=["spot"])
    >>> sorted(set(rows["provider_kind"]))
    ['depin', 'hyperscaler', 'neocloud']
    """
    rows = everything = data.load("gpu_prices") if table is None else table
    if gpu is not None:
        checks.choice("gpu", gpu, {*rows["model"], *rows["family"]})
        rows = rows[(rows["model"] == gpu) | (rows["family"] == gpu)]
    wanted = {
        "half_year": ("half_year", None if half_year is None else [half_year]),
        "provider_kind": ("provider_kinds", provider_kinds),
        "pricing": ("pricing", pricing),
    }
    for column, (argument, names) in wanted.items():
        if names is not None:
            for name in names:
                checks.choice(argument, name, set(everything[column]))
            rows = rows[rows[column].isin(list(names))]
    if confirmed_only:
        rows = rows[rows["confirmed"] == "yes"]
    order = ["half_year", "usd_per_gpu_hour"]
    return rows.sort_values(order, kind="stable").reset_index(drop=True)


def market_prices(
    gpu: str,
    *,
    half_year: str = "2026H2",
    provider_kinds: Sequence[str] = ("marketplace", "depin"),
) -> pd.DataFrame:
    """List the observed rental prices of a GPU, one row per provider and form of the card.

    Parameters
    ----------
    gpu, half_year, provider_kinds
        As in `price_observations`.

    Returns
    -------
    pandas.DataFrame
        Rows of the table ``gpu_prices``, cheapest first; prices in USD per GPU-hour.

    Examples
    --------
    >>> bool((market_prices("RTX 4090")["usd_per_gpu_hour"] < 1).all())
    True
    """
    rows = price_observations(gpu, half_year=half_year, provider_kinds=provider_kinds)
    return rows.sort_values("usd_per_gpu_hour", kind="stable").reset_index(drop=True)


def provider_prices(rows: pd.DataFrame) -> pd.Series:
    """One price per provider: the median over the forms and kinds of pricing that it lists.

    A provider that lists a card in four forms gets one vote, as one that lists it once.

    Parameters
    ----------
    rows
        As `price_observations` returns them.

    Returns
    -------
    pandas.Series
        USD per GPU-hour by provider, in alphabetical order.

    Examples
    --------
    >>> rows = price_observations("RTX 4090", half_year="2026H2")
    >>> int(provider_prices(rows).size)
    6
    """
    return rows.groupby("provider")["usd_per_gpu_hour"].median().sort_index()


def robust_median(
    prices: ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: Seed = 0,
) -> PriceMedian:
    """Median of some prices with a percentile bootstrap interval, where one can be given.

    Parameters
    ----------
    prices
        Shape (n,), any unit, at least one. For n below four there is no interval, and the result
        says so.
    confidence
        Between 0 and 1.
    resamples
        How many samples of n prices are drawn with replacement.
    seed
        Of the resamples.

    Returns
    -------
    PriceMedian
        In the unit of the prices.

    Raises
    ------
    ValueError
        If there is no price, or one is negative or not finite.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> print(robust_median([2.0, 2.2, 2.4, 2.6, 9.0]))
    2.40 [2.00, 9.00], n = 5
    >>> print(robust_median([2.0, 3.0]))
    2.50, no interval: n = 2, at least 4 are needed
    """
    values = _prices("prices", prices)
    level = checks.number("confidence", confidence, low=0, high=1, low_open=True, high_open=True)
    middle = float(np.median(values))
    if values.size < FEWEST:
        return PriceMedian(middle, None, None, values.size, level, _too_few(values.size))
    low, high = np.quantile(
        _medians(values, resamples, seed, 0), [(1 - level) / 2, (1 + level) / 2]
    )
    return PriceMedian(middle, float(low), float(high), values.size, level, "")


def compare_half_year(
    gpu: str,
    half_year: str,
    *,
    offers: Sequence[str] = ("marketplace", "depin"),
    confirmed_only: bool = False,
    commitment: bool = True,
    confidence: float = 0.95,
    resamples: int = 4000,
    seed: Seed = 0,
    table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Discount of decentralised offers against each comparator, with intervals and counts.

    Each provider counts once (`provider_prices`). The discount is that of the medians, positive
    where offers are cheaper. Its interval resamples the providers of both sides; a side of fewer
    than four is held fixed, and the column ``interval`` says so.

    Parameters
    ----------
    gpu, half_year, confirmed_only, table
        As in `price_observations`.
    offers
        Kinds of providers whose ``"marketplace"`` prices are compared, ``"marketplace"``,
        ``"depin"`` or both; a kind that is left out becomes a comparator.
    commitment
        Add AWS's on-demand price by the headline ratios for one and three years, unconfirmed.
    confidence, resamples, seed
        As in `robust_median`.

    Returns
    -------
    pandas.DataFrame
        One row per comparator with prices: ``offer_usd``, ``comparator_usd`` (USD per GPU-hour),
        ``discount``, ``low``, ``high`` (shares; missing where ``interval`` says why), numbers of
        providers, ``confirmed`` (share of the rows used), ``assumed`` (True for commitments).
        ``.attrs["missing"]`` lists comparators without prices.

    Raises
    ------
    ValueError
        If a name is unknown, or nobody offers the card in that half-year.

    Examples
    --------
    >>> table = compare_half_year("H100 SXM", "2026H2").set_index("comparator")
    >>> bool(table.loc["hyperscalers, on demand", "discount"] > 0.6)
    True
    """
    rows = price_observations(gpu, half_year=half_year, confirmed_only=confirmed_only, table=table)
    for kind in offers:
        checks.choice("offers", kind, {"marketplace", "depin"})
    chosen = rows[rows["provider_kind"].isin(list(offers)) & (rows["pricing"] == "marketplace")]
    if chosen.empty:
        raise ValueError(
            f"offers is {tuple(offers)}; there is no such offer of {gpu} in {half_year}"
        )
    known = _comparators(rows, commitment, offers)
    votes, found = provider_prices(chosen).to_numpy(), []
    for name, (compared, ratio) in known.items():
        if not compared.empty:
            other = ratio * provider_prices(compared).to_numpy()
            line = _discount(votes, other, confidence, resamples, seed)
            used = pd.concat([chosen, compared])["confirmed"] == "yes"
            assumed = {"confirmed": float(used.mean()), "assumed": ratio != 1}
            found.append({"comparator": name, **line, **assumed})
    missing = [name for name, (compared, _) in known.items() if compared.empty]
    result = pd.DataFrame(found, columns=list(COLUMNS))
    result.attrs = {"gpu": gpu, "half_year": half_year, "missing": missing}
    return result


def _comparators(
    rows: pd.DataFrame, commitment: bool, offers: Sequence[str]
) -> dict[str, tuple[pd.DataFrame, float]]:
    """Rows and ratio of every comparator that is not itself among the offers, in order."""
    known = {}
    for name, (kind, pricing, provider) in COMPARATORS.items():
        chosen = (rows["provider_kind"] == kind) & (rows["pricing"] == pricing)
        if provider:
            chosen &= rows["provider"] == provider
        if kind not in offers:
            known[name] = (rows[chosen], 1.0)
    if commitment:
        for years in (1, 3):
            ratio = fact(f"aws_commitment_{years}y").value
            name = f"AWS, committed for {years} year{'s' * (years > 1)}"
            known[name] = (known["AWS, on demand"][0], ratio)
    return known


def _discount(
    offers: NDArray[np.float64],
    compared: NDArray[np.float64],
    confidence: float,
    resamples: int,
    seed: Seed,
) -> dict[str, float | int | str | None]:
    """Discount of two medians; only sides with enough prices are resampled."""
    sides = {"offers": offers, "comparator": compared}
    few = [f"{name} held fixed (n = {x.size})" for name, x in sides.items() if x.size < FEWEST]
    line: dict[str, float | int | str | None] = {
        "offer_usd": float(np.median(offers)),
        "comparator_usd": float(np.median(compared)),
        "discount": float(discount(np.median(offers), np.median(compared))),
        "low": None,
        "high": None,
        "n_offers": offers.size,
        "n_comparator": compared.size,
        "interval": "; ".join(few),
    }
    if len(few) == len(sides):
        line["interval"] = f"no interval: n = {offers.size} and {compared.size}"
        return line
    word = seed_word(seed)
    drawn = [
        _medians(x, resamples, int(word), purpose) if x.size >= FEWEST else np.median(x)
        for purpose, x in enumerate(sides.values())
    ]
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    line["low"], line["high"] = map(float, np.quantile(1 - drawn[0] / drawn[1], ends))
    return line


def _medians(
    values: NDArray[np.float64], resamples: int, seed: Seed, purpose: int
) -> NDArray[np.float64]:
    """Medians of resamples with replacement."""
    count = checks.whole_number("resamples", resamples, low=100)
    u = uniforms(count, values.size, seed=seed, purpose=purpose)
    medians: NDArray[np.float64] = np.median(values[(u * values.size).astype(np.intp)], axis=1)
    return medians


def _prices(name: str, prices: ArrayLike) -> NDArray[np.float64]:
    values = checks.finite(name, prices, low=0, low_open=True).ravel()
    if not values.size:
        raise ValueError(f"{name} is empty; allowed: at least one price")
    return values


def _too_few(n: int) -> str:
    return f"no interval: n = {n}, at least {FEWEST} are needed"
