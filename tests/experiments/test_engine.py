import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depin_lib.experiments import Agents, Measure, Model, grid, integer, normal, run, uniform
from depin_lib.experiments.agents import _SPREAD
from depin_lib.kernels.random import GOLDEN_GAMMA


def buy(state, p, noise):
    return p.demand * (1.0 + 0.1 * noise.mood)


def mint(state, p, noise):
    return p.rate * state.supply


def price(state, p, signals, noise):
    return state.price * (1.0 + (signals.buy - signals.mint) / state.supply)


def supply(state, p, signals, noise):
    return state.supply + signals.mint


def day(state, p, signals, noise):
    return state.day + 1


TOKEN = {
    "state": {"price": 1.0, "supply": 1e6, "day": 0, "open": True},
    "policies": {"buy": buy, "mint": mint},
    "updates": {"price": price, "supply": supply, "day": day},
    "parameters": {"demand": 800.0, "rate": 1e-4},
    "noise": {"mood": "normal", "luck": "uniform"},
    "steps": 20,
    "units": {"price": "USD"},
}


def token_twin(seed: int, demand: float, rate: float) -> list[tuple[float, float]]:
    """The token model above as a student would write it down."""
    p, s, path = 1.0, 1e6, [(1.0, 1e6)]
    for step in range(1, 21):
        bought = demand * (1.0 + 0.1 * normal(np.uint64(seed), np.uint64(2 * step)))
        minted = rate * s
        p, s = p * (1.0 + (bought - minted) / s), s + minted
        path.append((p, s))
    return path


@pytest.mark.parametrize("jit", [True, False])
def test_a_model_does_what_its_rules_say(jit: bool) -> None:
    path = Model(**TOKEN, jit=jit).path(seed=4, demand=500.0)
    assert path.dtype.names == ("price", "supply", "day", "open")
    assert list(zip(path["price"], path["supply"], strict=True)) == token_twin(4, 500.0, 1e-4)
    assert path["day"].tolist() == list(range(21))
    assert path["open"].all()


@pytest.mark.parametrize("jit", [True, False])
def test_a_whole_number_stays_whole_in_every_step(jit: bool) -> None:
    def grow(state, p, signals, noise):
        return state.nodes * 1.5

    def half(state, p, signals, noise):
        return 0.5

    model = Model({"nodes": 3, "open": False}, {"nodes": grow, "open": half}, steps=4, jit=jit)
    assert model.path()["nodes"].tolist() == [3, 4, 6, 9, 13]
    assert model.path()["open"].tolist() == [False, True, True, True, True]
    assert run(model, grid({"nodes": [2.0]}))["nodes_mean"][0].to_numpy().tolist() == [
        2,
        3,
        4,
        6,
        9,
    ]
    with pytest.raises(ValueError, match=r"nodes is 2\.5 in the design, but 3 in the model"):
        run(model, grid({"nodes": [2.0, 2.5]}))


def test_compiled_and_plain_rules_give_the_same_bits_on_any_number_of_threads() -> None:
    design = grid({"demand": [500.0, 900.0], "supply": [1e6, 2e6]})
    plain = run(Model(**TOKEN), design, runs=6, seed=1, every=5)
    for workers in (1, 2):
        fast = run(Model(**TOKEN, jit=True), design, runs=6, seed=1, every=5, workers=workers)
        np.testing.assert_array_equal(fast["price_mean"], plain["price_mean"])
        np.testing.assert_array_equal(fast["day_mean"], plain["day_mean"])
    assert plain["time"].to_numpy().tolist() == [0, 5, 10, 15, 20]
    assert plain["price_mean"].attrs["units"] == "USD"
    assert plain["supply_mean"].sel(supply=2e6).isel(time=0).to_numpy().tolist() == [2e6, 2e6]


def test_a_record_is_a_state() -> None:
    record = np.array((2.0, 3), dtype=[("price", "f8"), ("day", "i8")])[()]
    model = Model(record, {"day": lambda s, p, g, n: s.day + 1}, steps=2)
    assert model.path().tolist() == [(2.0, 3), (2.0, 4), (2.0, 5)]


def test_measures_of_a_model() -> None:
    end = Measure("end", "USD", of=lambda out: out["price"][..., -1])
    result = run(Model(**TOKEN, jit=True), grid({"rate": [0.0]}), runs=3, seed=1, measures=[end])
    paths = run(Model(**TOKEN, jit=True), grid({"rate": [0.0]}), runs=3, seed=1, paths=True)
    np.testing.assert_allclose(result["end_mean"], paths["price"].isel(time=-1).mean("run"))


