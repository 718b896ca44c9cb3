"""What a model still knows: sentences with a blank and the word that belongs there, and plain general English."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

GENERAL = Path(__file__).parent / "mini" / "general.json"


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

    def count_hits(self, *, top_k: int = 5, kind: str | None = None) -> int:
        """Count the probes whose word is among the ``top_k`` most probable; of one kind, or of all."""
        return sum(self.ranks[i] <= top_k for i in self._of(kind))

    def mean_log_prob(self, *, kind: str | None = None) -> float:
        """Give the mean log-probability of the expected words, in nats; of one kind, or of all."""
        chosen = self._of(kind)
        return sum(math.log(self.probabilities[i]) for i in chosen) / len(chosen)

    def _of(self, kind: str | None) -> list[int]:
        chosen = [i for i, probe in enumerate(self.probes) if kind in (None, probe.kind)]
        if not chosen:
            raise ValueError(f"kind must be one of {', '.join(self.kinds)}, got {kind!r}")
        return chosen


def load_probes() -> list[Probe]:
    """Load forty sentences with a blank: ten each on facts, objects, grammar and taste, in general English.

    Example:
        >>> load_probes()[0]
        Probe(text='Paris is the capital of [MASK].', word='france', kind='facts')

    Source: chapter 08_adapted_model.
    """
    from mlmtutor.mini import CLOZE

    return [Probe(**row) for row in json.loads(CLOZE.read_text("utf-8"))]


def load_general_texts() -> list[str]:
    """Load eighty plain sentences of general English, none of them about films, to measure forgetting on.

    They were written for this course, and nothing here is trained on them.

    Example:
        >>> len(load_general_texts())
        80

    Source: chapter 08_adapted_model.
    """
    return json.loads(GENERAL.read_text("utf-8"))


def score_probes(
    probes: Sequence[Probe],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    batch_size: int = 32,
) -> ProbeScores:
    """Ask a model for the hidden word of each probe.

    Args:
        probes: Each with one mask and a word that is one token of the vocabulary.
        model: A masked language model, on any device.
        tokenizer: Its tokenizer.
        batch_size: Probes per forward pass.

    Returns:
        The :class:`ProbeScores`.

    Raises:
        ValueError: If there is no probe, a text has not exactly one mask, or a word is several tokens.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> probes = [Probe("the [MASK] was good", "film", "taste")]
        >>> scores = score_probes(probes, model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> 1 <= scores.ranks[0] <= 18, scores.count_hits(top_k=18)
        (True, 1)

    Source: chapter 08_adapted_model.
    """
    import torch

    from mlmtutor.fill_mask import single_tokens
    from mlmtutor.heads import score_masked
    from mlmtutor.masking import IGNORED
    from mlmtutor.perplexity import as_loaded

    probes = tuple(probes)
    if not probes:
        raise ValueError("expected at least one probe, found none")
    words = torch.tensor(single_tokens([probe.word for probe in probes], tokenizer))
    ranks, probabilities = [], []
    with torch.inference_mode(), as_loaded(model):
        for start in range(0, len(probes), batch_size):
            rows = slice(start, start + batch_size)
            encoded = tokenizer([probe.text for probe in probes[rows]], padding=True, return_tensors="pt")
            is_mask = encoded["input_ids"] == tokenizer.mask_token_id  # (batch_size, num_tokens)
            for probe, found in zip(probes[rows], is_mask.sum(1).tolist(), strict=True):
                if found != 1:
                    raise ValueError(
                        f"expected a probe with one {tokenizer.mask_token}, found {found} in {probe.text!r}"
                    )
            labels = torch.where(is_mask, words[rows, None], IGNORED)
            inputs = {
                "input_ids": encoded["input_ids"],
                "attention_mask": encoded["attention_mask"],
                "labels": labels,
            }
            logits, targets = score_masked(model, **{k: v.to(model.device) for k, v in inputs.items()})
            log_probs = logits.float().log_softmax(-1)  # (batch_size, vocab_size)
            true = log_probs.gather(1, targets[:, None])
            ranks += (1 + (log_probs > true).sum(1)).tolist()
            probabilities += true[:, 0].exp().tolist()
    return ProbeScores(probes, tuple(ranks), tuple(probabilities))
