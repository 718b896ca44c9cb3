"""Which runs a sweep has, and what it writes of them; tests/teach/test_commands.py runs some."""

import csv
import json

import pytest

from mlmtutor.teach.chapters import read_chapter
from mlmtutor.teach.grid import expand_ranges, name_run, plan_runs
from mlmtutor.teach.parameters import read_parameters, read_values
from mlmtutor.teach.sources import Refused
from mlmtutor.teach.summary import label_values, write_summary
from mlmtutor.teach.sweep import Sweep
from tests.teach.toy import TABLE


def plan(path, **given):
    chapter = read_chapter(path)
    parameters = read_parameters(chapter, TABLE["01_toy"])
    values = read_values(chapter, parameters, expand_ranges(parameters, given))
    return chapter, plan_runs(chapter, values, lang="en")


def test_grid_has_every_combination_once(write):
    _, runs = plan(write(), rate=["0.1,0.2"], seed=["1..3", "3"], times=["2"])
    assert [run.varied for run in runs] == [{"rate": r, "seed": s} for r in (0.1, 0.2) for s in (1, 2, 3)]
    assert {run.values["times"] for run in runs} == {2}
    assert len({run.name for run in runs}) == len({run.key for run in runs}) == 6


def test_a_text_is_not_cut_at_its_commas(write):
    _, runs = plan(write(), word=["one, two", "1..3"])
    assert [run.values["word"] for run in runs] == ["one, two", "1..3"]


def test_a_key_follows_parameters_source_and_version(write, monkeypatch):
    (first,) = plan(write())[1]
    assert plan(write(), times=["2"])[1][0].key == first.key  # the default
    keys = {first.key, plan(write(), times=["3"])[1][0].key, plan(write("film", "movie"))[1][0].key}
    monkeypatch.setattr("mlmtutor.__version__", "9.9")
    keys.add(plan(write())[1][0].key)
    assert len(keys) == 4


@pytest.mark.parametrize(
    "values",
    [{"word": "a" * 300}, {"word": "电影" * 150}, {"word": "../../etc"}, {"word": "电影 好"}, {"word": ""}],
)
def test_a_name_is_a_file_name_and_tells_values_apart(values, tmp_path):
    name = name_run(values)
    (tmp_path / f"{name}.ipynb").touch()
    assert (tmp_path / f"{name}.ipynb").parent == tmp_path and not name.startswith(".")
    assert name != name_run({"word": values["word"] + "/"})


def test_names_differ_where_capital_letters_make_no_difference():
    assert name_run({"word": "Law"}).lower() != name_run({"word": "law"}).lower()


def test_labels_are_no_formulas_and_no_two_the_same(write, tmp_path):
    words = [
        "a $\\b{ c$",
        "/home/me/a/long/way/down/below/to/texts/law.csv",
        "/home/me/a/long/way/up/far/above/to/texts/law.csv",
    ]
    assert len(set(label_values(words).values())) == 3
    _, runs = plan(write(), word=words)
    for number, run in enumerate(runs):
        run.found = results(run, loss=number, other="nan")
    write_summary(tmp_path, {"fixed": {}, "varied": ["word"]}, runs)
    assert "/home/me/a/long/ ... to/texts/law.csv (2)" in (tmp_path / "sweep.svg").read_text()


def results(run, **metrics):
    return {"key": run.key, "seconds": 1.0, "has_result": True, "metrics": metrics}


def test_table_and_figure_hold_what_is_done_and_what_failed(write, tmp_path):
    _, runs = plan(write(), rate=["1e-4,1e-3,0.1"], times=["1,2"], seed=["0,1"])
    for number, run in enumerate(runs[:-2]):
        run.found = results(run, **{"loss": 3 - number / 10, "loss low": 1, "same": 5})
    runs[-2].found = {"error": 'out, of "memory"'}
    about = {
        "chapter": "01_toy",
        "lang": "en",
        "fixed": {"word": "a, b"},
        "varied": ["rate", "times", "seed"],
    }
    write_summary(tmp_path, about, runs)
    rows = list(csv.DictReader((tmp_path / "sweep.csv").open(encoding="utf-8")))
    assert [row["status"] for row in rows] == ["done"] * 10 + ["failed", "to do"]
    assert (rows[1]["rate"], rows[1]["seed"], rows[1]["word"], rows[1]["loss"]) == (
        "0.0001",
        "1",
        "a, b",
        "2.9",
    )
    assert (rows[10]["error"], rows[10]["loss"]) == ('out, of "memory"', "")
    assert len(json.loads((tmp_path / "sweep.json").read_text())["runs"]) == 12
    drawing = (tmp_path / "sweep.svg").read_text()
    assert all(f">{word}<" in drawing for word in ("rate", "loss", "times=1", "times=2"))
    assert "loss low" not in drawing
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_texts_are_drawn_as_bars(write, tmp_path):
    _, runs = plan(write(), word=["good", "bad"], seed=["0,1"])
    for number, run in enumerate(runs):
        run.found = results(run, loss=number)
    write_summary(tmp_path, {"fixed": {}, "varied": ["word", "seed"]}, runs)
    assert ">good<" in (tmp_path / "sweep.svg").read_text()


def test_what_was_done_is_found_again_only_if_nothing_changed(write, tmp_path):
    chapter, runs = plan(write(), times=["1,2,3"])
    folder = tmp_path / "out"
    folder.mkdir()
    for run, key in zip(runs, [runs[0].key, "other", runs[2].key], strict=True):
        (folder / f"{run.name}.json").write_text(json.dumps(results(run) | {"key": key}))
    for run in runs[:2]:  # the notebook of the third was removed
        (folder / f"{run.name}.ipynb").touch()
    assert Sweep(chapter, runs, lang="en", folder=folder).load() == 1
    assert [run.is_done for run in runs] == [True, False, False]


def test_another_sweep_in_the_folder_is_not_written_over(write, tmp_path):
    chapter, runs = plan(write(), times=["1,2"])
    sweep = Sweep(chapter, runs, lang="en", folder=tmp_path)
    sweep.write()
    assert sweep.load() == 0
    more = plan(write(), times=["1,2,3"])[1]
    assert Sweep(chapter, more, lang="en", folder=tmp_path).load() == 0  # more values of the same name
    for other in (plan(write(), times=["1,2"], rate=["2"])[1], plan(write(), rate=["1,2"])[1]):
        with pytest.raises(Refused, match="another sweep is in"):
            Sweep(chapter, other, lang="en", folder=tmp_path).load()
