"""The comparison against the closed forms of its parts, a slow twin, and what must always hold."""

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from depin_lib import compute, data
from depin_lib.compute import Lognormal, Offer, ProviderKind, Uniform, Workload

REFERENCE = ProviderKind("aws", Offer("aws", 6.88, egress_usd_per_gb=0.09))
#: Checkpoints of 15 GB at 1 Gb/s take two minutes, reading them back as long.
MARKET = Offer(
    "market",
    2.67,
    mtbf_hours=24.0,
    restart_hours=13 / 60,
    bandwidth_gbps=1.0,
    egress_usd_per_gb=0.03,
    verification=0.05,
)
JOB = Workload("job", egress_gb_per_hour=2.0, state_gb=15.0, session_hours=1e9)


def one(workload: Workload, *kinds: ProviderKind) -> compute.Comparison:
    return compute.compare(workload, kinds, runs=1, seed=1)


@pytest.fixture(scope="module", params=compute.WORKLOADS)
def preset(request: pytest.FixtureRequest) -> compute.Comparison:
    return compute.compare(compute.workload(request.param), runs=3000, seed=18)


def test_quality_adjusted_discount() -> None:
    result = one(JOB, ProviderKind("market", MARKET), REFERENCE)
    market, aws = result.paid[:, 0]
    phi = compute.checkpoint_overhead(2 / 60, 15 / 60, 24)
    by_formula = compute.useful_hour_price(
        2.67, phi, verification=0.05, egress_gb_per_hour=2, egress_usd_per_gb=0.03
    )
    assert market == pytest.approx(by_formula, rel=1e-9)
    assert market == pytest.approx(3.05, abs=0.005)
    assert compute.discount(market, aws) == pytest.approx(0.568, abs=0.0005)
    assert compute.discount(2.67, 6.88) == pytest.approx(0.612, abs=0.0005)


@pytest.mark.parametrize("ratio", [0.4, 0.6, 0.95])
def test_commitment_mix(ratio: float) -> None:
    offer = Offer("cloud", 5.0)
    kind = ProviderKind("committed", offer, offer, ratio=ratio)
    steady = Workload("service", demand_cv=0.2)
    result = one(steady, kind)
    level = compute.commitment_level(100, 20, ratio)
    cost = compute.commitment_cost(level, 100, 20, ratio)
    mean = stats.truncnorm(-5, np.inf).mean() * 20 + 100
    mean *= stats.norm.cdf(5)  # demand below zero counts as none
    assert result.draws(1).reserved[0, 0] * 100 == pytest.approx(level, rel=1e-9)
    assert result.paid[0, 0] == pytest.approx(5 * cost / mean, rel=1e-6)


def test_a_need_that_lasts_too_short_is_not_reserved() -> None:
    offer = Offer("cloud", 5.0)
    kind = ProviderKind("committed", offer, offer, ratio=0.6)
    result = one(Workload("campaign", active_share=0.59, demand_cv=0.3), kind)
    assert result.reserving[0] == 0
    assert result.paid[0, 0] == pytest.approx(5.0)
    longer = replace(kind, years=3)
    lasting = Workload("service", persistence=0.5, demand_cv=0.3)  # (1 + ½ + ¼)/3 of the time
    assert one(lasting, replace(longer, ratio=0.59)).reserving[0] == 0
    assert one(lasting, replace(longer, ratio=0.575)).reserving[0] == 1


def test_spare_machines_reach_the_target() -> None:
    replicas, uptime, target = 40, 0.95, 0.99
    offer = Offer("market", 1.0, uptime=uptime)
    work = Workload("service", replicas=replicas, uptime_target=target)
    machines = one(work, ProviderKind("market", offer)).paid[0, 0] * replicas / uptime
    exact = next(n for n in range(replicas, 99) if stats.binom.sf(39, n, uptime) >= target)
    assert abs(machines - exact) < 1.5


