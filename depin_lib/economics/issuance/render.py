"""RENDER: three published years, a fixed cap, and an assumption for every year after."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ... import checks

__all__ = [
    "RenderIssue",
    "RenderRules",
    "RenderYearOneSplit",
    "render_annual_issue",
    "render_decline_for_last_year",
    "render_node_pool",
    "render_share_of_new_tokens",
    "render_unspent_budget",
    "render_weekly_node_rewards",
    "render_year_one_split",
]

_DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class RenderRules:
    """What is published of the issuance of RENDER.

    Source: rendernetwork/RNPs @a7ced77: RNP-001 (cap), RNP-006 (year 1), RNP-018 and RNP-023
    (years 2 and 3). Year 1 starts on 20 December 2023. As of November 2026.
    """

    initial_supply: int = 536_870_912  #: RENDER before the first emission
    extra_share: float = 0.20  #: new tokens as a share of the initial supply
    published: tuple[int, ...] = (9_126_804, 5_905_584, 5_905_584)  #: RENDER in years 1, 2, 3

    def __post_init__(self) -> None:
        checks.number("initial_supply", self.initial_supply, low=1, unit="RENDER")
        checks.number("extra_share", self.extra_share, low=0)
        checks.number("sum of published", sum(self.published), low=0, high=self.new_tokens)

    @property
    def new_tokens(self) -> int:
        """Whole tokens that may ever be issued (107,374,182)."""
        return int(self.initial_supply * self.extra_share)

    @property
    def cap(self) -> int:
        """Maximum supply, ignoring burns (644,245,094 RENDER)."""
        return self.initial_supply + self.new_tokens


@dataclass(frozen=True)
class RenderIssue:
    """Yearly issue of RENDER; arrays of shape (n,)."""

    year: NDArray[np.int64]  #: year, 1 from 20 December 2023
    issue: NDArray[np.float64]  #: RENDER in the year
    supply_at_end: NDArray[np.float64]  #: RENDER after the year, ignoring burns
    published: NDArray[np.bool_]  #: True for published years, False for the assumption

    def to_frame(self) -> pd.DataFrame:
        """Return one row per year: issue and supply in RENDER, and whether it is published."""
        return pd.DataFrame(vars(self))


@dataclass(frozen=True)
class RenderYearOneSplit:
    """Parts of a month's issue in year 1, RENDER per month (RNP-003, RNP-006)."""

    total: float  #: the whole month
    foundation: float  #: half to the foundation
    nodes: float  #: a quarter to node operators
    eighth: float  #: each further pool: liquidity or artists, upgrade points, compute nodes


_RULES = RenderRules()


def render_annual_issue(
    years: int, *, later_decline: float, flat_years: int = 3, rules: RenderRules = _RULES
) -> RenderIssue:
    """Compute the yearly issue of RENDER: published years, then a geometric decline.

    The schedule after year 3 stands in a spreadsheet that RNP-001 links and nobody has copied into
    the proposals, so the decline is an assumption that the caller has to make.

    Parameters
    ----------
    years
        Number of years from year 1 on.
    later_decline
        Share by which the issue falls each year after ``flat_years``; RNP-001 proposes a damping
        of 0.945 a year, a decline of 0.055. The issue stops at the cap.
    flat_years
        Last year before the decline; years after the published ones repeat the last of them.
    rules
        Constants; as of November 2026.

    Returns
    -------
    RenderIssue

    Raises
    ------
    ValueError
        If ``years`` is below 1, the decline is outside [0, 1] or ``flat_years`` is below the
        number of published years.

    Examples
    --------
    >>> render_annual_issue(4, later_decline=0.055).issue.round().tolist()
    [9126804.0, 5905584.0, 5905584.0, 5580777.0]
    """
    n = int(checks.number("years", years, low=1, unit="years"))
    decline = checks.number("later_decline", later_decline, low=0, high=1)
    known = len(rules.published)
    flat = int(checks.number("flat_years", flat_years, low=known, unit="years"))
    year = np.arange(1, n + 1)
    later = rules.published[-1] * (1.0 - decline) ** np.maximum(year - flat, 0)
    wanted = np.where(year <= known, _pad(rules.published, n), later)
    total = np.minimum(np.cumsum(wanted), rules.new_tokens)
    issue = np.diff(total, prepend=0.0)
    return RenderIssue(year, issue, rules.initial_supply + total, year <= known)


