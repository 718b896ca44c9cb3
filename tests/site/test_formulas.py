"""Formulas, drawn by the browser itself."""

import pytest

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
