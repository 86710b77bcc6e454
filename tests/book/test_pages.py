"""The built pages in a browser, opened from the disk: whole, with nothing from elsewhere."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pdf
import pytest
from bookconfig import Book, BookError, chapter_number, docname, load

from depin_lib import plotting
from depin_lib.plotting import controls, publish

from .conftest import ROOT

try:
    PAGES = [*map(docname, load(ROOT).pages), "genindex", "search"]
except BookError:  # test_config says what is wrong
    PAGES = []
CHAPTERS = [
    page for page in PAGES if page.startswith("notebooks/") and not page.endswith("preface")
]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
DESKTOP, PHONE = {"width": 1360, "height": 900}, {"width": 390, "height": 844}
MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium or Chrome; without one these tests are skipped, and say so."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = pdf.find_browser()
    if program is None:
        pytest.skip("no Chromium or Chrome was found: the pages are not tested in a browser")
    options = ["--disable-gpu", "--disable-background-networking"]
    if sys.platform == "linux":
        options.append("--no-sandbox")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=options)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Open an empty page that notes each error and each request to another host."""
    opened = browser.new_page(viewport=DESKTOP)
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(f"error: {error}"))
    opened.on(
        "console",
        lambda message: (
            opened.faults.append(f"console: {message.text}") if message.type == "error" else None
        ),
    )
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else opened.faults.append(f"request: {request.url}")
        ),
    )
    yield opened
    opened.close()


def visit(page: Any, html: Path, name: str, query: str = "") -> None:
    """Open a page of the book and wait until its equations stand."""
    page.goto((html / f"{name}.html").as_uri() + query)
    page.wait_for_load_state("load")
    page.evaluate("async () => { await window.MathJax?.startup?.promise; }")
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(page: Any, html: Path, name: str) -> None:
    visit(page, html, name)
    assert page.faults == []
    assert (html / f"{name}.html").stat().st_size < MAX_BYTES
    raw = page.locator(".bd-article .math:not(:has(mjx-container))").count()
    assert raw == 0, f"{raw} equations are not drawn"
    assert page.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    silent = ".cell.tag_hide-input:not(:has(.cell_output))"
    assert page.locator(f"{silent} + .tag_hide-input").count() == 0, "two toggles in a row"
    assert page.locator("main h1:visible, main h2:visible").first.inner_text().strip()
    page.set_viewport_size(PHONE)
    wider = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wider <= 0, f"on a phone the page is {wider} pixels too wide"


