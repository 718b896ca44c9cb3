"""The passages of the mask playground, masked by the package: for visitors without JavaScript, and for tests."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlmtutor.masks.masked_text import MaskedText, ShownToken
from mlmtutor.masks.masking import KINDS, MaskingSettings, kinds_of, mask_batch
from mlmtutor.texts.words import TokenTable, begins_word, find_first_pieces

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
    def first_pieces(self) -> np.ndarray:
        """The first piece of each token's word, as ``find_first_pieces`` returns it: ``(num_tokens,) int64``."""
        return find_first_pieces(self.ids, table=self.table, word_starts=self._starts(1))[0]

    def draw(self, settings: MaskingSettings, *, num_rows: int) -> list[MaskedText]:
        """Mask a batch whose `num_rows` rows are all this passage, with seed 0."""
        ids, starts = np.repeat(self.ids, num_rows, axis=0), self._starts(num_rows)
        seen, labels = mask_batch(ids, table=self.table, settings=settings, seed=0, word_starts=starts)
        kinds = np.array(KINDS)[kinds_of(seen, labels, mask_id=self.table.mask_id)].tolist()
        shown = np.array(self.vocabulary)[seen].tolist()
        begins = begins_word(self.first_pieces).tolist()
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
