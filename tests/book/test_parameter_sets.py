"""Each chapter runs with other parameters, set as papermill sets them, and refuses nonsense with a readable message."""

from pathlib import Path

import pytest
import yaml

from book.tools.chapter import find_chapters
from book.tools.parameters import read_parameters, read_values, run_with
from mlmtutor.teach.chapters import read_chapter

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
def test_chapter_runs_with_other_parameters(slug, tmp_path):
    chapter = read_chapter(CHAPTERS[slug])
    values = read_values(chapter, SETS[slug]["runs"])
    defaults = {parameter.name: parameter.default for parameter in read_parameters(chapter)}
    same = [name for name, value in values.items() if value == defaults[name]]
    assert values and not same, f"expected values that are not the defaults, found {same}"
    notebook = run_with(chapter, values, output=tmp_path / f"{slug}.ipynb")
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
    names |= read_values(chapter, nonsense)
    with pytest.raises(ValueError, match="(?i)" + "|".join(nonsense)):
        exec(chapter.code[position + 1].source, names)
