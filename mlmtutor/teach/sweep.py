"""A chapter run for each combination of some values: resumable, in several processes, with a table after each run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from mlmtutor.model.messages import flatten, show
from mlmtutor.teach.chapters import Chapter
from mlmtutor.teach.grid import Run
from mlmtutor.teach.progress import Progress
from mlmtutor.teach.sources import Refused
from mlmtutor.teach.summary import write_summary

SECONDS_TO_STOP = 20


class RunsFailed(RuntimeError):
    """Some runs of a sweep failed; the others are done."""


class Sweep:
    """The runs of a sweep, and the folder where they go."""

    def __init__(self, chapter: Chapter, runs: list[Run], *, lang: str, folder: Path) -> None:
        self.chapter, self.runs, self.lang, self.folder = chapter, runs, lang, folder
        self._workers: dict[str, subprocess.Popen] = {}
        self._cells: dict[str, str] = {}  # what each worker does
        self._stopped, self._lock = False, threading.Lock()

    def load(self) -> int:
        """Take over what an earlier sweep has done, and return how many runs that are.

        Raises:
            Refused: If another sweep lies in the folder.
        """
        about = self.describe()
        path = self.folder / "sweep.json"
        if path.exists():
            try:
                earlier = json.loads(path.read_text(encoding="utf-8"))["about"]
            except (ValueError, KeyError, TypeError):
                earlier = None
            if earlier != about:
                raise Refused([f"another sweep is in {show(self.folder)}: choose another folder with -o"])
        for run in self.runs:
            try:
                found = json.loads((self.folder / f"{run.name}.json").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if (
                isinstance(found, dict)
                and found.get("key") == run.key
                and (self.folder / f"{run.name}.ipynb").exists()
            ):
                run.found = found
        return sum(run.is_done for run in self.runs)

    def describe(self) -> dict[str, Any]:
        """Return what all runs have in common."""
        first = self.runs[0]
        fixed = {name: value for name, value in first.values.items() if name not in first.varied}
        return {"chapter": self.chapter.slug, "lang": self.lang, "fixed": fixed, "varied": list(first.varied)}

    def write(self) -> None:
        """Write table and figure."""
        write_summary(self.folder, self.describe(), self.runs)

    def run(self, *, num_jobs: int, progress: Progress) -> None:
        """Do what is left.

        Raises:
            RunsFailed: If a run failed, after all others.
            KeyboardInterrupt: After Ctrl-C; no process is left.
        """
        left = [run for run in self.runs if not run.is_done]
        began, total, done = time.monotonic(), len(self.runs), len(self.runs) - len(left)
        self._environment = dict(os.environ)
        if num_jobs > 1:  # kernels that share the cores must not use all of them each
            self._environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // num_jobs)))
        with ThreadPoolExecutor(num_jobs) as pool:
            futures = {pool.submit(self._start, run, progress): run for run in left}
            try:
                for future in as_completed(futures):
                    future.result()
                    run, done = futures[future], done + 1
                    rest, seconds = total - done, time.monotonic() - began
                    what = run.found.get("error") or f"{run.found['seconds']:.0f} s"
                    todo = f"; {rest} left, about {show_time(seconds / (done - total + len(left)) * rest)}"
                    progress.keep(f"[{done} of {total}] {run.name}: {what}{todo if rest else ''}")
                    self.write()
            except BaseException:
                self._stop(pool)
                raise
        if failed := [run for run in self.runs if not run.is_done]:
            table = show(self.folder / "sweep.csv")
            raise RunsFailed(
                f"{len(failed)} of {total} runs failed, their errors are in {table}; the same command tries them again"
            )

    def _start(self, run: Run, progress: Progress) -> None:
        output, result = (self.folder / f"{run.name}.{ending}" for ending in ("ipynb", "json"))
        job = {"source": str(self.chapter.path), "values": run.values, "lang": self.lang,
               "output": str(output), "result": str(result)}  # fmt: skip
        with self._lock:
            if self._stopped:
                return
            worker = subprocess.Popen(
                [sys.executable, "-m", "mlmtutor.teach.worker", json.dumps(job)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                errors="replace", env=self._environment, start_new_session=True,
            )  # fmt: skip
            self._workers[run.name] = worker
        noise: list[str] = []  # what libraries say
        listener = threading.Thread(target=lambda: noise.extend(worker.stderr), daemon=True)
        listener.start()
        error = ""
        for line in worker.stdout:
            try:
                event = json.loads(line)
                error = event.get("error", error)
            except (ValueError, AttributeError):  # a library speaks
                continue
            self._cells[run.name] = f"{run.name} {event.get('cell', '')}"
            progress.show(" | ".join(list(self._cells.values())))
        status = worker.wait()
        listener.join(1)
        self._cells.pop(run.name, None)
        if status == 0 and not error:
            run.found = json.loads(result.read_text(encoding="utf-8"))
            if run.found["key"] != run.key:
                run.found = {"error": "the chapter has changed since the sweep began"}
        else:
            last = flatten(noise[-1]) if noise else ""
            run.found = {"error": error or f"the process ended with status {status} {last}".strip()}

    def _stop(self, pool: ThreadPoolExecutor) -> None:
        """End all workers, which end their kernels."""
        with self._lock:
            self._stopped = True
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers.values():
            worker.stdin.close()
        deadline = time.monotonic() + SECONDS_TO_STOP
        for worker in self._workers.values():
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()


def show_time(seconds: float) -> str:
    """Return a duration for people.

    Example:
        >>> show_time(41), show_time(600), show_time(9_000)
        ('41 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"
