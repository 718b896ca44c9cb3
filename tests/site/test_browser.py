"""What happens in a browser."""

import re

import pytest

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def names(site) -> list[str]:
    """File names of the English chapter pages."""
    return sorted(path.name for path in (site / "book" / "en").glob("*.html"))


def test_language_link_and_back_again_stay_on_the_page(visit, names):
    page = visit(f"book/en/{names[0]}", viewport=DESKTOP)
    page.get_by_role("link", name="中文").click()
    page.wait_for_url(f"**/book/zh/{names[0]}")
    page.get_by_role("link", name="English", exact=True).click()
    page.wait_for_url(f"**/book/en/{names[0]}")
    assert len(page.context.pages) == 1


@pytest.mark.parametrize(("words", "lang"), [("Read in English", "en"), ("阅读中文版", "zh-CN")])
def test_landing_page_leads_into_each_language(visit, words, lang):
    page = visit("index.html", viewport=PHONE)
    page.get_by_role("link", name=words).click()
    page.wait_for_url(re.compile("/book/(en|zh)/"))
    assert page.locator("html").get_attribute("lang") == lang


@pytest.mark.parametrize(("locale", "lang"), [("en-GB", "en"), ("zh-CN", "zh-CN")])
def test_first_screen_says_what_for_whom_and_how_long_and_lets_one_try(visit, locale, lang):
    page = visit("book/index.html", viewport={"width": 1440, "height": 900}, locale=locale)
    field = page.locator("textarea:visible")
    field.wait_for()
    (edition,) = page.locator(f".landing-edition:lang({lang}):has(.landing-start)").all()
    assert edition.locator("strong").count() == 3
    for part in (edition, field):
        box = part.bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] < 900


def test_chinese_headings_break_between_words_on_a_phone(visit):
    page = visit("book/zh/07_perplexity.html", viewport=PHONE)
    heading = page.locator("article h1")
    assert "困惑度是什么意思，两个困惑度什么时候能比？" in heading.text_content()
    pieces = heading.evaluate(
        "heading => heading.innerHTML.replace(/<wbr>/g, '|').replace(/<[^>]*>/g, '').split('|')"
    )
    assert {"什么", "意思，", "什么时候"} <= set(pieces)
    assert heading.evaluate("heading => getComputedStyle(heading).wordBreak") == "keep-all"
    assert visit("book/en/07_perplexity.html").locator("article h1 wbr").count() == 0
