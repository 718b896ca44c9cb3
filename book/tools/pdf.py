"""The book of one language as a PDF: all its pages joined, printed by Chromium."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

FRONT = {"en": ("en", "Contents"), "zh": ("zh-CN", "目录")}
FOOTER = '<div style="width:100%;font-size:8px;text-align:center"><span class="pageNumber"></span></div>'
STYLE = """
  .bd-article { max-width: 46rem; margin: auto; padding: 0; }
  article + article { break-before: page; }
  .toctree-wrapper { display: none; }
  .cover { break-after: page; }
  .cover li { margin-block: 0.3rem; }
"""  # the rest is in the print.css of the pages


@contextmanager
def open_browser() -> Iterator:
    """Start Chromium, and stop it afterwards.

    Raises:
        RuntimeError: If there is none.
    """
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    if executable is None:
        raise RuntimeError(
            "expected the program `chromium`, found none; `apt-get install chromium fonts-noto-cjk`"
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def print_book(browser, site: Path, contents: Path, lang: str, target: Path) -> int:
    """Print the book of one language.

    Args:
        browser: Chromium, from playwright.
        site: The built site.
        contents: ``_toc.yml``; the pages are printed in its order.
        lang: ``en`` or ``zh``.
        target: The PDF. Its bookmarks are the headings.

    Returns:
        The number of chapters and appendices.
    """
    pages = list_pages(contents, lang)
    book = site / "book" / lang / "whole-book.html"  # beside the pages, so that their pictures are found
    html = join_pages([site / f"{page}.html" for page in pages], lang)
    book.write_text(html, encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        tab = browser.new_page(java_script_enabled=False)
        tab.goto(book.resolve().as_uri())
        tab.pdf(
            path=target,
            prefer_css_page_size=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
        tab.close()
    finally:
        book.unlink()
    headings = BeautifulSoup(html, "html.parser").select("h1, h2, h3, h4, h5, h6")
    name_bookmarks(target, [_text(heading) for heading in headings])
    return len(pages)


def name_bookmarks(path: Path, headings: list[str]) -> None:
    """Rename the bookmarks of a PDF: Chromium repeats the name of a heading at the top of a page."""
    writer = PdfWriter(clone_from=path)
    for bookmark, heading in zip(_bookmarks(writer.root_object["/Outlines"]), headings, strict=True):
        bookmark[NameObject("/Title")] = TextStringObject(heading)
    writer.write(path)


def _bookmarks(parent: DictionaryObject) -> Iterator[DictionaryObject]:
    child = parent.get("/First")
    while child is not None:
        bookmark = child.get_object()
        yield bookmark
        yield from _bookmarks(bookmark)
        child = bookmark.get("/Next")


def list_pages(contents: Path, lang: str) -> list[str]:
    """Return the pages of one language, in the order of ``_toc.yml``."""
    parts = yaml.safe_load(contents.read_text(encoding="utf-8"))["parts"]
    pages = [page for part in parts for page in _walk(part["chapters"])]
    return [page for page in pages if page.startswith(f"book/{lang}/")]


def _walk(entries: list[dict]) -> Iterator[str]:
    """Yield the files of entries of the contents, each before those of its sections."""
    for entry in entries:
        yield entry["file"]
        yield from _walk(entry.get("sections", []))


def join_pages(pages: list[Path], lang: str) -> str:
    """Join pages into one: each an article, every fold open, the links between them within the page."""
    code, contents = FRONT[lang]
    soups = {page.stem: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in pages}
    links = [str(link) for soup in soups.values() for link in soup.head.select("link[rel=stylesheet]")]
    styles = "".join(dict.fromkeys(links))  # some pages have one of their own
    title = soups[pages[0].stem].head.select_one("title").text.rsplit(" — ", 1)[-1]
    articles = {name: soup.select_one("article.bd-article") for name, soup in soups.items()}
    for name, article in articles.items():
        _prepare(article, name, set(articles))
    entries = "".join(
        f'<li><a href="#{name}">{_text(article.h1)}</a></li>' for name, article in articles.items()
    )
    cover = f'<div class="cover bd-article"><p><b>{title}</b></p><p>{contents}</p><ul>{entries}</ul></div>'
    return (
        f'<!DOCTYPE html><html lang="{code}" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>'
        f'{styles}<style>{STYLE}</style></head><body><main class="bd-content">{cover}'
        f"{''.join(map(str, articles.values()))}</main></body></html>"
    )


def _text(heading: Tag) -> str:
    return re.sub(r"[#¶]$", "", " ".join(heading.text.split())).strip()


def _prepare(article: Tag, name: str, names: set[str]) -> None:
    article["id"] = name
    for fold in article.select("details"):
        fold["open"] = ""
    for tag in article.select("[id]"):
        if tag.find_parent("svg") is None:  # a drawing refers to its own ids, which no other has
            tag["id"] = f"{name}--{tag['id']}"
    for link in article.select("a[href]"):
        match = re.fullmatch(r"(?:(\w+)\.html)?(?:#(.*))?", link["href"])
        if match and (match[1] or name) in names:
            page, anchor = match[1] or name, match[2]
            link["href"] = f"#{page}--{anchor}" if anchor else f"#{page}"
        elif not link["href"].startswith("http"):
            link.unwrap()  # nothing to lead to on paper
