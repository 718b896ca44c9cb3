"""What a model can read, measured by letting tiny models of many families read; and which wrappers are taken."""

import copy

import numpy as np
import pytest
import torch
import transformers
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from torch import nn

from mlmtutor import embed_texts, evaluate, fill_masks, freeze_masks, score_probes, score_texts
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.limits import check_chunks_fit, check_masked_lm, max_tokens, unwrap
from mlmtutor.model.masked_lm import masked_lm_loss, score_batches, score_masked
from mlmtutor.scores.probes import Probe
from mlmtutor.testing import tiny_model, tiny_tokenizer
from mlmtutor.texts.chunking import chunk_texts

SIZES = {
    "vocab_size": 50, "max_position_embeddings": 20, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    "cls_token_id": 0, "sep_token_id": 2, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 24, "embedding_size": 16, "attention_window": 4, "dim": 16, "n_layers": 1, "n_heads": 2,
    "hidden_dim": 24, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "emb_dim": 16,
}  # fmt: skip
# by model type, the tokens that a model with 20 rows of positions reads
LIMITS = {
    **dict.fromkeys(
        ["albert", "bart", "bert", "big_bird", "convbert", "deberta", "deberta-v2", "distilbert", "electra", "ernie",
         "fnet", "layoutlm", "megatron-bert", "mobilebert", "mra", "nystromformer", "rembert", "roformer", "squeezebert"],
        20,
    ),
    **dict.fromkeys(
        ["camembert", "data2vec-text", "esm", "ibert", "longformer", "luke", "mpnet", "roberta", "roberta-prelayernorm",
         "xlm-roberta", "xlm-roberta-xl"],
        18,
    ),
}  # fmt: skip
TEXTS = ["the film was good", "a bad actor"]


def make_model(model_type, **changes):
    names = transformers.models.auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    sizes = {k: v for k, v in SIZES.items() if hasattr(transformers.AutoConfig.for_model(model_type), k)}
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(model_type, **sizes | changes)
    return getattr(transformers, names[model_type])(config).eval()


def reads(model, num_tokens):
    ids = torch.full((1, num_tokens), 7)
    with torch.no_grad():
        return bool(model(input_ids=ids).logits.isfinite().all())


@pytest.mark.parametrize(("model_type", "limit"), LIMITS.items())
def test_limit_is_the_longest_text_that_the_model_reads(model_type, limit):
    model = make_model(model_type)
    assert max_tokens(model) == limit
    assert reads(model, limit)
    with pytest.raises((IndexError, RuntimeError, ValueError)):
        reads(model, limit + 1)
    check_chunks_fit(model, np.full((1, limit), 7))
    with pytest.raises(ValueError, match=f"at most {limit} tokens for this model, found {limit + 1}"):
        masked_lm_loss(model, input_ids=torch.full((1, limit + 1), 7), labels=torch.full((1, limit + 1), 7))


def test_relative_positions_alone_have_no_limit_and_rotary_ones_that_of_their_training():
    relative = make_model("deberta-v2", relative_attention=True, position_biased_input=False)
    assert max_tokens(relative) is None and reads(relative, 50)
    assert max_tokens(make_model("modernbert")) == 20


@pytest.mark.parametrize("model_type", ["bert", "roberta", "mpnet"])
def test_every_function_names_the_same_limit(model_type):
    tokenizer, model = tiny_tokenizer(), make_model(model_type)
    limit = max_tokens(model)
    text = "film " * (limit - 2) + "[MASK]"  # with [CLS] and [SEP] one too many
    message = f"at most {limit} tokens for this model, found {limit + 1}"
    for call in (
        lambda: fill_masks(text, model=model, tokenizer=tokenizer),
        lambda: score_texts(text, model=model, tokenizer=tokenizer),
        lambda: score_probes(Probe(text, "film", ""), model=model, tokenizer=tokenizer),
        lambda: evaluate(model, make_masks(chunk_size=limit + 1)),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=rf"max_tokens must be in \[3, {limit}\] for this model, got"):
        embed_texts(text, model=model, tokenizer=tokenizer, max_tokens=limit + 1)
    assert embed_texts(text, model=model, tokenizer=tokenizer, max_tokens=limit).shape == (1, 16)


