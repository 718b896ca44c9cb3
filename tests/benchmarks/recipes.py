"""The peers, from their public descriptions: the original notebook's recipe and that of run_mlm."""

import collections
import functools
import itertools

import numpy as np

CHUNK_SIZE = 128


def tokenise_as_the_original(dataset, tokenizer):
    def tokenise(samples):
        result = tokenizer(samples["text"], verbose=False)
        result["word_ids"] = [result.word_ids(i) for i in range(len(result["input_ids"]))]
        return result

    return dataset.map(tokenise, batched=True, remove_columns=dataset.column_names)


def chunk_as_the_original(tokenised):
    return tokenised.map(functools.partial(_group, join=_add_up), batched=True)


def tokenise_as_run_mlm(dataset, tokenizer):
    def tokenise(samples):
        return tokenizer(samples["text"], return_special_tokens_mask=True, verbose=False)

    return dataset.map(tokenise, batched=True, remove_columns=dataset.column_names)


def chunk_as_run_mlm(tokenised):
    return tokenised.map(
        functools.partial(_group, join=lambda lists: list(itertools.chain(*lists))), batched=True
    )


def _add_up(lists):
    return sum(lists, [])  # noqa: RUF017, quadratic, as in the recipe


def _group(samples, *, join):
    joined = {name: join(samples[name]) for name in samples}
    end = len(joined["input_ids"]) // CHUNK_SIZE * CHUNK_SIZE
    chunks = {
        name: [values[i : i + CHUNK_SIZE] for i in range(0, end, CHUNK_SIZE)]
        for name, values in joined.items()
    }
    return chunks | {"labels": chunks["input_ids"].copy()}


class OriginalWordCollator:
    """The original notebook's whole-word collator, which changes the rows that it is given."""

    def __init__(self, tokenizer, *, mask_prob=0.2):
        self.mask_id, self.mask_prob = tokenizer.mask_token_id, mask_prob

    def __call__(self, features):
        from transformers import default_data_collator

        for feature in features:
            mapping = collections.defaultdict(list)
            current_index, current_word = -1, None
            for position, word in enumerate(feature.pop("word_ids")):
                if word is not None:
                    if word != current_word:
                        current_word = word
                        current_index += 1
                    mapping[current_index].append(position)
            mask = np.random.binomial(1, self.mask_prob, (len(mapping),))
            labels = [-100] * len(feature["labels"])
            for word in np.where(mask)[0]:
                for position in mapping[word.item()]:
                    labels[position] = feature["labels"][position]
                    feature["input_ids"][position] = self.mask_id
            feature["labels"] = labels
        return default_data_collator(features)
