"""The mini model: how its weights are merged, what they reach, and what they were not trained on."""

import json
import os
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mlmtutor import (
    MaskingSettings,
    chunk_texts,
    compare,
    freeze_masks,
    load_model,
    load_tokenizer,
    load_unread_reviews,
)
from mlmtutor.mini import (
    NAMES,
    PATCHES,
    WEIGHTS,
    find_encoder,
    load_base_model,
    load_mini_model,
    load_mini_tokenizer,
    merge_low_rank,
    read_facts,
    read_weights,
)
from mlmtutor.mini.make.batches import Plan, cut_into_texts, draw_batches
from mlmtutor.mini.make.corpora import SOURCES, Document, Source, detokenise, fetch, read_brown, split_brown
from mlmtutor.mini.make.measure import CARD, count_cloze, format_card_table, freeze_reviews
from mlmtutor.mini.make.train import Recipe, RunLength, attach, save_weights, start_weights
from mlmtutor.model.packages import INSTALL_MINI
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.scores.probes import DATA


@pytest.fixture(scope="module")
def model():
    return load_mini_model()


def test_merged_weight_is_base_plus_product_of_low_rank_factors(model):
    base, weights = load_base_model().state_dict(), load_file(WEIGHTS)
    name = "bert.encoder.layer.3.intermediate.dense.weight"
    up, down = (weights[f"{name}.{part}"].double().numpy() for part in ("up", "down"))
    by_hand = base[name].double().numpy() + np.einsum("or,ri->oi", up, down)
    assert up.shape[1] == down.shape[0] == int(read_facts()["rank"])
    np.testing.assert_allclose(model.state_dict()[name].numpy(), by_hand, atol=1e-5)
    assert np.abs(up @ down).max() > 1e-3, "the addition must change something"


def test_every_trained_weight_belongs_to_a_weight_of_the_model(model):
    names = {name.removesuffix(".up").removesuffix(".down") for name in load_file(WEIGHTS)}
    assert names <= set(model.state_dict())


def test_untrained_weights_change_nothing_in_the_encoder():
    base = load_base_model().state_dict()
    merged = merge_low_rank(base, start_weights(base, recipe=Recipe()))
    assert all(torch.equal(merged[name], base[name]) for name in merged if name.startswith("bert."))


def test_decoder_stays_tied_to_the_merged_word_embeddings(model):
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert model.cls.predictions.decoder.bias is model.cls.predictions.bias


def test_model_is_an_ordinary_fp32_bert_in_evaluation_mode(model):
    assert type(model).__name__ == "BertForMaskedLM"
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training
    assert sum(parameter.numel() for parameter in model.parameters()) == 22_744_506


def test_weights_file_is_at_most_8_megabytes():
    assert WEIGHTS.stat().st_size <= 8_000_000


def test_saved_model_loads_back_with_equal_logits(model, tmp_path):
    model.save_pretrained(tmp_path)
    load_mini_tokenizer().save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    batch = load_mini_tokenizer()(["The acting was [MASK]."], return_tensors="pt")
    with torch.inference_mode():
        assert torch.equal(load_model(str(tmp_path))(**batch).logits, model(**batch).logits)


@pytest.mark.parametrize("new_head", [True, False])
def test_training_sees_the_model_that_the_weights_merge_into(model, new_head):
    """What is attached while training gives the logits of the merged model, head, embeddings and decoder too."""
    attached, merged = load_mini_model(), load_mini_model()
    weights = start_weights(model.state_dict(), recipe=Recipe(rank=4, embedding_rank=4), new_head=new_head)
    generator = torch.Generator().manual_seed(0)
    for weight in weights.values():
        weight.data += 0.02 * torch.randn(weight.shape, generator=generator)
    fixed = {name: weight.detach() for name, weight in weights.items()}
    merged.load_state_dict(merge_low_rank(merged.state_dict(), fixed), strict=False)
    attach(attached, weights)
    batch = load_mini_tokenizer()(["The acting was [MASK]."], return_tensors="pt")
    logits = attached(**batch).logits
    assert torch.allclose(logits, merged(**batch).logits, atol=1e-3)
    assert not torch.allclose(logits, model(**batch).logits, atol=0.1), "the addition must change something"
    logits.sum().backward()
    assert all(weight.grad is not None for weight in weights.values())
    assert {name for name, p in attached.named_parameters() if p.requires_grad} <= set(weights)


