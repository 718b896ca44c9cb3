"""Links out of a page: the chapter in Colab, as a notebook to download, its source, and other places.

All addresses follow from `repository` in `_config.yml`, which a fork changes in one place.
"""

from dataclasses import dataclass

from sphinx.application import Sphinx

from .languages import language_of

COLAB = "https://colab.research.google.com/github"


@dataclass(frozen=True)
class Repository:
    """The repository of this book: its address, on GitHub or elsewhere, and the branch."""

    url: str
    branch: str

    @property
    def name(self) -> str:
        """Owner and name, e.g. ``someone/course``."""
        return "/".join(self.url.removesuffix(".git").rstrip("/").split("/")[-2:])

    def show(self, path: str) -> str:
        """Return the address of a file on the hosting site."""
        return f"{self.url}/blob/{self.branch}/{path}"

    def open_in_colab(self, path: str) -> str:
        """Return the address that opens a notebook in Colab."""
        return f"{COLAB}/{self.name}/blob/{self.branch}/{path}"


def offer_ways_out(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Write the links below the title of a page in one of the two language folders."""
    options = app.config.html_theme_options
    if doctree is None or not pagename.startswith(f"book/{language_of(pagename)}/"):
        return
    repository = Repository(options["repository_url"].rstrip("/"), options["repository_branch"])
    path = f"{pagename}{context['page_source_suffix']}"
    is_notebook = path.endswith(".ipynb")
    links = app.builder.templates.render(
        "ways-out.html",
        {
            "lang": language_of(pagename),
            "repository": repository,
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
