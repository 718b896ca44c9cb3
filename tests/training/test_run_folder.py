"""Whatever a killed process left in an output folder, the next one finds its way; and nothing of others is touched."""

import json

import numpy as np
import pytest
from filelock import FileLock

from mlmtutor.training.checkpoints import checksum_files, seal
from mlmtutor.training.run_folder import open_run_folder

IDENTITY = {"seed": 0, "texts": "f3" * 32}


def begin(folder, *, checkpoint=True, identity=IDENTITY):
    """Leave what a killed process leaves."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "identity.json").write_text(json.dumps(identity))
    if checkpoint:
        (folder / "checkpoints" / "checkpoint-7").mkdir()
        seal(folder / "checkpoints" / "checkpoint-7")


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "left",
    [
        [],
        [".lock"],
        ["checkpoints/"],
        ["checkpoints/.identity.json.17.unfinished"],
        [".writing/", ".writing/model.safetensors", "checkpoints/"],
        [".removing/", ".removing/checkpoint-1/"],
    ],
)
def test_what_was_killed_early_is_begun_again(left, tmp_path):
    for name in left:
        path = tmp_path / "out" / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    with open_run_folder(tmp_path / "out") as folder:
        folder.claim(IDENTITY)
        assert listing(folder.path) == [".lock", "checkpoints", "checkpoints/identity.json"]
    assert not (tmp_path / "out").exists() or listing(tmp_path / "out") == []


def test_a_run_goes_on_and_another_is_refused(tmp_path):
    begin(tmp_path)
    before = listing(tmp_path)
    with open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY)
    with (
        pytest.raises(
            FileExistsError, match="broke off in .* after step 7, found seed 1 for 0: start over with"
        ),
        open_run_folder(tmp_path) as folder,
    ):
        folder.claim(IDENTITY | {"seed": 1})
    assert listing(tmp_path) == before
    with open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY | {"seed": 1}, restart=True)
        assert "checkpoints/checkpoint-7" not in listing(tmp_path)


def test_without_a_checkpoint_nothing_is_lost_by_another_run(tmp_path):
    begin(tmp_path, checkpoint=False)
    with open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY | {"seed": 1})
        assert json.loads((folder.checkpoints / "identity.json").read_text())["seed"] == 1


def test_what_was_made_is_remembered_until_it_is_damaged(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"ids": np.arange(6).reshape(2, 3)}, {"texts": 4}

    for expected in (1, 1):
        with pytest.raises(KeyboardInterrupt), open_run_folder(tmp_path) as folder:
            folder.claim(IDENTITY)
            arrays, facts = folder.remember("prepared", make)
            assert (arrays["ids"].tolist(), facts) == ([[0, 1, 2], [3, 4, 5]], {"texts": 4})
            raise KeyboardInterrupt
        assert len(made) == expected
    (tmp_path / "checkpoints" / "prepared" / "facts.json").write_text("{}")
    with open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY)
        assert folder.remember("prepared", make)[1] == {"texts": 4}
    assert len(made) == 2


def test_input_that_is_refused_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="no good"), open_run_folder(tmp_path / "out") as folder:
        folder.claim(IDENTITY)
        folder.remember("prepared", lambda: ({"ids": np.arange(2)}, {}))
        raise ValueError("no good")
    assert not (tmp_path / "out").exists()


def test_a_second_run_is_kept_out_and_changes_nothing(tmp_path):
    begin(tmp_path)
    (tmp_path / ".writing").mkdir()
    with FileLock(tmp_path / ".lock"):
        before = listing(tmp_path)
        with (
            pytest.raises(FileExistsError, match="another run at work"),
            open_run_folder(tmp_path),
        ):
            pass
        assert listing(tmp_path) == before


def test_only_the_first_process_of_several_changes_anything(tmp_path, monkeypatch):
    begin(tmp_path)
    before = listing(tmp_path)
    monkeypatch.setenv("RANK", "1")
    with FileLock(tmp_path / ".lock"), open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY, restart=True)
        folder.remember("prepared", lambda: ({"ids": np.arange(2)}, {}))
    assert [name for name in listing(tmp_path) if name != ".lock"] == before


def finish(folder):
    """Leave a complete result."""
    (folder / "model.safetensors").write_bytes(b"weights")
    files = checksum_files(folder)
    (folder / "run.json").write_text(json.dumps({"files": files}))
    (folder / "report.json").write_text(json.dumps({"digests": {"texts": "f3"}, "settings": {"masking": {}}}))


def test_a_complete_result_is_found_and_a_damaged_one_is_not_taken_for_it(tmp_path):
    finish(tmp_path)
    with open_run_folder(tmp_path) as folder:
        assert folder.find_result()["digests"] == {"texts": "f3"}
    for spoil, found in (
        (lambda: (tmp_path / "model.safetensors").write_bytes(b"weight"), "model.safetensors was changed"),
        (lambda: (tmp_path / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda: (tmp_path / "run.json").unlink(), "run.json is missing"),
    ):
        spoil()
        with (
            pytest.raises(FileExistsError, match=f"{found}: start over with --restart"),
            open_run_folder(tmp_path) as folder,
        ):
            folder.find_result()


def test_a_restart_that_is_killed_at_once_keeps_the_result_and_can_be_repeated(tmp_path):
    finish(tmp_path)
    with pytest.raises(KeyboardInterrupt), open_run_folder(tmp_path):
        raise KeyboardInterrupt
    with open_run_folder(tmp_path) as folder:
        assert folder.find_result() is not None
    (tmp_path / "checkpoints").mkdir()  # killed by the system just after it was made
    with open_run_folder(tmp_path) as folder:
        folder.claim(IDENTITY, restart=True)
    with open_run_folder(tmp_path) as folder:
        assert folder.find_result() is not None


def test_folders_that_were_made_for_nothing_are_removed(tmp_path):
    with pytest.raises(ValueError, match="no good"), open_run_folder(tmp_path / "x" / "y" / "z"):
        raise ValueError("no good")
    assert listing(tmp_path) == []


def test_what_another_run_has_kept_is_not_taken(tmp_path):
    for number, seed in enumerate((0, 1)):
        with pytest.raises(KeyboardInterrupt), open_run_folder(tmp_path) as folder:
            folder.claim(IDENTITY)
            folder.key = (
                f"run of seed {seed}"  # as another process may, before the first has cleared the folder
            )
            assert folder.remember("prepared", lambda n=number: ({"ids": np.array([n])}, {}))[0]["ids"] == [
                number
            ]
            raise KeyboardInterrupt
