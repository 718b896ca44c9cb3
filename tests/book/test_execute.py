"""Running a chapter's code: once, live, and only when something changed."""

import re
from pathlib import Path

import pytest

from book.tools.chapter import find_chapters
from book.tools.execute import NO_INFLUENCE, ChapterFailed, execute, run_chapter, run_key
from mlmtutor.teach.chapters import read_chapter


@pytest.fixture
def say():
    """Collects what is said while a chapter runs."""

    class Said(list):
        def __call__(self, text: str) -> None:
            self.append(text)

    return Said()


def test_outputs_come_back_cell_by_cell(write, say):
    outputs = execute(write(), say=say)
    assert [[output.text for output in cell] for cell in outputs] == [[], ["film has 4 letters\n"]]


def test_progress_names_chapter_cell_heading_and_seconds(write, say):
    execute(write(), say=say)
    assert say[0] == "01_toy: cell 1 of 2 | How long is a word? ..."
    assert say[1].endswith(" s\n")
    assert say[2] == "01_toy: cell 2 of 2 | By hand ..."


def test_printing_in_pieces_gives_one_output(write, say):
    pieces = (
        "import sys, time\nfor i in range(3):\n    print(i)\n    sys.stdout.flush()\n    time.sleep(0.05)"
    )
    (first, _) = execute(
        write('word: str = "film"  # the word to measure', f'{pieces}\nword = "film"'), say=say
    )
    assert [output.text for output in first] == ["0\n1\n2\n"]


def test_bars_are_shown_live_and_kept_out_of_the_notebook(write, say):
    bar = """
import sys, time
from mlmtutor.model.progress import is_watched
from tqdm import tqdm
for _ in tqdm(range(3), mininterval=0, disable=not is_watched()):
    time.sleep(0.05)
print("a warning", file=sys.stderr)
"""
    (_, (kept,)) = execute(write("print(f", f"{bar}_ = (f"), say=say)
    assert kept.text.strip() == "a warning"
    assert any("3/3" in text for text in say)


def test_failing_cell_is_named_with_chapter_line_and_code(write, say):
    chapter = write("print(f", "missing = 1 / 0\nprint(f")
    with pytest.raises(ChapterFailed) as caught:
        execute(chapter, say=say)
    message = str(caught.value)
    assert message.startswith(f"book/chapters/01_toy.md:{chapter.code[1].line}: code cell 2 of 2 failed")
    assert "missing = 1 / 0" in message
    assert message.endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in message


def test_cell_that_kills_the_kernel_is_named(write, say):
    with pytest.raises(ChapterFailed, match=r"01_toy\.md:\d+: code cell 2 of 2 failed"):
        execute(write("print(f", "import os\nos._exit(1)\nprint(f"), say=say)


def test_chapter_leaves_no_files_behind(write, root, say, monkeypatch):
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    chapter = write("print(f", 'open("left.txt", "w").close()\nprint(f')
    execute(chapter, say=say)
    assert sorted(path for path in root.rglob("*") if path != chapter.path) == before


def test_second_run_uses_the_outputs_of_the_first(write, root, say):
    first = run_chapter(write(), root=root, say=say)
    say.clear()
    assert run_chapter(write(), root=root, say=say) == first
    assert say == ["01_toy: nothing it depends on changed since its last run\n"]


def test_failed_run_keeps_the_outputs_of_the_last_good_one(write, root, say):
    run_chapter(write(), root=root, say=say)
    kept = {path: path.read_bytes() for path in (root / "_build").rglob("*.*")}
    with pytest.raises(ChapterFailed):
        run_chapter(write("print(f", "1 / 0\nprint(f"), root=root, say=say)
    assert {path: path.read_bytes() for path in (root / "_build").rglob("*.*")} == kept


def test_change_of_prose_alone_does_not_run_a_chapter_again(write, root):
    assert run_key(write(), root=root) == run_key(
        write("Count the letters", "Letters are counted"), root=root
    )


def test_change_of_code_package_pins_or_profile_runs_a_chapter_again(write, root, monkeypatch):
    keys = [run_key(write(), root=root), run_key(write("has {len", "got {len"), root=root)]
    (root / "mlmtutor" / "masking.py").write_text("RATE = 0.2\n")
    keys.append(run_key(write(), root=root))
    (root / "constraints.txt").write_text("torch==2.13.0\n")
    keys.append(run_key(write(), root=root))
    monkeypatch.setenv("MLMTUTOR_PROFILE", "another")
    keys.append(run_key(write(), root=root))
    assert len(set(keys)) == len(keys)


def test_no_chapter_imports_what_is_said_to_have_no_influence():
    assert {"teach", "cli.py"} <= NO_INFLUENCE
    imports = re.compile(r"mlmtutor(\.| import )(cli|teach)|-m mlmtutor|mlmtutor (run|sweep|params)\b")
    for path in find_chapters(Path(__file__).resolve().parents[2]):
        for cell in read_chapter(path).code:
            assert not imports.search(cell.source), f"{path.name}, line {cell.line}"
