"""Checkpoints that can be trusted: sealed with checksums once they are complete, and found again only if intact."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

logger = logging.getLogger(__name__)

SEAL = "checksums.json"
SAVE_STEPS = 100  # steps between two checkpoints of an adaptation


def is_main_process() -> bool:
    """Return whether this process writes: the only one, or the first of those that a launcher started."""
    return os.environ.get("RANK", "0") == "0"


def count_processes() -> int:
    """Return how many processes a launcher started for this run; 1 without a launcher."""
    return int(os.environ.get("WORLD_SIZE", 1))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON file that is either all there or not there at all, whenever the machine stops."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    with disk_errors_named(path.name, path.parent):
        unfinished.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        sync(unfinished)
        os.replace(unfinished, path)
        sync(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; None if there is none or the file is damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def seal(folder: Path) -> None:
    """Write down the checksums of all files below a folder, and wait until all of it has reached the disk."""
    for name in _files_below(folder):
        sync(folder / name)
    write_json(folder / SEAL, checksum_files(folder))


def checksum_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder, by name."""
    return {name: _sha256(folder / name) for name in _files_below(folder)}


def find_damage(folder: Path) -> str | None:
    """Return what is wrong with a sealed folder, or None if it is as it was when it was sealed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     folder = Path(name)
        ...     _ = (folder / "weights").write_text("0.1 0.2")
        ...     before = find_damage(folder)
        ...     seal(folder)
        ...     sealed = find_damage(folder)
        ...     _ = (folder / "weights").write_text("0.1")
        ...     before, sealed, find_damage(folder)
        ('it was not finished', None, 'weights was changed')
    """
    expected = read_json(folder / SEAL)
    if expected is None:
        return "it was not finished"
    if foreign := sorted(set(_files_below(folder)) - expected.keys()):
        return f"{foreign[0]} was added"
    return find_change(folder, expected)


def find_change(folder: Path, expected: Mapping[str, str]) -> str | None:
    """Return which file in a folder is missing or has another SHA-256 than it should, or None."""
    for name in sorted(expected):
        if not (folder / name).is_file():
            return f"{name} is missing"
        if _sha256(folder / name) != expected[name]:
            return f"{name} was changed"
    return None


def find_checkpoint(folder: Path) -> tuple[int, Path | None]:
    """Return the step and the folder of the last intact checkpoint, ``(0, None)`` if there is none.

    A checkpoint that was finished and is damaged now is passed over, and the log says so.
    """
    by_step = {int(path.name.split("-")[1]): path for path in _checkpoints_in(folder)}
    for step in sorted(by_step, reverse=True):
        damage = find_damage(by_step[step])
        if damage is None:
            return step, by_step[step]
        if (by_step[step] / SEAL).exists():
            logger.warning("%s is damaged (%s) and is passed over", by_step[step], damage)
    return 0, None


def remove_later(folder: Path, step: int) -> None:
    """Remove the checkpoints after a step: unfinished or damaged ones, which will be written again."""
    for path in _checkpoints_in(folder):
        if int(path.name.split("-")[1]) > step:
            shutil.rmtree(path)


def check_space(folder: Path, model: PreTrainedModel, *, num_steps: int) -> None:
    """Check that checkpoints and the result will fit on the disk.

    Raises:
        OSError: If they will not.
    """
    weights = sum(weight.nbytes for weight in model.state_dict().values())
    # each with two moments of the optimizer; two are kept while a third is written, or the result
    num_checkpoints = min(3, math.ceil(num_steps / SAVE_STEPS))
    there = sum(file.stat().st_size for file in folder.glob("checkpoints/checkpoint-*/*"))  # of a broken run
    needed = (weights * (3 * num_checkpoints + 1) - there) / 1e6
    free = shutil.disk_usage(folder).free / 1e6
    if free < needed:
        raise OSError(
            f"expected {needed:,.0f} MB of space for checkpoints and the model in {str(folder)!r}, found {free:,.0f} MB: "
            "free some, or choose a folder on another disk with --output"
        )


@contextmanager
def disk_errors_named(what: str, folder: Path) -> Iterator[None]:
    """Turn whatever a library raises when it cannot write into one error that names the folder and the space left."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        if str(error).startswith("cannot write") or "out of memory" in str(error):
            raise  # it was named further in, or has nothing to do with the disk
        reason = " ".join(str(error).split())
        free = shutil.disk_usage(folder).free / 1e6 if folder.is_dir() else 0
        raise OSError(
            f"cannot write {what} to {str(folder)!r} ({free:,.0f} MB are free there): {reason:.80}; what was written "
            "before is whole, make room and start the same command again"
        ) from error


def _checkpoints_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.name.split("-")[1].isdecimal()]


def _files_below(folder: Path) -> list[str]:
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if name != SEAL)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, has reached the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
