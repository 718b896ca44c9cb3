"""The runs of a sweep: one for each combination of values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.parameters import Parameter, Value
from mlmtutor.teach.run import complete, make_key
from mlmtutor.teach.sources import Refused

MOST_RUNS = 1_000
LONGEST_NAME = 150  # bytes


@dataclass
class Run:
    """One combination of values."""

    varied: dict[str, Value]
    values: dict[str, Value]  # those varied and those fixed; the other parameters keep their defaults
    name: str  # of its files, without ending
    key: str
    found: dict[str, Any] = field(default_factory=dict)  # its results, or its error

    @property
    def is_done(self) -> bool:
        """Whether there are results."""
        return "metrics" in self.found


def expand_ranges(
    parameters: Sequence[Parameter], given: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return single values: ``0.15,0.3`` are two, ``1..3`` are three. A text is taken as it is.

    Raises:
        Refused: If a range is empty, or too long.
    """
    types = {
        parameter.name: "choice" if "choices" in parameter.limits else parameter.type
        for parameter in parameters
    }
    values, problems = {}, []
    for name, texts in given.items():
        values[name] = []
        for text in texts if types.get(name, "str") == "str" else ",".join(texts).split(","):
            match = types.get(name) == "int" and re.fullmatch(r"\s*(-?\d+)\.\.(-?\d+)\s*", text)
            first, last = map(int, match.groups()) if match else (0, 0)
            if match and not 0 <= last - first < MOST_RUNS:
                problems.append(f"{name}: expected a range of 1 to {MOST_RUNS:,} values, got {text!r}")
            elif match:
                values[name] += map(str, range(first, last + 1))
            else:
                values[name].append(text)
    if problems:
        raise Refused(problems)
    return values


def plan_runs(chapter: Chapter, values: Mapping[str, Sequence[Value]], *, lang: str) -> list[Run]:
    """Return a run for each combination, the last name varying fastest.

    Raises:
        Refused: If there are too many.
    """
    names = [name for name in values if len(values[name]) > 1]
    fixed = {name: found[0] for name, found in values.items() if name not in names}
    runs = []
    for combination in itertools.product(*(values[name] for name in names)):
        varied = dict(zip(names, combination, strict=True))
        key = make_key(chapter, complete(chapter, fixed | varied), lang=lang)
        runs.append(Run(varied, fixed | varied, name_run(varied) or chapter.slug, key))
        if len(runs) > MOST_RUNS:
            raise Refused([f"expected at most {MOST_RUNS:,} runs, got more"])
    return runs


def name_run(varied: Mapping[str, Value]) -> str:
    """Return a file name that tells the values that vary, also where capital letters make no difference.

    Example:
        >>> name_run({"mask_prob": 0.3, "seed": 2}), name_run({"text": "is it a/b [MASK]?"})
        ('mask_prob=0.3,seed=2', 'text=is_it_a_b_MASK_-eb54bd')
    """
    whole = ",".join(f"{name}={value}" for name, value in varied.items())
    name = re.sub(r"[^\w.+=,-]+", "_", whole).encode()[:LONGEST_NAME].decode(errors="ignore")
    return name if name == whole.lower() else f"{name}-{sha256(whole.encode()).hexdigest()[:6]}"
