"""New words in a vocabulary: one token for what was cut into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def add_words(
    words: Sequence[str], *, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> dict[str, list[str]]:
    """Make whole words of the vocabulary that were cut into pieces before.

    Each gets the mean of its pieces as its vector, in the input and in the output layer, so that it begins near what the
    model knows. Model and tokenizer are changed; the new vectors still have to be trained.

    Args:
        words: The words. Those that are a single token already are left as they are.
        model: A model with a masked-LM head.
        tokenizer: Its fast tokenizer.

    Returns:
        The pieces that each added word was cut into.

    Raises:
        ValueError: If a word is empty, has a space inside, or is given instead of a list of words.

    Example:
        >>> from mlmtutor.testing import tiny_model, tiny_tokenizer
        >>> model, tokenizer = tiny_model(), tiny_tokenizer()
        >>> add_words(["films", "film"], model=model, tokenizer=tokenizer)
        {'films': ['film', '##s']}
        >>> tokenizer.tokenize("the films")
        ['the', 'films']

    Source: chapter 11_your_domain.
    """
    import torch
    from tokenizers import AddedToken

    if isinstance(words, str):
        raise ValueError(f"expected a list of words, found the one string {words!r:.40}")
    for word in words:
        if word.split() != [word]:
            raise ValueError(f"expected words without spaces, found {word!r:.40}")
    pieces = {word: tokenizer.tokenize(word) for word in words}
    pieces = {word: found for word, found in pieces.items() if len(found) > 1}
    piece_ids = {word: tokenizer.convert_tokens_to_ids(found) for word, found in pieces.items()}
    # as whole words only: a "gore" added plainly would be cut out of "categorey" as well
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=True) for word in pieces])
    if len(tokenizer) > model.config.vocab_size:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for word, ids in piece_ids.items():
            new = tokenizer.convert_tokens_to_ids(word)
            for layer in layers:  # which share their weights in most models
                layer.weight[new] = layer.weight[ids].mean(0)
                if getattr(layer, "bias", None) is not None:
                    layer.bias[new] = layer.bias[ids].mean()
    return pieces
