"""What `make torture` tries: each input as a test of its own, and every eighth fault and Hub failure as it is run there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.inputs import MODELS, OPTIONS, SOURCES, input_cases

pytestmark = pytest.mark.slow  # each case is a run of the command

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    *(f"source {case[0]}" for case in SOURCES),
    *(f"options {' '.join(case[0])}" for case in OPTIONS),
    *(f"model: {case[0]}" for case in MODELS),
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return dict(input_cases(tmp_path_factory.mktemp("inputs")))


@pytest.mark.parametrize("name", NAMES)
def test_input_is_refused_clearly_or_read_rightly(name, cases):
    assert cases[name]() == ""


@pytest.mark.slow
def test_broken_runs_and_hub_failures_are_survived():
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture", "--quick"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    assert "faults injected 11, survived identically 11" in done.stdout
