"""What a model still knows: sentences with a mask and the word that belongs there, and plain general English."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.model.encoding import check_mask_token, encode_texts, pad_rows
from mlmtutor.model.fill_mask import find_single_tokens
from mlmtutor.model.limits import check_finite
from mlmtutor.model.masked_lm import IGNORED, score_batches

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DATA = Path(__file__).parents[1] / "data"
CLOZE = {"en": "cloze.json", "zh": "cloze_zh.json"}
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


def load_probes(language: str = "en") -> list[Probe]:
    """Load forty sentences with a mask, ten of each kind.

    Args:
        language: ``"en"``: facts, objects, grammar and taste in general English. ``"zh"``: facts, words of which one
            character is masked, grammar and things in Chinese.

    Raises:
        ValueError: If there are none in that language.

    Example:
        >>> load_probes()[0]
        Probe(text='Paris is the capital of [MASK].', word='france', kind='facts')
        >>> load_probes("zh")[0]
        Probe(text='中国的首都是北[MASK]。', word='京', kind='facts')

    Source: chapter 08_adapted_model.
    """
    if language not in CLOZE:
        raise ValueError(f"language must be one of {', '.join(CLOZE)}, got {language!r}")
    return [Probe(**row) for row in json.loads((DATA / CLOZE[language]).read_text("utf-8"))]


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
    probes: Probe | Sequence[Probe],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
) -> ProbeScores:
    """Ask a model for the masked word of each probe.

    Args:
        probes: One or more, each with one mask and a word that is one token in its place, see
            ``mlmtutor.model.fill_mask.find_single_tokens``.
        model: A masked language model, on any device. It is returned to the mode it was in.
        tokenizer: Its tokenizer.

    Returns:
        The :class:`ProbeScores`.

    Raises:
        ValueError: If there is no probe, a text has not exactly one mask or is too long, a word is several tokens, or
            the model's weights are not finite.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> probes = [Probe("the [MASK] was good", "film", "taste")]
        >>> scores = score_probes(probes, model=tiny_model(), tokenizer=tiny_tokenizer())
        >>> 1 <= scores.ranks[0] <= 18, scores.kinds
        (True, ('taste',))

    Source: chapter 08_adapted_model.
    """
    import torch

    check_mask_token(tokenizer)
    probes = (probes,) if isinstance(probes, Probe) else tuple(probes)
    if not probes:
        raise ValueError("expected at least one probe, found none")
    if wrong := [probe for probe in probes if not isinstance(probe, Probe)]:
        raise ValueError(f"expected probes, found {type(wrong[0]).__name__}: {wrong[0]!r:.60}")
    mask, mask_id = tokenizer.mask_token, tokenizer.mask_token_id
    encoded = encode_texts([probe.text for probe in probes], model=model, tokenizer=tokenizer)
    for probe, row in zip(probes, encoded, strict=True):
        if row.count(mask_id) != 1:
            raise ValueError(
                f"expected a probe with one {mask}, found {row.count(mask_id)} in {probe.text!r:.60}"
            )
    words = [
        find_single_tokens(probe.word, tokenizer, before=probe.text.split(mask)[0])[0] for probe in probes
    ]
    rows = pad_rows(encoded, pad_id=tokenizer.pad_token_id)  # (num_probes, num_tokens)
    rows["labels"] = torch.where(rows["input_ids"] == mask_id, torch.tensor(words)[:, None], IGNORED)
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
    check_finite(probabilities, model=model, name="probabilities")
    return ProbeScores(probes, tuple(ranks), tuple(probabilities))
