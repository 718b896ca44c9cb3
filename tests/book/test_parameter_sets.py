"""Each chapter runs with other parameters, set as papermill sets them, and refuses nonsense with a readable message."""

from pathlib import Path

import nbformat
import pytest
import yaml

from book.tools.chapter import find_chapters
from mlmtutor.teach.chapters import read_chapter
from mlmtutor.teach.parameters import read_parameters, read_values
from mlmtutor.teach.progress import CellProgress, Progress
from mlmtutor.teach.run import run_chapter
from mlmtutor.teach.sources import Refused, read_table

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {path.stem: path for path in find_chapters(ROOT)}
SETS = yaml.safe_load((ROOT / "book" / "parameter_sets.yml").read_text(encoding="utf-8"))
NONSENSE = [(slug, nonsense) for slug in SETS for nonsense in SETS[slug].get("refuses", [])]


@pytest.fixture(autouse=True)
def mini(monkeypatch):
    """The profile that runs anywhere."""
    monkeypatch.setenv("MLMTUTOR_PROFILE", "mini")


def test_every_chapter_has_a_set_and_every_set_a_chapter():
    assert sorted(SETS) == sorted(CHAPTERS)


@pytest.mark.slow
@pytest.mark.parametrize("slug", CHAPTERS)
def test_chapter_runs_with_other_parameters(slug, tmp_path, monkeypatch):
    chapter = read_chapter(CHAPTERS[slug])
    parameters = read_parameters(chapter, read_table()[slug])
    given = {name: [str(value)] for name, value in SETS[slug]["runs"].items()}
    values = {name: found[0] for name, found in read_values(chapter, parameters, given).items()}
    defaults = {parameter.name: parameter.default for parameter in parameters}
    same = [name for name, value in values.items() if value == defaults[name]]
    assert values and not same, f"expected values that are not the defaults, found {same}"
    monkeypatch.chdir(tmp_path)
    output, watch = tmp_path / f"{slug}.ipynb", CellProgress(Progress())
    found = run_chapter(
        chapter, values, lang="en", output=output, result=tmp_path / "result.json", watch=watch
    )
    assert bool(found["metrics"]) == found["has_result"]
    written = {path.name for path in tmp_path.iterdir()} - {
        "adapted",
        "out",
    }  # which chapters name to the Trainer
    assert written == {output.name, "result.json"}
    notebook = nbformat.read(output, as_version=4)
    assert notebook.metadata.papermill.parameters == values
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "nonsense"), NONSENSE, ids=str)
def test_chapter_refuses_nonsense_and_names_the_parameter(slug, nonsense):
    chapter = read_chapter(CHAPTERS[slug])
    position = next(i for i, cell in enumerate(chapter.code) if "parameters" in cell.tags)
    names = {"__name__": "__main__"}
    for cell in chapter.code[: position + 1]:
        exec(cell.source, names)
    names |= nonsense
    with pytest.raises(ValueError, match="(?i)" + "|".join(nonsense)):
        exec(chapter.code[position + 1].source, names)


@pytest.mark.parametrize(("slug", "nonsense"), NONSENSE, ids=str)
def test_numbers_that_a_chapter_refuses_are_refused_before_it_runs(slug, nonsense):
    chapter = read_chapter(CHAPTERS[slug])
    parameters = read_parameters(chapter, read_table()[slug])
    given = {name: [str(value)] for name, value in nonsense.items() if not isinstance(value, str)}
    odd = slug == "09_training_loop" and nonsense == {
        "batch_size": 7
    }  # the chapter alone knows that it must be even
    if given and not odd:
        with pytest.raises(Refused, match="|".join(nonsense)):
            read_values(chapter, parameters, given)
