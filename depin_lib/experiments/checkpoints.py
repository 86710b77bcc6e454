"""Chunks on disk: each written whole or not at all, each with a hash that tells damage."""

import hashlib
import io
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .chunks import Partial, Plan
from .identity import identity
from .provenance import provenance
from .summaries import Sketch

__all__ = ["Checkpoint", "RunWarning", "tell"]

_ABOUT = "experiment.json"


class RunWarning(UserWarning):
    """The experiment went on, but something happened that its reader must know."""


def tell(text: str) -> None:
    """Warn the reader of an experiment that goes on."""
    warnings.warn(text, RunWarning, stacklevel=3)


class Checkpoint:
    """A folder of finished chunks and a note of the experiment that they belong to."""

    def __init__(self, folder: str | os.PathLike[str], plan: Plan, resume: bool) -> None:
        self.folder, self.full = Path(folder), False
        self._about = json.loads(json.dumps(identity(plan) | provenance()))
        done = self.done()
        if done and not resume:
            raise FileExistsError(
                f"{self.folder} holds {len(done)} chunks of an earlier experiment; "
                "go on with resume=True or choose another folder"
            )
        if done:
            self._compare(note_in(self.folder))

    def _compare(self, had: dict[str, Any]) -> None:
        """Refuse chunks of another experiment; tell of those that other versions computed."""
        changed = {k: (had.get(k), v) for k, v in self._about.items() if had.get(k) != v}
        moved: list[str] = []
        other: list[str] = []
        for name, (was, now) in changed.items():
            if name != "commit":
                where = moved if name in provenance() else other
                where.append(f"{name} was {was}, is {now}")
        if other:
            raise ValueError(
                f"{self.folder} belongs to another experiment: {'; '.join(other)}. "
                "Choose another folder, or make the call as it was"
            )
        if moved:
            tell(
                f"the chunks in {self.folder} were computed elsewhere: {'; '.join(moved)}; "
                "last digits may differ from those of the rest"
            )

    def done(self) -> list[int]:
        """Return the numbers of the chunks in the folder."""
        names = [path.stem.removeprefix("chunk-") for path in self.folder.glob("chunk-*.npz")]
        return sorted(int(name) for name in names if name.isdecimal())

    def load(self, index: int) -> Partial | None:
        """Read a chunk; None, with a warning that names the file, if it is damaged."""
        path = self._path(index)
        try:
            return unpacked(path.read_bytes())
        except (OSError, ValueError) as exc:
            tell(f"checkpoint {path} is damaged ({exc}); its runs are done again")
            return None

    def save(self, index: int, part: Partial) -> None:
        """Write a chunk; if the disk is full, say so once and go on in memory."""
        if self.full:
            return
        try:
            if self._about:
                self.folder.mkdir(parents=True, exist_ok=True)
                _write(self.folder / _ABOUT, json.dumps(self._about, indent=1).encode())
                self._about = {}
            _write(self._path(index), packed(part))
        except OSError as exc:
            self.full = True
            tell(
                f"chunk {index} could not be written to {self.folder} ({exc}): "
                "the experiment goes on in memory, without further checkpoints"
            )

    def _path(self, index: int) -> Path:
        return self.folder / f"chunk-{index:06d}.npz"


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    draft = path.with_suffix(".part")
    try:
        with open(draft, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def note_in(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the note of an experiment; it is empty if there is none."""
    note = Path(folder) / _ABOUT
    try:
        return dict(json.loads(note.read_text("utf-8"))) if note.is_file() else {}
    except ValueError as exc:
        raise ValueError(
            f"{note} is damaged ({exc}), and without it nobody knows whose chunks these are: "
            "choose another folder"
        ) from exc


def packed(part: Partial) -> bytes:
    """Write a chunk as an npz file, after its hash."""
    arrays: dict[str, Any] = {f"summaries/{name}": array for name, array in part.summaries.items()}
    arrays |= {f"values/{name}": array for name, array in part.values.items()}
    offsets = {}
    for name, (zeros, (above, positive), (below, negative)) in part.sketches.items():
        offsets[name] = above, below
        sides = {"zeros": zeros, "positive": positive, "negative": negative}
        arrays |= {f"{side}/{name}": counts for side, counts in sides.items()}
    notes = json.dumps([part.shapes, part.failures, part.missing, offsets])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, notes=np.array(notes), **arrays)
    content = buffer.getvalue()
    return hashlib.sha256(content).hexdigest().encode() + content


def unpacked(content: bytes) -> Partial:
    """Read what `packed` wrote."""
    digest, content = content[:64], content[64:]
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise ValueError("its hash does not agree with its content")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        shapes, failures, missing, offsets = json.loads(file["notes"].item())
        part = Partial(
            shapes={name: tuple(shape) for name, shape in shapes.items()},
            failures=[*map(tuple, failures)],
            missing=[*map(tuple, missing)],
        )
        for kind, _, name in (key.partition("/") for key in file.files if key != "notes"):
            if kind in ("summaries", "values"):
                getattr(part, kind)[name] = file[f"{kind}/{name}"]
        for name, (above, below) in offsets.items():
            zeros, positive, negative = (
                file[f"{side}/{name}"] for side in ("zeros", "positive", "negative")
            )
            part.sketches[name] = Sketch(zeros, (above, positive), (below, negative))
    return part
