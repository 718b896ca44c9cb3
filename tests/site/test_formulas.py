"""Formulas, drawn by the browser itself."""

import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from book._ext import formulas
from book.tools.chapter import find_chapters
from book.tools.prose import read_content
from mlmtutor.teach.chapters import read_chapter

ROOT = Path(__file__).resolve().parents[2]

LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_formulas_are_mathml_and_no_latex_is_left(articles, lang):
    found = 0
    for name, article in articles(lang).items():
        found += len(article.select("math"))
        for formula in article.select(".math"):
            assert "\\" not in formula.text, (name, formula.text)
    assert found > 30


def test_a_fraction_stands_one_above_the_other(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/en/07_perplexity.html")
    above, below = (page.locator("div.math mfrac > *").nth(number).bounding_box() for number in (0, 1))
    assert above["y"] + above["height"] <= below["y"] + 1
    page.close()


def test_font_of_the_formulas_has_what_they_are_made_of():
    font = TTFont(Path(formulas.__file__).parent / "static" / "formulas.woff")
    assert "MATH" in font  # without that table a root does not grow
    known = font.getBestCmap()
    cells = [
        cell.source for path in find_chapters(ROOT) for cell in read_chapter(path).cells if cell.lang == "en"
    ]
    found = [formula for source in cells for formula in read_content(source).formulas]
    assert len(found) > 10
    for formula in found:
        mathml = formulas.tex2mathml(formula.strip("$"))
        text = re.sub(r"<[^>]*>|\s", "", mathml).replace("&lt;", "<").replace("&gt;", ">")
        assert {char for char in text if ord(char) not in known} == set(), formula


def test_root_covers_all_that_is_under_it_in_the_font_of_the_page(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/en/10_downstream.html")
    page.evaluate("document.fonts.ready")
    assert page.evaluate("[...document.fonts].some(f => f.family == 'Course Math' && f.status == 'loaded')")
    root = page.locator("msqrt").first
    under, whole = root.locator("xpath=*").last.bounding_box(), root.bounding_box()
    assert whole["y"] < under["y"] and whole["x"] < under["x"]
    assert whole["y"] + whole["height"] >= under["y"] + under["height"] - 1
    assert whole["x"] + whole["width"] >= under["x"] + under["width"] - 1
    page.close()


def test_bars_of_a_norm_are_alike():
    mathml = formulas.STRETCHING_BAR.sub("|", formulas.tex2mathml(r"\lVert w \rVert^2"))
    assert mathml.count("|") == 2
