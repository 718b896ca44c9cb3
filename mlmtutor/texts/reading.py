"""Other people's files: where one text ends, in what encoding it is, and what was left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from mlmtutor.model.messages import printable, show
from mlmtutor.texts.cutting import CUTS, cut_text, doubt_whole
from mlmtutor.texts.decoding import check_encoding, decode_text, find_wrong_characters, unpack
from mlmtutor.texts.folders import PROSE, find_files, kind_of
from mlmtutor.texts.tables import read_json, read_parquet, read_separated

MAX_BAD = 20  # files at fault that are counted
MAX_DOUBTS = 5  # of files, that are told one by one
UNSURPRISING = ("hidden", "of the system", "about the folder")
WITHOUT_TEXTS = ".png .jpg .jpeg .gif .svg .webp .bmp .tif .tiff .ico .heic .mp3 .wav .ogg .flac .m4a .mp4 .mov .avi .mkv".split()


@dataclass(frozen=True)
class Reading:
    """What was read from a source, and what was left out. Printed, it is a line, and one more for each doubt.

    Attributes:
        texts: The texts, in the order of file names and rows, without empty ones.
        source: Name of the source, without the way to it on this machine.
        files: Number of files read, by kind; none where the source is no file or folder.
        num_empty: Texts left out because nothing is in them.
        cut: How .txt and .md files were cut: ``"paragraphs"``, ``"lines"`` or ``"whole"``; None if there were none.
        encodings: Encoding of each file that is not in UTF-8.
        without_breaks: Whether the line breaks of web pages, ``<br />``, were taken out.
        skipped: Why a file below the folder was not read: its kind, or words such as ``"hidden"``.
        doubts: What may be wrong, one sentence each.

    Example:
        >>> print(Reading(["a", "b"], source="notes", files={".txt": 2}, cut="whole", skipped={"a.docx": ".docx"}))
        2 files, 2 texts; each .txt is one text; not read: 1 .docx (a.docx)

    Source: chapter 11_your_domain.
    """

    texts: list[str] = field(repr=False)
    source: str
    files: Mapping[str, int] = field(default_factory=dict)
    num_empty: int = 0
    cut: str | None = None
    encodings: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    without_breaks: bool = False

    def __str__(self) -> str:
        read = [_count(sum(self.files.values()), "file")] if self.files else []
        if len(self.files) > 1:
            read[0] += f" ({', '.join(f'{count:,} {kind}' for kind, count in self.files.items())})"
        read.append(_count(len(self.texts), "text"))
        if self.num_empty:
            read.append(f"{self.num_empty:,} empty")
        parts = [", ".join(read)]
        if self.cut:
            parts.append("each .txt is one text" if self.cut == "whole" else f".txt cut into {self.cut}")
        if self.without_breaks:
            parts.append("line breaks of web pages (<br />) taken out")
        if self.encodings:
            parts.append(f"decoded: {_group(self.encodings)}")
        if self.skipped:
            parts.append(f"not read: {_group(self.skipped)}")
        return "\n".join(["; ".join(parts), *(f"doubtful: {doubt}" for doubt in self.doubts)])

    def describe(self) -> dict[str, Any]:
        """Return numbers for a report, which may be shared: neither texts nor names of files."""
        return {
            "source": self.source,
            "files": dict(self.files),
            "texts": len(self.texts),
            "empty": self.num_empty,
            "cut": self.cut,
            "without_breaks": self.without_breaks,
            "encodings": dict(Counter(self.encodings.values())),
            "skipped": dict(Counter(self.skipped.values())),
            "num_doubts": len(self.doubts),
        }


def read_texts(
    path: str | os.PathLike[str], *, text_column: str = "text", encoding: str | None = None, cut: str = "auto"
) -> Reading:
    """Read the texts of a file, or of all files below a folder.

    Files are .txt, .md, .csv, .tsv, .jsonl, .ndjson, .json and .parquet, also packed as .gz. Left out of a folder are
    hidden files, those of the system or about the folder (README, LICENSE), other kinds, and links that lead out of it.

    Args:
        path: A file or a folder.
        text_column: The column with the texts, in tables.
        encoding: Encoding of all text files. If None they are in UTF-8, or in UTF-16 or 32 with a byte-order mark.
        cut: What is one text of a .txt or .md file: ``"paragraphs"`` (set off by blank lines), ``"lines"`` or
            ``"whole"`` (the file). ``"auto"`` takes each of several files in a folder whole, and cuts a single one
            into paragraphs if they have at most 10 lines on average, else into lines. In a table each row is a text.

    Returns:
        A :class:`Reading`: the texts, and what was read and left out.

    Raises:
        FileNotFoundError: If the path is not there, or a folder holds no file of these kinds.
        OSError: If a file or folder cannot be read.
        ValueError: If a file is of another kind, in another encoding, damaged, or without the column; or all are empty.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.txt").write_text("One paragraph,\\nin two lines.\\n\\nAnother.")
        ...     read_texts(folder).texts
        ['One paragraph,\\nin two lines.', 'Another.']

    Source: chapter 11_your_domain.
    """
    if cut not in CUTS:
        raise ValueError(f"cut must be {', '.join(map(repr, CUTS))}, got {show(cut)}")
    if encoding is not None:
        check_encoding(encoding)
    files, skipped = find_files(path)
    several = sum(kind_of(name) in PROSE for name, _ in files) > 1
    readings, bad = [], []
    for name, file in files:
        try:
            readings.append(
                _read_file(
                    file,
                    name=name,
                    text_column=text_column,
                    encoding=encoding,
                    cut="whole" if several and cut == "auto" else cut,
                )
            )
        except ValueError as error:
            bad.append(error)
            if len(bad) > MAX_BAD:
                break
    if len(bad) == 1:
        raise bad[0]
    if bad:
        more = (
            f"{len(bad) - 1} other files or more"
            if len(bad) > MAX_BAD
            else _count(len(bad) - 1, "other file")
        )
        raise ValueError(f"{bad[0]} (and {more} at fault)") from bad[0]
    reading = _join(readings, source=printable(os.path.basename(os.path.abspath(path))), skipped=skipped)
    if not reading.texts:
        raise ValueError(
            f"expected texts in {show(os.fspath(path), longest=80)}, found it empty: nothing was read"
        )
    if several and cut == "auto":
        doubts = doubt_whole([text for reading in readings if reading.cut for text in reading.texts])
        return replace(reading, doubts=(*reading.doubts, *doubts))
    return reading


def _read_file(path: Path, *, name: str, text_column: str, encoding: str | None, cut: str) -> Reading:
    place = show(name, longest=60)
    kind = kind_of(name)
    data = unpack(path.read_bytes(), place=place)
    doubts: list[str] = []
    used, done = "utf-8", None
    if kind == ".parquet":
        texts = read_parquet(data, column=text_column, place=place) if data else []
    else:
        text, used = decode_text(data, place=place, encoding=encoding)
        doubts += _doubt_encoding(text, data, place=place, encoding=encoding)
        if kind in PROSE:
            texts, done, found = cut_text(text, cut=cut, place=place)
            doubts += found
        elif not text.strip():
            texts = []
        elif kind in (".csv", ".tsv"):
            texts, found = read_separated(text, column=text_column, place=place, suffix=kind)
            doubts += found
        else:
            texts = read_json(text, column=text_column, place=place)
    filled = [stripped for text in texts if (stripped := text.strip())]
    return Reading(
        filled,
        source=name,
        files={kind: 1},
        num_empty=len(texts) - len(filled),
        cut=done,
        encodings={} if used in ("utf-8", "utf-8-sig") else {name: used},
        doubts=tuple(doubts),
    )


def _doubt_encoding(text: str, data: bytes, *, place: str, encoding: str | None) -> list[str]:
    doubts = []
    if wrong := find_wrong_characters(text):
        doubts.append(
            f"{place} holds {wrong:,} characters that look wrongly decoded (U+FFFD and the like): save it again "
            "from where it came from"
        )
    if encoding is not None and not data.isascii():
        try:
            as_utf8 = data.decode()
        except UnicodeDecodeError:
            as_utf8 = text
        if as_utf8.removeprefix("\ufeff") != text:
            doubts.append(
                f"{place} is valid UTF-8, but was read as {encoding}, as asked for: look at the texts"
            )
    return doubts


def _join(readings: list[Reading], *, source: str, skipped: Mapping[str, str]) -> Reading:
    doubts = list(chain.from_iterable(reading.doubts for reading in readings))
    if len(doubts) > MAX_DOUBTS:
        doubts = [*doubts[:MAX_DOUBTS], f"{len(doubts) - MAX_DOUBTS} doubts more of this kind"]
    lost = {
        name: reason
        for name, reason in skipped.items()
        if reason not in UNSURPRISING and reason not in WITHOUT_TEXTS
    }
    if lost:
        doubts.append(
            f"what may hold texts was not read: {_group(lost)}; save it as .txt or .csv in the folder"
        )
    kinds = Counter(kind for reading in readings for kind in reading.files)
    return Reading(
        list(chain.from_iterable(reading.texts for reading in readings)),
        source=source,
        files=dict(kinds.most_common()),
        num_empty=sum(reading.num_empty for reading in readings),
        cut=next((reading.cut for reading in readings if reading.cut), None),
        encodings={name: used for reading in readings for name, used in reading.encodings.items()},
        skipped=dict(skipped),
        doubts=tuple(doubts),
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _group(reasons: Mapping[str, str]) -> str:
    """Say how many names have which reason, the commonest first, with up to three of the names."""
    counts = Counter(reasons.values()).most_common()
    parts, left = [], 3
    for reason, count in counts[:6]:
        names = [name for name, found in reasons.items() if found == reason and reason not in UNSURPRISING][
            :left
        ]
        left -= len(names)
        more = ["..."] if names and len(names) < count else []
        parts.append(
            f"{count:,} {reason:.20}"
            + (f" ({', '.join([*(n[-40:] for n in names), *more])})" if names else "")
        )
    if len(counts) > 6:
        parts.append(f"{sum(count for _, count in counts[6:]):,} others")
    return ", ".join(parts)
