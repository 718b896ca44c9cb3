"""Training in one call: settings, history, resuming, and what is refused."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import DefaultFlowCallback, GPT2Config, GPT2LMHeadModel
from two_ranks import make_chunks, make_model

from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.doubts import Doubt
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.testing import tiny_tokenizer
from mlmtutor.training.train import TrainingSettings, train_masked_lm

MASKING = MaskingSettings(unit="token", mask_prob=0.2)
SETTINGS = TrainingSettings(num_epochs=2, batch_size=8, learning_rate=1e-3, logging_steps=3, precision="fp32")


@pytest.fixture(scope="module")
def masks():
    return freeze_masks(make_chunks(), tokenizer=tiny_tokenizer(), settings=MASKING, seed=3)


def train(model=None, *, chunks=None, settings=SETTINGS, masking=MASKING, **options):
    model = make_model(dropout=0.1) if model is None else model
    chunks = make_chunks() if chunks is None else chunks
    return train_masked_lm(
        model, chunks, tokenizer=tiny_tokenizer(), masking=masking, settings=settings, **options
    )


def test_history_tells_steps_losses_and_perplexities(masks):
    model = make_model()
    history = train(model, evaluation=masks)
    assert history.steps == (3, 6, 8)  # the last step is always logged
    assert len(history.losses) == 3 and all(loss > 0 for loss in history.losses)
    assert list(history.evaluations) == [1, 2]
    assert history.evaluations[2] == pytest.approx(evaluate(model, masks).perplexity)
    assert (history.precision, history.device) == ("fp32", "cpu")
    assert history.tokens_per_second == pytest.approx(2 * 32 * 12 / history.seconds)
    assert json.loads(json.dumps(asdict(history)))["losses"] == list(history.losses)
    assert not model.training


def test_training_lowers_the_perplexity_of_a_pattern():
    # every chunk repeats one token: what is hidden follows from its neighbours
    ids = np.random.default_rng(0).integers(5, 18, size=(200, 1)).repeat(12, axis=1)
    chunks = Dataset.from_dict({"input_ids": ids.tolist(), "text_index": list(range(200))})
    tests = freeze_masks(chunks.select(range(40)), tokenizer=tiny_tokenizer(), settings=MASKING, seed=0)
    model = make_model()
    before = evaluate(model, tests).perplexity
    train(
        model,
        chunks=chunks.select(range(40, 200)),
        settings=replace(SETTINGS, num_epochs=10, learning_rate=0.01),
    )
    assert evaluate(model, tests).perplexity < before / 5


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_seed_gives_the_same_training(precision):
    settings = replace(SETTINGS, precision=precision)
    models = [make_model(dropout=0.1) for _ in range(3)]
    first, second = (train(model, settings=settings) for model in models[:2])
    other = train(models[2], settings=replace(settings, seed=1))
    assert first.losses == second.losses != other.losses
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_without_an_output_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train()
    assert list(tmp_path.iterdir()) == []


def test_the_last_two_checkpoints_are_kept_and_load(tmp_path):
    model = make_model()
    train(model, output_dir=tmp_path / "run", settings=replace(SETTINGS, save_steps=2))
    folders = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert folders == ["checkpoint-6", "checkpoint-8", "training.json"]
    loaded = type(model).from_pretrained(tmp_path / "run" / "checkpoint-8")
    assert (tmp_path / "run" / "checkpoint-8" / "model.safetensors").exists()
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def interrupt(monkeypatch, *, step, **options):
    """Train, and stop as if with Ctrl-C after a step."""
    on_step_end = DefaultFlowCallback.on_step_end

    def stop(self, args, state, control, **kwargs):
        if state.global_step == step:
            raise KeyboardInterrupt
        return on_step_end(self, args, state, control, **kwargs)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(DefaultFlowCallback, "on_step_end", stop)
        train(**options)


@pytest.mark.parametrize("save_steps", [3, None, 2], ids=["", "each epoch", "between logs"])
@pytest.mark.parametrize("step", [2, 6, 8], ids=["before a checkpoint", "in an epoch", "at the end"])
def test_resumed_training_equals_an_uninterrupted_one(tmp_path, masks, monkeypatch, caplog, step, save_steps):
    settings = replace(SETTINGS, save_steps=save_steps, precision="bf16")
    expected_model, model = make_model(dropout=0.1), make_model(dropout=0.1)
    expected = train(expected_model, settings=settings, evaluation=masks, output_dir=tmp_path / "whole")
    interrupt(monkeypatch, step=step, settings=settings, evaluation=masks, output_dir=tmp_path)
    history = train(model, settings=settings, evaluation=masks, output_dir=tmp_path, resume=True)
    assert (history.steps, history.losses) == (expected.steps, expected.losses)
    assert history.evaluations == expected.evaluations
    for a, b in zip(expected_model.parameters(), model.parameters(), strict=True):
        assert torch.equal(a, b)
    assert "missing keys" not in caplog.text


def test_a_checkpoint_that_was_not_finished_is_passed_over(tmp_path, monkeypatch):
    settings = replace(SETTINGS, save_steps=3)
    interrupt(monkeypatch, step=5, settings=settings, output_dir=tmp_path)
    (tmp_path / "checkpoint-6").mkdir()
    history = train(settings=settings, output_dir=tmp_path, resume=True)
    assert history.losses == train(settings=settings).losses


def test_a_finished_training_can_be_resumed_to_its_result(tmp_path):
    first, again = make_model(), make_model()
    expected = train(first, output_dir=tmp_path)
    history = train(again, output_dir=tmp_path, resume=True)
    assert history.losses == expected.losses and history.tokens_per_second == 0
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resuming_with_other_settings_is_refused(tmp_path):
    train(output_dir=tmp_path)
    changed = {"settings": replace(SETTINGS, learning_rate=0.5), "masking": replace(MASKING, mask_prob=0.4)}
    with pytest.raises(ValueError, match=r"found learning_rate 0.5 for 0.001, mask_prob 0.4 for 0.2"):
        train(output_dir=tmp_path, resume=True, **changed)


def test_going_on_with_other_versions_is_doubtful(tmp_path, monkeypatch):
    train(output_dir=tmp_path)
    monkeypatch.setattr("mlmtutor.training.train.version", lambda name: "9.9")
    with pytest.warns(Doubt, match=r"begun with other versions \(mlmtutor '9.9' for '.*, torch '9.9' for"):
        train(output_dir=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"chunks": lambda chunks: chunks.select(range(31, -1, -1))}, "other chunks"),
        ({"model": lambda: make_model(dropout=0.1, seed=5)}, "other model"),
        ({"ranks": "2"}, "num_processes 2 for 1"),
        ({"evaluation": 4}, "other evaluation masks"),
    ],
)
def test_going_on_with_something_else_is_refused(change, found, tmp_path, monkeypatch):
    chunks = make_chunks()
    train(output_dir=tmp_path, chunks=chunks)
    if "ranks" in change:
        monkeypatch.setenv("WORLD_SIZE", change["ranks"])
    with pytest.raises(ValueError, match=f"expected the run that was begun in .*, found {found}"):
        train(
            change["model"]() if "model" in change else None,
            chunks=change["chunks"](chunks) if "chunks" in change else chunks,
            output_dir=tmp_path,
            resume=True,
            evaluation=freeze_masks(chunks, tokenizer=tiny_tokenizer(), settings=MASKING, seed=4)
            if "evaluation" in change
            else None,
        )


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_plan_is_named(content, tmp_path):
    train(output_dir=tmp_path)
    (tmp_path / "training.json").write_text(content)
    with pytest.raises(ValueError, match="expected training.json beside .*missing or damaged"):
        train(output_dir=tmp_path, resume=True)


def test_a_new_training_does_not_mix_with_an_old_one(tmp_path):
    train(output_dir=tmp_path)
    with pytest.raises(ValueError, match="expected a folder without a run, found one in .*: resume it"):
        train(output_dir=tmp_path)


def test_resuming_begins_where_there_is_nothing_yet(tmp_path):
    assert train(output_dir=tmp_path / "a", resume=True).losses == train(output_dir=tmp_path / "b").losses
    with pytest.raises(ValueError, match="resume needs the output_dir"):
        train(resume=True)


def test_chunks_with_nothing_to_hide_are_an_error_not_nan():
    specials = Dataset.from_dict({"input_ids": [[2, 3, 2, 3]] * 8, "text_index": list(range(8))})
    with pytest.raises(ValueError, match="found only special tokens in a batch of 8 x 4 tokens"):
        train(chunks=specials)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_fp16_without_a_gpu_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="precision 'fp16' needs an NVIDIA GPU"):
        train(settings=replace(SETTINGS, precision="fp16"), output_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_models_that_cannot_be_trained_so_are_refused():
    with pytest.raises(ValueError, match="found GPT2LMHeadModel"):
        train(GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=8, n_layer=1, n_head=2)))
    with pytest.raises(ValueError, match="expected weights in torch.float32, found torch.bfloat16"):
        train(make_model().bfloat16())


def test_chunks_that_the_model_cannot_read_are_refused():
    with pytest.raises(ValueError, match="at least one chunk to train on"):
        train(chunks=make_chunks().select([]))
    long = Dataset.from_dict({"input_ids": [[5] * 20], "text_index": [0]})
    with pytest.raises(ValueError, match="at most 16 tokens for this model, found 20"):
        train(chunks=long)
    foreign = Dataset.from_dict({"input_ids": [[5, 99]], "text_index": [0]})
    with pytest.raises(ValueError, match="below the model's 18, found 99"):
        train(chunks=foreign)


def test_a_tokenizer_larger_than_the_model_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["wow"])
    with pytest.raises(ValueError, match=r"at most the model's 18 tokens, found 19"):
        train_masked_lm(make_model(), make_chunks(), tokenizer=tokenizer, masking=MASKING, settings=SETTINGS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_epochs", 0, r"num_epochs must be in \[1, 2\*\*31\), got 0"),
        ("batch_size", 0, r"batch_size must be in \[1, 2\*\*31\), got 0"),
        ("save_steps", 0, r"save_steps must be in \[1, 2\*\*31\), got 0"),
        ("learning_rate", 0.0, "learning_rate must be above 0 and finite, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be above 0 and finite, got nan"),
        ("learning_rate", float("inf"), "learning_rate must be above 0 and finite, got inf"),
        ("seed", -1, r"seed must be in \[0, 2\*\*32\), got -1"),
        ("seed", 2**32, r"seed must be in \[0, 2\*\*32\), got 4294967296"),
        ("batch_size", 2**31, r"batch_size must be in \[1, 2\*\*31\), got"),
        ("warmup_share", 1.0, r"warmup_share must be in \[0, 1\), got 1.0"),
        ("weight_decay", -0.1, "weight_decay must be at least 0 and finite, got -0.1"),
        ("precision", "half", "precision must be 'auto', 'bf16', 'fp16' or 'fp32', got 'half'"),
    ],
)
def test_settings_out_of_range_are_refused(name, value, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**{name: value})
