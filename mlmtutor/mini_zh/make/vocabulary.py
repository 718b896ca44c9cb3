"""The vocabulary of ``mini-zh``: characters, and what its first embeddings are made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# what keyboards type in half width, a Chinese text has in full width
FULL_WIDTH = dict(zip(",!?:;()", "，！？：；（）", strict=True))
# every character of GB 2312, level 1 and 2: 6,763
GB2312 = [
    character
    for row in range(0xB0, 0xF8)
    for column in range(0xA1, 0xFF)
    for character in bytes([row, column]).decode("gb2312", "ignore")
]
MARKS = "，。、；：？！“”‘’（）《》〈〉【】「」『』—…·～￥$%&*+-/=<>@#[]{}^_|\\~\"'`°№×÷±→←↑↓○●★☆△▲□■◆◇"
MIN_COUNT = 5  # of a sign, and of a character that GB 2312 lacks
MIN_WORD = 30  # of a Latin word or number that becomes one token


def build_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Build the tokenizer: each character is a token; Latin letters and figures are cut as WordPiece cuts them.

    Wide letters and figures become narrow, capitals small, and narrow marks wide: so one sign has one token, whatever
    keyboard it was typed on.

    Args:
        texts: General texts; characters and words that are frequent in them are added to those of GB 2312.
    """
    tokenizer = Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer()]
        + [normalizers.Replace(narrow, wide) for narrow, wide in FULL_WIDTH.items()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    signs, words = Counter(), Counter()
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            (signs if len(word) == 1 else words)[word] += 1
    alphabet = [chr(c) for c in (*range(ord("0"), ord("9") + 1), *range(ord("a"), ord("z") + 1))]
    tokens = dict.fromkeys(SPECIAL + alphabet + [f"##{c}" for c in alphabet] + list(MARKS) + GB2312)
    tokens |= dict.fromkeys(sign for sign, count in sorted(signs.items()) if count >= MIN_COUNT)
    tokens |= dict.fromkeys(
        word for word, count in sorted(words.items()) if count >= MIN_WORD and re.fullmatch("[0-9a-z]+", word)
    )
    tokenizer.model = models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, **dict(zip(names, SPECIAL, strict=True))
    )


def embed_definitions(
    tokenizer: PreTrainedTokenizerBase,
    *,
    definitions: dict[str, str],
    english: PreTrainedTokenizerBase,
    embeddings: torch.Tensor,
    seed: int = 0,
) -> torch.Tensor:
    """Make first embeddings from what a character means in English.

    A character starts as the mean of the English words in its definition, a token that the English vocabulary has as
    that one, and everything else at random.

    Args:
        tokenizer: Of the new vocabulary.
        definitions: English by character.
        english: The tokenizer that the embeddings belong to.
        embeddings: ``(english_vocab_size, hidden_size) float32``.
        seed: Of what is random.

    Returns:
        ``(vocab_size, hidden_size) float32``.
    """
    generator = torch.Generator().manual_seed(seed)
    mean, spread = embeddings.mean(0), embeddings.std(0)
    noise = torch.randn(len(tokenizer), embeddings.shape[1], generator=generator) * spread
    new = mean + noise
    narrow = {wide: n for n, wide in FULL_WIDTH.items()}
    known = english.get_vocab()
    for token, i in tokenizer.get_vocab().items():
        same = narrow.get(token, {"。": ".", "、": ",", "“": '"', "”": '"'}.get(token, token))
        if token in definitions:
            words = [w for w in re.findall("[a-z]+", definitions[token].lower()) if w not in NOT_CONTENT]
            ids = english(" ".join(words[:8]), add_special_tokens=False).input_ids
            if ids:
                # the noise keeps characters with one definition apart
                new[i] = embeddings[ids].mean(0) + 0.3 * noise[i]
        elif same in known:
            new[i] = embeddings[known[same]]
    return new


NOT_CONTENT = frozenset(
    "a an the of to or in and kind used for as with by from on at variant u cf same".split()
)
