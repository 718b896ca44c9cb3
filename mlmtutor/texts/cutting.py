"""Where one text of a .txt file ends: at a blank line, at each line, or with the file."""

from __future__ import annotations

from itertools import chain, groupby

CUTS = ("auto", "paragraphs", "lines", "whole")
MAX_LINES = 10  # lines per paragraph, on average; a list of lines with a few blank ones has more
FEW_TEXTS = 10
MANY_PIECES = 50  # in one text, on average


def cut_text(text: str, *, cut: str, place: str) -> tuple[list[str], str, list[str]]:
    """Cut the content of a .txt file into texts.

    A line ends with a line feed, a carriage return or both. What else counts as a line end in Unicode stands inside the
    lines of PDF and web texts.

    Args:
        text: The content.
        cut: ``"paragraphs"``, ``"lines"``, ``"whole"``, or ``"auto"``: paragraphs if there are blank lines and at most
            10 others for each paragraph, else lines.
        place: What the file is called in messages.

    Returns:
        The texts, how they were cut, and what is doubtful about it.

    Example:
        >>> cut_text("One line.\\nAnother.", cut="auto", place="'a.txt'")
        (['One line.', 'Another.'], 'lines', [])
        >>> cut_text("A paragraph\\nof two lines.\\n\\nAnother.", cut="auto", place="'a.txt'")
        (['A paragraph\\nof two lines.', 'Another.'], 'paragraphs', [])

    Source: chapter 11_your_domain.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if cut == "whole":
        return [text], cut, []
    blocks = [list(block) for filled, block in groupby(text.split("\n"), key=_is_filled) if filled]
    doubts = []
    if cut == "auto":
        longest, total = max(map(len, blocks), default=0), sum(map(len, blocks))
        cut = "paragraphs" if len(blocks) > 1 and total <= MAX_LINES * len(blocks) else "lines"
        if cut == "paragraphs" and total >= MAX_LINES and longest > total / 2:
            doubts.append(
                f"{place} was cut into {len(blocks)} paragraphs, but {longest} of its {total} lines are in one: "
                "if each line is a text, say cut='lines'"
            )
        elif cut == "lines" and len(blocks) >= 5 and total <= 3 * MAX_LINES * len(blocks):
            doubts.append(
                f"{place} was cut into {total:,} lines, but has {len(blocks):,} paragraphs: if these are the texts, say "
                "cut='paragraphs'"
            )
    pieces = ["\n".join(block) for block in blocks] if cut == "paragraphs" else list(chain(*blocks))
    return pieces or [""], cut, doubts


def doubt_whole(texts: list[str]) -> list[str]:
    """Doubt that a few files are one text each, if they hold so much that each is rather a collection.

    Args:
        texts: The content of each file of a folder.

    Returns:
        What is doubtful; nothing for ten files or more, or short ones.
    """
    if not 0 < len(texts) < FEW_TEXTS:
        return []
    num_pieces = sum(len(cut_text(text, cut="auto", place="")[0]) for text in texts)
    if num_pieces < MANY_PIECES * len(texts):
        return []
    return [
        f"each of {len(texts)} .txt files is one text, but they hold {num_pieces:,} paragraphs or lines: if these are the "
        "texts, say cut='paragraphs' or cut='lines'"
    ]


def _is_filled(line: str) -> bool:
    return bool(line.strip())
