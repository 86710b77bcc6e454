import errno
import functools
import os

import pytest
import xarray as xr

from depin_lib.experiments import Interrupted, Model, RunWarning, grid, run, table
from depin_lib.experiments.chunks import Partial

from . import models

DRIFTS = grid({"drift": [0.0, 0.5]})


LEFT = [0]  #: runs until the reader of `stops` presses Ctrl-C


def stops(drift: float, seed: int):
    """`models.walk` under a reader who presses Ctrl-C in some run."""
    LEFT[0] -= 1
    if LEFT[0] == 0:
        raise KeyboardInterrupt
    return models.walk(drift, seed)


def test_ctrl_c_keeps_what_is_done_and_resume_goes_on(tmp_path) -> None:
    LEFT[0] = 31
    with pytest.raises(Interrupted, match=r"after 28 of 80 runs.*resume=True") as stopped:
        run(stops, DRIFTS, runs=40, seed=1, chunk=7, checkpoint=tmp_path)
    partial = stopped.value.partial
    assert partial is not None
    assert partial["runs_done"].to_numpy().tolist() == [28, 0]
    assert partial.attrs["complete"] == "no"
    resumed = run(stops, DRIFTS, runs=40, seed=1, chunk=7, checkpoint=tmp_path, resume=True)
    assert LEFT[0] == 31 - 31 - (80 - 28), "only the 52 missing runs were made"
    whole = run(models.walk, DRIFTS, runs=40, seed=1, chunk=7)
    xr.testing.assert_equal(resumed, whole)


def test_without_a_checkpoint_the_exception_carries_what_is_done() -> None:
    LEFT[0] = 31
    with pytest.raises(Interrupted, match="attribute partial") as stopped:
        run(stops, DRIFTS, runs=40, seed=1, chunk=7)
    assert stopped.value.partial["runs_done"].sum() == 28
    assert isinstance(stopped.value, KeyboardInterrupt)


@pytest.mark.parametrize("damage", [b"", b"not a chunk", "flip"])
def test_a_damaged_checkpoint_is_named_and_redone(tmp_path, damage) -> None:
    options = {"runs": 40, "seed": 1, "chunk": 7, "checkpoint": tmp_path}
    whole = run(models.walk, DRIFTS, **options)
    victim = tmp_path / "chunk-000003.npz"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content) if damage == "flip" else damage)
    with pytest.warns(RunWarning, match=r"chunk-000003\.npz is damaged .* done again"):
        again = run(models.walk, DRIFTS, **options, resume=True)
    assert again.identical(whole)
    assert run(models.walk, DRIFTS, **options, resume=True).identical(whole), "it is whole again"


def test_sketches_survive_a_checkpoint(tmp_path) -> None:
    options = {"runs": 3000, "seed": 1, "checkpoint": tmp_path}
    design = table({"drift": [0.1], "steps": [4]})
    whole = run(models.compiled_walk, design, **options)
    for path in sorted(tmp_path.glob("chunk-*"))[::2]:
        path.unlink()
    assert run(models.compiled_walk, design, **options, resume=True).identical(whole)


def test_another_experiment_does_not_touch_a_checkpoint(tmp_path) -> None:
    run(models.walk, DRIFTS, runs=4, seed=1, checkpoint=tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="go on with resume=True or choose another folder"):
        run(models.walk, DRIFTS, runs=4, seed=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="another experiment: seed was 1, is 2"):
        run(models.walk, DRIFTS, runs=4, seed=2, checkpoint=tmp_path, resume=True)
    with pytest.raises(ValueError, match="design was"):
        run(models.walk, grid({"drift": [9.0]}), runs=4, checkpoint=tmp_path, resume=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_model_with_other_settings_is_another_experiment(tmp_path) -> None:
    def rule(state, p, signals, noise):
        return state.x + p.rate

    def call(model, folder: str, **options):
        return run(model, grid({"x": [1.0]}), seed=1, checkpoint=tmp_path / folder, **options)

    call(Model({"x": 0.0}, {"x": rule}, parameters={"rate": 1.0}, steps=3), "model")
    same = Model({"x": 0.0}, {"x": rule}, parameters={"rate": 1.0}, steps=3)
    assert call(same, "model", resume=True)["x_mean"][0, -1] == 4.0
    for changed in ({"steps": 3, "parameters": {"rate": 2.0}}, {"steps": 4}):
        other = Model({"x": 0.0}, {"x": rule}, **{"parameters": {"rate": 1.0}} | changed)
        with pytest.raises(ValueError, match="another experiment: code was"):
            call(other, "model", resume=True)
    call(functools.partial(lambda x, y: x + y, y=1.0), "partial")
    with pytest.raises(ValueError, match="another experiment: code was"):
        call(functools.partial(lambda x, y: x + y, y=2.0), "partial", resume=True)


def test_resuming_finds_the_seed(tmp_path) -> None:
    first = run(models.walk, DRIFTS, runs=4, checkpoint=tmp_path)
    assert run(models.walk, DRIFTS, runs=4, checkpoint=tmp_path, resume=True).identical(first)


def test_a_full_disk_is_said_once_and_nothing_is_lost(tmp_path, monkeypatch) -> None:
    replace = os.replace
    written: list[str] = []

    def full(source, target) -> None:
        if len(written) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(RunWarning, match="No space left on device.*goes on in memory") as caught:
        result = run(models.walk, DRIFTS, runs=40, seed=1, chunk=7, checkpoint=tmp_path)
    assert len(caught) == 1
    monkeypatch.undo()
    assert result.identical(run(models.walk, DRIFTS, runs=40, seed=1, chunk=7))
    assert not list(tmp_path.glob("*.part"))
    resumed = run(models.walk, DRIFTS, runs=40, seed=1, chunk=7, checkpoint=tmp_path, resume=True)
    assert resumed.identical(result)


def test_an_empty_chunk_is_a_chunk() -> None:
    from depin_lib.experiments.checkpoints import packed, unpacked

    part = Partial(failures=[(1, 2, 2**64 - 1, "ValueError: x")])
    assert unpacked(packed(part)) == part
