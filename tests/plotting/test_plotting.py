import ast
import io
import re
import runpy
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from depin_lib import plotting
from depin_lib.plotting import controls as explore_module
from depin_lib.plotting import figure as figure_module
from depin_lib.plotting import results as report_module
from depin_lib.plotting.style import THEME
from depin_lib.plotting.svg import standalone, to_svg

FRAME = pd.DataFrame({"year": [1, 2, 3], "supply": [1 / 3, 4.0, 9.0]})


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str | None]]:
    """Catch what would go to the page."""
    outputs: dict[str, dict[str, str | None]] = {}

    def publish(name: str, *, html: str | None, plain: str) -> None:
        outputs[name] = {"html": html, "plain": plain}

    for module in (explore_module, figure_module, report_module):
        monkeypatch.setattr(module, "publish", publish)
    return outputs


def drawing(scale: float = 1.0) -> plt.Figure:
    fig, ax = plotting.subplots()
    ax.plot(FRAME["year"], scale * FRAME["supply"], color=plotting.PALETTE[1])
    ax.set_xlabel("year")
    return fig


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("row", [r for r in THEME if r[0] not in ("--fig-grid", "--fig-paper")])
def test_colours_stand_out_in_both_themes(row: tuple[str, str, str]) -> None:
    name, light, dark = row
    least = 4.5 if name in ("--fig-ink", "--fig-muted") else 3.0
    assert contrast(light, "#ffffff") >= least
    assert contrast(dark, "#14181e") >= least


def test_svg_is_deterministic_and_takes_the_pages_colours() -> None:
    first, second = (to_svg(drawing(), "demo", "A rising line") for _ in range(2))
    assert first == second
    assert "var(--fig-2, #c8500a)" in first
    bare = re.sub(r"var\([^)]*\)", "", first)
    assert not re.search(r"#[0-9a-fA-F]{6}\b", bare), "a colour outside the palette"
    assert "<style" not in first
    assert "DejaVu" not in first
    plt.close("all")


def test_svg_is_well_formed_with_own_identifiers() -> None:
    root = ET.fromstring(to_svg(drawing(), "demo", 'With "quotes" & <signs>'))
    assert root.attrib["aria-label"] == 'With "quotes" & <signs>'
    assert root.attrib["role"] == "img"
    identifiers = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert identifiers
    assert all(i.startswith("demo-") for i in identifiers)
    used = re.findall(r'(?:url\(|href=")#([^")]+)', ET.tostring(root, "unicode"))
    assert set(used) <= set(identifiers)
    ET.fromstring(standalone(to_svg(drawing(), "demo", "x")))
    plt.close("all")


def test_show_keeps_data_beside_the_figure(
    published: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPIN_FIGURES", str(tmp_path))
    plotting.show(drawing(), "demo", alt="A rising line", data=FRAME)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo.csv", "demo.png", "demo.svg"]
    assert pd.read_csv(tmp_path / "demo.csv")["supply"].tolist() == pytest.approx(
        FRAME["supply"].tolist(), rel=1e-11
    )
    assert 'download="demo.csv"' in published["demo"]["html"]
    assert not plt.get_fignums()


def test_report_prints_and_stores_the_same_text(published: dict) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        plotting.report("floor", 0.16456, "${:.3f} per hour", "shutdown price")
        plotting.report("loss", -0.058, "{:+.1%}", "lost")
    assert ast.literal_eval(published["floor"]["plain"] or "") == "$0.165\u00a0per hour"
    assert ast.literal_eval(published["loss"]["plain"] or "") == "\N{MINUS SIGN}5.8%"
    assert out.getvalue() == "shutdown price: $0.165 per hour\nlost: -5.8%\n"


def test_the_text_quotes_what_was_reported(published: dict) -> None:
    assert repr(plotting.quoted.not_yet) == "'…'"
    with redirect_stdout(io.StringIO()):
        plotting.report("rent", -0.16456, "${:.3f} per hour", "rent")
    assert repr(plotting.quoted.rent) == "'$-0.165\N{NO-BREAK SPACE}per hour'"
    with pytest.raises(ValueError, match=r"name is 'mixed_0\.9'; allowed: Python names"):
        plotting.report("mixed_0.9", 1, "{}", "mixed")


def test_kernels_of_the_lab_know_what_is_quoted() -> None:
    startup = Path(__file__).parents[2] / "book" / "lab_startup.py"
    assert runpy.run_path(str(startup))["quoted"] is plotting.quoted


def explore(name: str = "demo", start: tuple = (2, "b"), **controls: list) -> None:
    plotting.explore(
        lambda scale, kind: drawing(scale),
        lambda scale, kind: {"Supply": f"{scale}{kind}"},
        name,
        controls=controls or {"Scale": [1, 2, 3], "Kind": ["a", "b"]},
        start=start,
        alt="A line.",
    )


def test_explore_shows_the_start_and_holds_every_frame(published: dict) -> None:
    explore()
    html = published["demo"]["html"]
    assert html.count("<svg") == 6
    frames = re.findall(r'<div class="depin-frame" data-reading="([^"]*)"( hidden)?>', html)
    assert [reading for reading, hidden in frames if not hidden] == ["Supply: 2b"]
    assert [reading for reading, _ in frames] == [
        f"Supply: {s}{k}" for s in (1, 2, 3) for k in "ab"
    ]
    assert html.count("<label for=") == 2
    assert html.count('type="range"') == 2
    assert 'aria-valuetext="2"' in html
    assert 'aria-live="polite"' in html
    identifiers = re.findall(r'\bid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))


def test_explore_says_what_is_wrong(published: dict) -> None:
    with pytest.raises(ValueError, match="start is"):
        explore(start=(9, "b"))
    with pytest.raises(ValueError, match="one or two can be moved"):
        explore(a=[1], b=[1], c=[1])
    with pytest.raises(ValueError, match=r"number of frames is 100; allowed: \[2, 60\]"):
        explore(start=(1, 1), a=list(range(10)), b=list(range(10)))
    assert published == {}
