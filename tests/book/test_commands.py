"""The commands behind `make notebooks` and `make book`, tried on the toy chapter."""

import re
import shutil
from pathlib import Path

import pytest

from book._ext.repository import UNKNOWN
from book.tools.__main__ import main
from book.tools.site import stage

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def book(root, write, monkeypatch):
    """A whole little book: the toy chapter, this project's configuration and extension, a landing page."""
    for name in ("GITHUB_REPOSITORY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    write()
    shutil.copytree(REPOSITORY / "book" / "_ext", root / "book" / "_ext")
    shutil.copy(REPOSITORY / "_config.yml", root)
    (root / "book" / "index.md").write_text("# Toy\n")
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: book/en/01_toy\n- file: book/zh/01_toy\n"
    (root / "_toc.yml").write_text(toc)
    return root


def test_notebooks_written_are_in_step_and_not_written_twice(book, capsys):
    assert main(["check"], root=book) == 1
    assert main(["notebooks"], root=book) == 0
    assert "book/zh/01_toy.ipynb: written" in capsys.readouterr().out
    assert main(["check"], root=book) == 0
    assert main(["notebooks"], root=book) == 0
    assert "book/zh/01_toy.ipynb: as it was" in capsys.readouterr().out


def read_sources(book):
    """What is in each file under `book`; not the bytecode that Python caches."""
    files = (path for path in (book / "book").rglob("*.*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.read_bytes() for path in files}


def test_book_builds_the_site_and_leaves_sources_untouched(book, capfd):
    before = read_sources(book)
    assert main(["book"], root=book) == 0
    out = capfd.readouterr().out
    assert f"The site: {book / '_build' / 'html' / 'index.html'}" in out
    assert out.endswith("01_toy: film has 4 letters\n")
    assert UNKNOWN in out  # whose book this is; then there is no link to anybody's
    for page in (book / "_build" / "html").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(
            r"OWNER|href=.?None|href=.?https?://(\w+\.)*(github|colab|mybinder|codespaces)\b", text
        ), page
    assert "film has 4 letters" in (book / "_build/html/book/zh/01_toy.html").read_text(encoding="utf-8")
    assert read_sources(book) == before


def test_second_book_rebuilds_only_the_page_that_changed(book, write):
    assert main(["book"], root=book) == 0
    pages = {path: path.stat().st_mtime_ns for path in (book / "_build/html/book").rglob("01_toy.html")}
    write("用 `len` 数字母。", "用 `len` 来数字母。")
    assert main(["book"], root=book) == 0
    rebuilt = [path.parent.name for path, time in pages.items() if path.stat().st_mtime_ns != time]
    assert rebuilt == ["zh"]


def test_site_with_a_warning_is_not_accepted(book, write, capfd):
    write(
        "see [the course](https://example.org/4)", "see [the course](https://example.org/4), {ref}`nowhere`"
    )
    assert main(["book"], root=book) == 1
    assert "the site was not built" in capfd.readouterr().err


def test_page_without_a_counterpart_in_the_other_language_is_a_warning(book, capfd):
    (book / "book" / "en").mkdir()
    (book / "book" / "en" / "alone.md").write_text("# Alone\n")
    with (book / "_toc.yml").open("a") as toc:
        toc.write("- file: book/en/alone\n")
    assert main(["book"], root=book) == 1
    assert "book/en/alone has no counterpart in the other language" in capfd.readouterr().err


def test_failing_chapter_stops_the_command_with_one_message(book, write, capsys):
    write("print(f", "1 / 0\nprint(f")
    assert main(["notebooks"], root=book) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert not (book / "book" / "en").exists()


def test_unknown_chapter_is_named_with_those_there_are(book, capsys):
    assert main(["notebooks", "99_none"], root=book) == 1
    assert "no chapter '99_none' in book/chapters; there are: 01_toy" in capsys.readouterr().err


def test_stage_drops_what_the_book_no_longer_has(book):
    staged = book / "_build" / "stage"
    stage(book, staged)
    (book / "book" / "index.md").unlink()
    stage(book, staged)
    assert not (staged / "book" / "index.md").exists()
    assert not (staged / "book" / "chapters").exists()