def render_decline_for_last_year(last_year: int, *, rules: RenderRules = _RULES) -> float:
    """Find the yearly decline after year 3 with which the cap is reached in ``last_year``.

    Examples
    --------
    >>> decline = render_decline_for_last_year(60)
    >>> issue = render_annual_issue(60, later_decline=decline)
    >>> bool(abs(issue.supply_at_end[-1] - RenderRules().cap) < 1)
    True
    """
    known = len(rules.published)
    n = int(checks.number("last_year", last_year, low=known + 1, unit="years")) - known
    left = rules.new_tokens - sum(rules.published)
    first = rules.published[-1]
    if n * first <= left:
        raise ValueError(
            f"last_year is {last_year}: even without a decline the cap is reached later; "
            f"allowed: at least {known + -(-left // first)}"
        )
    powers = np.arange(1, n + 1)
    low, high = 0.0, 1.0
    for _ in range(60):  # bisection to the last bit: the sum falls as the decline rises
        middle = (low + high) / 2
        if first * ((1.0 - middle) ** powers).sum() > left:
            low = middle
        else:
            high = middle
    return middle


def render_share_of_new_tokens(
    annual: ArrayLike, *, new_tokens: float = _RULES.new_tokens
) -> NDArray[np.float64]:
    """Express a year's issue as a share of all tokens that may ever be issued.

    Examples
    --------
    >>> render_share_of_new_tokens([9_126_804, 5_905_584]).round(6).tolist()
    [0.085, 0.055]
    """
    total = checks.number("new_tokens", new_tokens, low=0, low_open=True, unit="RENDER")
    return checks.non_negative("annual", annual, unit="RENDER") / total


def render_year_one_split(annual: float = _RULES.published[0]) -> RenderYearOneSplit:
    """Split a month of year 1 as RNP-003 and RNP-006 do: halves, quarters, eighths.

    Examples
    --------
    >>> render_year_one_split().nodes
    190141.75
    """
    month = checks.number("annual", annual, low=0, unit="RENDER") / 12
    return RenderYearOneSplit(month, month / 2, month / 4, month / 8)


def render_node_pool(monthly: float) -> tuple[float, float]:
    """Turn a month's node rewards into those of a day and of a weekly epoch.

    Examples
    --------
    >>> [round(x) for x in render_node_pool(190_142)]
    [6251, 43759]
    """
    day = checks.number("monthly", monthly, low=0, unit="RENDER") * 12 / _DAYS_PER_YEAR
    return day, 7 * day


def render_unspent_budget(inflow: float, outflows: Sequence[float]) -> float:
    """Compute what is left of a year's budget for nodes (RNP-022), in the unit of the inputs.

    Examples
    --------
    >>> round(render_unspent_budget(1.48, [0.01, 0.80, 0.15]), 2)
    0.52
    """
    spent = checks.non_negative("outflows", outflows).sum()
    return float(checks.number("inflow", inflow, low=0) - spent)


def render_weekly_node_rewards(jobs: float, availability: float) -> float:
    """Add the two pools of a weekly epoch for nodes: for jobs and for being available (RNP-022).

    Examples
    --------
    >>> render_weekly_node_rewards(15_000, 2_800)
    17800.0
    """
    return checks.number("jobs", jobs, low=0, unit="RENDER") + checks.number(
        "availability", availability, low=0, unit="RENDER"
    )


def _pad(values: Sequence[int], length: int) -> NDArray[np.float64]:
    padded = np.full(length, float(values[-1]))
    padded[: len(values)] = values[:length]
    return padded
