"""The trainer: one loss, however a step is cut up; masks that follow the epoch; nothing hidden."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_ranks
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, TrainerCallback, TrainingArguments

from mlmtutor.masks.collator import ChunkRows, MaskingCollator
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.scores.perplexity import evaluate
from mlmtutor.testing import tiny_tokenizer
from mlmtutor.training.trainer import MaskedLMTrainer


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two epochs of four steps of 8 chunks, on one device."""
    return two_ranks.train(tmp_path_factory.mktemp("whole"))


def assert_same_training(found, expected, tolerance=1e-5):
    assert found["losses"] == pytest.approx(expected["losses"], abs=tolerance)
    assert found["perplexities"] == pytest.approx(expected["perplexities"], rel=tolerance)
    for name, gradient in expected["gradients"].items():
        torch.testing.assert_close(
            found["gradients"][name], gradient, atol=tolerance, rtol=tolerance, msg=name
        )
    for name, weight in expected["weights"].items():
        torch.testing.assert_close(found["weights"][name], weight, atol=tolerance, rtol=tolerance, msg=name)


def rows_per_step(seen, batches_per_step):
    """Join the batches of each step: ``[(epoch, sorted rows), ...]``."""
    steps = [seen[start : start + batches_per_step] for start in range(0, len(seen), batches_per_step)]
    return [(step[0][0], sorted(row for _, rows in step for row in rows)) for step in steps]


@pytest.mark.parametrize("batch_size", [4, 2])
def test_gradient_accumulation_equals_one_big_batch(whole, tmp_path, batch_size):
    parts = 8 // batch_size
    found = two_ranks.train(
        tmp_path, per_device_train_batch_size=batch_size, gradient_accumulation_steps=parts
    )
    assert_same_training(found, whole)
    assert rows_per_step(found["seen"], parts) == rows_per_step(whole["seen"], 1)


def test_an_incomplete_last_step_is_divided_by_its_own_masked_tokens(tmp_path):
    # 32 chunks in steps of 12: the third step has 8, in accumulated parts of 6 and 2
    big = two_ranks.train(tmp_path / "big", per_device_train_batch_size=12)
    parts = two_ranks.train(tmp_path / "parts", per_device_train_batch_size=6, gradient_accumulation_steps=2)
    assert_same_training(parts, big)


@pytest.mark.slow
def test_two_ranks_equal_one_device(whole, tmp_path):
    script = Path(two_ranks.__file__)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(script.parents[1])}
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads((tmp_path / "ranks.json").read_text())
    tensors = torch.load(tmp_path / "tensors.pt")
    assert report["size"] == 2
    for name in ("whole", "shared", "resumed"):
        gradients, weights = tensors[name]
        # the first gradients of the resumed training are those of a later step
        expected = {**whole, "gradients": {}} if name == "resumed" else whole
        assert_same_training({**report["runs"][name], "gradients": gradients, "weights": weights}, expected)
    for name, parts, first in (("whole", 1, 0), ("shared", 2, 0), ("resumed", 1, 6)):
        ranks = [rows_per_step(seen[name], parts) for seen in report["seen"]]
        joined = [(a[0], sorted(a[1] + b[1])) for a, b in zip(*ranks, strict=True)]
        assert joined == rows_per_step(whole["seen"], 1)[first:]


def test_every_epoch_and_every_worker_draws_the_masks_of_its_epoch(whole, tmp_path):
    assert [epoch for epoch, _ in whole["seen"]] == [0] * 4 + [1] * 4
    found = two_ranks.train(tmp_path, num_workers=2)
    assert_same_training(found, whole, tolerance=1e-6)


@pytest.mark.parametrize("last_step", [3, 4, 6], ids=["in epoch 1", "between epochs", "in epoch 2"])
def test_resumed_training_equals_an_uninterrupted_one(tmp_path, last_step):
    accumulate = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "dropout": 0.1}
    save = {"save_strategy": "steps", "save_steps": last_step} | accumulate
    expected = two_ranks.train(tmp_path / "whole", **accumulate)
    stopped = two_ranks.train(tmp_path / "cut", last_step=last_step, **save)
    resumed = two_ranks.train(tmp_path / "cut", resume=True, **save)
    assert stopped["losses"] == expected["losses"][:last_step]
    assert resumed["losses"] == expected["losses"]
    assert resumed["seen"] == expected["seen"][2 * last_step :]
    for name, weight in expected["weights"].items():
        assert torch.equal(resumed["weights"][name], weight), name


