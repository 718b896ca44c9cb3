"""The landing page: search, the links at its end; and the ticks of the chapters that were read."""

import shutil

import pytest
from bs4 import BeautifulSoup

from book.tools.printed import LANDING_PAGE, offer_books, withdraw_books

DESKTOP = {"width": 1280, "height": 800}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@pytest.mark.parametrize("lang", LOCALES)
def test_search_of_the_landing_page_is_in_the_language_of_the_browser(visit, lang):
    page = visit("book/index.html", viewport=DESKTOP, locale=LOCALES[lang])
    field = page.locator(".landing-search input:visible")
    assert field.count() == 1
    said = {"en": "Search this book", "zh": "搜索本书"}[lang]
    page.keyboard.press("Control+k")
    dialog = page.locator("#pst-search-dialog")
    assert said in dialog.locator("input").get_attribute("placeholder")
    dialog.locator("input").fill("困惑度")
    dialog.locator(".search-page a").first.wait_for()
    assert {"en": "places", "zh": "找到"}[lang] in dialog.locator("[role=status]").text_content()
    page.keyboard.press("Escape")
    field.fill("BERT")
    field.press("Enter")
    page.wait_for_url(f"**/book/{lang}/search.html?q=BERT")


def test_dialog_of_the_landing_page_leads_to_the_search_of_its_language(visit):
    page = visit("book/index.html", viewport=DESKTOP, locale="zh-CN")
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type("BERT")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/zh/search.html?q=BERT")


def test_landing_page_ends_with_source_licence_and_citation(site, repository):
    page = BeautifulSoup((site / "book" / "index.html").read_text(encoding="utf-8"), "html.parser")
    links = {link.span.text: link["href"] for link in page.select(".landing-footer a")}
    assert links == {
        "Source code": repository.url,
        "How to cite": repository.show("CITATION.cff"),
        "Apache 2.0 licence": repository.show("LICENSE"),
    }


@pytest.fixture
def landing_page(site, tmp_path):
    """The landing page of a site of its own."""
    page = tmp_path / "site" / LANDING_PAGE
    page.parent.mkdir(parents=True)
    shutil.copy(site / LANDING_PAGE, page)
    return page


def read_book_links(page):
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    return {link["href"]: link.text for link in soup.select("a[href$='.pdf']")}


def test_landing_page_links_the_printed_books_with_their_sizes_where_they_are(landing_page, tmp_path):
    for lang, size in (("en", 1_250_000), ("zh", 2_000_000)):
        (tmp_path / f"{lang}.pdf").write_bytes(bytes(size))
    offer_books(tmp_path / "site", {lang: tmp_path / f"{lang}.pdf" for lang in LOCALES})
    links = read_book_links(landing_page)
    assert links == {
        "../mlmtutor-en.pdf": "The book as a PDF (1.2 MB)",
        "../mlmtutor-zh.pdf": "全书 PDF（2.0 MB）",
    }
    assert all((landing_page.parent / address).exists() for address in links)


def test_a_site_without_printed_books_links_none(site, landing_page, tmp_path):
    assert read_book_links(landing_page) == {} and not list(site.rglob("*.pdf"))
    before = landing_page.read_bytes()
    (tmp_path / "book.pdf").write_bytes(b"")
    offer_books(tmp_path / "site", {"en": tmp_path / "book.pdf"})
    assert list(read_book_links(landing_page)) == ["../mlmtutor-en.pdf"]
    withdraw_books(tmp_path / "site")
    assert landing_page.read_bytes() == before and not list((tmp_path / "site").rglob("*.pdf"))


def test_sidebar_names_the_book_once(visit):
    page = visit("book/en/01_fill_mask.html", viewport=DESKTOP)
    assert page.locator(".bd-sidebar-primary").inner_text().split().count("mlmtutor") == 1
    assert page.locator(".bd-sidebar-primary a.navbar-brand").get_attribute("href") == "../index.html"


def test_a_chapter_read_to_its_end_has_a_tick_in_both_languages_until_it_is_cleared(visit, violations):
    page = visit("book/en/02_reviews.html", viewport=DESKTOP)
    ticked = page.locator(".bd-docs-nav .chapter-read")
    page.wait_for_load_state()
    assert ticked.count() == 0
    page.locator(".prev-next-footer").scroll_into_view_if_needed()
    ticked.wait_for()
    assert ticked.get_attribute("href") == "#" and ticked.text_content().endswith("(read)")
    page.goto(page.url.replace("/en/02_reviews", "/zh/03_chunking"))
    assert ticked.get_attribute("href") == "02_reviews.html" and ticked.text_content().endswith("（已读）")
    page.goto(page.url.replace("zh/03_chunking", "index"))
    assert page.locator(".chapters .chapter-read").count() == 2
    assert violations(page) == []
    page.get_by_role("button", name="Clear the ticks").click()
    assert page.locator(".chapter-read").count() == 0
    page.reload()
    assert page.locator(".chapter-read, .chapters-clear").count() == 0


def test_an_appendix_has_no_tick(visit):
    page = visit("book/en/a3_glossary.html", viewport=DESKTOP)
    page.locator(".prev-next-footer").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    assert page.evaluate("localStorage.getItem('mlmtutor-read')") is None
