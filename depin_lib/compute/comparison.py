"""The comparison: from a workload to its full cost on each kind of provider, with its doubts.

The price of an hour is not the price of an hour's work. From one to the other lead, in this order:
commitment and reserved hours that stand idle, starting, interruptions, spare machines, checks, slow
links, data that leave; and, paid by others than the buyer, the emission of a token.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from .. import checks
from ..distributions import Distribution, Uniform, draw
from ..kernels import comparison as _kernel
from ..seeds import Seed, seed_word
from .providers import Known, Offer, ProviderKind, Workload, provider_kinds

__all__ = ["PARTS", "Comparison", "Draws", "Verdict", "compare", "scarcity"]

#: Parts of the cost of a useful GPU-hour, in the order in which they are added.
PARTS = (
    "list price",
    "commitment",
    "idle reserve",
    "starting",
    "interruptions",
    "spare machines",
    "checks",
    "slower machines",
    "egress",
    "token subsidy",
)
Correlation: TypeAlias = Mapping[tuple[str, str], float]
_OFFER = "price_usd mtbf_hours restart_hours bandwidth_gbps egress_usd_per_gb verification uptime"
_OFFER_INPUTS = (*_OFFER.split(), "speed", "subsidy_ratio")
_WORK = "egress_gb_per_hour state_gb session_hours active_share persistence demand_cv"
_WORK_INPUTS = tuple(_WORK.split())
_CHUNK = 65_536
_UNIT = Uniform(0.0, 1.0)
_BELOW_ONE = np.nextafter(1.0, 0.0)


@dataclass(frozen=True)
class Verdict:
    """How a challenger does against a comparator over paired draws."""

    challenger: str  #: name of the provider
    comparator: str  #: name of the other
    saving: float  #: median of 1 − challenger's cost / comparator's
    low: float  #: its 5% point
    high: float  #: its 95% point
    cheaper: float  #: share of draws in which the challenger costs less
    deliverable: bool  #: whether the challenger has as many GPUs as the workload needs
    word: str  #: "wins", "ties", "loses" or "not for sale"


@dataclass(frozen=True)
class Draws:
    """Every input and every part of the cost, draw by draw."""

    inputs: dict[str, NDArray[np.float64]]  #: uncertain inputs by name; each of shape (draws,)
    parts: NDArray[np.float64]  #: shape (providers, parts, draws); USD per useful GPU-hour
    paid: NDArray[np.float64]  #: all parts but the subsidy; shape (providers, draws)
    reserved: NDArray[np.float64]  #: shape (providers, draws); in units of the mean demand
    providers: tuple[str, ...]  #: names, in order


@dataclass(frozen=True)
class Comparison:
    """Cost of a useful GPU-hour by provider; arrays have a row per provider, a column per draw."""

    workload: Workload  #: what is computed
    kinds: tuple[ProviderKind, ...]  #: who offers
    paid: NDArray[np.float64]  #: what the buyer pays; USD per useful GPU-hour
    subsidy: NDArray[np.float64]  #: what token emission adds; USD per useful GPU-hour
    mean_parts: NDArray[np.float64]  #: shape (providers, parts); means over all draws
    reserving: NDArray[np.float64]  #: shape (providers,); share of draws with a reserve
    word: np.uint64  #: the seed
    correlation: Correlation | None  #: of the inputs

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of the providers, in the order of the rows of the arrays."""
        return tuple(kind.name for kind in self.kinds)

    def cost(self, provider: str, *, with_subsidy: bool = False) -> NDArray[np.float64]:
        """Return the draws of one provider's cost, USD per useful GPU-hour.

        Raises
        ------
        ValueError
            If the provider was not compared; the nearest is suggested.
        """
        row = self._row(provider)
        return self.paid[row] + self.subsidy[row] if with_subsidy else self.paid[row]

    def saving(
        self, challenger: str, comparator: str, *, with_subsidy: bool = False
    ) -> NDArray[np.float64]:
        """Return 1 − challenger's cost over comparator's, draw by draw."""
        mine = self.cost(challenger, with_subsidy=with_subsidy)
        return np.asarray(1 - mine / self.cost(comparator, with_subsidy=with_subsidy))

    def probability_cheaper(
        self, challenger: str, comparator: str, *, with_subsidy: bool = False
    ) -> float:
        """Return the share of draws in which the challenger costs less: the same draws for both."""
        return float(np.mean(self.saving(challenger, comparator, with_subsidy=with_subsidy) > 0))

    def deliverable(self, provider: str) -> bool:
        """Whether one of its offers has as many GPUs as the workload needs at once."""
        kind = self.kinds[self._row(provider)]
        return self.workload.gpus <= max(o.capacity_gpus for o in kind.offers())

    def verdict(
        self, challenger: str, comparator: str, *, sure: float = 0.9, with_subsidy: bool = False
    ) -> Verdict:
        """Say whether the challenger wins, ties, loses, or has not got what is asked for.

        Parameters
        ----------
        challenger, comparator
            Names of providers.
        sure
            Share of draws from which on being cheaper counts as a win, and being dearer as a loss.
        with_subsidy
            Whether token emission counts as a cost.
        """
        checks.number("sure", sure, low=0.5, high=1, low_open=True)
        saved = self.saving(challenger, comparator, with_subsidy=with_subsidy)
        low, middle, high = (float(q) for q in np.quantile(saved, (0.05, 0.5, 0.95)))
        cheaper = float(np.mean(saved > 0))
        word = "wins" if cheaper >= sure else "loses" if cheaper <= 1 - sure else "ties"
        sold = self.deliverable(challenger)
        word = word if sold else "not for sale"
        return Verdict(challenger, comparator, middle, low, high, cheaper, sold, word)

    def to_frame(self, *, with_subsidy: bool = False) -> pd.DataFrame:
        """Return one row per provider: quantiles of the cost, its mean, and the mean parts of it.

        The parts add up to ``mean``, which counts the token subsidy; ``low``, ``median`` and
        ``high`` are the 5, 50 and 95% points of what the buyer pays, or of the full cost.
        """
        cost = self.paid + self.subsidy if with_subsidy else self.paid
        low, middle, high = np.quantile(cost, (0.05, 0.5, 0.95), axis=1)
        frame = pd.DataFrame({"low": low, "median": middle, "high": high})
        frame["mean"] = np.add.accumulate(self.mean_parts, axis=1)[:, -1]
        frame[list(PARTS)] = self.mean_parts
        frame["reserves"] = self.reserving
        frame["deliverable"] = [self.deliverable(name) for name in self.providers]
        return frame.set_index(pd.Index(self.providers, name="provider"))

    def draws(self, count: int = 20_000) -> Draws:
        """Return inputs and parts of the first draws: the same numbers that `paid` was made of.

        Raises
        ------
        ValueError
            If more are asked for than were drawn.
        """
        n = checks.whole_number("count", count, high=self.paid.shape[1])
        model = Model(self.workload, self.kinds, self.correlation)
        inputs = model.draw(self.word, 0, n)
        parts, paid, reserved = model.evaluate(inputs)
        uncertain = {k: v for k, v in inputs.items() if k in model.uncertain}
        return Draws(uncertain, np.moveaxis(parts, 0, 2), paid, reserved, self.providers)

    def _row(self, provider: str) -> int:
        return self.providers.index(checks.choice("provider", provider, self.providers))


