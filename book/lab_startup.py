"""Run in each kernel of `python3 tasks.py lab`: the text may quote results from its first line."""

from depin_lib.plotting import quoted  # noqa: F401
