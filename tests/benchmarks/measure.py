"""Running several ways in turn, and what is written down of it."""

import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_KEPT = 3  # runs of the benchmark whose results stay in the record
PACKAGES = ("mlmtutor", "torch", "transformers", "tokenizers", "datasets", "numpy", "trl", "minicons")


@dataclass
class Result:
    """Measurements of one stage.

    Attributes:
        unit: What the numbers are.
        ways: Name of the way to its measurements; smaller is better.
        goals: Name of a way to how many times as much as ours it should at least take.
        absent: Name of a way that was not measured, and why.
        size: What the work was.
        bound: The largest ratio that counting operations allows, if known.
    """

    unit: str
    size: str
    ways: dict[str, list[float]]
    goals: dict[str, float] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    bound: float | None = None


def take_turns(
    ways: dict[str, Callable[[], object]],
    *,
    repeats: int,
    clock: Callable[[], float],
    unit: float = 1.0,
    turn_s: float = 0.0,
) -> dict[str, list[float]]:
    """Time each way in turn, several times over, so that a disturbance hits them all alike.

    A turn makes calls until ``turn_s`` seconds have passed, and counts their mean: one call of a fast way tells little.
    The times are in units of ``unit`` seconds.
    """
    times = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            end, started, calls = time.perf_counter() + turn_s, clock(), 0
            while calls == 0 or time.perf_counter() < end:
                way()
                calls += 1
            times[name].append((clock() - started) / unit / calls)
    return times


def take_turns_apart(ways: dict[str, list[object]], *, repeats: int) -> dict[str, list[float]]:
    """Time ways that need a process each, named by module and arguments; again they take turns.

    A line on its standard input has a process do its work once, and it answers with a line: how long that took.
    The first turn is for warming up.
    """
    times = {name: [] for name in ways}
    with tempfile.TemporaryFile("w+") as errors:
        processes = {
            name: subprocess.Popen(
                _command(*way), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            for name, way in ways.items()
        }  # fmt: skip
        try:
            for turn in range(1 + repeats):
                for name, process in processes.items():
                    print(file=process.stdin, flush=True)
                    if not (answer := process.stdout.readline()):
                        process.wait()
                        errors.seek(0)
                        raise RuntimeError(f"{name} failed:\n{errors.read()[-2000:]}")
                    if turn > 0:
                        times[name].append(json.loads(answer))
        finally:
            for process in processes.values():
                process.communicate()  # the end of its input is the end of its work
    return times


def _command(module: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]


def find_absent(packages: dict[str, str]) -> dict[str, str]:
    """For the ways whose package is not installed, say so."""
    return {
        name: f"package {package} is not installed: pip install '.[bench]'"
        for name, package in packages.items()
        if importlib.util.find_spec(package) is None
    }


def run_apart(module: str, *arguments: object) -> dict:
    """Run a way in a process of its own and read the JSON of its last line: memory and settings start afresh."""
    command = _command(module, *arguments)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def memory_mb(kind: str) -> float:
    """Return memory of this process, in millions of bytes: ``VmRSS`` now, ``VmHWM`` at its peak.

    ``RssAnon`` is its own alone; mapped file pages can be reclaimed by the system.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) * 1024 / 1e6


def describe_machine() -> dict:
    """What was measured on and with."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": len(names) or None,
        "python": platform.python_version(),
        "versions": found,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def record(path: Path, stage: str, result: Result) -> None:
    """Add a run to the record; the last three stay."""
    content = json.loads(path.read_text()) if path.exists() else {"stages": {}}
    content["machine"] = describe_machine()
    runs = content["stages"].get(stage, {}).get("runs", [])
    ways = {name: [float(f"{value:.4g}") for value in values] for name, values in result.ways.items()}
    content["stages"][stage] = {
        "unit": result.unit,
        "size": result.size,
        "goals": result.goals,
        "bound": result.bound,
        "absent": result.absent,
        "runs": [*runs, ways][-NUM_KEPT:],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
