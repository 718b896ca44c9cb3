"""The output folder of a run: one run at a time works in it, goes on where it broke off, and finds its result again."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from mlmtutor.training.checkpoints import (
    disk_errors_named,
    find_checkpoint,
    find_damage,
    read_json,
    seal,
    write_json,
)
from mlmtutor.training.digests import describe_changes

logger = logging.getLogger(__name__)

WRITING = ".writing"  # where a result is put together, beside the folder's content
REMOVING = ".removing"  # what was checkpoints until the result was complete
LOCK = ".lock"
IDENTITY = "identity.json"


def is_main_process() -> bool:
    """Return whether this process writes: the only one, or the first of those that a launcher started."""
    return os.environ.get("RANK", "0") == "0"


class RunFolder:
    """An output folder, see :func:`open_run_folder`.

    Attributes:
        path: The folder.
        checkpoints: The folder in it for all that lets a broken run go on; removed once the result is complete.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"

    def find_result(self) -> dict[str, Any] | None:
        """Return the report of a complete result, or None."""
        # the report is moved in last, and the checkpoints are removed after that
        return None if self.checkpoints.exists() else read_json(self.path / "report.json")

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Make the folder that of one run: a new one, or the one that was begun there.

        Args:
            identity: What makes it the same run, by name: settings, and digests of what goes into it.

        Raises:
            FileExistsError: If there are checkpoints of another run.
        """
        begun = read_json(self.checkpoints / IDENTITY)
        step, checkpoint = find_checkpoint(self.checkpoints)
        if begun == identity:
            logger.info("going on with the run that broke off%s", f" after step {step}" if step else "")
            return
        if checkpoint is not None:
            changes = "its identity.json damaged" if begun is None else describe_changes(identity, begun)
            raise FileExistsError(
                f"expected the run that broke off in {str(self.path)!r} after step {step}, found {changes}: "
                "start over with --restart, or take another folder"
            )
        if is_main_process():
            self.forget()
            write_json(self.checkpoints / IDENTITY, identity)

    def remember(
        self, name: str, make: Callable[[], tuple[dict[str, np.ndarray], dict[str, Any]]]
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and facts that an earlier attempt kept under a name, or make and keep them.

        Raises:
            OSError: If they cannot be written.
        """
        from safetensors.numpy import load_file, save_file

        kept = self.checkpoints / name
        if find_damage(kept) is None:
            logger.info("%s: as before the break", name)
            return load_file(kept / "arrays.safetensors"), read_json(kept / "facts.json") or {}
        arrays, facts = make()
        if is_main_process():
            shutil.rmtree(kept, ignore_errors=True)
            with disk_errors_named(f"the {name} data", self.checkpoints):
                kept.mkdir()
                save_file(
                    {name: np.ascontiguousarray(array) for name, array in arrays.items()},
                    kept / "arrays.safetensors",
                )
                write_json(kept / "facts.json", facts)
                seal(kept)
        return arrays, facts

    def forget(self) -> None:
        """Empty the folder for checkpoints."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        self.checkpoints.mkdir()

    def complete(self) -> None:
        """Remove what only a broken run needs."""
        if self.checkpoints.exists():
            # in one move, since half of it would look like a broken run
            self.checkpoints.rename(self.path / REMOVING)
            shutil.rmtree(self.path / REMOVING)


@contextmanager
def open_run_folder(path: str | os.PathLike[str], *, restart: bool = False) -> Iterator[RunFolder]:
    """Open the output folder of a run, for this run alone.

    Args:
        path: A folder that is new, empty, or one that a run was opened in before.
        restart: Forget what a broken run left there. A complete result stays until the new one replaces it.

    Yields:
        The :class:`RunFolder`. Where nothing worth keeping was made, all is as it was afterwards.

    Raises:
        FileExistsError: If there are other files in it, or another run is at work there.
        OSError: If it cannot be written.
    """
    folder = RunFolder(Path(path))
    was_there = folder.path.is_dir()
    _refuse_foreign_files(folder)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder.path).close()
    except OSError as error:
        raise OSError(f"cannot write to {str(path)!r}: {error.strerror}") from error
    if not is_main_process():
        yield folder
        return
    lock = FileLock(folder.path / LOCK)
    try:
        lock.acquire(timeout=0)  # the system takes it away from a process that is killed
    except Timeout:
        raise FileExistsError(
            f"expected {str(path)!r} for this run alone, found another run at work there: choose another folder"
        ) from None
    refused = False
    try:
        for name in (WRITING, REMOVING):  # of a process that was killed
            shutil.rmtree(folder.path / name, ignore_errors=True)
        if restart or (folder.find_result() is None and not folder.checkpoints.exists()):
            folder.forget()
        yield folder
    except ValueError:
        refused = True  # input that the same command would stumble over again
        raise
    finally:
        _remove_if_worthless(folder.checkpoints, refused=refused)
        (folder.path / LOCK).unlink(missing_ok=True)
        lock.release()
        if not was_there and not any(folder.path.iterdir()):
            folder.path.rmdir()


def _refuse_foreign_files(folder: RunFolder) -> None:
    is_result = "digests" in (folder.find_result() or {})
    if not folder.path.is_dir() or is_result or (folder.checkpoints / IDENTITY).exists():
        return
    # a run may have been killed before it wrote down what it is
    empty = {"checkpoints"} if not any(folder.checkpoints.glob("[!.]*")) else set()
    foreign = {entry.name for entry in folder.path.iterdir()} - {WRITING, REMOVING, LOCK} - empty
    if foreign:
        raise FileExistsError(
            f"expected {str(folder.path)!r} to be new or empty, found files in it, such as {min(foreign)!r:.40}: "
            "choose another folder"
        )


def _remove_if_worthless(checkpoints: Path, *, refused: bool) -> None:
    """Remove the folder for checkpoints, unless a later attempt can go on from something in it."""
    if find_checkpoint(checkpoints)[1] is None and (refused or not any(checkpoints.glob("*/checksums.json"))):
        shutil.rmtree(checkpoints, ignore_errors=True)
