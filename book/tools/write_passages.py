"""The passages of the site's mask playground: chunks of real reviews, and the Chinese sentence of chapter 5."""

import json
from pathlib import Path

PASSAGES = Path("book", "_ext", "passages.json")
CHUNK_SIZE = 64  # tokens; half a chunk of the chapters, which fits on the screen of a phone
# first review, number of the chunk
CHUNKS = {"start": (15_126, 0), "meeting": (0, 139), "inside": (0, 1_645)}
NUM_REVIEWS = 400  # chunked from there; the last of the chunks above begins in the 362nd
CHINESE = ("小王子", "和", "公主", "三月", "出国", "。")  # as the segmenter of chapter 5 cuts it
KEEP_EVERY = 100  # of the entries that a random token is drawn from: the page need not carry all 30,517


def write_passages(path: Path) -> None:
    """Write the passages as the package tokenises, chunks and cuts them into words.

    The file has the ``special`` tokens, which are never hidden, the ``ordinary`` ones that a random token is drawn
    from, and for each passage its ``tokens``, its language, and ``word_starts`` where the tokens do not show them.
    """
    import mlmtutor as mt

    tokenizer = mt.load_tokenizer("mini")
    texts = mt.load_reviews("mini")["train"]["text"]

    def passage(row: dict, lang: str) -> dict:
        tokens = tokenizer.convert_ids_to_tokens(row["input_ids"])
        return {"lang": lang, "tokens": tokens, "word_starts": row.get("word_starts")}

    passages = {}
    for name, (first, number) in CHUNKS.items():
        chunks = mt.chunk_texts(texts[first : first + NUM_REVIEWS], tokenizer, chunk_size=CHUNK_SIZE)
        passages[name] = passage(chunks.dataset[number], "en")
    sentence = "".join(CHINESE)
    size = len(tokenizer(sentence).input_ids)
    chunks = mt.chunk_texts([sentence], tokenizer, chunk_size=size, segmenter=lambda text: CHINESE)
    passages["chinese"] = passage(chunks.dataset[0], "zh-CN")

    ordinary = mt.TokenTable.from_tokenizer(tokenizer).ordinary_ids[::KEEP_EVERY].tolist()
    content = {
        "special": tokenizer.all_special_tokens,
        "ordinary": tokenizer.convert_ids_to_tokens(ordinary),
        "passages": passages,
    }
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n", "utf-8"
    )
