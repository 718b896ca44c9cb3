"""The newcomer's first command, with a pip and a uv that only act."""

import ast
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "book" / "tools" / "install.py"

# puts one package into the environment, its RECORD last, or does what $ACT says; counts its calls
ACTOR = """
import os, sys, sysconfig, time
from pathlib import Path

if "config" in sys.argv:
    sys.exit()
name, act = {name!r}, os.environ.get("ACT_" + {name!r}.upper(), "")
with open(os.environ["CALLS"], "a") as calls:
    calls.write(name + "\\n")
if act == "sleep":
    (Path({packages!r}) / "pid").write_text(str(os.getpid()))
    time.sleep(60)
if act:
    sys.exit(act)
packages = Path({packages!r})
info = packages / "demo-1.0.dist-info"
if not info.exists():
    info.mkdir()
    (packages / "demo.py").write_text("")
    (info / "METADATA").write_text("Name: demo")
    (info / "RECORD").write_text("demo.py,,\\ndemo-1.0.dist-info/METADATA,,\\ndemo-1.0.dist-info/RECORD,,\\n")
"""


class Tree:
    """A repository that has nothing but what `make .venv/installed` reads, and an environment to install into."""

    def __init__(self, root: Path) -> None:
        self.root, self.venv, self.calls = root, root / ".venv", root.parent / "calls"
        (root / "book" / "tools").mkdir(parents=True)
        shutil.copy(SCRIPT, root / "book" / "tools")
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(REPOSITORY / name, root)
        self.tools = root.parent / "tools"
        self.tools.mkdir()

    def add_environment(self) -> None:
        venv.create(self.venv, symlinks=True)
        (self.packages,) = self.venv.glob("lib/python*/site-packages")
        (self.packages / "pip").mkdir()
        (self.packages / "pip" / "__main__.py").write_text(self.act("pip"))
        (self.venv / "bin" / "pip").write_text(f"#!{self.venv}/bin/python\n")

    def add_uv(self) -> None:
        uv = self.tools / "uv"
        uv.write_text(f"#!{sys.executable}\n{self.act('uv')}")
        uv.chmod(0o755)

    def act(self, name: str) -> str:
        return ACTOR.format(name=name, packages=str(self.packages))

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
        path = f"{self.tools}:/usr/bin:/bin"
        return kept | {"PATH": path, "CALLS": str(self.calls), "INSTALLER": "pip"} | more

    def command(self) -> list[str]:
        return ["make", ".venv/installed", f"PYTHON={sys._base_executable}"]

    def make(self, *, command: list[str] | None = None, **more: str) -> tuple[int, list[str]]:
        """The exit status, and what a person reads, without what make itself says."""
        run = subprocess.run(
            command or self.command(),
            cwd=self.root,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return run.returncode, [line for line in run.stdout.splitlines() if not line.startswith("make: ")]

    def called(self) -> list[str]:
        return self.calls.read_text().split() if self.calls.exists() else []


@pytest.fixture
def bare(tmp_path):
    return Tree(tmp_path / "mein Kurs ü 课程")


@pytest.fixture
def tree(bare):
    bare.add_environment()
    return bare


@pytest.fixture
def install(tree, monkeypatch):
    """The script as a module, for the environment of the tree."""
    spec = importlib.util.spec_from_file_location("install", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in (
        ("VENV", ""),
        ("PYTHON", "bin/python"),
        ("LOG", "install.log"),
        ("SCRATCH", "scratch"),
    ):
        monkeypatch.setattr(module, name, tree.venv / path)
    return module


SAYS = "== installing into .venv; the first time takes some minutes"


def test_second_call_says_nothing_and_installs_nothing(tree):
    assert tree.make() == (0, [SAYS])
    assert tree.make() == (0, [])
    assert tree.called() == ["pip"]


def test_changed_pins_are_installed_and_a_newer_time_alone_is_not(tree):
    tree.make()
    (tree.root / "pyproject.toml").touch()
    assert tree.make() == (0, [])
    with (tree.root / "constraints.txt").open("a") as constraints:
        constraints.write("demo==1.0\n")
    assert tree.make() == (0, [SAYS])


@pytest.mark.parametrize("lost", ["demo.py", "demo-1.0.dist-info", "demo-1.0.dist-info/METADATA"])
def test_what_was_removed_by_hand_comes_back(tree, lost):
    tree.make()
    path = tree.packages / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    if lost.endswith("METADATA"):  # not looked for at each call, but mended with the rest
        (tree.packages / "demo.py").unlink()
    assert tree.make() == (0, [SAYS])
    assert path.exists()
    assert tree.make() == (0, [])


def test_package_that_was_upgraded_by_hand_is_left_alone(tree):
    tree.make()
    (tree.packages / "demo-1.0.dist-info").rename(tree.packages / "demo-2.0.dist-info")
    assert tree.make() == (0, [])


def test_package_that_pip_left_half_installed_is_installed_again(tree):
    half = tree.packages / "demo-1.0.dist-info"
    half.mkdir()
    (half / "METADATA").write_text("Name: demo")
    (tree.packages / "~emo").mkdir()
    assert tree.make() == (0, [SAYS])
    assert (half / "RECORD").exists() and not (tree.packages / "~emo").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_installation_goes_on_at_the_next_call(tree, number):
    process = subprocess.Popen(
        tree.command(),
        cwd=tree.root,
        env=tree.environment(ACT_PIP="sleep"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not (tree.packages / "pid").exists():
        time.sleep(0.05)
    os.killpg(process.pid, number)
    out, _ = process.communicate(timeout=10)
    assert "interrupted; the next make goes on from here" in out and "Traceback" not in out
    with pytest.raises(ProcessLookupError):
        os.kill(int((tree.packages / "pid").read_text()), 0)
    assert tree.make() == (0, [SAYS])


def test_uv_is_taken_where_it_is_and_pip_where_uv_fails(tree):
    tree.add_uv()
    assert tree.make(INSTALLER="") == (0, [SAYS])
    assert tree.called() == ["uv"]
    (tree.venv / "installed").unlink()
    assert tree.make(INSTALLER="", ACT_UV="error: no such option")[0] == 0
    assert tree.called() == ["uv", "uv", "pip"]


def test_both_failing_gives_the_last_error_and_the_log(tree):
    tree.add_uv()
    status, lines = tree.make(INSTALLER="", ACT_UV="error: first", ACT_PIP="ERROR: second")
    log = tree.venv / "install.log"
    assert status and lines == [SAYS, f"the installation failed: second; the log: {log}"]
    assert "error: first" in log.read_text()


PROBLEMS = {
    "OSError: [Errno 28] No space left on device": "the disk is full: 3",
    "error: failed to write: No space left on device (os error 28)": "the disk is full: 3",
    "WARNING: Retrying after connection broken by 'NewConnectionError(...: Failed to establish a new connection: "
    "[Errno -3] Temporary failure in name resolution')'\n"
    "ERROR: No matching distribution found for torch": "no package index was reached",
    "ERROR: Exception: ReadTimeoutError: HTTPSConnectionPool: Read timed out.": "no package index was reached",
    "error: Failed to fetch\n  Caused by: error sending request\n  Caused by: dns error": "no package index was reached",
    "WARNING: 'ProxyError('Cannot connect to proxy.', NewConnectionError": "the proxy refused",
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate": "pip config set global.cert",
    "ERROR: No matching distribution found for torch==2.13.0": "not reached or has no torch==2.13.0 for Python",
    "ERROR: Could not install packages: [Errno 13] Permission denied: 'x'": "cannot be written",
}


@pytest.mark.parametrize("printed", PROBLEMS)
def test_known_problem_is_one_line_with_the_remedy(tree, printed):
    status, lines = tree.make(ACT_PIP=printed)
    assert status and len(lines) == 2
    assert PROBLEMS[printed] in lines[1]


def test_environment_of_a_folder_that_was_moved_or_copied_is_not_whole(install, tree, monkeypatch):
    assert install.is_whole()
    copy = tree.root.parent / "elsewhere"
    shutil.copytree(tree.root, copy, symlinks=True)
    monkeypatch.setattr(install, "VENV", copy / ".venv")
    monkeypatch.setattr(install, "PYTHON", copy / ".venv" / "bin" / "python")
    assert not install.is_whole()


@pytest.mark.slow
def test_environment_whose_python_is_gone_is_made_again_and_a_closed_index_named(tree):
    (tree.packages / "stale.py").write_text("")
    (tree.venv / "install.log").touch()
    for python in tree.venv.glob("bin/python*"):
        python.unlink()
        python.symlink_to("/nowhere/python3")
    closed = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_CONFIG_FILE": os.devnull}
    status, lines = tree.make(**closed)
    assert status and lines[:2] == ["== making .venv", SAYS] and len(lines) == 3
    assert lines[2].startswith(
        "no package index was reached: check the network, name a mirror (pip config set"
    )
    assert (tree.venv / "bin" / "pip").exists() and not (tree.packages / "stale.py").exists()


def test_script_is_read_by_an_old_python_that_is_told_what_is_needed(bare):
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    old = bare.tools / "old"
    body = (
        "import sys, runpy; sys.version_info = (3, 8, 10); runpy.run_path(sys.argv[-1], run_name='__main__')"
    )
    old.write_text(f'#!/bin/sh\nexec {sys._base_executable} -I -c "{body}" "$@"\n')
    old.chmod(0o755)
    status, lines = bare.make(command=["make", ".venv/installed", f"PYTHON={old}"])
    assert status and len(lines) == 1
    assert lines[0].startswith("Python 3.11 or newer is needed") and "is 3.8; try: make PYTHON=" in lines[0]
    status, lines = bare.make(command=["make", ".venv/installed", "PYTHON=python9"])
    assert status
    assert lines == ["Python 3.11 or newer is needed, python9 is not there; try: make PYTHON=python3.11"]


def test_environment_that_works_needs_no_python_outside(tree):
    assert tree.make(command=["make", ".venv/installed", "PYTHON=python9"]) == (0, [SAYS])


def test_full_disk_is_told_before_the_start(install, monkeypatch):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_200_000_000))
    with pytest.raises(install.Stop, match=r"3\.\d GB are needed .*, 1\.2 GB are free at /"):
        install.check_space()


def in_mount(tree: Tree, mount: str) -> tuple[int, list[str]]:
    """Run make where a file system is mounted that nobody else sees and that goes with the command."""
    make = " ".join(tree.command())
    return tree.make(command=["unshare", "-m", "sh", "-c", f"{mount} && cd . && cd '{tree.root}' && {make}"])


needs_mount = pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0, reason="may not mount"
)


@needs_mount
def test_small_disk_is_refused(bare):
    bare.venv.mkdir()
    status, lines = in_mount(bare, f"mount -t tmpfs -o size=20m none '{bare.venv}'")
    assert status and lines[0] == "== making .venv" and len(lines) == 2
    assert lines[1].startswith("the disk is too full: 3") and "0.0 GB are free" in lines[1]


@needs_mount
def test_read_only_folder_is_named_and_a_complete_environment_in_it_serves(bare):
    read_only = f"mount --bind '{bare.root}' '{bare.root}' && mount -o remount,ro,bind '{bare.root}'"
    status, lines = in_mount(bare, read_only)
    assert status and len(lines) == 2
    assert "Read-only file system" in lines[1] and "copy it to one that is" in lines[1]
    bare.add_environment()
    bare.make()
    assert in_mount(bare, read_only) == (0, [])


def test_python_without_pip_is_told_which_package_brings_it(install, monkeypatch):
    def create(folder, *, with_pip, symlinks):
        if with_pip:
            raise subprocess.CalledProcessError(1, "ensurepip", b"No module named ensurepip")

    def run(command):
        install.LOG.write_text("\n$ pip\n/usr/bin/python3: No module named pip\n")
        return 1

    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(install, "run", run)
    install.LOG.touch()
    with pytest.raises(install.Stop, match="apt install python3-venv"):
        install.create()


def test_settings_of_pip_reach_uv_and_the_environment_overrides_the_files(install):
    settings = textwrap.dedent("""\
        :env:.index-url='https://mirror.example/simple'
        global.index-url='https://other.example/simple'
        global.extra-index-url='file:///a file:///b'
        install.find-links='/wheels'
        global.trusted-host='mirror.example'
        global.cert='/certs.pem'
        global.no-index='false'
    """)
    arguments, environment = install.settings_for_uv(settings)
    assert " ".join(arguments) == (
        "--index-strategy unsafe-best-match --find-links /wheels --allow-insecure-host mirror.example"
    )
    # an address may hold a password, and arguments are seen by everybody
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_INDEX"] == "file:///a file:///b"
    assert environment["SSL_CERT_FILE"] == "/certs.pem"


@pytest.mark.parametrize("linked", [False, True])
def test_environment_of_somebody_else_is_left_alone(bare, tmp_path, linked):
    other = tmp_path / "shared" if linked else bare.venv
    other.mkdir(parents=True)
    (other / "pyvenv.cfg").write_text("home = /nowhere\n")
    if linked:
        bare.venv.symlink_to(other)
    status, lines = bare.make()
    assert status and ".venv was not made here" in lines[-1]
    assert (other / "pyvenv.cfg").exists()


def test_two_first_calls_make_one_environment(tree):
    calls = [
        subprocess.Popen(
            tree.command(), cwd=tree.root, env=tree.environment(), stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [call.communicate()[0] for call in calls]
    assert [call.returncode for call in calls] == [0, 0], said
    assert tree.called() == ["pip"]
    assert "making .venv" not in "".join(said)
