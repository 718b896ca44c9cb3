"""The commands params, run and sweep: what they refuse, what they keep, and how they end."""

import json
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import nbformat
import pytest
from papermill import inspect_notebook

from mlmtutor.cli import main
from mlmtutor.teach import commands
from mlmtutor.teach.sources import read_table
from tests.teach.toy import ROOT


def run(*arguments):
    """Run the command; return exit status, standard output and standard error."""
    status = 0
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        try:
            main(list(map(str, arguments)))
        except SystemExit as end:
            status = end.code
    return status, output.getvalue(), errors.getvalue()


@pytest.mark.parametrize("name", ["3", "03", "03_chunking", "chunking", "Chunking", "03_chunking.ipynb"])
def test_a_chapter_is_named_by_any_part_of_its_name(name):
    status, printed, _ = run("params", name)
    assert status == 0
    assert printed.splitlines()[0] == "03_chunking"
    assert "8 to 512" in printed


def test_all_chapters_are_listed_in_either_language():
    status, printed, _ = run("params", "--lang", "zh")
    assert status == 0
    assert [line for line in printed.splitlines() if line and line[0] != " "] == list(read_table())
    assert "每个文本块的词元数" in printed and "8 到 512" in printed


@pytest.mark.parametrize("slug", read_table())
def test_papermill_sees_what_is_listed(slug):
    listed = json.loads(run("params", slug, "--json")[1])[slug]
    seen = inspect_notebook(str(ROOT / "book" / "en" / f"{slug}.ipynb"))
    assert list(seen) == list(listed)
    for name, facts in seen.items():
        assert facts["inferred_type_name"] == listed[name]["type"]
        assert facts["help"] == listed[name]["en"]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["params", "chunkin"], ["no chapter 'chunkin', the nearest is 03_chunking; there are: 01_fill_mask, "]),
        (["run", "02"], ["no chapter '02', the nearest is 01_toy; there are: 01_toy"]),
        (["run", "toy", "-p", "time=3"], ["01_toy has no parameter 'time', the nearest is times; there are: word, times, "]),
        (["run", "toy", "-p", "times=64.5"], ["times must be a whole number, got '64.5'"]),
        (["run", "toy", "-p", "times=big"], ["times must be a whole number, got 'big'"]),
        (["run", "toy", "-p", "times="], ["times must be a whole number, got ''"]),
        (["run", "toy", "-p", "rate=0,5"], ["rate must be a number, got '0,5'"]),
        (["run", "toy", "-p", "rate=nan"], ["rate must be finite, got 'nan'"]),
        (["run", "toy", "-p", "rate=0"], ["rate must be above 0, got '0'"]),
        (["run", "toy", "-p", "times=10"], ["times must be 1 to 9, got '10'"]),
        (["run", "toy", "-p", "times"], ["-p must be followed by NAME=VALUE, got 'times'"]),
        (["run", "toy", "-p", "times=1", "-p", "times=2"], ["times is given 2 times: for several values there is "]),
        (["run", "toy", "--profile", "mini"], ["01_toy has no parameter 'PROFILE', the nearest is "]),
        (["run", "toy", "-o", "out.txt"], ["expected a name that ends in .ipynb for the notebook, got 'out.txt'"]),
        (["run", "toy", "-o", "/"], ["expected a name that ends in .ipynb for the notebook, got '/'"]),
        (["run", "toy", "-o", "folder.ipynb"], ["expected a file for the notebook, found the folder 'folder.ipynb'"]),
        (["run", "toy", "-o", "mine.ipynb"], ["'mine.ipynb' is there and was not written by this command: "]),
        (["run", "toy", "-o", "mine.ipynb/a.ipynb"], ["cannot write to 'mine.ipynb/a.ipynb': "]),
        (["run", "toy", "-o", "/proc/a.ipynb"], ["cannot write to '/proc/a.ipynb': "]),
        (
            ["run", "toy", "-p", "tims=1", "-p", "times=0", "-p", "rate=x"],
            ["01_toy has no parameter 'tims'", "times must be 1 to 9, got '0'", "rate must be a number, got 'x'"],
        ),
        (["sweep", "toy", "-p", "times=1,x,12"], ["times must be a whole number, got 'x'", "times must be 1 to 9, got '12'"]),
        (["sweep", "toy", "-p", "seed=3..1"], ["seed: expected a range of 1 to 1,000 values, got '3..1'"]),
        (["sweep", "toy", "-p", "seed=1..999", "-p", "times=1,2"], ["expected at most 1,000 runs, got more"]),
        (["sweep", "toy", "-p", "rate=1..3"], ["rate must be a number, got '1..3'"]),
        (["sweep", "toy", "-j", "0"], ["jobs must be in [1, 64], got 0"]),
        (["sweep", "toy", "-o", "mine.ipynb"], ["cannot write to 'mine.ipynb': "]),
    ],
)  # fmt: skip
def test_bad_input_is_refused_all_at_once_before_a_kernel_starts(
    arguments, lines, write, tmp_path, monkeypatch
):
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "mine.ipynb").write_text('{"cells": []}')
    if arguments[0] == "params":
        monkeypatch.undo()
    monkeypatch.setattr("papermill.execute_notebook", lambda *args, **named: pytest.fail("a kernel"))
    before = sorted(tmp_path.rglob("*"))
    status, printed, errors = run(*arguments)
    assert status == 1 and printed == ""
    assert len(errors.splitlines()) == len(lines), errors
    for line, expected in zip(errors.splitlines(), lines, strict=True):
        assert line.startswith(f"mlmtutor: {expected}")
    assert sorted(tmp_path.rglob("*")) == before


