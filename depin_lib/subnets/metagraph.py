"""A subnet's state at one block: read from a file, or fetched with the official SDK."""

import importlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks
from .epoch import EpochResult, yuma_epoch
from .matrices import max_upscale_u16
from .parameters import U16_MAX
from .saved import Opaque, read_saved

__all__ = ["Metagraph", "fetch_metagraph", "load_metagraph"]

Array = NDArray[np.float64]
Blocks = NDArray[np.int64]
Flags = NDArray[np.bool_]

_RAO_PER_TAO = 10**9
#: The names under which files and the SDK hold a field.
_NAMES = {
    "netuid": ("netuid",),
    "block": ("block",),
    "stake": ("stake", "S"),
    "weights": ("weights", "W"),
    "bonds": ("bonds", "B"),
    "last_update": ("last_update",),
    "registered": ("block_at_registration", "registered"),
    "permits": ("validator_permit", "permits"),
    "active": ("active",),
    "owner": ("owner",),
    "consensus": ("consensus", "C"),
    "incentive": ("incentive", "I"),
    "dividends": ("dividends", "D"),
    "validator_trust": ("validator_trust", "Tv"),
}
_NEEDED = ("netuid", "block", "stake", "weights")
_SHARES = ("consensus", "incentive", "dividends", "validator_trust")


@dataclass(frozen=True, eq=False)
class Metagraph:
    """One subnet at one block: n uids, each a row and a column. What is not known is None.

    Examples
    --------
    >>> graph = Metagraph(netuid=15, block=4_769_998, stake=[3, 1], weights=[[0, 1], [1, 0]])
    >>> graph.epoch().emission.tolist()
    [0.5, 0.5]
    """

    netuid: int  #: number of the subnet
    block: int  #: block of the state
    #: stake weight, TAO; since February 2025 alpha plus the weighted TAO on root, shape (n,)
    stake: Array
    weights: Array  #: weights as set, each row in a unit of its own, shape (n, n)
    bonds: Array | None = None  #: stored bonds, shares from 0 to 1, shape (n, n)
    last_update: Blocks | None = None  #: block of each row's last weights, shape (n,)
    registered: Blocks | None = None  #: block at which each uid was registered, shape (n,)
    permits: Flags | None = None  #: who may vote in the next epoch, shape (n,)
    active: Flags | None = None  #: who was active in the last epoch, shape (n,)
    owner: int | None = None  #: uid of the subnet's owner
    consensus: Array | None = None  #: what the chain stored in its last epoch, shape (n,)
    incentive: Array | None = None  #: likewise
    dividends: Array | None = None  #: likewise
    validator_trust: Array | None = None  #: likewise

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "netuid", checks.whole_number("netuid", self.netuid, low=0, high=U16_MAX))
        put(self, "block", checks.whole_number("block", self.block, low=0, high=2**53))
        stake = checks.shape("stake", _real("stake", self.stake), (None,), "one entry per uid")
        put(self, "stake", stake)
        n = stake.size
        put(self, "weights", _held("weights", self.weights, (n, n), float))
        kinds: dict[str, Any] = dict.fromkeys(_SHARES, ((n,), float))
        kinds |= dict.fromkeys(("last_update", "registered"), ((n,), int))
        kinds |= dict.fromkeys(("permits", "active"), ((n,), bool))
        kinds["bonds"] = ((n, n), float)
        for name, (shape, kind) in kinds.items():
            value = getattr(self, name)
            if value is not None:
                high = 1.0 if name == "bonds" or kind is bool else np.inf
                put(self, name, _held(name, value, shape, kind, high))
        if self.owner is not None:
            put(self, "owner", checks.whole_number("owner", self.owner, low=0, high=n - 1))

    @property
    def weights_u16(self) -> NDArray[np.uint16]:
        """Weights as the chain stores them: whole numbers, the largest of a row 65,535, (n, n).

        From rows in single precision, as the SDK gives them, these are the chain's own numbers,
        because a row reaches the chain scaled to a largest entry of 65,535.
        """
        rows = [max_upscale_u16(row) for row in self.weights]
        return np.array(rows, np.uint16).reshape(self.weights.shape)

    def epoch(self, **options: Any) -> EpochResult:
        """Run `yuma_epoch` on this state, with all masks that it holds.

        Weights, stake, bonds, permits, blocks and the owner are those of the metagraph; in the
        arithmetic "fixed" the weights are `weights_u16`. The chain's next epoch does the same, at a
        later block and with the stake of then.

        Parameters
        ----------
        options
            Arguments of `yuma_epoch`; they come before what the metagraph holds. ``bonds=None``
            starts without bonds.

        Returns
        -------
        EpochResult

        Raises
        ------
        ValueError, TypeError
            As `yuma_epoch`.

        Examples
        --------
        >>> graph = Metagraph(netuid=1, block=9, stake=[3, 1], weights=[[0, 0.5], [0.5, 0]])
        >>> graph.epoch(arithmetic="fixed").incentive.tolist()
        [0.0, 1.0]
        """
        held: dict[str, Any] = {
            "bonds": self.bonds,
            "permits": self.permits,
            "owner": self.owner,
            "block": self.block,
            "last_update": self.last_update,
            "registered": self.registered,
        }
        exact = options.get("arithmetic") == "fixed"
        return yuma_epoch(self.weights_u16 if exact else self.weights, self.stake, **held | options)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per uid with all vectors that are known."""
        columns = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ("netuid", "block", "weights", "bonds", "owner")
        }
        known = {name: values for name, values in columns.items() if values is not None}
        return pd.DataFrame(known, index=pd.RangeIndex(self.stake.size, name="uid"))

    def save(self, path: str | Path) -> None:
        """Write a file that `load_metagraph` reads: NumPy's npz, by the names of the fields.

        Parameters
        ----------
        path
            File to make, ending in .npz.

        Raises
        ------
        FileExistsError
            If it is there already.
        ValueError
            If it ends otherwise.
        """
        file = Path(path)
        if file.suffix != ".npz":
            raise ValueError(f"{file} ends in {file.suffix!r}; a metagraph is saved as .npz")
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {name: np.asarray(value) for name, value in known.items() if value is not None}
        if self.bonds is not None:
            arrays["bonds"] = self.bonds * U16_MAX
        with file.open("xb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def load_metagraph(path: str | Path) -> Metagraph:
    """Read a metagraph from a file, offline and without the SDK.

    Parameters
    ----------
    path
        Either what the SDK's ``Metagraph.save()`` wrote (versions 6 to 10) after
        ``sync(lite=False)``: ``block-N.pt``, a pickle of NumPy arrays or an archive of torch
        tensors. Or an ``.npz`` with the arrays ``netuid``, ``block``, ``stake`` or ``S``,
        ``weights`` or ``W``, and where known the other fields of `Metagraph` by their names or the
        SDK's. Stake is in TAO, bonds are whole 65,535ths in both.

    Returns
    -------
    Metagraph
        The SDK's files hold neither ``registered`` nor ``owner``; its numbers are of single
        precision.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is of another kind, is damaged, or lacks weights or stake; the message names the
        file and what is missing.

    Notes
    -----
    A pickle is read without running what it names: only arrays of numbers come out of it. Source:
    the SDK's ``bittensor/core/metagraph.py``, ``save`` and ``state_dict``, versions 6.9, 7.0, 8.0,
    9.0 and 10.0. Version 11 (2026) saves no metagraphs: `fetch_metagraph`, then
    ``Metagraph.save``.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    if file.suffix == ".npz":
        return _from_names(str(file), _read_npz(file))
    if file.suffix in (".pt", ".pkl", ".pickle"):
        return _from_names(str(file), read_saved(file))
    raise ValueError(
        f"{file} ends in {file.suffix!r}; metagraphs are read from .npz and from the SDK's .pt"
    )


