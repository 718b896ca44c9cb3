"""Which model and reviews a run takes."""

import pytest

from mlmtutor import choose_profile


def test_auto_profile_is_mini_without_a_gpu_and_says_why(monkeypatch):
    monkeypatch.delenv("MLMTUTOR_PROFILE", raising=False)
    monkeypatch.setattr("mlmtutor.hub.profile.find_device", lambda: "cpu")
    profile = choose_profile("auto")
    assert (profile.name, profile.reason) == ("mini", "no GPU")
    assert str(profile) == "profile mini: model mini, reviews mini, on cpu (no GPU)"


def test_auto_profile_is_full_where_gpu_and_hub_are_there(monkeypatch):
    monkeypatch.delenv("MLMTUTOR_PROFILE", raising=False)
    monkeypatch.setattr("mlmtutor.hub.profile.find_device", lambda: "cuda")
    monkeypatch.setattr("mlmtutor.hub.profile.find_hub_problem", lambda: None)
    assert choose_profile().model == "distilbert/distilbert-base-uncased"
    monkeypatch.setattr("mlmtutor.hub.profile.find_hub_problem", lambda: "no route")
    assert (choose_profile().name, choose_profile().reason) == ("mini", "no route")


def test_environment_takes_the_place_of_auto_only(monkeypatch):
    monkeypatch.setenv("MLMTUTOR_PROFILE", "full")
    assert (choose_profile("auto").name, choose_profile("mini").name) == ("full", "mini")


def test_unknown_profile_is_an_error():
    with pytest.raises(ValueError, match="'auto', 'mini', 'mini-zh' or 'full', got 'maxi'"):
        choose_profile("maxi")
