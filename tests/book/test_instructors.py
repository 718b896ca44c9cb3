"""The instructor guide and the budget page: their tables, their commands and their code."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import nbformat
import pytest
from papermill import inspect_notebook

from book.tools.__main__ import _parser
from book.tools.chapter import find_chapters
from book.tools.handout import make_handout
from book.tools.parameters import read_parameters, read_values, run_with
from book.tools.prose import read_content
from book.tools.tables import BUDGET, PAGES, PARAMETERS, read_yaml, tabulate
from mlmtutor.teach.chapters import LANGUAGES, read_chapter
from mlmtutor.teach.han import HAN

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {path.stem: path for path in find_chapters(ROOT)}
PAGES_IN = {lang: [ROOT / "book" / lang / page for page in PAGES.values()] for lang in LANGUAGES}
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def fenced(language: str) -> list[str]:
    """The code blocks of the English pages; `test_pages_say_the_same` compares the Chinese ones."""
    texts = [path.read_text(encoding="utf-8") for path in PAGES_IN["en"]]
    return [code for text in texts for name, code in FENCE.findall(text) if name == language]


def test_tables_are_what_the_sources_and_the_measurements_give():
    chapters = [read_chapter(path) for path in CHAPTERS.values()]
    found = tabulate(chapters, root=ROOT)
    stale = [str(path) for path, text in found.items() if (ROOT / path).read_text(encoding="utf-8") != text]
    assert stale == [], "`python -m book.tools tables` brings them into step"


def test_every_parameter_is_explained_in_both_languages():
    for slug, parameters in read_yaml(ROOT / PARAMETERS).items():
        for name, facts in parameters.items():
            assert HAN.search(facts["zh"]), f"{slug}: {name} needs a Chinese meaning in {PARAMETERS}"
            assert read_content(facts["en"]) == read_content(facts["zh"]), f"{slug}: {name}"


@pytest.mark.parametrize("slug", CHAPTERS)
def test_papermill_sees_the_same_parameters_in_both_languages(slug):
    seen = [inspect_notebook(str(ROOT / "book" / lang / f"{slug}.ipynb")) for lang in LANGUAGES]
    assert seen[0] == seen[1]
    assert list(seen[0]) == [parameter.name for parameter in read_parameters(read_chapter(CHAPTERS[slug]))]


@pytest.mark.parametrize("slug", CHAPTERS)
def test_what_a_chapter_costs_was_measured(slug):
    assert read_yaml(ROOT / BUDGET)["mini"][slug]["memory_mb"] > 100


@pytest.mark.parametrize(("en", "zh"), zip(*PAGES_IN.values(), strict=True), ids=lambda path: path.stem)
def test_pages_say_the_same(en, zh):
    assert read_content(en.read_text(encoding="utf-8")) == read_content(zh.read_text(encoding="utf-8"))


def test_commands_of_the_pages_exist():
    commands = re.findall(r"python -m book\.tools (.*)", "\n".join(fenced("sh")))
    assert len(commands) >= 4
    for command in commands:
        options = _parser().parse_args(shlex.split(command))
        assert set(options.slugs) <= set(CHAPTERS)
        if options.command == "sweep":
            chapter = read_chapter(CHAPTERS[options.slugs[0]])
            assert read_values(chapter, dict(options.p) | dict.fromkeys([options.name], options.values[0]))


def test_code_of_the_pages_shows_results_and_answers(write, root, monkeypatch):
    answer = "```\n\n```{code-cell} ipython3\n:tags: [hide-cell]\n\n# answer: 4\n4\n```\n"
    chapter = write('letters")\n```\n', f'letters")\n{answer}')
    handout = make_handout(chapter, "en")
    handout.cells[-1].source += "len(word)"
    monkeypatch.chdir(root)
    Path("submissions").mkdir()
    nbformat.write(handout, "submissions/ada.ipynb")
    run_with(chapter, {"word": "go"}, output=Path("_build/sweeps/06_fine_tuning/word=go.ipynb"))
    shown = []
    for code in fenced("python"):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, {})
        shown.append(printed.getvalue())
    assert shown == ["word=go go has 2 letters\n\n", "# ada\n# your answer\nlen(word)\n\n"]
