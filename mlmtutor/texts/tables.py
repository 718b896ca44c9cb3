"""The one column of a table that holds the texts. What stands in the other columns does not matter."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mlmtutor.model.messages import show

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
LONGEST_NAME = 60  # characters; what is longer in a first row is no name of a column
NUMBER_OR_DATE = re.compile(r"(?=.*\d)[\d\s.,:+/%TZeE-]+|true|false|nan|none|null|-?inf|\s*", re.IGNORECASE)
EXCEL_HINT = re.compile(r"\Asep=.\r?\n")  # a first line by which Excel names the separator
SPACE = re.compile(r"\s*")
TWICE = object()  # stands for the value of a name that an object holds twice


def find_column(names: Sequence[str], column: str, *, place: str) -> int:
    """Find the position of a column; spaces around its name do not matter where there is no doubt.

    Raises:
        ValueError: If the table does not have the column, or has it twice.

    Example:
        >>> find_column(["id", " text"], "text", place="'a.csv'")
        1

    Source: chapter 11_your_domain.
    """
    found = [i for i, name in enumerate(names) if name == column]
    found = found or [i for i, name in enumerate(names) if name.strip() == column]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"expected one column {show(column)} in {place}, found {len(found)} of that name: rename the others"
        )
    if any(len(name) > LONGEST_NAME for name in names):
        raise ValueError(
            f"expected a first row with the names of the columns in {place}, found a text there: add the name "
            f"{show(column)} above the texts"
        )
    listed = ", ".join(show(name, longest=24) for name in names[:3]) or "none"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    same = [name for name in names if name.strip().casefold() == column.strip().casefold()]
    near = same or difflib.get_close_matches(column, names, n=1)
    remedy = (
        f"did you mean text_column={show(near[0])}?" if near else "name the one with the texts (text_column)"
    )
    raise ValueError(f"expected the column {show(column)} in {place}, found {listed}{more}: {remedy}")


def check_texts(values: Iterable[Any], *, column: str, place: str) -> list[str]:
    """Return the values of a column as texts, ``""`` for a missing one.

    Raises:
        ValueError: If one is no text, or holds half a surrogate pair.

    Example:
        >>> check_texts(["a", None], column="text", place="'a.jsonl'")
        ['a', '']

    Source: chapter 11_your_domain.
    """
    texts = ["" if value is None else value for value in values]
    for row, text in enumerate(texts, 1):
        if not isinstance(text, str):
            kind = "the name twice" if text is TWICE else f"{type(text).__name__} {show(text)}"
            raise ValueError(
                f"expected texts in the column {show(column)} of {place}, found {kind} in row {row}: "
                "name another column (text_column), or mend the row"
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"expected Unicode in the column {show(column)} of {place}, found half a surrogate pair in row {row}: "
                "mend the row"
            ) from error
    return texts


def read_separated(
    text: str, *, column: str, place: str, suffix: str = ".csv"
) -> tuple[list[str], list[str]]:
    """Read the texts of a table with separators: comma, semicolon, tab or bar, whichever shows the column.

    Args:
        text: The file. Its first row has the names of the columns.
        column: The column with the texts.
        place: What the file is called in messages.
        suffix: ``".csv"`` or ``".tsv"``, which decides where several separators would do.

    Returns:
        The texts, and what is doubtful about them.

    Raises:
        ValueError: If a row does not have as many fields as the first one, a quotation mark is not closed, the
            column is not there, or all of it are numbers.

    Example:
        >>> read_separated("id;text\\n1;A film.", column="text", place="'a.csv'")
        (['A film.'], [])

    Source: chapter 11_your_domain.
    """
    text = EXCEL_HINT.sub("", text)
    with _long_fields(len(text)):
        separator, names = _read_header(text, column=column, place=place, suffix=suffix)
        index = find_column(names, column, place=place)
        texts, doubts = [], []
        for row, fields in enumerate(_read_rows(text, separator, place=place, width=len(names))):
            if row == 0:
                continue
            texts.append(fields[index])
            if any(_holds_rows(field, separator, width=len(names)) for field in fields):
                doubts.append(
                    f"a field in row {row} of {place} holds lines that look like rows: is a quotation mark missing?"
                )
    if any(text.strip() for text in texts) and all(NUMBER_OR_DATE.fullmatch(text) for text in texts):
        first = next(text for text in texts if text.strip())
        raise ValueError(
            f"expected texts in the column {show(column)} of {place}, found {show(first)} and the like in all rows: "
            "name another column (text_column)"
        )
    return check_texts(texts, column=column, place=place), doubts


def _read_header(text: str, *, column: str, place: str, suffix: str) -> tuple[str, list[str]]:
    order = sorted(SEPARATORS, key=lambda separator: separator != "\t") if suffix == ".tsv" else SEPARATORS
    text = text[:100_000]  # the first row is in it
    headers = {}
    for separator in order:
        try:
            names = next(_read_rows(text, separator, place=place), [])
        except ValueError:
            continue
        if column in (name.strip() for name in names):
            return separator, names
        headers[separator] = names
    if not headers:
        next(_read_rows(text, next(iter(order)), place=place))
    return max(headers.items(), key=lambda header: len(header[1]))


def _read_rows(text: str, separator: str, *, place: str, width: int | None = None) -> Iterator[list[str]]:
    """Yield the rows that are not blank, that of the names first."""
    # spaces after the separators of the first line stand there for the eye, so they do before quotation marks below
    spaced = f"{separator} " in text[:10_000].lstrip().partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=spaced
    )
    row = line = 0
    try:
        for fields in reader:
            if fields:
                if width is not None and len(fields) != width:
                    raise ValueError(
                        f"expected {width} fields in row {row} (line {line + 1}) of {place}, found {len(fields)}: "
                        f"put texts that hold {SEPARATORS[separator]} between quotation marks"
                    )
                yield fields
                row += 1
            line = reader.line_num
    except csv.Error as error:
        found = "one that is not closed" if "end of data" in str(error) else "a single one inside a text"
        raise ValueError(
            f"expected quotation marks in pairs in row {row} (line {line + 1}) of {place}, found {found}: "
            "write those of the text twice"
        ) from error


def _holds_rows(field: str, separator: str, *, width: int) -> bool:
    """Whether a field swallowed the rows after it: nearly all its lines have as many separators as a row."""
    if width < 2 or field.count("\n") + field.count("\r") < 4:
        return False
    lines = [line for line in re.split(r"[\r\n]+", field)[1:-1] if line]
    return sum(line.count(separator) == width - 1 for line in lines) > 0.9 * len(lines)


@contextmanager
def _long_fields(num_characters: int) -> Iterator[None]:
    """Let a field be as long as the file: by default the library stops at 131,072 characters."""
    before = csv.field_size_limit(min(num_characters + 1, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_json(text: str, *, column: str, place: str) -> list[str]:
    """Read the texts of JSON: one object after the other (JSON lines), an array of them, or strings.

    Raises:
        ValueError: If it is not valid, a row is something else, or the column is not there or no text.

    Example:
        >>> read_json('{"text": "A film."}\\n{"text": null, "id": 2}', column="text", place="'a.jsonl'")
        ['A film.', '']
        >>> read_json('["A film.", "A law."]', column="text", place="'a.json'")
        ['A film.', 'A law.']

    Source: chapter 11_your_domain.
    """
    rows = list(_read_values(text, place=place))
    if len(rows) == 1 and isinstance(rows[0], list):
        rows = rows[0]
    kind = str if any(isinstance(row, str) for row in rows) else dict
    for number, row in enumerate(rows, 1):
        if row is not None and not isinstance(row, kind):
            expected = "a string" if kind is str else "an object with names and values"
            raise ValueError(
                f"expected {expected} in row {number} of {place}, found {type(row).__name__} {show(row)}: "
                "make all rows alike"
            )
    if kind is dict and any(row is not None for row in rows):
        names = list(dict.fromkeys(name for row in rows if row for name in row))
        name = names[find_column(names, column, place=place)]
        rows = [row.get(name) if row else None for row in rows]
    return check_texts(rows, column=column, place=place)


def _read_values(text: str, *, place: str) -> Iterator[Any]:
    # integers of thousands of digits are no reason to stop: nobody asked for them
    decoder = json.JSONDecoder(object_pairs_hook=_mark_doubles, parse_int=float)
    row, position = 0, SPACE.match(text).end()
    try:
        while position < len(text):
            row += 1
            value, position = decoder.raw_decode(text, position)
            position = SPACE.match(text, position).end()
            yield value
    except json.JSONDecodeError as error:
        raise ValueError(
            f"expected JSON in {place}, found it damaged in row {row}, line {error.lineno}, column {error.colno} "
            f"({error.msg.lower():.60}): mend or remove the row"
        ) from error
    except RecursionError as error:
        raise ValueError(
            f"expected JSON in {place}, found too many brackets within each other in row {row}: remove the row"
        ) from error


def _mark_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                values[name] = TWICE
            seen.add(name)
    return values


def read_parquet(data: bytes, *, column: str, place: str) -> list[str]:
    """Read the texts of a Parquet table.

    Raises:
        ValueError: If it is damaged, or the column is not there or holds no texts.
    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(data))
        index = find_column(file.schema_arrow.names, column, place=place)
        field = file.schema_arrow.field(index)
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if kind not in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
            raise ValueError(
                f"expected texts in the column {show(column)} of {place}, found values of type {kind!s:.40}: "
                "name another column (text_column)"
            )
        values = file.read(columns=[field.name]).column(0).to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected a Parquet table in {place}, found it damaged ({show(reason, longest=80)}): make it again"
        ) from error
    return check_texts(values, column=column, place=place)
