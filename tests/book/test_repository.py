"""Whose book this is: from the configuration, the workflow or the clone; and what follows for its notebooks."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from book._ext.repository import (
    UNKNOWN,
    Repository,
    clean_address,
    find_repository,
    read_repository,
    write_install_cell,
)
from book._ext.ways_out import find_other_places
from book.tools.__main__ import main
from mlmtutor.teach.install_cell import INSTALL_CELL

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = "https://github.com/OWNER/mlmtutor"
NOTEBOOK = "book/zh/01_toy.ipynb"


@pytest.fixture(autouse=True)
def no_workflow(monkeypatch):
    """These tests may run in a workflow themselves."""
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "GITHUB_REF", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def configure(root):
    """Write the `repository` of ``_config.yml``."""

    def write_config(**entry: object) -> None:
        (root / "_config.yml").write_text(yaml.safe_dump({"title": "Toy", "repository": entry}))

    return write_config


def clone(root, remote):
    for arguments in (["init", "-q"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", "-C", root, *arguments], check=True)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/someone/course", "https://github.com/someone/course"),
        ("https://github.com/someone/course.git", "https://github.com/someone/course"),
        ("https://github.com/someone/course.git/", "https://github.com/someone/course"),
        ("http://GitHub.com/Someone/Course", "https://github.com/Someone/Course"),
        ("https://user:token@github.com/someone/course", "https://github.com/someone/course"),
        ("git@github.com:someone/course.git", "https://github.com/someone/course"),
        ("github.com:someone/course", "https://github.com/someone/course"),
        ("ssh://git@github.com:22/someone/course.git", "https://github.com/someone/course"),
        ("git://example.org/someone/course", "https://example.org/someone/course"),
        ("https://gitlab.example.org/group/sub/course.git", "https://gitlab.example.org/group/sub/course"),
        ("https://github.com/someone/my.course", "https://github.com/someone/my.course"),
        ("/srv/git/course.git", None),
        ("../course", None),
        (r"C:\courses\course", None),
        ("C:/courses/course", None),
        ("ssh://git@ssh.github.com:443/someone/course.git", "https://github.com/someone/course"),
        ("https://git.example.org:3000/someone/course", "https://git.example.org:3000/someone/course"),
        ("git@github.com:OWNER/course.git", None),
        ("file:///srv/git/course", None),
        ("http://127.0.0.1:3000/someone/course", None),
        ("http://localhost/someone/course", None),
        ("https://github.com", None),
        ("https://github.com/someone", None),
        ("", None),
    ],
)
def test_address_of_a_clone_is_the_one_that_a_browser_knows_or_none(address, expected):
    assert clean_address(address) == expected


def test_nobody_is_no_owner(root, configure):
    assert read_repository(root) is None  # no configuration
    configure(url=NOBODY, branch="main")
    assert read_repository(root) is None
    assert find_repository(root) is None


def test_owner_whose_name_holds_the_placeholder_is_an_owner(root, configure):
    configure(url="https://github.com/HOMEOWNERS/course")
    assert read_repository(root) == Repository("https://github.com/HOMEOWNERS/course", "main")


def test_fork_is_known_by_its_clone(root, configure):
    configure(url=NOBODY, branch="main")
    clone(root, "git@github.com:someone/course.git")
    assert find_repository(root) == Repository("https://github.com/someone/course", "main")


def test_fork_is_known_by_its_workflow_and_the_branch_that_it_builds(root, configure, monkeypatch):
    configure(url="https://github.com/original/course", branch="main", released="0.1.0")
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/course")
    for reference, branch in (("refs/heads/spring/2027", "spring/2027"), ("refs/pull/3/merge", "main")):
        monkeypatch.setenv("GITHUB_REF", reference)
        assert find_repository(root) == Repository("https://github.com/fork/course", branch)  # never released
    monkeypatch.setenv("GITHUB_REPOSITORY", "Original/Course")  # which is the same there
    assert find_repository(root) == Repository("https://github.com/original/course", "main", released="0.1.0")


def test_fork_whose_main_branch_has_another_name_is_installed_from_that(root, configure):
    configure(url="https://github.com/original/course", branch="main")
    clone(root, "git@github.com:fork/course.git")
    point = ["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]
    subprocess.run(["git", "-C", root, *point], check=True)
    assert find_repository(root) == Repository("https://github.com/fork/course", "trunk")


@pytest.mark.parametrize("entry", [{}, {"url": None}, {"url": "https://github.com/a/b", "branch": 2027}])
def test_odd_entry_is_read_or_counts_as_none(root, configure, entry):
    configure(**entry)
    found = find_repository(root)
    assert found is None if not entry.get("url") else found.branch == "2027"


def test_copy_of_the_book_in_another_project_is_not_that_project(root, configure, monkeypatch):
    configure(url=NOBODY)
    project = root / "another"
    project.mkdir()
    shutil.copytree(root / "book", project / "course" / "book")
    shutil.copy(root / "_config.yml", project / "course")
    clone(project, "https://github.com/someone/another")
    assert find_repository(project / "course") is None
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/another")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project))
    assert find_repository(project / "course") is None


def test_without_git_the_configuration_counts(root, configure, monkeypatch):
    configure(url="https://github.com/original/course", branch="main")
    monkeypatch.setenv("PATH", "")
    assert find_repository(root) == Repository("https://github.com/original/course", "main")


def test_released_package_is_asked_for_by_name_and_the_version_that_is_out(root, configure):
    configure(url="https://github.com/original/course", released="0.9.1")
    released = read_repository(root)
    assert released.requirement == "mlmtutor[mini]==0.9.1"
    assert "git+" not in write_install_cell(released)


def test_a_chinese_notebook_installs_the_chinese_texts_too():
    home = Repository("https://github.com/someone/course", "main")
    assert '"mlmtutor[mini,zh] @ git+https://' in write_install_cell(
        home, code='model = mt.load_model("mini-zh")'
    )
    assert '"mlmtutor[mini] @ git+https://' in write_install_cell(home, code='mt.load_model("mini")')
    assert "mlmtutor[mini,zh] @ git+ADDRESS" in write_install_cell(None, code='model_name = "mini-zh"')


def test_install_cell_without_a_known_home_names_no_package_that_is_not_there():
    for repository in (None, Repository("https://github.com/someone/course", "main")):
        cell = write_install_cell(repository)
        assert "OWNER" not in cell
        assert 'mlmtutor[mini]"' not in cell  # by its name alone, it is anybody's
        compile(cell.replace("%pip", "pass #"), "cell", "exec")


def test_links_to_services_are_left_out_where_they_would_lead_nowhere(root, configure):
    configure(url=NOBODY)
    assert find_other_places(None, NOTEBOOK, root=root) == {}
    elsewhere = Repository("https://gitlab.example.org/someone/course", "main")
    assert find_other_places(elsewhere, NOTEBOOK, root=root) == {}


def test_colab_opens_the_committed_notebook_where_that_installs_from_here(root, configure):
    configure(url="https://github.com/original/course", branch="main")
    home, fork = read_repository(root), Repository("https://github.com/fork/course", "main")
    assert f"original/course/blob/main/{NOTEBOOK}" in find_other_places(home, NOTEBOOK, root=root)["colab"]
    assert f"fork/course/blob/colab/{NOTEBOOK}" in find_other_places(fork, NOTEBOOK, root=root)["colab"]


@pytest.fixture
def book(root, write, configure):
    """A little book with notebooks that ran, of an original repository."""
    write()
    configure(url="https://github.com/original/course", branch="main")
    assert main(["notebooks"], root=root) == 0
    return root


def read_install_cell(folder, path=NOTEBOOK):
    notebook = nbformat.read(folder / path, as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.id == INSTALL_CELL)
    return cell.source


def test_committed_notebook_installs_from_the_repository_of_the_configuration_in_every_clone(book):
    clone(book, "git@github.com:fork/course.git")
    assert '"mlmtutor[mini] @ git+https://github.com/original/course@main"' in read_install_cell(book)
    assert main(["check"], root=book) == 0


def test_notebooks_for_colab_differ_in_the_install_cell_alone(book, capsys):
    clone(book, "git@github.com:fork/course.git")
    assert main(["colab"], root=book) == 0
    assert "2 notebooks that install mlmtutor[mini] @ git+https://github.com/fork/course@main" in (
        capsys.readouterr().out
    )
    committed, written = (
        json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))
        for folder in (book, book / "_build/colab")
    )
    different = [a["id"] for a, b in zip(committed["cells"], written["cells"], strict=True) if a != b]
    assert different == [INSTALL_CELL]
    assert "fork/course@main" in read_install_cell(book / "_build/colab")


def test_workflow_of_a_fork_puts_them_on_a_branch_of_their_own(book, tmp_path, monkeypatch):
    workflow = yaml.safe_load(
        (REPOSITORY / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    )
    (write,) = (step["run"] for step in workflow["jobs"]["build"]["steps"] if step.get("id") == "colab")
    (push,) = (step["run"] for step in workflow["jobs"]["colab"]["steps"] if "run" in step)
    code = "import sys; from pathlib import Path; from book.tools.__main__ import main; main(['colab'], root=Path.cwd())"
    write = write.replace(
        "python -m book.tools colab", f"PYTHONPATH={REPOSITORY} {sys.executable} -c {shlex.quote(code)}"
    )
    bare = tmp_path / "fork.git"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    (address,) = re.findall(r'"(https://x-access-token\S+)"', push)
    push = push.replace(address, str(bare))
    show = ["git", "-C", bare, "show", f"colab:{NOTEBOOK}"]
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))

    def publish(repository: str, branch: str) -> str:
        monkeypatch.setenv("GITHUB_REPOSITORY", repository)
        monkeypatch.setenv("GITHUB_REF", f"refs/heads/{branch}")
        subprocess.run(["bash", "-e", "-c", write], cwd=book, check=True)
        return (tmp_path / "output").read_text().splitlines()[-1]

    for branch in ("main", "spring"):  # the second push takes the place of the first
        assert publish("fork/course", branch) == "colab=2"
        shutil.copytree(book / "_build" / "colab", tmp_path / branch)
        subprocess.run(["bash", "-e", "-c", push], cwd=tmp_path / branch, check=True)
        assert (
            f"fork/course@{branch}" in subprocess.run(show, capture_output=True, text=True, check=True).stdout
        )
    assert publish("original/course", "main") == "colab=0"


@pytest.mark.parametrize(
    ("remote", "said"),
    [("git@github.com:original/course.git", "nothing to write"), ("/srv/git/course.git", "nothing to write")],
)
def test_no_notebooks_for_colab_where_the_committed_ones_will_do(book, capsys, remote, said):
    (book / "_build" / "colab").mkdir(parents=True, exist_ok=True)
    (book / "_build" / "colab" / "left.ipynb").touch()
    clone(book, remote)
    assert main(["colab"], root=book) == 0
    assert said in capsys.readouterr().out
    assert list((book / "_build" / "colab").iterdir()) == []


def test_no_notebooks_for_colab_where_nobody_knows_the_repository(book, configure, capsys):
    configure(url=NOBODY)
    assert main(["colab"], root=book) == 0
    assert UNKNOWN in capsys.readouterr().out


def test_handout_installs_from_the_copy_of_the_instructor(book):
    clone(book, "git@github.com:instructor/course.git")
    assert main(["handout"], root=book) == 0
    assert "instructor/course@main" in read_install_cell(book / "_build/handout", "zh/01_toy.ipynb")
