"""An assignment that needs no library: two exercises on the letters of a word."""

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