def make_trainer(tmp_path, model=None, **changes):
    arguments = {"output_dir": str(tmp_path), "use_cpu": True, "save_strategy": "no", "max_steps": 2}
    return MaskedLMTrainer(
        two_ranks.make_model() if model is None else model,
        TrainingArguments(**arguments | changes),
        data_collator=MaskingCollator(tiny_tokenizer(), settings=two_ranks.MASKING),
        train_dataset=ChunkRows(two_ranks.make_chunks()),
        eval_dataset=freeze_masks(
            two_ranks.make_chunks(), tokenizer=tiny_tokenizer(), settings=two_ranks.MASKING, seed=0
        ),
    )


def test_default_arguments_simply_work_and_are_not_changed(tmp_path):
    args = TrainingArguments(str(tmp_path), use_cpu=True, save_strategy="no", max_steps=1)
    assert args.remove_unused_columns
    before = args.to_dict()
    collator = MaskingCollator(tiny_tokenizer(), settings=two_ranks.MASKING)
    rows = ChunkRows(two_ranks.make_chunks())
    MaskedLMTrainer(two_ranks.make_model(), args, data_collator=collator, train_dataset=rows).train()
    assert args.to_dict() == before


def test_several_gpus_in_one_process_are_not_split_over(tmp_path):
    args = TrainingArguments(str(tmp_path), use_cpu=True, save_strategy="no", per_device_train_batch_size=4)
    assert args.device.type == "cpu"
    args._n_gpu = 2  # what transformers finds on a machine with two GPUs and no launcher
    trainer = MaskedLMTrainer(two_ranks.make_model(), args)
    assert (trainer.args.n_gpu, trainer.args.train_batch_size) == (1, 4)


def test_nothing_is_reported_or_printed_unless_asked(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    trainer = make_trainer(tmp_path, report_to="all", logging_steps=1, save_strategy="steps", save_steps=2)
    assert trainer.args.report_to == []
    trainer.train()
    trainer.evaluate()
    printed = capfd.readouterr()
    assert printed.out == "" and "it/s" not in printed.err and "%|" not in printed.err


def test_progress_is_one_plain_bar_on_standard_error(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("MLMTUTOR_PROGRESS", "1")
    make_trainer(tmp_path, logging_steps=1).train()
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "training: 100%" in printed.err and "2/2" in printed.err and "loss" in printed.err


def test_evaluation_is_that_of_perplexity_and_keeps_no_logits(tmp_path):
    trainer = make_trainer(tmp_path)
    result = evaluate(trainer.model, trainer.eval_dataset)
    metrics = trainer.evaluate()
    assert metrics["eval_perplexity"] == pytest.approx(result.perplexity)
    assert metrics["eval_num_masked"] == result.count
    assert all(isinstance(value, int | float) for value in metrics.values())
    with pytest.raises(TypeError, match="expected FrozenMasks, found ChunkRows"):
        trainer.evaluate(trainer.train_dataset)


def test_model_is_in_full_precision_again_after_bf16_training(tmp_path):
    trainer = make_trainer(tmp_path, bf16=True, eval_strategy="steps", eval_steps=2)
    trainer.train()
    model = trainer.model
    assert model.forward.__func__ is type(model).forward
    # the evaluation during training was in full precision too
    during = trainer.state.log_history[-2]["eval_loss"]
    assert during == pytest.approx(evaluate(model, trainer.eval_dataset).loss, rel=1e-6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert during != evaluate(model, trainer.eval_dataset).loss


def test_attention_is_plain_in_bf16_on_a_cpu_and_as_before_afterwards(tmp_path):
    class Watcher(TrainerCallback):
        def on_step_end(self, args, state, control, model, **kwargs):
            self.seen = model.config._attn_implementation

    for bf16, expected in ((True, "eager"), (False, "sdpa")):
        trainer = make_trainer(tmp_path, bf16=bf16)
        trainer.add_callback(watcher := Watcher())
        trainer.train()
        assert watcher.seen == expected
        assert trainer.model.config._attn_implementation == "sdpa"


def test_loss_of_a_batch_alone_needs_no_count(tmp_path):
    trainer = make_trainer(tmp_path)
    batch = trainer.data_collator(trainer.train_dataset[:4])
    expected = trainer.model.eval()(**batch).loss
    loss, outputs = trainer.compute_loss(trainer.model, batch, return_outputs=True)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5) and outputs is None


def test_a_causal_model_is_refused(tmp_path):
    model = GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=8, n_layer=1, n_head=2))
    with pytest.raises(ValueError, match="found GPT2LMHeadModel: a causal model"):
        make_trainer(tmp_path, model)


