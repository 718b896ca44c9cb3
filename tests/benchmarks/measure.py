"""Running several ways in turn, and what is written down of it."""

import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
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
        absent: Name of a way that was not measured, and why.
        size: What the work was.
    """

    unit: str
    size: str
    ways: dict[str, list[float]]
    absent: dict[str, str] = field(default_factory=dict)


def take_turns(
    ways: dict[str, Callable[[], object]],
    *,
    repeats: int,
    clock: Callable[[], float],
    scale: float = 1.0,
    calls: int = 1,
) -> dict[str, list[float]]:
    """Time each way in turn, several times over, so that a disturbance hits them all alike.

    A turn makes ``calls`` calls, and counts their mean: what takes under a millisecond needs several.
    """
    times = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            started = clock()
            for _ in range(calls):
                way()
            times[name].append((clock() - started) * scale / calls)
    return times


def find_absent(packages: dict[str, str]) -> dict[str, str]:
    """For the ways whose package is not installed, say so."""
    return {
        name: f"package {package} is not installed: pip install '.[bench]'"
        for name, package in packages.items()
        if importlib.util.find_spec(package) is None
    }


def run_apart(module: str, *arguments: object) -> dict:
    """Run a way in a process of its own and read the JSON of its last line: memory and settings start afresh."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_memory_mb() -> float:
    """Give the most memory that this process ever had, in millions of bytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


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
        "absent": result.absent,
        "runs": [*runs, ways][-NUM_KEPT:],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
