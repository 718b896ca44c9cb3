"""What a deck of slides holds: a chapter's questions, lists, code and outputs on the wall, its prose in the speaker's notes."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbformat import NotebookNode

from mlmtutor.teach.chapters import Cell, Chapter
from mlmtutor.teach.notebooks import shorten_caption
from mlmtutor.teach.slides.blocks import Block, find_question, split_blocks, split_sentences
from mlmtutor.teach.slides.heights import (
    FIGURE,
    LINE,
    ROOM,
    TIGHT,
    find_picture,
    measure,
    measure_block,
    measure_outputs,
    split_table,
)

Outputs = Mapping[str, list[NotebookNode]]  # of each code cell, by its id
KEPT_BACK = {"remove-cell", "hide-cell", "parameters"}  # tags of cells that no slide shows
CHECK = "check_answer("  # in a cell that asks for an answer
CHECK_YOURSELF = {"Check yourself", "自测"}
SUMMARY = {"In this chapter", "本章小结"}
LEFT_OUT = {"Exercises", "References", "练习", "参考文献"}  # headings of sections


@dataclass(frozen=True)
class Part:
    """One thing on a slide."""

    kind: str  # "text", "lead", "question", "guess", "code", "output" or "figure"
    source: str = ""
    outputs: tuple[NotebookNode, ...] = ()
    height: int = 0
    on_key: bool = False  # appears when a key is pressed


@dataclass
class Slide:
    """One slide."""

    kind: str  # "title", "section", "plain", "check" or "summary"
    head: str  # its heading, as Markdown
    is_first: bool = False  # of a column; the slides of a section are below each other
    parts: list[Part] = field(default_factory=list)
    before: list[str] = field(default_factory=list)  # notes, in the order of the chapter
    after: list[str] = field(default_factory=list)  # notes on what is seen

    @property
    def height(self) -> int:
        """Height of its parts."""
        return sum(part.height for part in self.parts)


@dataclass
class Section:
    """The part of a chapter below one heading of the second level, or above the first one."""

    title: str
    elements: list[Block | Cell] = field(default_factory=list)


def make_slides(chapter: Chapter, lang: str, outputs: Outputs) -> list[Slide]:
    """Return the slides of a chapter.

    Args:
        chapter: The chapter.
        lang: ``en`` or ``zh``.
        outputs: Outputs of code cells, by the id of the cell; those that are missing have none.
    """
    slides = []
    for number, section in enumerate(read_sections(chapter, lang)):
        if section.title in LEFT_OUT:
            continue
        if section.title in CHECK_YOURSELF:
            slides += _make_checks(section, lang)
        else:
            kind = "title" if number == 0 else "summary" if section.title in SUMMARY else "section"
            slides += _Column(section, kind, lang, outputs).make()
    return slides


def read_sections(chapter: Chapter, lang: str) -> list[Section]:
    """Split a chapter at its headings of the second level; the first section is what stands above them."""
    sections = [Section("")]
    for cell in chapter.cells:
        if cell.kind == "code":
            sections[-1].elements.append(cell)
        elif cell.lang == lang:
            for block in split_blocks(cell.source):
                if block.kind == "h2":
                    sections.append(Section(block.source.lstrip("# ")))
                elif block.kind == "h1":
                    sections[0].title = block.source.lstrip("# ")
                else:
                    sections[-1].elements.append(block)
    return sections


class _Column:
    """The slides of one section, below each other."""

    def __init__(self, section: Section, kind: str, lang: str, outputs: Outputs) -> None:
        self.section, self.lang, self.outputs = section, lang, outputs
        level = "#" if kind == "title" else "##"
        self.slides = [Slide(kind, f"{level} {section.title}", is_first=True)]
        self.paragraphs: list[str] = []  # since the last thing that is seen
        self.question: Part | None = None  # until an output answers it
        self.is_asked = False  # on a slide before

    def make(self) -> list[Slide]:
        """Return the slides."""
        for element in self.section.elements:
            if isinstance(element, Cell):
                self._add_cell(element)
            elif element.kind == "paragraph":
                self.paragraphs.append(element.source)
            elif element.kind[0] == "h" and element.kind[1:].isdigit():
                self._finish()
                self.slides.append(Slide("plain", self._head(element.source)))
            else:
                self._add_block(element)
        self._finish()
        return self.slides

    def _head(self, subtitle: str = "") -> str:
        return f"##### {self.section.title}" + (f"\n\n### {subtitle.lstrip('# ')}" if subtitle else "")

    def _finish(self) -> None:
        self.slides[-1].after += self.paragraphs
        self.paragraphs, self.question = [], None

    def _add_block(self, block: Block) -> None:
        lead = []
        if self.paragraphs:
            last = split_sentences(self.paragraphs[-1])[-1]
            if last.endswith((":", "：")):
                lead = [Part("lead", last, height=measure(last, "list", self.lang))]
        first, *others = split_table(block, self.lang)
        part = Part("text", first.source, height=measure_block(first, self.lang))
        self._place([*lead, part], stay=self.slides[-1].kind in ("title", "summary"))
        for other in others:
            self.slides.append(
                Slide(
                    "plain",
                    self._head(),
                    parts=[Part("text", other.source, height=measure_block(other, self.lang))],
                )
            )

    def _add_cell(self, cell: Cell) -> None:
        if KEPT_BACK & set(cell.tags) or CHECK in cell.source or _only_imports(cell.source):
            return
        shown = tuple(
            one for one in self.outputs.get(cell.id, ()) if one.get("name") != "stderr" and _is_seen(one)
        )
        if cell.source.startswith("%%writefile"):
            shown = ()  # it says no more than that it did
        asked = self._find_question()
        figure = self._draw(cell, shown)
        parts = [] if figure or "hide-input" in cell.tags else [_make_code(cell.source)]
        answer = figure or (Part("output", outputs=shown, height=measure_outputs(shown)) if shown else None)
        if "hide-output" in cell.tags and not figure:
            answer = None
        if not parts and not answer:
            return
        if answer and asked:
            answer = Part(answer.kind, answer.source, answer.outputs, answer.height, on_key=True)
        together = [*parts, answer] if answer else parts
        if self.is_asked and not answer:  # once is enough, until the output comes
            asked = None
        head = [asked] if asked else []
        if asked and not answer and asked.height + parts[0].height > ROOM + 60:
            self._place([], question=asked)
            asked, head, self.is_asked = None, [], True
        if sum(part.height for part in [*head, *together]) <= TIGHT or not (parts and answer):
            self._place(together, question=asked)
        else:
            self._place(parts, question=None if self.is_asked else asked)
            self._place([answer], question=asked)
        self.is_asked = self.is_asked or asked is not None
        if answer:
            self.question = None

    def _find_question(self) -> Part | None:
        """Return the question that the next output answers: of the last paragraph, or one that waits."""
        if self.paragraphs:
            found = find_question(self.paragraphs[-1], self.lang)
            self.question = found and Part(*found, height=measure(found[1], "question", self.lang) + 40)
            self.is_asked = False
        return self.question

    def _draw(self, cell: Cell, shown: tuple[NotebookNode, ...]) -> Part | None:
        """Return the picture of a cell that draws, with its caption."""
        if "figure" not in cell.metadata or not any(find_picture(one) for one in shown):
            return None
        figure = cell.metadata["figure"]
        alt = figure.get("alt", {}).get(self.lang) or shorten_caption(figure[self.lang], self.lang)
        caption = figure[self.lang]
        pictures = tuple(
            NotebookNode(one | {"metadata": NotebookNode(alt=alt)}) for one in shown if find_picture(one)
        )
        return Part("figure", caption, pictures, FIGURE * len(pictures))

    def _place(self, parts: list[Part], *, question: Part | None = None, stay: bool = False) -> None:
        """Put parts on the slide that is there, if they belong to it and there is room, or else on a new one."""
        slide = self.slides[-1]
        height = sum(part.height for part in parts)
        asks_anew = question is not None and question not in slide.parts
        is_empty = slide.kind == "plain" and not slide.parts
        joins = not self.paragraphs and not asks_anew and slide.parts and slide.height + height <= ROOM
        if stay or is_empty or joins:
            (slide.after if slide.parts else slide.before).extend(self.paragraphs)
        else:
            introduces = asks_anew or parts[0].kind == "lead" or slide.kind != "section" or slide.parts
            own = self.paragraphs[-1:] if introduces else []
            slide.after += self.paragraphs[: len(self.paragraphs) - len(own)]
            slide = Slide("plain", self._head(), before=own)
            self.slides.append(slide)
        self.paragraphs = []
        slide.parts += [question] if question is not None and question not in slide.parts else []
        slide.parts += parts


def _make_checks(section: Section, lang: str) -> list[Slide]:
    """Make a slide of each question for checking oneself; what applies to all of them is said on each."""
    questions: list[list[Block]] = [[]]
    for element in section.elements:
        if isinstance(element, Block):
            questions[-1].append(element)
        elif CHECK in element.source:
            questions.append([])
    questions = [blocks for blocks in questions[:-1] if blocks]  # after the last cell there may be comments
    common = []
    if len(questions) > 1 and [block.kind for block in questions[0][:2]] == ["paragraph"] * 2:
        common = [questions[0].pop(0)]
    slides = []
    for number, blocks in enumerate(questions, start=1):
        parts = [Part("lead", block.source) for block in common]
        parts += [Part("text", block.source, height=measure_block(block, lang)) for block in blocks]
        head = f'<p class="eyebrow">{number} / {len(questions)}</p>\n\n## {section.title}'
        slides.append(Slide("check", head, is_first=number == 1, parts=parts))
    return slides


def _make_code(source: str) -> Part:
    source = re.sub(r"\n{3,}", "\n\n", source)
    return Part("code", source, height=LINE["code"] * (source.count("\n") + 1) + 36)


def _only_imports(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a line for IPython, such as %pip
        return False
    return all(isinstance(one, ast.Import | ast.ImportFrom) for one in body)


def _is_seen(output: NotebookNode) -> bool:
    return bool(output.get("text", "").strip() or output.get("data") or output.output_type == "error")
