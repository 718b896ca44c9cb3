"""Links out of a page: the chapter in Colab, as a notebook to download, its source, and other places.

All addresses follow from the repository that this book belongs to; where that is not known, they are left out.
"""

from pathlib import Path
from urllib.parse import quote

from sphinx.application import Sphinx

from .languages import language_of
from .repository import COLAB_BRANCH, Repository, read_repository


def find_other_places(repository: Repository | None, path: str, *, root: Path) -> dict[str, str]:
    """Return where a notebook can be run without installing anything, by the name of the service.

    Args:
        repository: Where the notebook is at home; None if that is not known.
        path: Of the notebook, in the repository.
        root: Folder with ``_config.yml``, which names the repository that the committed notebooks install from.
    """
    if repository is None or not repository.is_on_github:
        return {}
    name, branch = repository.name, repository.branch
    colab_branch = branch if read_repository(root) == repository else COLAB_BRANCH
    return {
        "colab": f"https://colab.research.google.com/github/{name}/blob/{colab_branch}/{path}",
        "codespaces": f"https://codespaces.new/{name}/tree/{branch}",
        "binder": f"https://mybinder.org/v2/gh/{name}/{quote(branch, safe='')}?urlpath={quote(f'lab/tree/{path}')}",
    }


def offer_ways_out(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Write the links below the title of a page in one of the two language folders."""
    if doctree is None or not pagename.startswith(f"book/{language_of(pagename)}/"):
        return
    path = f"{pagename}{context['page_source_suffix']}"
    is_notebook = path.endswith(".ipynb")
    links = app.builder.templates.render(
        "ways-out.html",
        {
            "lang": language_of(pagename),
            "repository": app.repository,
            "places": find_other_places(app.repository, path, root=Path(app.srcdir)),
            "path": path,
            "source": f"book/chapters/{path.rsplit('/', 1)[1].replace('.ipynb', '.md')}"
            if is_notebook
            else path,
            "is_notebook": is_notebook,
            "download": f"{context['pathto']('_sources', 1)}/{context['sourcename']}",
        },
    )
    title, end, rest = context["body"].partition("</h1>")
    context["body"] = f"{title}{end}{links}{rest}"


def setup(app: Sphinx) -> None:
    """Register the handler."""
    app.connect("html-page-context", offer_ways_out)
    app.add_css_file("ways-out.css")
