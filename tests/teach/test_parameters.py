"""The table of parameters says of each chapter what the chapter itself takes."""

import ast
import math
from functools import cache

import numpy as np
import pytest

import mlmtutor as mt
from mlmtutor.teach.chapters import read_chapter
from mlmtutor.teach.guards import find_problem
from mlmtutor.teach.parameters import LIMITS, read_parameters, read_values, split_assignments
from mlmtutor.teach.sources import Refused, find_source, read_table

LIMITED = [
    (slug, name)
    for slug, parameters in read_table().items()
    for name, facts in parameters.items()
    if set(facts) & set(LIMITS) - {"choices"}
]
# what a parameter needs of others, so that nothing but its own limit decides
WITH = {
    ("09_training_loop", "train_size"): {"batch_size": 2, "num_epochs": 3},
    ("10_downstream", "pool_size"): {"label_counts": "8"},
}
# what a chapter leaves to what it hands a value to
LEFT_TO = {
    "seed": lambda value: np.random.RandomState(value),
    "learning_rate": lambda value: mt.TrainingSettings(learning_rate=value),
}


@cache
def open_chapter(slug: str):
    """The chapter, and its parameters with their limits."""
    chapter = read_chapter(find_source(slug))
    return chapter, read_parameters(chapter, read_table()[slug])


def is_check(node: ast.stmt) -> bool:
    """Whether a statement may refuse a value: it raises itself, or hands it to settings."""
    parts = list(ast.walk(node))
    return any(isinstance(part, ast.Raise) for part in parts) or any(
        isinstance(part, ast.Attribute) and part.attr.endswith("Settings") for part in parts
    )


def refuses(slug: str, values: dict) -> str | None:
    """What the chapter's own guard says to values, or None; the cell is run up to its last check."""
    chapter, parameters = open_chapter(slug)
    position = next(i for i, cell in enumerate(chapter.code) if "parameters" in cell.tags)
    body = ast.parse(chapter.code[position + 1].source).body
    last = max(i for i, node in enumerate(body) if is_check(node))
    names = {
        "mt": mt,
        **{parameter.name: parameter.default for parameter in parameters},
        **values,
    }
    try:
        exec(compile(ast.Module(body[: last + 1], []), slug, "exec"), names)
        for name in LEFT_TO.keys() & values.keys():
            LEFT_TO[name](values[name])
    except ValueError as error:
        return str(error)
    return None


def step(facts: dict) -> float:
    return 1 if facts["type"] == "int" else 1e-6


@pytest.fixture(autouse=True)
def mini(monkeypatch):
    """The profile that runs anywhere."""
    monkeypatch.setenv("MLMTUTOR_PROFILE", "mini")


@pytest.mark.parametrize(("slug", "name"), LIMITED)
def test_limits_are_those_of_the_chapter(slug, name):
    facts, others = read_table()[slug][name], WITH.get((slug, name), {})
    inside, outside = [], []
    if "min" in facts:
        inside, outside = [*inside, facts["min"]], [*outside, facts["min"] - step(facts)]
    if "above" in facts:
        inside, outside = [*inside, facts["above"] + step(facts)], [*outside, facts["above"]]
    if "max" in facts:
        inside, outside = [*inside, facts["max"]], [*outside, facts["max"] + step(facts)]
    for value in inside:
        assert refuses(slug, {**others, name: value}) is None, f"{slug} refuses {name}={value}"
    for value in outside:
        assert refuses(slug, {**others, name: value}) is not None, f"{slug} takes {name}={value}"


@pytest.mark.parametrize("slug", read_table())
def test_every_limit_of_a_guard_is_in_the_table(slug):
    """A number that is far too small or too large is refused before anything runs if the chapter refuses it."""
    for parameter in open_chapter(slug)[1]:
        if parameter.type in ("int", "float"):
            for value in map({"int": int, "float": float}[parameter.type], (-1, 10**12)):
                if not refuses(slug, {parameter.name: value}):
                    continue
                try:
                    parameter.read(str(value))
                except ValueError as error:
                    assert parameter.name in str(error)
                else:  # a rule that joins it with others
                    chapter, parameters = open_chapter(slug)
                    defaults = {other.name: other.default for other in parameters}
                    assert find_problem(chapter, defaults | {parameter.name: value})


@pytest.mark.parametrize("slug", [slug for slug, table in read_table().items() if "PROFILE" in table])
def test_choices_are_those_of_the_profile(slug):
    assert set(read_table()[slug]["PROFILE"]["choices"]) == {"auto", "mini", "full"}
    for name in ("auto", "mini", "full"):
        mt.choose_profile(name)
    with pytest.raises(ValueError, match="profile must be"):
        mt.choose_profile("tiny")


@pytest.mark.parametrize("slug", read_table())
def test_defaults_are_within_their_limits(slug):
    for parameter in open_chapter(slug)[1]:
        assert parameter.read(str(parameter.default)) == parameter.default


def test_values_get_the_types_of_their_parameters(write):
    path = write(
        'word: str = "film"  # the word',
        "n: int = 2_500  # chunks\nfast: bool = True  # or slow\nname: str = '#'  # x",
    )
    chapter = read_chapter(path)
    parameters = read_parameters(chapter)
    assert [(p.name, p.type, p.default, p.meaning) for p in parameters[:3]] == [
        ("n", "int", 2500, "chunks"), ("fast", "bool", True, "or slow"), ("name", "str", "#", "x to measure"),
    ]  # fmt: skip
    given = split_assignments(["n=300", "rate=1", "fast=FALSE", "name=300", "n=0300", "name=a=b, c"])
    values = read_values(chapter, parameters, given)
    assert values == {"n": [300], "rate": [1.0], "fast": [False], "name": ["300", "a=b, c"]}
    assert type(values["rate"][0]) is float and type(values["fast"][0]) is bool
    with pytest.raises(Refused, match="fast must be true or false, got '1'"):
        read_values(chapter, parameters, {"fast": ["1"]})


def test_the_seeds_upper_limit_is_what_the_libraries_take():
    limit = read_table()["03_chunking"]["seed"]["max"]
    assert limit == 2**32 - 1 and math.log2(limit + 1) == 32
