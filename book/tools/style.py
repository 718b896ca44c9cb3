"""Does the prose read well? What a program can tell of it: words to avoid, and the cadence of the Chinese sentences.

Words to avoid are listed in ``book/words.yml``, each with what to write. Where a word is right after all, a cell of a
chapter names it in its metadata, ``+++ {"lang": "zh", "allow": ["运气"]}``, and a page in a comment,
``<!-- allow: 运气 -->``, which holds for the whole page. What is allowed must be used, or the check says so.

How sentences are counted. Running text only: paragraphs and the texts of list items and quotations. Left out are headings,
tables, code, formulas, list markers, raw HTML, captions, and everything from the heading of the references on. A sentence
ends at 。？！ and at the end of its paragraph or list item. Its length is its number of Han characters, so that
names, numbers and code count nothing; what has no Han character is no sentence.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import yaml
from markdown_it.token import Token

from mlmtutor.teach.chapters import LANGUAGES, Cell, Chapter
from mlmtutor.teach.han import HAN, join_han_lines

from .prose import MARKDOWN, REFERENCES, read_words

WORDS = Path(__file__).resolve().parents[1] / "words.yml"
MEAN, TARGET = (20, 28), (22, 26)  # Han characters per sentence: what is accepted, and what to aim at
STUMP, MAX_STUMPS = 10, 0.10  # a sentence under 10 characters, and how many of those may be
ENOUGH = 20  # sentences; of fewer a mean says little
ENDS = re.compile(r"(?<=[。？！])[”’）』」]*")
NOT_RUNNING = {"heading", "table"}  # containers whose text does not run
DIRECTIVE = re.compile(r"^(?::{3,}.*|:\w+:.*)$", re.MULTILINE)  # a colon fence and its options
FENCED = re.compile(r"^(:{3,})\{(?:figure|table)\}.*?^\1 *$", re.MULTILINE | re.DOTALL)
ALLOWED = re.compile(r"<!-- allow: (.*?) -->")


@dataclass(frozen=True)
class Cadence:
    """How long the Chinese sentences of a text are."""

    lengths: tuple[int, ...]  # Han characters of each sentence

    @property
    def mean(self) -> float:
        """Han characters per sentence, on average."""
        return mean(self.lengths) if self.lengths else 0.0

    @property
    def stumps(self) -> float:
        """Share of the sentences with fewer than ten Han characters."""
        return sum(length < STUMP for length in self.lengths) / max(len(self.lengths), 1)

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, if there are enough sentences to say."""
        if len(self.lengths) < ENOUGH:
            return []
        problems = []
        if not MEAN[0] <= self.mean <= MEAN[1]:
            problems.append(
                f"expected {MEAN[0]} to {MEAN[1]} Han characters a sentence on average "
                f"({TARGET[0]} to {TARGET[1]} is the target), found {self.mean:.1f}"
            )
        if self.stumps > MAX_STUMPS:
            problems.append(
                f"expected at most {MAX_STUMPS:.0%} of the sentences under {STUMP} Han characters, "
                f"found {self.stumps:.0%}"
            )
        return problems


@dataclass(frozen=True)
class Word:
    """An entry of ``book/words.yml``: what to avoid in one language, and what to write."""

    lang: str
    find: re.Pattern[str]
    write: str
    at_most: int = 0  # so often it may be in a chapter or on a page


