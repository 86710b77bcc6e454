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
#: A PDF's object that starts with a title: number, title as ASCII or in hexadecimal digits, rest.
BOOKMARK = re.compile(
    rb"^(\d+) 0 obj\n<</Title (\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f]+>)(.*?endobj)\n", re.M | re.S
)
TRAILER = re.compile(rb"trailer\n<<(.*)>>\nstartxref\n(\d+)\n%%EOF\s*\Z", re.S)


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

    Chromium repeats the first words of a heading that starts a page, and drops the space where a
    heading turns to its next line. The better names are appended, as PDF provides for changes.
    """
    headings = [
        " ".join(html.unescape(re.sub(r"<[^>]+>", "", heading)).split())
        for heading in re.findall(r"<h\d>(.*?)<a class=\"headerlink\"", page.read_text("utf-8"))
    ]
    content = pdf.read_bytes()
    trailer = TRAILER.search(content)
    if trailer is None:
        return
    table = b"xref\n"
    for number, title, rest in BOOKMARK.findall(content):
        name = decoded(title)
        heading = heading_of(name, headings)
        if heading not in (None, name):
            table += b"%d 1\n%010d 00000 n \n" % (int(number), len(content))
            code = ("\ufeff" + str(heading)).encode("utf-16-be").hex().encode()
            content += number + b" 0 obj\n<</Title <" + code + b">" + rest + b"\n"
    start = len(content)
    content += table + b"trailer\n<<" + trailer[1] + b"\n/Prev " + trailer[2] + b">>\n"
    pdf.write_bytes(content + b"startxref\n%d\n%%%%EOF\n" % start)


def heading_of(name: str, headings: list[str]) -> str | None:
    """Return the longest heading that a bookmark's name ends with, whatever its spaces."""
    squeezed = "".join(name.split())
    fitting = [h for h in headings if squeezed.endswith("".join(h.split()))]
    return name if name in fitting else max(fitting, key=len, default=None)


def decoded(title: bytes) -> str:
    """Decode a text of a PDF: hexadecimal UTF-16, or ASCII with escapes."""
    if title.startswith(b"<"):
        return bytes.fromhex(title[1:-1].decode()).decode("utf-16")
    return re.sub(rb"\\(.)", rb"\1", title[1:-1]).decode("latin-1")
