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
from book.tools.prose import read_content
from book.tools.tables import BUDGET, PAGES, PARAMETERS, read_yaml, tabulate
from mlmtutor.cli import main
from mlmtutor.teach.assignments.source import read_assignment
from mlmtutor.teach.chapters import LANGUAGES, list_sources, read_chapter
from mlmtutor.teach.grid import expand_ranges, plan_runs
from mlmtutor.teach.han import HAN
from mlmtutor.teach.parameters import read_parameters, read_values, split_assignments
from mlmtutor.teach.sources import choose_chapter, read_table

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
    assert len(commands) >= 3
    for command in commands:
        assert set(_parser().parse_args(shlex.split(command)).slugs) <= set(CHAPTERS)


def list_commands(name: str) -> list[tuple[list[str], str]]:
    """The commands of the guide that begin so, as lists of words, and what the guide says that they print."""
    text = PAGES_IN["en"][0].read_text(encoding="utf-8")
    found = re.findall(
        rf"```sh\n\.venv/bin/mlmtutor ({name} [^\n]*)\n```\n\n```text\n(.*?)\n```", text, flags=re.DOTALL
    )
    return [(shlex.split(command), printed) for command, printed in found]


def test_parameters_are_listed_as_the_guide_shows(capsys):
    ((command, printed),) = list_commands("params")
    main(command)
    assert capsys.readouterr().out.rstrip() == printed


def test_runs_of_the_guide_are_possible_and_the_one_that_is_refused_is_refused_so(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (possible, _), (wrong, printed) = list_commands("run")
    with pytest.raises(SystemExit):
        main(wrong)
    assert capsys.readouterr().err.rstrip() == printed
    ((swept, table),) = list_commands("sweep")
    for command, num_runs in ((possible, 1), (swept, 2)):
        slug = choose_chapter(command[1], CHAPTERS)
        chapter = read_chapter(CHAPTERS[slug])
        parameters = read_parameters(chapter, read_table()[slug])
        given = expand_ranges(parameters, split_assignments(word for word in command if "=" in word))
        runs = plan_runs(chapter, read_values(chapter, parameters, given), lang="en")
        assert len(runs) == num_runs
    assert all(run.name in table for run in runs)


def test_chapters_without_results_are_those_that_the_guide_names():
    without = [
        slug.partition("_")[0].lstrip("0")
        for slug, path in CHAPTERS.items()
        if not any("result" in cell.tags for cell in read_chapter(path).code)
    ]
    assert without == ["1", "2", "4", "5", "9", "a1"]
    named = "Chapters 1, 2, 4, 5, 9 and the gallery of mistakes have no cell tagged `result`"
    assert named in PAGES_IN["en"][0].read_text(encoding="utf-8")


def test_code_of_the_pages_shows_results_and_answers(write, root, monkeypatch):
    answer = "```\n\n```{code-cell} ipython3\n:tags: [hide-cell]\n\n# answer: 4\n4\n```\n"
    chapter = write('letters")\n```\n', f'letters")\n{answer}')
    handout = make_handout(chapter, "en")
    handout.cells[-1].source += "len(word)"
    monkeypatch.chdir(root)
    Path("submissions").mkdir()
    nbformat.write(handout, "submissions/ada.ipynb")
    Path("sizes").mkdir()
    Path("sizes/sweep.csv").write_text("chunk_size,chunks,tokens dropped %\n64,122595,0.01\n")
    shown = []
    for code in fenced("python"):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, {})
        shown.append(printed.getvalue())
    assert shown == ["64 122595 0.01\n", "# ada\n# your answer\nlen(word)\n\n"]


def test_exercises_are_handed_out_and_marked_as_the_guide_shows(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("roster.csv").write_text("student,group\nada,1\nbob,1\n王五,2\n", encoding="utf-8")
    ((make, printed),) = list_commands("assignment")
    main(make)
    assert capsys.readouterr().out.rstrip() == printed
    path = Path("homework", "submissions", "ada.ipynb")
    path.write_bytes(Path("homework", "instructor", "ada.ipynb").read_bytes())
    ((mark, printed),) = list_commands("grade")
    main(mark)
    last = capsys.readouterr().out.rstrip().replace("1 submission marked, 7.0", "2 submissions marked, 6.0")
    assert last.replace("look at 2", "look at 1") == printed.splitlines()[-1]
    (shown,) = re.findall(
        r"```text\n(student,file.*?)\n```", PAGES_IN["en"][0].read_text(encoding="utf-8"), re.DOTALL
    )
    rows = Path("homework", "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[:2] == shown.splitlines()[:2] and rows[-1] == shown.splitlines()[-1]


def test_each_chapter_has_as_many_exercises_as_the_guide_says():
    found = [read_assignment(path) for path in list_sources(ROOT / "book" / "assignments")]
    assert sorted({len(one.exercises) for one in found}) == [3, 4]
    assert {min(one.points for one in found), max(one.points for one in found)} == {7, 9}
    text = PAGES_IN["en"][0].read_text(encoding="utf-8")
    assert "3 or 4 exercises which the book does not print, with 7 to 9 points" in text
