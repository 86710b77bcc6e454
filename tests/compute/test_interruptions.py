import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib import compute

from . import event_twins as twins

EXPONENTIAL = compute.ExponentialTime


@settings(deadline=None, max_examples=60)
@given(
    work=st.floats(1, 50),
    interval=st.floats(0.3, 10),
    write=st.floats(0.001, 0.5),
    restart=st.floats(0, 0.5),
    announced=st.sampled_from([0.0, 0.4, 1.0]),
    mean=st.floats(3, 50),
    seed=st.integers(0, 2**32),
)
def test_job_is_that_of_the_twin(
    work: float,
    interval: float,
    write: float,
    restart: float,
    announced: float,
    mean: float,
    seed: int,
) -> None:
    job = compute.Job(work, write, restart, interval, announced)
    samples = compute.simulate_job(job, EXPONENTIAL(mean), EXPONENTIAL(1.0), runs=3, seed=seed)
    for run in range(3):
        interval_used = min(interval, work)
        laws = (twins.exponential(mean), twins.exponential(1.0))
        expected = twins.job(work, interval_used, write, restart, announced, *laws, seed, run)
        found = (
            samples.running_hours[run],
            samples.away_hours[run],
            samples.interruptions[run],
            samples.lost_hours[run],
        )
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("c", "r", "m", "tau"), [(5 / 60, 10 / 60, 24, 2.0), (0.25 / 60, 5 / 60, 3.093, None)]
)
def test_mean_is_the_formula_of_daly(c: float, r: float, m: float, tau: float | None) -> None:
    tau = tau or compute.optimal_interval(c, m)
    job = compute.Job(200 * tau, c, r, tau)
    samples = compute.simulate_job(job, EXPONENTIAL(m), runs=20_000, seed=5)
    expected = compute.checkpoint_overhead(c, r, m, interval_hours=tau)
    assert abs(samples.overhead - expected) < 4 * samples.overhead_error
    assert samples.overhead_error < 0.002
    assert samples.finished.all()


def test_no_checkpoints_is_the_restart_formula() -> None:
    job = compute.Job(10.0, 0.0, 0.5, interval_hours=math.inf)
    samples = compute.simulate_job(job, EXPONENTIAL(8.0), runs=100_000, seed=6)
    expected = compute.expected_run_hours_without_checkpoints(10.0, 8.0, restart_hours=0.5)
    assert abs(10 * samples.overhead - expected) < 40 * samples.overhead_error


@pytest.mark.parametrize(
    "law",
    [
        compute.WeibullTime(6.0, shape=0.6),
        compute.LognormalTime(6.0, variation=2.0),
        compute.ObservedTimes([0.5, 0.5, 1.0, 22.0]),
        compute.ConstantTime(6.0),
    ],
)
def test_laws_keep_their_mean(law: compute.Duration) -> None:
    job = compute.Job(5_000.0, 0.01, 0.0, interval_hours=0.5)
    samples = compute.simulate_job(job, law, EXPONENTIAL(1.0), runs=200, seed=7)
    assert law.mean == pytest.approx(6.0)
    stay = samples.running_hours.sum() / (samples.interruptions.sum() + 100)
    assert stay == pytest.approx(6.0, rel=0.03)


def test_hours_add_up_and_notice_saves_work() -> None:
    job = compute.Job(100.0, 0.1, 0.2, interval_hours=3.0)
    plain = compute.simulate_job(job, EXPONENTIAL(5.0), EXPONENTIAL(2.0), runs=2000, seed=8)
    least = plain.useful_hours + plain.lost_hours
    assert (plain.running_hours >= least).all()
    assert np.array_equal(plain.wall_hours, plain.running_hours + plain.away_hours)
    told = compute.Job(100.0, 0.1, 0.2, interval_hours=3.0, announced_share=1.0)
    warned = compute.simulate_job(told, EXPONENTIAL(5.0), EXPONENTIAL(2.0), runs=2000, seed=8)
    assert warned.overhead < plain.overhead
    assert warned.lost_hours.mean() < 0.05 * plain.lost_hours.mean()
    assert plain.to_frame().shape == (2000, 5)


def test_hopeless_job_is_given_up() -> None:
    job = compute.Job(100.0, 0.0, 0.0, interval_hours=math.inf)
    samples = compute.simulate_job(job, EXPONENTIAL(1.0), runs=3, most_interruptions=50, seed=9)
    assert not samples.finished.any()
    assert np.isinf(samples.running_hours).all()
    assert (samples.interruptions == 50).all()


