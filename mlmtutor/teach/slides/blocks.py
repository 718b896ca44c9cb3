"""The blocks of a chapter's Markdown, its sentences, and the questions that it asks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt

# one sentence ends and another one begins; a source has one a line, in Chinese sometimes more
BETWEEN_SENTENCES = re.compile(r"\n|(?<=[.?!]) (?=[A-Z])|(?<=[。？！])(?![”’）。？！])")
GUESS = {
    "en": re.compile(r"(?:Before you|[^:.]*[Gg]uess [^:.]*before you) [^:]*: *"),
    "zh": re.compile(r"[^：。]{0,24}?(?:先猜一猜|再猜一次)[：，]"),
}
GUESS_ALONE = re.compile(r"请?先猜一猜。$")
ENDS_WITH_QUESTION = re.compile(r"[?？][*_`”’\")）]*$")
SHORT = {"en": 200, "zh": 90}  # characters of a paragraph that is shown whole if it asks to guess


@dataclass(frozen=True)
class Block:
    """One block of Markdown: a heading, a paragraph, a list, ..."""

    kind: str  # "h1" to "h6", "paragraph", "list", "table", "quote", "formula" or "fence"
    source: str


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
