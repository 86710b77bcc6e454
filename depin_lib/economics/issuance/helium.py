"""HNT: a halving every second August, and what governance added to it later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ... import checks

__all__ = [
    "HNT_REGIMES",
    "HntIssue",
    "HntRewardSplit",
    "HntRules",
    "HntSupplement",
    "daily_emission",
    "hnt_annual_issue",
    "hnt_daily_issue",
    "hnt_epoch_issue",
    "hnt_max_supply",
    "hnt_net_emission_cap",
    "hnt_reward_split",
    "hnt_supply_at_start",
    "treasury_stream",
]

_DAYS_PER_YEAR = 365


@dataclass(frozen=True)
class HntRules:
    """The schedule of HIP-20 and its later additions.

    Source: helium/HIP @6f6d0ba, 0020 (November 2020), 0138 (2024) and 0149 (July 2026);
    helium/helium-program-library @145947e. As of November 2026.
    """

    first_year_issue_hnt: float = 60_000_000.0  #: HNT in year 1, which starts on 1 August 2019
    years_per_halving: int = 2  #: years
    launch_year: int = 2019  #: calendar year of the August in which year 1 starts
    net_emission_cap_share: float = 0.01  #: of the issue at adoption, never halved
    treasury_stream_hnt: float = 2_900_000.0  #: HNT, HIP-138, to the MOBILE treasury
    treasury_stream_start: date = date(2024, 12, 7)  #: 237 days before its end
    treasury_stream_end: date = date(2025, 8, 1)  #: first day without it

    def __post_init__(self) -> None:
        checks.number("first_year_issue_hnt", self.first_year_issue_hnt, low=0, unit="HNT")
        checks.number("years_per_halving", self.years_per_halving, low=1, unit="years")
        checks.number("net_emission_cap_share", self.net_emission_cap_share, low=0, high=1)

    @property
    def net_emission_cap_hnt_per_day(self) -> float:
        """Cap on net emissions, HNT per day (1,643.8356…), at HIP-20's first-year issue."""
        return self.first_year_issue_hnt * self.net_emission_cap_share / _DAYS_PER_YEAR


@dataclass(frozen=True)
class HntSupplement:
    """HIP-149's operations and growth supplement: a flat rate, then a linear taper to zero.

    Source: helium/HIP @6f6d0ba, 0149, decisions 2 and 4 (approved 6 July 2026).
    """

    flat_hnt_per_day: float = 196_000.0  #: HNT per day
    flat_days: int = 360  #: days at the flat rate
    taper_days: int = 720  #: days from the flat rate to zero
    start: date = date(2026, 8, 6)  #: first day that mints
    council_share: float = 0.0125  #: of the supplement, to the elected council members

    def __post_init__(self) -> None:
        checks.number("flat_hnt_per_day", self.flat_hnt_per_day, low=0, unit="HNT per day")
        checks.number("flat_days", self.flat_days, low=0, unit="days")
        checks.number("taper_days", self.taper_days, low=0, unit="days")
        checks.number("council_share", self.council_share, low=0, high=1)

    @property
    def flat_hnt(self) -> float:
        """HNT minted in all the days at the flat rate (70,560,000 by default)."""
        return self.flat_hnt_per_day * self.flat_days

    @property
    def taper_hnt(self) -> float:
        """HNT minted while the rate falls: half the flat rate on average."""
        return self.flat_hnt_per_day * self.taper_days / 2

    @property
    def total_hnt(self) -> float:
        """HNT minted from the first day to the last (141,120,000 by default)."""
        return self.flat_hnt + self.taper_hnt

    @property
    def council_hnt(self) -> float:
        """HNT of `total_hnt` that go to the elected council members."""
        return self.total_hnt * self.council_share

    def on_day(self, day: ArrayLike) -> NDArray[np.float64]:
        """HNT minted on days counted from the start (0 is the first day); 0 before and after.

        Examples
        --------
        >>> HntSupplement().on_day([-1, 0, 359, 1079, 1080]).round(1).tolist()
        [0.0, 196000.0, 196000.0, 136.1, 0.0]
        """
        d = checks.finite("day", day, unit="days")
        left = 1.0 - (d - self.flat_days + 0.5) / max(self.taper_days, 1)
        taper = np.where(d < self.flat_days + self.taper_days, left, 0.0)
        return self.flat_hnt_per_day * np.where(d < 0, 0.0, np.where(d < self.flat_days, 1, taper))


@dataclass(frozen=True)
class HntRewardSplit:
    """Who gets the issue of a year under HIP-20, in percent; arrays of the shape of ``year``."""

    year: NDArray[np.int64]
    poc: NDArray[np.float64]  #: proof of coverage
    data: NDArray[np.float64]  #: data transfer
    securities: NDArray[np.float64]  #: founders and investors (HST holders)
    consensus: NDArray[np.float64]  #: consensus group

    def to_frame(self) -> pd.DataFrame:
        """Return one row per year: the four recipients' parts of the issue, in percent."""
        return pd.DataFrame(vars(self))


