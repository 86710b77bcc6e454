"""Chunks on disk: each written whole or not at all, each with a hash that tells damage."""

import hashlib
import inspect
import io
import json
import os
import warnings
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from .chunks import Partial, Plan

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
        self.folder = Path(folder)
        self.full = False
        self.folder.mkdir(parents=True, exist_ok=True)
        about, note = json.loads(json.dumps(identity(plan))), self.folder / _ABOUT
        if note.is_file():
            if not resume:
                raise FileExistsError(
                    f"{self.folder} holds {len(self.done())} chunks of an earlier experiment; "
                    "go on with resume=True or choose another folder"
                )
            had = json.loads(note.read_text("utf-8"))
            changed = [f"{k} was {had.get(k)}, is {v}" for k, v in about.items() if had.get(k) != v]
            if changed:
                raise ValueError(
                    f"{self.folder} belongs to another experiment: {'; '.join(changed)}. "
                    "Choose another folder, or make the call as it was"
                )
        _write(note, json.dumps(about, indent=1).encode())

    @staticmethod
    def stored_seed(folder: str | os.PathLike[str]) -> int | None:
        """Return the seed of the experiment in a folder, if there is one."""
        try:
            return int(json.loads((Path(folder) / _ABOUT).read_text("utf-8"))["seed"])
        except (OSError, ValueError, KeyError):
            return None

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


def identity(plan: Plan) -> dict[str, Any]:
    """Return what makes an experiment the one that it is."""
    special = {
        "model": plan.model.name,
        "code": code_hash(plan.model.model),
        "design": joblib.hash(plan.columns),
        "measures": [[m.name, code_hash(m.of)] for m in plan.measures],
        "passages": [asdict(p) for p in plan.passages],
        "time": joblib.hash(plan.time),
        "paired": plan.design.paired,
    }
    plain = [f.name for f in fields(plan) if f.name not in {*special, "units", "time_unit"}]
    return special | {name: getattr(plan, name) for name in plain}


def code_hash(model: Any) -> str:
    """Hash a model's source and its own settings; not what its functions refer to."""
    found = [getattr(model, "settings", None)]
    for part in getattr(model, "functions", None) or [getattr(model, "function", model)]:
        while isinstance(part, partial):
            found.append(repr((part.args, part.keywords)))
            part = part.func
        part = getattr(part, "py_func", part)
        try:
            found.append(inspect.getsource(part if inspect.isfunction(part) else type(part)))
        except (OSError, TypeError):
            found.append(getattr(part, "__qualname__", type(part).__qualname__))
    return str(joblib.hash(found))


def packed(part: Partial) -> bytes:
    """Write a chunk as an npz file, after its hash."""
    arrays = {
        f"{kind}/{name}": array
        for kind in ("summaries", "values")
        for name, array in getattr(part, kind).items()
    }
    arrays |= {f"sketches/{name}": counts for name, (_, counts) in part.sketches.items()}
    offsets = {name: offset for name, (offset, _) in part.sketches.items()}
    notes = json.dumps([part.failures, part.missing, offsets])
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
        failures, missing, offsets = json.loads(file["notes"].item())
        part = Partial(failures=[*map(tuple, failures)], missing=[*map(tuple, missing)])
        for kind, _, name in (key.partition("/") for key in file.files if key != "notes"):
            array = file[f"{kind}/{name}"]
            getattr(part, kind)[name] = (offsets[name], array) if kind == "sketches" else array
    return part
