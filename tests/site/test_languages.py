"""What a visitor of either language finds on every page, read from the built files."""

import pytest
from bs4 import BeautifulSoup

LANG = {"en": "en", "zh": "zh-CN"}
OTHER = {"en": "zh", "zh": "en"}


@pytest.fixture(scope="module")
def pages(site) -> dict[tuple[str, str], BeautifulSoup]:
    """Every page of the two languages, by language and name."""
    found = {
        (path.parent.name, path.name): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for lang in LANG
        for path in (site / "book" / lang).glob("*.html")
    }
    assert found, "the site has no chapter"
    return found


def test_every_page_has_a_counterpart(pages):
    assert {(OTHER[lang], name) for lang, name in pages} == set(pages)


def test_every_page_states_its_language(pages):
    assert {key: page.html["lang"] for key, page in pages.items()} == {key: LANG[key[0]] for key in pages}


def test_language_link_leads_to_the_same_page_in_the_same_tab(pages):
    for (lang, name), page in pages.items():
        (link,) = page.select("a.language-link")
        assert (link["href"], link["hreflang"]) == (f"../{OTHER[lang]}/{name}", LANG[OTHER[lang]])
        assert not link.has_attr("target")


def test_search_engines_are_told_of_both_languages(pages):
    for (lang, name), page in pages.items():
        links = {link["hreflang"]: link["href"] for link in page.select("link[rel=alternate][hreflang]")}
        assert links == {LANG[lang]: name, LANG[OTHER[lang]]: f"../{OTHER[lang]}/{name}"}


def test_theme_speaks_the_language_of_the_page(pages):
    words = {"en": ("Search", "Skip to main content"), "zh": ("搜索", "跳到正文")}
    for (lang, _), page in pages.items():
        search, skip = words[lang]
        assert page.select_one(".search-button__default-text").text.strip() == search
        assert page.select_one("#pst-skip-link").text.strip() == skip


def test_previous_and_next_stay_in_one_language(pages):
    for (lang, _), page in pages.items():
        for link in page.select(".prev-next-area a"):
            assert f"/{OTHER[lang]}/" not in link["href"]


def test_landing_page_leads_to_both_languages(site):
    page = BeautifulSoup((site / "book" / "index.html").read_text(encoding="utf-8"), "html.parser")
    article = page.select_one("article")
    targets = {link["href"].split("/")[0] for link in article.select("a[href]")}
    assert {"en", "zh"} <= targets


def test_unfinished_formulas_and_references_are_not_shown(pages):
    for page in pages.values():
        assert not page.select(".problematic, .system-message")
