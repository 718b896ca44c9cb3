"""An assignment that needs no library, two exercises on the letters of a word; and what hands it out and in."""

import csv
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest

from mlmtutor.teach import sources
from mlmtutor.teach.assignments import source
from mlmtutor.teach.assignments.grade import BOM
from tests.teach.test_commands import run
from tests.teach.toy import TOY

ASSIGNMENT = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

```{code-cell} ipython3
:tags: [set-up]

import math
```

```{code-cell} ipython3
:tags: [numbers]
:vary: {"size": "3..4000", "letter": ["a", "b", "c"]}

size = 2  # of the word
letter = "x"  # in it
word = letter * size
```

+++ {"lang": "en"}

**1.** How many letters has `word` (`length`), and what share of two such words is one (`part`)?

+++ {"lang": "zh"}

**1.** `word` 有多少个字母（`length`）？两个这样的词里，一个占多大比例（`part`）？

```{code-cell} ipython3
:tags: [start]

length = ...
part = ...
```

```{code-cell} ipython3
:tags: [answer]

length = len(word)
part = length / (2 * length) + size / 100_000
```

```{raw-cell}
:tags: [marking]

form:
- holds: length == length
  en: A length is what it is.
  zh: 长度就是长度。
tests:
- value: length
  en: Count once more.
  zh: 请再数一遍。
- value: part
  is_share: true
  en: Divide one by both.
  zh: 请用一个除以两个。
```

+++ {"lang": "en"}

**2.** Write `double(text)`, which returns `text` twice.

+++ {"lang": "zh"}

**2.** 请写函数 `double(text)`，返回重复两遍的 `text`。

```{code-cell} ipython3
:tags: [start]

def double(text):
    ...
```

```{code-cell} ipython3
:tags: [answer]

def double(text):
    return text + text
```

```{raw-cell}
:tags: [marking]

form: []
tests:
- value: double(word)
  points: 2
  en: What is twice a word?
  zh: 一个词的两倍是什么？
```
"""
ANSWERS = {
    "1.1": "length = len(word)\npart = 0.5 + size / 100_000",
    "1.2": "def double(text):\n    return 2 * text",
}


def place_toy(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the toy assignment into a folder, the current one from now on, let the commands find it, and return its source."""
    patch.chdir(folder)
    for name, text in (("chapters", TOY), ("assignments", ASSIGNMENT)):
        (folder / name).mkdir()
        (folder / name / "01_toy.md").write_text(text, encoding="utf-8")
    patch.setattr(sources, "PLACES", (folder / "chapters",))
    patch.setattr(source, "PLACES", (folder / "assignments",))
    return folder / "assignments" / "01_toy.md"


def make_homework(folder: Path, students: Iterable[str]) -> Path:
    """Make the toy assignment for some students."""
    (folder / "roster.csv").write_text("\n".join(["student", *students]))
    assert run("assignment", "toy", "--students", "roster.csv", "-o", "homework")[0] == 0
    return folder / "homework"


def hand_in(
    homework: Path, student: str, *, file: str = "", language: str = "python", **answers: str
) -> Path:
    """Fill in a student's notebook: code by exercise, ``e1`` for 1.1; the right answer where nothing is said."""
    notebook = nbformat.read(homework / "students" / f"{student}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.id.removeprefix("answer-").replace("-", ".")
        if name in ANSWERS:
            cell.source = f"# exercise {name}\n" + answers.get(f"e{name[2:]}", ANSWERS[name])
    path = homework / "submissions" / (file or f"{student}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def read_grades(homework: Path) -> dict[str, dict[str, str]]:
    text = (homework / "grades.csv").read_text(encoding="utf-8")
    assert text.startswith(BOM)
    return {row["file"] or row["student"]: row for row in csv.DictReader(text.removeprefix(BOM).splitlines())}
