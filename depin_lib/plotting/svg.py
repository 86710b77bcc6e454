"""A matplotlib figure as deterministic SVG text that takes its colours from the page."""

import io
import re

from matplotlib.figure import Figure

from .style import THEME, theme_css

_VARIABLES = {light: name for name, light, _ in THEME}
_COLOR = re.compile("|".join(re.escape(c) for c in _VARIABLES), re.IGNORECASE)
_ID = re.compile(r'\bid="([^"]+)"')
_FONT = re.compile(r"'DejaVu Sans', sans-serif|'DejaVu Sans'|DejaVu Sans")


def to_svg(fig: Figure, name: str, alt: str) -> str:
    """Draw ``fig`` as one ``<svg>`` element: no fixed size, own identifiers, alternative text."""
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, flags=re.DOTALL)
    for identifier in set(_ID.findall(text)):
        text = text.replace(f'id="{identifier}"', f'id="{name}-{identifier}"')
        text = text.replace(f"#{identifier})", f"#{name}-{identifier})")
        text = text.replace(f'"#{identifier}"', f'"#{name}-{identifier}"')
    text = _COLOR.sub(lambda m: f"var({_VARIABLES[m[0].lower()]}, {m[0].lower()})", text)
    text = _FONT.sub("var(--fig-font, sans-serif)", text)
    head = (
        f'<svg role="img" aria-label="{escape(alt)}" class="depin-svg" '
        f'stroke-linejoin="round" stroke-linecap="butt" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    box = re.search(r'viewBox="[^"]+"', text)
    assert box is not None, "matplotlib writes a viewBox into every SVG"
    body = text[text.index(">") + 1 :].strip()
    return f"{head} {box[0]}>\n{body}\n"


def standalone(svg: str) -> str:
    """Make an inline SVG a file: its own palette, dark where the reader's system is dark."""
    style = (
        f"<style>{theme_css('svg', dark=False)} "
        f"@media (prefers-color-scheme: dark) {{ {theme_css('svg', dark=True)} }}</style>"
    )
    return svg.replace(">\n", f">\n{style}\n", 1)


def escape(text: str) -> str:
    """Escape text for an HTML or SVG attribute."""
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
