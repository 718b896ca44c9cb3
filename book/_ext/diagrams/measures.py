"""Masks, losses and what is made of them: 80/10/10, pairs, intervals, low rank, a shared step."""

import numpy as np

from mlmtutor.scores.bootstrap import bootstrap_means

from .canvas import WIDTH, Drawing
from .course import Words

SHARES = {"mask": ("[MASK]", 80), "random": ("carpet", 10), "kept": ("good", 10)}
MASK_PERCENT = 15

# an example: losses of six masked tokens before and after, in nats
PAIRS = {
    "movie": (5.0, 3.9), "the": (0.3, 0.3), "acting": (4.2, 3.8), "and": (0.9, 1.0), "cult": (7.4, 7.0), "time": (2.4, 2.5),
}  # fmt: skip

# the six reviews of chapter 7: sums of the losses and masked tokens
LOSS_SUMS = np.array([116.88, 155.74, 128.16, 91.28, 76.69, 173.37])
COUNTS = np.array([26, 30, 28, 23, 25, 30])
SEED = 123  # of the chapter

SIZE, RANK = 384, 64  # of a square matrix of mini, and of what is added to it


def draw_eighty_ten_ten(words: Words) -> Drawing:
    """Draw which tokens are chosen, what is shown in their place, and that the label is the same."""
    drawing = Drawing(284)
    chosen = WIDTH * MASK_PERCENT / 100
    drawing.text(1, 9, words["chosen"], align="left", kind="strong")
    drawing.text(WIDTH - 1, 9, words["others"], align="right", kind="note")
    drawing.rect(1, 24, WIDTH - 2, 24)
    drawing.rect(1, 24, chosen, 24, kind="shared")
    drawing.line((1, 50), (1, 78))
    drawing.line((chosen + 1, 50), (WIDTH - 1, 78))
    x = 1.0
    for kind, (_, percent) in SHARES.items():
        width = (WIDTH - 2) * percent / 100
        drawing.box(x, 80, width, 32, words[f"{kind}_share"].format(percent), kind=kind)
        x += width
    drawing.text(88, 136, words["seen"], align="left", kind="note")
    drawing.text(350, 136, words["label"], align="left", kind="note")
    for number, (kind, (shown, _)) in enumerate(SHARES.items()):
        y = 152 + 46 * number
        drawing.text(1, y + 14, words[kind], align="left", kind="strong")
        last = drawing.tokens(88, y, ["the", "film", "was", shown], kinds={3: kind})[-1]
        drawing.arrow((last.right + 8, y + 14), (342, y + 14))
        drawing.token(350, y, "good")
    return drawing


def draw_frozen_pairs(words: Words) -> Drawing:
    """Draw the losses of two models on the same masked tokens, and what is left of them in the difference."""
    drawing = Drawing(376)
    drawing.box(110, 1, 200, 32, words["masks"], kind="shared")
    for x, name, kind in ((1, "before", "thing"), (221, "after", "green")):
        drawing.arrow((150 if x == 1 else 270, 34), (150 if x == 1 else 270, 56))
        drawing.box(x, 58, 198, 32, words[name], kind=kind)
    drawing.text(90, 112, words["losses"], align="left", kind="note")
    drawing.text(WIDTH - 1, 112, words["difference"], align="right", kind="note")
    for number, (token, pair) in enumerate(PAIRS.items()):
        y = 128 + 32 * number
        drawing.text(80, y + 12, token, align="right", kind="mono")
        for row, (loss, kind) in enumerate(zip(pair, ("thing", "green"), strict=True)):
            drawing.rect(90, y + 12 * row, 30 * loss, 12, kind=kind, corner=0)
        drawing.text(WIDTH - 1, y + 12, signed(pair[1] - pair[0]), align="right")
    before, after = np.array(list(PAIRS.values())).T
    drawing.line((1, 324), (WIDTH - 1, 324))
    drawing.text(1, 340, words["spread_losses"].format(before.std()), align="left")
    drawing.text(1, 362, words["spread_differences"].format((after - before).std()), align="left")
    return drawing


def signed(number: float) -> str:
    """Write a difference with one decimal place and its sign."""
    return f"{number:+.1f}".replace("-", "−") if abs(number) >= 0.05 else "0.0"


