"""What long sessions of real users meet: odd runs, odd names, changed models, full disks."""

import functools
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from depin_lib.experiments import (
    Design,
    FirstPassage,
    Measure,
    Model,
    RunWarning,
    failures,
    grid,
    run,
    table,
    vectorized,
)
from depin_lib.experiments.chunks import run_seeds
from depin_lib.kernels.jit import jit

from . import models

POINT = grid({"x": [1.0]})
POINTS = grid({"x": [1.0, 2.0]})


class Odd:
    """Gives what ``odd`` says in run 728, the first of its chunk, else a number."""

    def __init__(self, odd) -> None:
        plan = models.plan(self, POINT, 1000)
        self.seed = int(run_seeds(plan, np.array([0]), np.array([728]))[0])
        self.odd = odd

    def __call__(self, x: float, seed: int):
        return self.odd if seed == self.seed else {"y": x}


def script(
    text: str, *arguments: str, limit: float = 120, hash_seed: str = "random"
) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


# A run that spoils the others


@pytest.mark.parametrize(
    "odd", [None, {"y": "n/a"}, {"y": np.ones((2, 2))}, {"y": [1.0]}, {"z": 1.0}]
)
def test_a_run_that_returns_what_is_no_result_is_named_and_the_others_kept(odd) -> None:
    with pytest.warns(RunWarning, match=r"1 of 1,000 runs failed.*run 728 of point 0 \(x = 1.0\)"):
        result = run(Odd(odd), POINT, runs=1000, seed=1)
    assert failures(result).loc[0, "run"] == 728


def test_a_run_that_lacks_a_measure_is_named_and_the_others_kept() -> None:
    with pytest.warns(RunWarning, match="1 of 1,000 runs failed"):
        run(Odd({"z": 1.0}), POINT, runs=1000, seed=1, measures=["y"])


def test_runs_of_another_length_fail_alone_wherever_the_chunks_end() -> None:
    def uneven(x: float, seed: int):
        return np.ones(4 if seed % 5 == 0 else 3)

    with pytest.warns(RunWarning, match=r"runs failed"):
        together = run(uneven, POINT, runs=40, seed=4, chunk=40)
    with pytest.warns(RunWarning, match=r"runs failed"):
        apart = run(uneven, POINT, runs=40, seed=4, chunk=1)
    assert int(apart["runs_failed"][0]) == int(together["runs_failed"][0])


@jit(cache=False)
def ones(n, seed):  # type: ignore[no-untyped-def]
    return np.ones(n)


def test_a_compiled_model_of_two_lengths_ends_alike_on_any_executor() -> None:
    def ending(executor: str) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunWarning)
            try:
                design = grid({"n": [5, 10]})
                done = run(ones, design, runs=60, seed=1, chunk=60, executor=executor, workers=2)
            except ValueError as exc:
                return type(exc)
            return done["runs_failed"].to_numpy().tolist()

    assert ending("threads") == ending("processes")


# Mistakes that must not wait for the last run to be noticed


@pytest.mark.parametrize(
    ("output", "options"),
    [
        ({"a": np.ones(5), "b": np.ones(6)}, {}),
        ({"a": np.ones(5)}, {"time": [1.0, 2.0]}),
        ({"x": 1.0}, {"paths": True}),
        ({"run": 1.0}, {"paths": True}),
    ],
    ids=["unequal series", "time of another length", "parameter's name", "reserved name"],
)
def test_what_cannot_be_labelled_is_noticed_at_the_first_chunk(output, options) -> None:
    calls = []

    def model(x: float, seed: int):
        calls.append(seed)
        return output

    try:
        run(model, POINT, runs=500, seed=1, chunk=10, **options)
    except ValueError:
        assert len(calls) <= 10
    else:
        assert len(calls) == 500


def test_a_parameter_may_not_take_the_name_of_a_result_late() -> None:
    calls = []

    def model(y_mean: float, seed: int):
        calls.append(seed)
        return {"y": y_mean}

    with pytest.raises(ValueError, match="y_mean"):
        run(model, grid({"y_mean": [1.0]}), runs=500, seed=1, chunk=10)
    assert len(calls) <= 10


def rise(state, p, signals, noise):
    return state.x + 1


