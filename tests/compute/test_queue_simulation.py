import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import compute

from . import event_twins as twins

EXPONENTIAL, CONSTANT = compute.ExponentialTime, compute.ConstantTime
exponential = twins.exponential


@settings(deadline=None, max_examples=60)
@given(
    servers=st.integers(1, 7),
    load=st.floats(0.1, 1.4),
    room=st.sampled_from([0, 1, 5, math.inf]),
    fails=st.booleans(),
    resume=st.booleans(),
    constant=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_request_fares_as_in_the_twin(
    servers: int,
    load: float,
    room: float,
    fails: bool,
    resume: bool,
    constant: bool,
    seed: int,
) -> None:
    rate = load * servers
    if math.isinf(room) and load >= 0.75:
        rate = 0.7 * servers
    up, down = (EXPONENTIAL(6.0), EXPONENTIAL(1.0)) if fails else (None, None)
    service = CONSTANT(1.0) if constant else EXPONENTIAL(1.0)
    found = compute.simulate_queue(
        EXPONENTIAL(1 / rate),
        service,
        servers,
        up=up,
        down=down,
        resume=resume,
        room=room,
        requests=150,
        warm_up=0,
        runs=2,
        seed=seed,
    )
    for run in range(2):
        wait, spent = twins.queue(
            exponential(1 / rate),
            (lambda p: 1.0) if constant else exponential(1.0),
            servers,
            150,
            seed,
            run=run,
            room=room,
            up=exponential(6.0) if fails else None,
            down=exponential(1.0) if fails else None,
            resume=resume,
        )
        assert found.wait[run] == pytest.approx(wait, rel=1e-9, abs=1e-9, nan_ok=True)
        assert found.time[run] == pytest.approx(spent, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (4, 0.85), (10, 0.8), (50, 0.9)])
def test_waits_are_those_of_the_formula(servers: int, load: float) -> None:
    theory = compute.mmc(load * servers, 1.0, servers)
    found = compute.simulate_queue(
        EXPONENTIAL(1 / (load * servers)), EXPONENTIAL(1.0), servers, runs=20, seed=1
    )
    assert abs(found.mean_wait - theory.mean_wait) < 4 * found.mean_wait_error
    assert found.mean_wait_error < 0.06 * theory.mean_wait
    assert found.worked_share.mean() == pytest.approx(load, rel=0.01)
    assert (found.wait > 0).mean() == pytest.approx(theory.wait_probability, abs=0.02)
    assert found.wait_quantile(0.95) == pytest.approx(theory.wait_quantile(0.95), rel=0.06)


@pytest.mark.parametrize(
    ("service", "scv"),
    [(CONSTANT(1.0), 0.0), (compute.LognormalTime(1.0, variation=1.5), 2.25)],
)
def test_one_server_waits_by_pollaczek_and_khinchine(service: compute.Duration, scv: float) -> None:
    found = compute.simulate_queue(EXPONENTIAL(1 / 0.7), service, 1, runs=30, seed=2)
    expected = 0.7 * (1 + scv) / 2 / (1 - 0.7)
    assert abs(found.mean_wait - expected) < 4 * found.mean_wait_error


@pytest.mark.parametrize("service", [compute.LognormalTime(1.0, 1.5), CONSTANT(1.0)])
@pytest.mark.parametrize("gap", [EXPONENTIAL(1 / 8), compute.WeibullTime(1 / 8, 0.7)])
def test_rule_of_thumb_for_any_laws_is_near_the_simulation(
    gap: compute.Duration, service: compute.Duration
) -> None:
    found = compute.simulate_queue(gap, service, 10, runs=20, seed=8)
    rule = compute.approximate_wait(8.0, 1.0, 10, arrival_scv=gap.scv, service_scv=service.scv)
    assert found.mean_wait == pytest.approx(rule, rel=0.4)


@pytest.mark.parametrize("scv", [0.25, 4.0])
def test_one_server_waits_less_than_kingman_allows(scv: float) -> None:
    gap = compute.LognormalTime(1 / 0.8, math.sqrt(scv))
    found = compute.simulate_queue(gap, EXPONENTIAL(1.0), 1, runs=20, seed=9)
    assert found.mean_wait < compute.kingman_bound(0.8, 1.0, arrival_scv=scv, service_scv=1.0)