def draw_bootstrap(words: Words) -> Drawing:
    """Draw reviews, three samples of them with their perplexities, and the middle of a thousand of these."""
    drawing = Drawing(414)
    drawing.text(1, 9, words["test"], align="left", kind="strong")
    for number, loss in enumerate(LOSS_SUMS / COUNTS):
        x = 1 + number * 70.8
        drawing.box(x, 24, 64, 46, f"{words['review'].format(number)}\n{loss:.1f}")
    drawing.text(1, 96, words["drawn"], align="left", kind="strong")
    generator = np.random.default_rng(SEED)
    for row in range(3):
        drawn = generator.integers(6, size=6)
        y = 110 + 36 * row
        for place, number in enumerate(drawn):
            drawing.box(1 + 38 * place, y, 34, 28, str(number))
        perplexity = np.exp(LOSS_SUMS[drawn].sum() / COUNTS[drawn].sum())
        drawing.arrow((234, y + 14), (262, y + 14))
        drawing.text(270, y + 14, words["perplexity"].format(perplexity), align="left")
    drawing.text(1, 238, words["thousand"], align="left", kind="strong")
    _draw_histogram(drawing, words)
    return drawing


def sample_perplexities() -> np.ndarray:
    """Return the perplexities of a thousand samples of the six reviews, as the package draws them."""
    losses = np.repeat(LOSS_SUMS / COUNTS, COUNTS)
    means = bootstrap_means(losses[None], groups=np.repeat(np.arange(len(COUNTS)), COUNTS))
    return np.exp(means[:, 0])


def _draw_histogram(drawing: Drawing, words: Words) -> None:
    samples = sample_perplexities()
    low, high = np.quantile(samples, [0.025, 0.975])
    counts, edges = np.histogram(samples, bins=35)
    scale, height = (WIDTH - 2) / (edges[-1] - edges[0]), 110 / counts.max()

    def place(perplexity: float) -> float:
        return round(1 + scale * (perplexity - edges[0]), 1)

    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        kind = "bar" if low <= (left + right) / 2 <= high else "rest"
        top, width = 366 - height * count, scale * (right - left) - 1
        drawing.rect(place(left), top, width, height * count, kind=kind, corner=0)
    drawing.line((1, 367), (WIDTH - 1, 367))
    drawing.bracket(place(low), place(high), 384, drop=10, kind="strong-line")
    drawing.text((place(low) + place(high)) / 2, 402, words["middle"].format(low, high))


def draw_low_rank(words: Words) -> Drawing:
    """Draw a matrix and the product of two thin ones that is added to it, to scale."""
    drawing = Drawing(278)
    side, thin = 160, 160 * RANK / SIZE
    drawing.box(1, 24, side, side, words["fixed"].format(SIZE, SIZE**2))
    drawing.text(side + 20, 24 + side / 2, "+")
    up = drawing.rect(side + 40, 24, thin, side, kind="mask")
    drawing.text(up.right + 16, 24 + side / 2, "×")
    down = drawing.rect(up.right + 32, 24 + (side - thin) / 2, side, thin, kind="mask")
    drawing.text(up.middle, 9, f"{SIZE} × {RANK}", kind="note")
    drawing.text(down.middle, 24 + (side - thin) / 2 - 14, f"{RANK} × {SIZE}", kind="note")
    drawing.bracket(up.left, down.right, 202, drop=10, kind="strong-line")
    drawing.text((up.left + down.right) / 2, 226, words["learnt"].format(2 * SIZE * RANK))
    drawing.text(side / 2 + 1, 203, words["frozen"], kind="note")
    drawing.text(WIDTH / 2, 268, words["merged"], kind="note")
    return drawing


def draw_shared_step(words: Words) -> Drawing:
    """Draw one step on two devices: what each does alone, and what they have to agree on."""
    counts, sums = (10, 40), (20, 160)
    total, shares = sum(counts), [2 * loss / sum(counts) for loss in sums]
    drawing = Drawing(478)
    drawing.box(110, 1, 200, 32, words["step"])
    for number, (left, count, loss, share) in enumerate(zip((1, 221), counts, sums, shares, strict=True)):
        middle = left + 99
        drawing.arrow((160 + 100 * number, 34), (160 + 100 * number, 44), (middle, 44), (middle, 62))
        for y, name in ((88, "own_chunks"), (160, "own_losses"), (296, "own_share"), (440, "same_step")):
            drawn = words[name].format(count=count, loss=loss, share=share, total=total, device=number + 1)
            drawing.box(left, y - 24, 198, 50, drawn)
        for start, end in ((115, 134), (187, 206), (250, 270), (323, 342), (394, 414)):
            drawing.arrow((middle, start), (middle, end))
    drawing.box(1, 208, WIDTH - 2, 40, words["count"].format(*counts, total), kind="shared")
    drawing.box(1, 344, WIDTH - 2, 48, words["average"].format(*shares, sum(shares) / 2), kind="shared")
    return drawing
