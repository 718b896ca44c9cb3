"""Pictures of the chapters as SVG: drawn so in the kernel, and tidied before they are kept.

A drawing that is text stays sharp on every screen, follows the colours of the page and can say its words in the language of
the page (``book/_ext/figures.py``).
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

KERNEL_ARGUMENTS = ["--InlineBackend.figure_formats=svg"]
SETTINGS = "svg.fonttype: none\nsvg.hashsalt: mlmtutor\n"  # words stay words, and two drawings of the same are the same
SVG, HREF = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
FONT_FAMILY = re.compile(r"font-family:[^;]*;? ?")
SHORT_FONT = re.compile(r"font: ([\d.]+px)[^;]*")


@contextmanager
def settings_for_pictures() -> Iterator[dict[str, str]]:
    """Environment of a kernel whose pictures `tidy` can take."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matplotlibrc"
        path.write_text(SETTINGS, encoding="utf-8")
        yield {"MATPLOTLIBRC": str(path)}


def tidy(drawing: str) -> str:
    """Take out of a drawing by Matplotlib what differs from run to run and what only adds length.

    Words of axes and of legends get a class, `axis-label` or `legend`; the drawing keeps the ids that it refers to itself.

    Example:
        >>> svg = '<svg xmlns="http://www.w3.org/2000/svg"><metadata>now</metadata><g id="a"><path d="M 1.23456 2"/></g></svg>'
        >>> tidy(svg).split("sans-serif")[1]
        '" style="stroke-linejoin: round; stroke-linecap: butt"><g><path d="M 1.23 2" /></g></svg>'
    """
    ElementTree.register_namespace("", SVG.strip("{}"))
    root = ElementTree.fromstring(drawing)
    root.set("font-family", FONTS)
    root.set(
        "style", "stroke-linejoin: round; stroke-linecap: butt"
    )  # as the style element says, which is taken out
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", drawing))
    _mark_words(root)
    for parent in list(root.iter()):
        for child in list(parent):
            is_style = child.tag == f"{SVG}style" or (
                child.tag == f"{SVG}defs" and child.find(f"{SVG}style") is not None
            )
            if child.tag == f"{SVG}metadata" or is_style:
                parent.remove(child)
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if HREF in element.attrib:
            element.set("href", element.attrib.pop(HREF))
        for name, value in element.attrib.items():
            element.set(
                name, LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", " ".join(value.split()))
            )
        if element.tag in (f"{SVG}text", f"{SVG}tspan") and "style" in element.attrib:
            style = SHORT_FONT.sub(r"font-size: \1", FONT_FAMILY.sub("", element.get("style")))
            element.set("style", style)
        element.tail = None
        if element.tag not in (f"{SVG}text", f"{SVG}tspan"):
            element.text = None
    return ElementTree.tostring(root, encoding="unicode")


def _mark_words(root: ElementTree.Element) -> None:
    """Give the words of axes and legends their class, by the groups that Matplotlib puts them into."""
    for group in root.iter(f"{SVG}g"):
        name = group.get("id", "")
        if name.startswith("matplotlib.axis"):
            labels = [
                text
                for part in group
                if part.get("id", "").startswith("text")
                for text in part.iter(f"{SVG}text")
            ]
            for text in labels:
                text.set("class", "axis-label")
        elif name.startswith("legend"):
            for text in group.iter(f"{SVG}text"):
                text.set("class", "legend")
