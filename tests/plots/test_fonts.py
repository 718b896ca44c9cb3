import warnings

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from mlmtutor import plot_bars, plot_changes
from mlmtutor.plots import fonts


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine with matplotlib's own fonts only, as Colab is."""
    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    for cached in (fonts._find_fonts, fonts._list_fonts):
        cached.cache_clear()
    yield
    for cached in (fonts._find_fonts, fonts._list_fonts):
        cached.cache_clear()


def draw(ax):
    """Draw, and return what matplotlib says of characters that are missing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ax.figure.canvas.draw()
    return [str(warning.message) for warning in caught if "missing from" in str(warning.message)]


def test_han_characters_are_drawn_where_a_font_is_at_hand():
    ax = plot_bars({"酒店": {"服务": 0.3}, "书": {"film": 0.5}}, xlabel="比例 (%)", ax=Figure().subplots())
    assert draw(ax) == []
    assert [label.get_text() for label in ax.get_yticklabels()] == ["服务", "film"]
    assert ax.get_xlabel() == "比例 (%)"
    if not fonts._find_fonts("酒"):
        pytest.skip("no font with Han characters on this machine")
    assert len(ax.xaxis.label.get_fontfamily()) == 2


@pytest.mark.usefixtures("no_fonts")
def test_without_a_font_codes_stand_for_characters_and_no_boxes():
    with pytest.warns(UserWarning, match="expected a font with '务影服电', found none.*fonts-noto-cjk"):
        ax = plot_bars({"a": {"服务": 0.3}, "b": {"电影 film": 0.5}}, xlabel="%", ax=Figure().subplots())
    assert draw(ax) == []
    assert [label.get_text() for label in ax.get_yticklabels()] == ["U+670D U+52A1 ", "U+7535 U+5F71  film"]


@pytest.mark.usefixtures("no_fonts")
def test_plain_labels_need_no_font_and_keep_theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot_changes({"café": (0.3, 0.6)}, xlabel="share (%)", ax=Figure().subplots())
    assert ax.xaxis.label.get_fontfamily() == ["sans-serif"]
    assert draw(ax) == []


@pytest.mark.usefixtures("no_fonts")
def test_characters_without_a_font_are_told_once_in_all_scripts():
    with pytest.warns(UserWarning, match="expected a font with 'ท語', found none") as caught:
        ax = plot_bars({"a": {"語ท": 0.3, "ทท": 0.2}}, xlabel="語", ax=Figure().subplots())
    assert len(caught) == 1
    assert draw(ax) == []
