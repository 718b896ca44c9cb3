"""Every chapter of this book, its two notebooks, and the table of contents."""

from pathlib import Path

import pytest
import yaml

from book.tools.chapter import find_chapters
from book.tools.checks import check_chapter, check_notebooks
from book.tools.prose import read_content
from book.tools.style import check_page, find_pages
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
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = {chapter["file"] for part in contents["parts"] for chapter in part["chapters"]}
    assert {f"book/{lang}/{path.stem}" for path, lang in PAGES} <= listed


def test_contents_list_every_chapter_in_order_in_both_languages():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    for lang in LANGUAGES:
        expected = [f"book/{lang}/{path.stem}" for path in CHAPTERS]
        assert [file for file in listed if file.startswith(f"book/{lang}/")][: len(expected)] == expected


def test_every_notebook_has_a_source():
    notebooks = {path.stem for lang in LANGUAGES for path in (ROOT / "book" / lang).glob("*.ipynb")}
    assert notebooks == {path.stem for path in CHAPTERS}