def fetch_metagraph(netuid: int, *, network: str = "finney", block: int | None = None) -> Metagraph:
    """Fetch a subnet's metagraph, weights and bonds included, from the chain with the SDK.

    This alone of the library needs a network, and the official SDK, an optional extra:
    ``pip install "depin-lib[bittensor]"``, versions 8 to 11.

    Parameters
    ----------
    netuid
        Number of the subnet.
    network
        "finney" (the main network), "test", "archive" or the address of a node. Nodes of the main
        network forget states after about 300 blocks; older blocks need an archive node.
    block
        Block of the state; by default the newest.

    Returns
    -------
    Metagraph
        Of the subnet's first mechanism.

    Raises
    ------
    ImportError
        If the SDK is not installed; the message says how to install it.
    ValueError
        If there is no such subnet at that block.
    Exception
        Whatever the SDK raises where the node does not answer, with a note on what was asked.
    """
    checks.whole_number("netuid", netuid, low=0, high=U16_MAX)
    try:
        sdk = importlib.import_module("bittensor")
    except ImportError as exc:
        raise ImportError(
            f"the Bittensor SDK cannot be imported ({exc}): "
            'pip install "depin-lib[bittensor]"; or read a saved file with load_metagraph'
        ) from None
    source = f"subnet {netuid} on {network!r} at {'the newest block' if block is None else block}"
    try:
        subtensor = sdk.Subtensor(network)
        found: dict[str, Any] | None
        if hasattr(subtensor, "metagraph"):  # SDK 8 to 10
            found = _attributes(subtensor.metagraph(netuid, lite=False, block=block))
        else:
            found = _typed(subtensor, netuid, block)
    except Exception as exc:
        exc.add_note(f"while fetching {source} with bittensor {getattr(sdk, '__version__', '?')}")
        raise
    if found is None or not np.size(found.get("stake", ())):
        raise ValueError(f"there is no {source}")
    return _from_names(source, found)