def test_a_model_on_several_devices_is_refused_since_trainer_wraps_it_itself(tmp_path):
    with pytest.raises(
        ValueError, match="not wrapped for several devices, found DataParallel: pass its module"
    ):
        make_trainer(tmp_path, nn.DataParallel(two_ranks.make_model()))


@pytest.mark.parametrize("bf16", [False, True])
def test_a_compiled_model_is_trained_as_a_bare_one(tmp_path, bf16):
    options = {"bf16": bf16, "max_steps": 6, "logging_steps": 1, "learning_rate": 0.01}
    bare = make_trainer(tmp_path, **options)
    compiled = make_trainer(tmp_path, torch.compile(two_ranks.make_model(), backend="eager"), **options)
    found, expected = (
        [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        for trainer in (compiled, bare)
        if trainer.train()
    )
    assert found == pytest.approx(expected, rel=1e-2 if bf16 else 1e-5)
    metrics = compiled.evaluate()
    assert metrics["eval_loss"] == evaluate(compiled.model, compiled.eval_dataset).loss
    assert metrics["eval_loss"] == pytest.approx(bare.evaluate()["eval_loss"], rel=1e-2 if bf16 else 1e-5)


def add_lora(rank=4):
    torch.manual_seed(1)
    return get_peft_model(two_ranks.make_model(), LoraConfig(r=rank, target_modules=["query", "value"]))


@pytest.mark.parametrize("bf16", [False, True])
def test_with_lora_the_adapters_change_and_nothing_else(tmp_path, bf16):
    model = add_lora()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    trainer = make_trainer(tmp_path, model, bf16=bf16, max_steps=6, learning_rate=0.1, eval_strategy="epoch")
    first = trainer.evaluate()["eval_loss"]
    trainer.train()
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    last = trainer.evaluate()["eval_loss"]
    assert last != first
    assert (
        last
        == evaluate(model, trainer.eval_dataset).loss
        == evaluate(model.get_base_model(), trainer.eval_dataset).loss
    )


@pytest.mark.parametrize("wrap", [add_lora, lambda: torch.compile(two_ranks.make_model(), backend="eager")],
                         ids=["lora", "compiled"])  # fmt: skip
def test_a_wrapped_model_resumes_to_the_same_result(tmp_path, wrap, caplog):
    options = {
        "logging_steps": 1,
        "learning_rate": 0.1,
        "max_steps": 4,
        "save_strategy": "steps",
        "save_steps": 2,
    }
    whole = make_trainer(tmp_path / "run", wrap(), **options)
    whole.train()
    again = make_trainer(tmp_path / "run", wrap(), **options)
    again.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-2"))
    for (name, a), b in zip(whole.model.named_parameters(), again.model.parameters(), strict=True):
        assert torch.equal(a, b), name
    assert "missing keys" not in caplog.text


@pytest.mark.parametrize("rate", [1e9, float("inf")])
def test_a_training_that_diverges_stops_at_the_first_logged_loss(tmp_path, rate):
    trainer = make_trainer(tmp_path, learning_rate=rate, max_steps=200, logging_steps=3, max_grad_norm=0.0)
    with pytest.raises(
        ValueError, match=r"finite losses, found (nan|inf) at step \d+ with the learning rate"
    ) as caught:
        trainer.train()
    assert trainer.state.global_step < 20
    assert len(str(caught.value)) <= 300 and "take a smaller one" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_smoothing_factor": 0.1}, "label_smoothing_factor must be 0 here, got 0.1"),
        (
            {"dataloader_persistent_workers": True, "dataloader_num_workers": 1},
            "dataloader_persistent_workers must be off",
        ),
    ],
)
def test_arguments_that_cannot_be_honoured_are_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        make_trainer(tmp_path, **change)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
@pytest.mark.parametrize(("first", "kept"), [("", False), ("_keep_freed_memory()", True)])
def test_memory_is_taken_from_the_system_once_where_it_is_kept(first, kept):
    code = f"""
import resource, numpy
from mlmtutor.training.trainer import _keep_freed_memory
{first}
def count_new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.ones(20_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
count_new_pages()
print(count_new_pages())
"""
    pages = int(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )
    assert (pages < 20) == kept
