"""Which files below a folder hold texts, and why the others are left out."""

from __future__ import annotations

import difflib
import os
import stat
from contextlib import suppress
from pathlib import Path, PurePath

from mlmtutor.model.messages import printable, show

PROSE = (".txt", ".md")
KINDS = (*PROSE, ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")  # each also packed, as .gz
SYSTEM = ("__macosx", "__pycache__", "node_modules", "lost+found", "thumbs.db", "desktop.ini")
ABOUT = ("readme", "license", "licence", "requirements", "changelog")


def kind_of(name: str) -> str | None:
    """Return the kind of a file that can be read, or None.

    Example:
        >>> kind_of("LETTERS.TXT"), kind_of("table.csv.gz"), kind_of("book.pdf")
        ('.txt', '.csv', None)

    Source: chapter 11_your_domain.
    """
    suffix = PurePath(name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in KINDS else None


def find_files(path: str | os.PathLike[str]) -> tuple[list[tuple[str, Path]], dict[str, str]]:
    """Find the files with texts: that of the path, or all below it.

    Args:
        path: A file or a folder.

    Returns:
        Name and path of each file, in order; and why others were left out, by name: a suffix, or words such as
        ``"hidden"``. The names can be printed and do not hold the way to the folder.

    Raises:
        FileNotFoundError: If the path is not there, or a folder holds no such file.
        OSError: If it, or a folder below it, cannot be read.
        ValueError: If it is a file of another kind, or a pipe or device.
    """
    if not stat.S_ISDIR(_read_mode(path)):
        return [(printable(Path(path).name), _check_file(Path(path)))], {}
    root, found, skipped = Path(path), [], {}
    for parent, folders, names in os.walk(root, onerror=_refuse):
        entered = []
        for name in sorted([*folders, *names]):
            entry = Path(parent, name)
            if reason := _find_reason(entry, root=root):
                skipped[printable(entry.relative_to(root).as_posix())] = reason
            elif entry.is_dir():
                entered.append(name)
            else:
                found.append(entry)
        folders[:] = entered
    if not found:
        kinds = ", ".join(sorted(set(skipped.values())))
        raise FileNotFoundError(
            f"expected {', '.join(KINDS)} files in {show(os.fspath(path), longest=60)}, found "
            f"{f'only others ({kinds:.40})' if kinds else 'none'}: save texts as .txt"
        )
    return [(printable(file.relative_to(root).as_posix()), file) for file in sorted(found)], skipped


def _find_reason(path: Path, *, root: Path) -> str | None:
    """Why an entry of a folder is left out, or None."""
    name = path.name.lower()
    if name in SYSTEM:
        return "of the system"
    if name.startswith((".", "~$")):
        return "hidden"
    if path.is_symlink():
        target = os.path.realpath(path)
        if not os.path.exists(target):
            return "broken link"
        if os.path.isdir(target) or not Path(target).is_relative_to(root.resolve()):
            return "link"
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return "pipe or device"
    if name.split(".")[0] in ABOUT:
        return "about the folder"
    return None if kind_of(name) else printable(path.suffix.lower()) or "without suffix"


def _check_file(path: Path) -> Path:
    shown = show(os.fspath(path), longest=60)
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(
            f"expected a file or folder with texts, found the pipe or device {shown}: save it as a file first"
        )
    if kind_of(path.name) is None:
        raise ValueError(
            f"expected a file of kind {', '.join(KINDS)} (or .gz of one), found {shown}: save it as .txt"
        )
    return path


def _read_mode(path: str | os.PathLike[str]) -> int:
    shown = show(os.fspath(path), longest=80)
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        near: list[str] = []
        with suppress(OSError, ValueError):
            near = difflib.get_close_matches(Path(path).name, os.listdir(Path(path).parent), n=1)
        hint = f": did you mean {show(printable(near[0]))}?" if near else ""
        raise FileNotFoundError(f"expected a file or folder with texts, found no {shown}{hint}") from error
    except OSError as error:
        raise OSError(f"expected to read {shown}, found: {error.strerror}") from error


def _refuse(error: OSError) -> None:
    raise PermissionError(
        f"expected to read the folder {show(error.filename, longest=80)}, found: {error.strerror}"
    ) from error