def make_masks(chunk_size=8):
    chunks = chunk_texts(
        ["the film was good . a bad actor is bad"] * 40, tiny_tokenizer(), chunk_size=chunk_size
    )
    return freeze_masks(chunks.dataset, tokenizer=tiny_tokenizer(), settings=MaskingSettings(), seed=0)


def ask(model):
    """Call every public function that runs a model; numbers that must be equal for equal models."""
    tokenizer, masks = tiny_tokenizer(), make_masks()
    options = {"model": model, "tokenizer": tokenizer}
    batches = list(masks.batches(16))
    return {
        "fill_masks": [c.probability for c in fill_masks("the [MASK] was", **options)[0][0]],
        "score_texts": score_texts(TEXTS, **options).losses.tolist(),
        "score_probes": score_probes(Probe("the [MASK]", "film", ""), **options).probabilities,
        "embed_texts": embed_texts(TEXTS, max_tokens=16, **options).tolist(),
        "evaluate": evaluate(model, masks).losses.tolist(),
        "score_batches": [logits.sum().item() for logits, _ in score_batches(model, batches)],
    }


def test_everything_that_predicts_does_so_without_dropout_and_returns_the_model_to_its_mode():
    model = tiny_model().train()
    model.bert.embeddings.eval()  # a part that someone froze
    modes = [module.training for module in model.modules()]
    first = ask(model)
    assert [module.training for module in model.modules()] == modes
    assert first == ask(model) == ask(tiny_model())


def test_loss_and_scores_of_a_batch_respect_the_mode_of_the_caller():
    model, (batch, *_) = tiny_model(), make_masks().batches(16)
    for function in (masked_lm_loss, lambda *a, **k: score_masked(*a, **k)[0].sum()):
        model.eval()
        assert function(model, **batch).item() == function(model, **batch).item()
        model.train()
        assert function(model, **batch).item() != function(model, **batch).item()
        assert model.training


def add_lora(model):
    config = LoraConfig(target_modules=["query", "value"], modules_to_save=["cls"], init_lora_weights=False)
    return get_peft_model(model, config)


def compile_in_place(model):
    model.compile(backend="eager")
    return model