@pytest.mark.parametrize("where", ["memory", "p.nc", "p.zarr"])
def test_the_paths_of_a_model_whose_start_is_swept(tmp_path, where: str) -> None:
    """The field x is a parameter and an output."""
    paths = True if where == "memory" else tmp_path / where
    result = run(Model({"x": 0.0}, {"x": rise}, steps=3), POINTS, seed=1, paths=paths)
    assert result["x_mean"][:, -1].to_numpy().tolist() == [4, 5]


# Names


def test_two_passages_do_not_become_one() -> None:
    levels = [FirstPassage("p", above=level) for level in (1_999_999.0, 2_000_000.0)]
    result = run(lambda x: {"p": np.arange(1_999_998.0, 2_000_002.0)}, POINT, first_passage=levels)
    assert sum(str(n).endswith("_share") for n in result) == 2


def test_a_label_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="'p'"):
        run(lambda x: {"p": [1.0, 2.0]}, POINT, first_passage=[FirstPassage("p", 2, label="p")])


def test_measures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="'y'"):
        run(lambda x: {"y": x}, POINT, measures=["y", Measure("y", of=lambda out: 2 * out["y"])])


def test_a_partial_function_is_called_by_its_name() -> None:
    def fee(x: float, share: float) -> float:
        return x * share

    assert "fee_mean" in run(functools.partial(fee, share=0.2), POINT)
    vector = vectorized(functools.partial(fee, share=0.2))
    assert vector.batch({"x": np.ones(2)}, np.zeros(2, np.uint64)).tolist() == [0.2, 0.2]


def test_a_slash_in_a_name_does_not_hide_the_paths(tmp_path) -> None:
    """Zarr would make a group USD of it, which open_dataset does not show."""
    try:
        run(lambda x: {"USD/h": x}, POINT, paths=tmp_path / "p.zarr")
    except ValueError as exc:
        assert "USD/h" in str(exc)  # noqa: PT017
    else:
        file = xr.open_dataset(tmp_path / "p.zarr", engine="zarr", consolidated=False)
        assert file.data_vars


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"measures": "price"}, "measures"),
        ({"first_passage": FirstPassage("price", 1)}, "first_passage"),
        ({"quantiles": 0.5}, "quantiles"),
        ({"quantiles": 1}, "quantiles"),
    ],
)
def test_one_value_where_a_list_is_due_is_taken_or_named(options, name: str) -> None:
    try:
        run(lambda x: {"price": [x, x]}, POINT, **options)
    except (TypeError, ValueError) as exc:
        assert str(exc).startswith(f"{name} is")  # noqa: PT017


def test_a_date_reaches_the_model_as_a_date() -> None:
    """NumPy's own item() of datetime64[ns] is a whole number of nanoseconds."""
    design = table({"start": np.array(["2026-01-01"], dtype="datetime64[ns]")})
    assert run(lambda start: float(np.datetime64(start, "Y") == np.datetime64("2026")), design)[
        "<lambda>_mean"
    ].to_numpy().tolist() == [1]


# Numbers


def test_sketched_quantiles_keep_their_error_for_small_values() -> None:
    @vectorized
    def price_per_byte(x, seed):
        return {"price": 1e-12 * (1 + (seed % np.uint64(1000)) * 0.01)}

    result = run(price_per_byte, POINT, runs=3000, seed=1, paths=True, quantiles=[0.1, 0.5, 0.9])
    exact = np.quantile(result["price"][0], [0.1, 0.5, 0.9], method="lower")
    np.testing.assert_allclose(result["price_quantile"][0], exact, rtol=0.0101)


# Going on


def scale(k: float):
    def model(x: float) -> dict[str, float]:
        return {"y": x * k}

    return model


class Scaled:
    """A model with a setting, callable, with a method, and with batch."""

    def __init__(self, k: float) -> None:
        self.k = k

    def __call__(self, x: float) -> dict[str, float]:
        return {"y": x * self.k}

    def go(self, x: float) -> dict[str, float]:
        return self(x)


class Batched(Scaled):
    """The same for many runs."""

    parameters = ("x",)

    def batch(self, columns, seeds, workers: int = 1):
        return {"y": columns["x"] * self.k}


def with_data(data, x: float) -> dict[str, float]:
    return {"y": x + float(data.sum())}