def twin(values: dict[str, float], work: Workload, name: str) -> float:
    """What the buyer of one offer pays, in plain Python."""
    v = {k.split(".")[1]: x for k, x in values.items() if k.startswith(f"{name}.")}
    copy = values["state_gb"] * 8 / (v["bandwidth_gbps"] * work.machines * 3600)
    restart = v["restart_hours"] + copy
    egress = values["egress_gb_per_hour"]
    if work.stateless:
        phi = math.exp(restart / v["mtbf_hours"])
    else:
        mean = v["mtbf_hours"] / work.machines
        tau = compute.optimal_interval(copy, mean)
        phi = compute.checkpoint_overhead(copy, restart, mean, interval_hours=tau)
        phi = min(phi, 100.0)
        if name in ("marketplace", "depin"):
            egress += values["state_gb"] / tau / work.gpus
    spare = 1.0
    if work.replicas:
        z = stats.norm.ppf(work.uptime_target)
        a, need = v["uptime"], work.replicas
        roots = np.roots([a, -z * math.sqrt(a * (1 - a)), -need])
        spare = float(roots.max() ** 2) * a / need
    hours = (1 + v["restart_hours"] / values["session_hours"]) * phi * spare
    hours *= (1 + v["verification"] * work.verify) / v["speed"]
    return v["price_usd"] * hours + egress * v["egress_usd_per_gb"]


@pytest.mark.filterwarnings("ignore::depin_lib.compute.CheckpointWarning")
def test_slow_twin(preset: compute.Comparison) -> None:
    draws = preset.draws(60)
    model = compute.comparison.Model(preset.workload, preset.kinds)
    inputs = model.draw(preset.word, 0, 60)
    for name in ("hyperscaler", "hyperscaler_spot", "neocloud", "marketplace", "depin"):
        row = preset.providers.index(name)
        for i in range(60):
            values = {k: float(x[i]) for k, x in inputs.items()}
            slow = twin(values, preset.workload, name)
            assert draws.paid[row, i] == pytest.approx(slow, rel=1e-7)


def test_parts_add_up_exactly(preset: compute.Comparison) -> None:
    draws = preset.draws(3000)
    total = draws.parts[:, 0].copy()
    for part in range(1, draws.parts.shape[1] - 1):
        total += draws.parts[:, part]
    assert np.array_equal(total, draws.paid)
    assert np.array_equal(draws.paid, preset.paid)
    assert np.array_equal(draws.parts[:, -1], preset.subsidy)
    frame = preset.to_frame()
    whole = frame["mean"].to_numpy()
    assert frame[list(compute.PARTS)].sum(axis=1).to_numpy() == pytest.approx(whole, rel=1e-12)
    assert whole == pytest.approx((preset.paid + preset.subsidy).mean(axis=1), rel=1e-12)


def test_choosing_the_reserve_never_costs(preset: compute.Comparison) -> None:
    """A mix may always be nothing but bursts, so it is never dearer than the burst offer."""
    for mixed, alone in (
        ("hyperscaler_1y", "hyperscaler"),
        ("hyperscaler_3y", "hyperscaler"),
        ("neocloud_1y", "neocloud"),
        ("hybrid_hyperscaler", "depin"),
        ("hybrid_neocloud", "depin"),
    ):
        assert (preset.cost(mixed) <= preset.cost(alone) * (1 + 1e-9)).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 1.0), st.floats(0.0, 1.0), st.floats(0.5, 2.0), st.floats(0.01, 1.0))
