"""What search engines read: the description and the other language of every page, a sitemap, and where that is.

They need the full address of the site, which follows from that of the repository in `_config.yml`.
"""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from .languages import LANGUAGES, counterparts

# mends output of Docutils, which writes one more than the theme
SECOND_VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>\n?')
LONGEST = 200  # characters of a description; search engines cut off the rest


def derive_address(app: Sphinx, config: Config) -> None:
    """Set the address that GitHub Pages gives to the repository, unless `html_baseurl` says otherwise."""
    repository = config.html_theme_options.get("repository_url", "")
    if not config.html_baseurl:
        config.html_baseurl = pages_address(repository)


def pages_address(repository: str) -> str:
    """Return the address of a repository on GitHub Pages; empty if the repository is not on GitHub.

    Example:
        >>> pages_address("https://github.com/someone/course")
        'https://someone.github.io/course/'
    """
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+?)(\.git)?/?", repository)
    if match is None:
        return ""
    owner, name = match[1].lower(), match[2]
    return f"https://{owner}.github.io/" + ("" if name.lower() == f"{owner}.github.io" else f"{name}/")


def describe(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Write the description of a page and the addresses of its two languages into its head."""
    head = [SECOND_VIEWPORT.sub("", context.get("metatags", ""))]
    if doctree is not None and 'name="description"' not in head[0]:
        head.append(f'<meta name="description" content="{escape(describe_page(doctree))}"/>')
    for code, page in _alternates(app, pagename):
        address = find_address(app, page, seen_from=pagename)
        head.append(f'<link rel="alternate" hreflang="{code}" href="{address}"/>')
    context["metatags"] = "\n".join(head)


def describe_page(doctree: nodes.document) -> str:
    """Return the description that a page sets itself, or its opening."""
    own = (meta["content"] for meta in doctree.findall(nodes.meta) if meta.get("name") == "description")
    return next(own, None) or first_sentences(doctree)


def _alternates(app: Sphinx, pagename: str) -> list[tuple[str, str]]:
    """Return each language of a page with the page in it, and who asks for no language of ours the landing page."""
    landing_page = app.config.root_doc
    pages = counterparts(pagename, app.env.found_docs)
    if pagename == landing_page:  # is in both
        pages = dict.fromkeys(LANGUAGES, landing_page)
    found = [(LANGUAGES[language][0], page) for language, page in pages.items()]
    return found and [*found, ("x-default", landing_page)]


def first_sentences(doctree: nodes.document) -> str:
    """Return the opening of a page: as many sentences as a description holds, but at least one."""
    opening = next((" ".join(node.astext().split()) for node in doctree.findall(nodes.paragraph)), "")
    sentences = re.findall(r".+?(?:[.?!](?=\s|$)|[。？！]|$)\s*", opening)
    text = "".join(sentences[:1])
    for sentence in sentences[1:]:
        if len(text + sentence.rstrip()) > LONGEST:
            break
        text += sentence
    return text.strip()


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """List all pages, each with its counterpart, and say where the list is to robots, which ask the root of a host."""
    if exception or not app.config.html_baseurl or app.builder.name != "html":
        return
    entries = []
    for page in sorted(app.env.found_docs):
        links = "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href="{find_address(app, other)}"/>'
            for code, other in _alternates(app, page)
        )
        entries.append(f"<url><loc>{find_address(app, page)}</loc>{links}</url>")
    namespaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"'
    )
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<urlset {namespaces}>", *entries, "</urlset>", ""]
    Path(app.outdir, "sitemap.xml").write_text("\n".join(lines), encoding="utf-8")
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {site_address(app)}sitemap.xml\n"
    Path(app.outdir, "robots.txt").write_text(robots, encoding="utf-8")


def site_address(app: Sphinx) -> str:
    """Return the full address of the site with a slash at its end; empty if it is not known."""
    return app.config.html_baseurl and app.config.html_baseurl.rstrip("/") + "/"


def find_address(app: Sphinx, page: str, *, seen_from: str = "") -> str:
    """Return the full address of a page if the site's is known, else its address relative to `seen_from`."""
    target = app.builder.get_target_uri(page)
    if app.config.html_baseurl:
        return site_address(app) + target
    return app.builder.get_relative_uri(seen_from, page) or target.rsplit("/", 1)[-1]


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    app.connect("config-inited", derive_address)
    app.connect("html-page-context", describe, priority=600)
    app.connect("build-finished", write_sitemap)
