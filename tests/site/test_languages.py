"""What a visitor of either language finds on every page, read from the built files."""

import re

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
    for (_, name), page in pages.items():
        links = {link["hreflang"]: link["href"] for link in page.select("link[rel=alternate][hreflang]")}
        ends = {code: f"/book/{folder}/{name}" for folder, code in LANG.items()}
        ends["x-default"] = "/book/index.html"
        assert set(links) == set(ends)
        assert all(links[code].startswith("https://") and links[code].endswith(ends[code]) for code in ends)


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


@pytest.mark.parametrize(("lang", "captions"), [("en", ["Chapters", "Appendices"]), ("zh", ["章节", "附录"])])
def test_sidebar_lists_the_pages_of_its_language_only(pages, lang, captions):
    for (_, name), page in (item for item in pages.items() if item[0][0] == lang):
        sidebar = page.select_one(".bd-sidebar-primary .bd-docs-nav")
        assert [caption.text for caption in sidebar.select(".caption")] == captions
        listed = [link["href"] for link in sidebar.select("a[href]")]
        assert not [link for link in listed if f"/{OTHER[lang]}/" in link]
        own = {file for folder, file in pages if folder == lang} - {"search.html"}
        assert {link.replace("#", name) for link in listed if not link.startswith("../")} == own


def test_chapters_are_numbered_in_order_in_both_languages(pages):
    for lang in LANG:
        sidebar = pages[lang, "a3_glossary.html"].select_one(".bd-docs-nav")
        chapters = [link for link in sidebar.select("a[href]") if link["href"][:2].isdigit()]
        assert [link.text.split(".")[0].strip() for link in chapters] == [str(n) for n in range(1, 13)]
        for link in chapters:
            number = pages[lang, link["href"]].select_one("article h1 .section-number").text
            assert number.strip() == f"{int(link['href'][:2])}."


def test_sections_have_anchors_that_are_the_same_in_both_languages(pages):
    for (lang, name), page in pages.items():
        anchors = [tag["id"] for tag in page.select("article span[id]") if tag["id"][1:].isdigit()]
        assert anchors == [f"s{number}" for number in range(1, len(anchors) + 1)]
        other = pages[OTHER[lang], name].select("article span[id]")
        assert anchors == [tag["id"] for tag in other if tag["id"][1:].isdigit()]
        assert len(anchors) >= len(page.select("article section > h2"))


def test_every_page_has_a_title_and_a_description_of_its_own_in_its_language(pages):
    chapters = {key: page for key, page in pages.items() if key[1] != "search.html"}
    descriptions = {
        key: page.select_one("meta[name=description]")["content"] for key, page in chapters.items()
    }
    titles = {key: page.title.text for key, page in chapters.items()}
    assert len(set(descriptions.values())) == len(set(titles.values())) == len(chapters)
    for (lang, name), description in descriptions.items():
        assert 20 <= len(description) <= 200, (lang, name, description)
        assert any("\u4e00" <= sign <= "\u9fff" for sign in description + titles[lang, name]) == (
            lang == "zh"
        )


def test_sitemap_lists_every_page_once(site, pages):
    listed = re.findall(
        r"<loc>https://.+?/(book/.+?)</loc>", (site / "sitemap.xml").read_text(encoding="utf-8")
    )
    written = {f"book/{lang}/{name}" for lang, name in pages if name != "search.html"}
    assert sorted(listed) == sorted(written | {"book/index.html"})


def test_address_of_the_site_follows_from_the_repository(site):
    address = "https://someone.github.io/course/book/index.html"
    assert f"<loc>{address}</loc>" in (site / "sitemap.xml").read_text(encoding="utf-8")
    assert "/course/" in (site / "404.html").read_text(encoding="utf-8")
