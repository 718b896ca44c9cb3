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
