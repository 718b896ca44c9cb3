"""``mini-zh``: the encoder of ``mini`` that has learned Chinese, with a vocabulary of characters.

Here lie the tokenizer and what was trained: new embeddings, a head and low-rank weights, made by ``mlmtutor/mini_zh/make``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.mini import build_mini_model, check_sha256, merge_file

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, PreTrainedTokenizerFast

NAME = "mini-zh"
WEIGHTS = Path(__file__).with_name("weights.safetensors")
TOKENIZER = WEIGHTS.with_name("tokenizer.json")
WEIGHTS_SHA256 = "b7a05249e6c6ed6d04245a90aa9e0f2c8c83415a548228ced501fa0c1268d944"
TOKENIZER_SHA256 = "6a67ee25bef511983c6335c004e2a5d0753181033052aab119e012ca26900e80"


def load_mini_zh_model() -> BertForMaskedLM:
    """Load ``mini-zh``: the encoder of ``mini`` with what it learned of Chinese merged in.

    Returns:
        An ordinary ``BertForMaskedLM`` in fp32 and evaluation mode, 13.7 million parameters.

    Raises:
        ImportError: If the package with the encoder is not installed.
        ValueError: If its file or the weights are not the ones that were checked.
    """
    check_sha256(WEIGHTS, WEIGHTS_SHA256, remedy="install mlmtutor again")
    return build_mini_zh_model()


def build_mini_zh_model() -> BertForMaskedLM:
    """Merge the weights that lie here, whatever they are, into the model they were trained on."""
    model = build_mini_model()
    resize(model, len(load_tokenizer_file(TOKENIZER)))
    merge_file(model, WEIGHTS)
    model.name_or_path = model.config.name_or_path = f"mlmtutor-{NAME}"
    return model.eval()


def resize(model: BertForMaskedLM, vocab_size: int) -> None:
    """Give a model untrained embeddings and an output for another vocabulary, in place."""
    model.resize_token_embeddings(vocab_size, mean_resizing=False)


def load_mini_zh_tokenizer() -> PreTrainedTokenizerFast:
    """Load the tokenizer of ``mini-zh``: a token for each character.

    Raises:
        ValueError: If its file is not the one that was checked.
    """
    check_sha256(TOKENIZER, TOKENIZER_SHA256, remedy="install mlmtutor again")
    return load_tokenizer_file(TOKENIZER)


def load_tokenizer_file(path: Path) -> PreTrainedTokenizerFast:
    """Load a tokenizer of characters from its file."""
    from transformers import PreTrainedTokenizerFast

    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path), model_max_length=512, **names)
    tokenizer.name_or_path = f"mlmtutor-{NAME}"
    return tokenizer
