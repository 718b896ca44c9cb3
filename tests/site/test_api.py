"""The API reference: everything public once, and readable in both languages."""

from collections import Counter

import pytest
from bs4 import BeautifulSoup

import mlmtutor

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def articles(site):
    return {
        lang: BeautifulSoup((site / "book" / lang / "a5_api.html").read_text("utf-8"), "html.parser").article
        for lang in LANGUAGES
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_public_is_documented_exactly_once(articles, lang):
    objects = articles[lang].select("dl.class > dt, dl.function > dt")
    documented = Counter(signature["id"] for signature in objects)
    public = [getattr(mlmtutor, name) for name in mlmtutor.__all__]
    assert documented == Counter(f"{value.__module__}.{value.__qualname__}" for value in public)


def test_both_pages_have_the_same_anchors_in_the_same_order(articles):
    en, zh = ([signature["id"] for signature in articles[lang].select("dt.sig")] for lang in LANGUAGES)
    assert en == zh


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_module_is_introduced_by_a_sentence(articles, lang):
    for section in articles[lang].select("section section"):
        sentence = section.find("p", recursive=False).text
        assert sentence.endswith((".", "?", "。", "？")), section["id"]


def test_docstrings_are_marked_as_english(articles):
    assert all(block.find_parent(lang="en") for block in articles["zh"].select("dl.class, dl.function"))


def test_sources_are_linked_by_title_in_the_language_of_the_page(articles):
    for lang, title in (("en", "How does BERT mask tokens?"), ("zh", "词元遮盖：BERT 是怎样做的？")):
        links = articles[lang].select("dd a[href='04_token_masking.html']")
        assert links and {link.text for link in links} == {title}
        assert all(link.find_parent(lang=True)["lang"] == "en" for link in links)
        assert all((link.get("lang") == "zh-CN") == (lang == "zh") for link in links)
        assert "04_token" not in articles[lang].text


def test_links_between_objects_stay_on_the_page(articles):
    for lang in LANGUAGES:
        links = [link["href"] for link in articles[lang].select("a.reference.internal[href*='#mlmtutor.']")]
        assert links and all(link.startswith("#") for link in links)


def test_settings_show_what_each_field_means(articles):
    fields = articles["en"].find(id="mlmtutor.training.train.TrainingSettings").parent.text
    assert "num_epochs (int) – passes over all chunks" in " ".join(fields.split())
