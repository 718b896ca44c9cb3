"""The whole way in one call: what is learned, written, reported, and resumed."""

import importlib
import json
import os
import re
import shutil
import sys
from dataclasses import replace

import pytest
from filelock import FileLock
from transformers import DistilBertConfig, DistilBertForMaskedLM

from mlmtutor import (
    AdaptSettings,
    MaskingSettings,
    adapt_model,
    fill_masks,
    load_model,
    load_tokenizer,
)
from mlmtutor import adapt as adapt_module
from mlmtutor.training.trainer import MaskedLMTrainer

TRAINING = {"num_epochs": 4, "batch_size": 4, "learning_rate": 1e-2, "precision": "fp32"}
WRITTEN = {"README.md", "config.json", "loss.png", "model.safetensors", "report.json", "run.json", "tokenizer.json", "tokenizer_config.json"}  # fmt: skip


def settings_for(checkpoint, prose, **changes):
    options = {"source": str(prose), "model": checkpoint, "chunk_size": 16, **TRAINING} | changes
    return AdaptSettings(**options)


def test_model_learns_and_everything_is_written(checkpoint, prose, tmp_path):
    report = adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} >= WRITTEN
    assert not list((tmp_path / "out").glob(".*")) + list((tmp_path / "out").glob("checkpoints"))
    assert report.after["perplexity"] < 0.6 * report.before["perplexity"]
    assert report.data["train_texts"] == 9
    assert report.data["held_out_texts"] == 1
    was = [
        fill_masks(
            "the film [MASK] good .", model=load_model(f), tokenizer=load_tokenizer(f), targets=["was"]
        )[0][0][0].probability
        for f in (checkpoint, tmp_path / "out")
    ]
    assert was[1] > 3 * was[0]


def test_report_says_what_the_table_and_the_card_say(checkpoint, prose, tmp_path):
    report = adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["after"]["perplexity"] == report.after["perplexity"]
    assert written["masks"]["sha256"] == written["before"]["masks_sha256"] == written["after"]["masks_sha256"]
    card = (tmp_path / "out" / "README.md").read_text()
    for fact in (
        f"{report.after['perplexity']:.2f}",
        report.masks["sha256"][:12],
        "mask_prob 0.2",
        "seed 0",
        "learning_rate",
    ):
        assert fact in card
    assert prose.name in card
    for text in (card, json.dumps(written)):  # a private path has no place in what is shared
        assert str(prose.parent) not in text
        assert str(checkpoint) not in text
    assert "base_model" not in card  # the Hub would look for the local folder
    assert f"{report.before['perplexity']:.1f}" in report.to_table()


