"""The table of grades, and a marking that broke off."""

import signal
import time
from pathlib import Path

from mlmtutor.teach.assignments.grade import Gradebook
from mlmtutor.teach.assignments.session import Limits
from tests.teach.test_commands import run
from tests.teach.toy_assignment import hand_in, read_grades


def test_points_and_messages_come_in_a_table(homework):
    hand_in(homework, "ada", e1="length = 5_000\npart = f'{50 + size / 1_000} %'")
    status, printed, _ = run("grade", "homework")
    assert status == 0 and "1 submission marked, 3.0 points on average" in printed
    grades = read_grades(homework)
    assert list(grades["ada.ipynb"].values())[2:] == ["3", "4", "1", "2", "1.1: not 5000: Count once more."]
    assert grades["bob"]["points"] == "0" and grades["bob"]["messages"] == "nothing was handed in"


def test_only_what_is_new_or_was_changed_is_marked_again(homework):
    hand_in(homework, "ada")
    assert "[1 of 1] ada" in run("grade", "homework")[2]
    hand_in(homework, "bob")
    errors = run("grade", "homework")[2]
    assert "1 of 2 are marked already" in errors and "[2 of 2] bob" in errors
    hand_in(homework, "ada", e2="")
    assert "[2 of 2] ada: 2 of 4" in run("grade", "homework")[2]


def test_an_interrupt_loses_nothing_and_leaves_no_kernel(homework, monkeypatch):
    import psutil

    hand_in(homework, "ada")
    hand_in(homework, "bob", e2="import time\ntime.sleep(30)")
    write = Gradebook.write

    def stop_after(self):
        write(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Gradebook, "write", stop_after)
    status, _, errors = run("grade", "homework")
    assert (
        status == 130
        and errors.splitlines()[-1] == "mlmtutor: stopped; the same command goes on where it broke off"
    )
    monkeypatch.setattr(Gradebook, "write", write)
    assert Gradebook(Path("homework"), None, limits=Limits()).load() == 1
    end = time.monotonic() + 20
    while kernels := [
        one
        for one in psutil.Process().children(recursive=True)
        if "assignments.kernel" in " ".join(one.cmdline())
    ]:
        assert time.monotonic() < end, kernels
        time.sleep(0.2)


def test_a_cell_that_a_spreadsheet_would_run_is_defused(homework):
    hand_in(homework, "ada", file="=HYPERLINK(1).ipynb")
    run("grade", "homework", "--submissions", homework / "submissions")
    text = (homework / "grades.csv").read_text(encoding="utf-8")
    assert ",'=HYPERLINK(1).ipynb," in text
