"""Data sets of the Hub: configurations, splits, scripts."""

import pytest
from datasets import Dataset
from hub_standin import serve_hub

from mlmtutor.hub.dataset import load_hub_dataset
from tests.hub.faults import use_hub

CARD = """---
configs:
- config_name: small
  data_files:
  - split: train
    path: small/train.csv
  - split: test
    path: small/test.csv
- config_name: large
  data_files: large.csv
---
"""


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "datasets" / "someone" / "configs"
    (folder / "small").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    for name in ("small/train.csv", "small/test.csv", "large.csv"):
        (folder / name).write_text(f"text\n{name}\n")
    plain = tmp_path / "datasets" / "someone" / "films" / "data"
    plain.mkdir(parents=True)
    for split in ("train", "test"):
        Dataset.from_dict({"text": ["good", "bad"]}).to_parquet(plain / f"{split}-00000.parquet")
    script = tmp_path / "datasets" / "someone" / "script"
    script.mkdir()
    (script / "script.py").write_text("raise SystemExit('ran')")
    (tmp_path / "datasets" / "someone" / "empty").mkdir()
    return tmp_path


@pytest.fixture(params=["hub", "folder"])
def where(request, root):
    """Turns a name into a source, at the Hub and as a folder in its layout."""
    if request.param == "folder":
        yield lambda name: str(root / "datasets" / name)
    else:
        with serve_hub(root) as endpoint, use_hub(endpoint, root / "cache"):
            yield lambda name: name


def test_all_splits_or_one(where):
    assert load_hub_dataset(where("someone/films")).num_rows == {"train": 2, "test": 2}
    assert load_hub_dataset(where("someone/films"), split="test")["text"][:] == ["good", "bad"]


def test_a_configuration_is_chosen(where):
    dataset = load_hub_dataset(where("someone/configs"), config="small", split="test")
    assert dataset["text"][:] == ["small/test.csv"]


@pytest.mark.parametrize(("config", "found"), [(None, "found none"), ("medium", "found 'medium'")])
def test_configurations_are_listed(where, config, found):
    with pytest.raises(ValueError, match=f"{found}: choose with --config NAME one of small, large"):
        load_hub_dataset(where("someone/configs"), config=config)


def test_splits_are_listed(where):
    with pytest.raises(ValueError, match="found 'dev': choose with --split NAME one of train, test"):
        load_hub_dataset(where("someone/films"), split="dev")


def test_a_script_does_not_run(where):
    with pytest.raises(ValueError, match="it is a loading script, and those are never run"):
        load_hub_dataset(where("someone/script"))


def test_an_empty_data_set_is_one_line(where):
    with pytest.raises(ValueError, match="cannot read the data set") as error:
        load_hub_dataset(where("someone/empty"))
    assert str(error.value).isprintable() and len(str(error.value)) <= 300


def test_an_unknown_data_set_is_one_line(root):
    with (
        serve_hub(root) as endpoint,
        use_hub(endpoint, root / "cache"),
        pytest.raises(FileNotFoundError, match="asked for the data set 'someone/none', but .* has none of"),
    ):
        load_hub_dataset("someone/none")
    with pytest.raises(
        FileNotFoundError, match="expected 'mini', 'mini-zh', a Hub id or a folder with a data set, found no"
    ):
        load_hub_dataset("films")