def test_factors_in_one_byte_come_back_within_half_a_step(tmp_path):
    path = tmp_path / "patch.safetensors"
    weights = {"w.up": torch.randn(5, 3), "w.down": torch.randn(3, 7), "bias": torch.ones(2)}
    save_weights(weights, path, facts={}, int8=True)
    assert load_file(path)["w.up"].dtype == torch.int8
    read = read_weights(path)
    assert read.keys() == weights.keys()
    for name, weight in weights.items():
        step = weight.abs().amax(dim=-1, keepdim=True) / 127
        assert ((read[name] - weight).abs() <= 0.51 * step).all()


@pytest.mark.parametrize("name", PATCHES)
def test_long_adaptation_is_the_mini_model_with_other_weights(model, name):
    adapted = load_model(name)
    assert adapted.name_or_path == f"mlmtutor-{name}" and load_tokenizer(name).mask_token_id == 103
    before, after = model.state_dict(), adapted.state_dict()
    assert before.keys() == after.keys()
    changed = [key for key in before if not torch.equal(before[key], after[key])]
    assert len(changed) > 0.8 * len(before)
    facts = read_facts(PATCHES[name][0])
    assert facts["finished"] == "True" and int(facts["steps"]) >= 800


def test_what_ships_stays_small():
    assert all(path.stat().st_size <= 4_000_000 for path, _ in PATCHES.values())


def test_changed_patch_is_refused(monkeypatch):
    monkeypatch.setitem(PATCHES, "mini-imdb", (PATCHES["mini-imdb"][0], "0" * 64))
    with pytest.raises(
        ValueError, match="expected imdb.safetensors with SHA-256 000.*: install mlmtutor again"
    ):
        load_model("mini-imdb")


def test_film_reviews_help_on_reviews_that_were_not_read_and_more_english_does_not():
    """On 100 chunks of reviews that neither has read, without line breaks."""
    tokenizer = load_mini_tokenizer()
    texts = load_unread_reviews()["text"][:60]
    chunks = chunk_texts(texts, tokenizer).dataset.select(range(100))
    masks = freeze_masks(chunks, tokenizer=tokenizer, settings=MaskingSettings(unit="word"), seed=0)
    mini, imdb, more = (evaluate(load_model(name), masks) for name in NAMES)
    assert compare(mini, imdb).high < 0.85
    assert compare(more, imdb).high < 0.9


def test_missing_package_names_the_remedy(monkeypatch):
    find_encoder.cache_clear()
    monkeypatch.setattr("mlmtutor.mini.PACKAGE", "no-such-package-at-all")
    with pytest.raises(ImportError, match=f"not installed: {INSTALL_MINI}"):
        find_encoder()


