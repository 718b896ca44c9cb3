"""Uploading: what must be there, and where a token never goes. Nothing is sent anywhere."""

from typing import ClassVar

import huggingface_hub
import pytest
from huggingface_hub import constants

from mlmtutor import upload_model
from mlmtutor.hub import NEEDED_TO_SHARE


class Recorder:
    """Stands in for the library's client and writes down what it is asked."""

    calls: ClassVar = []

    def __init__(self, *, endpoint, token):
        self.calls.append(("client", endpoint, token))

    def create_repo(self, repo_id, *, private, exist_ok):
        self.calls.append(("create", repo_id, private))
        return f"https://huggingface.co/{repo_id}"

    def upload_folder(self, *, repo_id, folder_path, ignore_patterns):
        self.calls.append(("upload", repo_id, folder_path))


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


def test_whole_folder_goes_to_a_private_repository(calls, folder):
    assert upload_model(folder, repo_id="reader/imdb") == "https://huggingface.co/reader/imdb"
    assert calls == [
        ("client", "https://huggingface.co", "hf_secret"),
        ("create", "reader/imdb", True),
        ("upload", "reader/imdb", folder),
    ]


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
