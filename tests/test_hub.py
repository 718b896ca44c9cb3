"""Each case runs in a Python of its own, since HF_ENDPOINT and offline mode are read at import."""

import os
import socket
import subprocess
import sys
import time

import pytest
import torch
from hub_standin import serve_hub
from transformers import DistilBertConfig, DistilBertForMaskedLM, DistilBertModel, GPT2Config, GPT2LMHeadModel

from mlmtutor import choose_profile, load_model, load_tokenizer
from mlmtutor.testing import tiny_tokenizer

CONFIG = DistilBertConfig(
    vocab_size=18, dim=16, n_heads=2, n_layers=1, hidden_dim=32, max_position_embeddings=64
)


def save(folder, model, tokenizer=None):
    model.save_pretrained(folder)
    (tokenizer or tiny_tokenizer()).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    return save(tmp_path / "models" / "someone" / "tiny", DistilBertForMaskedLM(CONFIG))


def run_python(code, tmp_path, **environment):
    """Run code with an empty Hub cache; give (exit code, standard output, last line of standard error, seconds)."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_", "MLMTUTOR_"))}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**clean, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1", **environment},
    )
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return done.returncode, done.stdout.strip(), last, time.monotonic() - began


LOAD = """
from mlmtutor import load_model, load_tokenizer
print(load_model("someone/tiny").num_parameters(), load_tokenizer("someone/tiny").mask_token)
"""


def test_model_and_tokenizer_come_from_the_hub_and_then_from_its_cache(folder, tmp_path):
    expected = f"{DistilBertForMaskedLM(CONFIG).num_parameters()} [MASK]"
    with serve_hub(tmp_path) as endpoint:
        assert run_python(LOAD, tmp_path, HF_ENDPOINT=endpoint)[:2] == (0, expected)
    assert run_python(LOAD, tmp_path, HF_ENDPOINT=endpoint)[:2] == (0, expected)  # no longer served
    assert run_python(LOAD, tmp_path, HF_HUB_OFFLINE="1")[:2] == (0, expected)


def test_unknown_repository_is_one_clear_error(tmp_path):
    with serve_hub(tmp_path) as endpoint:
        code, _, message, _ = run_python(LOAD, tmp_path, HF_ENDPOINT=endpoint)
    assert code == 1
    assert message.startswith("FileNotFoundError: cannot load the model 'someone/tiny'")


def test_refused_connection_names_the_remedies(tmp_path):
    code, _, message, _ = run_python(LOAD, tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 1
    assert message.startswith(
        "ConnectionError: asked for the model 'someone/tiny', but http://127.0.0.1:9 cannot"
    )
    for remedy in ("'mini'", "local folder", "HF_ENDPOINT", "cache"):
        assert remedy in message


def test_dropped_packets_end_within_ten_seconds(tmp_path):
    """A server that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code = "import mlmtutor.hub as h, time\nfrom transformers import AutoModelForMaskedLM\nt=time.time()\ntry: h.load_model('someone/tiny')\n"
        code += "except ConnectionError as e: print(time.time() - t, e)"
        status, printed, _, _ = run_python(code, tmp_path, HF_ENDPOINT=endpoint)
    seconds, message = printed.split(" ", 1)
    assert status == 0
    assert float(seconds) < 10
    assert "did not answer within 5 s" in message or "timed out" in message


def test_offline_mode_is_said(tmp_path):
    code, _, message, _ = run_python(LOAD, tmp_path, HF_HUB_OFFLINE="1")
    assert code == 1
    assert "offline mode is set" in message


def test_reviews_come_from_the_hub_and_then_from_its_cache(tmp_path):
    from datasets import Dataset

    data = tmp_path / "datasets" / "someone" / "films" / "data"
    data.mkdir(parents=True)
    for split in ("train", "test"):
        Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]}).to_parquet(
            data / f"{split}-00000.parquet"
        )
    code = "from mlmtutor import load_reviews; print(load_reviews('someone/films')['test']['text'][:])"
    texts = "from mlmtutor import load_texts; print(load_texts('someone/films', split='test').column_names)"
    expected = (0, "['good', 'bad']")
    with serve_hub(tmp_path) as endpoint:
        assert run_python(code, tmp_path, HF_ENDPOINT=endpoint)[:2] == expected
        assert run_python(texts, tmp_path, HF_ENDPOINT=endpoint)[:2] == (0, "['text']")
    assert run_python(code, tmp_path, HF_ENDPOINT=endpoint)[:2] == expected  # no longer served
    assert run_python(code, tmp_path, HF_HUB_OFFLINE="1")[:2] == expected


