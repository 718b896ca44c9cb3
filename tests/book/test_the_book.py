"""Every chapter of this book, its two notebooks, and the table of contents."""

from pathlib import Path

import pytest
import yaml

from book.tools.chapter import LANGUAGES, find_chapters, read_chapter
from book.tools.checks import check_chapter, check_notebooks

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = find_chapters(ROOT)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_says_the_same_in_both_languages(path):
    assert check_chapter(read_chapter(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_notebooks_are_what_the_source_gives(path):
    assert check_notebooks(read_chapter(path), root=ROOT) == []


def test_contents_list_every_chapter_in_order_in_both_languages():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    for lang in LANGUAGES:
        expected = [f"book/{lang}/{path.stem}" for path in CHAPTERS]
        assert [file for file in listed if file.startswith(f"book/{lang}/")][: len(expected)] == expected


def test_every_notebook_has_a_source():
    notebooks = {path.stem for lang in LANGUAGES for path in (ROOT / "book" / lang).glob("*.ipynb")}
    assert notebooks == {path.stem for path in CHAPTERS}
