"""The notebooks of a fork for Colab, which install the package from the fork.

The committed notebooks install from the repository that ``_config.yml`` names. Where that is another one, the workflow
that publishes the site puts these on a branch of their own, and the site's links to Colab lead there.
"""

import shutil
from pathlib import Path

import nbformat

from book._ext.repository import UNKNOWN, find_repository, read_repository, set_install_cell
from mlmtutor.teach.chapters import LANGUAGES
from mlmtutor.teach.notebooks import write_notebook


def write_for_colab(root: Path, folder: Path) -> str:
    """Write the committed notebooks, installing from the repository that `root` is a copy of.

    Args:
        root: The repository.
        folder: Receives the notebooks, at their paths in the repository. It is left empty where the committed notebooks
            will do, or where the repository is not known.

    Returns:
        What was done, in one line.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    repository = find_repository(root)
    if repository is None:
        return UNKNOWN
    if repository == read_repository(root):
        return f"nothing to write: the committed notebooks install {repository.requirement}"
    paths = sorted(path for lang in LANGUAGES for path in (root / "book" / lang).glob("*.ipynb"))
    for path in paths:
        notebook = set_install_cell(nbformat.read(path, as_version=4), repository)
        write_notebook(notebook, folder / path.relative_to(root))
    return f"{len(paths)} notebooks that install {repository.requirement}: {folder}"