def test_rules_that_join_parameters_are_checked_before_a_kernel_starts(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("papermill.execute_notebook", lambda *args, **named: pytest.fail("a kernel"))
    monkeypatch.setenv("MLMTUTOR_PROFILE", "mini")
    status, _, errors = run("run", "9", "-p", "batch_size=3")
    assert status == 1 and errors.startswith("mlmtutor: batch_size must be even and divide train_size, got 3")
    status, _, errors = run("sweep", "9", "-p", "batch_size=4,3")
    assert status == 1 and errors.startswith("mlmtutor: batch_size=3: batch_size must be even")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_refused_before_a_kernel_starts(write, monkeypatch):
    def fsync(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    status, _, errors = run("run", "toy", "-o", "out.ipynb")
    assert (status, errors) == (1, "mlmtutor: cannot write to 'out.ipynb': No space left on device\n")


def test_missing_packages_are_one_line_with_the_command(write, monkeypatch):
    monkeypatch.setattr(
        commands, "find_spec", lambda name: None if name in ("papermill", "ipykernel") else name
    )
    for command in ("run", "sweep"):
        status, _, errors = run(command, "toy")
        assert status == 1
        assert errors == (
            "mlmtutor: to run chapters, expected papermill, ipykernel, found none: pip install papermill ipykernel\n"
        )
    assert run("params", "--json")[0] == 0


def test_a_run_keeps_notebook_and_results(write, tmp_path):
    status, printed, errors = run(
        "run", "toy", "-p", "word=电影", "-p", "seed=1", "--lang", "zh", "-o", "a{b}/c.ipynb"
    )
    assert status == 0, errors
    assert printed.splitlines()[0] == "letters 5 -> 0.5"
    assert [line.rpartition(" | ")[0] for line in errors.splitlines()] == [
        "cell 1 of 3 | 一个词有多长？", "cell 2 of 3 | 一个词有多长？", "cell 3 of 3 | 手工计算",
    ]  # fmt: skip
    notebook = nbformat.read(tmp_path / "a{b}" / "c.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.papermill.parameters == {"word": "电影", "seed": 1}
    assert "手工计算" in notebook.cells[3].source
    found = json.loads((tmp_path / "a{b}" / "result.json").read_text(encoding="utf-8"))
    assert found["parameters"] == {"word": "电影", "times": 2, "rate": 0.5, "seed": 1}
    assert found["metrics"] == {"letters before": 5, "letters after": 0.5}
    assert (found["chapter"], found["lang"], found["seed"]) == ("01_toy", "zh", 1)
    assert found["versions"]["mlmtutor"] and found["seconds"] > 0


def test_results_of_two_notebooks_in_a_folder_are_both_kept(write, tmp_path):
    assert run("run", "toy", "-o", "one.ipynb", "-p", "seed=1")[0] == 0
    assert run("run", "toy", "-o", "two.ipynb", "-p", "seed=2")[0] == 0
    seeds = {path.name: json.loads(path.read_text())["seed"] for path in tmp_path.glob("*.json")}
    assert seeds == {"one.result.json": 1, "result.json": 2}


def test_an_empty_notebook_of_a_broken_write_is_written_again(write, tmp_path):
    (tmp_path / "one.ipynb").touch()
    assert run("run", "toy", "-o", "one.ipynb")[0] == 0


def test_the_profile_is_decided_once(write, tmp_path, monkeypatch):
    write("seed: int = 0  # of nothing", 'PROFILE: str = "auto"  # of models\nseed: int = 0  # of nothing')
    monkeypatch.setenv("MLMTUTOR_PROFILE", "mini")
    assert run("run", "toy", "-o", "one.ipynb")[0] == 0
    assert json.loads((tmp_path / "result.json").read_text())["parameters"]["PROFILE"] == "mini"


def test_a_chapter_that_changes_while_it_runs_is_not_taken_for_the_new_one(write, tmp_path):
    write("import sys, time", "import sys\nopen('chapters/01_toy.md', 'a').write(' ')")
    run("sweep", "toy", "-p", "times=1,2", "-o", "out")
    rows = (tmp_path / "out" / "sweep.csv").read_text().splitlines()
    assert "the chapter has changed since the sweep began" in rows[2]
    assert run("sweep", "toy", "-p", "times=1,2", "-o", "out")[2].startswith(
        "[1 of 2]"
    )  # nothing of it is done


def test_the_packages_are_those_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [line.partition(">")[0] for line in project["optional-dependencies"]["teach"]] == list(
        commands.PACKAGES
    )


def test_a_failing_cell_is_shown_and_what_ran_is_kept(write, tmp_path):
    write("import sys, time", "raise ValueError('no such word')")
    (tmp_path / "result.json").write_text('{"has_result": true}')
    status, printed, errors = run("run", "toy", "-o", "out.ipynb")
    assert (status, printed) == (1, "")
    assert len(errors.splitlines()) < 25
    assert "cell 2 of 2 | By hand\n\nCell In[2], line 1\n----> 1 raise ValueError('no such word')" in errors
    assert errors.splitlines()[-1] == (
        "mlmtutor: cell In [2] raised ValueError: no such word; what ran is in 'out.ipynb'"
    )
    assert "ValueError" in (tmp_path / "out.ipynb").read_text()
    assert not (tmp_path / "result.json").exists()  # of an earlier run


def wait_for(path, text):
    deadline = time.monotonic() + 60
    while not (path.exists() and text in path.read_text(errors="replace")):
        assert time.monotonic() < deadline, f"no {text!r} in {path}"
        time.sleep(0.2)


def is_running(process_id):
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


SLEEPS = """import os, sys, time
open('kernel', 'a').write(f'{os.getpid()} ')
if word == 'slow' and not os.path.exists('hurry'): time.sleep(200)
assert word != 'bad', 'a bad word'"""


@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_keeps_what_ran_and_leaves_no_kernel(sent, expected, write, start, tmp_path):
    write("import sys, time", SLEEPS)
    process = start("run", "toy", "-p", "word=slow", "-o", "out.ipynb")
    wait_for(tmp_path / "kernel", " ")
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == expected
    assert errors.splitlines()[-1] == "mlmtutor: stopped; what ran is in 'out.ipynb'"
    assert "Traceback" not in errors
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[1].execution_count == 1
    assert not is_running(int((tmp_path / "kernel").read_text()))


def test_a_sweep_goes_on_after_failure_and_interrupt_and_repeats_nothing(write, start, tmp_path):
    write("import sys, time", SLEEPS)
    values = ["sweep", "toy", "-p", "word=bad", "-p", "word=go", "-p", "word=slow", "-j", "2", "-o", "out"]
    process = start(*values)
    wait_for(tmp_path / "out" / "sweep.csv", "go,done")
    while len(kernels := (tmp_path / "kernel").read_text().split()) < 3:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == (
        "mlmtutor: stopped; 1 of 3 runs are done; the same command goes on where it broke off"
    )
    assert not any(is_running(int(kernel)) for kernel in kernels)

    (tmp_path / "hurry").touch()
    before = (tmp_path / "out" / "word=go.ipynb").stat().st_mtime_ns
    status, _, errors = run(*values)
    assert status == 1
    assert errors.splitlines()[0] == "1 of 3 runs are done already"
    assert errors.splitlines()[-1].startswith(
        "mlmtutor: 1 of 3 runs failed, their errors are in 'out/sweep.csv'"
    )
    assert (tmp_path / "out" / "word=go.ipynb").stat().st_mtime_ns == before
    rows = (tmp_path / "out" / "sweep.csv").read_text().splitlines()
    assert rows[0] == "word,status,seconds,letters before,letters after,notebook,error"
    assert rows[1].startswith("bad,failed,,,,word=bad.ipynb,cell In [3] raised AssertionError: a bad word")
    assert rows[3].startswith("slow,done,") and ",8,0.5,word=slow.ipynb," in rows[3]


@pytest.mark.parametrize("has_result", [True, False])
def test_a_sweep_says_where_everything_is(has_result, write, monkeypatch):
    def finish(sweep, **options):
        for one in sweep.runs:
            one.found = {"metrics": {}, "has_result": has_result}

    monkeypatch.setattr("mlmtutor.teach.sweep.Sweep.run", finish)
    status, printed, _ = run("sweep", "toy", "-o", "out")
    first = (
        "table, figure and notebooks:"
        if has_result
        else "this chapter prints no result; the notebooks are in"
    )
    assert (status, printed) == (0, f"{first} 'out'\n")


def test_the_command_loads_what_runs_notebooks_only_when_it_runs_one():
    heavy = "{'papermill', 'nbclient', 'jupytext', 'nbformat', 'matplotlib'}"
    code = f"import sys, mlmtutor.cli; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
