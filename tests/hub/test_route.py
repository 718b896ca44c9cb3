"""Trouble on the way to the Hub: each ends soon, with its name and a remedy."""

import threading
import time

import pytest
from hub_standin import run_hub
from huggingface_hub import constants

from mlmtutor import find_hub_problem, load_model
from mlmtutor.hub import route
from tests.hub.faults import (
    EVERYWHERE,
    EXPECTED,
    FAULTS,
    load,
    make_repositories,
    start_fault,
    try_fault,
    use_hub,
)

pytestmark = pytest.mark.slow  # waits for Hubs that are silent


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    make_repositories(folder)
    return folder


@pytest.fixture
def impatient(monkeypatch):
    """A second of silence is enough here; `make torture` has the true times, and its test every eighth of them."""
    monkeypatch.setattr(route, "SILENCE", 1.0)
    monkeypatch.setattr(route, "PAUSES", (0.1, 0.1))


def check_message(mode, message):
    assert EXPECTED[mode] in message
    assert message.isprintable()
    assert len(message.partition(": ")[2]) <= 300


@pytest.mark.parametrize(("mode", "what"), FAULTS)
def test_failure_is_one_line_with_cause_and_remedy(mode, what, root, impatient):
    seconds, message = try_fault(mode, what, root=root)
    check_message(mode, message)
    assert f"asked for the {what} 'someone/tiny', but" in message
    assert seconds < 5


@pytest.mark.parametrize("mode", EVERYWHERE)
def test_the_probe_sees_all_but_what_a_file_can_hide(mode, root, impatient, tmp_path):
    with start_fault(mode, root) as endpoint, use_hub(endpoint, tmp_path):
        problem = find_hub_problem(timeout=1)
    if mode in ("code404", "garbage in JSON", "web page as a file"):
        assert problem is None
    else:
        assert problem and problem.isprintable()


def test_the_probe_finds_nothing_wrong_with_a_hub(root, tmp_path):
    with run_hub(root) as (endpoint, _), use_hub(endpoint, tmp_path):
        assert find_hub_problem() is None


def test_a_passing_trouble_is_survived(root, tmp_path, monkeypatch):
    monkeypatch.setattr(route, "PAUSES", (0.3, 0.3))
    with run_hub(root, mode="code503") as (endpoint, hub), use_hub(endpoint, tmp_path):
        threading.Timer(0.2, setattr, (hub, "mode", "ok")).start()
        load_model("someone/tiny")


@pytest.mark.parametrize(
    "mode", ["refused", "code401", "redirect to itself", "garbage in JSON", "login page"]
)
@pytest.mark.parametrize("what", ["model", "data set"])
def test_password_of_the_endpoint_is_never_shown(mode, what, root, impatient, tmp_path):
    with start_fault(mode, root) as address:
        endpoint = address.replace("http://", "http://reader:secret@")
        with use_hub(endpoint, tmp_path), pytest.raises(OSError) as error:
            load(what)
    assert "secret" not in str(error.value) and "reader" not in str(error.value)
    assert "http://127.0.0.1" in str(error.value)


@pytest.mark.parametrize(
    "endpoint",
    ["", "huggingface.co", "ftp://huggingface.co", "https://", "http://a\x1b[31m", "http://a:b", "http://[a"],
)
def test_an_endpoint_that_is_no_address_is_said(endpoint, tmp_path):
    with use_hub(endpoint, tmp_path), pytest.raises(ConnectionError) as error:
        load_model("someone/tiny")
    assert "HF_ENDPOINT" in str(error.value) or "cannot be reached" in str(error.value)
    assert str(error.value).isprintable()


def test_what_others_set_in_the_client_library_is_as_before(root, tmp_path):
    from huggingface_hub import get_session
    from huggingface_hub.utils import are_progress_bars_disabled, logging

    before = constants.HF_HUB_DISABLE_XET, logging.get_verbosity(), are_progress_bars_disabled()
    with run_hub(root) as (endpoint, _), use_hub(endpoint, tmp_path):
        load_model("someone/tiny")
    assert (constants.HF_HUB_DISABLE_XET, logging.get_verbosity(), are_progress_bars_disabled()) == before
    assert "send" not in vars(get_session())


def test_an_interruption_ends_at_once(root, tmp_path, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(route, "wait", interrupt)
    began = time.monotonic()
    with (
        run_hub(root, mode="silent") as (endpoint, _),
        use_hub(endpoint, tmp_path),
        pytest.raises(KeyboardInterrupt),
    ):
        load_model("someone/tiny")
    assert time.monotonic() - began < 3
