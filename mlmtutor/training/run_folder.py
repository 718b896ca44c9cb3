"""The output folder of a run: one run at a time works in it, goes on where it broke off, and finds its result again."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from mlmtutor.model.messages import show
from mlmtutor.training.checkpoints import (
    disk_errors_named,
    find_change,
    find_checkpoint,
    find_damage,
    is_main_process,
    read_json,
    seal,
    write_json,
)
from mlmtutor.training.digests import describe_changes, digest_texts

logger = logging.getLogger(__name__)

WRITING = ".writing"  # where a result is put together, beside the folder's content
REMOVING = ".removing"  # what was checkpoints until the result was complete
LOCK = ".lock"
IDENTITY = "identity.json"


class RunFolder:
    """An output folder, see :func:`open_run_folder`.

    Attributes:
        path: The folder.
        checkpoints: The folder in it for all that lets a broken run go on; removed once the result is complete.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.key = ""  # of the run that claimed it

    def find_result(self) -> dict[str, Any] | None:
        """Return the report of a complete result, or None.

        Raises:
            FileExistsError: If a file of the result is missing or was changed.
        """
        # the report is moved in last, and the checkpoints are removed after that
        report = None if self.checkpoints.exists() else read_json(self.path / "report.json")
        if not _is_ours(report):
            return None
        files = (read_json(self.path / "run.json") or {}).get("files", {"run.json": ""})
        if damage := find_change(self.path, files):
            raise FileExistsError(
                f"expected the result of a run in {str(self.path)!r}, found that {damage}: start over with --restart, or take "
                "another folder"
            )
        return report

    def claim(self, identity: Mapping[str, Any], *, restart: bool = False) -> None:
        """Make the folder that of one run: a new one, or the one that was begun there.

        Args:
            identity: What makes it the same run, by name: settings, and digests of what goes into it.
            restart: Forget what a broken run left there. A complete result stays until the new one replaces it.

        Raises:
            FileExistsError: If there are checkpoints of another run.
        """
        begun = read_json(self.checkpoints / IDENTITY)
        self.key = digest_texts([json.dumps(identity, sort_keys=True)])
        if not restart:
            step, checkpoint = find_checkpoint(self.checkpoints)
            if begun == identity:
                logger.info("going on with the run that broke off%s", f" after step {step}" if step else "")
                return
            if checkpoint is not None:
                changes = (
                    "its identity.json damaged" if begun is None else describe_changes(dict(identity), begun)
                )
                raise FileExistsError(
                    f"expected the run that broke off in {str(self.path)!r} after step {step}, found {changes:.100}: "
                    "start over with --restart, or take another folder"
                )
        if is_main_process():
            self.forget()
            self.checkpoints.mkdir()
            write_json(self.checkpoints / IDENTITY, identity)

    def remember(
        self, name: str, make: Callable[[], tuple[dict[str, np.ndarray], dict[str, Any]]]
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and facts that an earlier attempt of this run kept under a name, or make and keep them.

        Raises:
            OSError: If they cannot be written.
        """
        from safetensors.numpy import load_file, save_file

        kept = self.checkpoints / name
        if find_damage(kept) is None:
            facts = read_json(kept / "facts.json") or {}
            if facts.pop("key", None) == self.key:
                logger.info("%s: as before the break", name)
                return load_file(kept / "arrays.safetensors"), facts
        arrays, facts = make()
        if is_main_process():
            shutil.rmtree(kept, ignore_errors=True)
            with disk_errors_named(f"the {name} data", self.checkpoints):
                kept.mkdir()
                save_file(
                    {name: np.ascontiguousarray(array) for name, array in arrays.items()},
                    kept / "arrays.safetensors",
                )
                write_json(kept / "facts.json", {**facts, "key": self.key})
                seal(kept)
        return arrays, facts

    def forget(self) -> None:
        """Remove all that only a broken run needs."""
        if is_main_process() and self.checkpoints.exists():
            # in one move, since half of it would look like a broken run
            shutil.rmtree(self.path / REMOVING, ignore_errors=True)
            self.checkpoints.rename(self.path / REMOVING)
            shutil.rmtree(self.path / REMOVING)


@contextmanager
def open_run_folder(path: str | os.PathLike[str]) -> Iterator[RunFolder]:
    """Open the output folder of a run, for this run alone.

    Args:
        path: A folder that is new, empty, or one that a run was opened in before.

    Yields:
        The :class:`RunFolder`. Where nothing worth keeping was made, all is as it was afterwards.

    Raises:
        FileExistsError: If there are other files in it, or another run is at work there.
        OSError: If it cannot be written.
    """
    folder = RunFolder(Path(path))
    _refuse_foreign_files(folder)
    made = [parent for parent in (folder.path, *folder.path.parents) if not parent.exists()]
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder.path).close()
    except OSError as error:
        _remove_empty(made)
        raise OSError(f"cannot write to {show(path)}: {error.strerror}") from error
    if not is_main_process():
        yield folder
        return
    lock = FileLock(folder.path / LOCK)
    try:
        lock.acquire(timeout=0)  # the system takes it away from a process that is killed
    except Timeout:
        raise FileExistsError(
            f"expected {show(path)} for this run alone, found another run at work there: choose another folder"
        ) from None
    refused = False
    try:
        for name in (WRITING, REMOVING):  # of a process that was killed
            shutil.rmtree(folder.path / name, ignore_errors=True)
        yield folder
    except ValueError:
        refused = True  # input that the same command would stumble over again
        raise
    finally:
        # what a later attempt can go on from stays
        kept = folder.checkpoints.glob("checkpoint-*/checksums.json" if refused else "*/checksums.json")
        if not any(kept):
            folder.forget()
        lock.release()
        with suppress(OSError):
            (folder.path / LOCK).unlink()
        _remove_empty(made)


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that are empty, the innermost first."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _is_ours(report: dict[str, Any] | None) -> bool:
    """Return whether a report is one of a run in such a folder."""
    return bool(report and report.get("digests") and "masking" in report.get("settings", {}))


def _refuse_foreign_files(folder: RunFolder) -> None:
    is_ours = _is_ours(read_json(folder.path / "report.json")) or (folder.checkpoints / IDENTITY).exists()
    if not folder.path.is_dir() or is_ours:
        return
    # a run may have been killed before it wrote down what it is
    empty = {"checkpoints"} if not any(folder.checkpoints.glob("[!.]*")) else set()
    foreign = {entry.name for entry in folder.path.iterdir()} - {WRITING, REMOVING, LOCK} - empty
    if foreign:
        raise FileExistsError(
            f"expected {show(folder.path)} to be new or empty, found files in it, such as {show(min(foreign), longest=40)}: "
            "choose another folder"
        )
