import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import compute

LOADS = st.tuples(st.integers(1, 40), st.floats(0.01, 0.97))


def steady_state(load: float, servers: int, room: int) -> np.ndarray:
    """Probabilities of 0, 1, … requests by balance of neighbouring states."""
    weights = [1.0]
    for n in range(1, servers + room + 1):
        weights.append(weights[-1] * load / min(n, servers))
    return np.array(weights) / sum(weights)


@given(servers=st.integers(0, 60), load=st.floats(0.01, 80))
def test_lost_requests_are_those_of_the_balance(servers: int, load: float) -> None:
    assert compute.erlang_b(servers, load) == pytest.approx(steady_state(load, servers, 0)[-1])


@given(case=LOADS)
def test_waiting_is_that_of_the_balance(case: tuple[int, float]) -> None:
    servers, rho = case
    states = steady_state(rho * servers, servers, 2000)
    queue = compute.mmc(rho * servers, 1.0, servers)
    assert queue.wait_probability == pytest.approx(states[servers:].sum(), rel=1e-9)
    length = sum(max(0, n - servers) * p for n, p in enumerate(states))
    assert queue.mean_queue == pytest.approx(length, rel=1e-9)
    assert queue.mean_time == pytest.approx(queue.mean_wait + 1)


@given(case=LOADS, share=st.floats(0, 0.9999))
def test_quantile_and_tail_are_inverse(case: tuple[int, float], share: float) -> None:
    servers, rho = case
    queue = compute.mmc(rho * servers, 1.0, servers)
    wait = queue.wait_quantile(share)
    if wait > 0:
        assert queue.wait_exceeds(wait) == pytest.approx(1 - share, rel=1e-9)
    else:
        assert queue.wait_probability <= 1 - share + 1e-12


def test_arrays_and_small_cases() -> None:
    queue = compute.mmc(np.array([4.0, 8.0]), 1.0, 10)
    assert queue.mean_wait == pytest.approx([compute.mmc(x, 1.0, 10).mean_wait for x in (4, 8)])
    single = compute.mmc(0.8, 1.0, 1)
    assert single.wait_probability == pytest.approx(0.8)
    assert single.mean_time == pytest.approx(5)
    assert compute.mmc(0, 1, 2).wait_quantile(0.99) == 0


def test_pools_and_published_tails() -> None:
    assert compute.servers_needed(80, 0.05) == 97
    assert compute.servers_needed(80, 0.05, pools=10) == 140
    for load, target in ((0.0, 0.1), (3.3, 0.2), (50, 0.01)):
        c = compute.servers_needed(load, target)
        assert compute.erlang_c(c, load) <= target
        assert c == 1 or c - 1 <= load or compute.erlang_c(c - 1, load) > target
    assert compute.tail_at_scale(0.01, 100) == pytest.approx(0.63, abs=5e-3)
    assert compute.tail_at_scale(1.0, np.array([0.0, 1.0])).tolist() == [0, 1]


@given(mu=st.floats(0.1, 10), delay=st.floats(0, 10), share=st.floats(0, 0.999))
def test_hedge_against_its_own_tail(mu: float, delay: float, share: float) -> None:
    hedge = compute.hedged_request(mu, delay)
    assert hedge.exceeds(hedge.quantile(share)) == pytest.approx(1 - share, rel=1e-9)
    t = np.linspace(0, 60 / mu, 200_001)
    assert np.trapezoid(hedge.exceeds(t), t) == pytest.approx(hedge.mean, rel=1e-3)
    assert hedge.extra_load == pytest.approx(math.exp(-mu * delay))


def test_approximations_where_they_are_exact_and_where_they_bound() -> None:
    assert compute.approximate_wait(8.0, 1.0, 10) == compute.mmc(8.0, 1.0, 10).mean_wait
    loads = np.array([0.3, 0.8, 0.99])
    exact = loads / (1 - loads)  # M/M/1
    assert compute.approximate_wait(loads, 1.0, 1) == pytest.approx(exact)
    bound = compute.kingman_bound(loads, 1.0, arrival_scv=1.0, service_scv=1.0)
    assert (bound > exact).all()
    assert bound[-1] == pytest.approx(exact[-1], rel=0.011)  # close to full load they meet


