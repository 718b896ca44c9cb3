"""The terms of the course, read from ``book/glossary.yml``, and where a text uses them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from .languages import LANGUAGES

GLOSSARY = Path(__file__).resolve().parents[1] / "glossary.yml"


@dataclass(frozen=True)
class Term:
    """One entry of the glossary."""

    forms: dict[str, tuple[str, ...]]  # language -> its spellings; the first one is the name
    meaning: dict[str, str]  # language -> one sentence
    chapter: str  # slug of the chapter that teaches it
    strict: str = ""  # "en": where the English text uses it, the Chinese must too; "both": and vice versa
    unless: tuple[str, ...] = ()  # phrases that contain a spelling but mean something else
    avoid: tuple[str, ...] = ()  # Chinese words for it that other books use and this one does not
    also: tuple[str, ...] = ()  # other Chinese names, for readers who come from other books

    @property
    def anchor(self) -> str:
        """Anchor of the entry on the glossary page, the same in both languages."""
        return re.sub(r"[^a-z0-9]+", "-", self.forms["en"][0].lower()).strip("-")


@cache
def read_glossary(path: Path = GLOSSARY) -> tuple[Term, ...]:
    """Read the entries, in teaching order."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(
        Term(
            forms={lang: tuple(map(str, entry[lang])) for lang in LANGUAGES},
            meaning={lang: entry[f"{lang}_meaning"] for lang in LANGUAGES},
            chapter=entry["chapter"],
            strict=entry.get("strict", ""),
            unless=tuple(entry.get("unless", ())),
            avoid=tuple(entry.get("avoid", ())),
            also=tuple(entry.get("also", ())),
        )
        for entry in entries
    )


class TermFinder:
    """Finds terms in a text: the longest spelling wins, case does not matter, Latin words must be whole.

    Example:
        >>> token = Term({"en": ("token", "tokens"), "zh": ("词元",)}, {"en": "", "zh": ""}, "01_fill_mask")
        >>> special = Term({"en": ("special token",), "zh": ("特殊词元",)}, {"en": "", "zh": ""}, "01_fill_mask")
        >>> text = "Tokens, special tokens, a special token, tokenizer"
        >>> [text[slice(*place)] for place, _ in TermFinder([token, special], "en").find(text)]
        ['Tokens', 'tokens', 'special token']
    """

    def __init__(self, terms: Sequence[Term], lang: str) -> None:
        self._term_of: dict[str, Term | None] = {}
        for term in terms:
            self._term_of |= dict.fromkeys(map(str.lower, term.forms[lang]), term)
        for term in terms:  # in a second loop, since these overrule the spellings of every term
            self._term_of |= dict.fromkeys(map(str.lower, term.unless), None)
        self._pattern = re.compile(any_of(self._term_of), re.IGNORECASE)

    def find(self, text: str) -> Iterator[tuple[tuple[int, int], Term]]:
        """Yield where each term stands in a text, from left to right."""
        for match in self._pattern.finditer(text):
            term = self._term_of[" ".join(match[0].lower().split())]
            if term is not None:
                yield match.span(), term


def any_of(spellings: Sequence[str]) -> str:
    """Return a pattern that matches the longest of these spellings; those in Latin letters only as whole words.

    Example:
        >>> re.findall(any_of(["词元", "特殊词元", "epoch"]), "特殊词元、epochs")
        ['特殊词元']
    """
    longest_first = sorted(spellings, key=len, reverse=True)
    return "|".join(
        rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])" if spelling.isascii() else pattern
        for spelling in longest_first
        for pattern in [r"\s+".join(map(re.escape, spelling.split()))]
    )
