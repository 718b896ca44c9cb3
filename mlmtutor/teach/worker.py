"""One run of a sweep, in a process of its own, so that whatever happens in it ends nothing else.

The job comes as JSON on the command line; each line of the standard output is JSON too: a cell that starts, or an error. The
standard input stays open as long as the sweep runs: when it closes, this process stops as after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path


def tell(**event: object) -> None:
    """Write a line for the sweep to read."""
    print(json.dumps(event), flush=True)


class Teller:
    """Tells the sweep which cell starts."""

    def start(self, number: int, total: int, heading: str) -> None:
        """A code cell starts."""
        tell(cell=f"cell {number} of {total}")

    def end(self, number: int, total: int, heading: str, seconds: float) -> None:
        """A code cell has ended, of which nothing is told."""


def _stop_with_the_sweep() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Do the job."""
    from mlmtutor.teach.chapters import read_chapter
    from mlmtutor.teach.run import CellFailed, run_chapter

    job = json.loads(sys.argv[1])
    threading.Thread(target=_stop_with_the_sweep, daemon=True).start()
    try:
        run_chapter(
            read_chapter(Path(job["source"])),
            job["values"],
            lang=job["lang"],
            output=Path(job["output"]),
            result=Path(job["result"]),
            watch=Teller(),
        )
    except KeyboardInterrupt:
        os._exit(130)
    except CellFailed as error:
        tell(error=str(error).rpartition(";")[0])
    except Exception as error:
        tell(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
