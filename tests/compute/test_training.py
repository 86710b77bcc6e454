"""Training far from a data centre: rounds on nodes that leave, pipelines over links."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from depin_lib import compute, data
from depin_lib.compute import ExponentialTime, TrainingPlan, simulate_training

from . import event_twins, training_twins

USES = ["counted", "lost", "exchanging", "waiting", "joining", "absent"]
FOREVER = ExponentialTime(1e12)


@settings(deadline=None, max_examples=30)
@given(
    nodes=st.integers(1, 6),
    steps=st.integers(1, 40),
    sync=st.floats(0, 900),
    rejoin=st.sampled_from([0.0, 300.0]),
    together=st.booleans(),
    spread=st.sampled_from([0.0, 0.3]),
    up=st.floats(1, 20),
    down=st.floats(0.01, 2),
    seed=st.integers(0, 2**32),
    draw=st.data(),
)
def test_training_is_that_of_the_twin(
    nodes: int,
    steps: int,
    sync: float,
    rejoin: float,
    together: bool,
    spread: float,
    up: float,
    down: float,
    seed: int,
    draw: st.DataObject,
) -> None:
    least = draw.draw(st.integers(1, nodes))
    pace = [30 * (1 + spread * i) for i in range(nodes)]
    syncs = [sync * (1 + 0.1 * i) for i in range(nodes)]
    plan = TrainingPlan(nodes, steps, pace, syncs, rejoin, together, least)
    laws = (ExponentialTime(up), ExponentialTime(down))
    samples = simulate_training(plan, *laws, rounds=4, runs=2, most_departures=300, seed=seed)
    for run in range(2):
        if not samples.finished[run]:
            continue
        wall, uses, contributions = training_twins.train(
            4,
            nodes if together else least,
            together,
            rejoin / 3600,
            [steps * p / 3600 for p in pace],
            [s / 3600 for s in syncs],
            event_twins.exponential(up),
            event_twins.exponential(down),
            seed,
            run,
            horizon=samples.wall_hours[run] + 1.0,
        )
        assert samples.wall_hours[run] == pytest.approx(wall)
        assert samples.contributions[run] == contributions
        for use in USES:
            assert getattr(samples, use)[run] == pytest.approx(uses[use], abs=1e-7), use


@settings(deadline=None, max_examples=40)
@given(
    nodes=st.integers(1, 20),
    up=st.floats(0.2, 50),
    down=st.floats(0, 5),
    rejoin=st.floats(0, 4000),
    together=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_no_hour_of_a_node_is_lost_or_counted_twice(
    nodes: int, up: float, down: float, rejoin: float, together: bool, seed: int
) -> None:
    plan = TrainingPlan(nodes, 50, 30.0, 300.0, rejoin, together)
    laws = (ExponentialTime(up), compute.ConstantTime(down))
    samples = simulate_training(plan, *laws, rounds=5, runs=3, most_departures=2000, seed=seed)
    frame = samples.to_frame()
    assert frame[USES].sum(axis=1).to_numpy() == pytest.approx(nodes * frame["wall_hours"])
    assert samples.shares().sum() == pytest.approx(1)
    assert (frame[USES] >= 0).all(axis=None)
    worked = samples.contributions * 50 * 30 / 3600
    assert samples.counted == pytest.approx(worked)


@given(
    nodes=st.integers(1, 9),
    steps=st.integers(1, 500),
    step=st.floats(0.1, 60),
    sync=st.floats(0, 5000),
    rounds=st.integers(1, 20),
)
def test_without_departures_it_is_the_closed_form(
    nodes: int, steps: int, step: float, sync: float, rounds: int
) -> None:
    plan = TrainingPlan(nodes, steps, step, sync)
    samples = simulate_training(plan, FOREVER, rounds=rounds, runs=1, seed=1)
    share = compute.local_step_efficiency(step, sync, local_steps=steps)
    assert samples.useful_share == pytest.approx(share)
    assert 3600 * samples.wall_hours[0] == pytest.approx(rounds * plan.round_seconds)
    assert samples.steps_per_second == pytest.approx(nodes * steps / plan.round_seconds)


def test_without_departures_all_wait_for_the_slowest() -> None:
    speeds = np.array([5438.38] * 2 + [3325.26] * 6)  # tokens per second: H100s and RTX 4090s
    plan = TrainingPlan(8, 10, 1000 / speeds, 0.0)
    samples = simulate_training(plan, FOREVER, rounds=3, runs=1, seed=1)
    rate = 1000 * samples.steps_per_second
    assert rate == pytest.approx(compute.synchronous_throughput(speeds))


@pytest.mark.parametrize(("nodes", "together"), [(1, False), (1, True), (14, True)])
@pytest.mark.parametrize("rejoin", [0.0, 600.0])
def test_one_node_or_a_gang_pays_what_a_job_with_checkpoints_pays(
    nodes: int, together: bool, rejoin: float
) -> None:
    """The exchange saves what was done, so a round is Daly's interval and its checkpoint."""
    plan = TrainingPlan(nodes, 100, 22.8, 469.0, rejoin, together)
    law = ExponentialTime(2.0 * nodes)
    samples = simulate_training(plan, law, rounds=50, runs=2000, seed=2)
    work, sync = 2280 / 3600, 469 / 3600
    job = (50 * work, sync, rejoin / 3600, 2.0)
    expected = compute.expected_run_hours(*job, interval_hours=work)
    error = samples.wall_hours.std() / np.sqrt(2000)
    assert abs(samples.wall_hours.mean() - expected) < 4 * error
    assert error < 0.01 * expected


