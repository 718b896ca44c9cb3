"""Pictures drawn with Pillow: the card that a shared page shows, and the icon of the site in pixels.

A card has the number and the title of its page; below, the chapters stand as tokens, its own masked. The card of the
landing page shows what the model guesses before and after adaptation instead.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from xml.etree import ElementTree

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 1200, 630, 80
BACKGROUND, YELLOW, WHITE, PALE = "#0b4f71", "#ffc857", "#ffffff", "#a9c6d6"
ICON = Path(__file__).parent / "static" / "favicon.svg"
HAN_FONTS = (  # files as systems have them, the boldest first
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Bold.otf",
    "NotoSansSC-Bold.otf",
    "SourceHanSansSC-Bold.otf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Medium.ttc",
    "msyhbd.ttc",
    "msyh.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
)


@cache
def find_han_font() -> tuple[str, int] | None:
    """Return file and index of a font with Chinese letters; None where this machine has none that is known here."""
    paths = {Path(path).name: path for path in font_manager.findSystemFonts()}
    path = next((paths[name] for name in HAN_FONTS if name in paths), None)
    return path and (path, _find_simplified(path))


def _find_simplified(path: str) -> int:
    """A file may hold a font for each region, with the same letters in other shapes."""
    for index in range(10):
        try:
            family = ImageFont.truetype(path, index=index).getname()[0]
        except OSError:
            return 0
        if family.endswith(" SC"):
            return index
    return 0


@lru_cache(maxsize=20)
def _font(size: int) -> ImageFont.FreeTypeFont:
    path, index = find_han_font() or (font_manager.findfont("DejaVu Sans:bold"), 0)
    return ImageFont.truetype(path, size, index=index)


def draw_card(title: str, *, kicker: str, number: int | None, num_chapters: int) -> Image.Image:
    """Draw the card of a chapter or an appendix.

    Args:
        title: Of the page, without its number.
        kicker: The line above, e.g. ``Chapter 4``.
        number: Of the chapter; None for an appendix.
        num_chapters: Tokens below.
    """
    card, draw = _new_card()
    size = next((size for size in (72, 60, 52) if len(_break(title, size)) * size <= 160), 40)
    _write(draw, MARGIN, 175, kicker, size=36, fill=YELLOW)
    draw.multiline_text(
        (MARGIN, 235), "\n".join(_break(title, size)), font=_font(size), fill=WHITE, spacing=18
    )
    step = (WIDTH - 2 * MARGIN) / num_chapters
    for chapter in range(1, num_chapters + 1):
        left, right = MARGIN + (chapter - 1) * step, MARGIN + chapter * step - 16
        box = (round(left), HEIGHT - 110, round(right), HEIGHT - 56)
        if chapter == number:
            _dash(draw, box, width=4, on=12, off=7)
        else:
            draw.rectangle(box, outline=PALE, width=2)
        draw.text(
            ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
            str(chapter), font=_font(26), fill=YELLOW if chapter == number else PALE, anchor="mm",
        )  # fmt: skip
    return card


def draw_guesses(titles: Sequence[str], sentence: str, guesses: dict[str, list[dict]]) -> Image.Image:
    """Draw the card of the landing page.

    Args:
        titles: Of the course, a line for each language.
        sentence: What the model was asked.
        guesses: What it answered, by the heading of a column: each a ``token`` with its ``probability``.
    """
    card, draw = _new_card()
    for line, text in enumerate(titles):
        _write(draw, MARGIN, 155 + 56 * line, text, size=42, fill=WHITE)
    _write(draw, MARGIN, 300, sentence, size=38, fill=YELLOW)
    width = (WIDTH - 2 * MARGIN) // len(guesses)
    for column, (heading, answers) in enumerate(guesses.items()):
        left = MARGIN + column * width
        _write(draw, left, 370, heading, size=28, fill=PALE)
        for row, answer in enumerate(answers):
            top = 425 + 54 * row
            share = answer["probability"]
            _write(draw, left, top, answer["token"], size=32, fill=WHITE)
            draw.rectangle((left + 130, top + 4, left + 134 + share * 560, top + 36), fill=YELLOW)
            _write(draw, left + 148 + share * 560, top + 4, f"{share:.0%}", size=26, fill=PALE)
    return card


def draw_icon(size: int) -> Image.Image:
    """Draw the rectangles of the icon of the site, of which browsers show the vectors, in pixels."""
    icon = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(icon)
    svg = ElementTree.parse(ICON).getroot()
    scale = size / float(svg.get("viewBox").split()[2])
    for rect in svg:
        x, y, width, height = (float(rect.get(key, 0)) * scale for key in ("x", "y", "width", "height"))
        box = (round(x), round(y), round(x + width) - 1, round(y + height) - 1)
        if rect.get("stroke"):
            on, off = (float(part) * scale for part in rect.get("stroke-dasharray").split())
            _dash(draw, box, width=round(float(rect.get("stroke-width")) * scale), on=on, off=off)
        else:
            draw.rectangle(box, fill=rect.get("fill"))  # systems round the corners themselves
    return icon


def save(picture: Image.Image, path: Path) -> None:
    """Write a small PNG: few colours are enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path)


def _new_card() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    card = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    card.paste(draw_icon(64), (MARGIN - 10, 56))
    draw = ImageDraw.Draw(card)
    _write(draw, MARGIN + 66, 66, "mlmtutor", size=36, fill=WHITE)
    return card, draw


def _write(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, *, size: int, fill: str) -> None:
    """Write a line at the same height in either font."""
    draw.text((x, y + size), text, font=_font(size), fill=fill, anchor="ls")


def _dash(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], *, width: int, on: float, off: float
) -> None:
    """Draw the dashed frame of a masked token."""
    left, top, right, bottom = box
    for start, end, horizontal in ((left, right, True), (top, bottom, False)):
        gaps = max(1, round((end - start - on) / (on + off)))  # a side begins and ends with a dash
        for at in (start + gap * (end - start - on) / gaps for gap in range(gaps + 1)):
            for edge in (top, bottom) if horizontal else (left, right):
                line = [(at, edge), (at + on, edge)] if horizontal else [(edge, at), (edge, at + on)]
                draw.line(line, fill=YELLOW, width=width)


def _break(title: str, size: int) -> list[str]:
    """Break a title into lines of about the same width, as few as there must be."""
    font, widest = _font(size), WIDTH - 2 * MARGIN
    is_chinese = re.search("[\u4e00-\u9fff]", title)
    # a word, or a Chinese clause; a mark at its end goes with it
    pieces = re.findall(r"[^，：]+[，：]?" if is_chinese else r"\S+\s*", title)
    if is_chinese and any(font.getlength(piece) > widest for piece in pieces):
        pieces = re.findall(r"(?:[ -~]+|.)[，：？、]?", title)

    def fill(width: float) -> list[str]:
        lines = [""]
        for piece in pieces:
            if lines[-1] and font.getlength((lines[-1] + piece).strip()) > width:
                lines.append("")
            lines[-1] += piece
        return [line.strip() for line in lines]

    fewest = len(fill(widest))
    narrow = next(width for width in range(200, widest + 20, 20) if len(fill(width)) <= fewest)
    return fill(min(narrow, widest))
