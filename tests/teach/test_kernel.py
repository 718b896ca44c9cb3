"""What a submission may not do: it costs its author points, and nobody else anything."""

import pytest

from tests.teach.test_commands import run
from tests.teach.toy_assignment import hand_in, make_homework, place_toy, read_grades

BAD = {  # what a submission does in the cell of 1.2, after a right answer to 1.1: what is said of it
    "loops for ever": ("while True:\n    pass", "took longer than 3 s"),
    "loops and will not be stopped": (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
        "took longer",
    ),
    "ends the kernel": ("import os\nos._exit(0)", "the kernel ended"),
    "leaves": ("exit()", "the kernel ended"),
    "leaves in another way": ("import sys\nsys.exit()", "SystemExit"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "the kernel ended"),
    "prints 2 GB": ("for _ in range(20):\n    print('x' * 10**8)", "more than 1,000,000 characters were printed"),
    "shows 10 MB": ("'x' * 10**7", "not"),
    "takes all memory": ("import numpy as np\nblock = np.ones(10**10)", "Unable to allocate"),
    "opens the net": ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')", "there is no network"),
    "starts a program": ("import subprocess\nsubprocess.run(['true'])", "no other program can be started"),
    "starts a program by a magic": ("!true", "no other program"),
    "starts another Python": (
        "import multiprocessing\nfrom pathlib import Path\n"
        "multiprocessing.get_context('spawn').Pool(1).apply(Path.read_text, [Path(KEY)])",
        "no other program",
    ),
    "ends the marker": ("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", "no signal can be sent"),
    "reads the answers": (
        "from mlmtutor.teach.assignments.source import PLACES\nfrom pathlib import Path\n"
        "[path.read_text() for place in PLACES for path in Path(place).glob('*.md')]",
        "cannot be read",
    ),
    "reads the chapter": ("from mlmtutor.teach.sources import find_source\nfind_source('1').read_text()", "cannot be read"),
    "reads the key": ("open(KEY).read()", "key.json cannot be read"),
    "reads another's": ("open(OTHER).read()", "bob.ipynb cannot be read"),
    "writes over another's": ("open(OTHER, 'w').write('')", "bob.ipynb cannot be changed"),
    "removes another's": ("import os\nos.remove(OTHER)", "bob.ipynb cannot be changed"),
    "moves another's": ("import os\nos.rename(OTHER, 'mine')", "bob.ipynb cannot be changed"),
    "replaces the comparison": (
        "import mlmtutor.exercises\nmlmtutor.exercises.means = lambda *a, **k: True\ndef double(text):\n    return None",
        "not answered",
    ),
    "returns what is not an answer": ("def double(text):\n    return object()", "What is twice a word?"),
    "returns too much": ("def double(text):\n    return [0] * 10**6", "at most 1,000,000 characters"),
    "returns itself": ("def double(text):\n    found = []\n    found.append(found)\n    return found", "1.2: "),
    "asks the teacher": ("input('how?')", "StdinNotImplementedError"),
    "does not parse": ("def double(text)", "SyntaxError"),
}  # fmt: skip


@pytest.fixture(scope="module")
def marked(tmp_path_factory) -> dict[str, dict[str, str]]:
    """The grades of a class whose students hand in all of these, and of Bob, who does well."""
    folder = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch:
        place_toy(folder, patch)
        homework = make_homework(folder, ["bob", *BAD])
        other = hand_in(homework, "bob")
        content = other.read_bytes()
        for case, (code, _) in BAD.items():
            code = code.replace("KEY", repr(str(homework / "instructor" / "key.json")))
            hand_in(homework, case, e2=code.replace("OTHER", repr(str(other))))
        assert run("grade", "homework", "-j", 2, "--seconds", 3)[0] == 0
        assert other.read_bytes() == content
        return {row["student"]: row for row in read_grades(homework).values()}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_submission_costs_its_author_points(marked, case):
    row = marked[case]
    assert (row["1.1"], row["1.2"]) == ("2", "0"), row
    assert BAD[case][1] in row["messages"]


def test_bad_submissions_cost_nobody_else_anything(marked):
    assert (marked["bob"]["points"], marked["bob"]["messages"]) == ("4", "")
