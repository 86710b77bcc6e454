"""Sweeps over any model: designs, many runs, labelled results, on one machine or many."""

from ..distributions import (
    Distribution,
    Empirical,
    Lognormal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from .checkpoints import RunWarning
from .chunks import FirstPassage
from .collect import failures
from .design import Design, grid, latin_hypercube, monte_carlo, sobol, table
from .models import Measure, vectorized
from .running import Interrupted, RunError, run

__all__ = [
    "Design",
    "Distribution",
    "Empirical",
    "FirstPassage",
    "Interrupted",
    "Lognormal",
    "Measure",
    "RunError",
    "RunWarning",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "failures",
    "grid",
    "latin_hypercube",
    "monte_carlo",
    "run",
    "sobol",
    "table",
    "vectorized",
]
