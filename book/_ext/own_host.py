"""Sphinx extension: a page asks no other host for anything, and its own host for little.

The theme's parts are trimmed to what this book uses: no live code (its script comes from elsewhere), icons as a small
font instead of a script of 1.5 MB, and only those rules of the style sheets that some page can need.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx

UNUSED = {
    "sphinx_thebe",
    "sphinx_togglebutton",
}  # Jupyter Book always loads them; answers fold without a script
UNUSED_STYLES = {"sphinx-thebe.css", "togglebutton.css"}
ICON_FONT = "vendor/fontawesome/webfonts/fa-solid-900"
ICON_SCRIPT = "scripts/fontawesome.js"
MADE_BY_SCRIPTS = {"bs-tooltip-auto"}  # a class that Bootstrap puts together from parts
STYLE_SHEETS = ["styles/*.css", "*.css"]  # in _static
# spans without a style of their own: Pygments marks names, punctuation and spaces, Sphinx each word of a signature
BARE_SPANS = re.compile(r'<span class="(?:n|p|w|pre)">([^<]*)</span>')


def leave_out_unused(app: Sphinx) -> None:
    """Take back what the unused extensions have registered."""
    for listeners in app.events.listeners.values():
        listeners[:] = [one for one in listeners if getattr(one.handler, "__module__", "") not in UNUSED]
    app.registry.css_files[:] = [file for file in app.registry.css_files if file[0] not in UNUSED_STYLES]


def lighten(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Write a page with fewer tags, which browsers show the same, and no script for tabs that it does not have."""
    body = BARE_SPANS.sub(r"\1", BARE_SPANS.sub(r"\1", context.get("body", "")))
    if body:
        context["body"] = body
    if "sd-tab-set" not in body:
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if script.filename != "design-tabs.js"]


def trim_assets(app: Sphinx, exception: Exception | None) -> None:
    """Once all pages are there: drop the rules that none of them can need, and the icons that no rule shows."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    static.joinpath(ICON_SCRIPT).unlink(missing_ok=True)
    used = used_names(Path(app.outdir)) | MADE_BY_SCRIPTS
    icons = set()
    for sheet in {path for pattern in STYLE_SHEETS for path in static.glob(pattern)}:
        rules = trim(sheet.read_text(encoding="utf-8"), used)
        rules = re.sub(rf"url\([^)]*{ICON_FONT}\.woff2\)[^,]*,", "", rules)
        icons.update(chr(int(code, 16)) for code in re.findall(r'"\\(f[0-9a-f]{3})"', rules))
        sheet.write_text(rules, encoding="utf-8")
    trim_font(static / f"{ICON_FONT}.ttf", "".join(sorted(icons)))


def used_names(site: Path) -> set[str]:
    """Every word that stands in a class or id of a page, or anywhere in a script."""
    names: set[str] = set()
    for page in site.rglob("*.html"):
        for value in re.findall(r'(?:class|id)="([^"]*)"', page.read_text(encoding="utf-8")):
            names.update(value.split())
    for script in site.rglob("*.js"):
        names.update(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    return names


def trim(sheet: str, used: set[str]) -> str:
    """Keep the rules of a style sheet whose selector names only classes and ids that are used.

    Example:
        >>> trim(".a,.b>p{color:red}@media print{.b{color:blue}}", {"a"})
        '.a{color:red}'
    """
    kept = []
    for head, body in read_rules(sheet):
        if head.startswith(("@media", "@supports")):
            inner = trim(body, used)
            if inner:
                kept.append(f"{head}{{{inner}}}")
        elif head.startswith("@"):
            kept.append(head if body is None else f"{head}{{{body}}}")
        else:
            selectors = [one for one in re.split(r",(?![^()]*\))", head) if may_match(one, used)]
            if selectors:
                kept.append(f"{','.join(selectors)}{{{body}}}")
    return "".join(kept)


def read_rules(sheet: str) -> Iterator[tuple[str, str | None]]:
    """The rules of a style sheet as what stands before the braces and what stands between them."""
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    depth = start = 0
    head = ""
    for found in re.finditer(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|url\((?!["\'])[^)]*\)|[{};]', sheet):
        if found[0] == "{":
            depth += 1
            if depth == 1:
                head, start = sheet[start : found.start()].strip(), found.end()
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                yield head, sheet[start : found.start()].strip()
                start = found.end()
        elif found[0] == ";" and depth == 0:  # a statement without braces, such as @import
            yield sheet[start : found.end()].strip(), None
            start = found.end()


def may_match(selector: str, used: set[str]) -> bool:
    """Whether all classes and ids that a selector asks for are used; what it excludes or chooses from is not asked."""
    asked = re.sub(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]", "", selector)
    return all(name.replace("\\", "") in used for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", asked))


def trim_font(path: Path, characters: str) -> None:
    """Leave only these characters in a font."""
    options = subset.Options(layout_features=[], notdef_outline=False, recalc_timestamp=False)
    font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    subset.save_font(font, path, options)


def setup(app: Sphinx) -> dict:
    """Register the handlers."""
    leave_out_unused(app)
    app.connect("html-page-context", lighten)
    app.connect("build-finished", trim_assets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
