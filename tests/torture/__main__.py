"""``make torture``: break runs, bring bad input, and disturb the Hub; print what was survived, and how clearly refused.

With ``--quick`` every eighth case of each kind.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.torture.faults import fault_cases
from tests.torture.hub import hub_cases
from tests.torture.inputs import input_cases

Case = tuple[str, Callable[[], str]]
CASES: list[Case] = []


def load_libraries() -> None:
    """Import what every attempt needs once, so that forks begin with it; compute nothing, since threads do not fork."""
    import datasets  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import torch  # noqa: F401
    import transformers  # noqa: F401

    import mlmtutor.plots.curves
    import mlmtutor.report
    import mlmtutor.training.trainer  # noqa: F401


def try_all(title: str, cases: list[Case], *, verdict: str) -> bool:
    """Try cases, two at a time; print what went wrong and a line of sums. Return whether all went well."""
    started, wrong = time.perf_counter(), 0
    CASES[:] = cases  # which the forks inherit, since calls cannot be sent
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        for (name, _), problem in zip(cases, pool.map(_try, range(len(cases))), strict=True):
            if problem:
                wrong += 1
                print(f"  {name}: {problem}", flush=True)
    print(
        f"{title} {len(cases)}, {verdict} {len(cases) - wrong} ({time.perf_counter() - started:.0f} s)",
        flush=True,
    )
    return wrong == 0


def _try(number: int) -> str:
    try:
        return CASES[number][1]()
    except Exception as error:
        return f"the trial itself failed: {type(error).__name__}: {error}"


def main() -> None:
    """Run all trials; the exit status says whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every eighth case of each kind")
    step = 8 if parser.parse_args().quick else 1
    load_libraries()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        trials = [
            ("faults injected", fault_cases(work / "faults"), "survived identically"),
            ("bad and odd inputs tried", input_cases(work / "inputs"), "clear or right"),
            ("Hub failures", hub_cases(work / "hub"), "clear and under 10 s"),
        ]
        went_well = [try_all(title, cases[::step], verdict=verdict) for title, cases, verdict in trials]
    sys.exit(not all(went_well))


if __name__ == "__main__":
    main()
