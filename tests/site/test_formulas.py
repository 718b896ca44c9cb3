"""Formulas, drawn by the browser itself."""

import pytest
from bs4 import BeautifulSoup

LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_formulas_are_mathml_and_no_latex_is_left(site, lang):
    found = 0
    for path in (site / "book" / lang).glob("*.html"):
        article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select_one(
            "article.bd-article"
        )
        found += len(article.select("math"))
        for formula in article.select(".math"):
            assert "\\" not in formula.text, (path.name, formula.text)
    assert found > 30


def test_a_fraction_stands_one_above_the_other(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/book/en/07_perplexity.html")
    above, below = (page.locator("div.math mfrac > *").nth(number).bounding_box() for number in (0, 1))
    assert above["y"] + above["height"] <= below["y"] + 1
    page.close()
