"""Does a translation say the same? What can be compared in two languages, compared."""

import re
from collections import Counter
from dataclasses import dataclass

from .chapter import Chapter
from .han import HAN

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1`*~*\s*$", flags=re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$[^$\n]+\$", flags=re.DOTALL)
INLINE_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", flags=re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)[^)]*\)|<(https?://[^>\s]+)>|(?<![(<\w])(https?://[^\s)>，。；]+)")
HEADING = re.compile(r"^(#{1,6}) +\S", flags=re.MULTILINE)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)*")


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
    code: Counter[str] = Counter()
    links: Counter[str] = Counter()
    formulas: Counter[str] = Counter()

    def keep_in(found: Counter[str], group: int):
        def replace(match: re.Match) -> str:
            found[" ".join(match[group].split())] += 1
            return " "

        return replace

    def keep_link(match: re.Match) -> str:
        target = match[1] or match[2] or match[3]
        links[target if "://" in target else target.split("#")[0]] += 1
        return "] "

    text = FENCE.sub(keep_in(code, 0), text)
    text = FORMULA.sub(keep_in(formulas, 0), INLINE_CODE.sub(keep_in(code, 2), text))
    text = LINK.sub(keep_link, text)
    headings = [len(match[1]) for match in HEADING.finditer(text)]
    numbers = Counter(match[0].replace(",", "") for match in NUMBER.finditer(text))
    return Content(headings, code, formulas, links, numbers)


def find_links(text: str) -> list[str]:
    """Targets of all links and images of a Markdown text, with their anchors, code left out."""
    text = INLINE_CODE.sub(" ", FENCE.sub(" ", text))
    return [match[1] or match[2] or match[3] for match in LINK.finditer(text)]


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
