"""What a chapter costs: the measuring itself, tried on the toy chapter."""

import os
import subprocess
import sys
import time

import yaml

from book.tools import budget
from book.tools.__main__ import main
from book.tools.budget import measure, watch_memory
from book.tools.tables import PAGES

MEGABYTES = 200
HOLD = f"import time; held = bytearray({MEGABYTES}_000_000); time.sleep(2)"
FETCH = """import os, pathlib
blobs = pathlib.Path(os.environ["HF_HOME"], "hub", "models--toy", "blobs")
blobs.mkdir(parents=True)
(blobs / "weights").write_bytes(bytes(3_000_000))
print(f"""


def test_memory_is_that_of_children_and_their_children_together():
    spawn = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    with watch_memory() as before:  # other tests of this process may have left a browser open
        time.sleep(1)
    with watch_memory() as peak:
        running = [subprocess.Popen([sys.executable, "-c", code]) for code in (HOLD, spawn)]
        assert all(process.wait() == 0 for process in running)
    assert 2 * MEGABYTES < (peak[0] - before[0]) / 1e6 < 2 * MEGABYTES + 150


def test_downloads_are_counted_from_an_empty_cache(write):
    chapter = write("print(f", FETCH)
    before = dict(os.environ)
    costs = [measure(chapter, profile="mini", packages_mb=10.4, say=lambda text: None) for _ in range(2)]
    assert [cost.downloads_mb for cost in costs] == [13, 13]
    assert dict(os.environ) == before


def test_chapter_is_measured_in_the_profile_asked_for(write, root, monkeypatch, capsys):
    write()
    monkeypatch.setattr(budget, "execute", lambda chapter, say: say(os.environ["MLMTUTOR_PROFILE"]))
    monkeypatch.setattr(
        "book.tools.__main__.download_packages", lambda root, extras: 100.0 + 50.0 * len(extras)
    )
    for lang in ("en", "zh"):
        (root / "book" / lang).mkdir()
        for name, page in PAGES.items():
            (root / "book" / lang / page).write_text(f"<!-- {name} --> <!-- {name} -->")
    assert main(["measure", "--profile", "full"], root=root) == 0
    assert capsys.readouterr().out.startswith("full01_toy: Cost(minutes=0.0")
    recorded = yaml.safe_load((root / "book" / "budget.yml").read_text(encoding="utf-8"))
    assert list(recorded["full"]["01_toy"]) == ["minutes", "memory_mb", "downloads_mb"]
    assert "| full | 0.0 |" in (root / "book" / "zh" / PAGES["budget"]).read_text(encoding="utf-8")
