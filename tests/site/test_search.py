"""What a visitor finds who types words from the middle of a sentence."""

import json
import re
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup

LANGUAGES = {"en": "en", "zh": "zh-CN"}
HAN = "[\u4e00-\u9fff]"
CHAPTERS = ["01_fill_mask", "03_chunking", "05_word_masking", "07_perplexity", "10_downstream"]
INNER = {  # part of a sentence, with more of the sentence before and after it
    "en": re.compile(r"(?<=[a-z] )[a-z]{4,} [a-z]+ [a-z]{5,}(?= [a-z])"),
    "zh": re.compile(rf"(?<={HAN}){HAN}{{5}}(?={HAN})"),
    "mixed": re.compile(rf"(?<={HAN})({HAN}{{2}}) ?([A-Za-z]{{4,}}) ?({HAN}{{2}})(?={HAN})"),
}


def paragraphs(site, lang, name):
    """Texts of the paragraphs of a page that have neither code nor formulas."""
    text = (site / "book" / lang / f"{name}.html").read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser").select("article section p")
    outside = [p for p in found if not p.find_parent(class_="widget")]  # forms are not in the index
    return [" ".join(p.text.split()) for p in outside if not p.select("code, .math, math")]


def words_from_the_middle(site, lang, name):
    """The longest match in the middle of the page, so that neither heading nor opening is what was found."""
    texts = paragraphs(site, lang, name)
    matches = [match[0] for text in texts[len(texts) // 3 :] if (match := INNER[lang].search(text))]
    assert matches, f"nothing to search for in {lang}/{name}"
    return max(matches, key=len)


@pytest.fixture(scope="module")
def search(browser, address):
    """Go to the search page of a language with a query; give the page once the result is there."""
    page = browser.new_page()

    def run(lang, query):
        page.goto(f"{address}/book/{lang}/search.html?q={quote(query)}")
        page.wait_for_function("document.getElementById('search-status').textContent")
        return page

    yield run
    page.close()


def found_pages(page):
    return [link.rpartition("/book/")[2].partition(".")[0] for link in links(page)]


def links(page):
    return page.locator("#search-results a").evaluate_all("links => links.map(link => link.href)")


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_from_the_middle_of_a_sentence_lead_to_their_page(site, search, lang, name):
    query = words_from_the_middle(site, lang, name)
    page = search(lang, query)
    assert f"{lang}/{name}" in found_pages(page), query
    marked = "".join(page.locator("#search-results mark").all_text_contents()).lower()
    assert all(word in marked for word in query.split()), query


def test_chinese_and_english_words_in_one_query_are_both_found(site, search):
    names = sorted(path.stem for path in (site / "book" / "zh").glob("[01]*.html"))
    queries = {name: INNER["mixed"].search(" ".join(paragraphs(site, "zh", name))) for name in names}
    mixed = [(name, match[0]) for name, match in queries.items() if match]
    assert len(mixed) >= 3
    for name, query in mixed[:3]:
        assert f"zh/{name}" in found_pages(search("zh", query)), query


def test_a_result_leads_to_the_section_that_holds_the_words(site, search):
    query = words_from_the_middle(site, "zh", "07_perplexity")
    page = search("zh", query)
    page.locator("#search-results li", has=page.locator("mark")).first.get_by_role("link").click()
    page.wait_for_url("**#*")
    anchor = page.evaluate("decodeURIComponent(location.hash.slice(1))")
    section = page.evaluate(
        "anchor => document.getElementById(anchor).closest('section').textContent", anchor
    )
    assert query in re.sub(r"\s", "", section)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_results_in_the_language_of_the_page_come_first(search, lang):
    blocks = search(lang, "DistilBERT").locator("#search-results > [lang]")
    (other,) = set(LANGUAGES) - {lang}
    assert blocks.evaluate_all("all => all.map(block => block.lang)") == [LANGUAGES[lang], LANGUAGES[other]]


@pytest.mark.parametrize(
    "query", ["qwertzuiop", "魑魅魍魉", "码型掩模", "chunk qwertzuiop", "chunk 魑魅", "的 魑"]
)
def test_nonsense_finds_nothing_and_is_told_so(search, query):
    for lang, said in {"en": "Nothing found", "zh": "没有找到"}.items():
        page = search(lang, query)
        assert links(page) == []
        status = page.locator("#search-status").text_content()
        assert said in status and query in status


def test_forms_of_an_english_word_find_the_same_pages(search):
    assert set(found_pages(search("en", "measured"))) == set(found_pages(search("en", "measuring"))) != set()


def test_chinese_words_typed_together_are_found_apart(site, search):
    together = "困惑度文本块"
    assert not any(together in text for text in paragraphs(site, "zh", "07_perplexity"))
    assert "zh/07_perplexity" in found_pages(search("zh", together))


def test_a_term_leads_to_the_glossary_and_a_function_to_the_reference(search):
    assert any("/zh/a3_glossary.html#perplexity" in link for link in links(search("zh", "困惑度")))
    assert any(
        link.endswith("/en/a5_models.html#mlmtutor.model.fill_mask.fill_masks")
        for link in links(search("en", "fill_masks"))
    )


def test_results_keep_neither_keyboards_nor_screen_readers_out_and_are_easy_to_see(search, violations):
    assert violations(search("zh", "BERT")) == []


def test_a_query_is_text_and_never_markup(search):
    page = search("en", "<img src=x onerror=alert(1)> chunk")
    assert page.locator("#search-status img, #search-results img").count() == 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_search_field_of_a_chapter_leads_to_the_search_of_its_language(visit, lang):
    page = visit(f"book/{lang}/03_chunking.html", viewport={"width": 1280, "height": 800})
    page.locator(".search-button__button:visible, .search-button-field:visible").first.click()
    page.locator("#pst-search-dialog input").fill("BERT")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/book/{lang}/search.html?q=BERT")


def test_language_link_of_the_search_page_takes_the_query_along(search):
    page = search("en", "DistilBERT")
    page.locator("a.language-link").click()
    page.wait_for_url("**/book/zh/search.html?q=DistilBERT")


def test_a_page_loads_no_index_before_somebody_searches(visit):
    page = visit("book/zh/03_chunking.html")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    search = {name.rpartition("/")[2].partition("?")[0] for name in loaded if "search" in name}
    assert search == {"search-field.js"}


def test_index_holds_every_page_of_its_language(site):
    for lang in LANGUAGES:
        script = (site / "_static" / f"search-{lang}.js").read_text(encoding="utf-8")
        _, pages, _ = json.loads(script[script.index("[") : script.rindex(")")])
        built = {f"book/{lang}/{path.name}" for path in (site / "book" / lang).glob("*.html")}
        assert {page["page"] for page in pages} == built - {f"book/{lang}/search.html"}
        for page in pages:
            text = (site / page["page"]).read_text(encoding="utf-8")
            anchors = [anchor for anchor, *_ in page["entries"] if anchor]
            assert all(f'id="{anchor}"' in text for anchor in anchors), page["page"]
