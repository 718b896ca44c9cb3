"""Perplexity: weights, frozen masks, intervals, comparisons."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

from mlmtutor.masks.frozen import freeze_masks
from mlmtutor.masks.masking import MaskingSettings
from mlmtutor.model.masked_lm import IGNORED
from mlmtutor.scores.bootstrap import bootstrap_means
from mlmtutor.scores.perplexity import Evaluation, compare, evaluate, spread_over_draws
from mlmtutor.testing import tiny_tokenizer


def make_model(seed=0, **changes):
    torch.manual_seed(seed)
    sizes = {"vocab_size": 18, "hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 16}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.5}
    config = BertConfig(**sizes | layers | changes)
    return BertForMaskedLM(config).eval()


def make_masks(num_chunks=30, chunk_size=12, seed=0, num_draws=1, **settings):
    ids = np.random.default_rng(seed).integers(5, 18, size=(num_chunks, chunk_size))
    dataset = Dataset.from_dict(
        {"input_ids": ids.tolist(), "text_index": [i // 3 for i in range(num_chunks)]}
    )
    settings = MaskingSettings(**{"unit": "token", "mask_prob": 0.3} | settings)
    return freeze_masks(
        dataset, tokenizer=tiny_tokenizer(), settings=settings, seed=seed, num_draws=num_draws
    )


def make_evaluation(loss_sum, num_masked, sha256="a"):
    """One text for each chunk, whose masked tokens all have the same loss."""
    num_masked = np.asarray(num_masked)
    means = np.divide(loss_sum, num_masked, out=np.zeros(len(num_masked)), where=num_masked > 0)
    chunk_index = np.repeat(np.arange(len(num_masked)), num_masked)
    return Evaluation(
        losses=np.repeat(means, num_masked),
        is_correct=np.zeros(num_masked.sum(), dtype=bool),
        kinds=np.ones(num_masked.sum(), dtype=np.int8),
        chunk_index=chunk_index,
        text_index=chunk_index,
        num_chunks=len(num_masked),
        sha256=sha256,
    )


def test_perplexity_weights_batches_by_masked_tokens():
    result = make_evaluation([2.0 * 10, 4.0 * 40], [10, 40])
    assert result.perplexity == pytest.approx(36.6, abs=0.01)
    assert math.exp((2.0 + 4.0) / 2) == pytest.approx(20.1, abs=0.02)  # the mistake


def test_evaluation_agrees_with_the_dense_model_computed_by_hand():
    model, masks = make_model(), make_masks(num_chunks=8)
    result = evaluate(model, masks)
    labels = torch.from_numpy(masks.labels.astype(np.int64))
    with torch.no_grad():
        output = model(input_ids=torch.from_numpy(masks.input_ids.astype(np.int64)), labels=labels)
    assert result.loss == pytest.approx(output.loss.item(), rel=1e-6)
    hits = (output.logits.argmax(-1) == labels) & (labels != IGNORED)
    assert result.is_correct.tolist() == hits[labels != IGNORED].tolist()
    assert result.num_masked.tolist() == (labels != IGNORED).sum(dim=1).tolist()
    assert result.accuracy == hits.sum().item() / result.count


def test_result_does_not_depend_on_the_batch_size():
    model, masks = make_model(), make_masks()
    results = [evaluate(model, masks, batch_size=size) for size in (1, 7, 64)]
    for result in results[1:]:
        np.testing.assert_allclose(result.loss_sum, results[0].loss_sum, rtol=1e-5)
        assert result.num_masked.tolist() == results[0].num_masked.tolist()
        assert result.is_correct.tolist() == results[0].is_correct.tolist()


def test_two_evaluations_of_one_model_are_equal_and_leave_it_as_it_was():
    model, masks = make_model(), make_masks()
    model.train()
    first, second = evaluate(model, masks), evaluate(model, masks)
    assert first.loss == second.loss  # dropout was off, and the masks are the same
    assert model.training
    ids = torch.tensor([[2, 5, 8, 3]])
    assert model(ids).logits.shape == (1, 4, 18)  # all positions again


def test_kinds_add_up_to_the_whole():
    result = evaluate(make_model(), make_masks(num_chunks=100, mask_prob=0.5))
    assert list(result.by_kind) == ["mask", "random", "kept"]
    assert sum(count for _, count in result.by_kind.values()) == result.count
    assert sum(total for total, _ in result.by_kind.values()) == pytest.approx(result.loss_sum.sum())
    assert result.by_kind["mask"][1] > result.by_kind["random"][1] > 0


def test_chunks_without_a_masked_token_count_nothing():
    masks = make_masks(num_chunks=4)
    labels = masks.labels.copy()
    labels[1:3] = IGNORED
    result = evaluate(make_model(), replace(masks, labels=labels), batch_size=1)
    assert result.loss_sum[1:3].tolist() == [0, 0] and result.num_masked[1:3].tolist() == [0, 0]
    assert math.isfinite(result.loss)


def test_padding_does_not_change_the_result():
    model, masks = make_model(), make_masks(num_chunks=6, chunk_size=8)
    pad = ((0, 0), (0, 4))
    padded = replace(
        masks,
        input_ids=np.pad(masks.input_ids, pad, constant_values=masks.pad_id),
        labels=np.pad(masks.labels, pad, constant_values=IGNORED),
    )
    np.testing.assert_allclose(evaluate(model, padded).loss_sum, evaluate(model, masks).loss_sum, rtol=1e-5)


def test_no_logits_are_kept_and_only_those_of_masked_tokens_are_made():
    model, masks = make_model(), make_masks()
    shapes = []
    model.cls.register_forward_hook(lambda module, inputs, logits: shapes.append(tuple(logits.shape)))
    result = evaluate(model, masks, batch_size=10)
    masked = [int((masks.labels[start : start + 10] != IGNORED).sum()) for start in (0, 10, 20)]
    assert shapes == [(count, 18) for count in masked]
    assert all(a.size <= result.count for a in vars(result).values() if isinstance(a, np.ndarray))


def test_nothing_masked_is_an_error_not_nan():
    masks = make_masks()
    with pytest.raises(ValueError, match="at least one masked token, found none in 360 tokens"):
        evaluate(make_model(), replace(masks, labels=np.full_like(masks.labels, IGNORED)))


def test_unmasked_text_is_refused():
    masks = make_masks()
    ids = np.where(masks.labels == IGNORED, masks.input_ids, masks.labels)
    with pytest.raises(ValueError, match="in plain sight"):
        evaluate(make_model(), replace(masks, input_ids=ids, labels=ids))


def test_a_data_set_in_place_of_frozen_masks_is_refused():
    with pytest.raises(TypeError, match="expected FrozenMasks, found Dataset"):
        evaluate(make_model(), Dataset.from_dict({"input_ids": [[5, 6]]}))


def test_a_causal_model_is_refused():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=18, n_embd=8, n_layer=1, n_head=2))
    with pytest.raises(ValueError, match="found GPT2LMHeadModel: a causal model"):
        evaluate(model, make_masks())


def test_chunks_that_the_model_cannot_read_are_refused():
    with pytest.raises(ValueError, match="at most 16 tokens for this model, found 20"):
        evaluate(make_model(), make_masks(chunk_size=20))
    with pytest.raises(ValueError, match="below the model's 10, found 17"):
        evaluate(make_model(vocab_size=10), make_masks())


def test_weights_that_are_not_finite_are_an_error_and_so_are_losses():
    model = make_model()
    model.cls.predictions.bias.data[0] = math.nan
    with pytest.raises(ValueError, match="weights are not finite, found such in 'cls.predictions.bias'"):
        evaluate(model, make_masks())
    model.cls.predictions.bias.data[:] = torch.tensor(
        [3e38, -3e38] * 9
    )  # finite, but their differences are not
    with pytest.raises(ValueError, match="expected finite losses, found .* others: diverged?"):
        evaluate(model, make_masks())


@pytest.mark.parametrize("loss", [709.0, 710.0, 1e6, 1e300])
def test_losses_beyond_what_a_float_can_raise_e_to_give_an_infinite_perplexity(loss):
    """A model trained at far too high a rate: the loss is finite, e to its power is not."""
    count = np.full(20, 10)
    fair, far = make_evaluation(3.0 * count, count), make_evaluation(loss * count, count)
    infinite = loss > 709.5
    assert math.isinf(far.perplexity) == infinite and far.loss == pytest.approx(loss)
    assert [math.isinf(end) for end in far.interval()] == [infinite] * 2
    assert math.isinf(compare(fair, far).ratio) == (loss > 713) and compare(far, fair).ratio < 1e-300
    for printed in (repr(far), str(compare(fair, far)), str(compare(far, fair)), json.dumps(far.to_dict())):
        assert "nan" not in printed.lower()
    assert ("perplexity inf" in repr(far)) == infinite


def test_bootstrap_spread_is_that_of_the_mean():
    # 400 texts of 10 tokens, losses with standard deviation 1 between texts: the mean has 1 / 20 = 0.05
    means = np.random.default_rng(0).normal(3.0, 1.0, size=400)
    result = make_evaluation(means * 10, np.full(400, 10))
    samples = bootstrap_means(result.losses[None], groups=result.text_index)  # 1,000 of them
    expected = means.std() / 20
    assert samples.std() == pytest.approx(expected, rel=5 / math.sqrt(2 * 1000))  # 5 sigma
    low, high = result.interval()
    assert low < result.perplexity < high
    assert math.log(high / low) == pytest.approx(2 * 1.96 * expected, rel=0.15)


def test_interval_is_the_same_each_time_and_draws_whole_texts():
    loss, count = np.tile([20.0, 40.0], 10), np.full(20, 10)
    apart = make_evaluation(loss, count)
    assert apart.interval() == apart.interval()
    # two chunks of one text move together: no text differs from another, so nothing varies
    together = replace(apart, text_index=apart.chunk_index // 2)
    assert together.interval() == pytest.approx((together.perplexity, together.perplexity))


def test_interval_of_one_text_is_an_error():
    with pytest.raises(ValueError, match="at least 2 texts with masked tokens for an interval, found 1"):
        make_evaluation([20.0, 0.0], [10, 0]).interval()


def test_comparison_is_paired():
    # texts differ by far more than the models do, but the second model is better on every one
    generator = np.random.default_rng(0)
    hard, count = generator.normal(4.0, 1.0, size=50), np.full(50, 20)
    before = make_evaluation(hard * count, count)
    after = make_evaluation((hard - 0.1 + generator.normal(0, 0.02, size=50)) * count, count)
    result = compare(before, after)
    assert result.ratio == pytest.approx(after.perplexity / before.perplexity)
    assert result.low < result.ratio < result.high < 1
    assert after.interval()[1] > before.interval()[0]  # unpaired, the two would overlap
    assert f"{before.perplexity:.2f} -> {after.perplexity:.2f}" in str(result)


def test_perplexities_of_different_masks_are_not_compared():
    model = make_model()
    words, tokens = make_masks(unit="word", mask_prob=0.2), make_masks(unit="token", mask_prob=0.15)
    with pytest.raises(ValueError, match="expected two evaluations on the same masks"):
        compare(evaluate(model, words), evaluate(model, tokens))


def test_dictionary_survives_json_and_holds_the_digest():
    masks = make_masks()
    result = evaluate(make_model(), masks)
    report = json.loads(json.dumps(result.to_dict()))
    assert report["masks_sha256"] == masks.sha256
    assert report["perplexity"] == result.perplexity
    assert (report["num_chunks"], report["num_texts"], report["num_masked"]) == (30, 10, result.count)
    assert report["interval_95"][0] < result.perplexity < report["interval_95"][1]
    assert make_evaluation([20.0], [10]).to_dict()["interval_95"] is None


def test_expected_tokens_equal_the_dense_model_computed_by_hand():
    model, masks = make_model(), make_masks()
    labels = torch.from_numpy(masks.labels.astype(np.int64))
    with torch.no_grad():
        logits = model(torch.from_numpy(masks.input_ids.astype(np.int64))).logits
    probabilities = logits[labels != IGNORED].softmax(-1)
    true = probabilities.gather(1, labels[labels != IGNORED][:, None])[:, 0]
    for batch_size in (1, 64):
        result = evaluate(model, masks, batch_size=batch_size, keep_expected=True)
        np.testing.assert_allclose(result.expected, probabilities.mean(0), atol=1e-6)
        np.testing.assert_allclose(result.losses, -true.log(), atol=1e-5)
    assert result.expected.sum() == pytest.approx(1)
    assert evaluate(model, masks).expected is None


def test_draws_of_an_evaluation_are_those_of_the_masks_and_pool_to_the_whole():
    model, masks = make_model(), make_masks(num_draws=3)
    result = evaluate(model, masks)
    draws = result.draws()
    assert (result.num_draws, len(draws), {draw.num_chunks for draw in draws}) == (3, 3, {30})
    alone = evaluate(model, make_masks())  # the first of three draws is the only one of one
    np.testing.assert_allclose(draws[0].losses, alone.losses, rtol=1e-5)
    assert draws[0].chunk_index.tolist() == alone.chunk_index.tolist()
    assert sum(draw.count for draw in draws) == result.count
    assert sum(draw.losses.sum() for draw in draws) / result.count == pytest.approx(result.loss)
    assert draws[1].text_index.max() == result.text_index.max()


def test_two_models_are_compared_draw_by_draw_and_never_across_draws():
    masks = make_masks(num_chunks=120, num_draws=2)
    before, after = (evaluate(make_model(seed), masks).draws() for seed in (0, 1))
    assert compare(before[1], after[1]).ratio == pytest.approx(after[1].perplexity / before[1].perplexity)
    with pytest.raises(ValueError, match="expected two evaluations on the same masks"):
        compare(before[0], after[1])


def make_draws(noise, *, num_draws, num_chunks, seed=0, level=3.0):
    """Chunks of ten masked tokens whose loss varies by so much from draw to draw and by as much between chunks."""
    generator = np.random.default_rng(seed)
    hard = generator.normal(level, 1.0, size=num_chunks)
    means = np.tile(hard, num_draws) + generator.normal(0, noise, size=num_draws * num_chunks)
    count = np.full(num_draws * num_chunks, 10)
    return replace(make_evaluation(means * count, count), num_draws=num_draws)


def test_spread_falls_with_chunks_and_with_draws_and_leaves_the_difficulty_of_chunks_out():
    result = make_draws(0.5, num_draws=20, num_chunks=400)
    for num_chunks, num_pooled in ((1, 1), (4, 1), (1, 4), (10, 2)):
        expected = 0.5 / math.sqrt(num_chunks * num_pooled)
        spread = spread_over_draws(result, num_chunks=num_chunks, num_pooled=num_pooled)
        freedom = (20 // num_pooled - 1) * (400 // num_chunks)
        assert spread == pytest.approx(expected, rel=5 / math.sqrt(2 * freedom))  # 5 sigma


def test_spread_of_a_difference_is_that_of_the_paired_ratio():
    before = make_draws(0.5, num_draws=6, num_chunks=50)
    noise = np.random.default_rng(1).normal(0, 0.05, size=300)
    after = replace(before, losses=before.losses - 0.1 + np.repeat(noise, 10))
    ratios = [
        math.log(b.perplexity / a.perplexity) for a, b in zip(before.draws(), after.draws(), strict=True)
    ]
    assert spread_over_draws(after, minus=before) == pytest.approx(np.std(ratios, ddof=1))
    assert spread_over_draws(before) == pytest.approx(np.std([draw.loss for draw in before.draws()], ddof=1))


def test_spread_refuses_what_it_cannot_measure():
    result = make_draws(0.5, num_draws=3, num_chunks=8)
    with pytest.raises(ValueError, match="at least two pools of 2 draws, found 3 draws"):
        spread_over_draws(result, num_pooled=2)
    with pytest.raises(ValueError, match="num_chunks must be at most 8, the chunks of one draw, got 9"):
        spread_over_draws(result, num_chunks=9)
    with pytest.raises(ValueError, match="on the same masks"):
        spread_over_draws(result, minus=replace(result, sha256="b"))
    rows = result.chunk_index != 3
    gap = replace(
        result, **{name: getattr(result, name)[rows] for name in ("losses", "chunk_index", "text_index")}
    )
    with pytest.raises(ValueError, match="found one of 1 chunks without"):
        spread_over_draws(gap, num_chunks=1)
