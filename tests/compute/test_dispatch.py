import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import compute

from . import event_twins as twins

EXPONENTIAL, CONSTANT = compute.ExponentialTime, compute.ConstantTime


@settings(deadline=None, max_examples=60)
@given(
    servers=st.integers(2, 6),
    load=st.floats(0.05, 0.9),
    hedge_after=st.sampled_from([0.0, 0.3, 1.5, math.inf]),
    same=st.booleans(),
    constant=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_request_fares_as_in_the_twin(
    servers: int, load: float, hedge_after: float, same: bool, constant: bool, seed: int
) -> None:
    gap = 1 / (load * servers)
    found = compute.simulate_dispatch(
        EXPONENTIAL(gap),
        CONSTANT(1.0) if constant else EXPONENTIAL(1.0),
        servers,
        hedge_after=hedge_after,
        same_service=same,
        requests=120,
        warm_up=0,
        runs=2,
        seed=seed,
    )
    for run in range(2):
        spent, copies, worked = twins.dispatch(
            twins.exponential(gap),
            (lambda p: 1.0) if constant else twins.exponential(1.0),
            servers,
            120,
            seed,
            run=run,
            hedge_after=hedge_after,
            same_service=same,
        )
        assert found.time[run] == pytest.approx(spent, rel=1e-9, abs=1e-9)
        assert found.copies[run] * 120 == pytest.approx(copies)
        assert found.worked_share[run] == pytest.approx(worked, rel=1e-9)


def test_without_second_copies_each_line_is_a_queue_of_its_own() -> None:
    for service, scv in ((EXPONENTIAL(1.0), 1.0), (CONSTANT(1.0), 0.0)):
        found = compute.simulate_dispatch(EXPONENTIAL(1 / 7), service, 10, runs=20, seed=1)
        expected = 1 + compute.approximate_wait(0.7, 1.0, 1, service_scv=scv)
        assert abs(found.mean_time - expected) < 4 * found.mean_time_error
        assert found.worked_share.mean() == pytest.approx(0.7, rel=0.01)
        assert found.extra_load == 0


@pytest.mark.parametrize("delay", [0.0, 0.7, math.log(20)])
def test_hedging_without_crowding_is_that_of_the_formula(delay: float) -> None:
    formula = compute.hedged_request(1.0, delay)
    found = compute.simulate_dispatch(
        EXPONENTIAL(1e3), EXPONENTIAL(1.0), 50, hedge_after=delay, runs=10, seed=2
    )
    assert abs(found.mean_time - formula.mean) < 4 * found.mean_time_error
    assert found.extra_load == pytest.approx(formula.extra_load, abs=0.002)
    assert found.time_quantile(0.99) == pytest.approx(formula.quantile(0.99), rel=0.02)


def test_a_second_copy_helps_against_slow_providers_not_against_long_requests() -> None:
    service = compute.LognormalTime(1.0, variation=2.0)
    wide = {"hedge_after": 3.0, "requests": 50_000, "seed": 3}
    alone = compute.simulate_dispatch(EXPONENTIAL(1e3), service, 20, requests=50_000, seed=3)
    slow = compute.simulate_dispatch(EXPONENTIAL(1e3), service, 20, **wide)
    long = compute.simulate_dispatch(EXPONENTIAL(1e3), service, 20, same_service=True, **wide)
    assert slow.time_quantile(0.99) < 0.6 * alone.time_quantile(0.99)
    assert long.time_quantile(0.99) == pytest.approx(alone.time_quantile(0.99), rel=0.001)
    assert long.worked_share.mean() > alone.worked_share.mean()


def test_same_seed_same_bits_on_any_number_of_threads() -> None:
    def times() -> np.ndarray:
        return compute.simulate_dispatch(
            EXPONENTIAL(0.2), EXPONENTIAL(1.0), 8, hedge_after=1.0, requests=2000, runs=6, seed=7
        ).time

    before = numba.get_num_threads()
    together = times()
    numba.set_num_threads(1)
    try:
        assert np.array_equal(times(), together)
    finally:
        numba.set_num_threads(before)
    assert not np.array_equal(together[0], together[1])


def test_one_row_per_run_adds_up() -> None:
    found = compute.simulate_dispatch(EXPONENTIAL(0.5), EXPONENTIAL(1.0), 3, requests=1000, seed=6)
    assert found.time.shape == (8, 900)
    assert found.to_frame()["mean_time"].mean() == pytest.approx(found.mean_time)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: compute.simulate_dispatch(EXPONENTIAL(0.1), EXPONENTIAL(1.0), 10),
            r"load is 10 erlangs; allowed: \[0, 10\) erlangs",
        ),
        (
            lambda: compute.simulate_dispatch(EXPONENTIAL(2), EXPONENTIAL(1), 1, hedge_after=1),
            "servers is 1; allowed with hedging: at least 2",
        ),
        (
            lambda: compute.simulate_dispatch(EXPONENTIAL(2), EXPONENTIAL(1), 2, hedge_after=-1),
            "hedge_after is -1",
        ),
        (
            lambda: compute.simulate_dispatch(CONSTANT(0.0), EXPONENTIAL(1), 2),
            "the mean of between_arrivals is 0",
        ),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
