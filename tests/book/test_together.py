"""Chapters that run beside each other: how many, in which order, what is said, and what happens when one fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from book.tools import together
from book.tools.execute import ChapterFailed, run_chapter
from book.tools.together import Board, run_together, share_machine
from mlmtutor.teach.chapters import read_chapter

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be another machine."""

    def pretend(*, cores: int, memory_gb: float) -> None:
        memory = psutil.virtual_memory()._replace(available=int(memory_gb * 1e9))
        monkeypatch.setattr(together, "cpu_count", lambda: cores)
        monkeypatch.setattr(together.psutil, "virtual_memory", lambda: memory)

    return pretend


@pytest.mark.parametrize(
    ("cores", "memory_gb", "expected"),
    [
        (2, 24, 2),
        (1, 24, 1),
        (2, 6, 1),  # memory for one at a time
        (2, 1, 1),  # and one always runs
        (64, 9, 2),
        (64, 64, 3),
    ],
)
def test_chapters_share_cores_and_memory(machine, cores, memory_gb, expected):
    machine(cores=cores, memory_gb=memory_gb)
    assert share_machine([4_000, 2_000, 500]) == expected


def test_outputs_are_those_of_each_chapter_alone_in_the_order_asked_for(root, write, machine):
    machine(cores=2, memory_gb=24)
    chapters = [write('"film"', f'"{"a" * n}"', slug=f"0{n}_toy") for n in (3, 1, 2)]
    outputs = run_together(chapters, root=root)
    assert list(outputs) == ["03_toy", "01_toy", "02_toy"]
    assert [outputs[f"0{n}_toy"][1][0].text for n in (1, 2, 3)] == [
        f"{'a' * n} has {n} letters\n" for n in (1, 2, 3)
    ]
    said = []
    assert run_chapter(chapters[0], root=root, say=said.append) == outputs["03_toy"]
    assert said == ["03_toy: nothing it depends on changed since its last run\n"]


def test_chapters_run_at_the_same_time_with_one_thread_each(root, write, machine, monkeypatch):
    machine(cores=2, memory_gb=24)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    wait = """import os, pathlib, time
place = pathlib.Path({folder!r})
(place / word).touch()
while len(list(place.iterdir())) < 2:
    time.sleep(0.05)
print(os.environ["OMP_NUM_THREADS"])
print(f"""
    folder = root / "met"
    folder.mkdir()
    write("print(f", wait.format(folder=str(folder)), slug="01_toy")
    second = (root / "book/chapters/01_toy.md").read_text(encoding="utf-8").replace('"film"', '"movie"')
    (root / "book/chapters/02_toy.md").write_text(second, encoding="utf-8")
    chapters = [read_chapter(root / "book" / "chapters" / f"{slug}.md") for slug in ("01_toy", "02_toy")]
    outputs = run_together(chapters, root=root)
    assert [outputs[slug][1][0].text.splitlines()[0] for slug in outputs] == ["1", "1"]


def test_shortest_chapter_is_shown_before_the_others_are_done(root, write, machine):
    machine(cores=1, memory_gb=24)
    budget = {"mini": {"01_toy": {"minutes": 3, "memory_mb": 1}, "02_toy": {"minutes": 0.1, "memory_mb": 1}}}
    (root / "book" / "budget.yml").write_text(yaml.safe_dump(budget))
    chapters = [write(slug="01_toy"), write(slug="02_toy")]
    shown = []

    def show(slug, outputs):
        shown.append((slug, outputs[1][0].text, [path.name for path in (root / "_build").rglob("01_toy*")]))

    run_together(chapters, root=root, after_first=show)
    assert shown == [("02_toy", "film has 4 letters\n", [])]


def test_failure_is_named_and_what_ran_beside_it_is_kept(root, write, machine):
    machine(cores=2, memory_gb=24)
    good = write("print(f", "import time\ntime.sleep(1)\nprint(f", slug="01_toy")
    bad = write("print(f", "1 / 0\nprint(f", slug="02_toy")
    with pytest.raises(ChapterFailed, match=r"02_toy\.md:\d+: code cell 2 of 2 failed") as caught:
        run_together([good, bad], root=root)
    assert "01_toy" not in str(caught.value)
    said = []
    run_chapter(good, root=root, say=said.append)
    assert said == ["01_toy: nothing it depends on changed since its last run\n"]


def test_chapters_that_have_not_begun_are_left_out_after_a_failure(root, write, machine):
    machine(cores=1, memory_gb=24)
    budget = {"mini": {f"0{n}_toy": {"minutes": n, "memory_mb": 1} for n in (1, 2, 3)}}
    (root / "book" / "budget.yml").write_text(yaml.safe_dump(budget))
    leave_a_trace = f"open({str(root / 'ran')!r}, 'w').close()\nprint(f"
    bad = write("print(f", "1 / 0\nprint(f", slug="01_toy")
    others = [write("print(f", leave_a_trace, slug=f"0{n}_toy") for n in (2, 3)]
    with pytest.raises(ChapterFailed, match="ZeroDivisionError"):
        run_together([bad, *others], root=root)
    assert not (root / "ran").exists()


def test_all_failures_are_named(root, write, machine):
    machine(cores=2, memory_gb=24)
    chapters = [
        write("print(f", f"import time\ntime.sleep({s})\n1 / 0\nprint(f", slug=f"0{s}_toy") for s in (1, 2)
    ]
    with pytest.raises(ChapterFailed) as caught:
        run_together(chapters, root=root)
    assert all(f"0{s}_toy.md" in str(caught.value) for s in (1, 2))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_keyboard_ends_the_command_and_every_kernel(root, write):
    write(
        "print(f",
        f"import pathlib, time\npathlib.Path({str(root / 'began')!r}).touch()\ntime.sleep(600)\nprint(f",
    )
    code = f"import sys; from pathlib import Path; from book.tools.__main__ import main; sys.exit(main(['notebooks'], root=Path({str(root)!r})))"
    running = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    )
    while not (root / "began").exists():
        assert running.poll() is None
        time.sleep(0.1)
    kernels = psutil.Process(running.pid).children(recursive=True)
    assert kernels
    os.kill(running.pid, signal.SIGINT)
    assert running.wait(timeout=20) == 130
    assert running.stderr.read().strip().splitlines()[-1].startswith("stopped")
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert not alive


def test_lines_of_two_chapters_are_never_mixed(capsys):
    board = Board()
    (first, bar), (second, _) = board.speaker("01"), board.speaker("02")
    first("01: cell 1 ...")
    second("02: cell 1 ...")
    bar("\r 50%|")
    second(" 0.1 s\n")
    first(" 2.0 s\n")
    board.clear()
    assert capsys.readouterr().out == "02: cell 1 ... 0.1 s\n01: cell 1 ... 2.0 s\n"


def test_terminal_shows_what_each_is_busy_with(capsys):
    board = Board()
    board.is_live = True
    (first, bar), (second, _) = board.speaker("01"), board.speaker("02")
    first("01: cell 1 ...")
    bar("\r 50%| 5/10")
    second("02: cell 7 ...")
    assert capsys.readouterr().out.endswith("\r\x1b[K01: 50%| 5/10   02: cell 7 ...")
    first(" 2.0 s\n")
    board.clear()
    assert capsys.readouterr().out.endswith("\r\x1b[K")
