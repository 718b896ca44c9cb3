"""The choice of a language: to the same section, remembered, never surprising, and without JavaScript too."""

import pytest
from bs4 import BeautifulSoup

DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def follow(browser, address):
    """Read a page at the place of one of its headings, follow the language link, and give the page that opens."""
    page = browser.new_page(viewport=DESKTOP)

    def go(path, selector, number):
        page.goto(f"{address}/{path}")
        page.locator(selector).nth(number).evaluate("place => place.scrollIntoView({behavior: 'instant'})")
        page.locator("a.language-link").dispatch_event("click")
        page.wait_for_url("**/book/zh/*#*")
        page.wait_for_function("scrollY > 0")
        return page

    yield go
    page.close()


@pytest.mark.parametrize("number", [1, 4, 7])
def test_language_link_leads_to_the_section_that_is_being_read(follow, number):
    page = follow("book/en/03_chunking.html", "article section section > h2", number)
    sections = page.locator("article section section:has(> h2)")
    assert sections.nth(number).evaluate("section => section.matches(':has(:target)')")


@pytest.mark.parametrize("number", [2, 9])
@pytest.mark.parametrize(
    ("name", "places"), [("a3_glossary", ".glossary-terms dt"), ("a5_models", "dt.sig-object")]
)
def test_language_link_leads_to_the_same_term_and_the_same_object(site, follow, name, places, number):
    page = follow(f"book/en/{name}.html", places, number)
    text = (site / "book" / "en" / f"{name}.html").read_text(encoding="utf-8")
    assert (
        page.locator(":target").get_attribute("id")
        == BeautifulSoup(text, "html.parser").select(places)[number]["id"]
    )


def test_language_link_at_the_top_of_a_page_leads_to_the_top(visit, address):
    page = visit("book/zh/07_perplexity.html", viewport=DESKTOP)
    page.locator("a.language-link").click()
    page.wait_for_url(f"{address}/book/en/07_perplexity.html")


def test_back_leads_to_the_page_one_came_from(visit):
    page = visit("book/en/03_chunking.html", viewport=DESKTOP)
    page.locator("a.language-link").click()
    page.wait_for_url("**/book/zh/03_chunking.html")
    page.go_back()
    page.wait_for_url("**/book/en/03_chunking.html")


def first_offer(page):
    return page.locator(".landing-start a").first.get_attribute("lang")


def test_landing_page_offers_the_language_chosen_before_first(visit, address):
    page = visit("book/en/03_chunking.html", locale="en-GB")
    page.goto(f"{address}/book/index.html")
    assert first_offer(page) == "en"
    page.goto(f"{address}/book/en/03_chunking.html")
    page.locator("a.language-link").click()
    page.wait_for_url("**/book/zh/*")
    page.goto(f"{address}/book/index.html")
    assert first_offer(page) == "zh-CN"
    assert page.locator(".landing-edition").first.get_attribute("lang").lower() == "zh-cn"


def test_a_chapter_opened_from_the_landing_page_is_a_choice_too(visit):
    page = visit("book/index.html", locale="en-GB")
    page.locator(".landing-edition a", has_text="困惑度是什么").click()
    page.wait_for_url("**/book/zh/07_perplexity.html")
    page.go_back()
    page.reload()
    assert first_offer(page) == "zh-CN"


def test_a_page_reached_by_its_address_stays_in_its_language(visit, address):
    page = visit("book/zh/03_chunking.html", locale="en-GB")
    page.evaluate("localStorage.setItem('mlmtutor-language', 'zh')")
    page.goto(f"{address}/book/en/03_chunking.html")
    page.wait_for_load_state("networkidle")
    assert page.url == f"{address}/book/en/03_chunking.html"


@pytest.mark.parametrize(("locale", "first"), [("zh-CN", "zh-CN"), ("fr-FR", "en")])
def test_a_stored_language_that_is_gone_falls_back(visit, locale, first):
    page = visit("book/index.html", locale=locale)
    page.evaluate("localStorage.setItem('mlmtutor-language', 'tlh')")
    page.reload()
    assert first_offer(page) == first


def test_without_javascript_pages_are_complete_and_the_language_link_works(visit, address):
    page = visit("book/en/07_perplexity.html", java_script_enabled=False, viewport=DESKTOP)
    with_script = visit("book/en/07_perplexity.html", viewport=DESKTOP)
    paragraphs = "article section p:visible"
    assert page.locator(paragraphs).count() == with_script.locator(paragraphs).count() > 40
    page.locator("a.language-link").click()
    page.wait_for_url(f"{address}/book/zh/07_perplexity.html")
    page.goto(f"{address}/book/index.html")
    page.get_by_role("link", name="阅读中文版").click()
    page.wait_for_url(f"{address}/book/zh/01_fill_mask.html")
