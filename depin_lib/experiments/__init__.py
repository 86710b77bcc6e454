"""Sweeps over any model: designs, many runs, labelled results, on one machine or many."""

from ..distributions import (
    Distribution,
    Empirical,
    Lognormal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from ..kernels.random import normal, uniform
from .agents import Agents, integer
from .checkpoints import RunWarning
from .chunks import FirstPassage
from .collect import failures
from .design import Design, grid, latin_hypercube, monte_carlo, sobol, table
from .engine import Model
from .models import Measure, vectorized
from .running import Interrupted, RunError, run

__all__ = [
    "Agents",
    "Design",
    "Distribution",
    "Empirical",
    "FirstPassage",
    "Interrupted",
    "Lognormal",
    "Measure",
    "Model",
    "RunError",
    "RunWarning",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "failures",
    "grid",
    "integer",
    "latin_hypercube",
    "monte_carlo",
    "normal",
    "run",
    "sobol",
    "table",
    "uniform",
    "vectorized",
]