def test_same_seed_gives_the_same_report_and_another_seed_another(checkpoint, prose, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        adapt_model(settings_for(checkpoint, prose, seed=seed), output_dir=tmp_path / name)
    a, b, c = ((tmp_path / name / "report.json").read_bytes() for name in "abc")
    assert a == b != c


@pytest.fixture
def frequent_checkpoints(monkeypatch):
    """A checkpoint every five steps."""
    plan = adapt_module.plan_training
    monkeypatch.setattr(adapt_module, "plan_training", lambda *a, **k: replace(plan(*a, **k), save_steps=5))


def break_off(settings, folder, monkeypatch, *, calls=12, error=KeyboardInterrupt):
    """Adapt, and stop after so many forward passes of training."""
    compute_loss, made = MaskedLMTrainer.compute_loss, []

    def break_later(self, *args, **kwargs):
        made.append(1)
        if len(made) > calls:
            raise error
        return compute_loss(self, *args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(error):
        patch.setattr(MaskedLMTrainer, "compute_loss", break_later)
        adapt_model(settings, output_dir=folder)


def test_the_same_call_goes_on_with_a_broken_run(
    checkpoint, prose, tmp_path, monkeypatch, frequent_checkpoints, caplog
):
    caplog.set_level("INFO")
    settings = settings_for(checkpoint, prose)
    adapt_model(settings, output_dir=tmp_path / "whole")
    break_off(settings, tmp_path / "broken", monkeypatch)
    assert [p.name for p in (tmp_path / "broken").iterdir()] == ["checkpoints"]
    with monkeypatch.context() as patch:  # what was prepared is not prepared again
        patch.setattr(adapt_module, "prepare_chunks", None)
        adapt_model(settings, output_dir=tmp_path / "broken")
    assert "going on with the run that broke off after step 10" in caplog.text
    for name in ("report.json", "model.safetensors", "README.md", "loss.png"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_same_call_finds_its_result(checkpoint, prose, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    settings = settings_for(checkpoint, prose)
    report = adapt_model(settings, output_dir=tmp_path / "out")
    monkeypatch.setattr(adapt_module, "train_masked_lm", None)
    assert adapt_model(settings, output_dir=tmp_path / "out") == report
    assert "found the result of this run" in caplog.text
    (tmp_path / "out" / ".removing").mkdir()  # killed while the checkpoints were removed
    assert adapt_model(settings, output_dir=tmp_path / "out") == report
    assert not (tmp_path / "out" / ".removing").exists()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"seed": 1}, "seed 1 for 0"),
        ({"test_share": 0.3}, "test_share 0.3 for 0.1"),
        ({"chunk_size": 8}, "chunk_size 8 for 16"),
        ({"eval_size": 10}, "eval_size 10 for 200"),
        ({"learning_rate": 0.5}, "learning_rate 0.5 for 0.01"),
        ({"masking": MaskingSettings(mask_prob=0.3)}, "mask_prob 0.3 for 0.2"),
        ({"source": "other texts"}, "other texts"),
        ({"source": "one text less"}, "other texts"),
        ({"model": "same shape"}, "other checkpoint"),
        ({"model": "same weights"}, "other checkpoint"),
    ],
)
def test_another_run_is_not_taken_for_the_one_in_the_folder(
    change, found, checkpoint, prose, tmp_path, monkeypatch, frequent_checkpoints
):
    mine = tmp_path / "texts"
    shutil.copytree(prose, mine)
    shutil.copytree(checkpoint, tmp_path / "model")
    settings = settings_for(str(tmp_path / "model"), mine, eval_size=200)
    break_off(settings, tmp_path / "broken", monkeypatch)
    adapt_model(settings, output_dir=tmp_path / "whole")
    if change.get("source") == "other texts":
        (mine / "3.txt").write_text((mine / "3.txt").read_text().replace("film", "actor"))
    elif change.get("source") == "one text less":
        (mine / "3.txt").unlink()
    elif change.get("model") == "same weights":
        config = json.loads((tmp_path / "model" / "config.json").read_text())
        (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"activation": "relu"}))
    elif "model" in change:
        DistilBertForMaskedLM(DistilBertConfig.from_pretrained(checkpoint)).save_pretrained(
            tmp_path / "model"
        )
    else:
        settings = replace(settings, **change)
    for folder in ("broken", "whole"):
        before = sorted((tmp_path / folder).rglob("*"))
        with pytest.raises(FileExistsError, match=f"{found}.*--restart"):
            adapt_model(settings, output_dir=tmp_path / folder)
        assert sorted((tmp_path / folder).rglob("*")) == before
    report = adapt_model(settings, output_dir=tmp_path / "broken", restart=True)
    assert report == adapt_model(settings, output_dir=tmp_path / "anew")


