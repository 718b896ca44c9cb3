"""Every chapter of this book, its two notebooks, and the table of contents."""

from pathlib import Path

import pytest
import yaml

import mlmtutor
from book.tools.chapter import find_chapters
from book.tools.checks import check_chapter, check_notebooks
from book.tools.pdf import list_pages
from book.tools.prose import read_content, read_words
from book.tools.style import check_page, find_avoided_words, find_pages
from mlmtutor.teach.chapters import LANGUAGES, read_chapter

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS, PAGES = find_chapters(ROOT), find_pages(ROOT)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_says_the_same_in_both_languages(path):
    assert check_chapter(read_chapter(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_notebooks_are_what_the_source_gives(path):
    assert check_notebooks(read_chapter(path), root=ROOT) == []


@pytest.mark.parametrize(("path", "lang"), PAGES, ids=lambda value: getattr(value, "stem", value))
def test_page_reads_well(path, lang):
    assert check_page(path, lang) == []


def test_pages_come_in_pairs():
    names = {lang: {path.name for path, of in PAGES if of == lang} for lang in LANGUAGES}
    assert names["en"] == names["zh"]


@pytest.mark.parametrize("name", sorted({path.name for path, _ in PAGES}))
def test_page_says_the_same_in_both_languages(name):
    texts = [(ROOT / "book" / lang / name).read_text(encoding="utf-8") for lang in LANGUAGES]
    assert read_content(texts[0]) == read_content(texts[1])


def test_every_page_is_in_the_contents():
    listed = {page for lang in LANGUAGES for page in list_pages(ROOT / "_toc.yml", lang)}
    assert {f"book/{lang}/{path.stem}" for path, lang in PAGES} <= listed


def test_contents_list_every_chapter_in_order_in_both_languages():
    for lang in LANGUAGES:
        expected = [f"book/{lang}/{path.stem}" for path in CHAPTERS]
        assert list_pages(ROOT / "_toc.yml", lang)[: len(expected)] == expected


def test_both_languages_have_the_same_contents_and_pages_within_pages_are_listed():
    en, zh = (list_pages(ROOT / "_toc.yml", lang) for lang in LANGUAGES)
    assert [page.replace("/en/", "/zh/") for page in en] == zh
    place = en.index("book/en/a5_api")
    assert en[place + 1] == "book/en/a5_models" and en.index("book/en/a6_speed") > place + 5


def test_chinese_lines_of_the_reference_read_well():
    lines = yaml.safe_load((ROOT / "book" / "_ext" / "api_lines.yml").read_text(encoding="utf-8"))
    assert set(lines) == set(mlmtutor.__all__)
    assert [line for line in lines.values() if not line.endswith("。")] == []
    words = read_words("\n\n".join(lines.values()))
    assert [(found, word.write) for found, word in find_avoided_words(words, "zh")] == []


def test_every_notebook_has_a_source():
    notebooks = {path.stem for lang in LANGUAGES for path in (ROOT / "book" / lang).glob("*.ipynb")}
    assert notebooks == {path.stem for path in CHAPTERS}
