"""Measure what a chapter costs: minutes, peak memory and downloads."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from mlmtutor.teach.chapters import Chapter

from .execute import Say, execute

SECONDS_BETWEEN_SAMPLES = 0.1


@dataclass(frozen=True)
class Cost:
    """What one run of a chapter took, in an empty cache."""

    minutes: float  # from the start of the kernel to its last cell
    # peak of the resident memory of the kernel and its children, a shared page counted in each
    memory_mb: int
    downloads_mb: int  # the packages of the install cell and what came from the Hub


def measure(chapter: Chapter, *, profile: str, packages_mb: float, say: Say) -> Cost:
    """Run a chapter and measure what that takes.

    Args:
        chapter: The chapter.
        profile: ``mini`` or ``full``.
        packages_mb: What `download_packages` returned.
        say: Receives the progress as text.

    Returns:
        Its cost; 1 MB is a million bytes.

    Raises:
        ChapterFailed: If a cell raises.
    """
    with tempfile.TemporaryDirectory() as cache, _environment(MLMTUTOR_PROFILE=profile, HF_HOME=cache):
        started = time.perf_counter()
        with watch_memory() as peak:
            execute(chapter, say=say)
        minutes = (time.perf_counter() - started) / 60
        # a snapshot's files are links to blobs
        fetched = sum(path.stat().st_size for path in Path(cache).glob("hub/*/blobs/*"))
    return Cost(round(minutes, 1), round(peak[0] / 1e6), round(packages_mb + fetched / 1e6))


def download_packages(root: Path, extras: tuple[str, ...]) -> float:
    """Download the packages that only this project needs, those of some extras, and return their size in MB."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [package for extra in extras for package in project["optional-dependencies"][extra]]
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, *packages], check=True)
        return sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6


@contextmanager
def watch_memory() -> Iterator[list[int]]:
    """Watch the resident memory of all child processes until the block ends; keep the peak, in bytes."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_SAMPLES):
            peak[0] = max(peak[0], sum(map(_resident, psutil.Process().children(recursive=True))))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield peak
    finally:
        ended.set()
        watching.join()


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:  # it has just ended
        return 0


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
