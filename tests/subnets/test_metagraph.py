"""Metagraphs from the SDK's files, from npz and from the SDK's objects.

``saved/block-130.pt`` was written by ``Metagraph.save()`` of bittensor 10.0.0, offline, for three
made-up neurons; ``saved/block-130-torch.pt`` is the same dictionary as tensors by ``torch.save`` of
torch 2.15, as the SDK writes it where ``USE_TORCH=1``.
"""

import pickle
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depin_lib import data, subnets

SAVED = Path(__file__).parent / "saved"
FILES = ("block-130.pt", "block-130-torch.pt")
U16 = subnets.U16_MAX
SET = np.array([[0, 65_535, 21_845], [30_000, 0, 65_535], [0, 0, 0]])
HELD = np.array([[0, 65_535, 100], [0, 0, 65_535], [0, 0, 0]])


def same(found: subnets.EpochResult, wanted: subnets.EpochResult) -> None:
    for name, values in vars(wanted).items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)


def subnet15() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stake, weights in single precision, and the chain's whole numbers, from the fact tables."""
    stake = data.load("subnet15_stake")["stake"].to_numpy()
    table = data.load("subnet15_weights")
    weights, whole = np.zeros((2, stake.size, stake.size))
    weights[table["validator"], table["miner"]] = table["weight"]
    whole[table["validator"], table["miner"]] = table["weight_u16"]
    return stake, weights, whole


# ---------------------------------------------------------------------------------- the SDK's files


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_sdk_is_read_without_it(name: str) -> None:
    graph = subnets.load_metagraph(SAVED / name)
    assert (graph.netuid, graph.block, graph.registered, graph.owner) == (7, 130, None, None)
    assert graph.stake.tolist() == [10.0, 30.0, 0.5]
    assert graph.weights_u16.tolist() == SET.tolist()
    assert graph.bonds is not None
    assert (graph.bonds == HELD / U16).all()
    frame = graph.to_frame()
    assert frame["last_update"].tolist() == [100, 120, 5]
    assert frame["permits"].tolist() == frame["active"].tolist() == [True, True, False]
    assert frame["incentive"].tolist() == [0.0, 0.25, 0.75]
    assert frame["dividends"].tolist() == [0.25, 0.75, 0.0]


@pytest.mark.parametrize("arithmetic", ["float64", "fixed"])
@pytest.mark.parametrize("name", FILES)
def test_its_epoch_has_every_mask_of_the_file(name: str, arithmetic: str) -> None:
    graph = subnets.load_metagraph(SAVED / name)
    exact = arithmetic == "fixed"
    told: dict[str, Any] = {
        "bonds": HELD / U16,
        "permits": np.array([True, True, False]),
        "last_update": [100, 120, 5],
        "block": 130,
        "params": subnets.YumaParams(activity_cutoff=100),
        "arithmetic": arithmetic,
    }
    wanted = subnets.yuma_epoch(SET if exact else graph.weights, [10.0, 30.0, 0.5], **told)
    found = graph.epoch(arithmetic=arithmetic, params=told["params"])
    same(found, wanted)
    assert found.active.tolist() == [True, True, False]
    assert not graph.epoch(
        bonds=None, params=subnets.YumaParams(bonds_moving_average=1)
    ).bonds.any()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(FILES), st.floats(0, 1))
def test_a_cut_file_is_damaged(tmp_path: Path, name: str, part: float) -> None:
    content = (SAVED / name).read_bytes()
    cut = tmp_path / "block-9.pt"
    cut.write_bytes(content[: min(int(part * len(content)), len(content) - 1)])
    with pytest.raises(ValueError, match=r"block-9.pt cannot be read: .*damaged"):
        subnets.load_metagraph(cut)


class Evil:
    def __reduce__(self) -> Any:
        return (exec, ("import depin_lib; depin_lib.harmed = True",))


