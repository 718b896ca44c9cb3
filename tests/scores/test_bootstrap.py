"""How often the interval holds the truth: it says 95 % of the time, with few texts as well."""

import math
import warnings

import numpy as np
import pytest

from mlmtutor.model.doubts import Doubt
from mlmtutor.scores.bootstrap import bootstrap_interval, bootstrap_means, find_quantiles

NUM_TRIALS = 1000
SIGMA = math.sqrt(0.95 * 0.05 / NUM_TRIALS)  # of a coverage of 95 %, 0.7 points
TRUE_MEAN = 3.0


def draw_texts(generator, num_texts):
    """Losses of texts with 10 to 30 masked tokens each, which are alike within a text."""
    counts = generator.integers(10, 31, size=num_texts)
    groups = np.repeat(np.arange(num_texts), counts)
    of_text = generator.normal(0, 0.5, size=num_texts)[groups]
    return TRUE_MEAN + of_text + generator.normal(0, 1.0, size=len(groups)), groups


def measure_coverage(num_texts):
    """How often the corrected interval and the plain percentile one hold the true mean."""
    generator, hits = np.random.default_rng(num_texts), np.zeros(2)
    for _ in range(NUM_TRIALS):
        losses, groups = draw_texts(generator, num_texts)
        samples = bootstrap_means(losses[None], groups=groups)[:, 0]
        intervals = bootstrap_interval(samples, num_groups=num_texts), np.quantile(samples, (0.025, 0.975))
        hits += [low <= TRUE_MEAN <= high for low, high in intervals]
    return hits / NUM_TRIALS


@pytest.mark.filterwarnings("ignore::mlmtutor.model.doubts.Doubt")
@pytest.mark.parametrize(("num_texts", "least"), [(5, 0.90), (15, 0.95), (30, 0.95)])
def test_interval_holds_the_truth_more_often_than_the_plain_percentile_one(num_texts, least):
    corrected, plain = measure_coverage(num_texts)
    assert corrected >= least - 5 * SIGMA
    assert corrected <= 0.95 + 5 * SIGMA
    assert plain < corrected


@pytest.mark.filterwarnings("ignore::mlmtutor.model.doubts.Doubt")
def test_plain_percentile_interval_is_clearly_too_narrow_for_five_texts():
    corrected, plain = measure_coverage(5)
    assert plain < 0.88 < corrected


def test_quantiles_move_outwards_with_fewer_texts_and_end_at_the_plain_ones():
    lows = [find_quantiles(n)[0] for n in (2, 5, 15, 30, 100, 10**6)]
    assert lows == sorted(lows) and lows[-1] == pytest.approx(0.025, abs=1e-5)
    for n in (2, 5, 30):
        low, high = find_quantiles(n)
        assert 0 <= low < 0.025 and low + high == pytest.approx(1)


def test_correction_is_that_of_the_t_interval():
    # normal samples of the spread that the bootstrap has: the ends must be those of Student's interval
    values = np.random.default_rng(0).normal(size=10)
    spread = values.std(ddof=0) / math.sqrt(10)
    samples = values.mean() + spread * np.random.default_rng(1).standard_normal(200_000)
    with pytest.warns(Doubt):
        low, high = bootstrap_interval(samples, num_groups=10)
    half = 2.2622 * values.std(ddof=1) / math.sqrt(10)  # t with 9 degrees of freedom
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_few_texts_are_said_loudly_and_enough_texts_are_not():
    with pytest.warns(Doubt, match="rests on 29 texts.*fewer than 30"):
        bootstrap_interval(np.arange(1000.0), num_groups=29)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bootstrap_interval(np.arange(1000.0), num_groups=30)
