import tomllib
from pathlib import Path

import pytest

from depin_lib import data

TABLES = Path(data.__file__).parent / "tables"
NAMES = sorted(tomllib.loads((TABLES / "tables.toml").read_text("utf-8")))


def test_register_and_folder_hold_the_same_tables() -> None:
    assert sorted(p.stem for p in TABLES.glob("*.csv")) == NAMES
    assert list(data.catalogue().index) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_table_is_whole_and_described(name: str) -> None:
    table = data.load(name)
    assert len(table)
    for key in ("title", "as_of", "source", "licence"):
        assert table.attrs[key], f"{name}: no {key}"
    unknown = set(table.attrs["units"]) - set(table.columns)
    assert not unknown, f"{name}: units for missing columns {unknown}"
    numeric = set(table.select_dtypes("number").columns) - {"uid", "validator", "miner"}
    unexplained = numeric - set(table.attrs["units"])
    assert not unexplained, f"{name}: no unit for {unexplained}"


def test_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'network_supply'"):
        data.load("network_suply")


def test_changed_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in TABLES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / "network_supply.csv"
    changed.write_text(changed.read_text("utf-8").replace("1", "2", 1), "utf-8")
    monkeypatch.setattr(data, "_TABLES", tmp_path)
    with pytest.raises(data.DataError, match=r"'network_supply' was changed.*tasks.py data"):
        data.load("network_supply")
    changed.unlink()
    with pytest.raises(data.DataError, match=r"'network_supply': .*install depin-lib anew"):
        data.load("network_supply")


def test_line_ends_do_not_change_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in TABLES.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(data, "_TABLES", tmp_path)
    assert len(data.load("network_supply"))


def test_the_copiers_curves_give_the_discounts_printed_beside_them() -> None:
    """The notebook prints smoothed value over first value, at the interval that it suggests."""
    printed = {
        1: (16, 0.835989),
        6: (24, 0.787124),
        10: (16, 0.814848),
        11: (24, 0.163019),
        15: (16, 0.817220),
        19: (16, 0.896415),
        29: (16, 0.593398),
        37: (24, 0.0740674),
        41: (12, 0.710663),
        48: (24, 0.589539),
    }
    table = data.load("copying_published")
    curves = table.pivot(index="hidden_epochs", columns="netuid", values="relative_dividend")
    assert curves.shape == (7, 44)
    assert not curves.isna().any(axis=None)
    smooth = curves.ewm(com=0.5).mean()
    for netuid, (epochs, discount) in printed.items():
        found = smooth.loc[epochs, netuid] / smooth.loc[0, netuid]
        assert found == pytest.approx(discount, abs=1e-4), netuid
