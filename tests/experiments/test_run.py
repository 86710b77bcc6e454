import sys
import warnings

import numpy as np
import pytest
import xarray as xr

from depin_lib.experiments import (
    FirstPassage,
    Measure,
    RunError,
    RunWarning,
    failures,
    grid,
    run,
    sobol,
    table,
    vectorized,
)

from . import models

DRIFTS = grid({"drift": [0.0, 0.5]}, units={"drift": "USD per day"})
PAIRED = DRIFTS.with_common_random_numbers()


def twin(design, runs: int, seed: int) -> np.ndarray:
    """Every path of `models.walk`, one by one: (points, runs, times)."""
    from depin_lib.experiments.chunks import run_seeds

    plan, drifts, out = models.plan(models.walk, design, runs, seed), design.points["drift"], []
    for point in range(len(design)):
        seeds = run_seeds(plan, np.full(runs, point), np.arange(runs))
        out.append([models.walk(drifts[point], int(s))["price"] for s in seeds])
    return np.array(out)


def test_summaries_are_those_of_all_paths() -> None:
    result = run(models.walk, DRIFTS, runs=300, seed=1, measures=[Measure("price", "USD")])
    paths = twin(DRIFTS, 300, 1)
    np.testing.assert_allclose(result["price_mean"], paths.mean(1), rtol=1e-12)
    np.testing.assert_allclose(result["price_variance"], paths.var(1, ddof=1), rtol=1e-10)
    assert (result["price_min"] == paths.min(1)).all()
    assert (result["price_max"] == paths.max(1)).all()
    exact = np.moveaxis(np.quantile(paths, [0.05, 0.5, 0.95], axis=1), 0, 1)
    np.testing.assert_array_equal(result["price_quantile"], exact)
    assert result["price_mean"].dims == ("drift", "time")
    assert result["price_mean"].attrs["units"] == "USD"
    assert result["price_variance"].attrs["units"] == "(USD)^2"
    assert result["drift"].attrs["units"] == "USD per day"
    assert result.attrs["seed"] == "1"
    assert {"versions", "processor", "commit", "design"} <= set(result.attrs)


def test_sketched_quantiles_keep_their_stated_error() -> None:
    result = run(models.compiled_walk, table({"drift": [1.0], "steps": [5]}), runs=3000, seed=2)
    paths = run(
        models.compiled_walk, table({"drift": [1.0], "steps": [5]}), runs=3000, seed=2, paths=True
    )["compiled_walk"][0]
    exact = np.quantile(paths, [0.05, 0.5, 0.95], axis=0, method="lower")
    got = result["compiled_walk_quantile"][0].to_numpy()
    assert (np.abs(got - exact) <= 0.01 * np.abs(exact) * (1 + 1e-9)).all()
    assert not (got == exact).all(), "3,000 runs are past the limit of exact quantiles"
    assert result.attrs["quantiles"] == "DDSketch, 0.01"


@pytest.mark.parametrize(
    ("executor", "workers"), [("threads", 2), ("threads", 3), ("processes", 1), ("processes", 2)]
)
@pytest.mark.parametrize(("model", "runs"), [(models.walk, 70), (models.compiled_walk, 1500)])
def test_the_same_bits_for_any_workers(model, runs: int, executor: str, workers: int) -> None:
    names = {"drift": [0.1, 0.2], "steps": [20]}
    design = grid({k: v for k, v in names.items() if k == "drift" or "compiled" in str(model)})
    one = run(model, design, runs=runs, seed=3, workers=1)
    other = run(model, design, runs=runs, seed=3, executor=executor, workers=workers)
    assert one.identical(other)


def test_whole_points_and_parts_of_points_agree() -> None:
    whole = run(models.walk, DRIFTS, runs=40, seed=1, chunk=80)
    parts = run(models.walk, DRIFTS, runs=40, seed=1, chunk=7)
    xr.testing.assert_allclose(whole, parts, rtol=1e-12)
    assert (whole["price_quantile"] == parts["price_quantile"]).all()


def test_paired_runs_share_their_noise() -> None:
    paired = run(models.walk, PAIRED, runs=50, seed=1, paths=True)
    loose = run(models.walk, DRIFTS, runs=50, seed=1, paths=True)
    gap = paired["last"].diff("drift").isel(drift=0)
    np.testing.assert_allclose(gap, 5.0, rtol=1e-12)  # ten steps of 0.5, not a word of noise
    assert loose["last"].diff("drift").std() > 1
    np.testing.assert_array_equal(paired["price"], twin(PAIRED, 50, 1))


