"""The model that runs in the browser tokenises and predicts as the package does, and so do the stored answers."""

import json
from pathlib import Path

import numpy as np

import mlmtutor as mt
from book._ext.try_it import ANSWERS, SETTINGS
from book.tools.write_answers import MODELS, write_answers

SENTENCES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
TOP_K = 20

PREDICT = """async ([texts, wanted]) => {
    const { Model, readTensors } = await import("../../_static/fill-mask.js");
    const { Tokenizer } = await import("../../_static/wordpiece.js");
    const { makeFastMultiply } = await import("../../_static/multiply.js");
    const { files } = JSON.parse(document.querySelector(".try-it script").textContent);
    const fetched = await Promise.all(files.map(async ({ url }) => (await fetch(url)).arrayBuffer()));
    const { buffer, start, multiply } = makeFastMultiply(fetched[0].byteLength + fetched[1].byteLength + 8);
    let end = start;
    const [base, patch] = fetched.map((content) => {
        const begin = end;
        new Uint8Array(buffer, begin).set(new Uint8Array(content));
        end = Math.ceil((end + content.byteLength) / 8) * 8;
        return readTensors(buffer, begin);
    });
    const tokenizer = new Tokenizer(new TextDecoder().decode(base.vocabulary).split("\\n"));
    const models = { before: new Model(base, {}, multiply), after: new Model(base, patch, multiply) };
    return texts.map((text, number) => {
        const { ids } = tokenizer.encode(text);
        const places = [...ids.keys()].filter((place) => ids[place] === tokenizer.maskId);
        const found = { ids };
        for (const [side, model] of Object.entries(models)) {
            found[side] = model.predict(ids, places).map((shares, mask) => ({
                best: shares.indexOf(Math.max(...shares)),
                shares: wanted[side][number][mask].map((id) => shares[id]),
            }));
        }
        return found;
    });
}"""


MULTIPLY = """async () => {
    const { makeFastMultiply, multiply } = await import("../../_static/multiply.js");
    const fast = makeFastMultiply(1 << 21);
    let largest = 0;
    for (const [tokens, rows, columns] of [[1, 4, 8], [5, 7, 16], [9, 30000, 32], [200, 6, 1536]]) {
        const scale = new Float32Array(fast.buffer, fast.start, rows).map(() => Math.random() / 100);
        const values = new Int8Array(fast.buffer, fast.start + 4 * rows, rows * columns);
        new Float32Array(fast.buffer, fast.start, rows).set(scale);
        values.set(values.map(() => 255 * Math.random() - 128));
        const matrix = { values, scale: new Float32Array(fast.buffer, fast.start, rows), rows, columns };
        const x = new Float64Array(tokens * columns).map(() => Math.random() - 0.5);
        const [slow, quick] = [multiply(x, matrix), fast.multiply(x, matrix)];
        largest = Math.max(largest, ...slow.map((value, at) => Math.abs(value - quick[at])).subarray(0, 1e5));
    }
    return largest;
}"""


def test_multiplication_to_read_and_the_fast_one_agree(visit):
    assert 0 < visit("book/index.html").evaluate(MULTIPLY.replace("../../", "../")) < 1e-4


def test_probabilities_are_those_of_the_package(visit):
    tokenizer = mt.load_tokenizer("mini")
    expected = {}
    for side, name in MODELS.items():
        filled = mt.fill_masks(SENTENCES, model=mt.load_model(name), tokenizer=tokenizer, top_k=TOP_K)
        expected[side] = [
            [{one.token_id: one.probability for one in mask} for mask in text] for text in filled
        ]
    wanted = {side: [[list(mask) for mask in text] for text in texts] for side, texts in expected.items()}
    found = visit("book/en/01_fill_mask.html").evaluate(PREDICT, [SENTENCES, wanted])
    assert [one["ids"] for one in found] == tokenizer(SENTENCES).input_ids
    for side, texts in expected.items():
        pairs = [
            pair for text, one in zip(texts, found, strict=True) for pair in zip(text, one[side], strict=True)
        ]
        same = np.mean([mask["best"] == next(iter(truth)) for truth, mask in pairs])
        shares = [(list(truth.values()), mask["shares"]) for truth, mask in pairs]
        largest = max(np.abs(np.subtract(*pair)).max() for pair in shares)
        print(f"{side}: {same:.1%} of {len(pairs)} first candidates equal, largest difference {largest:.4f}")
        assert same >= 0.9 and largest <= 0.02, side


def test_stored_answers_are_those_of_the_package(tmp_path):
    (tmp_path / SETTINGS.name).write_bytes(SETTINGS.read_bytes())
    write_answers(tmp_path / ANSWERS.name)
    stored, made = (json.loads(path.read_text("utf-8")) for path in (ANSWERS, tmp_path / ANSWERS.name))
    assert stored.keys() == made.keys()
    for text, masks in made.items():
        for old, new in zip(stored[text], masks, strict=True):
            for side in MODELS:
                assert [one["token"] for one in old[side]] == [one["token"] for one in new[side]]
                shares = [[one["probability"] for one in answer[side]] for answer in (old, new)]
                np.testing.assert_allclose(*shares, atol=1e-3)
