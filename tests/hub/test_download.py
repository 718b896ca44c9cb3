"""Files from the Hub: whole, undamaged, into the cache, and without the token where it has no business."""

import pytest
from hub_standin import run_hub

from mlmtutor import load_model, load_tokenizer
from mlmtutor.hub.dataset import load_hub_dataset
from mlmtutor.hub.problems import may_send_token
from tests.hub.faults import load, make_repositories, use_hub

pytestmark = pytest.mark.slow  # waits for Hubs that are silent


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    make_repositories(folder)
    return folder


@pytest.mark.parametrize("what", ["model", "data set"])
def test_a_file_that_breaks_off_once_is_resumed(what, root, tmp_path):
    with run_hub(root, mode="cut once") as (endpoint, hub), use_hub(endpoint, tmp_path):
        load(what)
    assert any(entry[0] == "cut" for entry in hub.seen)


@pytest.mark.slow
def test_a_slow_download_is_not_cut(root, tmp_path):
    """500 kB at 40 kB a second: longer than any silence may be."""
    data = tmp_path / "datasets" / "someone" / "slow"
    data.mkdir(parents=True)
    (data / "data.txt").write_text("x" * 500_000)
    with run_hub(tmp_path, mode="slow") as (endpoint, _), use_hub(endpoint, tmp_path / "cache"):
        assert len(load_hub_dataset("someone/slow", split="train")) == 1


@pytest.mark.parametrize("mode", ["wrong hash", "wrong size", "cut", "web page as a file"])
def test_nothing_damaged_stays_in_the_cache(mode, root, tmp_path, monkeypatch):
    for what in ("model", "data set"):
        with run_hub(root, mode=mode) as (endpoint, hub), use_hub(endpoint, tmp_path):
            with pytest.raises(ConnectionError):
                load(what)
            hub.mode = "ok"
            load(what)


@pytest.mark.parametrize("what", ["model", "tokenizer", "data set"])
def test_the_cache_serves_where_the_hub_cannot_but_not_where_it_refuses(
    what, root, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr("mlmtutor.hub.route.SILENCE", 0.5)
    monkeypatch.setattr("mlmtutor.hub.route.PAUSES", (0.1,))
    with run_hub(root) as (endpoint, hub), use_hub(endpoint, tmp_path):
        load(what)
        assert "cache" not in caplog.text
        for mode in ("silent", "code429 wait", "code503", "login page", "garbage"):
            hub.mode = mode
            load(what)
            assert "the copy in the cache is used" in caplog.text
            caplog.clear()
        hub.mode = "code401"
        with pytest.raises(PermissionError):
            load(what)
    with use_hub(endpoint, tmp_path):  # no longer served
        load(what)


def test_token_goes_to_the_hub_only(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with run_hub(root) as (other, there):
        for mode in ("ok", "redirect elsewhere"):
            with (
                run_hub(root, mode=mode, elsewhere=other) as (endpoint, hub),
                use_hub(endpoint, tmp_path / mode),
            ):
                load_tokenizer("someone/tiny")
                load_model("someone/tiny")
                load_hub_dataset("someone/tiny")
            assert hub.seen and all(token is None for _, _, token in hub.seen)
        assert there.seen and all(token is None for _, _, token in there.seen)


def test_token_goes_to_a_mirror_if_the_user_says_so_but_not_further(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MLMTUTOR_TOKEN_TO_MIRROR", "1")
    with (
        run_hub(root) as (other, there),
        run_hub(root, mode="redirect elsewhere", elsewhere=other) as (endpoint, hub),
        use_hub(endpoint, tmp_path),
    ):
        load_model("someone/tiny")
        load_hub_dataset("someone/tiny")
    assert {token for _, _, token in hub.seen} == {"Bearer hf_secret"}
    assert {token for _, _, token in there.seen} == {None}


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://huggingface.co/a", True),
        ("https://HuggingFace.co:443/a", True),
        ("http://huggingface.co/a", False),
        ("https://huggingface.co.evil.example/a", False),
        ("https://huggingface.co@evil.example/a", False),
        ("https://evil.example/huggingface.co", False),
        ("https://huggingface.co:444/a", False),
        ("https://mirror.example/a", False),
        ("not a url", False),
    ],
)
def test_the_official_address_is_recognised_exactly(address, allowed, monkeypatch):
    monkeypatch.delenv("MLMTUTOR_TOKEN_TO_MIRROR", raising=False)
    assert may_send_token(address) is allowed
