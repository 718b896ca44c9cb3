"""A task with few labels on frozen features: embed each text once, then fit and score a small classifier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from mlmtutor.model.encoding import encode_texts, list_texts, pad_rows
from mlmtutor.model.limits import check_finite, check_masked_lm, unwrap
from mlmtutor.model.limits import max_tokens as find_max_tokens
from mlmtutor.model.masked_lm import evaluation_mode
from mlmtutor.model.progress import bar
from mlmtutor.scores.bootstrap import find_quantiles

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from mlmtutor.model.device import AnyPrecision

BATCH_SIZE = 64  # texts per forward pass
NUM_SAMPLES = 2000  # of the bootstrap
FEW_LABELS = Path(__file__).parents[1] / "data" / "few_labels.json"  # written by mini.make.few_labels


def embed_texts(
    texts: str | Sequence[str],
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int = 128,
    keep: Literal["first", "last"] = "first",
    precision: AnyPrecision = "fp32",
    progress: bool | None = None,
) -> np.ndarray:
    """Turn each text into one vector: the mean of the encoder's last hidden states over its tokens.

    Special tokens count as tokens, padding does not. The masked-LM head takes no part.

    Args:
        texts: One or more texts.
        model: A masked language model, on any device. It is returned to the mode it was in.
        tokenizer: Its tokenizer.
        max_tokens: Tokens read of each text, special tokens included; the rest is cut off.
        keep: Which tokens of a longer text are read: its first or its last.
        precision: Arithmetic of the forward pass: ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"`` to ask the device.
        progress: Show a bar. None: where a person is watching, see :func:`mlmtutor.model.progress.is_watched`.

    Returns:
        ``(num_texts, hidden_size) float32``.

    Raises:
        ValueError: If there is no text, ``max_tokens`` is more than the model reads, or its weights are not finite.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> texts = ["the film was good", "bad"]
        >>> embed_texts(texts, model=tiny_model(), tokenizer=tiny_tokenizer(), max_tokens=64).shape
        (2, 8)

    Source: chapter 10_downstream.
    """
    import torch

    from mlmtutor.model.device import autocast, settle_precision

    texts = list_texts(texts)
    if not texts:
        raise ValueError("expected at least one text, found none")
    check_masked_lm(model)
    model = unwrap(model)
    limit = find_max_tokens(model) or max_tokens
    if not 3 <= max_tokens <= max(limit, 3):
        raise ValueError(f"max_tokens must be in [3, {limit}] for this model, got {max_tokens}")
    precision = settle_precision(precision, device=model.device)
    encoded = encode_texts(texts, model=model, tokenizer=tokenizer, max_tokens=max_tokens, keep=keep)
    order = np.argsort([-len(ids) for ids in encoded], kind="stable")  # alike lengths need little padding
    vectors = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    starts = range(0, len(texts), BATCH_SIZE)
    steps = bar(starts, name="embedding", unit="batch", total=len(starts), progress=progress)
    with torch.inference_mode(), evaluation_mode(model), autocast(model.device, precision=precision):
        for start in steps:
            rows = order[start : start + BATCH_SIZE]
            batch = pad_rows([encoded[row] for row in rows], pad_id=tokenizer.pad_token_id)
            batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
            hidden = model.base_model(**batch).last_hidden_state  # (batch, tokens, hidden)
            real = batch["attention_mask"][:, :, None].float()
            mean = (hidden.float() * real).sum(dim=1) / real.sum(dim=1)  # (batch, hidden)
            vectors[rows] = mean.cpu().numpy()
    check_finite(vectors, model=model, name="vectors")
    return vectors


@dataclass(frozen=True, eq=False)
class FewLabelScores:
    """What classifiers made of the same test texts, after learning from few labels drawn again and again.

    Attributes:
        correct: By number of labels, ``(num_draws, num_test) bool``: which test texts were classified right.

    Example:
        >>> scores = FewLabelScores({2: np.array([[True, True], [True, False]])})
        >>> scores.accuracies[2].tolist(), scores.means, scores.bands
        ([1.0, 0.5], {2: 0.75}, {2: (0.525, 0.975)})

    Source: chapter 10_downstream.
    """

    correct: dict[int, np.ndarray]

    @property
    def accuracies(self) -> dict[int, np.ndarray]:
        """Accuracy of each draw, ``(num_draws,)``, by number of labels."""
        return {size: right.mean(axis=1) for size, right in self.correct.items()}

    @property
    def means(self) -> dict[int, float]:
        """Mean accuracy over the draws."""
        return {size: float(accuracy.mean()) for size, accuracy in self.accuracies.items()}

    @property
    def bands(self) -> dict[int, tuple[float, float]]:
        """Nine draws in ten lie between these: the effect of the draw."""
        return {
            size: tuple(float(end) for end in np.quantile(accuracy, [0.05, 0.95]))
            for size, accuracy in self.accuracies.items()
        }


def score_few_labels(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    sizes: Sequence[int] = (8, 32, 128, 512),
    num_draws: int = 20,
    penalty: float = 1.0,
    seed: int = 0,
) -> FewLabelScores:
    """Learn two classes from few labels, many times over, and test each classifier on the same texts.

    A draw takes half of its texts from each class; a larger size of the same draw contains the smaller. The draws
    depend on ``labels`` and ``seed`` alone, so the features of two models meet the same draws and can be compared
    pair by pair. All features are centred and scaled by the mean and spread of ``features``, which needs no label. The
    classifier is scikit-learn's ``LogisticRegression``; its bias is not penalised.

    Args:
        features: ``(num_texts, num_features)``, the pool that labelled texts are drawn from.
        labels: ``(num_texts,)``, 0 or 1.
        test_features: ``(num_test, num_features)``.
        test_labels: ``(num_test,)``, 0 or 1.
        sizes: Numbers of labels, even ones.
        num_draws: How often labels are drawn.
        penalty: Strength of the pull of the weights towards zero, above 0; the larger, the simpler the classifier.
        seed: Seed of the draws.

    Returns:
        The :class:`FewLabelScores`.

    Raises:
        ValueError: If a size is odd or asks for more texts of a class than there are, or ``num_draws`` is below 1.

    Example:
        >>> generator = np.random.default_rng(0)
        >>> labels = np.arange(40) % 2
        >>> features = generator.normal(size=(40, 3)) + 2 * labels[:, None]
        >>> scores = score_few_labels(
        ...     features[:20], labels[:20], test_features=features[20:], test_labels=labels[20:], sizes=[4]
        ... )
        >>> scores.correct[4].shape, scores.means[4] > 0.8
        ((20, 20), True)

    Source: chapter 10_downstream.
    """
    from sklearn.linear_model import LogisticRegression

    labels, test_labels = np.asarray(labels), np.asarray(test_labels)
    for values in (labels, test_labels):
        if not np.isin(values, (0, 1)).all():
            raise ValueError(f"expected labels 0 and 1, found {np.unique(values).tolist()}")
    classes = [np.flatnonzero(labels == value) for value in (0, 1)]
    most = 2 * min(map(len, classes))
    for size in sizes:
        if not 2 <= size <= most or size % 2:
            raise ValueError(f"sizes must be even numbers in [2, {most}], got {size}")
    if num_draws < 1:
        raise ValueError(f"num_draws must be at least 1, got {num_draws}")
    if not penalty > 0:
        raise ValueError(f"penalty must be above 0, got {penalty}")
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.maximum(spread, 1e-6) * np.sqrt(features.shape[1])  # rows get a length near 1
    rows, test_rows = (features - centre) / scale, (test_features - centre) / scale
    correct = {size: np.empty((num_draws, len(test_labels)), dtype=bool) for size in sizes}
    for draw in range(num_draws):
        for size in sizes:
            chosen = draw_labels(labels, size=size, seed=seed, draw=draw)
            classifier = LogisticRegression(C=1 / penalty, solver="newton-cg", tol=1e-8)
            correct[size][draw] = (
                classifier.fit(rows[chosen], labels[chosen]).predict(test_rows) == test_labels
            )
    return FewLabelScores(correct)


def draw_labels(labels: np.ndarray, *, size: int, seed: int, draw: int = 0) -> np.ndarray:
    """Draw texts to be labelled, half of them from each class; a larger draw contains the smaller.

    Args:
        labels: ``(num_texts,)``, 0 or 1.
        size: Number of texts, an even one.
        seed: Seed of all draws.
        draw: Number of the draw.

    Returns:
        ``(size,)`` positions.

    Example:
        >>> labels = np.array([0, 1, 1, 0, 1, 0])
        >>> sorted(labels[draw_labels(labels, size=4, seed=0)].tolist())
        [0, 0, 1, 1]

    Source: chapter 10_downstream.
    """
    generator = np.random.default_rng([seed, draw])
    return np.concatenate(
        [generator.permutation(np.flatnonzero(labels == value))[: size // 2] for value in (0, 1)]
    )


def load_few_labels() -> dict[str, FewLabelScores]:
    """Load what classifiers reached that started from the mini model and from its two long adaptations.

    All weights were trained, on the same few labels for the three models, and tested on the same 1,000 reviews, none of
    which any of them had read. ``mlmtutor/mini/make/few_labels.py`` has the settings; it takes hours on two cores.

    Returns:
        The :class:`FewLabelScores` by the name of the starting model: ``mini``, ``mini-imdb`` and ``mini-more``.

    Example:
        >>> [*load_few_labels()]
        ['mini', 'mini-imdb', 'mini-more']

    Source: chapter 10_downstream.
    """
    table = json.loads(FEW_LABELS.read_text("utf-8"))

    def unpack(packed: str) -> np.ndarray:
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(packed), dtype=np.uint8))
        return bits[: table["num_test"]].astype(bool)

    return {
        name: FewLabelScores({int(size): np.stack([*map(unpack, draws)]) for size, draws in by_size.items()})
        for name, by_size in table["correct"].items()
    }


@dataclass(frozen=True)
class ScoreDifference:
    """How much better one model's classifiers do than another's, on the same draws and the same test texts.

    Attributes:
        mean: Mean difference of the accuracies; above 0 the second model is better.
        low: Lower end of its interval, over other draws of labels and other test texts.
        high: Upper end. An interval that holds 0 says that the two cannot be told apart.
        sd: Standard deviation of the difference over the draws.
        share_better: Share of the draws in which the second model is better; a tie counts one half.
    """

    mean: float
    low: float
    high: float
    sd: float
    share_better: float


def compare_scores(base: FewLabelScores, adapted: FewLabelScores) -> dict[int, ScoreDifference]:
    """Compare two models draw by draw and test text by test text.

    The 95 % interval comes from a bootstrap over both the draws of labels and the test texts. It does not contain a
    third kind of luck: another training run of the adapted model.

    Args:
        base: Scores of the first model.
        adapted: Scores of the second, from the same labels, sizes, draws and seed.

    Returns:
        The :class:`ScoreDifference` by number of labels.

    Raises:
        ValueError: If the sizes, the numbers of draws or the test texts differ.

    Example:
        >>> ones, zeros = np.ones((4, 10), dtype=bool), np.zeros((4, 10), dtype=bool)
        >>> compare_scores(FewLabelScores({8: zeros}), FewLabelScores({8: ones}))[8].low
        1.0

    Source: chapter 10_downstream.
    """
    shapes = [{size: right.shape for size, right in scores.correct.items()} for scores in (base, adapted)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"expected scores of the same sizes and shapes, found {shapes[0]} and {shapes[1]}")
    generator = np.random.default_rng(0)
    differences = {}
    for size, right in adapted.correct.items():
        # (num_draws, num_test), 1 where only the adapted model is right
        gain = right.astype(float) - base.correct[size]
        num_draws, num_test = gain.shape
        draws = generator.multinomial(num_draws, np.full(num_draws, 1 / num_draws), size=NUM_SAMPLES)
        texts = generator.multinomial(num_test, np.full(num_test, 1 / num_test), size=NUM_SAMPLES)
        means = ((draws @ gain) * texts).sum(axis=1) / gain.size  # (num_samples,)
        # a single draw of labels or a single text has no spread of its own: it is the other that counts
        num_groups = min(n for n in (num_draws, num_test, max(num_draws, num_test, 2)) if n > 1)
        low, high = np.quantile(means, find_quantiles(num_groups))
        per_draw = gain.mean(axis=1)
        better = (np.sign(per_draw) + 1).mean() / 2
        differences[size] = ScoreDifference(
            float(gain.mean()),
            float(low),
            float(high),
            float(per_draw.std(ddof=min(1, num_draws - 1))),
            float(better),
        )
    return differences
