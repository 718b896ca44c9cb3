import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import mlmtutor.mini_zh as mini_zh
from mlmtutor import fill_masks, load_model, load_probes, load_tokenizer
from mlmtutor.mini import read_facts
from mlmtutor.mini.make.batches import Plan
from mlmtutor.mini.make.measure import MARK, record
from mlmtutor.mini_zh import TOKENIZER, WEIGHTS
from mlmtutor.mini_zh.make.batches import Words, draw_batches, split_sentences
from mlmtutor.mini_zh.make.corpora import HAN, Paragraph, load_newspaper
from mlmtutor.mini_zh.make.measure import CARD, format_card_table, freeze_news
from mlmtutor.mini_zh.make.vocabulary import GB2312, build_tokenizer, embed_definitions
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.scores.probes import score_probes


@pytest.fixture(scope="module")
def model():
    return load_model("mini-zh")


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("mini-zh")


def test_it_is_small_and_says_what_it_is(model, tokenizer):
    assert WEIGHTS.stat().st_size + TOKENIZER.stat().st_size < 8_000_000
    assert model.config.vocab_size == len(tokenizer) == model.get_output_embeddings().weight.shape[0]
    assert model.name_or_path == tokenizer.name_or_path == "mlmtutor-mini-zh"
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert not model.training


def test_it_knows_what_its_card_says(model, tokenizer):
    facts = read_facts(WEIGHTS)
    scores = score_probes(load_probes("zh"), model=model, tokenizer=tokenizer)
    assert f"{scores.count_hits()} of 40" == facts["cloze"]
    assert scores.count_hits() >= 20


def test_its_perplexity_on_unread_news_is_below_sixty(model, tokenizer):
    assert evaluate(model, freeze_news(tokenizer, num_chunks=100)).perplexity < 60


def test_card_and_weights_hold_the_same_numbers():
    facts = read_facts(WEIGHTS)
    assert facts["finished"] == "True"
    assert CARD.read_text("utf-8").split(MARK)[1].strip() == format_card_table(facts)
    with safe_open(WEIGHTS, framework="np") as file:
        assert (
            f"vocabulary of {file.get_slice('bert.embeddings.word_embeddings.weight').get_shape()[0]:,} tokens"
            in " ".join(CARD.read_text("utf-8").split())
        )


def test_probes_are_fair(tokenizer):
    probes = load_probes("zh")
    assert len(probes) == 40 and {probe.kind for probe in probes} == {"facts", "words", "grammar", "things"}
    for probe in probes:
        assert probe.text.count("[MASK]") == 1 and len(tokenizer.tokenize(probe.word)) == 1
        assert tokenizer.unk_token not in tokenizer.tokenize(probe.text)
    with pytest.raises(ValueError, match="language must be one of en, zh, got 'fr'"):
        load_probes("fr")


def test_saved_and_loaded_it_is_the_same(model, tokenizer, tmp_path):
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, cuts = load_model(tmp_path), load_tokenizer(tmp_path)
    text = "中国的首都是北[MASK]。"
    assert cuts(text).input_ids == tokenizer(text).input_ids
    batch = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, again(**batch).logits)


def test_changed_files_are_refused(monkeypatch):
    monkeypatch.setattr(mini_zh, "WEIGHTS_SHA256", "0" * 64)
    monkeypatch.setattr(mini_zh, "TOKENIZER_SHA256", "1" * 64)
    with pytest.raises(
        ValueError, match="expected weights.safetensors with SHA-256 000.*install mlmtutor again"
    ):
        load_model("mini-zh")
    with pytest.raises(ValueError, match="expected tokenizer.json with SHA-256 111"):
        load_tokenizer("mini-zh")


@pytest.mark.parametrize(
    ("typed", "alike"),
    [
        ("１９９８年", "1998年"),
        ("好,真好!", "好，真好！"),
        ("ＷｉＦｉ", "wifi"),
        ("(不错)", "（不错）"),
        ("大㎡", "大m2"),
    ],
)
def test_signs_are_the_same_whatever_keyboard_typed_them(tokenizer, typed, alike):
    assert tokenizer(typed).input_ids == tokenizer(alike).input_ids


def test_a_character_is_a_token_and_keeps_its_place(tokenizer):
    text = "这家酒店的服务不错，价格也合理。"
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert encoded.tokens() == list(text)
    assert encoded.offset_mapping == [(i, i + 1) for i in range(len(text))]


