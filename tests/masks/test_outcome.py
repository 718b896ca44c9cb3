import json
import random
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmtutor import ChunkRows, MaskingSettings, TokenTable, chunk_texts, freeze_masks, mask_batch
from mlmtutor.masks.outcome import MaskOutcome, measure_outcome, preview_masks

WORDS = MaskingSettings()
FINE = MaskOutcome(
    WORDS, num_tokens=1000, num_unknown=0, num_out_of_reach=5, num_in_long_words=0, num_masked=200,
    longest_word=6, num_words=800, num_promising=10, num_unmasked=0,
)  # fmt: skip


def freeze(texts, tokenizer, *, asked=WORDS, chunk_size=32, **options):
    chunks = chunk_texts(texts, tokenizer, chunk_size=chunk_size, boundary="corpus", **options).dataset
    return freeze_masks(chunks, tokenizer=tokenizer, settings=asked, seed=0)


def train_unigram(texts):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import XLMRobertaTokenizer

    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False)
    )  # fmt: skip
    return XLMRobertaTokenizer(vocab=[tuple(x) for x in json.loads(backend.to_str())["model"]["vocab"]])


def byte_tokenizer():
    """Each byte a token, words cut as by GPT-2 and RoBERTa."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({token: i for i, token in enumerate([*alphabet, "<mask>"])}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=backend, mask_token="<mask>")


def write_sentences(number, length, parts):
    generator = random.Random(5)
    return ["".join(generator.choice(part) for _ in range(length) for part in parts) for _ in range(number)]


JAPANESE = (["この", "その"], ["映画", "本", "駅"], ["はとても", "はあまり"], ["古いです。", "高いでした。"])
CHINESE = (
    ["这个", "那个"],
    ["患者", "病例", "药物"],
    ["需要", "没有"],
    ["复查", "停用", "住院"],
    ["，", "。"],
)
THAI = (["ภาพยนตร์", "หนังสือ"], ["เก่า", "ดี"], ["มาก", "ไม่"])


@pytest.fixture(scope="module")
def english(reviews):
    return reviews["text"][:50]


def test_reviews_come_out_as_asked_and_nothing_is_said(english, bert_tokenizer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        masks = freeze(english, bert_tokenizer, chunk_size=128)
        freeze(english, bert_tokenizer, asked=MaskingSettings(unit="token"), chunk_size=2)
    outcome = masks.outcome
    assert outcome.num_masked == (masks.labels != -100).sum()
    assert abs(outcome.share_masked - 0.2) < 0.02
    assert 1 < outcome.tokens_per_word < 1.3
    assert outcome.doubts() == []


def test_sentences_without_spaces_are_refused():
    texts = write_sentences(60, 60, JAPANESE)
    tokenizer = train_unigram(texts)
    with pytest.raises(ValueError, match="segmenter, .*unit token") as error:
        freeze(texts, tokenizer)
    assert len(str(error.value)) <= 300
    outcome = freeze(texts, tokenizer, asked=MaskingSettings(unit="token")).outcome
    assert abs(outcome.share_masked - 0.2) < 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        freeze(texts, tokenizer, segmenter=lambda text: [text[i : i + 2] for i in range(0, len(text), 2)])


@pytest.mark.parametrize("parts", [JAPANESE, THAI])
def test_short_clauses_without_spaces_are_told(parts):
    texts = write_sentences(200, 8, parts)
    with pytest.warns(UserWarning, match=r"found \d\.\d on average: .*give a segmenter if"):
        freeze(texts, train_unigram(texts), chunk_size=128)


@pytest.mark.parametrize("parts", [JAPANESE, CHINESE])
def test_clauses_cut_into_bytes_are_told(parts):
    with pytest.warns(UserWarning, match="found .* of the tokens in words of 20 and more"):
        freeze(write_sentences(60, 12, parts), byte_tokenizer(), chunk_size=256)


def test_texts_of_unknown_tokens_are_refused(bert_tokenizer):
    with pytest.raises(
        ValueError, match=r"can read, found \d\d% of .* tokens unknown .*in the language"
    ) as error:
        freeze(write_sentences(200, 12, CHINESE), bert_tokenizer)
    assert len(str(error.value)) <= 300


def test_some_unknown_tokens_are_told(bert_tokenizer):
    texts = ["see you at the party tonight, it will be great fun for all of us 😀"] * 100
    with pytest.warns(UserWarning, match="found 6% of 1,[0-9]* tokens unknown to it"):
        freeze(texts, bert_tokenizer)


def test_texts_cut_into_letters_are_told(bert_tokenizer):
    texts = ["Россия большая страна, и зимой здесь холодно."] * 100
    with pytest.warns(UserWarning, match=r"words of one or two tokens, found [45]\.\d on average"):
        freeze(texts, bert_tokenizer, chunk_size=128)


@pytest.mark.parametrize(
    "text",
    ["Der Film war sehr schön, aber die Fortsetzung ist langweilig.", "Tämä elokuva oli hyvä, mutta pitkä.",
     "Le film était très beau, mais la suite est ennuyeuse.", "Bu film çok güzeldi, ama biraz uzun.",
     "Phim này rất hay nhưng hơi dài.", "def f(x): return x ** 2 + 1  # a parabola", "12.5\t3.25\t-0.75\t1e-3"],
)  # fmt: skip
def test_other_languages_and_texts_are_left_alone(bert_tokenizer, text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for chunk_size in (16, 128):
            freeze([text] * 100, bert_tokenizer, chunk_size=chunk_size)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_unknown": 251}, "found 25% of 1,000 tokens unknown"),
        ({"num_out_of_reach": 751}, "found 75% of the tokens in words that began in the chunk before"),
        ({"num_unmasked": 7}, "found 7 of 10 without any"),
    ],
)
def test_nonsense_is_refused(changes, message):
    FINE.check()
    assert FINE.doubts() == []
    odd = replace(FINE, **changes)
    with pytest.raises(ValueError, match=message) as error:
        odd.check()
    assert len(str(error.value)) <= 300
    replace(odd, num_tokens=199).check()
    assert replace(odd, num_tokens=199).doubts() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_unknown": 21}, "2% of 1,000 tokens unknown"),
        ({"num_out_of_reach": 300}, "30% of the tokens in words that began"),
        (
            {"num_in_long_words": 101, "longest_word": 57},
            "10% of the tokens in words of 20 and more .up to 57",
        ),
        ({"num_words": 300}, r"found 3\.3 on average"),
        ({"settings": MaskingSettings(mask_prob=0.0001)}, "asked for 0.1 of 1,000 with mask_prob 0.0001"),
    ],
)
def test_the_doubtful_is_told_and_not_refused(changes, message):
    odd = replace(FINE, **changes)
    odd.check()
    (line,) = odd.doubts()
    assert re.search(message, line)
    assert len(line) <= 300


def test_a_forced_mask_is_told(english, bert_tokenizer):
    with pytest.warns(UserWarning, match="one was masked all the same: raise mask_prob"):
        masks = freeze(english, bert_tokenizer, asked=MaskingSettings(mask_prob=1e-9))
    assert masks.outcome.num_masked == 1


def test_chunks_of_padding_are_no_chunks_without_masks(tiny):
    texts = ["film"] * 60 + ["the film was good . " * 12] * 20
    chunks = chunk_texts(texts, tiny, chunk_size=62, boundary="text", tail="keep").dataset
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = freeze_masks(chunks, tokenizer=tiny, settings=WORDS, seed=0).outcome
    assert (outcome.num_promising, outcome.num_unmasked) == (20, 0)


def test_small_examples_are_not_judged(tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = freeze(["the unheard film"] * 12, tiny, chunk_size=5).outcome
    assert outcome.share_unknown == pytest.approx(1 / 3)


def test_a_preview_looks_at_a_sample_spread_over_all_chunks(tiny):
    rows = ChunkRows(Dataset.from_dict({"input_ids": [[2, 5, 8, 15, 3]] * 3000 + [[2, 1, 1, 1, 3]] * 3000}))
    outcome = preview_masks(rows, tokenizer=tiny, settings=WORDS, seed=0)
    assert outcome.num_tokens == 3000
    assert outcome.share_unknown == 0.5
    with pytest.raises(ValueError, match="50% of 3,000 tokens unknown"):
        outcome.check()


@settings(deadline=None, derandomize=True, max_examples=50)
@given(
    ids=st.lists(st.lists(st.integers(0, 17), min_size=12, max_size=12), min_size=1, max_size=6),
    asked=st.builds(MaskingSettings, unit=st.sampled_from(["token", "word"]), mask_prob=st.floats(0.01, 1)),
)
def test_counts_fit_each_other_for_any_ids(tiny, ids, asked):
    ids, table = np.array([[5, *row] for row in ids]), TokenTable.from_tokenizer(tiny)
    _, labels = mask_batch(ids, table=table, settings=asked, seed=1)
    outcome = measure_outcome(ids, labels, table=table, settings=asked)
    assert outcome.num_tokens == (~np.isin(ids, [0, 2, 3, 4])).sum()
    assert outcome.num_unknown == (ids == 1).sum()
    assert 0 < outcome.num_masked <= outcome.num_known - outcome.num_out_of_reach
    assert outcome.num_out_of_reach == 0 or asked.unit == "word"
    assert outcome.longest_word <= 13
    assert 1 <= outcome.tokens_per_word <= outcome.longest_word
    assert outcome.num_unmasked <= outcome.num_promising <= len(ids)
