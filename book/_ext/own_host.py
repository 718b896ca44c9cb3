"""Pages that ask no other host for anything, and their own host for little.

Jupyter Book always loads an extension for live code, whose script comes from another host, and one that folds answers
with a script; neither is used here. The theme's script of 1.5 MB that draws icons is left out too
(``templates/static/webpack-macros.html``): the theme's style sheet draws the same icons with a font.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

STATIC = Path(__file__).parent / "static"
UNUSED = {"sphinx_thebe", "sphinx_togglebutton"}
UNUSED_STYLES = {"sphinx-thebe.css", "togglebutton.css"}
# spans without a style of their own: Pygments marks names, punctuation and spaces, Sphinx each word of a signature
BARE_SPANS = re.compile(r'<span class="(?:n|p|w|pre)">([^<]*)</span>')


def leave_out_unused(app: Sphinx) -> None:
    """Take back what the unused extensions have registered."""
    # no supported switch exists: Jupyter Book 1 loads both, whatever `_config.yml` says
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if getattr(one.handler, "__module__", "") not in UNUSED]
    app.registry.css_files[:] = [file for file in app.registry.css_files if file[0] not in UNUSED_STYLES]


def join_styles(app: Sphinx, config: Config) -> None:
    """Join the style sheets that this extension gives to every page: a page shows nothing before it has them all."""
    files = app.registry.css_files
    own = [name for name, _ in files if (STATIC / name).exists()]
    joined = Path(app.doctreedir, "styles", "course.css")
    joined.parent.mkdir(parents=True, exist_ok=True)
    joined.write_text("\n".join((STATIC / name).read_text("utf-8") for name in own), encoding="utf-8")
    files[:] = [*(file for file in files if file[0] not in own), (joined.name, {"priority": 500})]
    config.html_static_path.append(str(joined.parent))


def lighten(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Write a page with fewer tags, which browsers show the same, and with scripts that do not keep it waiting."""
    body = BARE_SPANS.sub(r"\1", BARE_SPANS.sub(r"\1", context.get("body", "")))
    if body:
        context["body"] = body
    scripts = context.get("script_files", [])
    if "sd-tab-set" not in body:
        scripts[:] = [script for script in scripts if script.filename != "design-tabs.js"]
    for script in scripts:
        # a script of options is used by those within the page
        if (
            script.filename
            and "documentation_options" not in script.filename
            and "type" not in script.attributes
        ):
            script.attributes["defer"] = "defer"


def setup(app: Sphinx) -> None:
    """Register the handlers."""
    leave_out_unused(app)
    app.connect("config-inited", join_styles, priority=900)  # after all have added theirs
    app.connect("html-page-context", lighten)