def test_unknown_data_set_is_one_clear_error(tmp_path):
    code = "from mlmtutor import load_reviews; load_reviews('someone/films')"
    with serve_hub(tmp_path) as endpoint:
        status, _, message, _ = run_python(code, tmp_path, HF_ENDPOINT=endpoint)
    assert status == 1
    assert message.startswith("FileNotFoundError: cannot load the data set 'someone/films'")
    status, _, message, _ = run_python(code, tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert status == 1
    assert message.startswith("ConnectionError: asked for the data set 'someone/films', but")


def test_local_folder_serves_model_and_tokenizer(folder):
    assert load_model(folder).num_parameters() == DistilBertForMaskedLM(CONFIG).num_parameters()
    assert load_tokenizer(str(folder)).mask_token_id == 4


def test_mini_has_the_bert_vocabulary():
    tokenizer, model = load_tokenizer("mini"), load_model("mini")
    assert tokenizer("This is a great [MASK].").input_ids == [101, 2023, 2003, 1037, 2307, 103, 1012, 102]
    assert len(tokenizer) == model.config.vocab_size == 30_522
    assert model.dtype == torch.float32
    assert not model.training


def test_causal_checkpoint_is_one_clear_error(tmp_path):
    """Mistake 21."""
    causal = GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=16, n_layer=1, n_head=2, n_positions=32))
    tokenizer = tiny_tokenizer()
    tokenizer.mask_token = None
    save(tmp_path / "gpt", causal, tokenizer)
    with pytest.raises(ValueError, match="no masked-LM head; is it a causal language model"):
        load_model(tmp_path / "gpt")
    with pytest.raises(ValueError, match="whose tokenizer has no mask token"):
        load_tokenizer(tmp_path / "gpt")


def test_encoder_without_a_trained_head_is_an_error(tmp_path):
    save(tmp_path / "encoder", DistilBertModel(CONFIG))
    with pytest.raises(ValueError, match="expected a checkpoint with a masked-LM head, found .*vocab_"):
        load_model(tmp_path / "encoder")


def test_pickled_weights_are_not_read(tmp_path):
    save(tmp_path / "pickled", DistilBertForMaskedLM(CONFIG))
    (tmp_path / "pickled" / "model.safetensors").unlink()
    torch.save(DistilBertForMaskedLM(CONFIG).state_dict(), tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises((FileNotFoundError, ValueError), match="cannot load the model"):
        load_model(tmp_path / "pickled")


@pytest.mark.parametrize("source", ["bert", "./nowhere", "/nowhere/at/all", "a/b/c"])
def test_what_is_neither_folder_nor_hub_id_is_an_error(source):
    with pytest.raises(
        FileNotFoundError, match="expected 'mini', a Hub id or a folder with a model, found no"
    ):
        load_model(source)


def test_auto_profile_is_mini_without_a_gpu_and_says_why(monkeypatch):
    monkeypatch.delenv("MLMTUTOR_PROFILE", raising=False)
    monkeypatch.setattr("mlmtutor.hub.find_device", lambda: "cpu")
    profile = choose_profile("auto")
    assert (profile.name, profile.reason) == ("mini", "no GPU")
    assert str(profile) == "profile mini: model mini, reviews mini, on cpu (no GPU)"


def test_auto_profile_is_full_where_gpu_and_hub_are_there(monkeypatch):
    monkeypatch.delenv("MLMTUTOR_PROFILE", raising=False)
    monkeypatch.setattr("mlmtutor.hub.find_device", lambda: "cuda")
    monkeypatch.setattr("mlmtutor.hub.find_hub_problem", lambda: None)
    assert choose_profile().model == "distilbert/distilbert-base-uncased"
    monkeypatch.setattr("mlmtutor.hub.find_hub_problem", lambda: "no route")
    assert (choose_profile().name, choose_profile().reason) == ("mini", "no route")


def test_environment_takes_the_place_of_auto_only(monkeypatch):
    monkeypatch.setenv("MLMTUTOR_PROFILE", "full")
    assert (choose_profile("auto").name, choose_profile("mini").name) == ("full", "mini")


def test_unknown_profile_is_an_error():
    with pytest.raises(ValueError, match="'auto', 'mini' or 'full', got 'maxi'"):
        choose_profile("maxi")