def test_the_vocabulary_has_every_character_of_gb2312(tokenizer):
    vocabulary = tokenizer.get_vocab()
    assert len(GB2312) == 6_763 and all(character in vocabulary for character in GB2312)
    assert tokenizer.tokenize("說") == ["[UNK]"]


def test_a_filled_text_is_written_without_blanks(model, tokenizer):
    [[candidates]] = fill_masks(["他买了一[MASK]书。"], model=model, tokenizer=tokenizer)
    assert re.fullmatch("他买了一.书。", candidates[0].text)


def test_the_newspaper_is_split_by_blocks_without_repeats():
    train, held_out = load_newspaper("train"), load_newspaper("held_out")
    unread = {paragraph.text for block in held_out for paragraph in block}
    assert unread.isdisjoint(paragraph.text for block in train for paragraph in block)
    assert all("".join(p.words) == p.text for block in held_out for p in block)
    assert sum(len(p.text) for block in held_out for p in block) == 83_344


def test_words_are_those_of_people_where_there_are_any():
    words = Words([[Paragraph("看电影。", ("看", "电影", "。"))]])
    assert words("看电影。\n看电影。") == ["看", "电影", "。"] * 2
    assert "".join(words("他喜欢看书")) == "他喜欢看书"


def test_sentences_keep_their_words():
    paragraph = Paragraph("我们看电影去。好。", ("我们", "看", "电影", "去", "。", "好", "。"))
    (sentence,) = split_sentences(paragraph, words=Words([[paragraph]]))
    assert sentence == Paragraph("我们看电影去。", ("我们", "看", "电影", "去", "。"))


def test_training_batches_mask_whole_words_and_depend_on_the_seed_alone(tokenizer):
    text = "我们今天去看电影，他们明天在家里看书。"
    words = ("我们", "今天", "去", "看", "电影", "，", "他们", "明天", "在", "家里", "看", "书", "。")
    blocks = [[Paragraph(text, words)] * 40]

    def draw(seed):
        plan = Plan(seed=seed, batch_size=2, round_batches=4)
        stream = draw_batches({"a": blocks}, shares={"a": 1.0}, tokenizer=tokenizer, plan=plan)
        return [next(stream) for _ in range(6)]

    one, same, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(one, same, strict=True) for name in a)
    assert not all(torch.equal(a["labels"], b["labels"]) for a, b in zip(one, other, strict=True))
    assert {batch["input_ids"].shape for batch in one} <= {(2, 128), (8, 32)}


def test_first_embeddings_are_the_mean_of_what_a_character_means():
    tokenizer = build_tokenizer(["水,abc"] * 40)
    english = load_tokenizer("mini")
    table = torch.arange(len(english), dtype=torch.float32)[:, None].repeat(1, 2)
    found = embed_definitions(
        tokenizer, definitions={"水": "water, liquid"}, english=english, embeddings=table, seed=0
    )
    ids, vocabulary = english.convert_tokens_to_ids(["water", "liquid", ","]), tokenizer.get_vocab()
    spread = table.std(0)[0]
    assert abs(found[vocabulary["水"]] - sum(ids[:2]) / 2).max() < 0.3 * 5 * spread
    assert torch.equal(found[vocabulary["，"]], table[ids[2]])
    assert "abc" in vocabulary and HAN.fullmatch("水")


def test_measured_numbers_are_written_beside_weights_that_stay_as_they_are(tmp_path):
    weights, card = tmp_path / "weights.safetensors", tmp_path / "README.md"
    weights.write_bytes(WEIGHTS.read_bytes())
    card.write_text(f"above\n{MARK}\nold\n{MARK}\nbelow", "utf-8")
    record({"cloze": "1 of 40"}, weights=weights, card=card, write_table=lambda facts: facts["cloze"])
    assert card.read_text("utf-8") == f"above\n{MARK}\n1 of 40\n{MARK}\nbelow"
    assert read_facts(weights) == read_facts(WEIGHTS) | {"cloze": "1 of 40"}
    stored, before = load_file(weights), load_file(WEIGHTS)
    assert stored.keys() == before.keys() and all(torch.equal(stored[name], before[name]) for name in before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "weights.safetensors"]
