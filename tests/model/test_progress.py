"""Bars where a person looks, and nowhere else."""

import sys
import types

import pytest
from transformers.utils import logging

from mlmtutor.model.progress import is_watched, no_library_bars


def leave_pytest(monkeypatch):
    """Neither pytest nor CI nor a setting, and no terminal."""
    for name in ("PYTEST_CURRENT_TEST", "CI", "MLMTUTOR_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


def open_notebook(monkeypatch):
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)


def test_a_log_file_is_not_watched(monkeypatch):
    leave_pytest(monkeypatch)
    assert not is_watched()


def test_a_terminal_is_watched(monkeypatch):
    leave_pytest(monkeypatch)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert is_watched()


def test_a_notebook_is_watched_but_not_under_nbval_or_ci(monkeypatch):
    leave_pytest(monkeypatch)
    open_notebook(monkeypatch)
    assert is_watched()
    for name in ("PYTEST_CURRENT_TEST", "CI"):
        with monkeypatch.context() as patched:
            patched.setenv(name, "yes")
            assert not is_watched()


def test_asking_settles_it(monkeypatch):
    leave_pytest(monkeypatch)
    assert is_watched(True)
    monkeypatch.setenv("MLMTUTOR_PROGRESS", "1")
    assert is_watched() and not is_watched(False)
    open_notebook(monkeypatch)
    monkeypatch.setenv("MLMTUTOR_PROGRESS", "0")
    assert not is_watched() and is_watched(True)


def test_library_bars_come_back_even_after_an_error():
    logging.enable_progress_bar()
    with pytest.raises(RuntimeError), no_library_bars():
        assert not logging.is_progress_bar_enabled()
        raise RuntimeError
    assert logging.is_progress_bar_enabled()
