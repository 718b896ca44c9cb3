"""What chapter 9 says of its training loop, over five seeds: pytest tests/claims/09_training_loop.py (some minutes)."""

import copy
import math

import pytest
import torch
from torch.nn.utils import clip_grad_norm_

import mlmtutor as mt

SEEDS = (123, 1, 2, 3, 4)
NUM_CHUNKS, BATCH, STEPS, RATE = 32, 8, 8, 2e-4


@pytest.fixture(scope="module")
def tokenizer():
    return mt.load_tokenizer("mini")


@pytest.fixture(scope="module")
def start():
    return mt.load_model("mini")


@pytest.fixture(scope="module", params=SEEDS)
def task(request, tokenizer, start):
    seed = request.param
    reviews = mt.load_reviews("mini", clean=True)["train"].shuffle(seed).select(range(66))
    chunks = mt.chunk_texts(reviews["text"], tokenizer, chunk_size=32).dataset.shuffle(seed)
    chunks = chunks.select(range(NUM_CHUNKS))
    settings = mt.TrainingSettings(
        num_epochs=2, learning_rate=RATE, batch_size=BATCH, logging_steps=1, seed=seed, precision="fp32"
    )
    reference = copy.deepcopy(start)
    history = mt.train_masked_lm(
        reference,
        chunks,
        tokenizer=tokenizer,
        masking=mt.MaskingSettings(),
        settings=settings,
        progress=False,
    )
    collator = mt.MaskingCollator(tokenizer, settings=mt.MaskingSettings(), seed=seed)
    return Task(start, reference, history.losses, mt.ChunkRows(chunks), collator, seed)


class Task:
    def __init__(self, start, reference, losses, rows, collator, seed):
        self.start, self.reference, self.losses = start, reference, losses
        self.rows, self.collator, self.seed = rows, collator, seed

    def draw(self, step, part=0, parts=1):
        epoch, place = divmod(step, NUM_CHUNKS // BATCH)
        generator = torch.Generator().manual_seed(self.seed + epoch)
        order = torch.randperm(NUM_CHUNKS, generator=generator).tolist()
        self.rows.set_epoch(epoch)
        return self.collator(self.rows[order[place * BATCH : (place + 1) * BATCH][part::parts]])

    def prepare(self, mistake=""):
        model = copy.deepcopy(self.start).train()
        decay = {True: 0.01, False: 0.01 if mistake == "decay on all" else 0.0}
        groups = [
            {"params": [p for p in model.parameters() if (p.ndim > 1) is kind], "weight_decay": decay[kind]}
            for kind in (True, False)
        ]
        optimizer = torch.optim.AdamW(groups, lr=RATE, fused=True)
        return model, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / STEPS)

    def train(self, mistake="", *, state=None, steps=range(STEPS)):
        model, optimizer, schedule = self.prepare(mistake) if state is None else state
        losses = []
        for step in steps:
            loss = mt.masked_lm_loss(model, **self.draw(step))
            (loss * (8 if mistake == "times 8" else 1)).backward()
            if mistake != "no clipping":
                clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if mistake != "no schedule":
                schedule.step()
            if mistake != "no zero_grad":
                optimizer.zero_grad()
            losses.append(loss.item())
        return losses, model

    def compare(self, mistake):
        """Return the largest difference of a loss, and the distance of the weights as a share of the way moved."""
        losses, model = self.train(mistake)
        most = max(abs(a - b) for a, b in zip(losses, self.losses, strict=True))
        return most, distance(model, self.reference) / distance(self.start, self.reference)


def distance(one, other):
    squares = [(a - b).square().sum() for a, b in zip(one.parameters(), other.parameters(), strict=True)]
    return math.sqrt(sum(squares))


def test_twelve_lines_give_the_losses_and_weights_of_trainer(task):
    """ "the largest difference over all steps is exactly zero" (here: but for rounding)."""
    most, apart = task.compare("")
    assert most < 1e-5
    assert apart < 1e-3


def test_missing_schedule_or_clipping_moves_losses_by_a_thousandth_to_a_few_tenths(task):
    """ "moves the losses by something between a thousandth and a few tenths of a nat" """
    for mistake in ("no schedule", "no clipping"):
        most, _ = task.compare(mistake)
        assert 1e-3 < most < 0.5, mistake


def test_decay_on_all_weights_cannot_be_seen_in_a_curve(task):
    """ "Decay on all weights cannot be seen in a curve at all, although the weights end about one per cent apart" """
    most, apart = task.compare("decay on all")
    assert most < 1e-4
    assert 0.003 < apart < 0.03


def test_eight_times_the_loss_changes_next_to_nothing(task):
    """ "8 times the loss changes next to nothing, as clipping undoes it; without zero_grad ..." """
    most, apart = task.compare("times 8")
    assert most < 1e-4
    assert apart < 1e-3
    assert task.compare("no zero_grad")[0] > 1e-3


def test_gradient_of_the_first_step_is_many_times_longer_than_1(task):
    """ "The gradient of the first step is many times longer than 1, so clipping is at work here." """
    model = copy.deepcopy(task.start).train()
    mt.masked_lm_loss(model, **task.draw(0)).backward()
    assert clip_grad_norm_(model.parameters(), 1.0) > 3


def test_with_the_weights_alone_only_the_first_loss_is_right(task):
    """ "With the weights alone, the first loss after the break is still right ...; from then on the run is another one." """
    state = task.prepare()
    before, model = task.train(state=state, steps=range(5))
    fresh, optimizer, schedule = task.prepare()
    fresh.load_state_dict(model.state_dict())
    after, _ = task.train(state=(fresh, optimizer, schedule), steps=range(5, STEPS))
    differences = [abs(a - b) for a, b in zip(before + after, task.losses, strict=True)]
    assert max(differences[:6]) < 1e-5
    assert max(differences[6:]) > 1e-3