def test_thinned_series_and_their_times() -> None:
    full = run(models.walk, DRIFTS, runs=5, seed=1)
    thin = run(models.walk, DRIFTS, runs=5, seed=1, every=3, time_unit="d")
    assert thin["time"].to_numpy().tolist() == [0, 3, 6, 9]
    assert thin["time"].attrs["units"] == "d"
    assert (thin["price_mean"] == full["price_mean"].isel(time=slice(0, None, 3))).all()


def test_first_passages() -> None:
    result = run(
        models.walk, DRIFTS, runs=200, seed=1, paths=True, first_passage=[FirstPassage("price", 2)]
    )
    reached = (result["price"] >= 2).to_numpy()
    np.testing.assert_allclose(result["price_above_2_share"], reached.any(-1).mean(-1))
    times = np.where(reached.any(-1), reached.argmax(-1), np.nan)
    np.testing.assert_allclose(result["price_above_2_mean"], np.nanmean(times, axis=1))


def test_a_design_without_a_grid_keeps_points() -> None:
    result = run(models.walk, sobol({"drift": (0, 1)}, 8, seed=1), runs=2, seed=1)
    assert result["last_mean"].dims == ("point",)
    assert result["drift"].dims == ("point",)


def test_measures_of_a_compiled_model_with_two_outputs() -> None:
    last = Measure("half", of=lambda out: out["path"][..., -1] / 2)
    result = run(models.compiled_ends, DRIFTS, runs=4, seed=1, measures=[last, "last"])
    np.testing.assert_allclose(result["half_mean"] * 2, result["last_mean"])
    assert "path_mean" not in result


def test_a_vectorized_function() -> None:
    @vectorized
    def cost(price, hours):
        return {"cost": price * hours}

    result = run(cost, grid({"price": [1.0, 2.0], "hours": [3.0, 4.0]}))
    assert result["cost_mean"].to_numpy().tolist() == [[3, 4], [6, 8]]


def test_a_run_that_raises_is_named_and_the_others_are_kept() -> None:
    from depin_lib.experiments.chunks import run_seeds

    plan = models.plan(models.breaks, table({"x": [1.0], "bad": [0]}), 10_000, 5)
    bad = int(run_seeds(plan, np.array([0]), np.array([731]))[0])
    design = table({"x": [1.0], "bad": np.array([bad], dtype=object)})
    said = rf"1 of 10,000 runs failed.*run 731 of point 0 \(x = 1.0, bad = {bad}\), seed {bad}: "
    with pytest.warns(RunWarning, match=said + "ZeroDivisionError: no supply left"):
        result = run(models.breaks, design, runs=10_000, seed=5)
    assert int(result["runs_failed"][0]) == 1
    assert int(result["runs_done"][0]) == 9_999
    listed = failures(result)
    assert listed.loc[0, ["run", "seed"]].tolist() == [731, str(bad)]
    with pytest.raises(ZeroDivisionError):
        models.breaks(1.0, int(listed.loc[0, "seed"]), bad)


def test_a_compiled_run_that_raises_is_named_too() -> None:
    design = table({"limit": [2.0]})
    with pytest.warns(RunWarning, match="ValueError: the pool is empty"):
        result = run(models.compiled_breaks, design, runs=500, seed=1, workers=2)
    free = run(models.compiled_breaks, table({"limit": [99.0]}), runs=500, seed=1, paths=True)
    values = free["compiled_breaks"].to_numpy()[0]
    assert int(result["runs_failed"][0]) == (values > 2).sum() > 0
    np.testing.assert_allclose(result["compiled_breaks_mean"], values[values <= 2].mean())


