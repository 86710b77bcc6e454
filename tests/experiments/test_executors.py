"""Real worker processes, of which one is killed in the middle."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from depin_lib.experiments import RunError, RunWarning, grid, run, table
from depin_lib.experiments.executors import _places

from . import models

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")


@pytest.fixture(scope="module")
def client() -> Iterator["distributed.Client"]:
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.parametrize(("model", "runs"), [(models.walk, 30), (models.compiled_walk, 1500)])
def test_a_cluster_gives_the_same_bits(client, model, runs: int) -> None:
    names = {"drift": [0.1, 0.2]} | ({} if model is models.walk else {"steps": [20]})
    here = run(model, grid(names), runs=runs, seed=3)
    assert run(model, grid(names), runs=runs, seed=3, executor=client).identical(here)


def test_a_cluster_survives_the_loss_of_a_worker(client, tmp_path) -> None:
    design = grid({"x": [1.0, 2.0], "folder": [str(tmp_path)]})
    before = set(client.scheduler_info()["workers"])
    result = run(models.kills_once, design, runs=120, seed=6, executor=client, checkpoint=tmp_path)
    assert (tmp_path / "killed").exists(), "a worker was killed in the middle"
    client.wait_for_workers(2, timeout=60)
    assert set(client.scheduler_info()["workers"]) != before
    assert result["runs_done"].to_numpy().ravel().tolist() == [120, 120]
    assert run(models.kills_once, design, runs=120, seed=6).identical(result)


def test_processes_survive_the_loss_of_a_worker(tmp_path) -> None:
    design = grid({"x": [1.0], "folder": [str(tmp_path)]})
    with pytest.warns(RunWarning, match="a worker process died; .* chunks are computed anew"):
        result = run(models.kills_once, design, runs=60, seed=6, executor="processes", workers=2)
    assert (tmp_path / "killed").exists()
    assert run(models.kills_once, design, runs=60, seed=6).identical(result)


def test_workers_that_die_every_time_are_given_up(tmp_path) -> None:
    design = grid({"x": [1.0], "folder": [str(tmp_path / "missing")]})
    with (
        pytest.warns(RunWarning, match="died"),
        pytest.raises(RunError, match=r"died 3 times; not done: points 0 to 0, runs \d+") as failed,
    ):
        run(models.always_dies, design, runs=4, seed=6, executor="processes", workers=2)
    assert failed.value.partial is not None


SCRIPT = """
import sys
from depin_lib.experiments import grid, run
from tests.experiments import models

run(models.slow_walk, grid({"drift": [0.1]}), runs=200, seed=2, executor=sys.argv[1], workers=2,
    checkpoint=sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to another process is a POSIX signal")
@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_a_real_ctrl_c_keeps_the_chunks(executor: str, tmp_path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, executor, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while len(list(tmp_path.glob("chunk-*.npz"))) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    said = started.communicate(timeout=60)[1]
    assert started.returncode != 0
    assert "Interrupted: stopped after" in said
    kept = len(list(tmp_path.glob("chunk-*.npz")))
    assert 3 <= kept < 200
    options = {"runs": 200, "seed": 2}
    design = grid({"drift": [0.1]})
    resumed = run(models.slow_walk, design, checkpoint=tmp_path, resume=True, **options)
    again = run(models.slow_walk, design, executor="processes", workers=2, **options)
    assert resumed.identical(again)


def test_many_lost_chunks_are_named_in_short() -> None:
    plan = models.plan(models.walk, table({"drift": [0.0]}), 50, size=10)
    assert _places(plan, [4, 0, 1, 2]).endswith("points 0 to 0, runs 20 to 29; and 1 more chunks")
