"""Every weight of a model comes from its checkpoint: tried on tiny models of several families."""

import json
import warnings

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from mlmtutor import load_model

SIZES = {
    "vocab_size": 18, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "pad_token_id": 0,
}  # fmt: skip
DISTILBERT = {
    "vocab_size": 18, "dim": 16, "n_heads": 2, "n_layers": 3, "hidden_dim": 32, "max_position_embeddings": 40,
}  # fmt: skip
DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
MODERNBERT = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
FAMILIES = {
    "Bert": SIZES,
    "DistilBert": DISTILBERT,
    "Roberta": SIZES,
    "XLMRoberta": SIZES,
    "Albert": SIZES | {"embedding_size": 8},
    "Electra": SIZES | {"embedding_size": 8},
    "MPNet": SIZES,
    "DebertaV2": SIZES | DEBERTA,
    "ModernBert": SIZES | MODERNBERT,
}
LAYERED = [family for family in FAMILIES if family != "Albert"]  # its layers share their weights


def save(folder, family, *, task="ForMaskedLM", dtype=torch.float32):
    """Save a tiny random model; return the names of its weights' layers and the file's content."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family])
    model = getattr(transformers, f"{family}{task}")(config)
    model.to(dtype).save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def write(folder, weights):
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def refusal(folder):
    with pytest.raises(ValueError) as error:
        load_model(folder)
    assert str(error.value).isprintable()
    return str(error.value)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_whole_checkpoint_loads_in_any_precision_without_a_word(family, dtype, tmp_path):
    weights = save(tmp_path, family, dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(tmp_path)
    assert model.dtype == torch.float32
    assert all(
        torch.equal(model.state_dict()[name], weight.float())
        for name, weight in weights.items()
        if name in model.state_dict()
    )


@pytest.mark.parametrize("family", ["Bert", "Albert"])
def test_a_checkpoint_from_pretraining_loads(family, tmp_path):
    """It has a pooler and a head for the next sentence, too."""
    save(tmp_path, family, task="ForPreTraining")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_model(tmp_path)


def test_names_without_prefix_and_old_names_load(tmp_path):
    weights = save(tmp_path, "Bert")
    old = {
        name.removeprefix("bert.").replace("LayerNorm.weight", "LayerNorm.gamma"): w
        for name, w in weights.items()
    }
    write(tmp_path, old | {"embeddings.position_ids": torch.arange(40)})
    model = load_model(tmp_path)
    name = "bert.encoder.layer.1.output.LayerNorm.weight"
    assert torch.equal(model.state_dict()[name], weights[name])


@pytest.mark.parametrize("family", LAYERED)
def test_a_missing_layer_is_refused_and_named(family, tmp_path):
    weights = save(tmp_path, family)
    layer = {name for name in weights if ".2." in name}
    write(tmp_path, {name: weight for name, weight in weights.items() if name not in layer})
    message = refusal(tmp_path)
    assert f"found it without {min(layer)} and {len(layer) - 1} more" in message


@pytest.mark.parametrize("family", FAMILIES)
def test_a_single_missing_weight_is_refused_and_named(family, tmp_path):
    weights = save(tmp_path, family)
    missing = next(name for name in sorted(weights) if "attention" in name or "attn" in name)
    write(tmp_path, {name: weight for name, weight in weights.items() if name != missing})
    assert f"found it without {missing}" in refusal(tmp_path)


@pytest.mark.parametrize("family", [family for family in LAYERED if family != "ModernBert"])
@pytest.mark.parametrize("prefix", [True, False])
def test_more_layers_than_the_configuration_says_are_refused(family, prefix, tmp_path):
    weights = save(tmp_path, family)
    if not prefix:
        base = getattr(transformers, f"{family}ForMaskedLM").base_model_prefix
        write(tmp_path, {name.removeprefix(f"{base}."): weight for name, weight in weights.items()})
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    key = "n_layers" if "n_layers" in config else "num_hidden_layers"
    file.write_text(json.dumps(config | {key: 2}))
    assert "expected no more layers in" in refusal(tmp_path)
    file.write_text(json.dumps(config | {key: 4}))
    assert "expected all weights of its config.json in" in refusal(tmp_path)


def test_sizes_that_do_not_fit_are_both_named(tmp_path):
    save(tmp_path, "Bert")
    file = tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"vocab_size": 30}))
    assert "word_embeddings.weight of size 30 x 16" in refusal(tmp_path)
    assert "found 18 x 16 in its weights" in refusal(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    weights = save(tmp_path, "Bert")
    name = "bert.encoder.layer.1.output.dense.weight"
    weights[name][3, 5] = value
    write(tmp_path, weights)
    assert f"expected numbers in {name} of" in refusal(tmp_path)


@pytest.mark.parametrize("task", ["Model", "ForSequenceClassification", "ForTokenClassification"])
def test_a_checkpoint_for_another_task_is_refused(task, tmp_path):
    save(tmp_path, "Bert", task=task)
    assert "expected a checkpoint with a masked-LM head, found" in refusal(tmp_path)


def test_weights_inside_the_layers_that_have_no_place_are_said(tmp_path):
    weights = save(tmp_path, "Bert")
    write(tmp_path, weights | {"bert.encoder.layer.0.output.adapter.down.weight": torch.zeros(2, 16)})
    with pytest.warns(UserWarning, match=r"no place for, bert.encoder.layer.0.output.adapter.down.weight: "):
        load_model(tmp_path)
