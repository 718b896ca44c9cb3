import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from mlmtutor import (
    Candidate,
    Comparison,
    plot_bars,
    plot_candidates,
    plot_changes,
    plot_curves,
    plot_doublings,
    plot_histogram,
    plot_lengths,
    plot_losses,
    plot_perplexities,
    plot_ratios,
    plot_shares,
    plot_tradeoff,
)
from mlmtutor.scores.perplexity import Evaluation


def make_evaluation(loss, sha256="a"):
    counts = np.full(20, 10)
    noise = np.random.default_rng(0).normal(0, 2, 20)
    rows = np.repeat(np.arange(20), counts)
    return Evaluation(
        losses=np.repeat(loss + noise / counts, counts), is_correct=rows % 5 == 0, kinds=np.ones(200, dtype=np.int8),
        chunk_index=rows, text_index=rows, num_chunks=20, sha256=sha256,
    )  # fmt: skip


def test_loss_curve_shows_the_losses_by_step():
    ax = plot_losses([10, 20], [5.0, 4.0])
    (line,) = ax.lines
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([10, 20], [5.0, 4.0])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss (nats per masked token)")


def test_histogram_counts_every_value_and_names_its_marks():
    ax = plot_histogram(
        [0.0, 0.5, 9.5], xlabel="loss (nats)", ylabel="tokens", num_bins=2, marks={"mean": 3.3}
    )
    assert [bar.get_height() for bar in ax.patches] == [2, 1]
    assert ([text.get_text() for text in ax.texts], ax.lines[0].get_xdata()[0]) == (["mean"], 3.3)
    with pytest.raises(ValueError, match="at least one value"):
        plot_histogram([], xlabel="", ylabel="")


def test_losses_on_frozen_masks_are_drawn_over_the_training_loss():
    ax = plot_losses([10, 20], [5.0, 4.0], evaluations={0: 5.5, 20: 4.5})
    training, test = ax.lines
    assert (test.get_xdata().tolist(), test.get_ydata().tolist()) == ([0, 20], [5.5, 4.5])
    assert training.get_alpha() < 1 and ax.get_legend() is not None


def test_before_and_after_are_joined_on_a_logarithmic_scale():
    changes = {"movie": (0.001, 0.1), "job": (0.02, 0.01)}
    ax = plot_changes(changes, xlabel="probability", as_factors=True)
    assert [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()] == [
        [0.001, 0.1],
        [0.02, 0.01],
    ]
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "probability")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["movie", "job"]


@pytest.mark.parametrize("pairs", [{}, {"movie": (0.0, 0.1)}])
def test_before_and_after_need_numbers_above_zero(pairs):
    with pytest.raises(ValueError, match="expected"):
        plot_changes(pairs, xlabel="probability", as_factors=True)


def test_candidates_of_two_models_share_their_rows():
    before = [Candidate("deal", 1, 0.3, ""), Candidate("film", 2, 0.1, "")]
    after = [Candidate("film", 2, 0.5, "")]
    ax = plot_candidates({"before": before, "after": after})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["deal", "film"]
    assert [bar.get_width() for bar in ax.patches] == [30, 10, 50]
    assert [text.get_text() for text in ax.texts] == ["30.0", "10.0", "50.0"]
    assert ax.patches[1].get_y() < 1 < ax.patches[2].get_y() + ax.patches[2].get_height()


def test_rest_of_the_vocabulary_is_the_last_bar_of_every_model():
    groups = {"before": [Candidate("deal", 1, 0.25, "")], "after": [Candidate("film", 2, 0.5, "")]}
    ax = plot_candidates(groups, show_rest=True)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["deal", "film", "all other tokens"]
    assert [bar.get_width() for bar in ax.patches] == [25, 75, 50, 50]


def test_bars_of_ratios_start_at_one_on_a_logarithmic_axis():
    ax = plot_bars({"": {"rare": 0.5, "frequent": 4}}, xlabel="ratio", are_ratios=True)
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches] == [(1, 0.5), (1, 4)]
    assert ax.get_xscale() == "log"
    with pytest.raises(ValueError, match="ratios must be above 0, got 0"):
        plot_bars({"": {"never": 0}}, xlabel="ratio", are_ratios=True)


def test_bars_of_two_series_share_their_labels_and_carry_their_intervals():
    groups = {"before": {"film": 0.2}, "after": {"film": 0.4, "movie": 0.5}}
    ax = plot_bars(groups, xlabel="share", intervals={"after": {"film": (0.3, 0.45)}})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["film", "movie"]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.3, 0.45]]
    assert ax.lines[0].get_ydata()[0] == ax.patches[1].get_y() + ax.patches[1].get_height() / 2


def test_curves_differ_without_colour_too_and_have_bands():
    points = {8: 0.6, 16: 0.7}
    ax = plot_curves(
        {"base": points, "adapted": points},
        xlabel="labels",
        ylabel="accuracy",
        bands={"base": {8: (0.5, 0.7)}},
    )
    first, second = ax.lines
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()
    assert len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("labels", "accuracy")


def test_lengths_are_counted_and_marked():
    ax = plot_lengths(range(1, 101), marks=[50])
    assert sum(bar.get_height() for bar in ax.patches) == 99  # the longest one in a hundred is beyond
    assert ax.lines[0].get_xdata() == [50, 50]
    assert ax.get_xlabel() == "length (tokens)"


