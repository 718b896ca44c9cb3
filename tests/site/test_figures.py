"""Figures: parts of the page, said in words, in its colours and its language, and legible on a phone."""

import re

import pytest

from book._ext.figures import fit_into_page, translate
from mlmtutor.teach.han import HAN

LANGUAGES = ("en", "zh")
NAMES = re.compile(
    r"(mini(-\w+)?|mt\.\w+|\w+[._]\w+|prefix|touch|segmenter|DistilBERT)"
)  # of models, code and rules
MIN_PIXELS = 8  # height of a small letter's line on a phone
DRAWING = '<svg width="9pt" height="9pt"><g id="a"/><use href="#a"/><text class="legend">before</text></svg>'


def plots(article):
    return article.select("svg.plot")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_picture_has_a_caption_and_a_text_in_the_language_of_the_page(articles, lang):
    found = 0
    for name, article in articles(lang).items():
        assert not article.select("img"), (name, "a picture that is no drawing")
        for picture in plots(article):
            found += 1
            caption = picture.find_parent("figure").figcaption.select_one(".caption-text").text
            alt = picture["aria-label"]
            assert picture["role"] == "img"
            assert alt not in ("", caption), (name, "a screen reader would read the caption twice")
            for text in (caption, alt):
                assert bool(HAN.search(text)) == (lang == "zh"), text
    assert found > 30


def test_words_in_pictures_are_in_the_language_of_the_page(articles):
    english = [text.text for article in articles("en").values() for text in article.select("svg.plot text")]
    assert not [text for text in english if HAN.search(text)]
    for name, article in articles("zh").items():
        for picture in plots(article):
            for text in picture.select("text.axis-label, text.legend"):
                is_word = re.search("[A-Za-z]", text.text) and not NAMES.fullmatch(text.text)
                assert not is_word or HAN.search(text.text), (name, text.text, "is missing in figures.yml")


def test_labels_of_rows_are_all_in_the_language_of_the_page_or_all_words_of_the_model(articles):
    """A word that the model predicts may be one that `figures.yml` knows, such as "all"."""
    for name, article in articles("zh").items():
        for picture in plots(article):
            texts = [text.text for text in picture.select("text:not(.axis-label):not(.legend)")]
            words = [text for text in texts if re.search("[A-Za-z]", text) and not NAMES.fullmatch(text)]
            rows = [
                text
                for text in texts
                if HAN.search(text) and text not in {"其余所有词元", "平均值", "更好", "更差"}
            ]
            assert not (rows and [text for text in words if not HAN.search(text)]), (name, texts)


def test_two_drawings_on_a_page_have_no_id_in_common(articles):
    for name, article in articles("en").items():
        ids = [element["id"] for element in article.select("svg.plot [id]")]
        assert len(ids) == len(set(ids)), name
        for element in article.select("svg.plot [href]"):
            assert element["href"].removeprefix("#") in ids, name


def test_a_drawing_takes_the_words_of_one_language():
    assert ">before<" in fit_into_page(DRAWING, alt="a < b", language="en")
    fitted = fit_into_page(DRAWING, alt="a < b", language="zh")
    assert f">{translate('before')}<" in fitted
    assert 'aria-label="a &lt; b"' in fitted
    assert "pt" not in fitted and 'id="a"' not in fitted


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_lines_have_the_colour_of_the_page(address, browser, theme):
    page = browser.new_page(color_scheme=theme)
    page.goto(f"{address}/book/zh/06_fine_tuning.html")
    colours = page.locator("svg.plot").evaluate_all(
        """plots => plots.map((plot) => [getComputedStyle(document.querySelector(".bd-article p")).color,
            ...[...plot.querySelectorAll("text")].map((text) => getComputedStyle(text).fill)])"""
    )
    assert len(colours) == 4
    assert all(len(set(each)) == 1 for each in colours), colours
    page.close()


def test_words_can_be_read_on_a_phone(address, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    for name in ("06_fine_tuning", "08_adapted_model", "a6_speed"):
        page.goto(f"{address}/book/en/{name}.html")
        sizes = page.locator("svg.plot").evaluate_all(
            """plots => plots.map((plot) => plot.getBoundingClientRect().width / plot.viewBox.baseVal.width
                * Math.min(...[...plot.querySelectorAll("text")].map((t) => parseFloat(getComputedStyle(t).fontSize))))"""
        )
        assert sizes and min(sizes) >= MIN_PIXELS, (name, sizes)
    page.close()