def test_the_reserve_is_the_best(active: float, cv: float, price: float, ratio: float) -> None:
    """No other reserve is cheaper: moving its price a little changes the cost in proportion."""
    base, burst = Offer("base", 1.0), Offer("burst", price)
    work = Workload("service", active_share=active, demand_cv=cv)
    found = one(work, ProviderKind("mix", burst, base, ratio=ratio))
    q = found.draws(1).reserved[0, 0]
    demand = np.maximum(stats.norm(1, max(cv, 1e-12)).ppf((np.arange(20_000) + 0.5) / 20_000), 0)

    def cost(level: float) -> float:
        above = np.maximum(demand - level, 0).mean()
        return float((level * ratio / active + above * price) / demand.mean())

    assert found.paid[0, 0] == pytest.approx(cost(q), rel=2e-3)
    for other in (0.0, 0.5 * q, 0.9 * q, 1.1 * q, 1.0):
        assert cost(q) <= cost(other) * (1 + 2e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["mtbf_hours", "bandwidth_gbps", "uptime", "speed_node"]),
    st.floats(0.2, 0.9),
)
def test_a_better_offer_is_cheaper(name: str, factor: float) -> None:
    offer = replace(MARKET, uptime=0.99)
    work = replace(JOB, replicas=4, uptime_target=0.99)
    worse = replace(offer, **{name: getattr(offer, name) * factor})
    good = one(work, ProviderKind("market", offer)).paid[0, 0]
    assert one(work, ProviderKind("market", worse)).paid[0, 0] > good


def test_hopeless_jobs_cost_much_but_not_nan() -> None:
    offer = replace(MARKET, mtbf_hours=0.01)
    paid = one(JOB, ProviderKind("market", offer)).paid[0, 0]
    assert 100 * 2.67 < paid < 1000 * 2.67


def test_draws_do_not_depend_on_threads_or_number() -> None:
    work = compute.workload("fine-tuning")
    many = compute.compare(work, runs=70_000, seed=3)
    few = compute.compare(work, runs=500, seed=3)
    assert np.array_equal(many.paid[:, :500], few.paid)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        single = compute.compare(work, runs=70_000, seed=3)
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(single.paid, many.paid)
    assert np.array_equal(single.mean_parts, many.mean_parts)


def test_an_input_keeps_its_draws() -> None:
    work = compute.workload("batch")
    kinds = [compute.provider_kind(name) for name in ("neocloud", "depin")]
    alone = compute.compare(work, kinds[:1], runs=1000, seed=3)
    both = compute.compare(work, kinds, runs=1000, seed=3)
    assert np.array_equal(alone.cost("neocloud"), both.cost("neocloud"))


def test_correlation_is_what_was_asked_for() -> None:
    work = compute.workload("batch")
    pair = ("depin.price_usd", "neocloud.price_usd")
    asked = compute.compare(work, runs=20_000, seed=5, correlation={pair: 0.6})
    drawn = asked.draws(20_000).inputs
    rank = stats.spearmanr(drawn[pair[0]], drawn[pair[1]]).statistic
    assert rank == pytest.approx(6 / math.pi * math.asin(0.3), abs=0.02)
    free = compute.compare(work, runs=2000, seed=5)
    none = compute.compare(work, runs=2000, seed=5, correlation={pair: 0.0})
    np.testing.assert_allclose(none.paid, free.paid, rtol=1e-9)
    apart = free.saving("depin", "neocloud").std()
    together = compute.compare(work, runs=2000, seed=5, correlation={pair: 0.95})
    assert together.saving("depin", "neocloud").std() < apart


def test_contradictory_correlations_are_refused() -> None:
    names = [f"{x}.price_usd" for x in ("depin", "neocloud", "marketplace")]
    a, b, c = names
    with pytest.raises(ValueError, match="eigenvalue"):
        compute.compare(
            compute.workload("batch"), runs=10, correlation={(a, b): 0.9, (b, c): 0.9, (a, c): -0.9}
        )
    with pytest.raises(ValueError, match="did you mean"):
        compute.compare(compute.workload("batch"), runs=10, correlation={("depin.price", a): 0.5})
    with pytest.raises(ValueError, match="allowed"):
        compute.compare(compute.workload("batch"), runs=10, correlation={(a, b): 1.5})


