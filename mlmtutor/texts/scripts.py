"""What the scripts of the world ask of a tokenizer: spaces between words, and vowels that are written as marks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlmtutor.texts.keyness import count_words, load_brown_counts
from mlmtutor.texts.words import find_unk_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LETTER = re.compile(r"[^\W\d_]")
# the scripts written without spaces between words, by blocks of Unicode; Korean and Vietnamese write spaces
UNSPACED_LETTER = re.compile(
    r"(?!\d)[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf"  # Thai to Tibetan, Myanmar, Khmer, Tai
    r"\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaadf"  # Balinese, Javanese, and what follows of Myanmar and Tai
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Japanese
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff]"  # Han, more Kana
)
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
KANA = re.compile(r"[\u3041-\u30ff]")
MAX_SHARE_UNSPACED = 1 / 3  # a page of English with some names in Chinese stays below
MAX_SHARE_KANA = 0.05  # of the number of Chinese characters; Japanese has more kana than these


def lacks_spaces(texts: Sequence[str]) -> float:
    """Return the share of the letters that belong to scripts written without spaces between words.

    Args:
        texts: The texts; of many or long ones a sample is looked at.

    Returns:
        A number from 0 to 1; 0 if there are no letters.

    Example:
        >>> lacks_spaces(["看电影", "film"])
        0.42857142857142855

    Source: chapter 11_your_domain.
    """
    letters = LETTER.findall(_sample(texts, num_texts=1000))
    return sum(UNSPACED_LETTER.match(letter) is not None for letter in letters) / max(len(letters), 1)


def share_chinese(texts: Sequence[str]) -> float:
    """Return the share of the letters that are Chinese characters; 0 where Japanese ones are between them.

    Args:
        texts: The texts; of many or long ones a sample is looked at.

    Example:
        >>> share_chinese(["看电影"]), share_chinese(["映画を見る"]), share_chinese(["A film"])
        (1.0, 0.0, 0.0)

    Source: chapter 12_chinese.
    """
    text = _sample(texts, num_texts=1000)
    num_han, num_kana = len(HAN.findall(text)), len(KANA.findall(text))
    if num_kana > MAX_SHARE_KANA * num_han:
        return 0.0
    return num_han / max(len(LETTER.findall(text)), 1)


def share_english(texts: Sequence[str]) -> float:
    """Return the share of the words that are frequent in English.

    Frequent are those of :func:`mlmtutor.texts.keyness.load_brown_counts`. They make up some 83 % of a film review and half
    of a doctor's notes, and a quarter of a text in German or French.

    Args:
        texts: The texts; of many or long ones a sample is looked at.

    Returns:
        A number from 0 to 1; 0 if there are no words.

    Example:
        >>> share_english(["The film was good."]), share_english(["Der Film war gut."])
        (1.0, 0.5)

    Source: chapter 11_your_domain.
    """
    text = _sample(texts, num_texts=1000)
    if not LETTER.search(text):
        return 0.0
    found, frequent = count_words([text]), load_brown_counts().counts
    return sum(count for word, count in found.counts.items() if word in frequent) / found.total


def unknown_characters(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> tuple[float, str]:
    """Return the share of the characters that a tokenizer does not know, and which of them are the most frequent.

    An unknown token may stand for many of them, such as a row of emoji, so the share of the tokens can be far smaller.

    Args:
        texts: The texts; of many or long ones a sample is looked at.
        tokenizer: A fast tokenizer.

    Returns:
        A number from 0 to 1, white space left out, and the characters, the most frequent first.

    Example:
        >>> from mlmtutor.mini import load_mini_tokenizer
        >>> unknown_characters(["我喜歡看電影"], load_mini_tokenizer())
        (0.8333333333333334, '喜歡看電影')

    Source: chapter 12_chinese.
    """
    text = _sample(texts, num_texts=100)
    encoding = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    unknown, unk_id = Counter(), find_unk_id(tokenizer)
    for token, (start, end) in zip(encoding.input_ids, encoding.offset_mapping, strict=True):
        if token == unk_id:
            unknown.update(text[start:end])
    num_characters = sum(not character.isspace() for character in text)
    return unknown.total() / max(num_characters, 1), "".join(c for c, _ in unknown.most_common())


def is_traditional(characters: str) -> bool:
    """Say whether most of some characters are Chinese ones that only traditional writing has.

    Those are the characters of Big5 that are not in GB 2312; most characters are in both.

    Example:
        >>> is_traditional("歡電"), is_traditional("喜影"), is_traditional("")
        (True, False, False)

    Source: chapter 12_chinese.
    """
    found = [
        c.encode("big5", "ignore") and not c.encode("gb2312", "ignore") for c in characters if HAN.match(c)
    ]
    return sum(map(bool, found)) > len(characters) / 2


def check_spaces(texts: Sequence[str]) -> None:
    """Check that white space can tell the words of texts, as masking whole words without a segmenter needs.

    Raises:
        ValueError: If more than a third of the letters belong to scripts written without spaces.

    Example:
        >>> check_spaces(["The film was good."])

    Source: chapter 11_your_domain.
    """
    if (share := lacks_spaces(texts)) > MAX_SHARE_UNSPACED:
        raise ValueError(
            f"expected a segmenter for words that no spaces tell, found none, and {share:.0%} of the letters in scripts "
            "such as Chinese, Japanese or Thai: name one (segmenter jieba is for Chinese), or mask by unit token"
        )


def lost_signs(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> float:
    """Return the share of letters and of marks over and under them that a tokenizer drops unseen.

    Tokenizers of uncased models strip accents. That makes a café a cafe, and leaves Hindi, Tamil or Thai without
    vowels. Letters with their accent count as one sign, so a café loses none.

    Args:
        texts: The texts; of many or long ones a sample is looked at.
        tokenizer: A fast tokenizer.

    Returns:
        A number from 0 to 1.

    Example:
        >>> from mlmtutor.mini import load_mini_tokenizer
        >>> [round(lost_signs([text], load_mini_tokenizer()), 2) for text in ("café", "हिन्दी")]
        [0.0, 0.17]

    Source: chapter 11_your_domain.
    """
    normalizer = tokenizer.backend_tokenizer.normalizer
    text = _sample(texts, num_texts=100)
    if normalizer is None:
        return 0.0
    before, after = (_count_signs(each) for each in (text, normalizer.normalize_str(text)))
    return max(0, before - after) / max(before, 1)


def _count_signs(text: str) -> int:
    composed = unicodedata.normalize("NFC", text)
    # variation selectors are marks, too, but belong to emoji
    return sum(unicodedata.category(c)[0] in "LM" and not "\ufe00" <= c <= "\ufe0f" for c in composed)


def _sample(texts: Sequence[str], *, num_texts: int) -> str:
    step = -(-len(texts) // num_texts) or 1
    return "\n".join(texts[number][:1000] for number in range(0, len(texts), step))
