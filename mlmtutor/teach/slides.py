"""What a deck of slides holds: a chapter's questions, lists, code and outputs on the wall, its prose in the speaker's notes."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from nbformat import NotebookNode

from mlmtutor.teach.chapters import Cell, Chapter
from mlmtutor.teach.han import join_han_lines
from mlmtutor.teach.notebooks import shorten_caption

Outputs = Mapping[str, list[NotebookNode]]  # of each code cell, by its id
KEPT_BACK = {"remove-cell", "hide-cell", "parameters"}  # tags of cells that no slide shows
CHECK = "check_answer("  # in a cell that asks for an answer
CHECK_YOURSELF = {"Check yourself", "自测"}
SUMMARY = {"In this chapter", "本章小结"}
LEFT_OUT = {"Exercises", "References", "练习", "参考文献"}  # headings of sections

# one sentence ends and another one begins; a source has one a line, in Chinese sometimes more
BETWEEN_SENTENCES = re.compile(r"\n|(?<=[.?!]) (?=[A-Z])|(?<=[。？！])(?![”’）。？！])")
GUESS = {
    "en": re.compile(r"(?:Before you|[^:.]*[Gg]uess [^:.]*before you) [^:]*: *"),
    "zh": re.compile(r"[^：。]{0,24}?(?:先猜一猜|再猜一次)[：，]"),
}
GUESS_ALONE = re.compile(r"请?先猜一猜。$")
ENDS_WITH_QUESTION = re.compile(r"[?？][*_`”’\")）]*$")
NOT_IN_LINE = re.compile(r"<details.*?</details>|<rt.*?</rt>|<[^>]*>", re.DOTALL)  # of HTML
SHORT = {"en": 200, "zh": 90}  # characters of a paragraph that is shown whole if it asks to guess

# A slide is 1280 x 720; heights are estimates, and the deck makes smaller what is still too high
ROOM = 580  # for what stands below the heading
TIGHT = 720  # what still fits in smaller print
LINE = {"code": 30, "question": 46, "list": 42, "table": 36, "html": 58}
COLUMNS = {"en": 80, "zh": 40}  # characters in a line of text
FIGURE = 540


@dataclass(frozen=True)
class Block:
    """One block of Markdown: a heading, a paragraph, a list, ..."""

    kind: str  # "h1" to "h6", "paragraph", "list", "table", "quote", "formula" or "fence"
    source: str


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


def split_blocks(text: str) -> list[Block]:
    """Split Markdown into blocks; leave out comments, and all that is folded.

    Example:
        >>> [block.kind for block in split_blocks("# A\\n\\nB.\\n\\n- c\\n\\n<!-- d -->\\n\\n$$e$$")]
        ['h1', 'paragraph', 'list', 'formula']
    """
    lines = text.split("\n")
    kinds = {
        "bullet_list_open": "list",
        "ordered_list_open": "list",
        "table_open": "table",
        "blockquote_open": "quote",
        "fence": "fence",
        "code_block": "fence",
    }
    blocks, is_folded = [], False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.level or not token.map:
            continue
        source = "\n".join(lines[slice(*token.map)]).strip("\n")
        if token.type == "html_block":
            is_folded = source.rfind("<details") > source.rfind("</details") or (
                is_folded and "</details" not in source
            )
        elif is_folded:
            continue
        elif token.type == "heading_open":
            blocks.append(Block(token.tag, source))
        elif token.type == "paragraph_open":
            blocks.append(Block("formula" if source.startswith("$$") else "paragraph", source))
        elif token.type in kinds:
            blocks.append(Block(kinds[token.type], source))
    return blocks


def split_sentences(paragraph: str) -> list[str]:
    """Split a paragraph into sentences.

    Example:
        >>> split_sentences("We run it.\\nWhat will come? More, or less?"), split_sentences("一样多？先猜一猜。")
        (['We run it.', 'What will come?', 'More, or less?'], ['一样多？', '先猜一猜。'])
    """
    return [one.strip() for one in BETWEEN_SENTENCES.split(paragraph) if one.strip()]


def find_question(paragraph: str, lang: str) -> tuple[str, str] | None:
    """Find the question at the end of a paragraph.

    Returns:
        ``guess`` if the class is asked to guess, else ``question``, and the question; None if there is none.

    Example:
        >>> find_question("Rows are cut.\\nBefore you run this: how much is lost?\\nA tenth, or a half?", "en")
        ('guess', 'Rows are cut. How much is lost? A tenth, or a half?')
        >>> find_question("哪一种更多？先猜一猜。", "zh"), find_question("It is lost.", "en")
        (('guess', '哪一种更多？'), None)
    """
    sentences, kind = split_sentences(paragraph), "question"
    if sentences and GUESS_ALONE.match(sentences[-1]):
        sentences, kind = sentences[:-1], "guess"
    if not sentences or not ENDS_WITH_QUESTION.search(sentences[-1]):
        return None
    start = len(sentences) - 1
    while start and ENDS_WITH_QUESTION.search(sentences[start - 1]):
        start -= 1
    for number, sentence in enumerate(sentences):
        if prefix := GUESS[lang].match(sentence):
            sentences[number], kind, start = sentence[prefix.end() :], "guess", min(start, number)
            if len(paragraph) <= SHORT[lang]:
                start = 0
            break
    gap = " " if lang == "en" else ""
    question = gap.join(one[:1].upper() + one[1:] for one in sentences[start:])
    return kind, question


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
                lead = [Part("lead", last, height=_measure(last, "list", self.lang))]
        first, *others = _split_table(block, self.lang)
        part = Part("text", first.source, height=_measure_block(first, self.lang))
        self._place([*lead, part], stay=self.slides[-1].kind in ("title", "summary"))
        for other in others:
            self.slides.append(
                Slide(
                    "plain",
                    self._head(),
                    parts=[Part("text", other.source, height=_measure_block(other, self.lang))],
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
        answer = figure or (Part("output", outputs=shown, height=_measure_outputs(shown)) if shown else None)
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
            self.question = found and Part(*found, height=_measure(found[1], "question", self.lang) + 40)
            self.is_asked = False
        return self.question

    def _draw(self, cell: Cell, shown: tuple[NotebookNode, ...]) -> Part | None:
        """Return the picture of a cell that draws, with its caption."""
        if "figure" not in cell.metadata or not any(_find_picture(one) for one in shown):
            return None
        figure = cell.metadata["figure"]
        alt = figure.get("alt", {}).get(self.lang) or shorten_caption(figure[self.lang], self.lang)
        caption = figure[self.lang]
        pictures = tuple(
            NotebookNode(one | {"metadata": NotebookNode(alt=alt)}) for one in shown if _find_picture(one)
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
        parts += [Part("text", block.source, height=_measure_block(block, lang)) for block in blocks]
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


def _find_picture(output: NotebookNode) -> str | None:
    """Return the type of the picture in an output."""
    return next((kind for kind in ("image/svg+xml", "image/png") if kind in output.get("data", {})), None)


def _is_seen(output: NotebookNode) -> bool:
    return bool(output.get("text", "").strip() or output.get("data") or output.output_type == "error")


def _measure(text: str, kind: str, lang: str) -> int:
    return LINE[kind] * math.ceil(len(text) / COLUMNS[lang])


def _measure_block(block: Block, lang: str) -> int:
    if block.kind == "formula":
        return 120
    lines = block.source.split("\n")
    if block.kind == "fence":
        return LINE["code"] * len(lines)
    if lang == "zh":
        lines = join_han_lines(block.source).split("\n")
    if block.kind == "table":
        return sum(_measure_row(line, lang) for line in lines)
    return sum(_measure(line, "list", lang) for line in lines) + 20


def _measure_row(line: str, lang: str) -> int:
    cells = re.sub(r"\]\([^)]*\)", "", line).strip("|").split("|")
    widest = max(len(cell.strip()) for cell in cells)
    return 18 + LINE["table"] * math.ceil(widest * len(cells) / COLUMNS[lang])


def _split_table(block: Block, lang: str) -> list[Block]:
    """Split a table that is too high for a slide, each piece with the head of the table."""
    if block.kind != "table" or _measure_block(block, lang) <= TIGHT:
        return [block]
    *head, first = block.source.split("\n")[:3]
    pieces, height = [[*head, first]], _measure_row(first, lang)
    for line in block.source.split("\n")[3:]:
        height += _measure_row(line, lang)
        if height > ROOM - 60:
            title = [pieces[-1].pop()] if pieces[-1][-1].startswith("| |") else []  # of the rows to come
            pieces.append([*head, *title])
            height = sum(_measure_row(row, lang) for row in (*title, line))
        pieces[-1].append(line)
    return [Block("table", "\n".join(piece)) for piece in pieces]


def _measure_outputs(outputs: Iterable[NotebookNode]) -> int:
    height = 36
    for output in outputs:
        data = output.get("data", {})
        if "text/html" in data:
            characters = len(NOT_IN_LINE.sub("", data["text/html"]))
            height += LINE["html"] * math.ceil(characters / 100)
        elif _find_picture(output):
            height += FIGURE
        else:
            text = output.get("text") or data.get("text/plain", "")
            height += LINE["code"] * (text.rstrip().count("\n") + 1)
    return height