def test_no_code_of_a_file_runs(tmp_path: Path) -> None:
    import depin_lib

    content = {"netuid": 1, "block": 2, "stake": [1.0], "weights": [[0.0]], "axons": [Evil()]}
    path = tmp_path / "block-2.pt"
    path.write_bytes(pickle.dumps(content))
    assert subnets.load_metagraph(path).stake.tolist() == [1.0]
    assert not hasattr(depin_lib, "harmed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.array([])}, "block-9.pt lacks weights; sync with lite=False before saving"),
        ({"stake": None}, r"block-9.pt lacks stake; it holds: .*, validator_permit, weights"),
        ({"stake": Evil()}, "block-9.pt lacks stake"),
        ({"stake": np.ones(2)}, r"block-9.pt: weights has shape \(3, 3\); expected \(2, 2\): uids"),
        ({"stake": [1, -1, 1]}, r"block-9.pt: stake\[1\] is -1"),
        ({"weights": np.full((3, 3), np.nan)}, r"block-9.pt: weights\[0, 0\] is nan"),
        ({"bonds": np.full((3, 3), 70_000)}, r"block-9.pt: bonds\[0, 0\] is 70000"),
        ({"last_update": [0.5, 1, 1]}, "block-9.pt: last_update must hold whole numbers"),
        ({"validator_permit": [2, 1, 1]}, r"block-9.pt: permits\[0\] is 2; allowed: .*\[0, 1\]"),
        ({"uids": [2, 1, 0]}, "block-9.pt: uids are not 0, 1, 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    content: dict[str, Any] = {
        "netuid": 7,
        "block": np.array(9),
        "stake": np.ones(3),
        "weights": SET,
        "validator_permit": np.ones(3, bool),
    } | change
    path = tmp_path / "block-9.pt"
    path.write_bytes(pickle.dumps({k: v for k, v in content.items() if v is not None}))
    with pytest.raises(ValueError, match=message):
        subnets.load_metagraph(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*block-1.pt"):
        subnets.load_metagraph(tmp_path / "block-1.pt")
    other = tmp_path / "graph.csv"
    other.write_text("1")
    with pytest.raises(ValueError, match=r"graph.csv ends in '.csv'; metagraphs are read from"):
        subnets.load_metagraph(other)
    old = tmp_path / "old.pt"
    old.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C))
    with pytest.raises(ValueError, match=r"old.pt holds int, .*torch before 1.6"):
        subnets.load_metagraph(old)
    with zipfile.ZipFile(old, "w") as archive:
        archive.writestr("x", "")
    with pytest.raises(ValueError, match=r"old.pt cannot be read: the archive has no data.pkl"):
        subnets.load_metagraph(old)
    broken = tmp_path / "graph.npz"
    broken.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"graph.npz cannot be read as npz"):
        subnets.load_metagraph(broken)


# ---------------------------------------------------------------------------------------- npz files


@pytest.mark.parametrize("names", [("S", "W"), ("stake", "weights")])
def test_subnet_15_gives_the_same_epoch_from_a_file(tmp_path: Path, names: tuple[str, str]) -> None:
    stake, weights, whole = subnet15()
    arrays = dict(zip(names, (stake.astype(np.float32), weights.astype(np.float32)), strict=True))
    np.savez(tmp_path / "sn15.npz", netuid=15, block=4_769_998, **arrays)
    graph = subnets.load_metagraph(tmp_path / "sn15.npz")
    assert (graph.netuid, graph.block) == (15, 4_769_998)
    same(graph.epoch(), subnets.yuma_epoch(weights, stake))
    same(graph.epoch(arithmetic="fixed"), subnets.yuma_epoch(whole, stake, arithmetic="fixed"))


def test_the_whole_numbers_of_subnet_15_are_the_chains() -> None:
    stake, weights, whole = subnet15()
    graph = subnets.Metagraph(netuid=15, block=4_769_998, stake=stake, weights=weights)
    assert (graph.weights_u16 == whole).all()


def test_a_saved_metagraph_comes_back(tmp_path: Path) -> None:
    graph = subnets.Metagraph(
        netuid=3,
        block=10,
        stake=[1, 2],
        weights=[[0, 1], [1, 0]],
        bonds=[[0, 1 / 3], [1, 0]],
        registered=[1, 2],
        permits=[True, False],
        owner=1,
    )
    graph.save(tmp_path / "graph.npz")
    back = subnets.load_metagraph(tmp_path / "graph.npz")
    for name, value in vars(graph).items():
        if value is None:
            assert getattr(back, name) is None
        else:
            np.testing.assert_allclose(getattr(back, name), value, rtol=1e-15, err_msg=name)
    with pytest.raises(FileExistsError):
        graph.save(tmp_path / "graph.npz")
    with pytest.raises(ValueError, match=r"is saved as .npz"):
        graph.save(tmp_path / "graph.pt")


# ------------------------------------------------------------------------------ the SDK, as a stub


