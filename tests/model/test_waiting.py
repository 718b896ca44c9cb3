import os
import subprocess
import sys

import pytest

from mlmtutor.model import waiting

SEEN = "import os, mlmtutor; print(os.environ.get('OMP_WAIT_POLICY'))"


@pytest.fixture
def torch_is_not_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("running", "policy"), [(1, None), (2, "PASSIVE"), (9, "PASSIVE")])
def test_threads_sleep_where_others_are_at_work(running, policy, torch_is_not_loaded, monkeypatch, tmp_path):
    load = tmp_path / "loadavg"
    load.write_text(f"0.10 0.20 0.30 {running}/512 4711\n")
    monkeypatch.setattr(waiting, "LOAD", load)
    waiting.choose_waiting()
    assert os.environ.get("OMP_WAIT_POLICY") == policy
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)


@pytest.mark.parametrize("content", [None, "", "a b c d/e"])
def test_nothing_is_changed_where_nothing_is_known(content, torch_is_not_loaded, monkeypatch, tmp_path):
    if content is not None:
        (tmp_path / "loadavg").write_text(content)
    monkeypatch.setattr(waiting, "LOAD", tmp_path / "loadavg")
    waiting.choose_waiting()
    assert "OMP_WAIT_POLICY" not in os.environ


@pytest.mark.parametrize(
    ("name", "value", "code", "expected"),
    [
        ("OMP_WAIT_POLICY", "ACTIVE", SEEN, "ACTIVE"),
        ("GOMP_SPINCOUNT", "7", SEEN, "None"),
        ("UNRELATED", "1", f"import torch; {SEEN}", "None"),
    ],
)
def test_a_choice_that_was_made_stays(name, value, code, expected):
    """With a program that keeps a core busy beside it."""
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**clean, name: value},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        busy.kill()
        busy.wait()
    assert done.stdout.strip() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="about /proc")
def test_a_busy_program_is_noticed_on_import():
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        done = subprocess.run(
            [sys.executable, "-c", SEEN], env=clean, capture_output=True, text=True, check=True
        )
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert done.stdout.strip() == "PASSIVE"