@cache
def read_avoided(path: Path = WORDS) -> tuple[Word, ...]:
    """Read what to avoid, in both languages."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(
        Word(lang, _compile(lang, entry), entry["write"], entry.get("at_most", 0))
        for lang, listed in entries.items()
        for entry in listed
    )


def _compile(lang: str, entry: dict) -> re.Pattern[str]:
    """A pattern that finds the word in the group `found`, and what only looks like it outside of that group."""
    fine = "".join(
        f"{re.escape(phrase)}|" for phrase in sorted(entry.get("unless", ()), key=len, reverse=True)
    )
    find = entry["find"]
    if lang == "en":  # whole words, wherever the line breaks
        find = rf"\b(?:{find})\b".replace(" ", r"\s+")
    return re.compile(f"{fine}(?P<found>{find})", re.IGNORECASE)


def find_avoided_words(
    text: str, lang: str, words: Iterable[Word] | None = None
) -> Iterator[tuple[str, Word]]:
    """Yield what a text had better not say, each with its entry.

    Example:
        >>> word = Word("en", re.compile(r"\\b(?P<found>anew)\\b"), "again")
        >>> [(found, word.write) for found, word in find_avoided_words("drawn anew", "en", [word])]
        [('anew', 'again')]
    """
    for word in read_avoided() if words is None else words:
        if word.lang == lang:
            yield from ((match["found"], word) for match in word.find.finditer(text) if match["found"])


def split_sentences(text: str) -> list[str]:
    """Return the Chinese sentences of the running text of a page or cell.

    Example:
        >>> split_sentences("# 标题\\n\\n先分词，再分块。然后呢？\\n\\n- 列表项 `code`\\n\\n| 表 |\\n| --- |\\n| 格 |")
        ['先分词，再分块。', '然后呢？', '列表项']
    """
    text = DIRECTIVE.sub("", FENCED.sub("", REFERENCES.sub("", text)))
    sentences = [
        sentence.strip()
        for block in _running_blocks(MARKDOWN.parse(join_han_lines(text)))
        for sentence in ENDS.split(block)
    ]
    return [sentence for sentence in sentences if HAN.search(sentence)]


def _running_blocks(tokens: list[Token]) -> Iterator[str]:
    inside: Counter[str] = Counter()
    for token in tokens:
        kind, _, place = token.type.rpartition("_")
        if kind in NOT_RUNNING:
            inside[kind] += {"open": 1, "close": -1}[place]
        elif token.type == "inline" and not any(inside.values()):
            yield "".join(_read_inline(token.children))


def _read_inline(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "text":
            yield token.content
        elif token.type.endswith("break") or token.type == "code_inline":
            yield " "


def measure_cadence(texts: Iterable[str]) -> Cadence:
    """Measure the Chinese sentences of texts, such as the cells of a chapter.

    Example:
        >>> measure_cadence(["先分词，再分块。然后训练模型。"]).lengths
        (6, 6)
    """
    return Cadence(tuple(len(HAN.findall(s)) for text in texts for s in split_sentences(text)))


def read_front(text: str) -> str:
    """Return a page without the block of settings at its top."""
    return re.sub(r"\A---\n.*?^---\n", "", text, flags=re.DOTALL | re.MULTILINE)


def find_pages(root: Path) -> list[tuple[Path, str]]:
    """Return the pages that are no chapters, each with its language."""
    return [(path, lang) for lang in LANGUAGES for path in sorted((root / "book" / lang).glob("*.md"))]


def check_style(chapter: Chapter) -> list[str]:
    """No word to avoid in either language, and Chinese sentences of the right length."""
    problems = []
    seen: Counter[Word] = Counter()
    for cell in chapter.cells:
        if cell.kind == "markdown":
            problems += [f"{chapter.at(cell)}: {found}" for found in _check_cell(cell, seen)]
    return problems + [f"{chapter.path.name}: {found}" for found in measure_chapter(chapter).problems]


def _check_cell(cell: Cell, seen: Counter[Word]) -> list[str]:
    return _check_text(cell.source, cell.lang, cell.metadata.get("allow", []), seen)


def check_page(path: Path, lang: str) -> list[str]:
    """Check a page that is no chapter, in the same way."""
    text = read_front(path.read_text(encoding="utf-8"))
    allowed = [word for found in ALLOWED.findall(text) for word in re.split(r"[,，、] *", found)]
    found = _check_text(text, lang, allowed, Counter())
    if lang == "zh" and join_han_lines(text) != text:
        found.append("a line break within a Chinese paragraph, which a browser shows as a space")
    if lang == "zh":
        found += measure_cadence([text]).problems
    return [f"book/{lang}/{path.name}: {problem}" for problem in found]


def _check_text(text: str, lang: str, allowed: list[str], seen: Counter[Word]) -> list[str]:
    unused, too_many = {word.lower() for word in allowed}, Counter()
    fine = frozenset(unused)
    for found, word in find_avoided_words(read_words(text), lang):
        if found.lower() in fine:
            unused.discard(found.lower())
            continue
        seen[word] += 1
        if seen[word] > word.at_most:
            too_many[" ".join(found.split()), word] += 1
    problems = []
    for (found, word), count in too_many.items():
        often = f" ({count} times)" if count > 1 else ""
        once = f"; here, {word.at_most} in all may stay" if word.at_most else ""
        problems.append(f"not {found!r}{often}, but: {word.write}{once}")
    return problems + [f"{word!r} is allowed but not used" for word in sorted(unused)]


def measure_chapter(chapter: Chapter) -> Cadence:
    """Measure the Chinese sentences of a chapter."""
    return measure_cadence(cell.source for cell in chapter.cells if cell.lang == "zh")


def tabulate_cadences(chapters: Iterable[Chapter], pages: Iterable[Path]) -> str:
    """Return a table of the Chinese sentences of chapters and pages, with a mark where something is wrong."""
    found = {chapter.slug: measure_chapter(chapter) for chapter in chapters}
    found |= {path.stem: measure_cadence([read_front(path.read_text(encoding="utf-8"))]) for path in pages}
    lines = [f"{'':20} sentences  Han each  under {STUMP}"]
    for name, cadence in found.items():
        mark = " <- " + "; ".join(cadence.problems) if cadence.problems else ""
        lines.append(f"{name:20} {len(cadence.lengths):9}  {cadence.mean:8.1f}  {cadence.stumps:8.0%}{mark}")
    lines.append(
        f"target: {TARGET[0]} to {TARGET[1]} on average, accepted {MEAN[0]} to {MEAN[1]}; "
        f"at most {MAX_STUMPS:.0%} under {STUMP}"
    )
    return "\n".join(lines)
