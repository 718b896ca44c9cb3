"""Uploading: what must be there, and where a token never goes. Nothing is sent anywhere."""

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import filter_repo_objects

from mlmtutor import upload_model
from mlmtutor.hub.upload import NEEDED_TO_SHARE


class Recorder:
    """Stands in for the library's client and writes down what it is asked."""

    calls: ClassVar = []
    private = True  # whether the repository is, however it was made

    def __init__(self, *, endpoint, token):
        self.calls.append(("client", endpoint, token))

    def create_repo(self, repo_id, *, private, exist_ok):
        self.calls.append(("create", repo_id, private))
        return f"https://huggingface.co/{repo_id}"

    def model_info(self, repo_id):
        return SimpleNamespace(private=self.private)

    def upload_folder(self, *, repo_id, folder_path, allow_patterns):
        files = [
            str(path.relative_to(folder_path)) for path in Path(folder_path).rglob("*") if path.is_file()
        ]
        self.calls.append(
            ("upload", repo_id, sorted(filter_repo_objects(files, allow_patterns=allow_patterns)))
        )


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    monkeypatch.setattr(huggingface_hub, "HfApi", Recorder)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    monkeypatch.setattr(constants, "ENDPOINT", "https://huggingface.co")
    return Recorder.calls


@pytest.fixture
def folder(tmp_path):
    for name in NEEDED_TO_SHARE:
        (tmp_path / name).write_text("x")
    return tmp_path


def test_model_goes_to_a_private_repository(calls, folder):
    assert upload_model(folder, repo_id="reader/imdb") == "https://huggingface.co/reader/imdb"
    assert calls == [
        ("client", "https://huggingface.co", "hf_secret"),
        ("create", "reader/imdb", True),
        ("upload", "reader/imdb", sorted(NEEDED_TO_SHARE)),
    ]


def test_only_files_of_the_model_are_sent(calls, folder):
    sent = [*NEEDED_TO_SHARE, "tokenizer_config.json", "report.json", "run.json", "loss.png", "vocab.txt"]
    kept = ["secrets.txt", ".env", "sub/.env", "checkpoints/checkpoint-100/model.safetensors", "notes.json", "a.bin",
            "sub/README.md", "texts/a.txt", "id_rsa", "optimizer.pt", ".git/config", "sub/loss.png"]  # fmt: skip
    for name in [*sent, *kept]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    upload_model(folder, repo_id="reader/imdb")
    assert calls[-1] == ("upload", "reader/imdb", sorted(sent))


def test_an_existing_public_repository_is_refused_unless_it_may_be_public(calls, folder, monkeypatch):
    monkeypatch.setattr(Recorder, "private", False)
    with pytest.raises(PermissionError, match="expected 'reader/imdb' to be private, found it public"):
        upload_model(folder, repo_id="reader/imdb")
    assert calls[-1][0] == "create"
    upload_model(folder, repo_id="reader/imdb", private=False)
    assert calls[-1][0] == "upload"


def test_token_never_goes_to_a_mirror(calls, folder, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "https://mirror.example")
    with pytest.raises(ValueError, match="found HF_ENDPOINT=https://mirror.example: a token must never go"):
        upload_model(folder, repo_id="reader/imdb")
    assert calls == []


def test_without_a_login_nothing_is_sent(calls, folder, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(PermissionError, match="found none: log in with `hf auth login`"):
        upload_model(folder, repo_id="reader/imdb")
    assert calls == []


@pytest.mark.parametrize("name", NEEDED_TO_SHARE)
def test_model_without_card_weights_or_tokenizer_is_not_shared(calls, folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"expected {name} in"):
        upload_model(folder, repo_id="reader/imdb")
    assert calls == []


@pytest.mark.parametrize("repo_id", ["imdb", "a/b/c"])
def test_repository_needs_an_owner(calls, folder, repo_id):
    with pytest.raises(ValueError, match=f"of the form owner/name, got '{repo_id}'"):
        upload_model(folder, repo_id=repo_id)
    assert calls == []
