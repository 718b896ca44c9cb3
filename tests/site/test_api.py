"""The API reference: everything public once, readable in both languages, and found from its overview."""

import re
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import mlmtutor
from book.tools.pdf import list_pages

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh")
OVERVIEW = "a5_api"


@pytest.fixture(scope="module")
def articles(site):
    """The articles of the reference by language and name: the overview, and then the others."""

    def read(page):
        return BeautifulSoup((site / f"{page}.html").read_text("utf-8"), "html.parser").article

    return {
        lang: {
            page.rpartition("/")[2]: read(page)
            for page in list_pages(ROOT / "_toc.yml", lang)
            if "/a5_" in page
        }
        for lang in LANGUAGES
    }


def select(articles, selector):
    """All that is selected on the pages of one language, in their order."""
    return [tag for article in articles.values() for tag in article.select(selector)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_public_is_documented_exactly_once(articles, lang):
    objects = select(articles[lang], "dl.class > dt, dl.function > dt")
    documented = Counter(signature["id"] for signature in objects)
    public = [getattr(mlmtutor, name) for name in mlmtutor.__all__]
    assert documented == Counter(f"{value.__module__}.{value.__qualname__}" for value in public)


def test_both_languages_have_the_same_anchors_in_the_same_order(articles):
    en, zh = ([signature["id"] for signature in select(articles[lang], "dt.sig")] for lang in LANGUAGES)
    assert en == zh


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_module_is_introduced_by_a_sentence(articles, lang):
    pages = {name: article for name, article in articles[lang].items() if name != OVERVIEW}
    sections = select(pages, "section section")
    assert len(sections) >= 40
    for section in sections:
        sentence = section.find("p", recursive=False).text
        assert sentence.endswith((".", "?", "。", "？")), section["id"]


def test_docstrings_are_marked_as_english(articles):
    assert all(block.find_parent(lang="en") for block in select(articles["zh"], "dl.class, dl.function"))


def test_sources_are_linked_by_title_in_the_language_of_the_page(articles):
    for lang, title in (("en", "How does BERT mask tokens?"), ("zh", "词元遮盖：BERT 是怎样做的？")):
        links = select(articles[lang], "dd a[href='04_token_masking.html']")
        assert links and {link.text for link in links} == {title}
        assert all(link.find_parent(lang=True)["lang"] == "en" for link in links)
        assert all((link.get("lang") == "zh-CN") == (lang == "zh") for link in links)
        assert not any("04_token" in article.text for article in articles[lang].values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_links_between_objects_stay_in_the_language(articles, lang):
    links = [link["href"] for link in select(articles[lang], "a.reference.internal[href*='#mlmtutor.']")]
    pages = {link.partition("#")[0] for link in links}
    assert len(pages) > 3 and pages <= {"", *(f"{name}.html" for name in articles[lang])}


def test_settings_show_what_each_field_means(articles):
    fields = articles["en"]["a5_training"].find(id="mlmtutor.training.train.TrainingSettings").parent.text
    assert "num_epochs (int) – passes over all chunks" in " ".join(fields.split())


@pytest.mark.parametrize(("lang", "text"), [("en", "[source]"), ("zh", "[源码]")])
def test_every_entry_links_the_line_where_its_definition_begins(articles, repository, lang, text):
    for signature in select(articles[lang], "dt.sig"):
        (link,) = signature.select("a.source-link")
        assert link.text == text
        path, line = re.fullmatch(rf"{re.escape(repository.show(''))}(.+)#L(\d+)", link["href"]).groups()
        assert path.replace("/", ".").removesuffix("py") in signature["id"]
        definition = (ROOT / path).read_text(encoding="utf-8").splitlines()[int(line) - 1 :]
        found = next(row for row in definition if not row.lstrip().startswith("@"))
        assert re.match(rf"\s*(class|def) {signature['id'].rpartition('.')[2]}\b", found)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_overview_has_a_row_for_every_name_which_leads_to_its_entry(articles, lang):
    rows = articles[lang][OVERVIEW].select("table.api-names tbody tr")
    entries = {
        f"{name}.html#{signature['id']}"
        for name, article in articles[lang].items()
        for signature in article.select("dl.class > dt, dl.function > dt")
    }
    assert {row.a["href"] for row in rows} == entries and len(rows) == len(entries)
    for row in rows:
        assert row.a["href"].endswith(f"#{row['id']}")
        assert row.select("td")[1].text.endswith((".", "。"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_old_links_to_an_object_still_lead_to_the_row_of_its_name(articles, lang):
    overview = articles[lang][OVERVIEW]
    for signature in select(articles[lang], "dt.sig"):
        place = overview.find(id=signature["id"])
        row = place if place.name == "tr" else place.find_parent("tr")
        assert signature["id"].startswith(row["id"])
    ids = [tag["id"] for tag in overview.select("[id]")]
    assert len(ids) == len(set(ids))
