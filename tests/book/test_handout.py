"""Chapters to hand out, without their worked answers."""

import ast
import re
from pathlib import Path

import pytest

from book.tools.__main__ import main
from book.tools.chapter import find_chapters
from book.tools.handout import FOLDED_ANSWER, YOURS, make_handout
from mlmtutor.teach.chapters import LANGUAGES, read_chapter
from mlmtutor.teach.install_cell import INSTALL_CELL

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = find_chapters(ROOT)
MAGIC = re.compile(r"^%%.*|^(\s*)[%!].*", flags=re.MULTILINE)  # a line for IPython, not for Python

ANSWERS = """
```{code-cell} ipython3
:tags: [hide-cell]

# answer: len counts
secret = len("four")
```

```{code-cell} ipython3
:tags: [hide-cell]

print(secret == 4)
```

+++ {"lang": "en"}

**2.** Why?

<details>
<summary>Answer</summary>

For a secret reason.

</details>

## References

+++ {"lang": "zh"}

**2.** 为什么？

<details>
<summary>答案</summary>

原因 secret。

</details>

## 参考文献
"""


@pytest.fixture
def with_answers(write):
    end = 'print(f"{word} has {len(word)} letters")\n```\n'
    return write(end, end + ANSWERS)


@pytest.mark.parametrize(("lang", "room"), [("en", "*Your answer:*"), ("zh", "*你的答案：*")])
def test_each_answer_becomes_room_for_one(with_answers, lang, room):
    cells = make_handout(with_answers, lang).cells
    assert not any("secret" in cell.source for cell in cells)
    assert [cell.source for cell in cells if YOURS in cell.metadata.get("tags", [])] == [
        "# your answer\n",
        room,
    ]
    assert cells[-1].source in ("## References", "## 参考文献")


def test_cells_that_stay_keep_their_ids(with_answers):
    source = {INSTALL_CELL, *(cell.id for cell in with_answers.cells)}
    added = [cell.id for cell in make_handout(with_answers, "en").cells if cell.id not in source]
    assert [cell_id.split("-")[1] for cell_id in added] == ["answer", "after"]


def test_handout_has_not_been_run(with_answers):
    code = [cell for cell in make_handout(with_answers, "en").cells if cell.cell_type == "code"]
    assert all(cell.execution_count is None and not cell.outputs for cell in code)


def test_handout_is_a_command(with_answers, root, capsys):
    assert main(["handout", "01_toy"], root=root) == 0
    assert "_build/handout/zh/01_toy.ipynb: written" in capsys.readouterr().out


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_is_handed_out_has_room_for_every_answer_and_none_in_it(path):
    chapter = read_chapter(path)
    folded = [cell.source for cell in chapter.code if "hide-cell" in cell.tags]
    answers = [source for source in folded if source.startswith("# answer")]
    for lang in LANGUAGES:
        prose = [cell.source for cell in chapter.cells if cell.lang == lang]
        num_prose_answers = sum(len(FOLDED_ANSWER.findall(source)) for source in prose)
        cells = make_handout(chapter, lang).cells
        room = [cell for cell in cells if YOURS in cell.metadata.get("tags", [])]
        assert len(room) == len(answers) + num_prose_answers
        assert len(room) >= 3 or chapter.slug.startswith("a")  # an appendix needs no exercises
        assert not any(cell.source in folded or "<summary>" in cell.source for cell in cells)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_what_is_handed_out_needs_nothing_that_an_answer_defined(path):
    chapter = read_chapter(path)
    left = {
        cell.id for cell in make_handout(chapter, "en").cells if YOURS not in cell.metadata.get("tags", [])
    }
    stored, loaded, only_in_answers = set(), set(), set()
    for cell in chapter.code:
        nodes = list(ast.walk(ast.parse(MAGIC.sub(r"\1pass", cell.source))))
        names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        if cell.id in left:
            stored |= names | {node.arg for node in nodes if isinstance(node, ast.arg)}
            loaded |= {node.id for node in nodes if isinstance(node, ast.Name)}
        else:
            only_in_answers |= names
    assert (only_in_answers - stored) & loaded == set()
