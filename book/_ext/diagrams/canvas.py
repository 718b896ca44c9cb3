"""What all diagrams are drawn with: one width, one size of letters, few shapes.

A drawing is as wide as a narrow phone allows: at 360 pixels its letters are 11 pixels high, and on a wide page it is
shown hardly larger than the text around it. Colours are classes, which ``static/diagrams.css`` sets for both themes.
"""

import unicodedata
from dataclasses import dataclass
from html import escape

WIDTH = 420
LINE = 19  # from one line of a text to the next
TOKEN_HEIGHT = 28
TOKEN_PADDING = 7  # left and right of the letters of a token
LETTER = 9.05  # width of a letter of a token; a Chinese character has the width of two
HEAD = 7  # length of the head of an arrow
ALIGN = {"left": "start", "middle": "middle", "right": "end"}


@dataclass(frozen=True)
class Span:
    """Where a shape lies from left to right."""

    left: float
    width: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def right(self) -> float:
        return self.left + self.width


def token_width(text: str) -> float:
    """Return the width of the frame of a token."""
    letters = sum(1.7 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return round(letters * LETTER + 2 * TOKEN_PADDING, 1)


class Drawing:
    """Shapes and words, in the order in which they were drawn; ``height`` is that of the finished picture."""

    def __init__(self, height: float) -> None:
        self.height = height
        self._parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, *, kind: str = "thing", corner: float = 4
    ) -> Span:
        """Draw a rectangle without words."""
        self._parts.append(
            f'<rect class="d-{kind}" x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}" '
            f'rx="{corner:g}" fill="none" stroke="currentColor"/>'
        )
        return Span(x, width)

    def box(
        self, x: float, y: float, width: float, height: float, words: str, *, kind: str = "thing"
    ) -> Span:
        """Draw a rectangle with words in its middle."""
        self.rect(x, y, width, height, kind=kind)
        self.text(x + width / 2, y + height / 2, words)
        return Span(x, width)

    def text(self, x: float, y: float, words: str, *, align: str = "middle", kind: str = "") -> None:
        """Write words, one line for each of theirs, around the height ``y``."""
        lines = words.split("\n")
        top = y - (len(lines) - 1) * LINE / 2 + 5.2
        spans = "".join(
            f'<tspan x="{x:g}" y="{top + number * LINE:g}">{escape(line)}</tspan>'
            for number, line in enumerate(lines)
        )
        kinds = f' class="d-{kind}"' if kind else ""
        self._parts.append(f'<text{kinds} text-anchor="{ALIGN[align]}" fill="currentColor">{spans}</text>')

    def token(self, x: float, y: float, text: str, *, kind: str = "token") -> Span:
        """Draw one token in its frame."""
        span = self.rect(x, y, token_width(text), TOKEN_HEIGHT, kind=kind)
        self.text(span.middle, y + TOKEN_HEIGHT / 2, text, kind="mono")
        return span

    def tokens(
        self, x: float, y: float, row: list[str], *, kinds: dict[int, str] | None = None, gap: float = 4
    ) -> list[Span]:
        """Draw a row of tokens from left to right; ``kinds`` has those that are not ordinary."""
        spans = []
        for number, text in enumerate(row):
            spans.append(self.token(x, y, text, kind=(kinds or {}).get(number, "token")))
            x = spans[-1].right + gap
        return spans

    def line(self, *points: tuple[float, float], kind: str = "line") -> None:
        """Draw a line through some points."""
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._parts.append(f'<polyline class="d-{kind}" points="{path}" fill="none" stroke="currentColor"/>')

    def arrow(self, *points: tuple[float, float], kind: str = "line") -> None:
        """Draw a line along the axes that ends in a head."""
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        foot = (x - dx * HEAD, y - dy * HEAD)
        self.line(*points[:-1], foot, kind=kind)
        wings = [(foot[0] + side * dy * HEAD / 2, foot[1] + side * dx * HEAD / 2) for side in (1, -1)]
        path = " ".join(f"{a:g},{b:g}" for a, b in [(x, y), *wings])
        self._parts.append(f'<polygon class="d-{kind}-head" points="{path}" fill="currentColor"/>')

    def bracket(self, left: float, right: float, y: float, *, drop: float = 6, kind: str = "line") -> None:
        """Draw a line below what lies between two places, with a short stroke upwards at either end."""
        self.line((left, y - drop), (left, y), (right, y), (right, y - drop), kind=kind)

    def to_svg(self, *, name: str, title: str, text: str) -> str:
        """Return the picture with its name and with a text for readers who do not see it."""
        label = f"diagram-{name}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {self.height:g}" '
            f'aria-labelledby="{label}-title {label}-text">'
            f'<title id="{label}-title">{escape(title)}</title><desc id="{label}-text">{escape(text)}</desc>'
            f"{''.join(self._parts)}</svg>"
        )


def centred(row: list[str], *, gap: float = 4, width: float = WIDTH) -> float:
    """Return where a row of tokens begins that lies in the middle of a width."""
    return (width - sum(map(token_width, row)) - gap * (len(row) - 1)) / 2
