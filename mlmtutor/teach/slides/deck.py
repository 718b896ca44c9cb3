"""A folder with a deck of slides that opens from the disk: no file of it, and no formula, comes from the network."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterable, Mapping
from html import escape
from importlib.util import find_spec
from pathlib import Path

import nbformat
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from jinja2 import DictLoader
from nbconvert.exporters import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from traitlets.config import Config

from mlmtutor.model.messages import show
from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.files import write_text
from mlmtutor.teach.han import join_han_lines
from mlmtutor.teach.slides.layout import Outputs, Part, Slide
from mlmtutor.teach.sources import PACKAGE, Refused

DATA = PACKAGE / "data"
PAGE, STYLE, REVEAL, THEME = "index.html", "deck.css", "reveal", "course"
MARK = 'content="mlmtutor slides"'  # of the page's generator
# of reveal.js, which the package sphinx-revealjs brings along
FILES = ("LICENSE", "dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js")
WORDS = {
    "en": {"chapter": "Chapter {}", "appendix": "Appendix", "guess": "Guess first", "question": "Question"},
    "zh": {"chapter": "第 {} 章", "appendix": "附录", "guess": "先猜一猜", "question": "想一想"},
}
ONLY_OUTPUT = "only-output"  # tag of a cell whose code is not shown


def find_committed(chapter: Chapter, lang: str) -> Path | None:
    """Return the executed notebook of a clone; None where the package is installed without one."""
    path = PACKAGE.parent / "book" / lang / f"{chapter.slug}.ipynb"
    return path if path.is_file() and chapter.path.parent == PACKAGE.parent / "book" / "chapters" else None


def read_outputs(path: Path, chapter: Chapter) -> Outputs:
    """Return the outputs of a notebook of a chapter, in whichever language, by the id of the cell.

    Raises:
        Refused: If it is no notebook, or one of another chapter, or if it did not run.
    """
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    except OSError as error:
        raise Refused([f"cannot read {show(path)}: {error.strerror or error}"]) from None
    except (ValueError, AttributeError, nbformat.ValidationError, nbformat.reader.NotJSONError):
        raise Refused([f"{show(path)} is no notebook"]) from None
    about = notebook.metadata.get("mlmtutor")
    source = Path(str(about.get("source", ""))).stem if isinstance(about, dict) else ""
    if source != chapter.slug:
        whose = f"of {source}" if source else "of no chapter of this course"
        raise Refused([f"expected a notebook of {chapter.slug}, {show(path)} is one {whose}"])
    if not any(cell.outputs for cell in cells):
        raise Refused([f"{show(path)} has no outputs: run it first, or `mlmtutor run {chapter.slug}`"])
    known = {cell.id for cell in chapter.code}
    outputs = {cell.id: cell.outputs for cell in cells if cell.get("id") in known}
    if not outputs:
        raise Refused(
            [f"{show(path)} is of another version of {chapter.slug}: `mlmtutor run` makes one anew"]
        )
    return outputs


def write_deck(slides: Iterable[Slide], chapter: Chapter, lang: str, folder: Path) -> Path:
    """Write a deck into a folder; return the page to open.

    Raises:
        Refused: If that cannot be done, or if the folder holds other files.
    """
    page = folder / PAGE
    if folder.exists() and not folder.is_dir():
        raise Refused([f"expected a folder, found the file {show(folder)}"])
    try:
        found = [path for path in folder.iterdir() if path.name[0] != "."] if folder.exists() else []
        if found and not _is_own(page):
            raise Refused(
                [f"{show(folder)} holds files that are no deck of this command: choose another folder"]
            )
        html = export(compose_deck(slides, chapter, lang), lang)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(page, html)  # first, as it is the mark of a folder that may be written to again
        sources = {find_reveal() / name: name for name in FILES}
        sources[DATA / STYLE] = f"dist/theme/{THEME}.css"
        for source, name in sources.items():
            (folder / REVEAL / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / REVEAL / name)
    except OSError as error:
        raise Refused([f"cannot write to {show(folder)}: {error.strerror or error}"]) from None
    return page


def find_reveal() -> Path:
    """Return the folder of reveal.js, without importing the package that brings it along."""
    return Path(find_spec("sphinx_revealjs").origin).parent / "_static" / "revealjs"


def _is_own(page: Path) -> bool:
    return page.is_file() and MARK in page.read_text(encoding="utf-8", errors="replace")


def compose_deck(slides: Iterable[Slide], chapter: Chapter, lang: str) -> NotebookNode:
    """Make the notebook that nbconvert turns into slides."""
    number = chapter.slug.partition("_")[0].lstrip("0")
    words = WORDS[lang]
    eyebrow = words["chapter"].format(number) if number.isdigit() else words["appendix"]
    title = chapter.title(lang)
    notebook = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}, "title": title})
    for slide in slides:
        head = slide.head
        if slide.kind == "title":
            head = f'<p class="eyebrow">{eyebrow}</p>\n\n{head}'
        first = _make_text(head, lang, "slide" if slide.is_first else "subslide")
        first.metadata.slideshow.data = {"kind": slide.kind}
        has_key = any(part.on_key for part in slide.parts)
        before, after = (slide.before, slide.after) if has_key else ([*slide.before, *slide.after], [])
        cells = [first, *_make_notes(before, lang)]
        for part in slide.parts:
            cells += _make_cells(part, lang)
        notebook.cells += [*cells, *_make_notes(after, lang)]
    for place, cell in enumerate(notebook.cells):
        cell.id = str(place)  # or the same deck would never be the same file
    return notebook


def _make_cells(part: Part, lang: str) -> list[NotebookNode]:
    kind = "fragment" if part.on_key else "-"
    if part.kind == "code":
        return [nbformat.v4.new_code_cell(part.source, metadata={"slideshow": {"slide_type": kind}})]
    if part.kind == "figure":
        figures = "".join(_make_image(picture) for picture in part.outputs)
        caption = join_han_lines(part.source) if lang == "zh" else part.source
        return [_make_text(f"{figures}\n\n{caption}", lang, kind, "figure")]
    if part.kind == "output":
        metadata = {"slideshow": {"slide_type": kind}, "tags": [ONLY_OUTPUT]}
        return [nbformat.v4.new_code_cell("...", outputs=list(part.outputs), metadata=metadata)]
    source = part.source
    if part.kind in ("question", "guess"):
        source = f'<p class="eyebrow">{WORDS[lang][part.kind]}</p>\n\n{source}'
    return [_make_text(source, lang, kind, part.kind)]


def _make_text(source: str, lang: str, slide_type: str, *tags: str) -> NotebookNode:
    source = join_han_lines(source) if lang == "zh" else source
    metadata = {"slideshow": {"slide_type": slide_type}, "tags": list(tags)}
    return nbformat.v4.new_markdown_cell(source, metadata=metadata)


def _make_notes(paragraphs: list[str], lang: str) -> list[NotebookNode]:
    return [_make_text("\n\n".join(paragraphs), lang, "notes")] if paragraphs else []


def _make_image(output: NotebookNode) -> str:
    data = output["data"]
    if "image/svg+xml" in data:
        kind, content = "image/svg+xml", base64.b64encode(data["image/svg+xml"].encode()).decode()
    else:
        kind, content = "image/png", data["image/png"].replace("\n", "")
    return f'<img class="plot" alt="{escape(output.metadata["alt"])}" src="data:{kind};base64,{content}">'


def export(notebook: NotebookNode, lang: str) -> str:
    """Return the page of a deck."""
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {ONLY_OUTPUT}
    config.CSSHTMLHeaderPreprocessor.enabled = False
    exporter = _Exporter(
        config=config,
        template_file="deck.html.j2",
        extra_loaders=[DictLoader({"deck.html.j2": (DATA / "deck.html.j2").read_text(encoding="utf-8")})],
        reveal_url_prefix=REVEAL,
        reveal_theme=THEME,
        language_code=lang,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    return exporter.from_notebook_node(notebook)[0]


class _Exporter(SlidesExporter):
    """Of nbconvert, with formulas that need no script."""

    def markdown2html(self, context: Mapping[str, object], source: str) -> str:
        return MarkdownWithMath(renderer=_Renderer(escape=False, exclude_anchor_links=True)).render(source)

    markdown2html.jinja_pass_arg = SlidesExporter.markdown2html.jinja_pass_arg


class _Renderer(IPythonRenderer):
    """Of nbconvert, with MathML, and without links, which nobody can follow on a wall."""

    def inline_math(self, body: str) -> str:
        return to_mathml(body)

    def block_math(self, body: str) -> str:
        return to_mathml(body, as_block=True)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def table(self, text: str) -> str:
        return f'<div class="table"><table>{text}</table></div>'


def to_mathml(latex: str, *, as_block: bool = False) -> str:
    """Convert the LaTeX of a formula to MathML; where that fails, show the LaTeX itself.

    Example:
        >>> "<mfrac>" in to_mathml("\\\\frac{1}{2}"), to_mathml("\\\\nonsense")
        (True, '<code>\\\\nonsense</code>')
    """
    try:
        mathml = " ".join(tex2mathml(latex.strip(), as_block=as_block).split())
    except MathError:
        return f"<code>{escape(latex.strip())}</code>"
    # of the two bars of a norm the converter lets only the first one grow with its surroundings
    return mathml.replace("<mo>‖</mo>", '<mo stretchy="false">‖</mo>')
