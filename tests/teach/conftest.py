"""A chapter of two cells that takes a second, in the place of the course's own, and the command in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlmtutor.teach import sources
from tests.teach.toy import ROOT, START, TABLE, TOY
from tests.teach.toy_assignment import make_homework, place_toy


@pytest.fixture
def write(tmp_path: Path, monkeypatch) -> Callable[..., Path]:
    """Write the toy chapter, with one text replaced by another, and let the commands find it; the folder is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sources, "PLACES", (tmp_path / "chapters",))
    monkeypatch.setattr("mlmtutor.teach.commands.read_table", lambda: TABLE)
    (tmp_path / "chapters").mkdir()

    def write_chapter(old: str = "", new: str = "") -> Path:
        assert old in TOY, f"the toy chapter has no {old!r}"
        path = tmp_path / "chapters" / "01_toy.md"
        path.write_text(TOY.replace(old, new, 1) if old else TOY, encoding="utf-8")
        return path

    write_chapter()
    return write_chapter


@pytest.fixture
def start(write, tmp_path) -> Callable[..., subprocess.Popen]:
    """Start the command in a process of its own."""

    def start_command(*arguments: object, **variables: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", START.format(table=TABLE), "chapters", *map(str, arguments)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        )

    return start_command


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    """The source of the toy assignment."""
    return place_toy(tmp_path, monkeypatch)


@pytest.fixture
def homework(toy, tmp_path) -> Path:
    """The toy assignment, made for Ada and Bob."""
    return make_homework(tmp_path, ["ada", "bob"])