WRAPPERS = {
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled in place": compile_in_place,
    "data parallel": nn.DataParallel,
    "both": lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_a_wrapped_model_gives_the_numbers_of_the_bare_one(wrap):
    model = tiny_model()
    expected = ask(model)
    for name, numbers in ask(wrap(copy.deepcopy(model))).items():
        np.testing.assert_allclose(numbers, expected[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("wrap", [*WRAPPERS.values(), lambda model: model], ids=[*WRAPPERS, "bare"])
@pytest.mark.parametrize("adapt", [add_lora, lambda model: model], ids=["lora", "plain"])
def test_loss_and_gradients_of_each_batch_are_those_of_the_whole_model(wrap, adapt):
    bare, wrapped = tiny_model(), None
    bare = adapt(bare).eval()
    wrapped = wrap(copy.deepcopy(bare)).eval()
    for batch in make_masks().batches(16):  # the masked positions differ from batch to batch
        dense = bare(**batch).loss
        sparse = masked_lm_loss(wrapped, **batch)
        assert sparse.item() == pytest.approx(dense.item(), abs=1e-5)
        for model, loss in ((bare, dense), (wrapped, sparse)):
            model.zero_grad()
            loss.backward()
        for a, b in zip(bare.parameters(), wrapped.parameters(), strict=True):
            assert (a.grad is None) == (b.grad is None)
            if a.grad is not None:
                torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_no_hook_comes_and_goes_in_a_graph_or_in_a_part_of_a_batch(wrap, monkeypatch):
    model, (batch, *_) = tiny_model(), make_masks().batches(16)
    monkeypatch.setattr(model.cls, "register_forward_pre_hook", None)
    masked_lm_loss(wrap(model), **batch)
    with pytest.raises(TypeError):
        masked_lm_loss(tiny_model_with(model.cls), **batch)


def tiny_model_with(head):
    model = tiny_model()
    model.cls = head
    return model


def test_lora_counts_in_everything_that_predicts():
    model = tiny_model()
    plain, adapted = ask(model), add_lora(copy.deepcopy(model)).eval()
    found = ask(adapted)
    assert all(found[name] != plain[name] for name in plain)
    assert found == ask(adapted.get_base_model())
    tokenizer = tiny_tokenizer()
    with torch.no_grad():
        logits = adapted(**tokenizer("the [MASK] was", return_tensors="pt")).logits[0, 2].softmax(-1)
    assert found["fill_masks"] == pytest.approx(logits.topk(5).values.tolist())


class Holder(nn.Module):
    """A wrapper that nobody knows."""

    def __init__(self, model):
        super().__init__()
        self.model = model


def test_a_model_without_masked_lm_head_is_refused_for_the_right_reason():
    config = transformers.BertConfig(vocab_size=18, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
    prompt = PromptTuningConfig(
        num_virtual_tokens=3, task_type="FEATURE_EXTRACTION", num_layers=1, token_dim=8, num_attention_heads=2
    )
    for model, reason in (
        (transformers.BertModel(config), "found BertModel: it has no masked-LM head"),
        (transformers.BertLMHeadModel(config), "found BertLMHeadModel: a causal model"),
        (torch.compile(transformers.BertModel(config)), "found BertModel: it has no masked-LM head"),
        (Holder(tiny_model()), "found Holder: wrapped: pass the BertForMaskedLM inside"),
        # the prompt is a part of the answer
        (get_peft_model(tiny_model(), prompt), "found PeftModelForFeatureExtraction: wrapped"),
    ):
        with pytest.raises(ValueError, match=f"such as BertForMaskedLM, {reason}") as caught:
            check_masked_lm(model)
        assert len(str(caught.value)) <= 300 and "\n" not in str(caught.value)
    check_masked_lm(tiny_model())


def test_unwrapping_goes_all_the_way_down():
    model = tiny_model()
    assert unwrap(nn.DataParallel(torch.compile(add_lora(model)))) is model


def test_ids_outside_the_vocabulary_are_refused_alike():
    tokenizer, model = tiny_tokenizer(), tiny_model()
    tokenizer.add_tokens(["wow"])  # and the embeddings are not resized
    options = {"model": model, "tokenizer": tokenizer}
    ids, labels = torch.tensor([[2, 4, 3]]), torch.tensor([[-100, 18, -100]])
    for call in (
        lambda: fill_masks("wow [MASK]", **options),
        lambda: fill_masks("the [MASK]", targets="wow", **options),
        lambda: embed_texts("wow", max_tokens=8, **options),
        lambda: score_texts("wow", **options),
        lambda: score_probes(Probe("wow [MASK]", "film", ""), **options),
        lambda: score_probes(Probe("the [MASK]", "wow", ""), **options),
        lambda: masked_lm_loss(model, input_ids=ids, labels=labels),
        lambda: masked_lm_loss(model, input_ids=ids + 14, labels=ids),
    ):
        with pytest.raises(
            ValueError, match="expected token ids below the model's 18, found 18.*resize_token"
        ):
            call()
    with pytest.raises(ValueError, match="token ids of at least 0, found -1"):
        masked_lm_loss(model, input_ids=ids - 3, labels=ids)


def test_weights_that_are_not_finite_are_named_by_everything_that_predicts():
    tokenizer, masks = tiny_tokenizer(), make_masks()
    model = tiny_model()
    model.bert.embeddings.LayerNorm.bias.data[0] = torch.inf
    options = {"model": model, "tokenizer": tokenizer}
    for call in (
        lambda: fill_masks("the [MASK]", **options),
        lambda: fill_masks("the [MASK]", targets="film", **options),
        lambda: embed_texts("film", max_tokens=8, **options),
        lambda: score_texts("film", **options),
        lambda: score_probes(Probe("the [MASK]", "film", ""), **options),
        lambda: evaluate(model, masks),
    ):
        with pytest.raises(ValueError, match="weights are not finite.*'bert.embeddings.LayerNorm.bias'"):
            call()


def test_shapes_that_disagree_are_named():
    model, ids = tiny_model(), torch.tensor([[2, 4, 3]])
    with pytest.raises(ValueError, match=r"labels of the shape of input_ids, \(1, 3\), found \(1, 2\)"):
        masked_lm_loss(model, input_ids=ids, labels=ids[:, :2])
    with pytest.raises(
        ValueError, match=r"attention_mask of the shape of input_ids, \(1, 3\), found \(1, 4\)"
    ):
        score_masked(model, input_ids=ids, labels=ids, attention_mask=torch.ones(1, 4))
    with pytest.raises(ValueError, match=r"\(num_chunks, chunk_size\), found \(3,\)"):
        masked_lm_loss(model, input_ids=ids[0], labels=ids[0])
