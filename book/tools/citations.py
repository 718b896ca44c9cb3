"""Is every paper cited as ``book/references.yml`` has it?"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from mlmtutor.teach.chapters import Chapter

from .prose import REFERENCES

REFERENCES_FILE = Path(__file__).resolve().parents[1] / "references.yml"
ARXIV = re.compile(r"\[([^\]]*)\]\(https?://arxiv\.org/\w+/([^)\s]+)\)")
ENTRY = re.compile(r"^- (?:[^\n]*?[:：] *)?(?P<authors>[^\n]+?) (?P<year>\d{4})[,，] *\*(?P<title>[^*\n]+)\*")
BETWEEN_NAMES = re.compile(r"[,，、&]|\band\b|[和与]")
AND_OTHERS = re.compile(r" *(et al\.?|等人?)$")


@cache
def read_references(path: Path = REFERENCES_FILE) -> Mapping[str, dict]:
    """Read the papers: arXiv id -> authors, year and title."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def check_citations(chapter: Chapter, references: Mapping[str, dict] | None = None) -> list[str]:
    """A linked arXiv paper must be known, its link must name its id, and its entry among the references must be right."""
    references = read_references() if references is None else references
    problems = []
    for cell in chapter.cells:
        if cell.kind != "markdown":
            continue
        for label, paper in ARXIV.findall(cell.source):
            if paper not in references:
                problems.append(f"{chapter.at(cell)}: arXiv paper {paper} is not in book/references.yml")
            elif (named := re.search(r"\d{4}\.\d{4,5}", label)) and named[0] != paper:
                problems.append(f"{chapter.at(cell)}: the link says {named[0]} and leads to {paper}")
        listed = REFERENCES.search(cell.source)
        for line in listed[0].splitlines() if listed else []:
            for _, paper in ARXIV.findall(line):
                if paper in references and (problem := compare(line, references[paper])):
                    problems.append(f"{chapter.at(cell)}: reference {paper}: {problem}")
    return problems


def compare(line: str, paper: Mapping) -> str:
    """Say how a line of a list of references differs from the paper; an empty text if it does not.

    A title may be cut short, and authors too where the line says so.

    Example:
        >>> paper = {"authors": ["Kauf", "Ivanova"], "year": 2023, "title": "A Better Way to Score"}
        >>> compare("- Kauf and Ivanova 2022, *A Better Way*, [x](y)", paper)
        'expected the year 2023, found 2022'
    """
    entry = ENTRY.match(line)
    if entry is None:
        return f"expected '- AUTHORS YEAR, *TITLE*, [arXiv:ID](ADDRESS)', found {line!r}"
    names = [
        name for part in BETWEEN_NAMES.split(AND_OTHERS.sub("", entry["authors"])) if (name := part.strip())
    ]
    authors = paper["authors"]
    expected = authors[: len(names)] if AND_OTHERS.search(entry["authors"]) else authors
    if names != expected:
        return f"expected the authors {', '.join(authors)}, found {entry['authors']}"
    if int(entry["year"]) != paper["year"]:
        return f"expected the year {paper['year']}, found {entry['year']}"
    if not paper["title"].lower().startswith(entry["title"].lower()):
        return f"expected the title {paper['title']!r}, found {entry['title']!r}"
    return ""
