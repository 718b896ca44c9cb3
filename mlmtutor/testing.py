"""Ten-line stand-ins for doctests, unit tests and sketches: no download, no training."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, PreTrainedTokenizerFast

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the a this film actor good bad was is . ##s ##ing ##ly".split()


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Make a WordPiece tokenizer of 18 tokens that splits on white space.

    Example:
        >>> tiny_tokenizer().tokenize("the films")
        ['the', 'film', '##s']
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **{f"{k}_token": v for k, v in names.items()})


def tiny_model(*, seed: int = 0) -> BertForMaskedLM:
    """Make a random BERT of a few hundred weights for :func:`tiny_tokenizer`, up to 64 tokens.

    Example:
        >>> tiny_model().num_parameters()
        1394
    """
    import torch
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertForMaskedLM(config).eval()