def fake_sdk(monkeypatch: pytest.MonkeyPatch, subtensor: Any) -> list[Any]:
    """Put a module in the SDK's place; return what its Subtensor is asked."""
    asked: list[Any] = []
    module = ModuleType("bittensor")
    module.__version__ = "0"  # type: ignore[attr-defined]

    def connect(network: str) -> Any:
        asked.append(network)
        return subtensor(asked)

    module.Subtensor = connect  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bittensor", module)
    return asked


class Subtensor10:
    """What `fetch_metagraph` uses of SDK 8 to 10."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked

    def metagraph(self, netuid: int, lite: bool = True, block: int | None = None) -> Any:
        self.asked.append((netuid, lite, block))
        weights = (SET / np.maximum(1, SET.sum(axis=1, keepdims=True))).astype(np.float32)
        return SimpleNamespace(
            netuid=netuid,
            block=np.array(130),
            n=np.array(3),
            stake=np.array([10, 30, 0.5], np.float32),
            weights=weights,
            bonds=HELD.astype(np.float32),
            last_update=np.array([100, 120, 5]),
            validator_permit=np.array([True, True, False]),
            active=np.array([1, 1, 0]),
            block_at_registration=[1, 2, 3],
            hotkeys=["a", "b", "c"],
            owner_hotkey="b",
            incentive=np.array([0, 0.25, 0.75], np.float32),
        )


class Subtensor11:
    """What `fetch_metagraph` uses of SDK 11."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked
        self.subnets = SimpleNamespace(metagraph=self.graph)
        self.neurons = SimpleNamespace(all=self.rows)

    def graph(self, netuid: int, block: int | None = None, *, commitments: bool = True) -> Any:
        self.asked.append((netuid, block, commitments))
        if netuid != 7:
            return None
        neurons = [
            SimpleNamespace(
                uid=uid,
                hotkey="abc"[uid],
                active=uid < 2,
                validator_permit=uid < 2,
                last_update=[100, 120, 5][uid],
                block_at_registration=uid + 1,
                total_stake=SimpleNamespace(rao=[10, 30, 0.5][uid] * 10**9),
                consensus=0.0,
                incentive=[0.0, 0.25, 0.75][uid],
                dividends=0.0,
            )
            for uid in range(3)
        ]
        return SimpleNamespace(block=130, neurons=neurons, owner_hotkey="b")

    def rows(self, netuid: int, block: int | None = None, *, lite: bool = True) -> Any:
        self.asked.append((netuid, block, lite))
        pairs = [
            {
                name: [(j, int(v)) for j, v in enumerate(matrix[uid]) if v]
                for name, matrix in (("weights", SET), ("bonds", HELD))
            }
            for uid in range(3)
        ]
        return [SimpleNamespace(uid=uid, raw=row) for uid, row in enumerate(pairs)]


@pytest.mark.parametrize(
    ("subtensor", "calls"),
    [(Subtensor10, [(7, False, 130)]), (Subtensor11, [(7, 130, False), (7, 130, False)])],
)
def test_a_metagraph_is_fetched(
    monkeypatch: pytest.MonkeyPatch, subtensor: Any, calls: list[Any]
) -> None:
    asked = fake_sdk(monkeypatch, subtensor)
    graph = subnets.fetch_metagraph(7, network="archive", block=130)
    assert asked == ["archive", *calls]
    assert (graph.netuid, graph.block, graph.owner) == (7, 130, 1)
    assert graph.stake.tolist() == [10.0, 30.0, 0.5]
    assert graph.weights_u16.tolist() == SET.tolist()
    assert graph.bonds is not None
    assert (graph.bonds == HELD / U16).all()
    frame = graph.to_frame()
    assert frame["registered"].tolist() == [1, 2, 3]
    assert frame["permits"].tolist() == [True, True, False]
    assert frame["incentive"].tolist() == [0.0, 0.25, 0.75]


def test_what_cannot_be_fetched_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bittensor", None)
    with pytest.raises(ImportError, match=r'pip install "depin-lib\[bittensor\]"'):
        subnets.fetch_metagraph(7)
    fake_sdk(monkeypatch, Subtensor11)
    with pytest.raises(ValueError, match="there is no subnet 8 on 'finney' at the newest block"):
        subnets.fetch_metagraph(8)
    with pytest.raises(ValueError, match="netuid is -1"):
        subnets.fetch_metagraph(-1)

    def unreachable(asked: list[Any]) -> Any:
        raise ConnectionError("no route")

    fake_sdk(monkeypatch, unreachable)
    with pytest.raises(ConnectionError) as caught:
        subnets.fetch_metagraph(7)
    assert "while fetching subnet 7 on 'finney'" in caught.value.__notes__[0]
