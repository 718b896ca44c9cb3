"""Files of a checkpoint that are missing, damaged or dangerous: one line each, and nothing of them runs."""

import json
import pickle
import struct

import pytest
import torch
from transformers import DistilBertForMaskedLM

from mlmtutor import load_model, load_tokenizer
from mlmtutor.testing import tiny_tokenizer
from tests.hub.test_load import CONFIG

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 440449768\n"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "tiny"
    DistilBertForMaskedLM(CONFIG).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def change_config(folder, **values):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def message_of(load, source):
    with pytest.raises((OSError, ValueError)) as error:
        load(source)
    message = str(error.value)
    assert message.isprintable() and len(message) <= 300
    return message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (POINTER, "found a Git LFS pointer: run `git lfs pull` in that folder"),
        (b"", "found it empty: copy or download it again"),
        (b"<!DOCTYPE html><html>", "found a web page"),
        (b"\x00\x01garbage", "found it cut off or damaged"),
        (struct.pack("<Q", 2**60) + b"{}", "found it cut off or damaged"),
        (struct.pack("<Q", 2) + b"{}" + b"rest", "found it cut off or damaged"),
        ("half", "found it cut off or damaged"),
        (pickle.dumps({"weights": 1}), "found it cut off or damaged"),
    ],
)
def test_damaged_weights_are_named(folder, content, words):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    message = message_of(load_model, folder)
    assert words in message and "model.safetensors" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1, 2]", "expected a JSON object in .*config.json', found a list"),
        ("{", "expected JSON in .*config.json', found it damaged"),
        ("[" * 100_000, "expected JSON in .*config.json', found it damaged"),
        ("", "expected config.json in .*, found it empty"),
        ("\x00", "expected JSON"),
        (POINTER.decode(), "Git LFS pointer"),
    ],
)
def test_damaged_configuration_is_named(folder, content, words):
    (folder / "config.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        load_model(folder)


@pytest.mark.parametrize(
    "values",
    [{"dim": "thirty"}, {"dim": None}, {"n_heads": 0}, {"dim": -1}, {"model_type": 3}, {"model_type": None},
     {"n_layers": []}, {"vocab_size": 1.5}, {"activation": "no such"}],
)  # fmt: skip
def test_wrong_values_in_the_configuration_are_one_line(folder, values):
    change_config(folder, **values)
    message_of(load_model, folder)


def test_missing_files_are_named(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    assert "expected model.safetensors in" in message_of(load_model, folder)
    assert "found no weights" in message_of(load_model, folder)
    (tmp_path / "empty").mkdir()
    assert "expected config.json in" in message_of(load_model, tmp_path / "empty")
    assert "expected a tokenizer (tokenizer.json or vocab.txt)" in message_of(
        load_tokenizer, tmp_path / "empty"
    )


def test_a_folder_without_tokenizer_files_has_no_tokenizer(folder):
    for file in folder.glob("*token*"):
        file.unlink()
    assert "expected a tokenizer" in message_of(load_tokenizer, folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", POINTER, b'{"version": "1.0"}'])
def test_damaged_tokenizer_is_one_line(folder, content):
    (folder / "tokenizer.json").write_bytes(content)
    message_of(load_tokenizer, folder)


def test_an_empty_vocabulary_is_no_tokenizer(folder):
    for file in folder.glob("*token*"):
        file.unlink()
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    assert "only special tokens" in message_of(load_tokenizer, folder)


class Bomb:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_weights_are_not_read(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt"):
        (folder / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    message = message_of(load_model, folder)
    assert "found pickled weights" in message and "refs/convert/safetensors" in message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name",
    ["weights.bin", "../other/model.safetensors", "/etc/model.safetensors", "sub/model.safetensors", "a\\b.safetensors",
     "", 3, None],
)  # fmt: skip
def test_an_index_may_name_safetensors_of_its_folder_only(folder, tmp_path, name):
    weights = dict.fromkeys(DistilBertForMaskedLM(CONFIG).state_dict(), name)
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "weights.bin")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    assert "expected names of .safetensors files" in message_of(load_model, folder)


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, {"weight_map": None}])
def test_an_index_of_another_form_is_one_line(folder, index):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    message_of(load_model, folder)


def test_a_checkpoint_in_parts_is_loaded_and_a_missing_part_is_named(tmp_path):
    DistilBertForMaskedLM(CONFIG).save_pretrained(tmp_path, max_shard_size="5KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    load_model(tmp_path)
    (tmp_path / "model-00002-of-00003.safetensors").unlink(missing_ok=True)
    sorted(tmp_path.glob("model-*.safetensors"))[0].unlink()
    assert "expected model-0000" in message_of(load_model, tmp_path)


@pytest.mark.parametrize("kind", ["no-such-architecture", "distilbert"])
def test_code_of_a_checkpoint_never_runs_and_nobody_is_asked(folder, tmp_path, kind, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *args: "y")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    auto = {"AutoConfig": "evil.C", "AutoModelForMaskedLM": "evil.M", "AutoTokenizer": ["evil.T", "evil.T"]}
    change_config(folder, model_type=kind, auto_map=auto)
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"auto_map": auto}))
    if kind == "distilbert":
        load_model(folder)
    else:
        assert "which needs code of its own" in message_of(load_model, folder)
    try:
        load_tokenizer(folder)
    except ValueError as error:
        assert str(error).isprintable()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "key", ["_attn_implementation", "attn_implementation", "_attn_implementation_internal"]
)
def test_attention_code_named_by_a_checkpoint_is_ignored(folder, key):
    change_config(folder, **{key: "kernels-community/flash-attn"})
    assert load_model(folder).config._attn_implementation in ("sdpa", "eager")


def test_an_adapter_is_no_model(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/else"}')
    assert "found an adapter" in message_of(load_model, folder)
