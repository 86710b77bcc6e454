"""How many tokens a second a card was measured to give, and what that makes a token cost."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import checks, data
from .facts import gpu as card
from .ownership import Floats, plain
from .tokens import cost_per_million_tokens, energy_per_million_tokens

__all__ = ["Throughput", "break_even_request_rates", "throughput"]


@dataclass(frozen=True)
class Throughput:
    """Measured rates of one model on one set of cards; arrays of shape (measurements,)."""

    model: str  #: name
    gpu: str  #: card, as in the table ``gpu_specs``
    gpus: int  #: cards that work together
    kind: str  #: which tokens are counted: ``output`` or ``total``
    request_rates: NDArray[np.float64]  #: requests offered, rising; per second
    tokens_per_second: NDArray[np.float64]  #: of all cards together; per second
    ttft_p99_ms: NDArray[np.float64]  #: 99th percentile of the time to the first token; ms

    def at(self, request_rate: Floats) -> Floats:
        """Interpolate tokens per second between the request rates that were measured.

        Raises
        ------
        ValueError
            Outside the measured request rates: nothing is extrapolated.
        """
        low, high = self.request_rates[[0, -1]]
        rate = checks.finite("request_rate", request_rate, low=low, high=high, unit="1/s")
        return plain(np.interp(rate, self.request_rates, self.tokens_per_second))

    def cost(self, gpu_hour_usd: Floats, request_rate: Floats) -> Floats:
        """Cost of a million tokens at a request rate, in USD; errors as in `at`."""
        return cost_per_million_tokens(gpu_hour_usd, self.at(request_rate), gpus=self.gpus)

    def energy(self, request_rate: Floats, *, pue: Floats = 1.0) -> Floats:
        """Energy of a million tokens in kWh if the cards draw their power limit; errors as in `at`.

        The computers around the cards are not counted.
        """
        kw = self.gpus * card(self.gpu).power_limit_w / 1000
        return energy_per_million_tokens(kw, self.at(request_rate), pue=pue)

    def fastest_within(self, ttft_p99_ms: float) -> float:
        """Highest measured request rate up to which the first token comes within a limit.

        Raises
        ------
        ValueError
            If it does not at the lowest rate measured.
        """
        limit = checks.number("ttft_p99_ms", ttft_p99_ms, low=0, low_open=True, unit="ms")
        late = np.flatnonzero(self.ttft_p99_ms > limit)
        met = late[0] if late.size else self.request_rates.size
        if met == 0:
            raise ValueError(
                f"ttft_p99_ms is {limit:g} ms; {self.gpus} {self.gpu} took "
                f"{self.ttft_p99_ms[0]:g} ms for {self.model} at the lowest rate measured"
            )
        return float(self.request_rates[met - 1])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measured request rate."""
        columns = ("tokens_per_second", "ttft_p99_ms")
        index = pd.Index(self.request_rates, name="request_rate")
        return pd.DataFrame({c: getattr(self, c) for c in columns}, index=index)


def throughput(model: str, gpu: str, *, gpus: int = 1, kind: str = "output") -> Throughput:
    """Look up measured rates in the table ``llm_throughput``.

    Parameters
    ----------
    model, gpu
        Names as in the table.
    gpus
        Cards that work together.
    kind
        Tokens that are counted: ``output``, those that are written, or ``total``, with the prompts.

    Raises
    ------
    ValueError
        If there is no such measurement; what there is for the model is named.

    Examples
    --------
    >>> llama = throughput("Meta-Llama-3-8B-Instruct", "RTX 4090", kind="total")
    >>> round(llama.cost(0.25, 32), 4)
    0.0209
    """
    column = f"{checks.choice('kind', kind, ('output', 'total'))}_tokens_per_s"
    table = data.load("llm_throughput").dropna(subset=["request_rate_per_s", column])
    rows = table[table["model"] == checks.choice("model", model, table["model"])]
    rows = rows[rows["gpu"] == checks.choice("gpu", gpu, rows["gpu"])]
    known = sorted(rows["gpus"].unique())
    rows = rows[rows["gpus"] == gpus].sort_values("request_rate_per_s")
    if rows.empty:
        counts = ", ".join(map(str, known))
        raise ValueError(f"gpus is {gpus}; measured with {model} on {gpu}: {counts}")
    columns = ("request_rate_per_s", column, "ttft_p99_ms")
    arrays = (rows[c].to_numpy(dtype=np.float64) for c in columns)
    return Throughput(model, gpu, int(gpus), kind, *arrays)


def break_even_request_rates(
    first: Throughput, first_usd: float, second: Throughput, second_usd: float
) -> NDArray[np.float64]:
    """Request rates at which a token costs the same on two sets of cards.

    Parameters
    ----------
    first, second
        Measured rates that count the same kind of tokens.
    first_usd, second_usd
        Prices of a GPU-hour of each, in USD.

    Returns
    -------
    ndarray
        Rising; empty where one is cheaper at every rate that was measured for both.

    Raises
    ------
    ValueError
        If the kinds differ, or no request rate was measured for both.

    Examples
    --------
    >>> four = throughput("DeepSeek-R1-Distill-Qwen-14B", "RTX 4090", gpus=4)
    >>> one = throughput("DeepSeek-R1-Distill-Qwen-14B", "H100 PCIe")
    >>> break_even_request_rates(four, 0.35, one, 2.40).round()
    array([25.])
    """
    if first.kind != second.kind:
        raise ValueError(f"first counts {first.kind} tokens, second {second.kind} tokens")
    low = max(first.request_rates[0], second.request_rates[0])
    high = min(first.request_rates[-1], second.request_rates[-1])
    if low > high:
        raise ValueError(f"first starts at {low:g}/s or ends at {high:g}/s; no rate is common")
    prices = [
        checks.number(n, usd, low=0, low_open=True, unit="USD per GPU-hour")
        for n, usd in (("first_usd", first_usd), ("second_usd", second_usd))
    ]
    knots = np.union1d(first.request_rates, second.request_rates)
    knots = knots[(knots >= low) & (knots <= high)]
    # A token costs the same where price × cards ÷ rate is equal, linear between the knots.
    first_rate = np.asarray(first.at(knots)) * prices[1] * second.gpus
    gap = first_rate - np.asarray(second.at(knots)) * prices[0] * first.gpus
    left, right = gap[:-1], gap[1:]
    crosses = left * right < 0
    where = knots[:-1] + np.diff(knots) * left / np.where(crosses, left - right, 1.0)
    return np.sort(np.concatenate([where[crosses], knots[gap == 0]]))
