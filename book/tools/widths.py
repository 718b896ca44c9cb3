"""Does the code of a chapter, and what it prints, fit the width of a page?

A column of the site shows about 80 characters of code, Colab and a printed page hardly more. A line that is longer is cut
off or has to be scrolled, and what is cut is often what the line is there for.

One exception: a line is as long as it has to be if a word of it, which has no space to break at, would not fit on a line
of its own either, such as an address or a digest. In outputs that holds for any word, in code for words in strings and
comments, which are most of those that are so long.
"""

import unicodedata

from nbformat import NotebookNode

from mlmtutor.teach.chapters import Chapter

MAX_COLUMNS = 80
MAX_OUTPUT_COLUMNS = 84  # which a desktop still shows; code should also fit where it is narrower
NOT_SHOWN = {"remove-cell", "remove-output"}  # tags of cells whose output the site leaves out


def measure_columns(line: str) -> int:
    """Return how many columns a line takes; a Han character takes two.

    Example:
        >>> measure_columns("mask"), measure_columns("掩码")
        (4, 4)
    """
    return sum(2 if unicodedata.east_asian_width(char) in "FW" else 1 for char in line)


def find_wide_lines(text: str, *, most: int = MAX_COLUMNS) -> list[str]:
    """Return the lines that take more than so many columns and could be broken at a space.

    Example:
        >>> find_wide_lines("short\\n" + "a " * 50 + "\\n" + "x" * 100)[0][:9]
        'a a a a a'
    """
    wide = []
    for line in text.expandtabs(4).splitlines():
        line = line.rstrip()
        indentation = len(line) - len(line.lstrip())
        longest_word = max(map(measure_columns, line.split()), default=0)
        if measure_columns(line) > most >= indentation + longest_word:
            wide.append(line)
    return wide


def check_code_widths(chapter: Chapter) -> list[str]:
    """No line of code or comment over 80 columns, in cells that the site shows."""
    return [
        f"{chapter.at(cell)}: {_describe(line)}"
        for cell in chapter.code
        if "remove-cell" not in cell.tags
        for line in find_wide_lines(cell.source)
    ]


def check_output_widths(notebook: NotebookNode) -> list[str]:
    """No printed line over 84 columns; HTML and pictures, which the page lays out itself, are left alone."""
    return [
        f"the output of cell {cell.id}: {_describe(line, most=MAX_OUTPUT_COLUMNS)}"
        for cell in notebook.cells
        if cell.cell_type == "code" and not NOT_SHOWN & set(cell.metadata.get("tags", []))
        for output in cell.outputs
        for line in find_wide_lines(_read_plain(output), most=MAX_OUTPUT_COLUMNS)
    ]


def _read_plain(output: NotebookNode) -> str:
    """Return what a page shows of an output as plain text: the stream, or the text of what has no richer form."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    return data.get("text/plain", "") if set(data) == {"text/plain"} else ""


def _describe(line: str, *, most: int = MAX_COLUMNS) -> str:
    shown = line if len(line) <= 100 else line[:97] + "..."
    return f"expected at most {most} columns, found {measure_columns(line)}: {shown.strip()!r}"