@pytest.mark.parametrize(("steps", "mean"), [(50, 3.0), (400, 10.0)])
def test_many_nodes_lose_what_the_formula_says(steps: int, mean: float) -> None:
    plan = TrainingPlan(500, steps, 22.8, 0.0)
    samples = simulate_training(plan, ExponentialTime(mean), rounds=40, runs=40, seed=3)
    expected = compute.elastic_efficiency(22.8, 0.0, 3600 * mean, local_steps=steps)
    assert abs(samples.useful_share - expected) < 4 * samples.useful_share_error
    assert samples.useful_share_error < 0.002


@given(step=st.floats(0.1, 60), sync=st.floats(1, 5000), stay=st.floats(1e4, 1e6))
def test_best_local_steps_are_best(step: float, sync: float, stay: float) -> None:
    best = compute.best_local_steps(step, sync, stay)
    found = optimize.minimize_scalar(
        lambda h: -compute.elastic_efficiency(step, sync, stay, local_steps=h),
        bounds=(1, 20 * max(best, 1)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    if best > 1:
        assert found.x == pytest.approx(best, rel=1e-3)


def test_same_bits_on_any_number_of_threads() -> None:
    plan = TrainingPlan(6, 50, 20.0, 200.0, 100.0)
    laws = (compute.ObservedTimes([0.3, 1.0, 9.0]), ExponentialTime(0.4))
    frames = []
    threads = numba.get_num_threads()
    for count in (1, threads):
        numba.set_num_threads(count)
        frames.append(simulate_training(plan, *laws, rounds=10, runs=20, seed=4).to_frame())
    numba.set_num_threads(threads)
    assert frames[0].equals(frames[1])


def test_a_fleet_that_never_meets_is_given_up() -> None:
    plan = TrainingPlan(40, 100, 60.0, 0.0, wait_for_all=True)
    samples = simulate_training(plan, ExponentialTime(0.1), rounds=1, most_departures=500, seed=5)
    assert not samples.finished.any()
    assert (samples.contributions == 0).all()


@given(
    stages=st.integers(1, 9),
    microbatches=st.integers(1, 30),
    forward=st.floats(0.01, 5),
    link=st.floats(0, 20),
)
def test_pipeline_is_that_of_the_twin(
    stages: int, microbatches: int, forward: float, link: float
) -> None:
    found = compute.pipeline_seconds(stages, microbatches, forward, link)
    passes = (
        training_twins.pipeline(stages, microbatches, c, link) for c in (forward, 2 * forward)
    )
    assert found == pytest.approx(sum(passes))
    fast = compute.pipeline_seconds(stages, microbatches, forward)
    idle = 1 - microbatches * 3 * forward / fast
    assert idle == pytest.approx(compute.pipeline_bubble(stages, microbatches), abs=1e-12)


@pytest.mark.parametrize("sync", [0.0, 60.0])
def test_a_contribution_is_a_whole_round_of_work(sync: float) -> None:
    """Also where an exchange takes no time and the last to leave unfinished leaves at its end."""
    plan = TrainingPlan(3, 100, [30.0, 60.0, 90.0], sync)
    samples = simulate_training(plan, ExponentialTime(1.0), rounds=20, runs=50, seed=4)
    units = samples.counted / (100 * 30.0 / 3600)
    np.testing.assert_allclose(units, np.round(units), rtol=1e-9)


def test_published_runs() -> None:
    """INTELLECT-1: utilisation is the ratio of two published rates; Covenant-72B: its parcel."""
    facts = data.load("compute_facts").set_index("key")["value"]
    alone = facts["intellect1_mfu_alone"]
    assert facts["intellect1_mfu_us"] / alone == pytest.approx(0.96, abs=0.005)
    assert facts["intellect1_mfu_three"] / alone == pytest.approx(0.83, abs=0.007)
    bits = facts["covenant_kept"] * facts["covenant_entry_bits"] / facts["covenant_chunk"]
    assert 32 / bits == pytest.approx(facts["covenant_compression"], abs=0.5)
    sent = facts["covenant_parameters"] * 1e9 * bits / 8
    seconds = sent / (facts["covenant_upload"] * 1e6 / 8)
    assert 2.0 < seconds / facts["covenant_sync"] < 2.1
    in_time = 8e-6 * sent / facts["covenant_deadline"]  # the code's deadline explains it: Mb/s
    assert 2 * facts["covenant_upload"] < in_time < facts["covenant_line"]
    share = compute.local_step_efficiency(60 * facts["covenant_round"], facts["covenant_sync"])
    assert share == pytest.approx(facts["covenant_utilisation"], abs=5e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TrainingPlan(0, 1, 1.0, 1.0), "nodes is 0"),
        (lambda: TrainingPlan(2, 1, 0.0, 1.0), "step_seconds is 0 seconds"),
        (lambda: TrainingPlan(2, 1, [1.0, 2.0, 3.0], 1.0), r"step_seconds has shape \(3,\)"),
        (lambda: TrainingPlan(2, 1, 1.0, -1.0), "sync_seconds is -1 seconds"),
        (lambda: TrainingPlan(2, 1, 1.0, 1.0, np.inf), "rejoin_seconds is inf"),
        (lambda: TrainingPlan(2, 1, 1.0, 1.0, least_nodes=3), "least_nodes is 3"),
        (lambda: compute.elastic_efficiency(1, 1, 0), "mean_stay is 0"),
        (lambda: compute.pipeline_seconds(0, 1, 1), "stages is 0"),
        (lambda: compute.transformer_layer_flop(1, 0, 1), "sequence is 0"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
