"""The tables of the pages follow the sources of the chapters, tried on the toy chapter."""

import yaml

from book.tools.__main__ import main
from book.tools.tables import PAGES, budget_rows, list_parameters, parameter_rows

PARAMETER = 'word: str = "film"  # the word to measure'


def test_tables_follow_the_source_and_keep_translations(write, root):
    for lang in ("en", "zh"):
        (root / "book" / lang).mkdir(exist_ok=True)
        for name, page in PAGES.items():
            (root / "book" / lang / page).write_text(f"<!-- {name} --> <!-- {name} -->")
    write()
    assert main(["tables"], root=root) == 0
    table = root / "mlmtutor" / "data" / "parameters.yml"
    table.write_text(
        table.read_text(encoding="utf-8").replace("zh: ''", "choices: [film, movie]\n    zh: 要量的词"),
        encoding="utf-8",
    )
    write(PARAMETER, 'word: str = "movie"  # the word to measure')
    assert main(["tables"], root=root) == 0
    facts = yaml.safe_load(table.read_text(encoding="utf-8"))["01_toy"]["word"]
    assert (facts["default"], facts["choices"]) == ("movie", ["film", "movie"])
    chinese = (root / "book" / "zh" / "a2_instructors.md").read_text(encoding="utf-8")
    assert '| [1. 一个词有多长？](01_toy.ipynb) | `word` | str | `"movie"` | 要量的词 |' in chinese


def test_a_bar_in_a_meaning_does_not_break_the_table(write):
    parameters = list_parameters([write(PARAMETER, 'sign: str = "|"  # a | b')], known={})
    (row,) = parameter_rows(parameters, {"01_toy": {"en": "[1. Toy](01_toy.ipynb)"}})
    assert row["en"] == r"""| [1. Toy](01_toy.ipynb) | `sign` | str | `"\|"` | a \| b |"""


def test_budget_says_what_was_not_measured():
    budget = {"mini": {"01_toy": {"minutes": 1.25, "memory_mb": 1500, "downloads_mb": 97}}}
    links = {slug: dict.fromkeys(("en", "zh"), f"[{slug}]({slug}.ipynb)") for slug in ("01_toy", "02_toy")}
    rows = [row["en"] for row in budget_rows(links, budget)]
    assert rows == [
        "| [01_toy](01_toy.ipynb) | mini | 1.2 | 1,500 | 97 |",
        "| [02_toy](02_toy.ipynb) | mini | not measured yet |  |  |",
        "| every chapter | full | not measured yet |  |  |",
    ]
