"""The repository that this book belongs to: all links out of it follow, and what its notebooks install in Colab.

``repository`` in ``_config.yml`` names it. A fork need not change that: where the site is built by a workflow of the
hosting site, or in a clone of the fork, the fork is known. The committed notebooks hold the address of ``_config.yml``,
so that they are the same in every clone; the notebooks of a site hold the address that is known there.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import yaml
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from mlmtutor.teach import install_cell
from mlmtutor.teach.install_cell import INSTALL_CELL

PLACEHOLDER = "OWNER"  # in the address of a repository that has no home yet
MAIN = "main"
COLAB_BRANCH = "colab"  # holds the notebooks of a fork whose `_config.yml` still names another repository
UNKNOWN = "it is not known where this repository is at home (set `repository: url` in _config.yml): links to it are left out"
ROOT = Path(__file__).resolve().parents[2]
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Repository:
    """A repository: its address, on GitHub or elsewhere, and the branch that is published."""

    url: str
    branch: str
    released: str = ""  # the version that can be installed by its name, if there is one

    @property
    def name(self) -> str:
        """Owner and name, e.g. ``someone/course``."""
        return "/".join(self.url.rstrip("/").split("/")[-2:])

    @property
    def is_on_github(self) -> bool:
        """Whether Colab, Codespaces, Binder and GitHub Pages know it."""
        return urlsplit(self.url).netloc == "github.com"

    def show(self, path: str, *, line: int | None = None) -> str:
        """Return the address of a file on the hosting site, or of a line in it."""
        return f"{self.url}/blob/{self.branch}/{path}" + (f"#L{line}" if line else "")

    @property
    def requirement(self) -> str:
        """What pip is asked for, e.g. ``mlmtutor[mini] @ git+https://github.com/someone/course@main``."""
        if self.released:
            return f"mlmtutor[mini]=={self.released}"
        return f"mlmtutor[mini] @ git+{self.url}@{self.branch}"


def read_repository(root: Path) -> Repository | None:
    """Return the repository that ``_config.yml`` names; None while the address is that of nobody.

    Args:
        root: Folder with ``_config.yml``.
    """
    try:
        entry = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")).get("repository") or {}
    except FileNotFoundError:
        return None
    url = clean_address(entry.get("url") or "")
    return url and Repository(url, str(entry.get("branch") or MAIN), str(entry.get("released") or ""))


def find_repository(root: Path) -> Repository | None:
    """Return the repository that `root` is a copy of: as the workflow, the clone, or ``_config.yml`` says.

    Args:
        root: Folder with ``_config.yml``.

    Returns:
        The repository; None if nothing says where it is at home.
    """
    named = read_repository(root)
    url, branch = _ask_workflow() or _ask_clone(root) or (None, None)
    if url is None or (named and url.lower() == named.url.lower()):
        return named
    # a fork has no release of its own
    return Repository(url, branch or (named.branch if named else MAIN))


def clean_address(address: str) -> str | None:
    """Return the address of a repository as a browser knows it, without user name and password.

    Args:
        address: As git knows it.

    Returns:
        The address; None for what only this machine knows, such as a folder, and for one that is nobody's.

    Example:
        >>> clean_address("git@github.com:someone/course.git")
        'https://github.com/someone/course'
        >>> clean_address("https://user:secret@example.org/someone/course/")
        'https://example.org/someone/course'
        >>> clean_address("/srv/git/course.git"), clean_address("http://127.0.0.1:8000/a/b")
        (None, None)
    """
    if match := re.fullmatch(r"(?:[\w.+-]+@)?([\w.-]+):(?!//)(\S+)", address):  # the short form of ssh
        address = f"ssh://{match[1]}/{match[2]}"
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if host in ("ssh.github.com", "www.github.com"):
        host = "github.com"
    path = parts.path.removesuffix("/").removesuffix(".git").strip("/")
    is_public = re.fullmatch(r"[\w-]+(\.[\w-]+)*\.[a-z]{2,}", host)
    if parts.scheme not in ("https", "http", "ssh", "git") or not is_public or "/" not in path:
        return None
    if PLACEHOLDER in path.split("/"):
        return None
    port = f":{parts.port}" if parts.port and parts.scheme in ("https", "http") else ""
    return f"https://{host}{port}/{path}"


def _is_the_book(top: Path) -> bool:
    """Whether a repository is this book, and not a project of somebody who keeps a copy of it in a folder."""
    return (top / "book" / "chapters").is_dir()


def _ask_workflow() -> tuple[str | None, str] | None:
    """Return address and branch of what a workflow builds; None outside of one."""
    name = os.environ.get("GITHUB_REPOSITORY")
    if not name or not _is_the_book(Path(os.environ.get("GITHUB_WORKSPACE") or ROOT)):
        return None
    reference = os.environ.get("GITHUB_REF", "")
    branch = reference.removeprefix("refs/heads/") if reference.startswith("refs/heads/") else ""
    return clean_address(f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"), branch


def _ask_clone(root: Path) -> tuple[str | None, str] | None:
    """Return the address that this clone came from and the main branch there; None if it is no clone."""

    def ask(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if not _is_the_book(Path(ask("rev-parse", "--show-toplevel"))):
            return None
        url = clean_address(ask("remote", "get-url", "origin"))
    except (OSError, subprocess.CalledProcessError):
        return None
    try:
        return url, ask("symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")
    except subprocess.CalledProcessError:
        return url, ""


def write_install_cell(repository: Repository | None, *, code: str = "") -> str:
    """Return the code that installs what other code needs from a repository; None if it is not known where that is."""
    return install_cell.write_install_cell(repository.requirement if repository else None, code=code)


def set_install_cell(notebook: NotebookNode, repository: Repository | None) -> NotebookNode:
    """Let a notebook install the package from a repository; return the notebook, changed."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for cell in notebook.cells:
        if cell.id == INSTALL_CELL:
            cell.source = write_install_cell(repository, code=code)
    return notebook


def _address(text: str, repository: Repository | None) -> str:
    """The same for the text of a notebook's file, which is returned."""
    return nbformat.writes(set_install_cell(nbformat.reads(text, as_version=4), repository)) + "\n"


def know_repository(app: Sphinx, config: Config) -> None:
    """Find the repository before anything asks for it; the theme's options name it, or nothing."""
    app.repository = find_repository(Path(app.srcdir))
    if app.repository is None:
        LOGGER.info(UNKNOWN)
    config.home = str(app.repository)
    for key in ("url", "branch"):
        config.html_theme_options[f"repository_{key}"] = getattr(app.repository, key, "")


def address_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let the page of a chapter show what its notebook installs from the repository of this site."""
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        source[0] = _address(source[0], app.repository)


def address_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Let the notebooks to download install from there too."""
    for path in Path(app.outdir, "_sources").rglob("*.ipynb") if exception is None else ():
        text = path.read_text(encoding="utf-8")
        if (addressed := _address(text, app.repository)) != text:
            path.write_text(addressed, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.add_config_value("home", "", "env")  # another repository, and the pages are read again
    app.connect("config-inited", know_repository, priority=100)
    app.connect("source-read", address_page)
    app.connect("build-finished", address_downloads)