def test_independent_fleet_is_binomial() -> None:
    up, down = EXPONENTIAL(9.0), EXPONENTIAL(3.0)
    fleet = compute.simulate_fleet(6, up, down, hours=50_000, runs=20, seed=10)
    for k in range(7):
        expected = compute.availability_of_k(0.75, 6, k)
        assert fleet.share_with_at_least(k) == pytest.approx(expected, abs=0.005)
    assert fleet.share_with.sum(axis=1) == pytest.approx(1.0)
    counts = np.arange(7)
    assert fleet.availability.sum(axis=1) == pytest.approx(fleet.share_with @ counts)
    assert fleet.gang_mtbf_hours == pytest.approx(9.0 / 6, rel=0.02)
    assert fleet.to_frame().shape == (7, 1)


def test_shared_outages_keep_the_availability_and_join_the_machines() -> None:
    up, down, shared = 9.0, EXPONENTIAL(3.0), 0.8
    own = EXPONENTIAL(up / (1 - shared))
    fleet = compute.simulate_fleet(
        6, own, down, hours=50_000, shared_mean_hours=up / shared, runs=20, seed=11
    )
    assert fleet.availability.mean() == pytest.approx(0.75, abs=0.01)
    assert fleet.all_up > 2 * 0.75**6
    assert fleet.any_up < 0.97 * (1 - 0.25**6)
    expected = 1 / (6 * (1 - shared) / up + shared / up)
    assert fleet.gang_mtbf_hours == pytest.approx(expected, rel=0.02)


def test_unequal_machines_follow_their_own_stays() -> None:
    fleet = compute.simulate_fleet(
        2, EXPONENTIAL(1.0), EXPONENTIAL(1.0), hours=50_000, relative_stays=[1, 4], runs=4, seed=12
    )
    assert fleet.availability.mean(axis=0) == pytest.approx([0.5, 0.8], abs=0.01)


def test_same_seed_same_bits_on_any_number_of_threads() -> None:
    job = compute.Job(50.0, 0.05, 0.1)

    def both() -> tuple:
        samples = compute.simulate_job(job, EXPONENTIAL(5), EXPONENTIAL(1), runs=500, seed=13)
        fleet = compute.simulate_fleet(
            5, EXPONENTIAL(5), EXPONENTIAL(1), shared_mean_hours=20, runs=16, seed=13
        )
        return samples.wall_hours, samples.lost_hours, fleet.share_with, fleet.stops

    before = numba.get_num_threads()
    together = both()
    numba.set_num_threads(1)
    try:
        alone = both()
    finally:
        numba.set_num_threads(before)
    for a, b in zip(together, alone, strict=True):
        assert np.array_equal(a, b)
    other = compute.simulate_job(job, EXPONENTIAL(5), EXPONENTIAL(1), runs=500, seed=14)
    assert not np.array_equal(other.wall_hours, together[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.Job(0, 0.1, 0.1), r"useful_hours is 0; allowed: \(0"),
        (lambda: compute.Job(1, -0.1, 0.1), r"checkpoint_hours is -0.1 hours; allowed: \[0, inf"),
        (lambda: compute.Job(1, 0.1, 0.1, announced_share=2), r"announced_share is 2"),
        (lambda: compute.simulate_job(compute.Job(1, 0, 0), EXPONENTIAL(1)), "interval_hours is 0"),
        (
            lambda: compute.simulate_job(compute.Job(1, 1, 0), EXPONENTIAL(9), runs=0),
            r"runs is 0; allowed: \[1",
        ),
        (lambda: EXPONENTIAL(0), "mean_time is 0"),
        (lambda: compute.WeibullTime(1, shape=0), "shape is 0"),
        (lambda: compute.ObservedTimes([]), "no duration above zero"),
        (lambda: compute.ObservedTimes([1, -1]), r"values\[1\] is -1"),
        (
            lambda: compute.simulate_fleet(
                2, EXPONENTIAL(1), EXPONENTIAL(1), relative_stays=[1, 1, 1]
            ),
            r"relative_stays has shape \(3,\); expected \(2\)",
        ),
        (
            lambda: compute.simulate_fleet(1, EXPONENTIAL(1), EXPONENTIAL(1), shared_mean_hours=0),
            "shared_mean_hours is 0 hours",
        ),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_number_is_no_law() -> None:
    with pytest.raises(TypeError, match="up is 24; give a law, such as ExponentialTime"):
        compute.simulate_job(compute.Job(1, 0.1, 0.1), 24)