def give(i, agents, world, p, key):
    """Give one coin to somebody, if there is one to give."""
    agents.turns[i] += 1
    if agents.wealth[i] > 0:
        other = integer(key, 0, len(agents.wealth))
        agents.wealth[i] -= 1
        agents.wealth[other] += 1
    world.luck[0] += uniform(key, np.uint64(1))


OBSERVED = {
    "total": lambda agents, world, p: agents.wealth.sum(),
    "richest": lambda agents, world, p: agents.wealth.max(),
    "least_turns": lambda agents, world, p: agents.turns.min(),
    "most_turns": lambda agents, world, p: agents.turns.max(),
    "luck": lambda agents, world, p: world.luck[0],
}


def coins(**options) -> Agents:
    state, world = {"wealth": 1, "turns": 0}, {"luck": 0.0}
    return Agents(options.pop("count", 20), state, give, OBSERVED, world=world, steps=8, **options)


@pytest.mark.parametrize("order", ["fixed", "shuffled"])
def test_every_agent_acts_once_a_step_and_no_coin_is_lost(order: str) -> None:
    path = coins(order=order, jit=True).path(seed=3)
    assert (path["total"] == 20).all()
    assert path["least_turns"].tolist() == path["most_turns"].tolist() == list(range(9))
    assert path["richest"][-1] > 1
    assert (path == coins(order=order, jit=False).path(seed=3)).all()


def test_the_shuffled_order_is_another_one_in_every_step_and_fair() -> None:
    def note(i, agents, world, p, key):
        agents.place[i] = world.turn[0]
        world.turn[0] += 1

    watch = {f"of_{i}": eval(f"lambda a, w, p: a.place[{i}] % 5") for i in range(5)}
    model = Agents(
        5, {"place": 0}, note, watch, world={"turn": 0}, order="shuffled", steps=2000, jit=False
    )
    path = model.path(seed=1)
    places = np.array([path[name][1:] for name in path.dtype.names])
    assert (np.sort(places, axis=0) == np.arange(5)[:, None]).all(), "each step is a permutation"
    counts = np.array([[np.sum(row == k) for k in range(5)] for row in places])
    assert (np.abs(counts - 400) < 5 * np.sqrt(400 * 0.8)).all()


def test_no_two_agents_share_a_draw() -> None:
    """i·a + c·b meets j·a + d·b only if (i − j)·a = (d − c)·b, modulo 2**64."""
    a, b = int(_SPREAD), int(GOLDEN_GAMMA)
    steps = np.arange(1, 2**20, dtype=np.uint64)
    with np.errstate(over="ignore"):
        gaps = steps * np.uint64(a * pow(b, -1, 2**64) % 2**64)  # in units of b
    assert min(int(gaps.min()), 2**64 - int(gaps.max())) > 1000


@settings(max_examples=50)
@given(st.integers(0, 2**63), st.integers(1, 2**32 - 1))
def test_whole_numbers_lie_in_their_range(seed: int, below: int) -> None:
    assert 0 <= integer(np.uint64(seed), 0, below) < below


def test_whole_numbers_are_uniform() -> None:
    draws = [integer(np.uint64(9), i, 6) for i in range(6000)]
    counts = np.bincount(draws, minlength=6)
    assert len(counts) == 6
    assert (np.abs(counts - 1000) < 5 * np.sqrt(1000 * 5 / 6)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Model({}, {}), "the state is empty"),
        (lambda: Model({"a": 1.0}, {"b": day}), "updated field is 'b'"),
        (lambda: Model({"a": 1.0}, {}, noise={"x": "gamma"}), "noise x is 'gamma'"),
        (lambda: Model({"a": 1.0}, {}, parameters={"a": 1}), "a is the name of a field and of a"),
        (lambda: Model({"a": float("nan")}, {}), "initial a is nan"),
        (lambda: Model({"a": 1.0}, {}, steps=0), "steps is 0"),
        (lambda: Model({"a": 1.0}, {}).path(b=2.0), "parameter is 'b'"),
        (lambda: Model({"a b": 1.0}, {}).path(), "names of state are names of Python"),
        (lambda: coins(count=-1), "count is -1"),
        (lambda: coins(order="random"), "order is 'random'"),
        (lambda: Agents(3, {"x": [1, 2]}, give, OBSERVED), r"x has shape \(2,\)"),
        (lambda: Agents(3, {}, give, OBSERVED), "state or observe is empty"),
        (
            lambda: run(
                Model({"a": 1.0}, {"a": lambda s, p, g, n: s.b}, jit=True), grid({"a": [1.0]})
            ),
            "does not compile",
        ),
    ],
)
def test_bad_models_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
