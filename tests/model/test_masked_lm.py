"""The vocabulary head on masked positions: equal to the dense path, family by family."""

import pytest
import torch
import transformers

from mlmtutor.model.masked_lm import HEADS, masked_lm_loss, score_masked

SIZES = {"initializer_range": 0.3, "vocab_size": 50, "max_position_embeddings": 20, "pad_token_id": 1}
LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 24}
FAMILIES = {
    "Albert": {"embedding_size": 8},
    "Bert": {},
    "Camembert": {},
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "DistilBert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24},
    "Electra": {"embedding_size": 8},
    "Ernie": {},
    "ModernBert": {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
    "Roberta": {},
    "XLMRoberta": {},
}
DENSE = {"Albert", "DebertaV2"}


def make_model(family, **changes):
    torch.manual_seed(0)
    sizes = SIZES if family == "DistilBert" else SIZES | LAYERS
    config = getattr(transformers, f"{family}Config")(**sizes | FAMILIES[family] | changes)
    return getattr(transformers, f"{family}ForMaskedLM")(config).train()


def make_batch(*, padded=False):
    generator = torch.Generator().manual_seed(0)
    input_ids = torch.randint(5, 50, (4, 12), generator=generator)
    labels = torch.where(torch.rand(4, 12, generator=generator) < 0.3, input_ids, -100)
    batch = {"input_ids": input_ids, "labels": labels}
    if padded:
        input_ids[1, 8:], labels[1, 8:] = 1, -100
        batch["attention_mask"] = (input_ids != 1).long()
    return batch


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_all_gradients_equal_those_of_the_dense_path(family, padded):
    model, batch = make_model(family), make_batch(padded=padded)
    torch.manual_seed(1)  # the same dropout for both
    dense = model(**batch).loss
    expected = gradients(model, dense)
    torch.manual_seed(1)
    sparse = masked_lm_loss(model, **batch)
    found = gradients(model, sparse)
    assert sparse.item() == pytest.approx(dense.item(), abs=1e-5)
    for name, gradient in expected.items():
        assert (found[name] is None) == (gradient is None), name
        if gradient is not None:
            torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_head_sees_masked_positions_only_where_the_family_is_known(family):
    model, batch = make_model(family), make_batch()
    shapes = []
    hook = lambda module, inputs, output: shapes.append(tuple(output.shape))  # noqa: E731
    model.get_output_embeddings().register_forward_hook(hook)
    logits, targets = score_masked(model, **batch)
    num_masked = int((batch["labels"] != -100).sum())
    assert tuple(logits.shape) == (num_masked, 50)
    assert targets.tolist() == batch["labels"][batch["labels"] != -100].tolist()
    if family not in DENSE:
        assert shapes == [(num_masked, 50)]
    assert (model.config.model_type in HEADS) == (family not in DENSE)


def test_model_is_as_before_once_the_loss_is_computed(monkeypatch):
    model, batch = make_model("Bert").eval(), make_batch()
    with torch.no_grad():
        before = model(input_ids=batch["input_ids"]).logits
        masked_lm_loss(model, **batch)
        assert torch.equal(model(input_ids=batch["input_ids"]).logits, before)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(model.cls.predictions, "forward", lambda hidden: exec("raise KeyboardInterrupt"))
            masked_lm_loss(model, **batch)
        assert torch.equal(model(input_ids=batch["input_ids"]).logits, before)


def test_loss_divides_by_the_count_it_is_given():
    model, batch = make_model("Bert").eval(), make_batch()
    num_masked = int((batch["labels"] != -100).sum())
    half = masked_lm_loss(model, **batch, num_masked=2 * num_masked)
    assert half.item() == pytest.approx(masked_lm_loss(model, **batch).item() / 2)


def test_loss_of_a_half_precision_model_is_float32():
    model, batch = make_model("Bert").eval().bfloat16(), make_batch()
    assert masked_lm_loss(model, **batch).dtype == torch.float32


def test_nothing_masked_is_an_error_not_nan():
    batch = make_batch()
    batch["labels"][:] = -100
    with pytest.raises(ValueError, match=r"at least one masked token, found none in labels \(4, 12\)"):
        masked_lm_loss(make_model("Bert"), **batch)
