"""The glossary pages, and the links to them at the first use of each term."""

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup

from book._ext.glossary import read_glossary

OTHER = {"en": "zh", "zh": "en"}
ANCHORS = [term.anchor for term in read_glossary()]


def read(site, lang, name):
    text = (site / "book" / lang / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser").select_one("article.bd-article")


@pytest.fixture(scope="module")
def articles(site):
    """Every chapter, by language and name."""
    names = [path.stem for path in (site / "_sources" / "book" / "en").glob("*.ipynb")]
    return {(lang, name): read(site, lang, name) for lang in OTHER for name in names}


@pytest.mark.parametrize("lang", OTHER)
def test_every_term_has_an_entry_that_shows_the_term_of_the_other_language(site, lang):
    page = read(site, lang, "a3_glossary")
    for term in read_glossary():
        entry = page.find("dt", id=term.anchor)
        shown = entry.get_text(" ").replace("’", "'")  # as Sphinx sets an apostrophe
        assert shown.startswith(term.forms[lang][0])
        assert term.forms[OTHER[lang]][0] in shown
        assert entry.find_next("dd").select_one(".glossary-chapter")


def test_english_entries_are_in_alphabetical_and_chinese_ones_in_teaching_order(site):
    order = {lang: [dt["id"] for dt in read(site, lang, "a3_glossary").select("dt[id]")] for lang in OTHER}
    assert order["zh"] == ANCHORS
    names = {term.anchor: term.forms["en"][0].lower() for term in read_glossary()}
    assert order["en"] == sorted(ANCHORS, key=names.get)


@pytest.mark.parametrize("lang", OTHER)
def test_glossary_does_not_link_to_itself(site, lang):
    assert not read(site, lang, "a3_glossary").select(".glossary-link")


def test_every_chapter_links_a_term_at_most_once_and_stays_in_its_language(articles):
    for (lang, name), article in articles.items():
        targets = Counter(link["href"] for link in article.select("a.glossary-link"))
        assert set(targets) <= {f"a3_glossary.html#{anchor}" for anchor in ANCHORS}, (lang, name)
        assert not targets or max(targets.values()) == 1, (lang, name)


def test_chapter_1_links_the_terms_it_teaches_in_both_languages(articles):
    taught = {term.anchor for term in read_glossary() if term.chapter == "01_fill_mask"}
    for lang in OTHER:
        links = articles[lang, "01_fill_mask"].select("a.glossary-link")
        assert taught <= {link["href"].partition("#")[2] for link in links}


def test_a_link_carries_the_meaning_of_its_term(articles):
    meanings = {term.anchor: term.meaning for term in read_glossary()}
    for (lang, _), article in articles.items():
        for link in article.select("a.glossary-link"):
            meaning = meanings[link["href"].partition("#")[2]][lang]
            assert link["title"] == re.sub(r"[`$\\]", "", meaning)


def test_links_stand_in_running_text_only(articles):
    elsewhere = (
        "h1, h2, h3, h4, pre, code, figcaption, table, .cell, .math, a:not(.glossary-link), #references, dl"
    )
    for article in articles.values():
        assert not [link for place in article.select(elsewhere) for link in place.select(".glossary-link")]


@pytest.fixture
def chapter(visit):
    """Chapter 1 in the browser, and its first link to the glossary."""
    page = visit("book/en/01_fill_mask.html", has_touch=True)
    link = page.locator("a.glossary-link").first
    link.scroll_into_view_if_needed()
    return page, link


def test_meaning_appears_on_focus_and_escape_closes_it(chapter, violations):
    page, link = chapter
    meaning = page.get_by_role("tooltip")
    link.focus()
    meaning.wait_for()
    term = next(term for term in read_glossary() if link.get_attribute("href").endswith(f"#{term.anchor}"))
    assert meaning.text_content() == re.sub(r"[`$\\]", "", term.meaning["en"])
    assert link.get_attribute("aria-describedby") == meaning.get_attribute("id")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not meaning.is_visible() and link.get_attribute("aria-describedby") is None


def test_meaning_appears_under_the_pointer_and_stays_while_it_is_on_it(chapter):
    page, link = chapter
    meaning = page.get_by_role("tooltip")
    link.hover()
    meaning.wait_for()
    meaning.hover()
    page.wait_for_timeout(400)
    assert meaning.is_visible()
    page.mouse.move(0, 0)
    meaning.wait_for(state="hidden")


def test_first_tap_shows_the_meaning_and_the_second_follows_the_link(chapter):
    page, link = chapter
    meaning = page.get_by_role("tooltip")
    link.tap()
    meaning.wait_for()
    assert "a3_glossary" not in page.url
    link.tap()
    page.wait_for_url("**/a3_glossary.html#*")
