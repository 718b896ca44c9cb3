"""The toy chapter, what its parameters may be, and how the command is started with it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOY = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

+++ {"lang": "en"}

# How long is a word?

+++ {"lang": "zh"}

# 一个词有多长？

```{code-cell} ipython3
:tags: [parameters]

word: str = "film"  # the word to measure
times: int = 2  # how often
rate: float = 0.5  # a rate
seed: int = 0  # of nothing
```

+++ {"lang": "en"}

## By hand

+++ {"lang": "zh"}

## 手工计算

```{code-cell} ipython3
:tags: [result]

import sys, time

print("a bar", file=sys.stderr)
print(f"letters {len(word) * times + seed} -> {rate}")
```
"""
TABLE = {
    "01_toy": {
        "times": {"min": 1, "max": 9},
        "rate": {"above": 0},
        "seed": {"min": 0},
    }
}
START = """
import sys
from pathlib import Path
from mlmtutor.teach import sources
sources.PLACES, sources.read_table = (Path(sys.argv[1]),), lambda: {table}
from mlmtutor.teach import commands
commands.read_table = sources.read_table
from mlmtutor.cli import main
main(sys.argv[2:])
"""