def _attributes(graph: Any) -> dict[str, Any]:
    """Take from a metagraph of SDK 8 to 10 what is known here, and the owner's uid."""
    names = [name for known in _NAMES.values() for name in known if name != "owner"]
    found = {name: getattr(graph, name) for name in names if getattr(graph, name, None) is not None}
    hotkeys = list(getattr(graph, "hotkeys", []))
    if getattr(graph, "owner_hotkey", None) in hotkeys:
        found["owner"] = hotkeys.index(graph.owner_hotkey)
    return found


def _typed(subtensor: Any, netuid: int, block: int | None) -> dict[str, Any] | None:
    """Fetch with SDK 11: the typed metagraph, and the neurons' weights and bonds at its block."""
    graph = subtensor.subnets.metagraph(netuid, block=block, commitments=False)
    if graph is None:
        return None
    rows = subtensor.neurons.all(netuid, block=graph.block, lite=False)
    n = len(graph.neurons)
    matrices = {"weights": np.zeros((n, n)), "bonds": np.zeros((n, n))}
    for neuron in rows:
        for name, matrix in matrices.items():
            for column, value in neuron.raw.get(name) or []:
                matrix[neuron.uid, int(column)] = int(value)
    names = ("last_update", "block_at_registration", "validator_permit", "active")
    found: dict[str, Any] = {
        name: np.array([getattr(neuron, name) for neuron in graph.neurons])
        for name in (*names, "consensus", "incentive", "dividends")
    }
    found["stake"] = np.array([x.total_stake.rao for x in graph.neurons]) / _RAO_PER_TAO
    found["validator_trust"] = np.array(
        [int(neuron.raw.get("validator_trust") or 0) / U16_MAX for neuron in rows]
    )
    for neuron in graph.neurons:
        if neuron.hotkey == graph.owner_hotkey:
            found["owner"] = neuron.uid
    return found | matrices | {"netuid": netuid, "block": graph.block}


def _read_npz(file: Path) -> dict[str, Any]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as exc:
        raise ValueError(f"{file} cannot be read as npz: {exc}; it is damaged or no npz") from exc


def _from_names(source: str, found: Mapping[str, Any]) -> Metagraph:
    """Make a metagraph of arrays by the names that files and the SDK use."""
    given: dict[str, Any] = {}
    for field, names in _NAMES.items():
        values = [found[name] for name in names if name in found]
        if values and not isinstance(values[0], Opaque) and np.size(values[0]):
            given[field] = values[0]
    missing = [field for field in _NEEDED if field not in given]
    if missing:
        advice = "; sync with lite=False before saving" if "weights" in missing else ""
        raise ValueError(
            f"{source} lacks {' and '.join(missing)}{advice}; it holds: "
            f"{', '.join(sorted(map(str, found))) or 'nothing'}"
        )
    uids = found.get("uids")
    if uids is not None and not np.array_equal(uids, np.arange(np.size(uids))):
        raise ValueError(f"{source}: uids are not 0, 1, 2, … in order")
    try:
        for name in ("netuid", "block", "owner"):
            if name in given:
                given[name] = np.asarray(given[name]).reshape(-1)[0]
        if "bonds" in given:
            given["bonds"] = checks.finite("bonds", given["bonds"], low=0, high=U16_MAX) / U16_MAX
        return Metagraph(**given)
    except (ValueError, TypeError) as exc:
        raise ValueError(f"{source}: {exc}") from exc


def _real(name: str, values: ArrayLike) -> Array:
    return np.ascontiguousarray(checks.finite(name, values, low=0))


def _held(
    name: str, values: ArrayLike, shape: tuple[int, ...], kind: type, high: float = np.inf
) -> NDArray[Any]:
    """Check one of the fields and return it in its type."""
    array = checks.finite(name, values, low=0, high=high)
    meaning = "one entry per uid" if len(shape) == 1 else "uids (rows) × uids (columns)"
    checks.shape(name, array, shape, meaning)
    if kind is not float and (array != np.floor(array)).any():
        raise ValueError(f"{name} must hold whole numbers: one per uid")
    return np.ascontiguousarray(array.astype(kind))