def test_perplexities_stand_in_the_order_given():
    ax = plot_perplexities({"before": make_evaluation(5), "after": make_evaluation(4)})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["before", "after"]
    assert [text.get_text() for text in ax.texts] == [
        f"{make_evaluation(loss).perplexity:.1f}" for loss in (5, 4)
    ]


def test_perplexities_of_different_masks_are_not_drawn_together():
    """Mistake 8."""
    with pytest.raises(ValueError, match="same masks, found 2 different digests"):
        plot_perplexities({"a": make_evaluation(5), "b": make_evaluation(4, sha256="b")})


def test_every_figure_of_a_notebook_is_shown():
    import nbformat
    from nbclient import NotebookClient

    draw = "_ = mlmtutor.plot_lengths([1, 2])"
    cells = [nbformat.v4.new_code_cell(source) for source in ("import mlmtutor", draw, draw)]
    NotebookClient(nbformat.v4.new_notebook(cells=cells)).execute()
    assert ["image/png" in output.data for cell in cells for output in cell.outputs] == [True, True]


def test_plots_draw_where_they_are_told():
    from matplotlib.figure import Figure

    for draw, data in [
        (plot_candidates, {"a": [Candidate("film", 1, 0.5, "")]}),
        (plot_lengths, [1, 2]),
        (plot_perplexities, {"a": make_evaluation(5)}),
    ]:
        ax = Figure().subplots()
        assert draw(data, ax=ax) is ax
        assert ax.get_title() == ""


def test_losses_without_their_steps_are_an_error():
    with pytest.raises(ValueError, match="one loss per logged step, found 1 for 0 steps"):
        plot_losses([], [5.0])


def test_nothing_to_draw_is_an_error():
    for draw, data in [
        (plot_candidates, {}),
        (plot_lengths, []),
        (plot_perplexities, {}),
    ]:
        with pytest.raises(ValueError, match="expected"):
            draw(data)
    with pytest.raises(ValueError, match="at least one number"):
        plot_bars({}, xlabel="x")
    with pytest.raises(ValueError, match="at least one point"):
        plot_curves({"a": {}}, xlabel="x", ylabel="y")


def test_sizes_that_double_are_drawn_at_equal_distances_with_a_tick_each():
    ax = plot_doublings({"mini": {16: 3.0, 64: 2.0}, "full": {32: 2.5}}, xlabel="tokens", ylabel="y")
    assert ax.get_xticks().tolist() == [16, 32, 64]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["16", "32", "64"]
    places = ax.transData.transform([(16, 2), (32, 2), (64, 2)])[:, 0]
    assert np.diff(places)[0] == pytest.approx(np.diff(places)[1])
    with pytest.raises(ValueError, match="sizes above 0, found 0"):
        plot_doublings({"mini": {0: 1.0}}, xlabel="x", ylabel="y")


def test_shares_lie_on_ranges_that_shrink_with_the_number_counted():
    counts = {"few": {"a": 9, "b": 7}, "many": {"a": 8_000, "b": 8_400}}
    ax = plot_shares(counts, expected={"a": 0.5, "b": 0.5}, xlabel="share (%)")
    points = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    assert points[0].get_xdata() == pytest.approx([100 * 9 / 16, 100 * 8_000 / 16_400])
    widths = [np.ptp(line.get_xdata()) for line in ax.lines if line.get_marker() == "|"]
    assert widths == pytest.approx(
        2 * [100, 500 / 16_400**0.5]
    )  # 10 deviations of 50 % / sqrt(n); 16 allow all
    assert [label.get_text() for label in ax.get_yticklabels()] == ["few", "many"]


def test_shares_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        plot_shares({}, expected={"a": 1}, xlabel="x")
    with pytest.raises(ValueError, match="found none in 'empty'"):
        plot_shares({"empty": {"a": 0}}, expected={"a": 1}, xlabel="x")


GAIN, LOSS = Comparison(100, 90, 0.9, 0.85, 0.95), Comparison(20, 23, 1.15, 1.1, 1.2)


def test_changes_show_before_after_and_truth_in_one_row():
    ax = plot_changes(
        {"film": (0.2, 0.4), "in": (3.0, 2.5)}, xlabel="share", truth={"film": 0.5}, errors={"film": 0.1}
    )
    before, after = ax.lines[:2]
    assert before.get_xdata().tolist() == [0.2, 3.0] and after.get_xdata().tolist() == [0.4, 2.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["before", "after", "truth"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_ratios_have_one_on_a_logarithmic_axis():
    ax = plot_ratios({"reviews": GAIN, "general": LOSS})
    low, high = ax.get_xlim()
    assert low < 0.85 < 1 < 1.2 < high and ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.texts] == ["0.90", "1.15", "better", "worse"]


def test_tradeoff_has_a_point_for_each_recipe_and_joins_those_of_a_path():
    ax = plot_tradeoff({"half": (GAIN, GAIN), "adapted": (GAIN, LOSS)}, path=["half", "adapted"])
    assert [text.get_text() for text in ax.texts] == ["half", "adapted"]
    assert [1.0, 0.9, 1.15] in [list(line.get_xdata()) for line in ax.lines]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 0.85 and ax.get_ylim()[1] > 1


@pytest.mark.parametrize(
    "plot", [plot_ratios, plot_tradeoff, lambda nothing: plot_changes(nothing, xlabel="")]
)
def test_nothing_to_draw_is_refused(plot):
    with pytest.raises(ValueError, match="expected at least one"):
        plot({})