def test_many_servers_and_full_load() -> None:
    crowd = compute.mmc(4990.0, 1.0, 5000)
    assert 0 < crowd.wait_probability < 1
    # square-root staffing: Halfin and Whitt's limit, C = 1 / (1 + β Φ(β) / φ(β))
    beta = (5000 - 4990) / math.sqrt(4990)
    cumulative = 0.5 * (1 + math.erf(beta / math.sqrt(2)))
    density = math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
    limit = 1 / (1 + beta * cumulative / density)
    assert crowd.wait_probability == pytest.approx(limit, rel=0.01)
    full = compute.mmc(np.nextafter(10.0, 0.0), 1.0, 10)
    assert full.wait_probability == pytest.approx(1)
    assert full.mean_wait > 1e14
    nobody = compute.mmc(0.0, 1.0, 3)
    assert (nobody.wait_probability, nobody.mean_wait, nobody.wait_quantile(0)) == (0, 0, 0)
    assert compute.erlang_b(0, 0.0) == 1
    assert compute.erlang_b(3, 0.0) == 0


@given(load=st.floats(0.1, 60), target=st.floats(0.001, 0.5), patience=st.floats(0, 2))
def test_patience_saves_servers(load: float, target: float, patience: float) -> None:
    c = compute.servers_needed(load, target, longest_wait=patience)
    assert c <= compute.servers_needed(load, target)
    assert compute.mmc(load, 1.0, c).wait_exceeds(patience) <= target
    if c - 1 > load:
        assert compute.mmc(load, 1.0, c - 1).wait_exceeds(patience) > target


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.erlang_c(10, 10), r"load is 10 erlangs; allowed: \[0, 10\) erlangs"),
        (lambda: compute.mmc(11, 1, 10), "the queue grows without end"),
        (lambda: compute.erlang_b(2.5, 1), "servers is 2.5; allowed: whole numbers"),
        (lambda: compute.mmc(1, 0, 2), "service_rate is 0 per unit of time"),
        (lambda: compute.mmc(1, 1, 2).wait_quantile(1), r"share is 1; allowed: finite, \[0, 1\)"),
        (lambda: compute.tail_at_scale(1.2, 3), "slow_probability is 1.2"),
        (lambda: compute.erlang_b(2e7, 1), "servers is 2e"),
        (lambda: compute.kingman_bound(1, 1, arrival_scv=1, service_scv=1), "load is 1 erlangs"),
        (lambda: compute.approximate_wait(1, 1, 2, service_scv=-1), "service_scv is -1"),
        (lambda: compute.servers_needed(8, 0.1, longest_wait=-1), "longest_wait is -1 service"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_loss_systems_stay_legal_at_any_load() -> None:
    assert compute.erlang_b(10, 1000.0) == pytest.approx(0.99, abs=1e-3)


def test_distances_and_light() -> None:
    assert compute.great_circle_km(0, 0, 0, 90) == pytest.approx(math.pi / 2 * 6371.0088)
    assert compute.great_circle_km(90, 0, -90, 17) == pytest.approx(math.pi * 6371.0088)
    # Frankfurt to New York (FRA–JFK), 6,190 to 6,200 km by the common calculators
    assert compute.great_circle_km(50.033, 8.571, 40.640, -73.779) == pytest.approx(6195, abs=10)
    times = compute.region_round_trips()
    assert np.array_equal(times, times.T)
    assert (np.diag(times) == 0).all()
    assert 60 < times.loc["us-east-1", "eu-central-1"] < 70
    assert compute.fibre_round_trip_ms(100, detour=2) == 2 * compute.fibre_round_trip_ms(100)
    with pytest.raises(ValueError, match="latitude_1 is 91 degrees"):
        compute.great_circle_km(91, 0, 0, 0)