@pytest.mark.parametrize("name", PAGES)
def test_no_dollar_sign_turned_prose_into_mathematics(html: Path, name: str) -> None:
    text = (html / f"{name}.html").read_text("utf-8")
    for tex in re.findall(r'<span class="math[^>]*>\\\((.*?)\\\)</span>', text, re.DOTALL):
        bare = re.sub(r"\\(?:text|mathrm|operatorname)\*?\{[^}]*\}|\\[A-Za-z]+", " ", tex)
        assert not re.search(r"[A-Za-z]{2,},? +[A-Za-z]{2,}|[a-z]{5,}", bare), (
            f"is this mathematics, or are there dollar signs to escape? {tex}"
        )


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(page: Any, html: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    found = []
    for theme, size in (("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE)):
        page.set_viewport_size(size)
        visit(page, html, name)
        page.evaluate(
            """theme => {
              document.documentElement.dataset.theme = theme;
              for (const box of document.querySelectorAll("details")) box.open = true;
              for (const box of document.querySelectorAll(".toggle-hidden")) box.click();
              dispatchEvent(new Event("resize"));
            }""",
            theme,
        )
        run = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
        for fault in run.response["violations"]:
            for node in fault["nodes"]:
                found.append(f"{theme} {size['width']}: {fault['id']}: {node['html'][:200]}")
    assert found == []


@pytest.mark.parametrize("name", PAGES)
def test_page_says_how_to_cite_and_report(html: Path, book: Book, name: str) -> None:
    if name in ("genindex", "search"):
        return
    text = (html / f"{name}.html").read_text("utf-8")
    assert "How to cite" in text
    assert f"{book.repository}/issues/new?title=" in text
    if name.startswith("notebooks/"):
        assert re.search(r"with Python \d+\.\d+\.\d+, depin-lib \d", text)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_percent_sign_follows_its_number(page: Any, html: Path, name: str) -> None:
    visit(page, html, name)
    for paragraph in page.locator("article p").all_text_contents():
        assert not re.search(r"\d\s%", paragraph), paragraph


HYPHEN = re.compile(r"(?<![\w.%)])-(?=\$?\d)")  # as the sign of a number


def test_tables_have_minus_signs_and_copy_with_hyphens(page: Any, html: Path) -> None:
    signed = []
    for name in CHAPTERS:
        visit(page, html, name)
        cells = page.locator("table.dataframe :is(th, td)").all_text_contents()
        assert [cell for cell in cells if HYPHEN.search(cell)] == []
        signed += [name] if any("−" in cell for cell in cells) else []
    assert signed, "no table has a negative number"

    visit(page, html, signed[0])
    table = page.locator("table.dataframe", has_text="−").first
    shown = table.inner_text()
    table.evaluate("table => getSelection().selectAllChildren(table)")
    page.keyboard.press("ControlOrMeta+C")
    page.wait_for_timeout(50)
    assert table.inner_text() == shown
    page.evaluate("document.querySelector('main').prepend(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("ControlOrMeta+V")
    pasted = page.locator("textarea").input_value()
    assert pasted.split() == shown.replace("−", "-").split()
    assert page.faults == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_chapter_has_its_number_data_and_downloads(
    page: Any, html: Path, book: Book, name: str
) -> None:
    visit(page, html, name)
    number = chapter_number(f"{name}.ipynb")
    assert page.locator("h1 .section-number").inner_text().strip() == str(number)
    captions = page.locator("figcaption .caption-number").all_inner_texts()
    assert [caption.strip() for caption in captions] == [
        f"Figure {number}.{k}" for k in range(1, len(captions) + 1)
    ]
    assert page.locator(".page-notes a[href*='book/data.html#data-']").count() > 0
    for link in page.locator(".page-notes a[href*='book/data.html#']").all():
        target = link.get_attribute("href").split("#")[1]
        assert f'id="{target}"' in (html / "book" / "data.html").read_text("utf-8")
    sources = html / "_sources" / f"{name}.ipynb"
    assert sources.read_bytes() == (ROOT / f"{name}.ipynb").read_bytes()
    links = [link.get_attribute("href") or "" for link in page.locator("a.btn").all()]
    for place in ("https://colab.research.google.com/", "https://mybinder.org/"):
        assert [link for link in links if link.startswith(place) and f"{name}.ipynb" in link]


def test_search_finds_a_page(page: Any, html: Path) -> None:
    visit(page, html, "search", "?q=halving")
    page.wait_for_selector("#search-results li a")
    assert any(
        "Token supply" in text for text in page.locator("#search-results a").all_inner_texts()
    )
    assert page.faults == []


def test_the_first_page_leads_to_the_book(page: Any, html: Path, book: Book) -> None:
    page.goto((html / "index.html").as_uri())
    page.wait_for_url(f"**/{docname(book.start)}.html")


def controls_of(page: Any, html: Path) -> list[tuple[str, str]]:
    found = []
    for name in PAGES:
        text = (html / f"{name}.html").read_text("utf-8")
        found += [(name, box) for box in re.findall(r'id="([\w-]+-explore)"', text)]
    return found


def check_control(page: Any, box: Any) -> None:
    """Move the first slider with the keyboard: frame, reading and spoken value follow."""
    slider = box.locator("input[type=range]").first
    seen = []
    for key in ("Home", "ArrowRight", "End"):
        slider.focus()
        page.keyboard.press(key)
        frame = box.locator(".depin-frame:visible")
        assert frame.count() == 1
        reading = box.locator(".depin-reading").inner_text()
        assert reading == frame.get_attribute("data-reading")
        assert slider.get_attribute("aria-valuetext") == box.locator("output").first.inner_text()
        seen.append(slider.get_attribute("aria-valuetext"))
    assert len(set(seen)) >= 2
    assert frame.locator("svg[role=img]").get_attribute("aria-label")


def test_controls_move_with_the_keyboard(page: Any, html: Path) -> None:
    found = controls_of(page, html)
    assert {name for name, _ in found} == set(CHAPTERS), "every chapter has a control"
    for name, identifier in found:
        visit(page, html, name)
        check_control(page, page.locator(f"[id='{identifier}']"))
        assert page.faults == []


def test_a_control_works_outside_the_book(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in JupyterLab: nothing but the output itself, with its own style and script."""
    outputs = {}
    monkeypatch.setattr(
        controls, "publish", lambda name, *, html, plain: outputs.update({name: html})
    )

    def draw(scale: int) -> Any:
        fig, ax = plotting.subplots()
        ax.plot([0, scale])
        return fig

    plotting.explore(
        draw,
        lambda scale: {"scale": scale},
        "demo",
        controls={"scale": [1, 2, 3]},
        start=[2],
        alt="A line that rises.",
    )
    path = tmp_path / "output.html"
    path.write_text(
        f"<!doctype html><meta charset=utf-8>{publish._assets()}{outputs['demo']}", "utf-8"
    )
    page.goto(path.as_uri())
    assert page.locator(".depin-reading").inner_text() == "scale: 2"
    check_control(page, page.locator("#demo-explore"))
    assert page.faults == []


def test_print_and_pages_without_script_show_the_start_of_a_control(
    browser: Any, html: Path
) -> None:
    still = browser.new_page(java_script_enabled=False)
    for name in CHAPTERS:
        still.goto((html / f"{name}.html").as_uri())
        box = still.locator(".depin-explore").first
        assert box.locator(".depin-frame:visible").count() == 1
        still.emulate_media(media="print")
        assert box.locator(".depin-controls").is_hidden()
        assert box.locator(".depin-frame:visible").count() == 1
        still.emulate_media(media="screen")
    still.close()


def brightness(page: Any, locator: str, attribute: str) -> float:
    color = page.evaluate(
        "([l, a]) => getComputedStyle(document.querySelector(l))[a]", [locator, attribute]
    )
    return sum(map(float, re.findall(r"[\d.]+", color)[:3])) / 3


def test_dark_and_light_follow_the_system_and_the_button(page: Any, html: Path) -> None:
    page.emulate_media(color_scheme="dark")
    visit(page, html, CHAPTERS[0])
    assert brightness(page, "body", "backgroundColor") < 60
    assert brightness(page, ".depin-svg text", "fill") > 150
    page.locator(".theme-switch-button:visible").click()
    page.locator(".theme-change-button[data-mode=light]").click()
    assert brightness(page, "body", "backgroundColor") > 240
    assert brightness(page, ".depin-svg text", "fill") < 120


def test_a_term_shows_its_definition(page: Any, html: Path) -> None:
    visit(page, html, CHAPTERS[0])
    term = page.locator("a[data-definition]").first
    tip = page.locator("#definition")
    assert tip.is_hidden()
    term.focus()
    assert tip.inner_text() == term.get_attribute("data-definition")
    assert term.get_attribute("aria-describedby") == "definition"
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    term.hover()
    assert tip.is_visible()
    tip.hover()
    page.wait_for_timeout(300)
    assert tip.is_visible(), "the definition stays while the pointer is on it"


def test_solutions_unfold(page: Any, html: Path) -> None:
    visit(page, html, "book/solutions")
    solution = page.locator("div.solution").first
    content = solution.locator("section").first
    assert content.is_hidden()
    solution.locator(".toggle-button").click()
    assert content.is_visible()


def test_no_page_asks_for_a_file_that_is_not_there(html: Path) -> None:
    missing = []
    for path in html.rglob("*.html"):
        if "_static" in path.parts:
            continue
        for link in re.findall(r'(?:src|href)="([^"#?]+)', path.read_text("utf-8")):
            outside = link.startswith(("http:", "https:", "data:", "mailto:"))
            if not outside and not (path.parent / link).exists():
                missing.append(f"{path.name}: {link}")
    assert missing == []


def test_the_data_behind_a_figure_come_with_the_page(page: Any, html: Path, tmp_path: Path) -> None:
    visit(page, html, CHAPTERS[0])
    with page.expect_download() as caught:
        page.locator("a.depin-csv").first.click()
    caught.value.save_as(tmp_path / "data.csv")
    assert len(pd.read_csv(tmp_path / "data.csv")) > 0
