"""How names and words of others stand in a message: on one line, short, and without what would steer a terminal."""

from __future__ import annotations

import os
import re
import reprlib


def show(value: object, *, longest: int = 60) -> str:
    """Return a value for a message: quoted, with control characters escaped, and the middle of a long one left out.

    Example:
        >>> show("one line\\nand another"), show("long/" * 10 + "name.txt", longest=24)
        ("'one line\\\\nand another'", "'long/long...g/name.txt'")
    """
    short = reprlib.Repr()
    short.maxstring = short.maxother = longest
    return short.repr(os.fspath(value) if isinstance(value, os.PathLike) else value)


def flatten(text: object, *, longest: int = 80) -> str:
    """Return what another library says for a message: on one line, without control characters, and not too long.

    Example:
        >>> flatten("No answer from\\n  https://user:password@example.org.")
        'No answer from https://example.org'
    """
    line = re.sub(r"//[^/@\s]*@", "//", " ".join(str(text).split()).rstrip("."))
    line = printable(line)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def printable(text: str) -> str:
    """Return a text that any terminal and any file takes: what cannot be printed is escaped, as Python does in a string.

    Example:
        >>> print(printable("two\\nlines, a bell \\x07, a byte that is no UTF-8 \\udcb2"))
        two\\nlines, a bell \\x07, a byte that is no UTF-8 \\udcb2
    """
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