def test_a_segmenter_that_cuts_otherwise_makes_another_run(checkpoint, prose, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    settings = settings_for(checkpoint, prose, segmenter="my_words:cut", num_epochs=1)
    for code in ("return text.split()", "return re.findall(r'\\S+ \\S+|\\S+', text)"):
        (tmp_path / "my_words.py").write_text(f"import re\ndef cut(text):\n    {code}\n")
        sys.modules.pop("my_words", None)
        importlib.invalidate_caches()
        if "split" in code:
            adapt_model(settings, output_dir=tmp_path / "out")
        else:
            with pytest.raises(FileExistsError, match="other words"):
                adapt_model(settings, output_dir=tmp_path / "out")


def test_a_result_whose_weights_were_removed_is_not_called_finished(checkpoint, prose, tmp_path):
    settings = settings_for(checkpoint, prose, num_epochs=1)
    report = adapt_model(settings, output_dir=tmp_path / "out")
    (tmp_path / "out" / "model.safetensors").unlink()
    with pytest.raises(FileExistsError, match="model.safetensors is missing: start over with --restart"):
        adapt_model(settings, output_dir=tmp_path / "out")
    assert adapt_model(settings, output_dir=tmp_path / "out", restart=True) == report
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_report_counts_the_texts_that_were_used(checkpoint, prose, tmp_path):
    report = adapt_model(
        settings_for(checkpoint, prose, train_size=3, test_share=0.5), output_dir=tmp_path / "out"
    )
    assert report.data["train_chunks"] == 3 >= report.data["train_texts"]
    assert report.data["held_out_texts"] == report.after["num_texts"]


def test_nothing_is_lost_by_a_mistake_before_the_first_checkpoint(checkpoint, prose, tmp_path, monkeypatch):
    settings = settings_for(checkpoint, prose)
    break_off(settings, tmp_path / "out", monkeypatch, calls=2)
    report = adapt_model(replace(settings, seed=1), output_dir=tmp_path / "out")
    assert report.settings["seed"] == 1


def test_two_runs_do_not_share_a_folder(checkpoint, prose, tmp_path):
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(FileExistsError, match="another run at work"):
        adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")


def test_strange_files_are_never_touched(checkpoint, prose, tmp_path):
    settings = settings_for(checkpoint, prose)
    for folder in ("a", "b", "c"):
        (tmp_path / folder / "checkpoints").mkdir(parents=True)
    (tmp_path / "a" / "thesis.txt").touch()
    (tmp_path / "b" / "checkpoints" / "step-1.pt").touch()
    (tmp_path / "c" / "report.json").write_text('{"by": "somebody else"}')
    before = sorted(tmp_path.rglob("*"))
    for folder in ("a", "b", "c"):
        for restart in (False, True):
            with pytest.raises(FileExistsError, match="to be new or empty, found files in it"):
                adapt_model(settings, output_dir=tmp_path / folder, restart=restart)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_known_before_training(checkpoint, prose, tmp_path, monkeypatch):
    settings = settings_for(checkpoint, prose)
    with monkeypatch.context() as patch:
        free = shutil.disk_usage(tmp_path)._replace(free=10_000)
        patch.setattr(shutil, "disk_usage", lambda path: free)
        patch.setattr(adapt_module, "train_masked_lm", None)
        with pytest.raises(OSError, match="MB of space for checkpoints and the model in .*found 0 MB"):
            adapt_model(settings, output_dir=tmp_path / "out")
    monkeypatch.setattr(adapt_module, "prepare_chunks", None)  # that is done
    adapt_model(settings, output_dir=tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="about names that are not UTF-8")
@pytest.mark.parametrize("name", [b"\xb2\xa1\xc0\xfd", "病例 <script>`x`|\nz".encode()])
def test_a_strange_name_does_not_cost_the_result(name, checkpoint, prose, tmp_path):
    source = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    shutil.copytree(prose, source)
    adapt_model(settings_for(checkpoint, source, num_epochs=1), output_dir=tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in card and "\nz" not in card
    json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))


def test_colleagues_may_read_all_of_the_result(checkpoint, prose, tmp_path):
    adapt_model(settings_for(checkpoint, prose, num_epochs=1), output_dir=tmp_path / "out")
    assert len({path.stat().st_mode for path in (tmp_path / "out").iterdir()}) == 1


