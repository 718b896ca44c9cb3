"""The Sphinx extension that makes the site of this book; each of its modules adds one thing."""

from importlib import import_module

from sphinx.application import Sphinx

MODULES = (
    "repository",
    "languages",
    "contents",
    "landing",
    "progress",
    "metadata",
    "sharing",
    "site_search",
    "root_pages",
    "own_host",
    "formulas",
    "accessibility",
    "ways_out",
    "glossary_links",
    "widgets",
    "playground",
    "chunking",
    "try_it",
    "diagrams",
    "figures",
    "folds",
    "api_pages",
    "api_overview",
)


def setup(app: Sphinx) -> dict:
    """Set up every module; only the build imports them, since tools of the book read the glossary without them."""
    for name in MODULES:
        import_module(f".{name}", __name__).setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": False}
