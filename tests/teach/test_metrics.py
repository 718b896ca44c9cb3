"""Numbers are read from what result cells print: tried on each form that a chapter prints."""

import re

import nbformat
import pytest

from mlmtutor.teach.metrics import NUMBER, list_printed, read_metrics
from tests.teach.toy import ROOT

IN_NAMES = re.compile(r"95 % interval|\d+ labels|\d+ %:| of \d+")  # numbers that say what the others are


@pytest.mark.parametrize(
    ("printed", "metrics"),
    [
        ("25,000 texts, 7,846,783 tokens\n-> 61,291 chunks of 128, 1,535 tokens dropped (0.02%)",
         {"texts": 25000, "tokens": 7846783, "chunks": 61291, "tokens dropped": 1535, "tokens dropped %": 0.02}),
        ("before  whole words 20 %:  101.3   single tokens 15 %:   62.4",
         {"before whole words 20 %": 101.3, "before single tokens 15 %": 62.4}),
        ("reviews         ratio 0.884 (0.854 to 0.914)",
         {"reviews ratio": 0.884, "reviews ratio low": 0.854, "reviews ratio high": 0.914}),
        ("mean of the prompts\n    AUC 0.784 -> 0.793, +0.009 (95 % interval -0.009 to +0.027)",
         {"mean of the prompts AUC before": 0.784, "mean of the prompts AUC after": 0.793,
          "mean of the prompts AUC change": 0.009, "mean of the prompts AUC change low": -0.009,
          "mean of the prompts AUC change high": 0.027}),
        ("   8 labels: base 62.0%, adapted 60.3%", {"8 labels base %": 62.0, "8 labels adapted %": 60.3}),
        ("               before     after\nperplexity    84.5      78.3\n95 % interval  66.4 - 107.7  62.6 - 97.5",
         {"perplexity before": 84.5, "perplexity after": 78.3, "perplexity before low": 66.4,
          "perplexity before high": 107.7, "perplexity after low": 62.6, "perplexity after high": 97.5}),
        ("7", {"result": 7}),
        ("loss 1.2e-4\nloss 3", {"loss": 1.2e-4, "loss 2": 3}),
        ("nothing at all\n\n", {}),
        ("perplexity 85.2 -> inf\nratio nan, 95 % interval nan to nan",
         {"perplexity before": 85.2, "perplexity after": "inf", "ratio": "nan", "ratio low": "nan", "ratio high": "nan"}),
    ],
)  # fmt: skip
def test_numbers_get_the_words_beside_them(printed, metrics):
    assert read_metrics([printed.splitlines()]) == metrics


@pytest.mark.parametrize(
    "slug",
    ["03_chunking", "06_fine_tuning", "07_perplexity", "08_adapted_model", "10_downstream", "11_your_domain"],
)
def test_every_number_of_the_book_is_read_once(slug):
    printed = list_printed(nbformat.read(ROOT / "book" / "en" / f"{slug}.ipynb", as_version=4))
    metrics = read_metrics(printed)
    text = "\n".join(line for lines in printed for line in lines)
    numbers = re.findall(NUMBER, IN_NAMES.sub("", text))
    assert len(numbers) >= 4
    assert sorted(float(number.replace(",", "")) for number in numbers) == sorted(metrics.values())
