"""Models and tokenizers from the mini package, a folder and the Hub."""

import os
import subprocess
import sys

import pytest
import torch
from hub_standin import serve_hub
from transformers import DistilBertConfig, DistilBertForMaskedLM, GPT2Config, GPT2LMHeadModel

from mlmtutor import load_model, load_tokenizer
from mlmtutor.testing import tiny_tokenizer
from tests.hub.faults import make_repositories, use_hub

CONFIG = DistilBertConfig(
    vocab_size=18, dim=16, n_heads=2, n_layers=1, hidden_dim=32, max_position_embeddings=64
)
LOAD = """
from mlmtutor import load_model, load_reviews, load_texts, load_tokenizer
print(load_model("someone/tiny").num_parameters(), load_tokenizer("someone/tiny").mask_token)
print(load_reviews("someone/tiny").num_rows, load_texts("someone/tiny").column_names)
"""


@pytest.fixture
def folder(tmp_path):
    DistilBertForMaskedLM(CONFIG).save_pretrained(tmp_path / "tiny")
    tiny_tokenizer().save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def run_python(code, tmp_path, **environment):
    """Run code with an empty Hub cache; return exit status, standard output and last line of standard error."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_", "MLMTUTOR_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**clean, "HF_HOME": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1", **environment},
    )
    return done.returncode, done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]


def test_all_comes_from_the_hub_and_then_from_its_cache(tmp_path):
    """In processes of their own, since HF_ENDPOINT and offline mode are read at import."""
    make_repositories(tmp_path)
    expected = f"{DistilBertForMaskedLM(CONFIG).num_parameters()} [MASK]\n{{'train': 2000}} ['text']"
    with serve_hub(tmp_path) as endpoint:
        assert run_python(LOAD, tmp_path, HF_ENDPOINT=endpoint)[:2] == (0, expected)
    assert run_python(LOAD, tmp_path, HF_ENDPOINT=endpoint)[:2] == (0, expected)  # no longer served
    assert run_python(LOAD, tmp_path, HF_HUB_OFFLINE="1")[:2] == (0, expected)


def test_offline_mode_is_said(tmp_path):
    code, _, message = run_python(LOAD, tmp_path, HF_HUB_OFFLINE="1")
    assert code == 1
    assert "offline mode is set" in message
    for remedy in ("'mini'", "local folder", "HF_ENDPOINT", "ModelScope"):
        assert remedy in message


def test_local_folder_serves_model_and_tokenizer(folder, monkeypatch):
    assert load_model(folder).num_parameters() == DistilBertForMaskedLM(CONFIG).num_parameters()
    assert load_tokenizer(f"{folder}/").mask_token_id == 4
    monkeypatch.setenv("HOME", str(folder.parent))
    assert not load_model("~/tiny").training


def test_a_folder_asks_nothing_of_the_hub(folder, tmp_path):
    with use_hub("http://127.0.0.1:9", tmp_path):
        assert load_model(folder).dtype == torch.float32
        assert load_tokenizer(folder).mask_token == "[MASK]"


def test_mini_has_the_bert_vocabulary():
    tokenizer, model = load_tokenizer("mini"), load_model("mini")
    assert tokenizer("This is a great [MASK].").input_ids == [101, 2023, 2003, 1037, 2307, 103, 1012, 102]
    assert len(tokenizer) == model.config.vocab_size == 30_522
    assert model.dtype == torch.float32
    assert not model.training


def test_names_stay_those_that_were_asked_for(tmp_path):
    make_repositories(tmp_path)
    with serve_hub(tmp_path) as endpoint, use_hub(endpoint, tmp_path / "cache"):
        assert load_model("someone/tiny").name_or_path == "someone/tiny"
        assert load_tokenizer("someone/tiny").name_or_path == "someone/tiny"


def test_causal_checkpoint_is_one_clear_error(tmp_path):
    """Mistake 21."""
    GPT2LMHeadModel(
        GPT2Config(vocab_size=18, n_embd=16, n_layer=1, n_head=2, n_positions=32)
    ).save_pretrained(tmp_path)
    tokenizer = tiny_tokenizer()
    tokenizer.mask_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="no masked-LM head; is it a causal language model"):
        load_model(tmp_path)
    with pytest.raises(ValueError, match="whose tokenizer has no mask token"):
        load_tokenizer(tmp_path)