def test_verdicts() -> None:
    large = compute.compare(compute.workload("large training"), runs=500, seed=1)
    assert large.verdict("depin", "hyperscaler").word == "not for sale"
    assert large.verdict("neocloud", "hyperscaler").word == "wins"
    assert large.verdict("hyperscaler", "neocloud").word == "loses"
    assert large.verdict("neocloud", "neocloud").word == "loses"  # never cheaper than itself
    found = large.verdict("neocloud_1y", "neocloud")
    assert found.low <= found.saving <= found.high
    assert large.probability_cheaper("neocloud", "hyperscaler") == pytest.approx(
        np.mean(large.cost("neocloud") < large.cost("hyperscaler"))
    )


def test_subsidy_is_a_share_of_what_is_paid_for_hours() -> None:
    offer = Offer("net", 2.0, subsidy_ratio=3.0, egress_usd_per_gb=1.0)
    work = Workload("job", egress_gb_per_hour=0.5)
    result = one(work, ProviderKind("net", offer))
    assert result.cost("net")[0] == pytest.approx(2.5)
    assert result.cost("net", with_subsidy=True)[0] == pytest.approx(8.5)


def test_prices_are_spread_over_providers() -> None:
    table = data.load("gpu_prices")
    rows = table[
        table["model"].isin(["H100", "H100 SXM"])
        & (table["half_year"] == "2026H2")
        & (table["provider_kind"] == "depin")
    ]
    prices = compute.offered_prices("depin")
    values = np.asarray(prices.values)
    assert rows["usd_min"].min() <= values.min() <= values.max() <= rows["usd_max"].max()
    aws = compute.offered_prices("hyperscaler", provider="AWS")
    assert float(aws.quantile(0.25)) == pytest.approx(6.88)
    with pytest.raises(ValueError, match="did you mean"):
        compute.offered_prices("hyperscaler", provider="AWZ")
    with pytest.raises(ValueError, match="did you mean"):
        compute.offered_prices("depin", gpu="H900")
    with pytest.raises(ValueError, match="no hyperscaler"):
        compute.offered_prices("hyperscaler", gpu="RTX 5090")


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"uptime is 1\.2"):
        Offer("net", 2.0, uptime=1.2)
    with pytest.raises(ValueError, match="price_usd"):
        Offer("net", Uniform(-1, 2))
    with pytest.raises(TypeError, match="mtbf_hours"):
        Offer("net", 2.0, mtbf_hours="long")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="interconnect"):
        Workload("job", interconnect="rack")
    cheaper = compute.ProviderKind("aws2", replace(REFERENCE.burst, price_usd=5.0))
    with pytest.raises(ValueError, match="two different offers are called 'aws'"):
        one(JOB, REFERENCE, cheaper)
    with pytest.raises(ValueError, match="providers is empty"):
        compute.compare(Workload("job"), [], runs=10)
    with pytest.raises(ValueError, match="did you mean"):
        compute.provider_kinds(changes={"depin.mtbf": 3.0})
    with pytest.raises(ValueError, match="did you mean"):
        one(JOB, REFERENCE).cost("awz")
    with pytest.raises(ValueError, match="count is 2"):
        one(JOB, REFERENCE).draws(2)


def test_scarcity_correlates_all_prices() -> None:
    pairs = compute.scarcity(0.4)
    assert len(pairs) == 10
    assert set(pairs.values()) == {0.4}
    assert ("depin.price_usd", "hyperscaler.price_usd") in pairs
    compute.compare(compute.workload("batch"), runs=10, correlation=pairs)


def test_changes_reach_the_offers() -> None:
    kinds = compute.provider_kinds(changes={"hyperscaler.price_usd": Lognormal(5, 0.1)})
    by_name = {k.name: k for k in kinds}
    assert by_name["hyperscaler_3y"].base is not None
    assert by_name["hyperscaler_3y"].base.price_usd == Lognormal(5, 0.1)
    assert by_name["hybrid_hyperscaler"].base.price_usd == Lognormal(5, 0.1)  # type: ignore[union-attr]
    bursts = [by_name[name].burst.price_usd for name in ("hybrid_hyperscaler", "depin")]
    assert np.array_equal(*(p.quantile([0.1, 0.5, 0.9]) for p in bursts))  # type: ignore[union-attr]
