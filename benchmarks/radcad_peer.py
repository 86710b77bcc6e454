"""The three-state token model in radCAD; run by the Python of radCAD's own environment.

It waits for lines: ``run VOLATILITY RUNS STEPS`` runs the model and answers with the last state of
the last run as JSON. The caller takes the time.
"""

import json
import random
import sys
from typing import Any


def buy(params: dict, substep: int, history: Any, state: dict) -> dict:
    """Spend of the users, with a shock."""
    shock = params["volatility"] * random.gauss(0.0, 1.0)
    return {"buy": params["demand"] * state["price"] * (1.0 + shock)}


def mint(params: dict, substep: int, history: Any, state: dict) -> dict:
    """Issue of new tokens."""
    return {"mint": params["rate"] * state["supply"]}


def price(params: dict, substep: int, history: Any, state: dict, signals: dict) -> tuple:
    """Price after the net demand."""
    net = (signals["buy"] - signals["mint"]) / state["supply"]
    return "price", state["price"] * (1.0 + params["depth"] * net)


def supply(params: dict, substep: int, history: Any, state: dict, signals: dict) -> tuple:
    """Supply after the issue."""
    return "supply", state["supply"] + signals["mint"]


def treasury(params: dict, substep: int, history: Any, state: dict, signals: dict) -> tuple:
    """Treasury after its share of the spend."""
    return "treasury", state["treasury"] + params["fee"] * signals["buy"]


def main() -> None:
    """Answer until the input ends."""
    from radcad import Model, Simulation

    blocks = [
        {
            "policies": {"buy": buy, "mint": mint},
            "variables": {"price": price, "supply": supply, "treasury": treasury},
        }
    ]
    for line in sys.stdin:
        _, volatility, runs, steps = line.split()
        params = {"demand": [1000.0], "rate": [1e-4], "depth": [0.1], "fee": [0.01]}
        model = Model(
            initial_state={"price": 1.0, "supply": 1e6, "treasury": 0.0},
            state_update_blocks=blocks,
            params=params | {"volatility": [float(volatility)]},
        )
        result = Simulation(model=model, timesteps=int(steps), runs=int(runs)).run()
        last = result[-1]
        answer = {key: last[key] for key in ("price", "supply", "treasury")}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
