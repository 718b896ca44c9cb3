"""What a typed name means: nothing that may be a path is sent anywhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor.hub.names import find_folder, is_hub_id
from mlmtutor.model.messages import flatten, show


@pytest.mark.parametrize(
    "name", ["distilbert/distilbert-base-uncased", "a/b", "owner/na.me_1", "BAAI/bge-m3"]
)
def test_owner_and_name_are_a_hub_id(name):
    assert is_hub_id(name)
    assert find_folder(name, what="a model") is None


@pytest.mark.parametrize(
    "name",
    ["my_texts/", "./a", "../a", "/a", "~/a", "~a/b", "a\\b", "C:\\a/b", "a/b/", "a/b/c", "a//b", "a b/c", "a/b\n",
     "a/..", "a/.b", "-a/b", "a/b.git", "a/b--c", "https://huggingface.co/a/b", "a", "", "café/b", "a/b?c"],
)  # fmt: skip
def test_paths_addresses_and_typing_errors_are_no_hub_ids(name):
    assert not is_hub_id(name)
    with pytest.raises(
        FileNotFoundError, match="expected 'mini', 'mini-zh', a Hub id or a folder with a model, found"
    ):
        find_folder(name, what="a model")


def test_a_folder_called_like_the_owner_makes_it_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "private" / "tax").mkdir(parents=True)
    assert not is_hub_id("private/taxes")
    with pytest.raises(FileNotFoundError, match="found no 'private/taxes' in the folder 'private'"):
        find_folder("private/taxes", what="a model")
    assert find_folder("private/tax", what="a model").samefile("private/tax")


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert find_folder("~/model", what="a model") == tmp_path / "model"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert", "found no 'bert' (a Hub id has the form owner/name)"),
        ("", "found no ''"),
        (
            "https://huggingface.co/a/b",
            "found the address 'https://huggingface.co/a/b': write owner/name of it",
        ),
        ("two\nlines\x1b]0;title\x07", r"found no 'two\nlines\x1b]0;title\x07'"),
    ],
)
def test_messages_say_what_was_found(name, words):
    with pytest.raises(FileNotFoundError) as error:
        find_folder(name, what="a model")
    assert words in str(error.value)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(NotADirectoryError, match="found the file"):
        find_folder(tmp_path / "model.safetensors", what="a model")


@given(st.text())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_names_in_messages_are_printable_short_and_on_one_line(text):
    assert show(text).isprintable() and len(show(text)) <= 90
    assert flatten(text).isprintable() and len(flatten(text)) <= 80


@given(st.text())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_every_name_is_a_folder_a_hub_id_or_an_error_of_one_line(text):
    try:
        find_folder(text, what="a model")
    except OSError as error:
        assert str(error).isprintable() and len(str(error)) <= 300
