"""Compare a translation with its original: headings, code, formulas, links and numbers."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bs4 import BeautifulSoup
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.han import HAN

# as the site is built; without colon_fence, which would hide the prose of a directive
MARKDOWN = create_md_parser(MdParserConfig(enable_extensions={"dollarmath", "linkify"}), RendererHTML)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)*")
REFERENCES = re.compile(r"^#+ +(References|参考文献) *$.*", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Content:
    """What both languages of a cell must share."""

    headings: list[int]  # levels, in order
    code: Counter[str]  # inline code and fenced blocks
    formulas: Counter[str]
    links: Counter[str]  # targets; of a link within the book, without its anchor
    numbers: Counter[str]  # written in digits, without thousands separators


def read_content(text: str) -> Content:
    """Find the headings, code, formulas, links and numbers of a Markdown text.

    Example:
        >>> content = read_content("## 25,000 reviews\\n\\nSee `load_reviews` and [chunks](03_chunking.ipynb#how).")
        >>> content.headings, dict(content.code), dict(content.links), dict(content.numbers)
        ([2], {'load_reviews': 1}, {'03_chunking.ipynb': 1}, {'25000': 1})
    """
    found = _find_parts(text)
    numbers = found["number"] + NUMBER.findall("".join(found["words"]))
    return Content(
        headings=[int(level) for level in found["heading"]],
        code=Counter(" ".join(code.split()) for code in found["code"]),
        formulas=Counter(" ".join(formula.split()) for formula in found["formula"]),
        links=Counter(link if "://" in link else link.split("#")[0] for link in found["link"]),
        numbers=Counter(number.replace(",", "") for number in numbers),
    )


def find_links(text: str) -> list[str]:
    """Targets of all links and images of a Markdown text, with their anchors, code left out."""
    return _find_parts(text)["link"]


def read_words(text: str) -> str:
    """Return the running words of a Markdown text: no code, formulas, link targets or list of references.

    Example:
        >>> read_words("A *masked* token, as in `mask` and [chunks](03_chunking.ipynb).\\n\\n## References\\n\\n- A token")
        'A masked token, as in   and chunks.\\n'
    """
    return "".join(_find_parts(REFERENCES.sub("", text))["words"])


def _find_parts(text: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for kind, part in _parts(MARKDOWN.parse(text)):
        found[kind].append(part)
    return found


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield what a text consists of, each part with its kind; the words joined are the text that is left."""
    is_address = False  # within a bare address, whose text is its target
    for token in tokens:
        match token.type:
            case "text" if not is_address:
                yield "words", token.content
            case "inline":
                yield from _parts(token.children)
                yield "words", "\n"
            case "softbreak" | "hardbreak":
                yield "words", "\n"
            case "heading_open":
                yield "heading", token.tag[1:]
            case "list_item_open" if token.info:  # of a numbered list
                yield "number", token.info
            case "link_open":
                is_address = token.info == "auto"
                yield "link", token.attrs["href"]
            case "link_close":
                is_address = False
            case "image":
                yield "link", token.attrs["src"]
                yield from _parts(token.children)
            case "html_block" | "html_inline":
                html = BeautifulSoup(token.content, "html.parser")
                yield from (("link", tag.get("href") or tag["src"]) for tag in html.select("[href], [src]"))
                yield "words", html.get_text()
            case "code_inline" | "code_block" | "fence" | "myst_role":
                yield "code", f"{token.info}\n{token.content}"
                yield "words", " "
            case _ if token.type.startswith("math"):
                yield "formula", f"{token.markup}{token.content}{token.markup}"
                yield "words", " "


def check_twins(chapter: Chapter) -> list[str]:
    """Every English cell and its translation must have the same headings, code, formulas, links and numbers."""
    problems = []
    prose = [cell for cell in chapter.cells if cell.kind == "markdown"]
    for english, chinese in zip(prose[::2], prose[1::2], strict=True):
        left, right = read_content(english.source), read_content(chinese.source)
        place = f"{chapter.at(english)} and {chinese.line}"
        if left.headings != right.headings:
            problems.append(f"{place}: heading levels {left.headings} in en, {right.headings} in zh")
        for name in ("code", "formulas", "links", "numbers"):
            ours, theirs = getattr(left, name), getattr(right, name)
            if ours != theirs:
                only_en, only_zh = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
                problems.append(f"{place}: {name} differ: only in en {only_en}, only in zh {only_zh}")
    return problems


def check_scripts(chapter: Chapter) -> list[str]:
    """Han characters in every Chinese cell, and in no other unless its metadata says ``han: true``."""
    problems = []
    for cell in chapter.cells:
        found = HAN.findall(cell.source)
        if cell.lang == "zh" and not found:
            problems.append(f"{chapter.at(cell)}: a Chinese cell without a Chinese character")
        if cell.lang != "zh" and found and cell.metadata.get("han") is not True:
            where = cell.lang or "code"
            problems.append(f"{chapter.at(cell)}: Chinese characters in {where}: {''.join(found[:9])}")
    return problems
