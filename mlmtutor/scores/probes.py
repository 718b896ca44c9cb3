"""What a model still knows: sentences with a mask and the word that belongs there, and plain general English."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DATA = Path(__file__).parents[1] / "data"
BATCH_SIZE = 32  # probes per forward pass


@dataclass(frozen=True)
class Probe:
    """A sentence with one mask, the word that belongs there, and the kind of knowledge it asks for."""

    text: str
    word: str
    kind: str


@dataclass(frozen=True)
class ProbeScores:
    """How a model answered probes.

    Attributes:
        probes: The probes.
        ranks: For each, the rank of the expected word among the whole vocabulary; 1 is the first choice.
        probabilities: For each, the probability of the expected word.
    """

    probes: tuple[Probe, ...]
    ranks: tuple[int, ...]
    probabilities: tuple[float, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the probes, in order of their first appearance."""
        return tuple(dict.fromkeys(probe.kind for probe in self.probes))

    def count_hits(self, *, kind: str | None = None) -> int:
        """Count the probes whose word is among the five most probable; of one kind, or of all."""
        return sum(self.ranks[i] <= 5 for i in self._of(kind))

    def _of(self, kind: str | None) -> list[int]:
        chosen = [i for i, probe in enumerate(self.probes) if kind in (None, probe.kind)]
        if not chosen:
            raise ValueError(f"kind must be one of {', '.join(self.kinds)}, got {kind!r}")
        return chosen


def load_probes() -> list[Probe]:
    """Load forty sentences with a mask: ten each on facts, objects, grammar and taste, in general English.

    Example:
        >>> load_probes()[0]
        Probe(text='Paris is the capital of [MASK].', word='france', kind='facts')

    Source: chapter 08_adapted_model.
    """
    return [Probe(**row) for row in json.loads((DATA / "cloze.json").read_text("utf-8"))]


def load_general_texts() -> list[str]:
    """Load eighty plain sentences of general English, none of them about films, to measure forgetting on.

    They were written for this course, and nothing here is trained on them.

    Example:
        >>> len(load_general_texts())
        80

    Source: chapter 08_adapted_model.
    """
    return json.loads((DATA / "general.json").read_text("utf-8"))


def score_probes(
    probes: Sequence[Probe],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> ProbeScores:
    """Ask a model for the masked word of each probe.

    Args:
        probes: Each with one mask and a word that is one token of the vocabulary.
        model: A masked language model, on any device.
        tokenizer: Its tokenizer.

    Returns:
        The :class:`ProbeScores`.

    Raises:
        ValueError: If there is no probe, a text has not exactly one mask, or a word is several tokens.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> probes = [Probe("the [MASK] was good", "film", "taste")]
        >>> scores = score_probes(probes, model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> 1 <= scores.ranks[0] <= 18, scores.kinds
        (True, ('taste',))

    Source: chapter 08_adapted_model.
    """
    import torch

    from mlmtutor.model.fill_mask import find_single_tokens
    from mlmtutor.model.masked_lm import IGNORED, score_batches

    probes = tuple(probes)
    if not probes:
        raise ValueError("expected at least one probe, found none")
    words = torch.tensor(find_single_tokens([probe.word for probe in probes], tokenizer))
    encoded = tokenizer([probe.text for probe in probes], padding=True, return_tensors="pt")
    is_mask = encoded["input_ids"] == tokenizer.mask_token_id  # (num_probes, num_tokens)
    for probe, found in zip(probes, is_mask.sum(1).tolist(), strict=True):
        if found != 1:
            raise ValueError(
                f"expected a probe with one {tokenizer.mask_token}, found {found} in {probe.text!r}"
            )
    rows = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    rows["labels"] = torch.where(is_mask, words[:, None], IGNORED)
    batches = (
        {name: tensor[start : start + BATCH_SIZE] for name, tensor in rows.items()}
        for start in range(0, len(probes), BATCH_SIZE)
    )
    ranks, probabilities = [], []
    for logits, targets in score_batches(model, batches):
        log_probs = logits.log_softmax(-1)  # (batch_size, vocab_size)
        true = log_probs.gather(1, targets[:, None])
        ranks += (1 + (log_probs > true).sum(1)).tolist()
        probabilities += true[:, 0].exp().tolist()
    return ProbeScores(probes, tuple(ranks), tuple(probabilities))
