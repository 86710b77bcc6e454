"""The engine of experiments against radCAD, mesa and NumPy: the same models."""

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from depin_lib import experiments
from depin_lib.kernels.random import fill_normal

from .harness import paired, report

RUNS, STEPS = 100, 1_000
AGENTS, AGENT_STEPS = 1_000, 100
PARAMETERS = {"demand": 1000.0, "rate": 1e-4, "depth": 0.1, "fee": 0.01, "volatility": 0.1}
START = {"price": 1.0, "supply": 1e6, "treasury": 0.0}
RADCAD = Path(__file__).parent.parent / ".venv-radcad"


def buy(state: Any, p: Any, noise: Any) -> float:
    """Spend of the users, with a shock."""
    return p.demand * state.price * (1.0 + p.volatility * noise.shock)


def mint(state: Any, p: Any, noise: Any) -> float:
    """Issue of new tokens."""
    return p.rate * state.supply


def price(state: Any, p: Any, signals: Any, noise: Any) -> float:
    """Price after the net demand."""
    return state.price * (1.0 + p.depth * (signals.buy - signals.mint) / state.supply)


def supply(state: Any, p: Any, signals: Any, noise: Any) -> float:
    """Supply after the issue."""
    return state.supply + signals.mint


def treasury(state: Any, p: Any, signals: Any, noise: Any) -> float:
    """Treasury after its share of the spend."""
    return state.treasury + p.fee * signals.buy


def token_model(jit: bool) -> experiments.Model:
    """Return the three-state token model."""
    return experiments.Model(
        START,
        {"price": price, "supply": supply, "treasury": treasury},
        policies={"buy": buy, "mint": mint},
        parameters=PARAMETERS,
        noise={"shock": "normal"},
        steps=STEPS,
        jit=jit,
    )


def numpy_token(volatility: float) -> dict[str, float]:
    """The same model on arrays of all runs, step by step."""
    shocks = np.empty((STEPS, RUNS))
    fill_normal(np.uint64(1), np.uint64(0), shocks)
    p, s, t = np.full(RUNS, 1.0), np.full(RUNS, 1e6), np.zeros(RUNS)
    path = np.empty((3, STEPS + 1, RUNS))
    path[:, 0] = p, s, t
    for step in range(STEPS):
        bought = 1000.0 * p * (1.0 + volatility * shocks[step])
        minted = 1e-4 * s
        p = p * (1.0 + 0.1 * (bought - minted) / s)
        s = s + minted
        t = t + 0.01 * bought
        path[:, step + 1] = p, s, t
    return dict(zip(START, path[:, -1, -1].tolist(), strict=True))


def radcad_token() -> Callable[[float], dict[str, float]] | None:
    """Return the model in radCAD's own environment as a call, or None if that is not there."""
    python = RADCAD / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        return None
    script = Path(__file__).with_name("radcad_peer.py")
    process = subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    to, back = process.stdin, process.stdout

    def call(volatility: float) -> dict[str, float]:
        to.write(f"run {volatility} {RUNS} {STEPS}\n")
        to.flush()
        for line in back:
            if line.startswith("{"):
                answer: dict[str, float] = json.loads(line)
                return answer
        raise RuntimeError("radCAD's process ended")

    return call


def token() -> None:
    """Check that all give the same without noise, then time them with it."""
    fast, plain = token_model(jit=True), token_model(jit=False)
    calm = {"volatility": np.zeros(RUNS)}
    seeds = np.arange(RUNS, dtype=np.uint64)
    ours = {name: path[-1, -1] for name, path in fast.batch(calm, seeds).items()}
    radcad = radcad_token()
    peers = [numpy_token(0.0)] + ([radcad(0.0)] if radcad else [])
    for other in peers:
        for name, value in ours.items():
            np.testing.assert_allclose(other[name], value, rtol=1e-9)
    design = experiments.grid({"volatility": [0.1]})
    measure = [experiments.Measure("end", of=lambda out: out["price"][..., -1])]
    candidates: dict[str, Callable[[], object]] = {
        "compiled policies": lambda: fast.batch({}, seeds),
        "`run`, one measure": lambda: experiments.run(
            fast, design, runs=RUNS, seed=1, measures=measure, workers=1
        ),
        "`run`, all paths summarised": lambda: experiments.run(
            fast, design, runs=RUNS, seed=1, workers=1
        ),
        "NumPy over all runs": lambda: numpy_token(0.1),
        "Python policies": lambda: plain.batch({}, seeds),
    }
    if radcad:
        candidates["radCAD"] = lambda: radcad(0.1)
    else:
        print("radCAD is not installed; with it: python3 tasks.py bench --peers")
    seconds = paired(candidates)
    report(f"Token model, {RUNS} runs × {STEPS:,} steps", seconds)
    thin = fast.thin(10)
    many = np.arange(10 * RUNS, dtype=np.uint64)
    threads = {
        "two threads": lambda: thin.batch({}, many, workers=2),
        "one thread": lambda: thin.batch({}, many),
        "one thread, every step stored": lambda: fast.batch({}, many),
    }
    title = f"Token model, compiled, {10 * RUNS:,} runs × {STEPS:,} steps, every tenth stored"
    report(title, paired(threads))
    if radcad:
        fewer = {name: seconds[name] for name in ("Python policies", "radCAD")}
        report("The same, in Python policies", fewer)


def give(i: Any, agents: Any, world: Any, p: Any, key: Any) -> None:
    """Give one coin to somebody, if there is one to give."""
    if agents.wealth[i] > 0:
        other = experiments.integer(key, 0, len(agents.wealth))
        agents.wealth[i] -= 1
        agents.wealth[other] += 1


def richest(agents: Any, world: Any, p: Any) -> float:
    """The largest wealth."""
    return agents.wealth.max()


def mesa_coins(shuffled: bool) -> Callable[[], int]:
    """Return the same agents in mesa as a call."""
    import mesa

    class Giver(mesa.Agent):
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.wealth = 1

        def step(self) -> None:
            if self.wealth > 0:
                others = self.model.givers
                other = others[self.random.randrange(len(others))]
                self.wealth -= 1
                other.wealth += 1

    class Coins(mesa.Model):
        def __init__(self) -> None:
            super().__init__(seed=1)
            self.givers = [Giver(self) for _ in range(AGENTS)]

        def step(self) -> None:
            (self.agents.shuffle_do if shuffled else self.agents.do)("step")

    def call() -> int:
        model = Coins()
        for _ in range(AGENT_STEPS):
            model.step()
        assert sum(agent.wealth for agent in model.givers) == AGENTS
        return max(agent.wealth for agent in model.givers)

    return call


def agents() -> None:
    """Time agents in both orders; draws differ, so that only the coins are checked."""
    for order in ("fixed", "shuffled"):
        model = experiments.Agents(
            AGENTS,
            {"wealth": 1},
            give,
            {"richest": richest},
            order=order,
            steps=AGENT_STEPS,
            every=AGENT_STEPS,
            jit=True,
        )
        seeds = np.arange(1, dtype=np.uint64)
        candidates: dict[str, Callable[[], object]] = {"ours": partial(model.batch, {}, seeds)}
        try:
            candidates["mesa"] = mesa_coins(order == "shuffled")
        except ImportError:
            print("mesa is not installed; with it: python3 tasks.py bench --peers")
        report(f"{AGENTS:,} agents × {AGENT_STEPS} steps, {order} order", paired(candidates))


def main() -> None:
    """Measure everything."""
    token()
    agents()


if __name__ == "__main__":
    main()
