"""Results that the prose quotes: formatted once, printed with a label, stored for the text."""

import re
from typing import Any

from .publish import publish

#: The space between a number and its unit: a line must not end there.
_UNIT_SPACE = re.compile(r"(?<=\d) (?=\S)")
#: The sign of a number, which the page shows as a minus and not as a hyphen.
_MINUS = re.compile(r"^-(?=[$\d.])")


def report(name: str, value: Any, form: str, label: str) -> None:
    """Format a result, print it with its label and store it for ``{glue:text}`` under ``name``.

    Parameters
    ----------
    name
        The name by which the text quotes the result.
    value
        The number (or whatever ``form`` takes).
    form
        A format string with the unit, such as ``"${:.2f}"``.
    label
        What the number is, for readers of the notebook.

    Examples
    --------
    >>> report("floor", 0.16456, "${:.3f} per hour", "shutdown price")
    shutdown price: $0.165 per hour
    """
    text = form.format(value)
    print(f"{label}: {text}")
    # As IPython shows a text, in quotes: MyST-NB would read 843,638 as a pair and 0.50 as 0.5.
    text = _MINUS.sub("\N{MINUS SIGN}", _UNIT_SPACE.sub("\u00a0", text))
    publish(name, html=None, plain=repr(text))