def test_changed_encoder_is_refused(monkeypatch):
    find_encoder.cache_clear()
    monkeypatch.setattr("mlmtutor.mini.ENCODER_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="expected .* with SHA-256 000.*, found [0-9a-f]{64}"):
        find_encoder()


@pytest.mark.parametrize("name", ["WEIGHTS_SHA256", "TOKENIZER_SHA256"])
def test_changed_weights_or_tokenizer_are_refused(monkeypatch, name):
    find_encoder.cache_clear()
    monkeypatch.setattr(f"mlmtutor.mini.{name}", "0" * 64)
    with pytest.raises(ValueError, match=r"with SHA-256 000.*, found [0-9a-f]{64}: (install|pip install)"):
        load_mini_model()
    find_encoder.cache_clear()


def test_card_shows_the_numbers_in_the_weights():
    assert format_card_table(read_facts()) in CARD.read_text("utf-8")


def test_recorded_numbers_reach_the_goals():
    facts = read_facts()
    assert facts["finished"] == "True"
    assert float(facts["imdb_perplexity"]) <= 150
    assert float(facts["brown_perplexity"]) <= 90


def test_card_names_every_source_with_version_and_share():
    card = CARD.read_text("utf-8")
    for source in SOURCES.values():
        assert f"`{source.package}` {source.version} | {source.share:.0%}".replace("%", " %") in card
    assert sum(source.share for source in SOURCES.values()) == pytest.approx(1)


def test_cloze_has_ten_sentences_of_each_kind_and_words_of_the_vocabulary():
    rows = json.loads((DATA / "cloze.json").read_text("utf-8"))
    assert Counter(row["kind"] for row in rows) == dict.fromkeys(("facts", "objects", "grammar", "taste"), 10)
    assert all(row["text"].count("[MASK]") == 1 for row in rows)
    assert all(row["word"] in load_mini_tokenizer().vocab for row in rows)


def test_half_of_the_cloze_sentences_have_the_expected_word_in_the_top_five(model):
    hits = sum(count_cloze(model, load_mini_tokenizer()).values())
    assert hits >= 20
    assert f"{hits} of 40" == read_facts()["cloze"]


@pytest.mark.slow
def test_perplexity_on_the_first_200_test_chunks_is_the_recorded_one(model):
    result = evaluate(model, freeze_reviews(load_mini_tokenizer(), num_chunks=200))
    # fp32 on another kind of CPU differs in the last digits only
    assert result.loss == pytest.approx(float(read_facts()["imdb_loss_first_200"]), abs=0.005)


def test_brown_reviews_are_left_out_of_training_and_of_the_measurement():
    letters = "abcdefghjklmnpr"
    documents = [Document(f"c{letter}{i:02}", ("x",)) for letter in letters for i in range(1, 30)]
    train, held_out = split_brown(documents)
    names = [document.name for document in train + held_out]
    assert not any(name.startswith("cc") for name in names)
    assert len(names) == len(set(names)) == len(documents) - 29
    assert {document.name for document in train}.isdisjoint(document.name for document in held_out)


def test_brown_reads_as_normal_text(tmp_path):
    (tmp_path / "package").mkdir()
    text = "\n\n\tMr./np Hu/np asked/vbd :/: ``/`` Ready/jj ?/. ?/.\n''/'' No/rb (/( not/* yet/rb )/) ;/. ;/.\n\n\n\tGo/vb !/. !/.\n"
    (tmp_path / "package/ca01").write_text(text)
    assert [*read_brown(tmp_path)] == [Document("ca01", ('Mr. Hu asked: "Ready?" No (not yet);', "Go!"))]
    assert detokenise(["It", "cost", "$", "5", "."]) == "It cost $5."


def test_changed_archive_is_refused(tmp_path, monkeypatch):
    source = Source("npm", "some-text", "1.0.0", "0" * 64, "public domain", 1.0)
    monkeypatch.setattr("shutil.which", lambda client: client)
    (tmp_path / "some-text").mkdir()
    (tmp_path / "some-text/some-text-1.0.0.tgz").write_bytes(b"other")
    with pytest.raises(RuntimeError, match="must have SHA-256 000.*, found d9298a10d1b0"):
        fetch(source, cache_dir=tmp_path)


def test_missing_client_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda client: None)
    with pytest.raises(RuntimeError, match="needs the command npm, found none"):
        fetch(SOURCES["brown"], cache_dir=tmp_path)


def test_texts_of_every_pass_hold_every_paragraph_once():
    documents = [Document(str(i), (f"Paragraph {i} one.", f"Paragraph {i} two.")) for i in range(5)]
    stream = cut_into_texts(documents, rng=np.random.default_rng(0))
    first_pass = " ".join(next(stream) for _ in documents)
    assert all(first_pass.count(p) == 1 for document in documents for p in document.paragraphs)


def test_training_batches_depend_on_the_seed_alone():
    words = "the cat sat on a warm stone and looked at the sea for a long time before it rained".split()
    rng = np.random.default_rng(0)
    paragraphs = tuple(" ".join(rng.choice(words, 12)).capitalize() + "." for _ in range(40))
    documents = {name: [Document(name, paragraphs)] for name in SOURCES}

    def draw(seed):
        plan = Plan(seed=seed, batch_size=2, round_batches=4)
        stream = draw_batches(documents, tokenizer=load_mini_tokenizer(), plan=plan)
        return [next(stream) for _ in range(6)]

    one, same, other = draw(1), draw(1), draw(2)
    assert all(torch.equal(a[name], b[name]) for a, b in zip(one, same, strict=True) for name in a)
    assert not all(torch.equal(a["labels"], b["labels"]) for a, b in zip(one, other, strict=True))
    assert {batch["input_ids"].shape for batch in one} <= {(2, 128), (8, 32)}


def test_weights_are_written_in_one_move_with_their_facts(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights({"w": torch.ones(2)}, path, facts={"steps": 3})
    assert load_file(path)["w"].dtype == torch.float16
    assert os.listdir(tmp_path) == ["weights.safetensors"]


def test_length_in_steps_overrules_the_clock():
    assert RunLength(minutes=1e-9, steps=4).progress(1) == 0.25
    assert RunLength(minutes=1e-9).progress(1) > 1
