"""Tokens per second as measured, and what they make a token cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import compute, data

LLAMA, QWEN = "Meta-Llama-3-8B-Instruct", "DeepSeek-R1-Distill-Qwen-14B"


def test_table_is_consistent() -> None:
    table = data.load("llm_throughput").dropna(subset=["total_tokens_per_s"])
    assert (table["total_tokens_per_s"] > table["output_tokens_per_s"]).all()
    assert (table["requests_per_s"] <= 1.1 * table["request_rate_per_s"]).all()
    assert (table["ttft_p99_ms"] >= table["ttft_p50_ms"]).all()
    runs = table.groupby(["model", "gpu", "gpus"])["request_rate_per_s"]
    assert (runs.apply(tuple) == (1.0, 4.0, 8.0, 16.0, 32.0)).all()
    assert set(table["gpu"]) <= set(data.load("gpu_specs")["model"])
    # A chat of these 200 has about as many tokens written as read, whatever card answers.
    tokens = table["output_tokens_per_s"] / table["requests_per_s"]
    assert tokens.between(100, 225).all()


def test_published_costs_are_those_of_the_table() -> None:
    """The costs that io.net's paper was reported with: two cards at 4/s, four cards at 8/s."""
    facts = data.load("compute_facts").set_index("key")["value"]
    usd = facts["iog_price_4090"]
    two, four = (compute.throughput(QWEN, "RTX 4090", gpus=n, kind="total") for n in (2, 4))
    assert two.cost(usd, 4) == pytest.approx(facts["iog_cost_low"], abs=5e-4)
    assert four.cost(usd, 8) == pytest.approx(facts["iog_cost_high"], abs=6e-4)
    one = compute.throughput(QWEN, "H100 PCIe", kind="total")
    ratio = one.at(16) / four.at(16)
    assert ratio == pytest.approx(facts["iog_throughput_h100"], abs=0.01)
    watts = 900 / two.at(4), facts["iog_power_h100"] / one.at(16)
    assert watts[0] / watts[1] == pytest.approx(facts["iog_energy_h100"], abs=0.05)
    assert two.energy(4) / one.energy(16) == pytest.approx(2 * watts[0] / watts[1])
    saving = 1 - two.cost(usd, 1) / one.cost(facts["iog_price_h100"], 1)
    assert saving == pytest.approx(facts["iog_saving_4090"], abs=0.005)


def test_interpolates_and_does_not_extrapolate() -> None:
    curve = compute.throughput(LLAMA, "H100 PCIe")
    assert curve.at(curve.request_rates) == pytest.approx(curve.tokens_per_second)
    assert curve.at(12) == pytest.approx((curve.at(8) + curve.at(16)) / 2)
    for rate in (0.5, 33.0):
        with pytest.raises(ValueError, match=rf"request_rate is {rate:g} 1/s; .*\[1, 32\]"):
            curve.at(rate)
    assert list(curve.to_frame().index) == [1, 4, 8, 16, 32]


def test_first_token_within_a_limit() -> None:
    curve = compute.throughput(LLAMA, "RTX 4090")
    assert curve.fastest_within(1000) == 32
    assert curve.fastest_within(150) == 4  # 180 ms at 8 per second
    with pytest.raises(ValueError, match=r"ttft_p99_ms is 100 ms; 1 RTX 4090 took 110.7 ms"):
        curve.fastest_within(100)
    late = compute.throughput("DeepSeek-R1-Distill-Llama-8B", "RTX 4090", gpus=4)
    with pytest.raises(ValueError, match="at the lowest rate"):
        late.fastest_within(2000)  # met at 8 per second, but not below


def test_energy_is_that_of_the_power_limits() -> None:
    curve = compute.throughput(LLAMA, "H100 PCIe", kind="total")
    expected = compute.energy_per_million_tokens(0.35, 5438.38, pue=1.2)
    assert curve.energy(32, pue=1.2) == pytest.approx(expected)


@given(first=st.floats(0.05, 5), second=st.floats(0.05, 5))
def test_a_token_costs_the_same_at_the_break_even(first: float, second: float) -> None:
    four = compute.throughput(QWEN, "RTX 4090", gpus=4)
    one = compute.throughput(QWEN, "H100 PCIe")
    rates = compute.break_even_request_rates(four, first, one, second)
    grid = np.linspace(1, 32, 3001)
    cheaper = np.sign(four.cost(first, grid) - one.cost(second, grid))
    assert len(rates) >= np.count_nonzero(np.diff(cheaper)) - 2 * np.count_nonzero(cheaper == 0)
    for rate in rates:
        assert four.cost(first, rate) == pytest.approx(one.cost(second, rate))


def test_no_break_even_where_one_is_always_cheaper() -> None:
    small = compute.throughput(LLAMA, "RTX 4090")
    large = compute.throughput(LLAMA, "H100 PCIe")
    assert compute.break_even_request_rates(small, 0.35, large, 2.40).size == 0


def test_equal_curves_break_even_everywhere_measured() -> None:
    curve = compute.throughput(LLAMA, "RTX 4090")
    rates = compute.break_even_request_rates(curve, 0.35, curve, 0.35)
    assert list(rates) == [1, 4, 8, 16, 32]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.throughput("Llama", "RTX 4090"), "model is 'Llama', which is not known"),
        (lambda: compute.throughput(LLAMA, "A100"), "gpu is 'A100'"),
        (lambda: compute.throughput(LLAMA, "H100 PCIe", gpus=8), "gpus is 8; measured .*: 1"),
        (lambda: compute.throughput(LLAMA, "H100 PCIe", kind="all"), "kind is 'all'"),
        (
            lambda: compute.break_even_request_rates(
                compute.throughput(LLAMA, "H100 PCIe", kind="total"),
                1,
                compute.throughput(LLAMA, "RTX 4090"),
                1,
            ),
            "first counts total tokens, second output tokens",
        ),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
