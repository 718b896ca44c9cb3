"""Checkpoints are taken for whole only if they are, and what cannot be written is named."""

import json
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor.testing import tiny_model
from mlmtutor.training.checkpoints import (
    check_space,
    disk_errors_named,
    find_checkpoint,
    find_damage,
    read_json,
    seal,
    write_json,
)


def make_checkpoint(folder, step, *, sealed=True):
    path = folder / f"checkpoint-{step}"
    (path / "below").mkdir(parents=True)
    (path / "weights").write_bytes(bytes(range(100)))
    (path / "below" / "state").write_text(f"step {step}")
    if sealed:
        seal(path)
    return path


def test_the_last_whole_checkpoint_is_found(tmp_path, caplog):
    assert find_checkpoint(tmp_path) == (0, None)
    made = [make_checkpoint(tmp_path, step) for step in (20, 100, 9)]
    make_checkpoint(tmp_path, 300, sealed=False)
    (tmp_path / "checkpoint-abc").mkdir()
    assert find_checkpoint(tmp_path) == (100, made[1])
    assert "damaged" not in caplog.text  # one that was not finished is no surprise
    (made[1] / "weights").write_bytes(b"short")
    assert find_checkpoint(tmp_path) == (20, made[0])
    assert "checkpoint-100 is damaged (weights was changed) and is passed over" in caplog.text


@settings(deadline=None, derandomize=True, max_examples=50)
@given(at=st.integers(0, 99), bit=st.integers(0, 7))
def test_one_bit_is_noticed(tmp_path_factory, at, bit):
    path = make_checkpoint(tmp_path_factory.mktemp("run"), 1)
    assert find_damage(path) is None
    content = bytearray((path / "weights").read_bytes())
    content[at] ^= 1 << bit
    (path / "weights").write_bytes(bytes(content))
    assert find_damage(path) == "weights was changed"


@pytest.mark.parametrize(
    ("spoil", "damage"),
    [
        (lambda path: (path / "below" / "state").unlink(), "below/state is missing"),
        (lambda path: (path / "more").touch(), "more was added"),
        (lambda path: (path / "checksums.json").write_text("{"), "it was not finished"),
        (lambda path: (path / "checksums.json").unlink(), "it was not finished"),
        (lambda path: shutil.rmtree(path), "it was not finished"),
    ],
)
def test_damage_is_named(spoil, damage, tmp_path):
    path = make_checkpoint(tmp_path, 1)
    spoil(path)
    assert find_damage(path) == damage


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.integers() | st.text(st.characters(codec="utf-8"))
    )
)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, value)
    assert read_json(path) == value
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"null"])
def test_json_that_is_no_object_is_none(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    assert read_json(tmp_path / "a.json") is None
    assert read_json(tmp_path / "none.json") is None


def test_json_is_replaced_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    write_json(tmp_path / "a.json", {"old": 1})

    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match=r"cannot write a.json to .* MB are free there\): .*No space left"):
        write_json(tmp_path / "a.json", {"new": 2})
    assert json.loads((tmp_path / "a.json").read_text()) == {"old": 1}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space"), RuntimeError("unexpected pos 64 vs 10"), RuntimeError("x" * 999)]
)
def test_whatever_a_library_raises_the_folder_is_named(error, tmp_path):
    with (
        pytest.raises(OSError, match="cannot write a checkpoint to ") as caught,
        disk_errors_named("a checkpoint", tmp_path),
    ):
        raise error
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), KeyError("a bug"), RuntimeError("CUDA out of memory")]
)
def test_what_is_no_fault_of_the_disk_is_not_called_one(error, tmp_path):
    with pytest.raises(type(error)) as caught, disk_errors_named("a checkpoint", tmp_path):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(("num_steps", "copies"), [(1, 4), (100, 4), (101, 7), (10_000, 10)])
def test_space_is_asked_for_before_it_is_needed(num_steps, copies, tmp_path, monkeypatch):
    model = tiny_model()
    needed = copies * sum(weight.nbytes for weight in model.state_dict().values())
    for free in (needed, needed - 1):
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path, free=free: shutil._ntuple_diskusage(0, 0, free)
        )
        if free >= needed:
            check_space(tmp_path, model, num_steps=num_steps)
        else:
            with pytest.raises(OSError, match="MB of space for checkpoints and the model"):
                check_space(tmp_path, model, num_steps=num_steps)
