"""Are the terms of the glossary used consistently in both languages?"""

import re
from collections.abc import Iterator, Sequence

from book._ext.glossary import Term, TermFinder, any_of, read_glossary
from mlmtutor.teach.chapters import Chapter

from .prose import read_words


def check_terms(chapter: Chapter, terms: Sequence[Term] | None = None) -> list[str]:
    """A strict term used in one language is used in the other, and no Chinese word that the glossary avoids."""
    terms = read_glossary() if terms is None else terms
    finders = {lang: TermFinder(terms, lang) for lang in ("en", "zh")}
    prose = [cell for cell in chapter.cells if cell.kind == "markdown"]
    problems = []
    for english, chinese in zip(prose[::2], prose[1::2], strict=True):
        used = {
            cell.lang: {term.anchor: term for _, term in finders[cell.lang].find(read_words(cell.source))}
            for cell in (english, chinese)
        }
        cells = {"en": english, "zh": chinese}
        place = f"{chapter.at(english)} and {chinese.line}"
        for here, there in (("en", "zh"), ("zh", "en")):
            for anchor, term in used[here].items():
                # a longer term on the other side, such as 被遮盖的词元, says this one as well
                if (
                    anchor not in used[there]
                    and term.strict in (here, "both")
                    and not any(TermFinder([term], there).find(read_words(cells[there].source)))
                ):
                    names = (
                        f"{term.forms[here][0]!r} is in {here} but {term.forms[there][0]!r} is not in {there}"
                    )
                    problems.append(f"{place}: {names}")
        problems += [
            f"{chapter.at(chinese)}: for {term.forms['en'][0]!r} this book says {term.forms['zh'][0]!r}, not {word!r}"
            for word, term in find_avoided(read_words(chinese.source), terms)
        ]
    return problems


def find_avoided(text: str, terms: Sequence[Term]) -> Iterator[tuple[str, Term]]:
    """Yield the words of a Chinese text that the glossary avoids, each with its term.

    Example:
        >>> domain = Term({"en": ("domain",), "zh": ("领域适应",)}, {}, "06_fine_tuning", avoid=("域适应",))
        >>> [word for word, _ in find_avoided("领域适应，又称域适应。", [domain])]
        ['域适应']
    """
    term_of = {word: term for term in terms for word in term.avoid}
    fine = {spelling for term in terms for spelling in (*term.forms["zh"], *term.unless)}
    for match in re.finditer(any_of([*term_of, *fine - term_of.keys()]), text):
        if match[0] in term_of:
            yield match[0], term_of[match[0]]
