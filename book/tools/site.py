"""Build the site from fresh notebooks without touching the committed ones."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode

from mlmtutor.teach.notebooks import write_notebook

from .printed import withdraw_books

SITE_SOURCES = ("_config.yml", "_toc.yml", "book")
NOT_SITE_SOURCES = {"chapters", "tools", "__pycache__"}
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]


def stage(root: Path, staged: Path, *, fresh: Mapping[Path, NotebookNode] | None = None) -> None:
    """Copy what the site is built from; a file that is the same already keeps its time stamp.

    Args:
        root: The repository.
        staged: Folder for the copy. Files in it that the repository no longer has are removed.
        fresh: Notebooks that take the place of the committed ones, by path relative to `root`.
    """
    fresh = fresh or {}
    copied = {path.relative_to(root): path for path in _site_files(root)}
    for relative, path in copied.items():
        if relative not in fresh:
            _copy_if_changed(path, staged / relative)
    for relative, notebook in fresh.items():
        write_notebook(notebook, staged / relative)
    for path in [path for path in staged.rglob("*") if path.is_file() and "__pycache__" not in path.parts]:
        if path.relative_to(staged) not in copied.keys() | fresh.keys():
            path.unlink()


def build(source: Path, output: Path) -> Path:
    """Build the site with every warning an error, nothing executed.

    Args:
        source: Folder with ``_config.yml``, ``_toc.yml`` and ``book``.
        output: The site appears in its ``_build/html``; pages that did not change are not built again.

    Returns:
        The folder of the site.

    Raises:
        RuntimeError: If the build fails or warns.
    """
    flags = ["-n", "-W", "--keep-going", "-q", "--path-output", str(output)]
    site = output / "_build" / "html"
    if _frame_changed(source, site / "index.html"):
        flags.append("--all")
    withdraw_books(site)
    command = [*JUPYTER_BOOK, "build", str(source), *flags]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:  # warnings go to stderr
        raise RuntimeError("the site was not built: see the warnings above")
    return site


def _frame_changed(source: Path, landing_page: Path) -> bool:
    """Whether something that shows on every page (configuration, contents, extension) is newer than the site."""
    frame = [source / "_config.yml", source / "_toc.yml", *(source / "book" / "_ext").rglob("*.*")]
    built = landing_page.stat().st_mtime if landing_page.exists() else 0.0
    return any(path.stat().st_mtime > built for path in frame)


def _copy_if_changed(source: Path, target: Path) -> None:
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _site_files(root: Path) -> list[Path]:
    files = []
    for name in SITE_SOURCES:
        top = root / name
        files += [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
    return [path for path in files if not NOT_SITE_SOURCES.intersection(path.relative_to(root).parts)]
