"""The book as one PDF."""

import re
from pathlib import Path

import bookconfig
import build
import pdf
import pytest


@pytest.mark.slow
def test_the_pdf_has_a_bookmark_for_every_page_of_the_book(
    book: bookconfig.Book, html: Path
) -> None:
    if pdf.find_browser() is None:
        pytest.skip("no Chromium or Chrome was found: the PDF is not printed")
    content = build.pdf(book).read_bytes()
    assert content.startswith(b"%PDF")
    bookmarks = {pdf.decoded(title) for _, title, _ in pdf.BOOKMARK.findall(content)}
    for page in book.pages:
        text = (html / f"{bookconfig.docname(page)}.html").read_text("utf-8")
        heading = re.search(r'<h1>(.*?)<a class="headerlink"', text)
        assert heading is not None
        bare = re.sub(r"<span class=\"section-number[^>]*>.*?</span>|<[^>]+>", "", heading[1])
        title = " ".join(bare.split())  # a bookmark breaks at any space
        assert [mark for mark in bookmarks if mark.endswith(title)], f"no bookmark {title!r}"


def test_without_a_browser_the_job_says_so(
    book: bookconfig.Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(build.BuildError, match="Chromium or Chrome, and none was found"):
        build.pdf(book)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("SummarySummary", "Summary"),
        ("22Token supply: fourways", "2 Token supply: four ways"),
        ("Summary", "Summary"),
        ("A summary", None),
    ],
)
def test_a_bookmark_is_named_as_its_heading(name: str, heading: str | None) -> None:
    headings = ["Summary", "2 Token supply: four ways", "four ways"]
    assert pdf.heading_of(name, headings) == heading


def test_the_better_name_is_appended(tmp_path: Path) -> None:
    page, printed = tmp_path / "book.html", tmp_path / "book.pdf"
    page.write_text('<h2>Where κ = ½ (half)<a class="headerlink" href="#">#</a></h2>', "utf-8")
    before = (
        b"%PDF-1.4\n7 0 obj\n<</Title (Where \\(half\\))\n/Dest 3>>\nendobj\n"
        b"8 0 obj\n<</Title <"
        + ("\ufeffWhereWhere κ =½ (half)").encode("utf-16-be").hex().encode()
        + b">\n/Dest 4>>\nendobj\nxref\ntrailer\n<</Size 9\n/Root 1 0 R>>\nstartxref\n99\n%%EOF\n"
    )
    printed.write_bytes(before)
    pdf.mend_outline(printed, page)
    after = printed.read_bytes()
    assert after.startswith(before), "a change is appended"
    *_, (number, title, rest) = pdf.BOOKMARK.findall(after)
    assert (number, pdf.decoded(title)) == (b"8", "Where κ = ½ (half)")
    assert rest == b"\n/Dest 4>>\nendobj"
    place = int(after.split(b"8 1\n")[1][:10])
    assert after[place:].startswith(b"8 0 obj\n")
    assert b"/Prev 99>>" in after
    start = int(after.rsplit(b"startxref\n", 1)[1].split()[0])
    assert after[start:].startswith(b"xref\n")
