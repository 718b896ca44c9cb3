"""The stored answers beside the field where visitors ask the model: the package's, before and after adaptation."""

import json
from pathlib import Path

import yaml

ANSWERS = Path("book", "_ext", "try_it.json")
MODELS = {"before": "mini", "after": "mini-imdb"}


def write_answers(path: Path) -> None:
    """Let both models fill the masks of the examples, which stand in ``try_it.yml`` beside the file.

    Each candidate has its rank among the other model's probabilities, too.
    """
    import torch

    import mlmtutor as mt

    tokenizer = mt.load_tokenizer("mini")
    models = {side: mt.load_model(name) for side, name in MODELS.items()}

    def predict(text: str) -> dict[str, torch.Tensor]:
        """Return each model's probabilities, ``(num_masks, vocab_size)``."""
        inputs = tokenizer(text, return_tensors="pt")
        is_mask = inputs["input_ids"][0] == tokenizer.mask_token_id
        with torch.no_grad():
            return {side: model(**inputs).logits[0, is_mask].softmax(-1) for side, model in models.items()}

    def list_candidates(text: str) -> list[dict[str, list[dict]]]:
        shares = predict(text)
        others = dict(zip(MODELS, reversed(shares.values()), strict=True))
        filled = {
            side: mt.fill_masks(text, model=model, tokenizer=tokenizer)[0] for side, model in models.items()
        }
        return [
            {side: [_describe(one, others[side][mask]) for one in filled[side][mask]] for side in MODELS}
            for mask in range(len(shares["before"]))
        ]

    texts = yaml.safe_load(path.with_suffix(".yml").read_text("utf-8"))["examples"]
    lines = (f"{json.dumps(text)}: {json.dumps(list_candidates(text))}" for text in texts)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def _describe(candidate, others) -> dict:
    rank = 1 + int((others > others[candidate.token_id]).sum())
    return {
        "token": candidate.token,
        "probability": round(candidate.probability, 4),
        "otherRank": rank,
    }