def compare(
    workload: Workload,
    providers: Sequence[ProviderKind] | None = None,
    *,
    runs: int = 100_000,
    seed: Seed = None,
    correlation: Correlation | None = None,
) -> Comparison:
    """Compute what a useful GPU-hour of a workload costs on each kind of provider.

    Each draw is one purchase: a workload, and an offer of each kind, with all their unknowns. All
    providers meet the same draws, and an offer that stands behind several is the same in each. A
    job stops when one of its machines does; a stateless workload loses only that machine's restart.

    Parameters
    ----------
    workload
        What is computed, such as ``workload("batch")``.
    providers
        Who offers; by default `provider_kinds`.
    runs
        Number of draws; a million takes about a second.
    seed
        Integer, SeedSequence, Generator or None. An input keeps its draws when others change.
    correlation
        Correlation of the normal scores (Gaussian copula) of pairs of inputs, by name, such as
        ``{("depin.price_usd", "neocloud.price_usd"): 0.5}``; all others are independent. Rank
        correlations are (6/π) asin(ρ/2) of these.

    Returns
    -------
    Comparison
        The same numbers for any number of threads.

    Raises
    ------
    ValueError
        If a name in ``correlation`` is no uncertain input, a value lies outside −1 … 1, or the
        correlations contradict one another.

    Source: overhead of interruptions as in `checkpoint_overhead`, the best reserve as in
    `commitment_level` with a need that lasts only part of the term, spare machines by the normal
    approximation to the binomial.

    Examples
    --------
    >>> from depin_lib.compute import workload
    >>> result = compare(workload("batch"), runs=2000, seed=18)
    >>> result.probability_cheaper("depin", "hyperscaler") > 0.9
    True
    """
    kinds = provider_kinds() if providers is None else tuple(providers)
    model = Model(workload, kinds, correlation)
    n = checks.whole_number("runs", runs)
    word = seed_word(seed)
    paid, subsidy = np.empty((len(kinds), n)), np.empty((len(kinds), n))
    sums, reserving = np.zeros((len(kinds), len(PARTS))), np.zeros(len(kinds))
    for first, count in _chunks(n):
        parts, bill, reserved = model.evaluate(model.draw(word, first, count))
        here = slice(first, first + count)
        paid[:, here] = bill
        subsidy[:, here] = parts[:, :, -1].T
        sums += parts.sum(axis=0)
        reserving += (reserved > 0).sum(axis=1)
    return Comparison(workload, kinds, paid, subsidy, sums / n, reserving / n, word, correlation)


