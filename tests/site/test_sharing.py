"""What networks and search engines are told about a page, and the pictures that they show."""

import json
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from book._ext import pictures

ADDRESS = "https://someone.github.io/course/"
COURSE = "mlmtutor: How a masked language model learns your domain"


@pytest.fixture(scope="module")
def heads(site) -> dict[str, BeautifulSoup]:
    """The heads of all pages that can be shared, by their paths."""
    paths = [site / "index.html", site / "book" / "index.html", *site.glob("book/??/*.html")]
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser").head
        for path in paths
        if path.name != "search.html"
    }


def read_tags(head) -> dict[str, str]:
    return {tag["property"]: tag["content"] for tag in head.select("meta[property]")}


def read_facts(head) -> dict:
    (script,) = head.select('script[type="application/ld+json"]')
    return json.loads(script.string)


def test_a_shared_page_shows_its_own_title_description_and_card(site, heads):
    for path, head in heads.items():
        tags = read_tags(head)
        target = "book/index.html" if path == "index.html" else path
        assert tags["og:url"] == ADDRESS + target == head.select_one("link[rel=canonical]")["href"], path
        assert tags["og:description"] == head.select_one("meta[name=description]")["content"], path
        locale, other = ("zh_CN", "en_GB") if "/zh/" in path else ("en_GB", "zh_CN")
        assert (tags["og:locale"], tags["og:locale:alternate"]) == (locale, other), path
        assert tags["og:site_name"] == "mlmtutor", path
        assert (site / tags["og:image"].removeprefix(ADDRESS)).exists(), path
        (card,) = head.select('meta[name="twitter:card"]')
        assert card["content"] == "summary_large_image", path
    titles = {path: read_tags(head)["og:title"] for path, head in heads.items() if path != "index.html"}
    assert len(set(titles.values())) == len(titles)
    assert titles["book/index.html"] == COURSE
    assert titles["book/en/04_token_masking.html"] in heads["book/en/04_token_masking.html"].title.text


def test_every_page_has_a_card_of_its_own_that_is_small(site, heads):
    cards = {path: read_tags(head)["og:image"] for path, head in heads.items() if path != "index.html"}
    if pictures.find_han_font() is None:  # Chinese pages have the English ones
        cards = {path: card for path, card in cards.items() if "/zh/" not in path}
    assert len(set(cards.values())) == len(cards) > 15
    for card in cards.values():
        file = site / card.removeprefix(ADDRESS)
        assert file.stat().st_size < 60_000, file
        with Image.open(file) as picture:
            assert picture.size == (1200, 630), file


def test_search_engines_read_what_kind_of_page_it_is(heads):
    facts = {path: read_facts(head) for path, head in heads.items()}
    assert facts["book/index.html"] == facts["index.html"]
    course = facts["book/index.html"]
    assert (course["@type"], course["name"]) == ("Course", COURSE)
    assert course["inLanguage"] == ["en", "zh-CN"]
    for path in heads.keys() - {"index.html", "book/index.html"}:
        page = facts[path]
        assert page["isPartOf"] == {"@type": "Course", "name": COURSE, "url": course["url"]}, path
        assert page["inLanguage"] == ("zh-CN" if "/zh/" in path else "en"), path
        assert page["license"].endswith("LICENSE-2.0") and page["name"] and page["description"], path
        is_chapter = re.search(r"/(\d\d)_", path)
        assert page.get("position") == (is_chapter and int(is_chapter[1])), path
        assert ("Chapter" in page["@type"]) == bool(is_chapter), path


def test_every_page_has_one_viewport_and_the_icons(site, heads):
    for path, head in heads.items():
        assert len(head.select("meta[name=viewport]")) == 1, path
        assert head.select("link[rel=icon]"), path
        (link,) = head.select('link[rel="apple-touch-icon"]')
        assert ((site / path).parent / link["href"]).resolve() == site / "_static" / "apple-touch-icon.png"


def test_robots_are_told_where_the_sitemap_is(site):
    (line,) = re.findall("^Sitemap: (.+)$", (site / "robots.txt").read_text(), re.MULTILINE)
    assert line.startswith(ADDRESS)
    assert (site / line.removeprefix(ADDRESS)).exists()
