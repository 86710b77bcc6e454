"""Dated fact tables: each with its date, units, source and licence, and a hash that is checked."""

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from .. import checks

__all__ = ["DataError", "catalogue", "load", "loaded"]

_TABLES = files(__package__) / "tables"
_loaded: dict[str, None] = {}


class DataError(RuntimeError):
    """A table on disk is not the table that was published with this version."""


@cache
def _register() -> dict[str, dict[str, Any]]:
    return tomllib.loads((_TABLES / "tables.toml").read_text("utf-8"))


def catalogue() -> pd.DataFrame:
    """List every table: its title, date, source and licence, indexed by name.

    Examples
    --------
    >>> bool(catalogue()["licence"].notna().all())
    True
    """
    rows = pd.DataFrame.from_dict(_register(), orient="index")
    return rows[["title", "as_of", "source", "licence"]].rename_axis("table").sort_index()


def load(name: str) -> pd.DataFrame:
    """Load a fact table.

    Parameters
    ----------
    name
        A name listed by `catalogue`.

    Returns
    -------
    pandas.DataFrame
        The rows. ``.attrs`` holds ``name``, ``title``, ``as_of``, ``units`` (by column),
        ``source``, ``licence`` and ``note``.

    Raises
    ------
    ValueError
        If the name is not known; the message suggests the nearest.
    DataError
        If the file was changed or is missing.

    Examples
    --------
    >>> table = load("network_supply")
    >>> table.attrs["as_of"] is not None
    True
    """
    about = _register()[checks.choice("table", name, _register())]
    path = _TABLES / f"{name}.csv"
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise DataError(f"table {name!r}: {exc.strerror or exc}; install depin-lib anew") from None
    digest = hashlib.sha256(raw.replace(b"\r\n", b"\n")).hexdigest()
    if digest != about["sha256"]:
        raise DataError(
            f"table {name!r} was changed: its SHA-256 is {digest}, "
            f"registered is {about['sha256']}; to keep the change, register the new hash "
            "with: python3 tasks.py data"
        )
    with path.open("rb") as stream:
        table = pd.read_csv(stream, parse_dates=about.get("dates", []))
    table.attrs = {
        "name": name,
        **{k: about[k] for k in ("title", "as_of", "units", "source", "licence")},
        "note": about.get("note", ""),
    }
    _loaded[name] = None
    return table


def loaded() -> list[str]:
    """List the tables that were loaded in this session, also by other functions, in order.

    Examples
    --------
    >>> _ = load("network_supply")
    >>> "network_supply" in loaded()
    True
    """
    return list(_loaded)