def scarcity(
    correlation: float, kinds: Sequence[ProviderKind] | None = None
) -> dict[tuple[str, str], float]:
    """Correlate the prices of all offers alike, as a common scarcity of cards would.

    Parameters
    ----------
    correlation
        Of the normal scores of each pair of prices, 0 to 1.
    kinds
        Whose offers; by default `provider_kinds`.

    Examples
    --------
    >>> len(scarcity(0.5))
    10
    """
    rho = checks.number("correlation", correlation, low=0, high=1, high_open=True)
    chosen = provider_kinds() if kinds is None else kinds
    names = sorted({f"{o.name}.price_usd" for kind in chosen for o in kind.offers()})
    return {(a, b): rho for i, a in enumerate(names) for b in names[i + 1 :]}


class Model:
    """The inputs of a workload and of its providers by name, and the way from them to costs."""

    def __init__(
        self,
        workload: Workload,
        kinds: Sequence[ProviderKind],
        correlation: Correlation | None = None,
    ) -> None:
        if not kinds:
            raise ValueError("providers is empty; give at least one")
        self.kinds = tuple(kinds)
        offers = _offers(kinds)
        self.offers = tuple(offers)
        self.known: dict[str, Known] = {k: getattr(workload, k) for k in _WORK_INPUTS}
        for name, one in offers.items():
            for field in _OFFER_INPUTS:
                attribute = f"speed_{workload.interconnect}" if field == "speed" else field
                self.known[f"{name}.{field}"] = getattr(one, attribute)
        for kind in kinds:
            committed = kind.committed_usd
            self.known[_term(kind)] = kind.ratio if committed is None else committed
        self.uncertain = tuple(k for k, v in self.known.items() if isinstance(v, Distribution))
        self.numbers = {k: v for k, v in self.known.items() if not isinstance(v, Distribution)}
        self.plans = np.array([self._plan(kind) for kind in kinds], dtype=np.int64)
        self.leaves = np.array([float(o.leaves) for o in offers.values()])
        z = float(special.ndtri(workload.uptime_target)) if workload.uptime_target > 0 else 0.0
        fixed = (workload.gpus, workload.machines, workload.replicas, z, workload.verify)
        self.fixed = np.array([*fixed, float(workload.stateless)], dtype=np.float64)
        self.correlated, self.root = _root(correlation, self.uncertain)

    def _plan(self, kind: ProviderKind) -> tuple[int, int, int]:
        base = -1 if kind.base is None else self.offers.index(kind.base.name)
        return base, self.offers.index(kind.burst.name), kind.years

    def draw(self, word: np.uint64, first: int, count: int) -> dict[str, NDArray[np.float64]]:
        """Draw all inputs, numbers ``first`` to ``first + count`` of their streams."""
        shapes = {
            name: _UNIT if name in self.correlated else known
            for name, known in self.known.items()
            if isinstance(known, Distribution)
        }
        values = draw(shapes, count, word=word, first=first)
        values |= {k: np.full(count, v) for k, v in self.numbers.items()}
        if self.correlated:
            scores = special.ndtri(np.array([values[name] for name in self.correlated]))
            for name, row in zip(self.correlated, special.ndtr(self.root @ scores), strict=True):
                known = self.known[name]
                assert isinstance(known, Distribution)
                values[name] = known.quantile(np.minimum(row, _BELOW_ONE))
        return values

    def evaluate(
        self, values: Mapping[str, NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return parts (draws × providers × parts), what is paid and reserved (× draws)."""
        work = np.array([values[name] for name in _WORK_INPUTS])
        offers = np.array(
            [[values[f"{name}.{field}"] for field in _OFFER_INPUTS] for name in self.offers]
        )
        count = work.shape[1]
        ratios = np.ones((len(self.kinds), count))
        for row, kind in enumerate(self.kinds):
            if kind.base is not None:
                ratios[row] = values[_term(kind)]
            if kind.base is not None and kind.committed_usd is not None:
                ratios[row] /= values[f"{kind.base.name}.price_usd"]
        parts = np.empty((count, len(self.kinds), len(PARTS)))
        paid, reserved = np.empty((2, len(self.kinds), count))
        plans, leaves, fixed = self.plans, self.leaves, self.fixed
        _kernel.fill_costs(work, offers, ratios, plans, leaves, fixed, parts, paid, reserved)
        return parts, paid, reserved


def _offers(kinds: Sequence[ProviderKind]) -> dict[str, Offer]:
    """Return the offers by name; two that differ must not share one."""
    known: dict[str, Offer] = {}
    for one in (o for kind in kinds for o in kind.offers()):
        if one.name in known and repr(known[one.name]) != repr(one):
            raise ValueError(
                f"two different offers are called {one.name!r}; allowed: one, since its inputs and "
                "their draws go by its name"
            )
        known[one.name] = one
    return known


def _term(kind: ProviderKind) -> str:
    """Name of the terms of a commitment; hybrids share those of the pure commitment."""
    base = kind.burst.name if kind.base is None else kind.base.name
    unit = "ratio" if kind.committed_usd is None else "committed_usd"
    return f"{base}.{unit}_{kind.years}y"


def _root(
    correlation: Correlation | None, uncertain: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the correlated inputs and the Cholesky factor of their correlations."""
    pairs = correlation or {}
    for pair, value in pairs.items():
        for name in pair:
            checks.choice("correlated input", name, uncertain)
        checks.number(f"correlation of {pair[0]} and {pair[1]}", value, low=-1, high=1)
    names = tuple(n for n in uncertain if any(n in pair for pair in pairs))
    matrix = np.eye(len(names))
    for (a, b), value in pairs.items():
        matrix[names.index(a), names.index(b)] = matrix[names.index(b), names.index(a)] = value
    try:
        return names, np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(matrix)[0])
        raise ValueError(
            f"correlation contradicts itself: the smallest eigenvalue of its matrix is {least:.3g};"
            " allowed: above 0"
        ) from None


def _chunks(n: int) -> Iterator[tuple[int, int]]:
    for first in range(0, n, _CHUNK):
        yield first, min(_CHUNK, n - first)
