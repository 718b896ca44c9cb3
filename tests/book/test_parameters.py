"""The parameters of a chapter: read, set, swept and tabulated, tried on the toy chapter."""

import nbformat
import pytest
import yaml

from book.tools.__main__ import main
from book.tools.parameters import Parameter, read_parameters, read_values, run_with, sweep
from book.tools.tables import PAGES, budget_rows, list_parameters, parameter_rows
from mlmtutor.teach.chapters import ChapterError

PARAMETER = 'word: str = "film"  # the word to measure'
FOUR_TYPES = 'n: int = 2_500  # chunks\nrate: float = 2e-5  # a rate\nfast: bool = True  # or slow\nname: str = "#"  # a name'


def test_a_parameter_is_read_with_its_type_default_and_meaning(write):
    assert read_parameters(write(PARAMETER, FOUR_TYPES)) == [
        Parameter("n", "int", 2500, "chunks"),
        Parameter("rate", "float", 2e-5, "a rate"),
        Parameter("fast", "bool", True, "or slow"),
        Parameter("name", "str", "#", "a name"),
    ]


def test_values_get_the_types_of_their_parameters(write):
    given = {"n": "300", "rate": "1", "fast": "false", "name": "300"}
    values = read_values(write(PARAMETER, FOUR_TYPES), given)
    assert values == {"n": 300, "rate": 1.0, "fast": False, "name": "300"}
    assert [type(value) for value in values.values()] == [int, float, bool, str]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"m": "1"}, "01_toy has no parameter 'm'; there are: n, rate, fast, name"),
        ({"n": "1.5"}, "n of 01_toy is of type int, got '1.5'"),
        ({"fast": "1"}, "fast of 01_toy is of type bool, got '1'"),
    ],
)
def test_value_that_papermill_would_take_silently_is_refused(write, given, message):
    with pytest.raises(ChapterError, match=message):
        read_values(write(PARAMETER, FOUR_TYPES), given)


def test_a_sweep_gives_the_results_of_each_run_and_keeps_its_notebook(write, root):
    runs = list(sweep(write(), "word", ["go", "cinema"], fixed={}, folder=root / "runs"))
    assert runs == [("word=go", ["go has 2 letters"]), ("word=cinema", ["cinema has 6 letters"])]
    assert "cinema has 6 letters" in (root / "runs" / "word=cinema.ipynb").read_text(encoding="utf-8")


def test_a_wrong_value_stops_a_sweep_before_its_first_run(write, root):
    chapter = write(PARAMETER, "n: int = 1  # n")
    with pytest.raises(ChapterError, match="got 'x'"):
        next(sweep(chapter, "n", ["1", "x"], fixed={}, folder=root / "runs"))
    assert not (root / "runs").exists()


def test_failing_run_is_named_with_its_values(write, root):
    chapter = write("print(f", "1 / 0\nprint(f")
    with pytest.raises(
        RuntimeError, match=r"01_toy with \{'word': 'go'\}: ZeroDivisionError: division by zero"
    ):
        run_with(chapter, {"word": "go"}, output=root / "run.ipynb")


def test_sweep_is_a_command(write, root, capsys):
    write()
    assert main(["sweep", "01_toy", "word", "go"], root=root) == 0
    assert capsys.readouterr().out.startswith("word=go\n  go has 2 letters\n")
    assert main(["sweep", "01_toy", "word", "go", "-p", "w", "x"], root=root) == 1
    assert "no parameter 'w'" in capsys.readouterr().err


def test_tables_follow_the_source_and_keep_translations(write, root):
    for lang in ("en", "zh"):
        (root / "book" / lang).mkdir(exist_ok=True)
        for name, page in PAGES.items():
            (root / "book" / lang / page).write_text(f"<!-- {name} --> <!-- {name} -->")
    write()
    assert main(["tables"], root=root) == 0
    table = root / "mlmtutor" / "data" / "parameters.yml"
    table.write_text(table.read_text(encoding="utf-8").replace("zh: ''", "zh: 要量的词"), encoding="utf-8")
    write(PARAMETER, 'word: str = "movie"  # the word to measure')
    assert main(["tables"], root=root) == 0
    assert yaml.safe_load(table.read_text(encoding="utf-8"))["01_toy"]["word"]["default"] == "movie"
    chinese = (root / "book" / "zh" / "a2_instructors.md").read_text(encoding="utf-8")
    assert '| [01_toy](01_toy.ipynb) | `word` | str | `"movie"` | 要量的词 |' in chinese


def test_a_bar_in_a_meaning_does_not_break_the_table(write):
    parameters = list_parameters([write(PARAMETER, 'sign: str = "|"  # a | b')], known={})
    (row,) = parameter_rows(parameters)
    assert row["en"] == r"""| [01_toy](01_toy.ipynb) | `sign` | str | `"\|"` | a \| b |"""


def test_budget_says_what_was_not_measured():
    budget = {"mini": {"01_toy": {"minutes": 1.25, "memory_mb": 1500, "downloads_mb": 97}}}
    rows = [row["en"] for row in budget_rows(["01_toy", "02_toy"], budget)]
    assert rows == [
        "| [01_toy](01_toy.ipynb) | mini | 1.2 | 1,500 | 97 |",
        "| [02_toy](02_toy.ipynb) | mini | not measured yet |  |  |",
        "| every chapter | full | not measured yet |  |  |",
    ]


def test_executed_notebook_of_a_sweep_is_a_valid_notebook(write, root):
    run_with(write(), {"word": "电影"}, output=root / "run.ipynb")
    notebook = nbformat.read(root / "run.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert any("has 2 letters" in str(cell.get("outputs")) for cell in notebook.cells)