@pytest.mark.parametrize(
    ("mask_prob", "refused"), [(0.0001, "expected at least 20 masked tokens to measure on, found")]
)
def test_next_to_nothing_is_not_measured_on(mask_prob, refused, checkpoint, prose, tmp_path):
    with pytest.raises(ValueError, match=refused):
        masking = MaskingSettings(mask_prob=mask_prob)
        adapt_model(settings_for(checkpoint, prose, masking=masking), output_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_was_asked_of_the_masks_stands_beside_what_came_out(checkpoint, prose, tmp_path):
    report = adapt_model(settings_for(checkpoint, prose, num_epochs=1), output_dir=tmp_path / "out")
    outcome = report.masks["outcome"]
    assert (
        f"{report.masks['num_masked']} of " in outcome
        and "asked 20.00%" in outcome
        and "0.00% unknown" in outcome
    )
    assert f"masks: {outcome}" in str(report)
    card = (tmp_path / "out" / "README.md").read_text()
    assert outcome in card
    assert "of the 10 texts read 0 were exact copies" in card
    assert "unit word, mask_prob 0.2, mask_share 0.8, random_share 0.1, replace_by token." in card
    assert 0.1 < report.masks["share_masked"] < 0.3
    assert report.masks["share_unknown"] == report.masks["share_of_chunks_unmasked"] == 0
    assert report.masks["tokens_per_word"] == 1


def test_what_is_doubtful_stands_in_report_card_and_log(checkpoint, prose, tmp_path, caplog):
    report = adapt_model(settings_for(checkpoint, prose), output_dir=tmp_path / "out")
    doubt = "texts to measure on: only 1"
    assert any(doubt in line for line in report.doubts) and f"doubtful: {doubt}" in str(report)
    assert f"**Doubtful:** {doubt}" in (tmp_path / "out" / "README.md").read_text()
    assert doubt in caplog.text


def test_a_model_that_became_worse_than_guessing_is_no_result(checkpoint, prose, tmp_path):
    with pytest.raises(ValueError, match="learning[ _]rate"):
        adapt_model(settings_for(checkpoint, prose, learning_rate=50.0), output_dir=tmp_path / "out")


def test_the_share_held_out_is_one_of_different_texts(checkpoint, tmp_path):
    texts = [f"{'the film was good . ' * (3 + i)}" for i in range(40)]
    (tmp_path / "copies.txt").write_text("\n\n".join(texts * 7))
    report = adapt_model(
        settings_for(checkpoint, tmp_path / "copies.txt", num_epochs=1), output_dir=tmp_path / "out"
    )
    assert (report.data["texts"], report.data["copies"], report.data["held_out_texts"]) == (280, 240, 4)
    assert any("240 of 280 texts are exact copies" in doubt for doubt in report.doubts)


def test_html_and_near_copies_are_counted_and_doubted(checkpoint, tmp_path):
    letter = "the film was good . the actor was bad . a good film . a bad actor . the film was bad . <br />"
    texts = [f"{'good bad film actor was the'.split()[i % 6]} {letter} {i}" for i in range(60)]
    (tmp_path / "letters.txt").write_text("\n\n".join(texts))
    report = adapt_model(
        settings_for(checkpoint, tmp_path / "letters.txt", num_epochs=1, test_share=0.3),
        output_dir=tmp_path / "out",
    )
    assert report.data["near_copies"] == 18
    assert any("60 of 60 texts contain HTML such as <br />" in doubt for doubt in report.doubts)
    assert any("18 of 18 texts to measure on are near copies of training texts" in d for d in report.doubts)
    assert "near copies of others" in (tmp_path / "out" / "README.md").read_text()


def test_small_corpora_get_more_epochs_and_large_ones_one(monkeypatch):
    monkeypatch.setattr(adapt_module, "find_device", lambda: "cpu")
    epochs = [adapt_module.plan_training(AdaptSettings(), num_chunks=n).num_epochs for n in (10, 400, 2000)]
    assert epochs == [10, 4, 1]
    assert adapt_module.plan_training(AdaptSettings(num_epochs=2), num_chunks=10).num_epochs == 2
    monkeypatch.setattr(adapt_module, "find_device", lambda: "cuda")
    on_gpu = adapt_module.plan_training(
        AdaptSettings(model="distilbert/distilbert-base-uncased"), num_chunks=10_000
    )
    assert (on_gpu.num_epochs, on_gpu.batch_size, on_gpu.learning_rate) == (3, 64, 2e-5)


def test_little_text_gets_a_low_rate_unless_one_is_asked_for():
    rates = [
        adapt_module.plan_training(AdaptSettings(), num_chunks=n).learning_rate for n in (1, 49, 50, 4000)
    ]
    assert rates == [2e-5, 2e-5, 2e-4, 2e-4]
    asked = AdaptSettings(learning_rate=1e-3)
    assert adapt_module.plan_training(asked, num_chunks=1).learning_rate == 1e-3
    other = AdaptSettings(model="distilbert/distilbert-base-uncased")
    assert adapt_module.plan_training(other, num_chunks=4000).learning_rate == 2e-5


def test_settings_name_what_is_out_of_range():
    with pytest.raises(ValueError, match=r"train_size must be in \[1, 2\*\*31\), got 0"):
        AdaptSettings(train_size=0)
    assert AdaptSettings().masking == MaskingSettings()


def test_a_model_is_not_measured_on_reviews_that_it_has_read(tmp_path):
    with pytest.raises(ValueError, match="texts that the model has not read, found 'mini-imdb'"):
        adapt_model(AdaptSettings(model="mini-imdb"), output_dir=tmp_path / "run")


def adapt_text(text, tmp_path, caplog, **changes):
    """Adapt to a text for a moment; return the report and what was said."""
    (tmp_path / "text.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = AdaptSettings(
        source=str(tmp_path / "text.txt"),
        cut="lines",
        chunk_size=32,
        train_size=8,
        eval_size=16,
        precision="fp32",
        **changes,
    )
    with caplog.at_level("INFO", logger="mlmtutor"):
        report = adapt_model(settings, output_dir=tmp_path / "out")
    return report, caplog.text


def test_chinese_texts_get_a_chinese_model_and_a_segmenter_and_it_is_said(tmp_path, caplog):
    lines = [f"这家酒店的服务不错，第{number}次住，房间也很干净，价格合理。" for number in range(80)]
    report, said = adapt_text("\n".join(lines), tmp_path, caplog)
    assert (
        "took the model mini-zh and the segmenter jieba, since 100 % of the letters are Chinese characters"
        in said
    )
    assert (report.settings["model"], report.settings["segmenter"]) == ("mini-zh", "jieba")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "jieba" in card and "mini-zh" in card


def test_other_texts_get_the_english_model_and_foreign_ones_a_doubt(tmp_path, caplog):
    lines = [
        f"Der Film Nummer {number} war schön, aber die Schauspieler waren nicht gut." for number in range(80)
    ]
    report, said = adapt_text("\n".join(lines), tmp_path, caplog)
    assert report.settings["model"] == "mini" and report.settings["segmenter"] is None
    assert "took" not in said
    assert any("expected English texts for the model mini" in doubt for doubt in report.doubts)


def test_english_texts_for_the_chinese_model_are_doubted(tmp_path, caplog):
    lines = [f"The film of the year {number} was good, but the actors were not." for number in range(80)]
    report, _ = adapt_text("\n".join(lines), tmp_path, caplog, model="mini-zh")
    assert any("expected Chinese texts for the model mini-zh, found 0%" in doubt for doubt in report.doubts)


def test_named_texts_come_with_their_model():
    assert AdaptSettings().model == "auto"
    settings = adapt_module._settle_language(AdaptSettings(source="mini-zh", model="mini-zh"), ["看电影"])
    assert settings.segmenter == "jieba"
    by_token = AdaptSettings(masking=MaskingSettings(unit="token"))
    assert adapt_module._settle_language(by_token, ["看电影"]).segmenter is None
    assert adapt_module._settle_language(AdaptSettings(segmenter="my:cut"), ["看电影"]).segmenter == "my:cut"


HOTEL = [f"这家酒店的服务不错，第{number}次住，房间也很干净，价格合理。" for number in range(80)]
TRADITIONAL = [
    f"這家酒店的服務不錯，第{number}次住，房間也很乾淨，價格合理，我們還會來這裡。" for number in range(80)
]
PINYIN = [
    f"zhe jia jiudian de fuwu bucuo, di {number} ci zhu, fangjian ye hen ganjing" for number in range(80)
]


@pytest.mark.parametrize(
    ("lines", "changes", "message"),
    [
        (HOTEL, {"model": "mini"}, r"found \d\d% of .* tokens unknown to it: take a model in the language"),
        (["🎉 😀 👍 " * 20 + line for line in HOTEL], {}, r"found \d+% of .* tokens unknown"),
        ([line.encode("gbk") for line in HOTEL], {}, "expected UTF-8 text .* perhaps gb18030"),
        (
            ["映画はとても面白いです。監督の演技が素晴らしいと思います。"] * 40 + HOTEL,
            {},
            r"expected a segmenter",
        ),
    ],
    ids=["Chinese for an English model", "emoji", "GBK", "Japanese"],
)
def test_texts_that_a_model_cannot_read_are_refused_with_their_share(
    lines, changes, message, tmp_path, caplog
):
    text = (b"\n" if isinstance(lines[0], bytes) else "\n").join(lines)
    with pytest.raises(ValueError, match=message):
        adapt_text(text, tmp_path, caplog, **changes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            TRADITIONAL,
            r"found \d\d% unknown to it, such as .*: they are traditional: make them simplified",
        ),
        (PINYIN, r"expected English texts for the model mini, found \d+% frequent words"),
        (
            [line + "The room was clean and the bed was good." for line in HOTEL],
            r"expected Chinese texts for the model mini-zh, found \d\d% Chinese characters among the letters",
        ),
        (["🎉😀👍" * 20 + line for line in HOTEL], r"found \d\d% unknown to it, such as 🎉😀👍"),
    ],
    ids=["traditional", "pinyin", "mixed", "rows of emoji"],
)
def test_doubtful_language_is_said_aloud_or_refused(lines, message, tmp_path, caplog):
    try:
        report, _ = adapt_text("\n".join(lines), tmp_path, caplog)
        said = "\n".join(report.doubts)
    except ValueError as error:
        said = f"{error} {caplog.text}"
    assert re.search(message, said), said
