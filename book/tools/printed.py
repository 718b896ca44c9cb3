"""The printed book of each language on the site: a copy beside its pages, linked at the end of the landing page.

Only what is there is linked. `python -m book.tools pdf` adds copies and links after it has printed, and a build of the site
begins by removing them, since they may be older than its pages.
"""

import re
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path

LANDING_PAGE = Path("book", "index.html")
LIST = '<ul class="landing-footer">'  # of _ext/templates/landing-footer.html
LINKS = re.compile(r'\n<li class="landing-pdf">.*?</li>')
WORDS = {"en": ("en", "The book as a PDF ({:.1f} MB)"), "zh": ("zh-CN", "全书 PDF（{:.1f} MB）")}


def name_book(lang: str) -> str:
    """Return the name of the file with the book of one language."""
    return f"mlmtutor-{lang}.pdf"


def offer_books(site: Path, books: Mapping[str, Path]) -> None:
    """Copy the printed books into a site and link them, with their sizes, from its landing page.

    Args:
        site: The built site.
        books: PDFs by language.

    Raises:
        ValueError: If the landing page has no list of links at its end.
    """
    withdraw_books(site)
    page = site / LANDING_PAGE
    text = page.read_text(encoding="utf-8")
    if LIST not in text:
        raise ValueError(f"expected {LIST} in {page}, found none")
    for lang, book in books.items():
        shutil.copyfile(book, site / name_book(lang))
    links = "".join(f"\n{_write_link(lang, book)}" for lang, book in books.items())
    page.write_text(text.replace(LIST, f"{LIST}{links}", 1), encoding="utf-8")


def _write_link(lang: str, book: Path) -> str:
    code, words = WORDS[lang]
    words = escape(words.format(book.stat().st_size / 1e6))
    address = f"../{name_book(lang)}"
    return f'<li class="landing-pdf"><a href="{address}" lang="{code}" hreflang="{code}">{words}</a></li>'


def withdraw_books(site: Path) -> None:
    """Remove the printed books and the links to them from a site, if there are any."""
    for lang in WORDS:
        (site / name_book(lang)).unlink(missing_ok=True)
    page = site / LANDING_PAGE
    if page.exists() and LINKS.search(text := page.read_text(encoding="utf-8")):
        page.write_text(LINKS.sub("", text), encoding="utf-8")