@pytest.mark.parametrize(
    "law",
    [
        EXPONENTIAL(2.0),
        CONSTANT(2.0),
        compute.WeibullTime(2.0, 0.8),
        compute.LognormalTime(2.0, 0.7),
        compute.ObservedTimes([1.0, 2.0, 6.0]),
    ],
)
def test_means_and_variations_are_those_of_the_draws(law: compute.Duration) -> None:
    """Requests so far apart that none waits: the time is the service."""
    found = compute.simulate_queue(CONSTANT(1e6), law, 1, requests=100_000, runs=2, seed=10)
    assert found.time.mean() == pytest.approx(law.mean, rel=0.02)
    assert found.time.var() / found.time.mean() ** 2 == pytest.approx(law.scv, rel=0.05, abs=1e-12)


@pytest.mark.parametrize(
    "service", [EXPONENTIAL(1.0), CONSTANT(1.0), compute.WeibullTime(1.0, 0.5)]
)
def test_lost_requests_depend_on_the_mean_service_alone(service: compute.Duration) -> None:
    found = compute.simulate_queue(EXPONENTIAL(1 / 12), service, 10, room=0, seed=3)
    assert found.lost_share == pytest.approx(compute.erlang_b(10, 12.0), abs=0.005)
    assert np.nanmax(found.wait) == 0


@pytest.mark.parametrize("servers", [1, 3])
def test_failing_servers_that_resume_against_the_balance(servers: int) -> None:
    rate = 0.6 * servers
    expected = twins.states_with_failures(rate, 1.0, servers, 1 / 20, 1 / 3, most=150) / rate
    found = compute.simulate_queue(
        EXPONENTIAL(1 / rate),
        EXPONENTIAL(1.0),
        servers,
        up=EXPONENTIAL(20.0),
        down=EXPONENTIAL(3.0),
        resume=True,
        runs=40,
        seed=4,
    )
    assert abs(found.mean_time - expected) < 4 * found.mean_time_error
    assert found.mean_time_error < 0.03 * expected


def test_starting_again_costs_more_than_going_on() -> None:
    setting = {"up": EXPONENTIAL(8.0), "down": EXPONENTIAL(1.0), "requests": 20_000, "seed": 5}
    arrivals, service = EXPONENTIAL(1 / 2.5), CONSTANT(1.0)
    goes_on = compute.simulate_queue(arrivals, service, 5, resume=True, **setting)
    again = compute.simulate_queue(arrivals, service, 5, **setting)
    assert again.mean_time > goes_on.mean_time
    assert again.worked_share.mean() > goes_on.worked_share.mean()
    assert goes_on.worked_share.mean() == pytest.approx(0.5, abs=0.01)


def test_one_row_per_run_adds_up() -> None:
    found = compute.simulate_queue(EXPONENTIAL(0.5), EXPONENTIAL(1.0), 3, requests=5_000, seed=6)
    assert found.wait.shape == (8, 4_500)
    table = found.to_frame()
    assert list(table) == ["mean_wait", "mean_time", "worked_share", "lost_share"]
    assert table["mean_wait"].mean() == pytest.approx(found.mean_wait)
    assert found.time_quantile(1.0) == found.time.max()


def test_same_seed_same_bits_on_any_number_of_threads() -> None:
    def waits() -> np.ndarray:
        return compute.simulate_queue(
            EXPONENTIAL(0.3),
            compute.LognormalTime(1.0, variation=1.0),
            5,
            up=EXPONENTIAL(30.0),
            down=EXPONENTIAL(2.0),
            requests=2000,
            runs=6,
            seed=np.random.SeedSequence(7),
        ).wait

    before = numba.get_num_threads()
    together = waits()
    numba.set_num_threads(1)
    try:
        assert np.array_equal(waits(), together)
    finally:
        numba.set_num_threads(before)
    assert not np.array_equal(together[0], together[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compute.simulate_queue(EXPONENTIAL(0.1), EXPONENTIAL(1.0), 10),
            r"the load is 10 erlangs; allowed: \[0, 10\) erlangs",
        ),
        (
            lambda: compute.simulate_queue(
                EXPONENTIAL(1.0), EXPONENTIAL(0.9), 1, up=EXPONENTIAL(8), down=EXPONENTIAL(2)
            ),
            r"allowed: \[0, 0.8\) erlangs",
        ),
        (
            lambda: compute.simulate_queue(
                EXPONENTIAL(1.0), EXPONENTIAL(0.5), 1, up=EXPONENTIAL(8)
            ),
            "give both up and down, or neither",
        ),
        (
            lambda: compute.simulate_queue(EXPONENTIAL(1), EXPONENTIAL(0.5), 1, requests=0),
            "requests is 0",
        ),
        (
            lambda: compute.simulate_queue(
                CONSTANT(50.0),
                CONSTANT(30.0),
                1,
                up=CONSTANT(9.0),
                down=CONSTANT(1.0),
                requests=10,
                runs=1,
            ),
            "10 of 10 requests were never finished: servers fail before a service of mean 30",
        ),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
