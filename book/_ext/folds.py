"""Folds of a chapter's page: what sets it up in one line at its head, and each answer with its code in one fold.

In a notebook these stay the cells that they are.
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from .languages import language_of

# what a fold says while it is closed, and while it is open
SET_UP = {
    "en": ("Set-up: imports and parameters", "Set-up: imports and parameters"),
    "zh": ("准备工作：导入与参数", "准备工作：导入与参数"),
}
SOLUTION = {"en": ("Show the solution", "Hide the solution"), "zh": ("展开答案", "收起答案")}


class FoldCells(SphinxTransform):
    """Folds the cells up to the parameters, and moves an answer's code to its words."""

    default_priority = 510

    def apply(self, **options: object) -> None:
        language = language_of(self.env.docname)
        for cell in [node for node in self.document.findall(nodes.container) if "cell" in node["classes"]]:
            if "tag_parameters" in cell["classes"]:
                fold_set_up(cell, language=language)
            elif "tag_hide-cell" in cell["classes"]:
                join_answer(cell, language=language)


def fold_set_up(parameters: nodes.container, *, language: str) -> None:
    """Put the parameters and the cells right above them into one fold."""
    parent, cells = parameters.parent, [parameters]
    place = parent.index(parameters)
    while place and isinstance(parent[place - 1], nodes.container) and "cell" in parent[place - 1]["classes"]:
        place -= 1
        cells.insert(0, parent[place])
    fold = HideCodeCellNode(classes=["above-input"])
    fold["prompt_show"], fold["prompt_hide"] = SET_UP[language]
    for cell in cells:
        cell.attributes.pop("hide_mode", None)  # one fold is enough
        parent.remove(cell)
        fold += cell
    parent.insert(place, nodes.container("", fold, classes=["cell", "set-up"]))


def join_answer(cell: nodes.container, *, language: str) -> None:
    """Move a folded cell into the fold of words before it, or say what it is."""
    parent, place = cell.parent, cell.parent.index(cell)
    before = parent[place - 1] if place else None
    if isinstance(before, nodes.raw) and before.astext().strip() == "</details>":
        cell.attributes.pop("hide_mode", None)
        parent.remove(cell)
        parent.insert(place - 1, cell)
    else:
        cell["prompt_show"], cell["prompt_hide"] = SOLUTION[language]


def setup(app: Sphinx) -> None:
    """Register the transform."""
    app.add_transform(FoldCells)
    app.add_css_file("folds.css")
