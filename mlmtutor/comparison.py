"""Two models on the same masks: how much better, and would other texts say so too?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlmtutor.bootstrap import bootstrap_means, tails

if TYPE_CHECKING:
    from mlmtutor.perplexity import Evaluation


@dataclass(frozen=True)
class Comparison:
    """Two models on the same masks.

    Attributes:
        before: Perplexity of the first.
        after: Perplexity of the second.
        ratio: ``after / before``; below 1 the second is better.
        low: Lower end of the interval of the ratio.
        high: Upper end. An interval that leaves out 1 is a difference that other texts would show too.
        level: Share of the bootstrap samples inside the interval.
    """

    before: float
    after: float
    ratio: float
    low: float
    high: float
    level: float

    def to_dict(self) -> dict[str, float]:
        """Give the fields as a plain dictionary, for reports."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"perplexity {self.before:.2f} -> {self.after:.2f}, ratio {self.ratio:.3f} "
            f"({100 * self.level:g} % interval {self.low:.3f} to {self.high:.3f})"
        )


def compare(
    before: Evaluation, after: Evaluation, *, level: float = 0.95, num_samples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare two models text by text, on the same masks.

    Both see the same bootstrap samples. What makes a text hard for both then cancels out, and the interval
    is much narrower than those of the two perplexities.

    Args:
        before: The first model's evaluation.
        after: The second model's, on the same masks.
        level: Share of the samples inside the interval.
        num_samples: Samples of the bootstrap.
        seed: Seed of the draw.

    Returns:
        The :class:`Comparison`.

    Raises:
        ValueError: If the masks differ, or there are fewer than two texts.

    Example:
        >>> from mlmtutor.perplexity import Evaluation
        >>> counts, texts = np.array([10, 10]), np.array([0, 1])
        >>> before, after = (
        ...     Evaluation(np.array(sums), counts, counts, texts, by_kind={}, sha256="same")
        ...     for sums in ([50.0, 50.0], [40.0, 40.0])
        ... )
        >>> print(compare(before, after))
        perplexity 148.41 -> 54.60, ratio 0.368 (95 % interval 0.368 to 0.368)

    Source: chapter 07_perplexity.
    """
    if before.sha256 != after.sha256:
        raise ValueError(
            f"expected two evaluations on the same masks, found digests {before.sha256[:12]} and "
            f"{after.sha256[:12]}: perplexities of different masks measure different tasks"
        )
    sums = np.stack([before.loss_sum, after.loss_sum])
    losses = bootstrap_means(
        sums, before.num_masked, groups=before.text_index, num_samples=num_samples, seed=seed
    )  # (num_samples, 2)
    low, high = np.exp(np.quantile(losses[:, 1] - losses[:, 0], tails(level)))
    ratio = math.exp(after.loss - before.loss)
    return Comparison(before.perplexity, after.perplexity, ratio, float(low), float(high), level)
