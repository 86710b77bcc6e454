"""Reading files that the Bittensor SDK saved, without the SDK and without running what they name.

The SDK's ``Metagraph.save()`` (up to version 10) writes ``block-N.pt``: a pickle of a dictionary of
NumPy arrays, or with ``USE_TORCH=1``, and always up to version 6, what ``torch.save`` makes of the
same dictionary, a zip archive with a pickle and the tensors' bytes. A pickle can call any function.
Here it can make arrays and tensors of numbers; whatever else it names (the SDK's neurons, axons and
balances) becomes an `Opaque` object that does nothing.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Opaque", "read_saved"]

#: torch's names of the types of numbers.
_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
#: What of NumPy a pickle of arrays needs; the modules moved in NumPy 2.
_NUMPY: dict[str, Any] = {
    "ndarray": np.ndarray,
    "dtype": np.dtype,
    "_reconstruct": np.empty(0).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
    "_frombuffer": np.empty(0).__reduce_ex__(5)[0],
}


class Opaque:
    """Stands for an object in a file that is no array of numbers."""

    def __new__(cls, *_: Any, **__: Any) -> "Opaque":
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, item: Any) -> None:
        """Take an item and forget it, as a list of the SDK's would keep it."""

    def extend(self, items: Any) -> None:
        """Take items and forget them."""

    def add(self, item: Any) -> None:
        """Take an item and forget it."""


def read_saved(path: Path) -> dict[str, Any]:
    """Read the dictionary that the SDK saved; arrays and tensors come as NumPy arrays.

    Parameters
    ----------
    path
        File ``block-N.pt``.

    Returns
    -------
    dict
        By the SDK's names; what is neither number, text nor array is an `Opaque`.

    Raises
    ------
    ValueError
        If the file is damaged or holds something else.
    FileNotFoundError
        If there is none.
    """
    content = path.read_bytes()
    try:
        found = _read_torch(content) if content[:4] == b"PK\x03\x04" else _read_pickle(content)
    except Exception as exc:  # a damaged pickle can fail in any way
        raise ValueError(
            f"{path} cannot be read: {exc or type(exc).__name__}; it is damaged, or was not saved "
            "by the Bittensor SDK"
        ) from exc
    if not isinstance(found, dict):
        raise ValueError(
            f"{path} holds {type(found).__name__}, not the dictionary that the Bittensor SDK "
            "saves; a file of torch before 1.6 has to be saved anew with a later one"
        )
    return found


def _read_pickle(content: bytes) -> Any:
    return _Unpickler(io.BytesIO(content), lambda name: b"").load()


def _read_torch(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("the archive has no data.pkl")
        folder = names[0].removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise ValueError("its numbers are big-endian")
        inside = io.BytesIO(archive.read(names[0]))
        return _Unpickler(inside, lambda name: archive.read(f"{folder}data/{name}")).load()


class _Unpickler(pickle.Unpickler):
    """Makes arrays of numbers and nothing else."""

    def __init__(self, file: io.BytesIO, storage: Callable[[str], bytes]) -> None:
        super().__init__(file)
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name in the file stands for here."""
        if module.split(".")[0] == "numpy" and name in _NUMPY:
            return _NUMPY[name]
        if module == "torch" and name in _STORAGES:
            return np.dtype(_STORAGES[name])
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("_codecs", "encode"): _latin_bytes,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        return known.get((module, name), Opaque)

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        """Return the numbers of a torch tensor, which the archive holds in a file of their own."""
        kind, dtype, key, _, _ = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ValueError(f"it refers to {kind!r} of a type that is not known")
        return np.frombuffer(self.storage(key), dtype)


def _latin_bytes(text: str, _: str = "latin1") -> bytes:
    """Make bytes as pickles of protocol 2 write them."""
    return text.encode("latin1")


def _tensor(
    storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> NDArray[Any]:
    """Make an array of a torch tensor: element (i, j, …) is storage[offset + Σ index × stride]."""
    place = np.full(size, offset, dtype=np.int64)
    for axis, (length, step) in enumerate(zip(size, stride, strict=True)):
        along = np.arange(length, dtype=np.int64) * step
        place += along.reshape([-1 if k == axis else 1 for k in range(len(size))])
    return storage[place]


def _parameter(data: NDArray[Any], *_: Any) -> NDArray[Any]:
    return data
