"""Texts from a person's own files: .txt, .csv, .jsonl and .parquet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = (".csv", ".jsonl", ".parquet")
SUFFIXES = (".txt", *TABLES)


def read_texts(path: str | Path, *, text_column: str = "text") -> list[str]:
    """Read the texts of a file, or of all files below a folder.

    Args:
        path: A file or a folder. In a .txt file each paragraph (set off by blank lines) is a text, or each
            line if there are no blank ones; in a folder each .txt file is one text. In tables each row is one.
        text_column: The column with the texts, in .csv, .jsonl and .parquet.

    Returns:
        The texts in the order of file names and rows, without empty ones.

    Raises:
        FileNotFoundError: If the path is not there, or a folder holds no file of these kinds.
        ValueError: If a file is of another kind, not UTF-8, damaged, without the column, or all are empty.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("One paragraph,\\nin two lines.\\n\\nAnother.")
        ...     read_texts(Path(folder, "a.txt"))
        ['One paragraph,\\nin two lines.', 'Another.']

    Source: chapter 11_your_domain.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"expected a file or folder with texts, found no {str(path)!r}")
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not files:
            raise FileNotFoundError(f"expected {', '.join(SUFFIXES)} files in {str(path)!r}, found none")
    else:
        files = [path]
    texts = [
        text
        for file in files
        for text in _read_file(file, text_column=text_column, whole=path.is_dir())
        if text
    ]
    if not texts:
        raise ValueError(f"expected texts in {str(path)!r}, found it empty")
    return texts


def _read_file(file: Path, *, text_column: str, whole: bool) -> list[str]:
    suffix = file.suffix.lower()
    if suffix == ".txt":
        try:
            content = file.read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise ValueError(
                f"expected UTF-8 text in {str(file)!r}, found other bytes at {error.start}"
            ) from error
        if "\0" in content:
            raise ValueError(f"expected UTF-8 text in {str(file)!r}, found binary data")
        paragraphs = re.split(r"\n\s*\n", content)
        if len(paragraphs) == 1:
            paragraphs = content.splitlines()
        return [content] if whole else [paragraph.strip() for paragraph in paragraphs]
    if suffix not in TABLES:
        raise ValueError(f"expected a file of kind {', '.join(SUFFIXES)}, found {str(file)!r}")
    if file.stat().st_size == 0:
        return []
    table = _read_table(file, suffix)
    if text_column not in table.column_names:
        raise ValueError(
            f"expected the column {text_column!r} in {str(file)!r}, found {', '.join(table.column_names) or 'none'}"
        )
    values = table[text_column].to_pylist()
    if (bad := next((v for v in values if v is not None and not isinstance(v, str)), None)) is not None:
        raise ValueError(f"expected texts in column {text_column!r} of {str(file)!r}, found {bad!r:.40}")
    return [value.strip() for value in values if value is not None]


def _read_table(file: Path, suffix: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.json
    import pyarrow.parquet

    try:
        if suffix == ".csv":
            options = pyarrow.csv.ParseOptions(newlines_in_values=True)
            table = pyarrow.csv.read_csv(file, parse_options=options)
        elif suffix == ".jsonl":
            table = pyarrow.json.read_json(file)
        else:
            table = pyarrow.parquet.read_table(file)
        _ = table.column_names  # names that are not UTF-8 fail here
        return table
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"expected a {suffix} table in {str(file)!r}, found it damaged: {reason:.120}"
        ) from error
