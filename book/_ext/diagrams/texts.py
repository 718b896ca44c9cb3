"""Texts cut into chunks, divided between training and test, and read as words."""

from itertools import groupby

from mlmtutor.texts.chunking import split_into_chunks

from .canvas import WIDTH, Drawing, centred
from .course import Words

LENGTHS = {"A": 363, "B": 304, "C": 133}  # tokens of the three reviews that chapter 3 cuts by hand
KINDS = {"A": "shade", "B": "plain", "C": "green"}
CHUNK_SIZE = 128
SCALE = 0.48  # units of the drawing for a token

# chunks of six reviews: t to train on, e to test on, the others are not used
DEALT_OUT = {1: "t.t.", 2: ".e.", 3: "t.e", 4: "t.", 5: ".t.t", 6: "..e"}
SPLIT_FIRST = ({1: "t.t.", 2: "t..", 4: "t.", 5: ".t.t"}, {3: "e.e", 6: ".e."})
CELL, GAP = 22, 4

ENGLISH = "It's unwatchable."
ENGLISH_TOKENS = ["it", "'", "s", "un", "##watch", "##able", "."]
CHINESE_WORDS = ["小王子", "和", "公主", "三月", "出国", "。"]


def draw_chunking(words: Words) -> Drawing:
    """Draw three reviews, the stream that they are joined to, and the chunks that it is cut into."""
    drawing = Drawing(268)
    owners = [name for name, length in LENGTHS.items() for _ in range(length)]
    chunks = split_into_chunks(owners, chunk_size=CHUNK_SIZE)
    gap = (WIDTH - SCALE * len(owners)) / 2 - 1
    drawing.text(1, 9, words["reviews"], align="left", kind="strong")
    drawing.text(1, 81, words["joined"].format(len(owners)), align="left", kind="strong")
    drawing.text(1, 157, words["cut"].format(CHUNK_SIZE), align="left", kind="strong")
    x = joined = 1.0
    for name, length in LENGTHS.items():
        drawing.box(x, 24, SCALE * length, 30, f"{name}: {length}", kind=KINDS[name])
        drawing.rect(joined, 96, SCALE * length, 30, kind=KINDS[name], corner=0)
        drawing.text(joined + 0.25 * SCALE * length, 111, name)
        x, joined = x + SCALE * length + gap, joined + SCALE * length
    borders = []
    for number, chunk in enumerate(chunks):
        cut = 1 + SCALE * CHUNK_SIZE * (number + 1)
        drawing.line((cut, 90), (cut, 132), kind="strong-line")
        x = 1 + number * (SCALE * CHUNK_SIZE + 4)
        for name, part in groupby(chunk):
            span = drawing.rect(x, 172, SCALE * len(list(part)), 30, kind=KINDS[name], corner=0)
            x = span.right
            borders += [span.left] if name != chunk[0] else []
        drawing.text(x - SCALE * CHUNK_SIZE / 2, 187, str(number + 1))
    remainder = len(owners) - CHUNK_SIZE * len(chunks)
    drawing.rect(x + 8, 172, SCALE * remainder, 30, kind="dropped", corner=0)
    drawing.text(WIDTH - 1, 258, words["dropped"].format(remainder), align="right", kind="note")
    end = x + 8 + SCALE * remainder / 2
    drawing.arrow((end, 246), (end, 205))
    for border in borders:
        drawing.arrow((border, 218), (border, 205))
    drawing.line((borders[0], 218), (borders[-1], 218))
    drawing.text((borders[0] + borders[-1]) / 2, 232, words["border"], kind="note")
    return drawing


def draw_held_out(words: Words) -> Drawing:
    """Draw the chunks of six reviews, dealt out after cutting and split before it."""
    drawing = Drawing(322)
    for x, name in ((1, "chunks_first"), (221, "reviews_first")):
        drawing.text(x, 19, words[name], align="left", kind="strong")
    for number, review in DEALT_OUT.items():
        y = 18 + number * 34
        if {"t", "e"} <= set(review):
            frame = drawing.rect(15, y - 6, len(review) * (CELL + GAP) + 8, CELL + 12, kind="warning")
            drawing.text(frame.right + 6, y + CELL / 2, words["both"], align="left", kind="note")
        _draw_review(drawing, 1, y, number, review)
    y = 52
    for side, label in zip(SPLIT_FIRST, ("side_train", "side_test"), strict=True):
        top = y
        for number, review in side.items():
            _draw_review(drawing, 221, y, number, review)
            y += 34
        drawing.text(WIDTH - 1, (top + y - 34 + CELL) / 2, words[label], align="right", kind="note")
        if side is not SPLIT_FIRST[-1]:
            drawing.line((221, y - 6), (WIDTH, y - 6), kind="strong-line")
    for x, kind, label in ((1, "thing", "train"), (120, "mask", "test"), (221, "dropped", "unused")):
        drawing.rect(x, 292, CELL, CELL, kind=kind)
        drawing.text(x + CELL + 8, 292 + CELL / 2, words[label], align="left", kind="note")
    return drawing


def _draw_review(drawing: Drawing, x: float, y: float, number: int, review: str) -> None:
    drawing.text(x + 4, y + CELL / 2, str(number), kind="note")
    x += 20
    for place, use in enumerate(review):
        kind = {"t": "thing", "e": "mask", ".": "dropped"}[use]
        drawing.rect(x + place * (CELL + GAP), y, CELL, CELL, kind=kind)


def starts_by_prefix(tokens: list[str]) -> list[bool]:
    """Say for each token whether a word begins there: where it has no ``##``."""
    return [not token.startswith("##") for token in tokens]


def starts_by_touch(tokens: list[str], text: str) -> list[bool]:
    """Say for each token whether a word begins there: where the text has a space before it, or begins."""
    starts, end = [], 0
    for token in tokens:
        begin = text.lower().index(token.removeprefix("##"), end)
        starts.append(begin != end or begin == 0)
        end = begin + len(token.removeprefix("##"))
    return starts


def draw_word_groups(words: Words) -> Drawing:
    """Draw what each rule takes for a word, in an English sentence and in a Chinese one."""
    chinese = "".join(CHINESE_WORDS)
    by_segmenter = [letter == 0 for word in CHINESE_WORDS for letter in range(len(word))]
    drawing = Drawing(358)
    rules = {
        "prefix": starts_by_prefix(ENGLISH_TOKENS),
        "touch": starts_by_touch(ENGLISH_TOKENS, ENGLISH),
    }
    _draw_rules(drawing, 9, ENGLISH, ENGLISH_TOKENS, rules, words)
    rules = {
        "prefix": starts_by_prefix(list(chinese)),
        "touch": starts_by_touch(list(chinese), chinese),
        "segmenter": by_segmenter,
    }
    _draw_rules(drawing, 168, chinese, list(chinese), rules, words)
    return drawing


def _draw_rules(
    drawing: Drawing, y: float, text: str, tokens: list[str], rules: dict[str, list[bool]], words: Words
) -> None:
    drawing.text(WIDTH / 2, y, text, kind="strong")
    spans = drawing.tokens(centred(tokens), y + 18, tokens)
    for row, (rule, starts) in enumerate(rules.items()):
        line = y + 64 + 44 * row
        firsts = [number for number, start in enumerate(starts) if start]
        lasts = [number - 1 for number in firsts[1:]] + [len(tokens) - 1]
        for first, last in zip(firsts, lasts, strict=True):
            drawing.bracket(spans[first].left + 1, spans[last].right - 1, line, kind="strong-line")
        drawing.text(WIDTH / 2, line + 15, words[rule].format(len(firsts)), kind="note")
