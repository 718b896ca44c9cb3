"""What happens in a browser."""

import re
from collections.abc import Callable

import pytest

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
def names(site) -> list[str]:
    """File names of the English chapter pages."""
    return sorted(path.name for path in (site / "book" / "en").glob("*.html"))


@pytest.fixture
def visit(browser, address) -> Callable:
    """Open a page of the site in a window of a given size, cut off from all other hosts."""
    contexts = []

    def open_page(path: str, *, viewport: dict):
        context = browser.new_context(viewport=viewport)
        contexts.append(context)
        context.route(lambda url: not url.startswith(address), lambda route: route.abort())
        page = context.new_page()
        page.goto(f"{address}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_language_link_and_back_again_stay_on_the_page(visit, names):
    page = visit(f"book/en/{names[0]}", viewport=DESKTOP)
    page.get_by_role("link", name="中文").click()
    page.wait_for_url(f"**/book/zh/{names[0]}")
    page.get_by_role("link", name="English", exact=True).click()
    page.wait_for_url(f"**/book/en/{names[0]}")
    assert len(page.context.pages) == 1


@pytest.mark.parametrize(("card", "lang"), [("English", "en"), ("中文", "zh-CN")])
def test_landing_page_leads_into_each_language(visit, card, lang):
    page = visit("index.html", viewport=PHONE)
    page.locator("article .sd-card", has_text=card).first.click()
    page.wait_for_url(re.compile("/book/(en|zh)/"))
    assert page.locator("html").get_attribute("lang") == lang


def test_no_page_scrolls_sideways_on_a_phone(visit, names):
    for path in ["book/index.html", *(f"book/{lang}/{name}" for lang in ("en", "zh") for name in names)]:
        page = visit(path, viewport=PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
