"""What the search makes of words that are not in the book as they were typed: slips, questions, other names; and of code."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).resolve().parents[2]
# typed, and the page that should come first, with the section if one answers the question
QUERIES = [
    ("en", "perplexitty", "07_perplexity"),
    ("en", "how do I choose the chunk size?", "11_your_domain.html#how-many-chunks-will-i-get"),
    ("en", "finetune", "06_fine_tuning"),
    ("en", "catastrophic forgetting", "08_adapted_model.html#what-helps-against-forgetting"),
    ("en", "is perplexity comparable across tokenizers", "07_perplexity.html#when-can-two-perplexities"),
    ("en", "add new words to the vocabulary", "11_your_domain.html#should-i-add-my-words"),
    ("en", "my loss is nan", "04_token_masking.html#what-if-no-token-is-chosen"),
    ("zh", "困惑度怎么算", "07_perplexity"),
    ("zh", "为什么要遮盖整词", "05_word_masking"),
    ("zh", "显存不足怎么办", "09_training_loop"),
    ("zh", "怎么用自己的数据", "11_your_domain"),
    ("zh", "怎样防止灾难性遗忘", "08_adapted_model"),
    ("zh", "怎么判断是否过拟合", "06_fine_tuning"),
    ("zh", "怎样上传模型", "08_adapted_model"),
]


@pytest.fixture
def search(visit):
    """Open the search page of a language with a query; give the page once the result is there."""

    def run(lang, query):
        page = visit(f"book/{lang}/search.html?q={quote(query)}")
        page.wait_for_function("document.getElementById('search-status').textContent")
        return page

    return run


def code_lines(lang, name):
    """The lines of code of a chapter, each with single spaces."""
    notebook = json.loads((ROOT / "book" / lang / f"{name}.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return {" ".join(line.split()) for source in sources for line in source.splitlines()}


@pytest.mark.parametrize(("lang", "query", "expected"), QUERIES)
def test_first_result_answers_a_query_that_the_book_does_not_hold(search, lang, query, expected):
    first = search(lang, query).locator(".search-page").first.locator("a")
    links = first.evaluate_all("links => links.slice(0, 2).map(link => link.href)")
    assert any(f"/{lang}/{expected}" in link for link in links), links


def test_a_corrected_slip_is_said(search):
    assert "Results for perplexity (you typed perplexitty)" in status(search("en", "perplexitty"))
    assert "已按 perplexity 搜索" in status(search("zh", "perplexitty"))


def test_a_word_of_a_question_that_is_nowhere_is_said(search):
    assert "书中没有“防止”" in status(search("zh", "怎样防止灾难性遗忘"))


def status(page):
    return page.locator("#search-status").text_content()


def test_a_line_of_code_is_quoted_as_it_stands(search):
    page = search("en", "fill_masks")
    box = page.locator(".search-page", has=page.locator("a[href$='/en/01_fill_mask.html']"))
    quoted = box.locator("pre.search-code")
    assert quoted.count() and set(quoted.all_text_contents()) <= code_lines("en", "01_fill_mask")
    assert "mono" in quoted.first.evaluate("pre => getComputedStyle(pre).fontFamily").lower()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_prose_comes_before_code_unless_the_query_names_code(search, lang):
    assert "/05_word_masking" in first_link(search(lang, "whole word"))
    for query in ("fill_masks", "mt.fill_masks("):
        assert "/a5_models" in first_link(search(lang, query))


def first_link(page):
    return page.locator(".search-page a").first.get_attribute("href")


def test_the_other_places_of_a_page_open(search):
    box = search("en", "perplexity").locator(".search-page", has_text="on this page").first
    shown = box.locator("li").count()
    more = box.locator("details summary")
    told = int(more.text_content().split()[1])
    more.click()
    box.locator("details li").first.wait_for()
    assert box.locator("details li").count() == told
    assert box.locator("li:visible").count() == shown + told


def test_results_follow_what_is_typed_and_each_index_comes_once(search):
    page = search("en", "chunk")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator("#search-query").fill("perplexity")
    page.wait_for_function("document.querySelector('#search-results a').href.includes('07_perplexity')")
    assert page.url.endswith("?q=perplexity")
    assert [url for url in requests if ".js" in url] == []
    page.locator("#search-query").fill("")
    page.wait_for_function("!document.querySelector('#search-results a')")


@pytest.mark.parametrize(("lang", "query"), [("en", "perplexitty"), ("zh", "困惑度怎么算")])
def test_the_dialog_shows_results_while_one_types(visit, violations, lang, query):
    page = visit(f"book/{lang}/03_chunking.html", viewport={"width": 1280, "height": 800})
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    page.keyboard.type(query)
    results = page.locator("#pst-search-dialog .search-page a")
    results.first.wait_for()
    assert f"/{lang}/07_perplexity" in results.first.get_attribute("href")
    assert violations(page) == []
    page.locator("#pst-search-dialog .search-all").click()
    page.wait_for_url(f"**/book/{lang}/search.html?q={quote(query)}")


def test_search_button_has_the_blue_of_the_site(visit):
    page = visit("book/en/search.html")
    blue = "getComputedStyle(document.querySelector('.bd-docs-nav .current > a')).color"
    button = page.locator(".search-form button")
    page.goto(page.url.replace("search.html", "a3_glossary.html"))
    link = page.evaluate(blue)
    page.go_back()
    assert button.evaluate("button => getComputedStyle(button).backgroundColor") == link
