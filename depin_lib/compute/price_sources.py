"""Prices of one's own: a CSV file that is checked row by row, or a public catalogue."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from .. import checks, data

__all__ = ["CATALOGUES", "PriceFileError", "read_prices", "update_prices"]

REQUIRED = ("provider", "provider_kind", "model", "pricing", "price", "currency", "unit", "as_of")
#: Columns that may be left out, and what then stands in them.
OPTIONAL = {"gpus": "1", "source": "own file", "confirmed": "no"}
KINDS = ("depin", "hyperscaler", "marketplace", "neocloud")
PRICINGS = ("marketplace", "on_demand", "spot")
#: Hours of a unit of time in which prices are quoted; a month is a twelfth of 8,760 hours.
UNITS = {"GPU-hour": 1.0, "machine-hour": 1.0, "GPU-month": 730.0, "machine-month": 730.0}
MOST_TOLD = 12
TIMEOUT_SECONDS = 30.0

#: Public catalogues: the columns that are read, and where a provider's file lies.
CATALOGUES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "skypilot": {
            "columns": ("AcceleratorName", "AcceleratorCount", "Price", "SpotPrice", "Region"),
            "url": "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/"
            "catalogs/v9/{provider}/vms.csv",
        },
        "gpuhunt": {
            "columns": ("instance_name", "location", "price", "gpu_count", "gpu_name", "spot"),
            "url": "https://dstack-gpu-pricing.s3.eu-west-1.amazonaws.com/v1/{version}/"
            "catalog.zip (a file {provider}.csv for each provider)",
        },
    }
)

#: Names of catalogues for cards that the table knows under another.
ALIASES = {
    "A100": "A100 40GB",
    "A100-80GB": "A100 80GB",
    "A100-80GB-SXM": "A100 80GB SXM",
    "H100-SXM": "H100 SXM",
    "H200-SXM": "H200 SXM",
    "V100": "V100 16GB",
    "V100-32GB": "V100 32GB",
    "RTX3090": "RTX 3090",
    "RTX4090": "RTX 4090",
    "RTX5090": "RTX 5090",
    "RTX6000-Ada": "RTX 6000 Ada",
    "RTXPRO6000": "RTX PRO 6000",
}


class PriceFileError(ValueError):
    """A file of prices cannot be used; the message names rows and columns."""


def read_prices(
    path: str | Path,
    *,
    usd_per: Mapping[str, float] | None = None,
    new_models: Sequence[str] = (),
    new_providers: Sequence[str] = (),
) -> pd.DataFrame:
    """Read and check a CSV file of prices, in the form of the table ``gpu_prices``.

    Parameters
    ----------
    path
        A CSV file with the columns ``provider``, ``provider_kind`` (depin, hyperscaler,
        marketplace or neocloud), ``model``, ``pricing`` (marketplace, on_demand or spot),
        ``price``, ``currency`` (such as USD), ``unit`` (GPU-hour, machine-hour, GPU-month or
        machine-month) and ``as_of`` (YYYY-MM-DD); optionally ``gpus`` (in the machine; 1),
        ``source`` and ``confirmed`` (yes or no; no).
    usd_per
        Dollars per unit of each other currency in the file, ``{"EUR": 1.10}``.
    new_models, new_providers
        Names that are meant and that the shipped table does not know.

    Returns
    -------
    pandas.DataFrame
        One row per provider, model, pricing and half-year: median, lowest and highest price in USD
        per GPU-hour. It can be given as ``table`` to `price_observations` and
        `compare_half_year`.

    Raises
    ------
    PriceFileError
        With the row, the column, the value and what is allowed, for every fault that was found.

    Examples
    --------
    >>> import tempfile
    >>> text = "provider,provider_kind,model,pricing,price,currency,unit,as_of\\n"
    >>> text += "RunPod,neocloud,H100 SXM,on_demand,3.10,USD,GPU-hour,2026-12-01\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "mine.csv")
    ...     _ = file.write_text(text)
    ...     table = read_prices(file)
    >>> table["half_year"].tolist(), table["usd_per_gpu_hour"].tolist()
    (['2026H2'], [3.1])
    """
    raw = _read_csv(Path(path))
    _columns(raw, REQUIRED, str(path))
    if raw.empty:
        raise PriceFileError(f"{path} has no rows; at least one price is needed")
    rates = {"USD": 1.0, **(usd_per or {})}
    for currency, rate in rates.items():
        checks.number(f"usd_per[{currency!r}]", rate, low=0, low_open=True, unit="USD")
    raw = raw.assign(**{c: raw.get(c, v) for c, v in OPTIONAL.items()}).fillna(OPTIONAL)
    values = _checked(raw, rates, new_models, new_providers, str(path))
    machine = raw["unit"].str.startswith("machine").to_numpy()
    usd = np.asarray(values["price"]) * raw["currency"].map(rates).to_numpy()
    usd = usd / raw["unit"].map(UNITS).to_numpy()
    rows = raw.assign(
        usd=usd / np.where(machine, np.asarray(values["gpus"], dtype=np.float64), 1.0),
        last_as_of=pd.to_datetime(values["as_of"]),
    )
    return _as_table(rows)


def _checked(
    raw: pd.DataFrame,
    rates: Mapping[str, float],
    new_models: Sequence[str],
    new_providers: Sequence[str],
    name: str,
) -> dict[str, list[Any]]:
    """Check every column of every row and tell all faults at once."""
    known = data.load("gpu_prices")
    models = {*known["model"], *known["family"], *new_models}
    providers = {*known["provider"], *new_providers}
    rules: dict[str, Callable[[str], Any]] = {
        "provider": lambda x: checks.choice("provider", x, providers),
        "provider_kind": lambda x: checks.choice("provider_kind", x, KINDS),
        "model": lambda x: checks.choice("model", x, models),
        "pricing": lambda x: checks.choice("pricing", x, PRICINGS),
        "price": lambda x: _price(_plain(x)),
        "currency": lambda x: _currency(x, rates),
        "unit": lambda x: checks.choice("unit", x, UNITS),
        "gpus": lambda x: checks.whole_number("gpus", _plain(x)),
        "confirmed": lambda x: checks.choice("confirmed", x, ("no", "yes")),
        "as_of": _day,
    }
    faults: list[tuple[int, str]] = []
    values: dict[str, list[Any]] = {column: [] for column in rules}
    for column, rule in rules.items():
        for number, value in zip(raw.index + 2, raw[column], strict=True):  # the header is row 1
            try:
                if pd.isna(value):
                    raise ValueError(f"{column} is empty")
                values[column].append(rule(value))
            except (TypeError, ValueError) as exc:
                faults.append((number, f"row {number}, column {column}: {exc}"))
    if faults:
        told = [text for _, text in sorted(faults)]
        more = [f"… and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        raise PriceFileError("\n".join([f"{name}:", *told[:MOST_TOLD], *more]))
    return values


def update_prices(
    source: str | Path,
    *,
    catalogue: str,
    provider: str,
    provider_kind: str,
    as_of: str,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> pd.DataFrame:
    """Read a provider's file of a public catalogue, in the form of the table ``gpu_prices``.

    Parameters
    ----------
    source
        A path, or an address that begins with ``https://``; `CATALOGUES` says where files lie.
    catalogue
        ``"skypilot"`` (a ``vms.csv``) or ``"gpuhunt"`` (one provider's CSV from its archive).
    provider, provider_kind
        Whose prices these are; catalogues keep one file per provider.
    as_of
        Day on which the file was fetched, YYYY-MM-DD: the files carry no date.
    timeout_seconds
        How long an address is waited for.

    Returns
    -------
    pandas.DataFrame
        As `read_prices` returns it. ``.attrs["skipped"]`` counts, by name, the rows of cards that
        the shipped table does not know.

    Raises
    ------
    PriceFileError
        If the file cannot be had (without a network: save it and give its path), lacks a column,
        or holds no known card with a price.

    Source: README of skypilot-org/skypilot-catalog (schema v5 and later) and of dstackai/gpuhunt,
    read in November 2026.
    """
    checks.choice("catalogue", catalogue, CATALOGUES)
    checks.choice("provider_kind", provider_kind, KINDS)
    day = _day(as_of)
    raw = _fetched(str(source), timeout_seconds)
    _columns(raw, CATALOGUES[catalogue]["columns"], str(source))
    rows = _skypilot(raw) if catalogue == "skypilot" else _gpuhunt(raw)
    kept, skipped = _known_cards(rows, str(source))
    market = provider_kind in ("depin", "marketplace")
    pricing = kept["pricing"].replace("on_demand", "marketplace") if market else kept["pricing"]
    table = _as_table(
        kept.assign(
            usd=kept["price"] / kept["gpus"],
            pricing=pricing,
            provider=provider,
            provider_kind=provider_kind,
            last_as_of=pd.Timestamp(day),
            confirmed="yes",
            source=f"{catalogue}: {source}",
        )
    )
    table.attrs["skipped"] = skipped
    return table


def _known_cards(rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows with a price of a card that the shipped table knows, and counts of the others."""
    for column in ("price", "gpus"):
        rows[column] = _numbers(rows[column], column, name)
    rows = rows[(rows["gpus"] > 0) & (rows["price"] > 0)]  # zero: not sold on these terms
    known = data.load("gpu_prices")
    model = rows["model"].replace(ALIASES)
    good = model.isin({*known["model"], *known["family"]})
    skipped = {str(k): int(n) for k, n in rows.loc[~good, "model"].value_counts().items()}
    if not good.any():
        named = ", ".join([*skipped][:8]) or "none"
        raise PriceFileError(f"{name} holds no price of a known card; it names {named}")
    return rows.assign(model=model)[good], skipped


def _numbers(values: pd.Series, column: str, name: str) -> pd.Series:
    """Return a column as numbers, or say which row holds none."""
    numbers = pd.to_numeric(values, errors="coerce")
    bad = ~(numbers >= 0) | np.isinf(numbers)
    if bad.any():
        row, value = int(bad.idxmax()) + 2, values[bad].iloc[0]
        raise PriceFileError(
            f"{name}, row {row}: {column} is {value!r}; allowed: finite numbers from 0 on"
        )
    return numbers


def _skypilot(raw: pd.DataFrame) -> pd.DataFrame:
    """Both prices of a machine, one row each."""
    columns = {"AcceleratorName": "model", "AcceleratorCount": "gpus"}
    base = raw.rename(columns=columns)
    parts = [
        base.assign(price=base["Price"], pricing="on_demand"),
        base.assign(price=base["SpotPrice"], pricing="spot"),
    ]
    return pd.concat(parts)[["model", "gpus", "price", "pricing"]].dropna()


def _gpuhunt(raw: pd.DataFrame) -> pd.DataFrame:
    """One price per row; the column spot holds True or False."""
    spot = raw["spot"].astype(str).str.lower() == "true"
    rows = raw.rename(columns={"gpu_name": "model", "gpu_count": "gpus"})
    rows["pricing"] = np.where(spot, "spot", "on_demand")
    return rows[["model", "gpus", "price", "pricing"]].dropna()


def _as_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Median, lowest and highest price by provider, model, pricing and half-year."""
    known = data.load("gpu_prices")
    families = dict(zip(known["model"], known["family"], strict=True))
    half = rows["last_as_of"].dt.month.gt(6).map({False: "H1", True: "H2"})
    rows = rows.assign(half_year=rows["last_as_of"].dt.year.astype(str) + half)
    keys = ["half_year", "model", "provider_kind", "provider", "pricing"]
    found = rows.groupby(keys, as_index=False).agg(
        usd_per_gpu_hour=("usd", "median"),
        usd_min=("usd", "min"),
        usd_max=("usd", "max"),
        offers=("usd", "size"),
        last_as_of=("last_as_of", "max"),
        source=("source", "first"),
        confirmed=("confirmed", "min"),
    )
    found.insert(2, "family", [families.get(m, m) for m in found["model"]])
    return found


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as exc:
        raise PriceFileError(f"{path} cannot be read: {exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise PriceFileError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from None
    return _parsed(text, str(path))


def _fetched(source: str, timeout: float) -> pd.DataFrame:
    """Read a path, or an address if there is a network."""
    if "://" not in source:
        return _read_csv(Path(source))
    if not source.startswith("https://"):
        raise PriceFileError(f"source is {source!r}; allowed: a path, or an https:// address")
    try:
        with urllib.request.urlopen(source, timeout=timeout) as answer:
            text = answer.read().decode("utf-8-sig")
    except (urllib.error.URLError, TimeoutError, OSError) as exc:
        reason = getattr(exc, "reason", exc)
        raise PriceFileError(
            f"{source} could not be reached ({reason}). Without a network: save the file on "
            "another machine and give its path as source"
        ) from None
    return _parsed(text, source)


def _parsed(text: str, name: str) -> pd.DataFrame:
    try:
        rows = pd.read_csv(StringIO(text), dtype=str, skipinitialspace=True, skip_blank_lines=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as exc:
        raise PriceFileError(f"{name} is not a CSV file with a header: {exc}") from None
    return rows.dropna(how="all")


def _columns(raw: pd.DataFrame, needed: Sequence[str], name: str) -> None:
    missing = [column for column in needed if column not in raw]
    if missing:
        raise PriceFileError(
            f"{name} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has {', '.join(map(str, raw.columns))}"
        )


def _currency(value: str, rates: Mapping[str, float]) -> str:
    if value not in rates:
        raise ValueError(
            f"currency is {value!r}; allowed: {', '.join(rates)}; "
            f"for others give their rate, usd_per={{{value!r}: …}}"
        )
    return value


def _price(value: float) -> float:
    return checks.number("price", value, low=0, low_open=True, high=np.inf, high_open=True)


def _plain(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{value!r} is no number; allowed: plain numbers such as 2.49") from None


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise PriceFileError(f"as_of is {value!r}; allowed: a day as YYYY-MM-DD") from None