@pytest.mark.parametrize(
    "make",
    [
        Scaled,
        lambda k: Scaled(k).go,
        Batched,
        scale,
        lambda k: functools.partial(with_data, np.where(np.arange(5000) == 2500, k, 0.0)),
    ],
    ids=["instance", "method", "batch", "closure", "partial of a long array"],
)
def test_other_settings_are_another_experiment(tmp_path, make) -> None:
    run(make(1.0), POINTS, seed=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another experiment"):
        run(make(2.0), POINTS, seed=1, checkpoint=tmp_path, resume=True)


def test_a_method_whose_source_changed_is_another_experiment(tmp_path) -> None:
    class Other:
        def go(self, x: float) -> dict[str, float]:
            return {"y": -x}

    Other.go.__qualname__ = Scaled.go.__qualname__
    run(Scaled(1.0).go, POINTS, seed=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another experiment"):
        run(Other().go, POINTS, seed=1, checkpoint=tmp_path, resume=True)


class Setting:
    """Any object without a repr of its own."""

    def sum(self) -> float:
        return 1.0


def test_a_partial_of_an_object_goes_on(tmp_path) -> None:
    run(functools.partial(with_data, Setting()), POINTS, seed=1, checkpoint=tmp_path)
    kept = Setting()  # at another address
    run(functools.partial(with_data, kept), POINTS, seed=1, checkpoint=tmp_path, resume=True)


# fmt: off
def test_a_lambda_written_into_the_call_goes_on(tmp_path) -> None:
    run(lambda x: {"y": x}, POINTS, seed=1, checkpoint=tmp_path)
    run(lambda x: {"y": x}, POINTS, seed=1, checkpoint=tmp_path, resume=True)


def test_a_measure_written_into_the_call_goes_on(tmp_path) -> None:
    model, folder = scale(1.0), tmp_path
    run(model, POINTS, seed=1, measures=[Measure("z", of=lambda o: o["y"])], checkpoint=folder)
    run(model, POINTS, seed=1, measures=[Measure("z", of=lambda o: o["y"])], checkpoint=folder,
        resume=True)
# fmt: on


def test_a_function_is_the_same_in_every_process() -> None:
    text = """
        from depin_lib.experiments.identity import fingerprint
        print(fingerprint(lambda kind: kind in {"home", "hosted", "cloud"}))
    """
    found = {script(text, hash_seed=str(seed)).stdout for seed in range(3)}
    assert len(found) == 1
    assert len(found.pop().strip()) == 32


def test_whatever_a_function_closes_over_it_can_be_told_again(tmp_path) -> None:
    def closing_over(thing):
        return lambda x: {"y": x, "z": float(thing is None)}

    def not_yet():
        def model(x: float) -> dict[str, float]:
            return {"y": x} if x > 0 else later

        if False:
            later = {}
        return model

    things = (np, threading.Lock(), (i for i in ()), property(len), xr.Dataset({"a": 1}))
    for i, model in enumerate([*map(closing_over, things), not_yet()]):
        options = {"seed": 1, "checkpoint": tmp_path / str(i)}
        assert run(model, POINTS, **options).identical(run(model, POINTS, **options, resume=True))


def test_a_damaged_note_is_named(tmp_path) -> None:
    run(scale(1.0), POINTS, seed=1, checkpoint=tmp_path)
    (tmp_path / "experiment.json").write_text("{")
    with pytest.raises(ValueError, match=r"experiment\.json"):
        run(scale(1.0), POINTS, seed=1, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize("mistake", [{"measures": ["z"]}, {"paths": "x.csv"}])
def test_a_call_that_was_refused_leaves_the_folder_free(tmp_path, mistake) -> None:
    with pytest.raises(ValueError, match=r"z|csv"):
        run(scale(1.0), POINTS, seed=1, checkpoint=tmp_path / "c", **mistake)
    run(scale(1.0), POINTS, seed=1, checkpoint=tmp_path / "c")


@pytest.mark.parametrize("name", ["p.nc", "p.zarr"])
def test_the_same_call_with_paths_goes_on(tmp_path, name: str) -> None:
    options = {"seed": 1, "checkpoint": tmp_path / "c", "paths": tmp_path / name}
    first = run(scale(1.0), POINTS, **options)
    assert run(scale(1.0), POINTS, **options, resume=True).identical(first)


def test_resume_without_a_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        run(scale(1.0), POINTS, seed=1, resume=True)


PACE = {"seconds": 0.0}


def slow(x: float, seed: int) -> float:
    time.sleep(PACE["seconds"])
    return x


def test_the_time_left_after_a_resume_knows_the_loaded_chunks(tmp_path, monkeypatch) -> None:
    from depin_lib.experiments import running

    monkeypatch.setitem(PACE, "seconds", 0.0)
    options = {"runs": 2000, "seed": 1, "chunk": 10, "checkpoint": tmp_path}
    run(slow, POINT, **options)
    for chunk in sorted(tmp_path.glob("chunk-*"))[160:]:
        chunk.unlink()
    PACE["seconds"] = 0.005
    bars, usual = [], running._bar
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(running, "_bar", lambda *args: bars.append(usual(*args)) or bars[0])
    rates: list[float] = []

    def watched(plan, todo, *rest):
        for done in computed(plan, todo, *rest):
            rates.append(bars[0].format_dict["rate"] or 0.0)
            yield done

    computed = running.computed
    monkeypatch.setattr(running, "computed", watched)
    run(slow, POINT, **options, resume=True)
    assert 0 < max(rates) < 400, "no more than 200 runs a second are computed"


# Full disks


FULL = """
import resource, signal, sys, warnings
import numpy as np
from depin_lib.experiments import RunWarning, grid, run

def model(x, seed):
    return {"p": np.random.default_rng(seed).normal(x, 1, 200)}

design = grid({"x": [1.0, 2.0]})
plain = run(model, design, runs=300, seed=1)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
options = {sys.argv[2]: sys.argv[3]}
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    try:
        result = run(model, design, runs=300, seed=1, **options)
    except Exception as exc:
        print("raised", type(exc).__name__, exc)
    else:
        print("same" if result["p_mean"].equals(plain["p_mean"]) else "other")
print("said", *[w.message for w in said if w.category is RunWarning])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of a file's size is POSIX")
def test_a_netcdf_file_on_a_full_disk_leaves_the_summaries(tmp_path) -> None:
    """HDF5 would crash the process where a file cannot grow."""
    done = script(FULL, "200000", "paths", str(tmp_path / "p.nc"))
    assert done.returncode == 0, f"ended with {done.returncode}"
    assert "same" in done.stdout
    assert "p.nc" in done.stdout.partition("said")[2]


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of a file's size is POSIX")
def test_a_disk_that_is_full_from_the_start_is_named(tmp_path) -> None:
    done = script(FULL, "10", "checkpoint", str(tmp_path / "c"))
    assert done.returncode == 0
    assert str(tmp_path / "c") in done.stdout


# Workers


class Counted(Design):
    """Counts how often it is pickled."""

    pickled = 0

    def __reduce__(self):
        Counted.pickled += 1
        return Design, (self.points, self.kind, self.units, self.shape, self.paired)


def test_the_design_is_not_sent_with_every_chunk() -> None:
    design = Counted(POINTS.points, POINTS.kind)
    Counted.pickled = 0
    run(odd_seed, design, runs=100, seed=1, chunk=2, executor="processes", workers=2)
    assert Counted.pickled < 50, "a hundred chunks"


def odd_seed(x: float, seed: int) -> float:
    return x + seed % 2


def test_a_model_that_cannot_travel_is_named() -> None:
    lock = threading.Lock()

    def locked(x: float) -> float:
        with lock:
            return x

    with pytest.raises((TypeError, ValueError, RuntimeError), match="locked"):
        run(locked, POINTS, executor="processes", workers=2)


HANG = """
import threading
from distributed import Client, LocalCluster
from depin_lib.experiments import grid, run

if __name__ == "__main__":
    lock = threading.Lock()

    def locked(x):
        with lock:
            return x

    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            try:
                run(locked, grid({"x": [1.0, 2.0]}), executor=client)
            except Exception as exc:
                print("raised", exc)
            else:
                print("done")
"""


@pytest.mark.slow
def test_a_model_that_cannot_travel_does_not_hang_a_cluster() -> None:
    """Such a task would fail in Dask's loop, and joblib would wait for ever."""
    pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
    try:
        done = script(HANG, limit=60)
    except subprocess.TimeoutExpired:
        pytest.fail("no answer within a minute")
    assert "raised" in done.stdout or "done" in done.stdout
