"""The passages of the mask playground, masked by the package: for visitors without JavaScript, and for tests."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlmtutor.masked_text import MaskedText, ShownToken
from mlmtutor.masking import IGNORED, MaskingSettings, mask_batch
from mlmtutor.words import TokenTable, word_heads

PASSAGES = Path(__file__).with_name("passages.json")  # written by `python -m book.tools passages`


@dataclass(frozen=True)
class Passage:
    """One passage, and a small vocabulary: special tokens, ordinary ones, then those of the passage."""

    lang: str
    tokens: list[str]
    word_starts: list[bool] | None
    vocabulary: list[str]
    ids: np.ndarray  # (1, num_tokens) int64, in `vocabulary`
    table: TokenTable

    @property
    def heads(self) -> np.ndarray:
        """The first token of each token's word, see :func:`mlmtutor.words.word_heads`: ``(num_tokens,) int64``."""
        return word_heads(self.ids, table=self.table, word_starts=self._starts(1))[0]

    def draw(self, settings: MaskingSettings, *, num_rows: int) -> list[MaskedText]:
        """Mask a batch whose `num_rows` rows are all this passage, with seed 0."""
        ids, starts = np.repeat(self.ids, num_rows, axis=0), self._starts(num_rows)
        seen, labels = mask_batch(ids, table=self.table, settings=settings, seed=0, word_starts=starts)
        hidden = [labels == IGNORED, seen == self.table.mask_id, seen != labels]
        kinds = np.select(hidden, ["none", "mask", "random"], "kept").tolist()
        shown = np.array(self.vocabulary)[seen].tolist()
        begins = ((self.heads == np.arange(len(self.tokens))) | (self.heads < 0)).tolist()
        return [
            MaskedText(tuple(map(ShownToken, self.tokens, *row, begins)))
            for row in zip(shown, kinds, strict=True)
        ]

    def _starts(self, num_rows: int) -> np.ndarray | None:
        return None if self.word_starts is None else np.repeat([self.word_starts], num_rows, axis=0)


def read_passages(path: Path = PASSAGES) -> dict[str, Passage]:
    """Read the passages by name, each with the vocabulary that the package needs to mask it."""
    content = json.loads(path.read_text("utf-8"))
    special, ordinary = content["special"], content["ordinary"]
    passages = {}
    for name, fields in content["passages"].items():
        vocabulary = list(dict.fromkeys([*special, *ordinary, *fields["tokens"]]))
        table = TokenTable(
            mask_id=vocabulary.index("[MASK]"),
            pad_id=None,
            is_special=np.isin(vocabulary, special),
            continues_word=np.char.startswith(vocabulary, "##"),
            ordinary_ids=np.arange(len(special), len(special) + len(ordinary)),
        )
        ids = np.array([[vocabulary.index(token) for token in fields["tokens"]]])
        passages[name] = Passage(**fields, vocabulary=vocabulary, ids=ids, table=table)
    return passages
