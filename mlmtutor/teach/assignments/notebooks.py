"""The notebooks of an assignment: what students get, and the same with answers and tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nbformat
from nbformat import NotebookNode

from mlmtutor.teach.assignments.source import Assignment, Exercise, Test
from mlmtutor.teach.install_cell import INSTALL_CELL, write_install_cell
from mlmtutor.teach.notebooks import FOLD_WORDS

# how the cells begin: by these words they are found again, whatever an editor did to their metadata
SET_UP, NUMBERS, ANSWER, CHECK, TEST = "# set-up", "# your numbers", "# exercise", "# check", "# test"
ANSWER_HERE = "# your answer"  # in place of an answer
WORDS = {
    "heading": {"en": "# Exercises to: {title}", "zh": "# 练习：{title}"},
    "student": {"en": "For {student}, with numbers of your own.", "zh": "学生：{student}，题目里的数值是为你单独抽取的。"},
    "how": {
        "en": "Write your answers into the cells that begin with `# exercise`, in place of the `...`, and leave their first "
        "line as it is.\nThe cell below each shows whether the form is right; whether the answer is, is seen when it is "
        "marked.\nAdd cells as you like.\nBefore you hand it in, let the notebook run once from the top.",
        "zh": "请把答案写进以 `# exercise` 开头的单元格，替换其中的 `...`，并保留单元格的第一行。"
        "每道题下面的单元格只检查答案的形式，答案对不对要等批改时才知道。你可以随意增加单元格。"
        "提交之前，请把整个 notebook 从头到尾重新运行一遍。",
    },
    "set-up": {"en": "## Set-up", "zh": "## 准备"},
    "exercise": {"en": "## Exercise {name} ({points})", "zh": "## 练习 {name}（{points}）"},
    "points": {"en": "{points} point{s}", "zh": "{points} 分"},
    "blank": {"en": "This is not answered yet.", "zh": "这道题还没有作答。"},
    "fine": {"en": "The form is right.", "zh": "形式没有问题。"},
}  # fmt: skip


@dataclass(frozen=True)
class Edition:
    """What differs from one copy of an assignment to the next."""

    title: str  # of the chapter
    lang: str
    numbers: str  # code that sets the student's numbers
    student: str = ""  # nobody in particular if it is left out
    requirement: str | None = None  # what pip is asked for in Colab

    def say(self, key: str, **values: object) -> str:
        """Return something in the language of the edition."""
        return WORDS[key][self.lang].format(**values)


def compose_blank(assignment: Assignment, edition: Edition) -> NotebookNode:
    """Make the notebook that a student gets: no answer in it, and no test."""
    cells = [*write_head(assignment, edition)]
    for exercise in assignment.exercises:
        cells += [
            write_task(exercise, edition),
            new_code(f"{name_answer(exercise)}\n{exercise.start}", f"answer-{exercise.name}"),
            new_code(write_check(exercise, edition), f"check-{exercise.name}"),
        ]
    return new_notebook(assignment, edition, cells)


def compose_answered(
    assignment: Assignment, edition: Edition, expected: Sequence[Sequence[Any]]
) -> NotebookNode:
    """Make the instructor's copy: with answers, and the tests behind each."""
    cells = [*write_head(assignment, edition)]
    for exercise, values in zip(assignment.exercises, expected, strict=True):
        cells += [
            write_task(exercise, edition),
            new_code(f"{name_answer(exercise)}\n{exercise.answer}", f"answer-{exercise.name}"),
            new_code(write_check(exercise, edition), f"check-{exercise.name}"),
            *(
                new_code(
                    f"{name_test(exercise, number)}\n{write_test(test, value, edition)}",
                    f"test-{exercise.name}-{number}",
                )
                for number, (test, value) in enumerate(zip(exercise.tests, values, strict=True), start=1)
            ),
        ]
    return new_notebook(assignment, edition, cells)


def write_head(assignment: Assignment, edition: Edition) -> list[NotebookNode]:
    """Return the cells above the exercises."""
    heading = edition.say("heading", title=edition.title)
    student = edition.say("student", student=edition.student) if edition.student else ""
    text = "\n\n".join(part for part in (heading, student, edition.say("how")) if part)
    return [
        nbformat.v4.new_markdown_cell(text, id="head"),
        nbformat.v4.new_markdown_cell(edition.say("set-up"), id="set-up"),
        new_code(write_install_cell(edition.requirement, code="\n".join(assignment.set_up)), INSTALL_CELL),
        *(
            new_code(f"{SET_UP}\n{code}", f"set-up-{number}")
            for number, code in enumerate(assignment.set_up, start=1)
        ),
        *([new_code(f"{NUMBERS}\n{edition.numbers}", "numbers")] if edition.numbers else []),
    ]


def write_task(exercise: Exercise, edition: Edition) -> NotebookNode:
    """Return the cell that says what is asked for."""
    points = edition.say("points", points=exercise.points, s="s" if exercise.points > 1 else "")
    heading = edition.say("exercise", name=exercise.name, points=points)
    return nbformat.v4.new_markdown_cell(
        f"{heading}\n\n{exercise.task[edition.lang]}", id=f"task-{clean(exercise.name)}"
    )


def name_answer(exercise: Exercise) -> str:
    """Return the first line of the cell that students fill in."""
    return f"{ANSWER} {exercise.name}"


def name_test(exercise: Exercise, number: int) -> str:
    """Return the first line of a cell with a test."""
    points = exercise.tests[number - 1].points
    return f"{TEST} {exercise.name}, {number} of {len(exercise.tests)}: {points} point{'s' if points > 1 else ''}"


def write_check(exercise: Exercise, edition: Edition) -> str:
    """Return code that says something about the form of an answer, and nothing about what is right."""
    blank = json.dumps(edition.say("blank"), ensure_ascii=False)
    lines = [
        f"{CHECK} {exercise.name}",
        *(f"assert {name} is not ..., {blank}" for name in exercise.names),
        *(
            f"assert {form.holds}, {json.dumps(form.words[edition.lang], ensure_ascii=False)}"
            for form in exercise.form
        ),
        f"print({json.dumps(edition.say('fine'), ensure_ascii=False)})",
    ]
    return "\n".join(lines)


def write_test(test: Test, expected: Any, edition: Edition) -> str:
    """Return code that fails unless an answer is right."""
    options = "".join(f", {name}=True" for name in ("is_share", "any_order") if getattr(test, name))
    hint = json.dumps(test.hint[edition.lang], ensure_ascii=False)
    return "\n".join(
        ["from mlmtutor.exercises import means", f"assert means({test.value}, {expected!r}{options}), {hint}"]
    )


def new_code(source: str, cell_id: str) -> NotebookNode:
    """Return a code cell that has not run."""
    return nbformat.v4.new_code_cell(source.rstrip(), id=clean(cell_id))


def new_notebook(assignment: Assignment, edition: Edition, cells: list[NotebookNode]) -> NotebookNode:
    """Return a valid notebook, whose metadata names the assignment and the student."""
    about = {"lang": edition.lang, "assignment": assignment.slug, "student": edition.student}
    notebook = nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "mlmtutor": about,
        },
    )
    if edition.lang in FOLD_WORDS:
        notebook.metadata["mystnb"] = FOLD_WORDS[edition.lang]
    nbformat.validate(notebook)
    return notebook


def clean(cell_id: str) -> str:
    """Return what can be the id of a cell."""
    return cell_id.replace(".", "-")