def test_missing_outputs_are_counted_and_reported() -> None:
    def sometimes(x: float, seed: int) -> float:
        return x if seed % 2 else float("nan")

    with pytest.warns(RunWarning, match=r"sometimes: \d+ values are NaN or infinite.*run \d+ of"):
        result = run(sometimes, table({"x": [1.0, 2.0]}), runs=50, seed=1)
    assert 0 < int(result["sometimes_missing"][0]) < 50
    assert result["sometimes_mean"].to_numpy().tolist() == [1.0, 2.0]
    assert result["sometimes_quantile"].to_numpy().tolist() == [[1.0] * 3, [2.0] * 3]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: run(models.walk, grid({"drfit": [1]})), ValueError, "did you mean 'drift'"),
        (lambda: run(models.breaks, grid({"x": [1]})), ValueError, "breaks also needs bad"),
        (lambda: run(models.walk, DRIFTS, runs=-3), ValueError, "runs is -3"),
        (lambda: run(models.walk, DRIFTS, runs=2.5), ValueError, "whole numbers"),
        (lambda: run(models.walk, DRIFTS, workers=0), ValueError, "workers is 0"),
        (lambda: run(models.walk, DRIFTS, every=0), ValueError, "every is 0"),
        (lambda: run(models.walk, DRIFTS, quantiles=[2]), ValueError, r"quantiles\[0\] is 2"),
        (lambda: run(models.walk, DRIFTS, measures=["prise"]), ValueError, "'prise' is not among"),
        (lambda: run(models.walk, DRIFTS, executor="gpu"), ValueError, "executor is 'gpu'"),
        (lambda: run(models.walk, {"drift": [1]}), TypeError, "design is dict"),
        (lambda: run(3, DRIFTS), TypeError, "model is 3"),
        (lambda: run(lambda drift: drift, DRIFTS, runs=2), ValueError, "takes no seed"),
        (lambda: run(lambda drift: "high", DRIFTS), ValueError, "returned str"),
        (lambda: run(lambda drift: {"a": "high"}, DRIFTS), ValueError, "a is 'high'"),
        (lambda: run(lambda drift: {"a": np.ones((2, 2))}, DRIFTS), ValueError, "a has shape"),
        (lambda: run(lambda drift: 1 / 0, DRIFTS), RunError, "every run failed; the first: run 0"),
        (lambda: run(models.walk, DRIFTS, time=[1, 2]), ValueError, "time has 2 entries"),
        (lambda: run(models.walk, grid({"drift": [np.nan]})), ValueError, "drift.*is nan"),
        (
            lambda: run(models.walk, DRIFTS, first_passage=[FirstPassage("last", 1)]),
            ValueError,
            "the series are: price",
        ),
        (lambda: FirstPassage("price"), ValueError, "give one of them"),
    ],
)
def test_bad_input_is_refused(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_runs_of_another_length_fail_alone() -> None:
    def uneven(x: float, seed: int) -> np.ndarray:
        return np.ones(4 if seed % 5 == 0 else 3)

    with pytest.warns(RunWarning, match="outputs have shapes"):
        run(uneven, table({"x": [1.0]}), runs=40, seed=4, chunk=40)


def test_memory_does_not_grow_with_runs() -> None:
    import tracemalloc

    peaks = []
    design = table({"drift": [0.1], "steps": [100]})
    run(models.compiled_walk, design, runs=2_000, seed=1, chunk=1000)
    for runs in (20_000, 60_000):
        tracemalloc.start()
        run(models.compiled_walk, design, runs=runs, seed=1, chunk=1000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_the_result_can_be_stored(tmp_path) -> None:
    result = run(models.walk, DRIFTS, runs=5, seed=2**64 - 1)
    result.to_netcdf(tmp_path / "result.nc", engine="h5netcdf")
    assert xr.load_dataset(tmp_path / "result.nc", engine="h5netcdf").identical(result)


@pytest.mark.parametrize("name", ["paths.zarr", "paths.nc"])
def test_paths_go_to_a_file(tmp_path, name: str) -> None:
    kept = run(models.walk, DRIFTS, runs=9, seed=1, every=2, paths=True)
    result = run(models.walk, DRIFTS, runs=9, seed=1, every=2, paths=tmp_path / name, chunk=4)
    zarr = {"engine": "zarr", "consolidated": False}
    opening = {"engine": "h5netcdf"} if name.endswith("nc") else zarr
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stored = xr.open_dataset(result.attrs["paths"], **opening)
    np.testing.assert_array_equal(stored["price"], kept["price"])
    np.testing.assert_array_equal(stored["last"][..., 0], kept["last"])
    assert stored["time"].to_numpy().tolist() == [0, 2, 4, 6, 8]
    assert stored["drift"].to_numpy().tolist() == [0.0, 0.5]
    with pytest.raises(FileExistsError, match="choose another name"):
        run(models.walk, DRIFTS, paths=tmp_path / name)


def test_a_full_disk_leaves_the_summaries(tmp_path, monkeypatch) -> None:
    from depin_lib.experiments import storage

    def full(self, times):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.Paths, "_create", full)
    with pytest.warns(RunWarning, match=r"No space left on device.*incomplete from point 0, run 0"):
        result = run(models.walk, DRIFTS, runs=4, seed=1, paths=tmp_path / "p.zarr")
    plain = run(models.walk, DRIFTS, runs=4, seed=1)
    xr.testing.assert_equal(result, plain)


def test_the_bar_shows_runs_and_is_silent_in_the_book(monkeypatch, capsys) -> None:
    from depin_lib.experiments import running

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    plan = models.plan(models.walk, DRIFTS, 5)
    with running._bar(plan, True) as bar:
        bar.delay = 0
        bar.update(4)
        bar.refresh()
        assert (bar.n, bar.total, bar.disable) == (4, 10, False)
    assert "walk" in capsys.readouterr().err
    assert running._bar(plan, False).disable
    monkeypatch.setenv("DEPIN_BOOK", "1")
    assert running._bar(plan, True).disable
