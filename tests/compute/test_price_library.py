"""Prices: the tables, medians with intervals, discounts by comparator, files and catalogues."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from depin_lib import compute, data
from depin_lib.compute import price_sources

HEADER = "provider,provider_kind,model,pricing,price,currency,unit,as_of"


# ------------------------------------------------------------------------------------ the tables


def test_the_price_table_holds_one_row_per_fact() -> None:
    table = data.load("gpu_prices")
    keys = ["half_year", "model", "provider_kind", "provider", "pricing"]
    assert not table.duplicated(keys).any()
    assert (table["usd_min"] <= table["usd_per_gpu_hour"]).all()
    assert (table["usd_per_gpu_hour"] <= table["usd_max"]).all()
    assert (table["usd_min"] > 0).all()
    assert set(table["confirmed"]) == {"yes", "no"}
    assert table[["source", "licence", "basis"]].notna().all(axis=None)
    half = table["last_as_of"].dt.month.gt(6).map({False: "H1", True: "H2"})
    assert (table["half_year"] == table["last_as_of"].dt.year.astype(str) + half).all()
    assert (table.loc[table["date_inferred"] == "yes", "confirmed"] == "no").all()


def test_three_months_of_sellers_give_the_published_index() -> None:
    published = data.load("h100_rent_index").set_index("month")
    sellers = data.load("h100_rent_sellers").groupby("month")["usd_per_gpu_hour"]
    for month, prices in sellers:
        assert prices.size == published.loc[month, "providers"]
        assert prices.median() == pytest.approx(published.loc[month, "usd_per_gpu_hour"], abs=6e-4)


# ----------------------------------------------------------------------------- choosing, medians


def test_observations_are_chosen_by_every_column() -> None:
    rows = compute.price_observations(
        "H100", half_year="2026H2", provider_kinds=["neocloud"], pricing=["on_demand"]
    )
    assert set(rows["family"]) == {"H100"}
    assert set(rows["provider_kind"]) == {"neocloud"}
    assert rows["usd_per_gpu_hour"].is_monotonic_increasing
    sure = compute.price_observations(confirmed_only=True)
    assert set(sure["confirmed"]) == {"yes"}
    assert len(sure) < len(compute.price_observations())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpu": "H10O"}, r"gpu is 'H10O'.*did you mean 'H100'"),
        ({"half_year": "2026-H2"}, "half_year is '2026-H2'.*did you mean '2026H2'"),
        ({"provider_kinds": ["neoclouds"]}, "provider_kinds is 'neoclouds'.*'neocloud'"),
        ({"pricing": ["ondemand"]}, "pricing is 'ondemand'.*'on_demand'"),
    ],
)
def test_unknown_names_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute.price_observations(**options)


def test_the_interval_of_a_median_is_that_of_scipy() -> None:
    prices = np.array([1.4, 2.1, 2.3, 2.6, 2.6, 2.7, 3.0, 3.5, 4.2, 6.2, 6.9])
    mine = compute.robust_median(prices, resamples=20_000, seed=3)
    theirs = stats.bootstrap(
        (prices,), np.median, method="percentile", n_resamples=20_000, vectorized=True
    ).confidence_interval
    assert mine.low == pytest.approx(theirs.low, abs=0.101)
    assert mine.high == pytest.approx(theirs.high, abs=0.501)
    exact = stats.binom(prices.size, 0.5)  # order statistics cover the median without resampling
    order = int(exact.ppf(0.025))
    assert mine.low <= np.sort(prices)[order]
    assert mine.value == np.median(prices)


@given(prices=st.lists(st.floats(0.01, 100), min_size=4, max_size=12), factor=st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_a_median_scales_with_the_unit_and_lies_in_its_interval(
    prices: list[float], factor: float
) -> None:
    one = compute.robust_median(prices, resamples=400, seed=1)
    other = compute.robust_median(np.array(prices) * factor, resamples=400, seed=1)
    assert one.low is not None
    assert one.high is not None
    assert other.low == pytest.approx(factor * one.low)
    assert min(prices) <= one.low <= one.high <= max(prices)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_prices_have_no_interval_and_say_so(n: int) -> None:
    median = compute.robust_median(np.arange(1.0, n + 1))
    assert median.low is None
    assert median.high is None
    assert median.reason == f"no interval: n = {n}, at least 4 are needed"
    assert median.reason in str(median)


def test_prices_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"prices\[1\] is -1; allowed: finite, \(0, inf\)"):
        compute.robust_median([2, -1])
    with pytest.raises(ValueError, match="prices is empty; allowed: at least one price"):
        compute.robust_median([])
    with pytest.raises(ValueError, match=r"prices\[0\] is nan"):
        compute.robust_median([np.nan, 1])


# ------------------------------------------------------------------------------- by comparator


def test_a_provider_has_one_vote() -> None:
    rows = compute.price_observations(
        "H100", half_year="2026H2", provider_kinds=["marketplace", "depin"]
    )
    votes = compute.provider_prices(rows)
    assert len(votes) == rows["provider"].nunique() < len(rows)
    runpod = rows.loc[rows["provider"] == "RunPod", "usd_per_gpu_hour"]
    assert votes["RunPod"] == runpod.median()


def test_discounts_are_those_of_a_slow_twin() -> None:
    table = compute.compare_half_year("H100", "2026H2").set_index("comparator")
    rows = data.load("gpu_prices").query("half_year == '2026H2' and family == 'H100'")
    offers = rows.query("pricing == 'marketplace'").groupby("provider")["usd_per_gpu_hour"].median()
    for name, (kind, pricing, provider) in compute.COMPARATORS.items():
        if kind in ("marketplace", "depin"):
            assert name not in table.index
            continue
        side = rows[(rows["provider_kind"] == kind) & (rows["pricing"] == pricing)]
        if provider:
            side = side[side["provider"] == provider]
        if side.empty:
            assert name not in table.index
            continue
        other = side.groupby("provider")["usd_per_gpu_hour"].median()
        assert table.loc[name, "discount"] == pytest.approx(1 - offers.median() / other.median())
        assert table.loc[name, "n_comparator"] == len(other)
    aws = table.loc["AWS, on demand", "comparator_usd"]
    assert table.loc["AWS, committed for 1 year", "comparator_usd"] == pytest.approx(0.6 * aws)
    assert list(table["assumed"]) == [name.startswith("AWS, comm") for name in table.index]


def test_comparisons_say_what_has_no_interval() -> None:
    table = compute.compare_half_year("H100", "2026H2").set_index("comparator")
    assert table.loc["neoclouds, on demand", "interval"] == ""
    assert table.loc["AWS, spot", "interval"] == "comparator held fixed (n = 1)"
    assert table["low"].notna().all()
    few = compute.compare_half_year("A100 80GB", "2026H2")
    assert few["low"].isna().all()
    assert few["interval"].str.startswith("no interval: n = 3 and").all()
    assert "neoclouds, spot" in few.attrs["missing"]
    with pytest.raises(ValueError, match="there is no such offer of H100 in 2023H1"):
        compute.compare_half_year("H100", "2023H1")
    alone = compute.compare_half_year("RTX 4090", "2026H2")
    assert alone.empty
    assert list(alone.columns) == list(table.reset_index().columns)
    assert len(alone.attrs["missing"]) == len(
        compute.COMPARATORS
    )  # less two kinds, plus two commitments
    with pytest.raises(ValueError, match="offers is 'neocloud'"):
        compute.compare_half_year("H100", "2026H2", offers=["neocloud"])


def test_token_networks_are_compared_with_marketplaces_when_asked_for_alone() -> None:
    depin = compute.compare_half_year("H100", "2026H2", offers=["depin"]).set_index("comparator")
    other = compute.compare_half_year("H100", "2026H2", offers=["marketplace"])
    other = other.set_index("comparator")
    assert "token networks" not in depin.index
    down, up = depin.loc["marketplaces", "discount"], other.loc["token networks", "discount"]
    assert (1 - down) * (1 - up) == pytest.approx(1)


def test_comparisons_are_the_same_for_the_same_seed() -> None:
    one, same, other = (
        compute.compare_half_year("H100", "2026H2", seed=s, resamples=500) for s in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, same)
    assert not one["low"].equals(other["low"])


# --------------------------------------------------------------------------- files, catalogues


def written(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path


def test_own_prices_are_converted_and_compared(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "RunPod,marketplace,H100 SXM,marketplace,2.50,USD,GPU-hour,2026-12-01,1",
        "Akash,depin,H100 SXM,marketplace,1460,EUR,GPU-month,2026-12-02,1",
        "AWS,hyperscaler,H100 SXM,on_demand,55.04,USD,machine-hour,2026-12-02,8",
        "AWS,hyperscaler,H100 SXM,on_demand,8.00,USD,GPU-hour,2026-12-03,8",
        header=HEADER + ",gpus",
    )
    table = compute.read_prices(path, usd_per={"EUR": 1.25})
    prices = table.set_index("provider")["usd_per_gpu_hour"]
    assert prices["Akash"] == pytest.approx(1460 * 1.25 / 730)
    assert prices["AWS"] == pytest.approx((6.88 + 8) / 2)
    assert set(table["family"]) == {"H100"}
    assert set(table["confirmed"]) == {"no"}
    shipped = set(data.load("gpu_prices").columns)
    assert set(table.columns) <= shipped
    compared = compute.compare_half_year("H100", "2026H2", table=table, commitment=False)
    aws = compared.set_index("comparator").loc["AWS, on demand"]
    assert aws["discount"] == pytest.approx(1 - 2.5 / 7.44)
    assert aws["interval"] == "no interval: n = 2 and 1"


def test_all_faults_of_a_file_are_told_by_row_and_column(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "RunPod,neocloud,H100 SXM,on_demand,-2.50,USD,GPU-hour,2026-12-01",
        "RunPodd,neocloud,H100SXM,on_demand,2.50,EUR,GPU-day,2026-12-01",
        'RunPod,neocloud,H100 SXM,on_demand,"2,50",USD,GPU-hour,1.12.2026',
        "RunPod,neo,H100 SXM,,2.50,USD,GPU-hour,2026-12-01",
        "RunPod,neocloud,H100 SXM,on_demand,inf,USD,GPU-hour,2026-12-01",
    )
    with pytest.raises(compute.PriceFileError) as caught:
        compute.read_prices(path)
    text = str(caught.value)
    for expected in (
        "row 2, column price: price is -2.5; allowed: (0, inf)",
        "row 3, column provider: provider is 'RunPodd', which is not known; did you mean 'RunPod'?",
        "row 3, column model: model is 'H100SXM', which is not known; did you mean 'H100 SXM'",
        "row 3, column currency: currency is 'EUR'; allowed: USD; for others give their rate",
        "row 3, column unit: unit is 'GPU-day', which is not known; did you mean 'GPU-hour'",
        "row 4, column price: '2,50' is no number",
        "row 4, column as_of: as_of is '1.12.2026'; allowed: a day as YYYY-MM-DD",
        "row 5, column provider_kind: provider_kind is 'neo'",
        "row 5, column pricing: pricing is empty",
        "row 6, column price: price is inf; allowed: (0, inf)",
    ):
        assert expected in text
    assert text.index("row 2,") < text.index("row 4,") < text.index("row 6,")


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(compute.PriceFileError, match="cannot be read: No such file"):
        compute.read_prices(tmp_path / "none.csv")
    with pytest.raises(compute.PriceFileError, match="lacks the columns currency, unit"):
        compute.read_prices(written(tmp_path, header="provider,provider_kind,model,pricing,price"))
    with pytest.raises(compute.PriceFileError, match="has no rows"):
        compute.read_prices(written(tmp_path))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(compute.PriceFileError, match="is not a CSV file with a header"):
        compute.read_prices(tmp_path / "empty.csv")
    (tmp_path / "utf16.csv").write_text(HEADER, "utf-16")
    with pytest.raises(compute.PriceFileError, match="is not UTF-8 text"):
        compute.read_prices(tmp_path / "utf16.csv")
    bad = [f"RunPod,neocloud,H100 SXM,on_demand,{-k},USD,GPU-hour,2026-12-01" for k in range(1, 20)]
    with pytest.raises(compute.PriceFileError, match="… and 7 more"):
        compute.read_prices(written(tmp_path, *bad))


def test_rows_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    good = "RunPod,neocloud,H100 SXM,on_demand,2.50,USD,GPU-hour,2026-12-01"
    with pytest.raises(compute.PriceFileError, match="row 5, column price: price is -1"):
        compute.read_prices(written(tmp_path, good, "", "", good.replace("2.50", "-1")))
    assert len(compute.read_prices(written(tmp_path, good, "", ""))) == 1


def test_new_names_can_be_meant(tmp_path: Path) -> None:
    path = written(tmp_path, "Bazaar,depin,R200,marketplace,9,USD,GPU-hour,2027-01-05")
    with pytest.raises(compute.PriceFileError, match="provider is 'Bazaar'"):
        compute.read_prices(path)
    table = compute.read_prices(path, new_models=["R200"], new_providers=["Bazaar"])
    assert table.loc[0, ["half_year", "family", "offers"]].tolist() == ["2027H1", "R200", 1]


SKYPILOT = """\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region
p5.48xlarge,H100,8.0,192.0,2048.0,x,55.04,20.0,us-east-1
p5.48xlarge,H100,8.0,192.0,2048.0,x,55.04,18.4,us-west-2
p4de.24xlarge,A100-80GB,8.0,96.0,1152.0,x,27.44,,us-east-1
m5.large,,,2.0,8.0,,0.096,0.04,us-east-1
trn1.2xlarge,Trainium,1.0,8.0,32.0,x,1.34,0.5,us-east-1
"""
GPUHUNT = """\
instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size
h100-sxm,US,2.69,16,188,1,H100,80,False,
h100-sxm,US,1.75,16,188,1,H100,80,True,
4x4090,US,1.36,16,188,4,RTX4090,24,False,
"""


def test_catalogues_are_read_in_their_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "vms.csv"
    path.write_text(SKYPILOT)
    table = compute.update_prices(
        path, catalogue="skypilot", provider="AWS", provider_kind="hyperscaler", as_of="2026-12-01"
    )
    prices = table.set_index(["model", "pricing"])["usd_per_gpu_hour"]
    assert prices["H100", "on_demand"] == pytest.approx(6.88)
    assert prices["H100", "spot"] == pytest.approx(2.4)
    assert prices["A100 80GB", "on_demand"] == pytest.approx(3.43)
    assert ("A100 80GB", "spot") not in prices.index
    assert table.attrs["skipped"] == {"Trainium": 2}
    path.write_text(GPUHUNT)
    table = compute.update_prices(
        path, catalogue="gpuhunt", provider="RunPod", provider_kind="neocloud", as_of="2026-12-01"
    )
    prices = table.set_index(["model", "pricing"])["usd_per_gpu_hour"]
    assert prices["H100", "spot"] == 1.75
    assert prices["RTX 4090", "on_demand"] == pytest.approx(0.34)


def test_catalogues_that_cannot_be_had_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"provider": "AWS", "provider_kind": "hyperscaler", "as_of": "2026-12-01"}

    def offline(*_: object, **__: object) -> None:
        raise price_sources.urllib.error.URLError("no network")

    def online(*_: object, **__: object) -> BytesIO:
        return BytesIO(SKYPILOT.encode())

    monkeypatch.setattr(price_sources.urllib.request, "urlopen", online)
    address = compute.CATALOGUES["skypilot"]["url"].format(provider="aws")
    fetched = compute.update_prices(address, catalogue="skypilot", **given)
    assert fetched["source"].str.endswith("aws/vms.csv").all()
    monkeypatch.setattr(price_sources.urllib.request, "urlopen", offline)
    with pytest.raises(compute.PriceFileError, match=r"\(no network\).*give its path as source"):
        compute.update_prices(address, catalogue="skypilot", **given)
    with pytest.raises(compute.PriceFileError, match="allowed: a path, or an https:// address"):
        compute.update_prices("ftp://example.org/x.csv", catalogue="skypilot", **given)
    path = tmp_path / "vms.csv"
    path.write_text(GPUHUNT)
    with pytest.raises(compute.PriceFileError, match="lacks the columns AcceleratorName"):
        compute.update_prices(path, catalogue="skypilot", **given)
    path.write_text("AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\nXPU,1,2,,x\n")
    with pytest.raises(compute.PriceFileError, match="no price of a known card; it names XPU"):
        compute.update_prices(path, catalogue="skypilot", **given)
    path.write_text(GPUHUNT.replace("1.75", "-1.75"))
    with pytest.raises(compute.PriceFileError, match=r"row 3: price is '-1.75'; allowed: finite"):
        compute.update_prices(path, catalogue="gpuhunt", **given)
    with pytest.raises(ValueError, match=r"catalogue is 'skypilots'.*'skypilot'"):
        compute.update_prices(path, catalogue="skypilots", **given)
    with pytest.raises(ValueError, match="as_of is 'today'"):
        compute.update_prices(path, catalogue="skypilot", **given | {"as_of": "today"})
