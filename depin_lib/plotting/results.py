"""Results that the prose quotes: formatted once, printed with a label, stored for the text."""

import re
from typing import Any

from .publish import publish

#: The space between a number and its unit: a line must not end there.
_UNIT_SPACE = re.compile(r"(?<=\d) (?=\S)")
#: The sign of a number, which the page shows as a minus and not as a hyphen.
_MINUS = re.compile(r"^-(?=[$\d.])")


class Quotation(str):
    """A text that JupyterLab shows as it is: `repr` would escape a space that does not break."""

    def __repr__(self) -> str:
        return f"'{self}'"


class Quoted:
    """What has been reported, by name, as the text writes it; what has not yet is "…".

    ``{eval}`quoted.name` `` in the text stands for it, in the book and in JupyterLab.
    """

    def __getattr__(self, name: str) -> Quotation:
        if name.startswith("_"):
            raise AttributeError(name)
        return Quotation("…")


quoted = Quoted()


def report(name: str, value: Any, form: str, label: str) -> None:
    """Format a result, print it with its label and let the text quote it as ``quoted.name``.

    Parameters
    ----------
    name
        The name by which the text quotes the result, a Python name.
    value
        The number (or whatever ``form`` takes).
    form
        A format string with the unit, such as ``"${:.2f}"``.
    label
        What the number is, for readers of the notebook.

    Raises
    ------
    ValueError
        If ``name`` is no Python name.

    Examples
    --------
    >>> report("floor", 0.16456, "${:.3f}", "shutdown price of an hour")
    shutdown price of an hour: $0.165
    >>> quoted.floor
    '$0.165'
    """
    if not name.isidentifier():
        raise ValueError(f"name is {name!r}; allowed: Python names, such as 'shutdown_price'")
    text = form.format(value)
    print(f"{label}: {text}")
    # As IPython shows a text, in quotes: MyST-NB would read 843,638 as a pair and 0.50 as 0.5.
    text = _MINUS.sub("\N{MINUS SIGN}", _UNIT_SPACE.sub("\u00a0", text))
    setattr(quoted, name, Quotation(text))
    publish(name, html=None, plain=repr(text))
