"""The path of the course, and the inside of the model."""

from .canvas import WIDTH, Drawing, Span, centred

Words = dict[str, str]

STATIONS = ("texts", "tokens", "chunks", "masks", "model", "loss", "perplexity", "use")
PITCH = 74  # from one station to the next
HALF = 22  # half the height of what stands at a station
MIDDLE = 126  # of the pictures; their names stand to the right of them
NAMES = 268
SENTENCE = ["this", "is", "a", "great", "film"]
CHUNK, NUM_CELLS = 4, 14  # cells of a chunk and of the stream

# what chapter 1 prints for its sentence
TOKENS = ["[CLS]", "this", "is", "a", "great", "[MASK]", ".", "[SEP]"]
GUESSES = {"thing": 4.2, "job": 2.2, "place": 1.3}
MASK = 5  # where the mask stands


def draw_course(words: Words) -> Drawing:
    """Draw the stations from texts to their use, with the loop of training between loss and model."""
    drawing = Drawing((len(STATIONS) - 1) * PITCH + 2 * HALF + 4)
    at = {name: HALF + 2 + number * PITCH for number, name in enumerate(STATIONS)}
    for number, name in enumerate(STATIONS):
        drawing.text(NAMES, at[name] - 10, words[name], align="left", kind="strong")
        drawing.text(NAMES, at[name] + 10, words[f"{name}_where"], align="left", kind="note")
        if number:
            drawing.arrow((MIDDLE, at[name] - PITCH + HALF + 3), (MIDDLE, at[name] - HALF - 3))
    for x in (46, 106, 166):
        drawing.rect(x, at["texts"] - HALF, 40, 2 * HALF)
        for line, end in enumerate((32, 32, 32, 20)):
            y = at["texts"] - 13 + 9 * line
            drawing.line((x + 8, y), (x + end, y))
    _draw_sentence(drawing, at["tokens"], SENTENCE, {})
    _draw_chunks(drawing, at["chunks"])
    _draw_sentence(drawing, at["masks"], [*SENTENCE[:-1], "[MASK]"], {4: "mask"})
    for name in ("model", "loss", "perplexity", "use"):
        drawing.box(46, at[name] - HALF, 160, 2 * HALF, words[f"{name}_box"])
    drawing.text(MIDDLE + 12, at["model"] + PITCH / 2, words["guess"], align="left", kind="note")
    drawing.text(MIDDLE + 12, at["loss"] + PITCH / 2, words["mean"], align="left", kind="note")
    drawing.arrow(
        (44, at["loss"]), (12, at["loss"]), (12, at["model"]), (44, at["model"]), kind="strong-line"
    )
    drawing.text(18, at["model"] + PITCH / 2, words["training"], align="left", kind="note")
    return drawing


def _draw_sentence(drawing: Drawing, y: float, row: list[str], kinds: dict[int, str]) -> None:
    drawing.tokens(centred(row, width=2 * MIDDLE), y - 14, row, kinds=kinds)


def _draw_chunks(drawing: Drawing, y: float) -> None:
    """Draw the stream of tokens as cells, cut into chunks, and what is left over."""
    x = MIDDLE - (NUM_CELLS * 16 + 3 * 8) / 2
    for cell in range(NUM_CELLS):
        x += 8 if cell and cell % CHUNK == 0 else 0
        kind = "thing" if cell < NUM_CELLS // CHUNK * CHUNK else "dropped"
        drawing.rect(x, y - 12, 16, 24, kind=kind, corner=0)
        x += 16


def draw_encoder_and_head(words: Words) -> Drawing:
    """Draw a sentence on its way through embedding, attention and head to its probabilities."""
    drawing = Drawing(500)
    columns = drawing.tokens(centred(TOKENS), 0, TOKENS, kinds={MASK: "mask"})
    drawing.rect(1, 48, WIDTH - 2, 256, kind="frame")
    drawing.text(12, 64, words["encoder"], align="left", kind="strong")
    drawing.box(10, 80, 400, 30, words["embedding"])
    drawing.rect(10, 154, 400, 100)
    drawing.text(WIDTH / 2, 170, words["layers"])
    drawing.box(10, 328, 400, 50, words["head"])
    for number, column in enumerate(columns):
        kind = "mask" if number == MASK else "thing"
        drawing.arrow((column.middle, 31), (column.middle, 46))
        _draw_vector(drawing, column, 118, kind)
        _draw_vector(drawing, column, 262, kind)
        drawing.arrow((column.middle, 293), (column.middle, 326))
        for other in columns:
            drawing.line((column.middle, 186), (other.middle, 246), kind="faint")
    for column in columns:
        drawing.line((column.middle, 186), (columns[MASK].middle, 246), kind="strong-line")
    drawing.arrow((columns[MASK].middle, 381), (columns[MASK].middle, 410), kind="strong-line")
    drawing.text(columns[MASK].middle - 12, 394, words["softmax"], align="right", kind="note")
    _draw_guesses(drawing, words)
    return drawing


def _draw_vector(drawing: Drawing, column: Span, y: float, kind: str) -> None:
    for number in range(4):
        drawing.rect(column.middle - 5, y + 7 * number, 10, 7, kind=kind, corner=0)


def _draw_guesses(drawing: Drawing, words: Words) -> None:
    for number, (token, percent) in enumerate(GUESSES.items()):
        y = 426 + 22 * number
        drawing.text(226, y, token, align="right", kind="mono")
        bar = drawing.rect(234, y - 7, 26 * percent, 14, kind="bar", corner=0)
        drawing.text(bar.right + 8, y, words["percent"].format(percent), align="left")
    drawing.text(234, 426 + 22 * len(GUESSES) - 4, "…", align="left", kind="note")
