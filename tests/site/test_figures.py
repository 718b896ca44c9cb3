"""Figures: said in words, and to be seen in both themes."""

import pytest

from mlmtutor.teach.han import HAN

LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_picture_has_a_caption_and_a_text_in_the_language_of_the_page(articles, lang):
    found = 0
    for name, article in articles(lang).items():
        for picture in article.select("img"):
            found += 1
            caption = picture.find_parent("figure").figcaption.select_one(".caption-text").text
            assert picture["alt"] not in ("", caption), (name, "a screen reader would read the caption twice")
            for text in (caption, picture["alt"]):
                assert bool(HAN.search(text)) == (lang == "zh"), text
    assert found > 30


def test_pictures_lie_on_a_light_card_in_the_dark_theme(address, browser):
    page = browser.new_page(color_scheme="dark")
    page.goto(f"{address}/book/zh/02_reviews.html")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    card = page.locator(".cell_output img").first.evaluate(
        "picture => getComputedStyle(picture).backgroundColor"
    )
    assert card == "rgb(255, 255, 255)"
    page.close()
