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
from .plots import plot_break_even, plot_morris, plot_one_at_a_time, plot_sobol
from .running import Interrupted, RunError, run
from .sensitivity import break_even, morris_screening, one_at_a_time, sobol_indices

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
    "break_even",
    "failures",
    "grid",
    "integer",
    "latin_hypercube",
    "monte_carlo",
    "morris_screening",
    "normal",
    "one_at_a_time",
    "plot_break_even",
    "plot_morris",
    "plot_one_at_a_time",
    "plot_sobol",
    "run",
    "sobol",
    "sobol_indices",
    "table",
    "uniform",
    "vectorized",
]
