"""Print the book into one PDF: one long page, printed by Chromium or Chrome."""

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bookconfig import Book, docname

BROWSER = "DEPIN_CHROMIUM"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
#: An entry of a PDF's outline, its name in parentheses or in hexadecimal digits.
BOOKMARK = re.compile(rb"/Title (?:\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f]+>)")


def find_browser() -> str | None:
    """Return the path of a browser that can print, if there is one."""
    found = [os.environ.get(BROWSER), *map(shutil.which, NAMES), *filter(os.path.exists, PLACES)]
    return next(filter(None, found), None)


def one_page(book: Book, pages: Path) -> Path:
    """Make the single page ready for print: a cover, and links that work within it."""
    text = (pages / f"{docname(book.start)}.html").read_text("utf-8")
    text = re.sub(r'href="#document-[^"#]+#', 'href="#', text)
    cover = (
        f'<div class="cover"><p class="title">{html.escape(book.title)}</p>'
        f"<p>{html.escape(book.subtitle)}</p><p>{html.escape(book.author)}</p>"
        f"<p>Version {book.version}, {book.year}<br>{html.escape(book.license)}<br>"
        f"{book.repository}</p></div>"
    )
    article = '<article class="bd-article">'
    # Sphinx writes the page where the first chapter lies; its links start from the top.
    page = pages / "book.html"
    page.write_text(text.replace(article, article + cover, 1), "utf-8")
    return page


def print_page(browser: str, page: Path, target: Path) -> str:
    """Print a page with the outline of its headings; return what the browser said if it failed."""
    target.unlink(missing_ok=True)
    command = [
        browser,
        "--headless",
        "--disable-gpu",
        "--no-pdf-header-footer",
        "--generate-pdf-document-outline",
        "--virtual-time-budget=60000",
        f"--print-to-pdf={target}",
        page.as_uri(),
    ]
    if sys.platform == "linux" and os.geteuid() == 0:
        command.insert(1, "--no-sandbox")  # Chromium's sandbox does not start for root
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if target.is_file() else done.stderr.strip() or "no message"


def mend_outline(pdf: Path, page: Path) -> None:
    """Name each bookmark as its heading is.

    Chromium repeats the first words of a heading that starts a page. The mended name is never
    longer than the one it replaces, and blanks fill the rest: every other byte stays in its place.
    """
    headings = [
        html.unescape(re.sub(r"<[^>]+>", "", heading)).strip()
        for heading in re.findall(r"<h\d>(.*?)<a class=\"headerlink\"", page.read_text("utf-8"))
    ]
    content = pdf.read_bytes()
    pdf.write_bytes(BOOKMARK.sub(lambda found: mended(found[0], headings), content))


def mended(entry: bytes, headings: list[str]) -> bytes:
    """Return a bookmark's entry with the heading that its name ends with, in the same length."""
    name = decoded(entry.removeprefix(b"/Title "))
    squeezed = "".join(name.split())
    fitting = [h for h in headings if squeezed.endswith("".join(h.split()))]
    if name in headings or not fitting:
        return entry
    heading = max(fitting, key=len)
    text = heading.encode("ascii", "ignore").decode()
    if text == heading:
        better = b"/Title (" + re.sub(r"([\\()])", r"\\\1", heading).encode() + b")"
    else:
        better = b"/Title <" + ("\ufeff" + heading).encode("utf-16-be").hex().encode() + b">"
    return better.ljust(len(entry)) if len(better) <= len(entry) else entry


def decoded(string: bytes) -> str:
    """Decode a string of a PDF: hexadecimal UTF-16, or ASCII with escapes."""
    if string.startswith(b"<"):
        return bytes.fromhex(string[1:-1].decode()).decode("utf-16")
    return re.sub(rb"\\(.)", rb"\1", string[1:-1]).decode("latin-1")
