"""Chunks on disk: each written whole or not at all, each with a hash that tells damage."""

import hashlib
import inspect
import io
import json
import os
import re
import warnings
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .chunks import Partial, Plan

__all__ = ["Checkpoint", "RunWarning"]

_ABOUT = "experiment.json"


class RunWarning(UserWarning):
    """The experiment went on, but something happened that its reader must know."""


class Checkpoint:
    """A folder of finished chunks and a note of the experiment that they belong to."""

    def __init__(self, folder: str | os.PathLike[str], plan: Plan, resume: bool) -> None:
        self.folder = Path(folder)
        self.full = False
        self.folder.mkdir(parents=True, exist_ok=True)
        about = identity(plan)
        note = self.folder / _ABOUT
        if note.is_file() and not resume:
            raise FileExistsError(
                f"{self.folder} holds {len(self.done())} chunks of an earlier experiment; "
                "go on with resume=True or choose another folder"
            )
        if note.is_file():
            self._compare(json.loads(note.read_text("utf-8")), about)
        self._write(note, json.dumps(about, indent=1).encode())

    @staticmethod
    def stored_seed(folder: str | os.PathLike[str]) -> int | None:
        """Return the seed of the experiment in a folder, if there is one."""
        try:
            return int(json.loads((Path(folder) / _ABOUT).read_text("utf-8"))["seed"])
        except (OSError, ValueError, KeyError):
            return None

    def _compare(self, stored: dict[str, Any], about: dict[str, Any]) -> None:
        changed = [
            f"{key} was {stored.get(key)}, is {value}"
            for key, value in about.items()
            if stored.get(key) != value
        ]
        if changed:
            raise ValueError(
                f"{self.folder} belongs to another experiment: {'; '.join(changed)}. "
                "Choose another folder, or make the call as it was"
            )

    def done(self) -> list[int]:
        """Return the numbers of the chunks in the folder."""
        found = (re.fullmatch(r"chunk-(\d+)\.npz", p.name) for p in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def load(self, index: int) -> Partial | None:
        """Read a chunk; None, with a warning that names the file, if it is damaged."""
        path = self._path(index)
        try:
            data = path.read_bytes()
            digest, content = data[:64], data[64:]
            if hashlib.sha256(content).hexdigest().encode() != digest:
                raise ValueError("its hash does not agree with its content")
            return unpacked(content)
        except (OSError, ValueError, KeyError) as exc:
            warnings.warn(
                f"checkpoint {path} is damaged ({exc}); its runs are done again",
                RunWarning,
                stacklevel=2,
            )
            return None

    def save(self, index: int, part: Partial) -> None:
        """Write a chunk; if the disk is full, say so once and go on in memory."""
        if self.full:
            return
        content = packed(part)
        digest = hashlib.sha256(content).hexdigest().encode()
        try:
            self._write(self._path(index), digest + content)
        except OSError as exc:
            self.full = True
            warnings.warn(
                f"chunk {index} could not be written to {self.folder} ({exc}): "
                "the experiment goes on in memory, without further checkpoints",
                RunWarning,
                stacklevel=2,
            )

    def _path(self, index: int) -> Path:
        return self.folder / f"chunk-{index:06d}.npz"

    def _write(self, path: Path, data: bytes) -> None:
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
    table = hashlib.sha256()
    for name, column in plan.columns.items():
        table.update(f"{name} {column.tolist()!r}".encode())
    return {
        "model": plan.model.name,
        "code": code_hash(plan.model.model),
        "design": table.hexdigest()[:16],
        "runs": plan.runs,
        "seed": str(plan.seed),
        "paired": plan.paired,
        "measures": [[m.name, code_hash(m.of) if m.of else ""] for m in plan.measures],
        "passages": [asdict(p) for p in plan.passages],
        "every": plan.every,
        "quantiles": list(plan.quantiles),
        "relative_error": plan.relative_error,
        "paths": plan.paths,
        "chunk": plan.size,
    }


def code_hash(model: Any) -> str:
    """Hash a model's source and its own settings; not what its functions refer to."""
    parts = getattr(model, "functions", None) or [getattr(model, "function", model)]
    text = repr(getattr(model, "settings", ""))
    for part in parts:
        if isinstance(part, partial):
            text += repr((part.args, part.keywords))
            part = part.func
        part = getattr(part, "py_func", part)
        try:
            text += inspect.getsource(part if inspect.isfunction(part) else type(part))
        except (OSError, TypeError):
            text += getattr(part, "__qualname__", type(part).__qualname__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def packed(part: Partial) -> bytes:
    """Write a chunk as an npz file."""
    arrays: dict[str, Any] = {}
    for kind in ("moments", "quantiles", "values"):
        arrays |= {f"{kind}/{name}": a for name, a in getattr(part, kind).items()}
    arrays |= {f"counts/{name}": counts for name, (_, counts) in part.sketches.items()}
    rest = {
        "offsets": {name: offset for name, (offset, _) in part.sketches.items()},
        "series": part.series,
        "failures": part.failures,
        "missing": part.missing,
    }
    arrays["rest"] = np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpacked(content: bytes) -> Partial:
    """Read what `packed` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        rest = json.loads(file["rest"].tobytes())
        part = Partial(series=rest["series"])
        part.failures = [(p, r, s, w) for p, r, s, w in rest["failures"]]
        part.missing = [(n, p, r) for n, p, r in rest["missing"]]
        for key in file.files:
            kind, _, name = key.partition("/")
            if kind == "counts":
                part.sketches[name] = (rest["offsets"][name], file[key])
            elif name:
                getattr(part, kind)[name] = file[key]
    return part
