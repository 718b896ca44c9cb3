"""A toy chapter, small enough to read at a glance and run in a second."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlmtutor.teach.chapters import Chapter, read_chapter

TOY = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

+++ {"lang": "en"}

# How long is a word?

Count the letters with `len`.

+++ {"lang": "zh"}

# 一个词有多长？

用 `len` 数字母。

```{code-cell} ipython3
:tags: [parameters]

word: str = "film"  # the word to measure
```

+++ {"lang": "en"}

## By hand

The formula is $n = 4$, see [the course](https://example.org/4).

+++ {"lang": "zh"}

## 手工计算

公式是 $n = 4$，见[课程](https://example.org/4)。

```{code-cell} ipython3
:tags: [result]

print(f"{word} has {len(word)} letters")
```
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty repository with the folder for chapters."""
    (tmp_path / "book" / "chapters").mkdir(parents=True)
    (tmp_path / "mlmtutor").mkdir()
    return tmp_path


@pytest.fixture
def write(root: Path) -> Callable[..., Chapter]:
    """Write the toy chapter, with one text replaced by another, and read it."""

    def write_chapter(old: str = "", new: str = "", *, slug: str = "01_toy") -> Chapter:
        assert old in TOY, f"the toy chapter has no {old!r}"
        path = root / "book" / "chapters" / f"{slug}.md"
        path.write_text(TOY.replace(old, new, 1) if old else TOY, encoding="utf-8")
        return read_chapter(path)

    return write_chapter
