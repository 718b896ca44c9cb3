"""What an adaptation leaves behind is about the masks that it was measured on, and complete."""

import json

import numpy as np
import pytest
import yaml
from datasets import Dataset

from mlmtutor import (
    Comparison,
    MaskingSettings,
    Report,
    TrainingHistory,
    TrainingSettings,
    evaluate,
    freeze_masks,
    save_adapted,
)

HISTORY = TrainingHistory((1,), (3.0,), {}, 1.0, 100.0, "fp32", "cpu", TrainingSettings(), 9, 8)
SETTINGS = {"source": "my texts", "model": "mini"}


@pytest.fixture(scope="module")
def all_masks(tiny):
    ids = np.random.default_rng(0).integers(5, 18, size=(10, 12)).tolist()
    chunks = Dataset.from_dict({"input_ids": ids, "text_index": [0] * 5 + [1] * 5})
    return [freeze_masks(chunks, tokenizer=tiny, settings=MaskingSettings(), seed=seed) for seed in (0, 1)]


def save(folder, model, tiny, masks, measured, **changes):
    found = evaluate(model, measured)
    options = {"settings": SETTINGS} | changes
    return save_adapted(
        folder,
        model=model,
        tokenizer=tiny,
        masks=masks,
        before=found,
        after=found,
        history=HISTORY,
        **options,
    )


def test_report_names_ratio_and_what_it_rests_on(tmp_path, model, tiny, all_masks):
    report = save(tmp_path / "new" / "folder", model, tiny, all_masks[0], all_masks[0])
    assert "after / before: 1.000 (95 % interval over texts 1.000 to 1.000)" in str(report)
    assert f"{report.masks['num_masked']} masked tokens in 10 chunks from 2 held-out texts\n" in str(report)


def test_card_counts_what_was_trained_and_measured_on_not_what_was_at_hand(tmp_path, model, tiny, all_masks):
    data = {"train_texts": 994, "held_out_texts": 111, "texts": 1105, "copies": 3, "near_copies": 2}
    report = save(tmp_path, model, tiny, all_masks[0], all_masks[0], data=data)
    assert (report.data["train_texts"], report.data["train_chunks"]) == (8, 9)
    assert (report.data["held_out_texts"], report.data["held_out_chunks"]) == (2, 10)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "9 chunks of 12 tokens from 8 texts" in card and "10 chunks that begin in 2 held-out texts" in card
    assert "3 were exact copies; 2 of those held out are near copies" in card


def test_several_draws_of_masks_are_no_more_chunks(tmp_path, model, tiny):
    chunks = Dataset.from_dict({"input_ids": [[5, 6, 7, 8]] * 6, "text_index": [0, 1, 2] * 2})
    masks = freeze_masks(chunks, tokenizer=tiny, settings=MaskingSettings(mask_prob=0.5), seed=0, num_draws=3)
    assert save(tmp_path, model, tiny, masks, masks).data["held_out_chunks"] == 6


def test_card_says_what_only_the_author_knows(tmp_path, model, tiny, all_masks):
    about = {"licence": "apache-2.0", "language": "en", "dataset": "owner/texts"}
    forgetting = Comparison(10.0, 12.0, 1.2, 1.1, 1.3)
    report = save(tmp_path / "out", model, tiny, *all_masks[:1] * 2, forgetting=forgetting, **about)
    head, body = (tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("---\n")[1:]
    head = yaml.safe_load(head)
    assert (head["license"], head["language"], head["datasets"]) == ("apache-2.0", "en", ["owner/texts"])
    assert head["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"  # what mini was made from
    assert "on general texts (forgetting):\n  1.200 (95 % interval over texts 1.100 to 1.300)" in body
    assert "**Licence:** apache-2.0." in body
    assert all_masks[0].sha256[:12] in body and all_masks[0].sha256 not in body
    assert Report.from_dict(json.loads((tmp_path / "out" / "report.json").read_text())) == report


def test_card_says_what_is_missing(tmp_path, model, tiny, all_masks):
    save(tmp_path / "out", model, tiny, *all_masks[:1] * 2)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "**Licence:** not chosen yet" in card and "(forgetting):\n  not measured" in card


def test_report_of_an_earlier_version_can_be_read(tmp_path, model, tiny, all_masks):
    save(tmp_path / "out", model, tiny, *all_masks[:1] * 2)
    values = json.loads((tmp_path / "out" / "report.json").read_text())
    del values["about"]
    assert Report.from_dict(values).about == {}
    with pytest.raises(ValueError, match="expected a report with about"):
        Report.from_dict({"before": {}})


def test_evaluations_of_other_masks_are_refused(tmp_path, model, tiny, all_masks):
    with pytest.raises(ValueError, match=f"on the masks {all_masks[0].sha256[:12]}, found"):
        save(tmp_path / "out", model, tiny, all_masks[0], all_masks[1])
    assert not (tmp_path / "out").exists()


def test_what_the_card_needs_is_asked_for_before_anything_is_written(tmp_path, model, tiny, all_masks):
    with pytest.raises(ValueError, match="expected also model in settings"):
        save(tmp_path / "out", model, tiny, *all_masks[:1] * 2, settings={"source": "x"})
    assert not (tmp_path / "out").exists()
