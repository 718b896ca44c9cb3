"""Small training runs, alone or as one of several ranks; run under torchrun by test_trainer.

    torchrun --nproc-per-node 2 two_ranks.py FOLDER

leaves what it saw in FOLDER/ranks.json and FOLDER/gradients.pt.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from transformers import BertConfig, BertForMaskedLM, TrainerCallback, TrainingArguments

from mlmtutor.masks.collator import ChunkRows, MaskingCollator
from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.testing import tiny_tokenizer
from mlmtutor.training.trainer import MaskedLMTrainer

NUM_CHUNKS, CHUNK_SIZE = 32, 12
MASKING = MaskingSettings(unit="token", mask_prob=0.2)


def make_model(dropout=0.0, seed=0):
    torch.manual_seed(seed)
    sizes = {"vocab_size": 18, "hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 16}
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.3}
    return BertForMaskedLM(BertConfig(**sizes | layers | rates))


def make_chunks():
    ids = np.random.default_rng(0).integers(5, 18, size=(NUM_CHUNKS, CHUNK_SIZE))
    return Dataset.from_dict({"input_ids": ids.tolist(), "text_index": list(range(NUM_CHUNKS))})


class RecordingCollator(MaskingCollator):
    """Keeps the epoch and the rows of every batch."""

    def __init__(self):
        super().__init__(tiny_tokenizer(), settings=MASKING, seed=7)
        self.seen = []

    def __call__(self, rows):
        self.seen.append((int(rows["epoch"]), rows["index"].tolist()))
        return super().__call__(rows)


class Watcher(TrainerCallback):
    """Keeps the gradients of the first step, and stops after ``last_step``."""

    def __init__(self, last_step=None):
        self.last_step = last_step
        self.gradients = {}

    def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
        if not self.gradients:
            self.gradients = {name: p.grad.clone() for name, p in model.named_parameters()}

    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop |= state.global_step == self.last_step


def train(folder, *, last_step=None, resume=False, dropout=0.0, num_workers=0, **changes):
    """Train for two epochs; give what a test may want to compare."""
    defaults = {
        "output_dir": str(folder),
        "num_train_epochs": 2,
        "optim": "sgd",  # unlike Adam it does not blow up the rounding of gradients near zero
        "learning_rate": 0.1,
        "per_device_train_batch_size": 8,
        "dataloader_num_workers": num_workers,
        "logging_steps": 1,
        "max_grad_norm": 1e9,
        "save_strategy": "no",
        "eval_strategy": "epoch",
        "use_cpu": True,
        "dataloader_pin_memory": False,
    }
    watcher, collator = Watcher(last_step), RecordingCollator()
    masks = freeze_masks(make_chunks(), tokenizer=tiny_tokenizer(), settings=MASKING, seed=3)
    trainer = MaskedLMTrainer(
        make_model(dropout),
        TrainingArguments(**defaults | changes),
        data_collator=collator,
        train_dataset=ChunkRows(make_chunks()),
        eval_dataset=masks,
        callbacks=[watcher],
    )
    trainer.train(resume_from_checkpoint=resume)
    history = trainer.state.log_history
    return {
        "losses": [entry["loss"] for entry in history if "loss" in entry],
        "perplexities": [entry["eval_perplexity"] for entry in history if "eval_perplexity" in entry],
        "seen": collator.seen,
        "gradients": watcher.gradients,
        "weights": {name: p.detach().clone() for name, p in trainer.model.named_parameters()},
    }


def main(folder):
    whole = train(folder / "whole", per_device_train_batch_size=4)
    shared = train(folder / "shared", per_device_train_batch_size=2, gradient_accumulation_steps=2)
    # stopped in the middle of the second epoch, and gone on with
    save = {"per_device_train_batch_size": 4, "save_strategy": "steps", "save_steps": 6}
    train(folder / "resumed", last_step=6, **save)
    resumed = train(folder / "resumed", resume=True, **save)
    runs = {"whole": whole, "shared": shared, "resumed": resumed}
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    seen = [None] * size
    torch.distributed.all_gather_object(seen, {name: run["seen"] for name, run in runs.items()})
    if rank == 0:
        tensors = {name: (run.pop("gradients"), run.pop("weights")) for name, run in runs.items()}
        torch.save(tensors, folder / "tensors.pt")
        (folder / "ranks.json").write_text(json.dumps({"size": size, "runs": runs, "seen": seen}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
    torch.distributed.destroy_process_group()