@dataclass(frozen=True)
class HntIssue:
    """Scheduled new HNT per day, by origin; net emissions (re-minted burns) are not in it."""

    day: pd.DatetimeIndex
    schedule_hnt: NDArray[np.float64]  #: HNT per day from the yearly schedule
    treasury_hnt: NDArray[np.float64]  #: HNT per day from HIP-138's stream
    supplement_hnt: NDArray[np.float64]  #: HNT per day from HIP-149's supplement

    @property
    def total_hnt(self) -> NDArray[np.float64]:
        """HNT per day from the schedule, the treasury and the supplement together."""
        return self.schedule_hnt + self.treasury_hnt + self.supplement_hnt

    def to_frame(self) -> pd.DataFrame:
        """Return one row per day: the three origins and their sum, in HNT per day."""
        return pd.DataFrame({**vars(self), "total_hnt": self.total_hnt})


#: Rules by name, oldest first, with the day from which each one held. A rule contains the former.
HNT_REGIMES: dict[str, date] = {
    "launch": date(2019, 8, 1),
    "hip20": date(2021, 8, 1),
    "hip138": date(2024, 12, 7),
    "hip149": date(2026, 8, 6),
}
_RULES = HntRules()
_SUPPLEMENT = HntSupplement()


def hnt_annual_issue(year: ArrayLike, *, rules: HntRules = _RULES) -> NDArray[np.float64]:
    """Compute the HNT that HIP-20 issues in a year: 60 million, halved every second year.

    Parameters
    ----------
    year
        Year number, 1 for the year from 1 August 2019; any shape.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    float64 array of the same shape
        HNT per year.

    Raises
    ------
    ValueError
        If a year is not a whole number from 1 on.

    Examples
    --------
    >>> hnt_annual_issue([1, 2, 3, 8]).tolist()
    [60000000.0, 60000000.0, 30000000.0, 7500000.0]
    """
    t = _years(year)
    return np.ldexp(rules.first_year_issue_hnt, -((t - 1) // rules.years_per_halving))


def hnt_supply_at_start(year: ArrayLike, *, rules: HntRules = _RULES) -> NDArray[np.float64]:
    """Compute HIP-20's supply at the start of a year, if every token is minted and none burned.

    About 17 million of year 1 were never minted, because blocks were slow: subtract them for the
    supply that HIP-20 calls true.

    Parameters
    ----------
    year
        Year number, 1 for the year from 1 August 2019; any shape.
    rules
        Constants; defaults as of November 2026.

    Returns
    -------
    float64 array of the same shape
        HNT.

    Raises
    ------
    ValueError
        If a year is not a whole number from 1 on.

    Examples
    --------
    >>> hnt_supply_at_start([1, 3, 9]).tolist()
    [0.0, 120000000.0, 225000000.0]
    """
    t = _years(year) - 1
    n = rules.years_per_halving
    full, rest = t // n, t % n
    before = n * rules.first_year_issue_hnt * 2 * (1.0 - np.ldexp(1.0, -full))
    return before + rest * np.ldexp(rules.first_year_issue_hnt, -full)


def hnt_reward_split(year: ArrayLike) -> HntRewardSplit:
    """Return HIP-20's split of a year's issue, in percent.

    Proof of coverage loses 1.5 points a year and the founders 1, data transfer gains them, until
    year 20; from then on 0 / 79 / 15 / 6.

    Parameters
    ----------
    year
        Year number, 1 for the year from 1 August 2019; any shape.

    Returns
    -------
    HntRewardSplit

    Raises
    ------
    ValueError
        If a year is not a whole number from 1 on.

    Examples
    --------
    >>> split = hnt_reward_split(7)
    >>> float(split.poc), float(split.data), float(split.securities), float(split.consensus)
    (20.0, 45.0, 29.0, 6.0)
    """
    t = _years(year)
    k = t - 1.0
    late = t > 20
    return HntRewardSplit(
        year=t,
        poc=np.where(late, 0.0, 29.0 - 1.5 * k),
        data=np.where(late, 79.0, 30.0 + 2.5 * k),
        securities=np.where(late, 15.0, 35.0 - k),
        consensus=np.full(t.shape, 6.0),
    )


def hnt_epoch_issue(
    annual_hnt: float, epochs_per_day: float, *, days: int = _DAYS_PER_YEAR
) -> float:
    """Divide a year's issue among its epochs (48 a day on the first chain, 1 on Solana).

    Examples
    --------
    >>> round(hnt_epoch_issue(60e6, 48), 2)
    3424.66
    """
    checks.number("annual_hnt", annual_hnt, low=0, unit="HNT")
    checks.number("epochs_per_day", epochs_per_day, low=0, low_open=True)
    checks.number("days", days, low=1, unit="days")
    return annual_hnt / (days * epochs_per_day)


def hnt_net_emission_cap(
    annual_hnt: float,
    *,
    share: float = _RULES.net_emission_cap_share,
    epochs_per_day: float = 1,
    days: int = _DAYS_PER_YEAR,
) -> float:
    """Compute the cap on net emissions per epoch: a share of the issue at adoption.

    Examples
    --------
    >>> round(hnt_net_emission_cap(60e6), 8)
    1643.83561644
    >>> round(hnt_net_emission_cap(60e6, epochs_per_day=48), 2)
    34.25
    """
    checks.number("share", share, low=0, high=1)
    return share * hnt_epoch_issue(annual_hnt, epochs_per_day, days=days)


def daily_emission(annual: ArrayLike, days: ArrayLike, *, decimals: int = 8) -> NDArray[np.float64]:
    """Compute the constant per day that is stored on chain: a year's issue over its days, rounded.

    Parameters
    ----------
    annual
        Tokens per year from August to August, any shape.
    days
        Days of that year (365 or 366), of a shape that fits.
    decimals
        Decimals of the token: 8 for HNT, 6 for IOT and MOBILE.

    Returns
    -------
    float64 array
        Tokens per day.

    Raises
    ------
    ValueError
        If an amount is negative or a year has no days.

    Examples
    --------
    >>> daily_emission([15e6, 7.5e6], [366, 365]).tolist()
    [40983.60655738, 20547.94520548]
    """
    amount = checks.non_negative("annual", annual, unit="tokens per year")
    length = checks.finite("days", days, low=1, unit="days")
    return np.round(amount / length, int(checks.number("decimals", decimals, low=0, high=18)))


def treasury_stream(total_hnt: float, days: int) -> float:
    """Compute the daily rate of a one-off amount, rounded to bones (1e-8 HNT), as in HIP-138.

    Examples
    --------
    >>> treasury_stream(2.9e6, 237)
    12236.28691983
    """
    return float(daily_emission(total_hnt, days))


def hnt_max_supply(effective_hnt: float, supplement_hnt: float = _SUPPLEMENT.total_hnt) -> float:
    """Add a supplement to the most HNT that could exist before it (HIP-149: 206 to 347 million).

    Examples
    --------
    >>> hnt_max_supply(206e6)
    347120000.0
    """
    before = checks.number("effective_hnt", effective_hnt, low=0, unit="HNT")
    return before + checks.number("supplement_hnt", supplement_hnt, low=0, unit="HNT")


def hnt_daily_issue(
    start: date,
    end: date,
    *,
    regime: str = "hip149",
    rules: HntRules = _RULES,
    supplement: HntSupplement = _SUPPLEMENT,
) -> HntIssue:
    """Compute the scheduled new HNT of each day.

    Parameters
    ----------
    start, end
        First day and the day after the last; not before 1 August 2019.
    regime
        ``"launch"``: 5 million a month for ever. ``"hip20"``: halved every second August.
        ``"hip138"``: and 2.9 million to the MOBILE treasury until 1 August 2025. ``"hip149"``:
        and the supplement from 6 August 2026, as of November 2026.
    rules, supplement
        Constants; defaults as of November 2026.

    Returns
    -------
    HntIssue
        One entry per day.

    Raises
    ------
    ValueError
        If the regime is not known, or the days are out of order or before the launch.

    Examples
    --------
    >>> issue = hnt_daily_issue(date(2026, 8, 5), date(2026, 8, 7))
    >>> issue.total_hnt.round(2).tolist()
    [20547.95, 216547.95]
    """
    names: Sequence[str] = list(HNT_REGIMES)
    level = names.index(checks.choice("regime", regime, names))
    launch = date(rules.launch_year, 8, 1)
    if not launch <= start < end:
        raise ValueError(f"start is {start}, end is {end}; allowed: {launch} ≤ start < end")
    days = pd.date_range(start, end, inclusive="left")
    august = np.array(days.year - (days.month < 8), np.int64)
    if level == 0:
        annual = np.full(len(days), rules.first_year_issue_hnt)
    else:
        annual = hnt_annual_issue(august - rules.launch_year + 1, rules=rules)
    length = np.array([(date(y + 1, 8, 1) - date(y, 8, 1)).days for y in august])
    treasury: NDArray[np.float64] = np.zeros(len(days))
    extra: NDArray[np.float64] = np.zeros(len(days))
    if level >= 2:
        span = (rules.treasury_stream_end - rules.treasury_stream_start).days
        rate = treasury_stream(rules.treasury_stream_hnt, span)
        after_start = days >= pd.Timestamp(rules.treasury_stream_start)
        before_end = days < pd.Timestamp(rules.treasury_stream_end)
        treasury = np.where(after_start & before_end, rate, 0.0)
    if level >= 3:
        extra = supplement.on_day((days - pd.Timestamp(supplement.start)).days.to_numpy())
    return HntIssue(days, daily_emission(annual, length), treasury, extra)


def _years(year: ArrayLike) -> NDArray[np.int64]:
    t = checks.finite("year", year, low=1, unit="(1 is the year from 1 August 2019)")
    if (t != np.floor(t)).any():
        raise ValueError("year must hold whole numbers from 1 on")
    return t.astype(np.int64)
