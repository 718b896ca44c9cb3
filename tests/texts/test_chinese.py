from types import SimpleNamespace

import numpy as np
import pytest

from mlmtutor import (
    MaskingSettings,
    TokenTable,
    chunk_texts,
    count_labels,
    find_first_pieces,
    load_chinese_news,
    load_reviews,
    load_texts,
    load_tokenizer,
    mask_batch,
)
from mlmtutor.model.packages import INSTALL_ZH, ZH_TEXTS, reinstall
from mlmtutor.texts import chinese as chinese_module
from mlmtutor.texts.segmenters import find_segments


@pytest.fixture(scope="module")
def news():
    return load_chinese_news()


def test_half_of_the_reviews_are_copies():
    reviews = load_reviews("mini-zh")["train"]
    assert count_labels(reviews) == {"neg": 18_575, "pos": 16_548}
    clean = load_reviews("mini-zh", clean=True)["train"]
    assert len(clean) == len(set(clean["text"])) == 17_363
    assert set(clean["text"]) < set(reviews["text"])
    assert load_texts("mini-zh")["text"][:] == clean["text"][:]


def test_a_review_with_both_labels_is_left_out():
    reviews = load_reviews("mini-zh")["train"]
    labels = {}
    for text, label in zip(reviews["text"], reviews["label"], strict=True):
        labels.setdefault(text, set()).add(label)
    clean = dict(zip(*load_reviews("mini-zh", clean=True)["train"][:].values(), strict=True))
    assert clean == {text: min(found) for text, found in labels.items() if len(found) == 1}


def test_gold_words_joined_are_the_text_and_come_back_as_word_starts(news):
    rows = news.select(range(200))
    words_of = {row["text"]: row["words"] for row in rows}
    tokenizer = load_tokenizer("mini-zh")
    for text, words in words_of.items():
        assert "".join(words) == text
        assert len(np.unique(find_segments(text, words_of.get))) == len(words)
    chunks = chunk_texts(
        rows["text"][:], tokenizer, chunk_size=16, boundary="text", tail="keep", segmenter=words_of.get
    )
    starts = np.array(chunks.dataset["word_starts"][:])
    # a word of several tokens, such as a year, starts once; one that a sign of several characters crosses is joined
    assert abs(starts.sum() - sum(map(len, words_of.values()))) <= 0.002 * starts.sum()


def test_word_starts_are_those_of_a_reference_that_goes_character_by_character(news):
    tokenizer = load_tokenizer("mini-zh")
    rows = [
        row for row in news if tokenizer(row["text"], add_special_tokens=False).tokens() == list(row["text"])
    ]
    assert len(rows) > 200
    words_of = {row["text"]: row["words"] for row in rows}
    chunks = chunk_texts(
        list(words_of), tokenizer, chunk_size=64, boundary="text", tail="keep", segmenter=words_of.get
    )
    starts = np.array(chunks.dataset["word_starts"][:])
    ids = np.array(chunks.dataset["input_ids"][:])
    found = starts[~np.isin(ids, tokenizer.all_special_ids)]
    reference = [number == 0 for words in words_of.values() for word in words for number in range(len(word))]
    assert found.tolist() == reference


def test_held_out_news_is_not_in_the_rest(news):
    train = load_chinese_news("train")
    assert set(news["text"]).isdisjoint(train["text"])
    assert set(news["block"]).isdisjoint(train["block"])
    assert (len(news), len(train)) == (971, 18_247)
    with pytest.raises(ValueError, match="part must be 'train' or 'held_out', got 'test'"):
        load_chinese_news("test")


@pytest.mark.parametrize("load", [lambda: load_reviews("mini-zh"), load_chinese_news])
@pytest.mark.parametrize("package", [None, SimpleNamespace(origin=None)])
def test_missing_package_of_texts_is_an_error(monkeypatch, load, package):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: package)
    with pytest.raises(ImportError, match=f"not installed: {INSTALL_ZH}"):
        load()


@pytest.mark.parametrize("content", [b"cut", None])
def test_cut_or_missing_file_of_texts_is_one_line(monkeypatch, tmp_path, content):
    (tmp_path / "tag").mkdir()
    if content is not None:
        (tmp_path / "tag" / "199801.txt").write_bytes(content)
    package = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(chinese_module.importlib.util, "find_spec", lambda name: package)
    kind = FileNotFoundError if content is None else ValueError
    with pytest.raises(kind, match=f"199801.txt.*: {reinstall(ZH_TEXTS)}") as caught:
        load_chinese_news()
    assert len(str(caught.value)) <= 300


def test_whole_words_are_masked_at_the_rate_asked_for_and_none_crosses_a_text(news):
    tokenizer = load_tokenizer("mini-zh")
    words_of = dict(zip(news["text"], news["words"], strict=True))
    chunks = chunk_texts(news["text"], tokenizer, boundary="corpus", segmenter=words_of.get).dataset
    ids, starts = (np.array(chunks[name][:]) for name in ("input_ids", "word_starts"))
    table = TokenTable.from_tokenizer(tokenizer)
    settings = MaskingSettings(unit="word", mask_prob=0.15, mask_share=1.0, random_share=0.0)
    seen, labels = mask_batch(ids, table=table, settings=settings, seed=0, word_starts=starts)
    masked, is_special = labels != -100, np.isin(ids, tokenizer.all_special_ids)

    first = find_first_pieces(ids, table=table, word_starts=starts)
    word = np.where(
        first >= 0, first + np.arange(len(ids))[:, None] * ids.shape[1], -1
    )  # one number per word
    numbers, which = np.unique(word, return_inverse=True)
    size, hidden = np.bincount(which.ravel()), np.bincount(which.ravel(), weights=masked.ravel())
    whole = numbers >= 0
    assert np.isin(hidden[whole] / size[whole], (0, 1)).all()
    assert (seen[masked] == tokenizer.mask_token_id).all() and not masked[is_special].any()
    assert not masked[word < 0].any()  # a word that began in the chunk before
    num_words = whole.sum()
    share = (hidden[whole] > 0).mean()
    assert num_words > 40_000 and abs(share - 0.15) < 5 * (0.15 * 0.85 / num_words) ** 0.5
    # behind the end of a text a word begins, whatever the segmenter says of the next
    after_special = np.roll(is_special, 1, axis=1) & ~is_special
    after_special[:, 0] = False
    assert (first == np.arange(ids.shape[1]))[after_special].all()
