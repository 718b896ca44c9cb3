"""Put what the project needs into `.venv`, or say in one line what stands in the way; `make` calls it.

Any Python runs this file, so that an old one can be told so: standard library only, syntax of Python 3.6.
If all that was installed is still there, it is done after some hundredths of a second.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from ast import literal_eval
from pathlib import Path

NEEDED = (3, 11)
NEEDED_GB = 3.0  # at the peak, with torch for CPUs and all bytecode: 2.7 with uv, 2.9 with pip
UV = "uv==0.13.9"
REQUIREMENTS = ["-c", "constraints.txt", "-e", ".[mini,zh,teach,slides,book,test]"]

ROOT = Path(__file__).resolve().parents[2]
VENV = (ROOT / ".venv").resolve()
PYTHON = VENV / "bin" / "python"
RECORD = VENV / "installed"
LOG = VENV / "install.log"
# removed in the end; on the disk of the environment, as uv links its files from there and /tmp may be small
SCRATCH = VENV / "scratch"

FULL = r"No space left|Disk quota exceeded|os error (28|122)\b|Errno (28|122)\b"
# what the log of a failed command says, and the remedy
REMEDIES = {
    r"Read-only file system|Permission denied|os error (13|30)\b": (
        "files in .venv cannot be written: copy the repository to a folder of your own, or remove .venv"
    ),
    r"(?i)certificate.verify.failed|invalid peer certificate|UnknownIssuer": (
        "the certificate of the package index is not trusted: pip config set global.cert FILE, "
        "with the certificates of your network"
    ),
    r"ProxyError|407 Proxy|tunnel error": (
        "the proxy refused: export https_proxy=http://USER:PASSWORD@HOST:PORT, then make again"
    ),
    r"(?i)NewConnectionError|ConnectTimeout|Failed to establish|Failed to connect|name resolution|dns error"
    r"|error sending request|Read timed out|operation timed out|unreachable"
    r"|Connection (refused|reset|aborted)": (
        "no package index was reached: check the network, "
        "name a mirror (pip config set global.index-url URL) "
        "or a proxy (export https_proxy=URL), then make again"
    ),
    r"No matching distribution found for (?P<what>\S+)": (
        "the package index was not reached or has no {what} for Python {version}: check the network, "
        "name another index (pip config set global.index-url URL) or another Python "
        "(rm -r .venv; make PYTHON=python3.11)"
    ),
}


class Stop(Exception):
    """What the person at the terminal reads."""


def main():
    os.chdir(str(ROOT))
    inside = Path(sys.prefix).resolve() == VENV
    if inside and is_complete():
        return
    if sys.version_info < NEEDED:
        raise Stop(
            "Python 3.11 or newer is needed, {} is {}.{}; try: {}make PYTHON=python3.11".format(
                sys.executable, *sys.version_info[:2], "rm -r .venv; " if inside else ""
            )
        )
    sys.stdout.reconfigure(errors="replace")
    with one_at_a_time():
        if inside and is_complete():
            return
        if inside and is_whole():
            install()
            return
        if not (is_whole() and works()):  # another make may have made it meanwhile
            create()
        os.execv(str(PYTHON), [str(PYTHON), "-I", __file__])


# What is there


def is_whole():
    """Whether the environment was made to its end, and in this place: pip comes last and names its Python."""
    try:
        first_lines = (VENV / "bin" / "pip").read_bytes()[:4096]
    except OSError:
        return False
    return re.search(rb"[!'\" ]" + re.escape(os.fsencode(str(PYTHON))), first_lines) is not None


def works():
    try:
        return subprocess.call([str(PYTHON), "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def is_complete():
    try:
        recorded = RECORD.read_text(encoding="utf-8").splitlines()
        return is_whole() and recorded[:1] == [asked()] and contents().issuperset(recorded[1:])
    except OSError:
        return False


def asked():
    """A fingerprint of what shall be installed."""
    files = (Path("pyproject.toml"), Path("constraints.txt"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def contents():
    """The names of commands and of what lies in site-packages, without versions, which people may change."""
    names = os.listdir(str(VENV / "bin")) + os.listdir(sysconfig.get_path("purelib"))
    return {re.sub(r"-\d[^-]*(?=\.(dist-info|pth)$)", "", name) for name in names if name[0] not in "~_."} | {
        name for name in names if name.startswith("__editable__")
    }


def forget_broken():
    """Let packages of which a file is missing, as after an interruption, be installed again."""
    packages = Path(sysconfig.get_path("purelib"))
    for leftover in packages.glob("~*"):
        remove(leftover)
    for info in packages.glob("*.dist-info"):
        record = info / "RECORD"  # written last
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else [""]
        files = (line.rsplit(",", 2)[0].strip('"') for line in lines)
        if not all(name and (name.endswith(".pyc") or (packages / name).exists()) for name in files):
            remove(info)


# The environment


def create():
    """Make an empty environment with pip; Debian ships Python without the pip that `venv` would put in."""
    try:
        import venv
    except ImportError:
        raise Stop("Python lacks its module venv: apt install python3-venv, then make again") from None
    there = set(os.listdir(str(VENV))) if VENV.exists() else set()
    if there and not there & {RECORD.name, LOG.name}:
        raise Stop(
            ".venv was not made here and does not work: move it or remove it (rm -r .venv), then make again"
        )
    say("making .venv")
    VENV.mkdir(exist_ok=True)
    LOG.touch()  # the mark of ours
    for entry in VENV.iterdir():
        if entry != LOG:
            remove(entry)
    check_space()
    try:
        venv.create(str(VENV), with_pip=True, symlinks=True)
        return
    except subprocess.CalledProcessError as error:
        LOG.write_bytes(error.output or b"")
    venv.create(str(VENV), with_pip=False, symlinks=True)
    base = getattr(sys, "_base_executable", sys.executable)
    commands = [[base, "-m", "pip", "--python", str(PYTHON), "install", "pip"]]
    if shutil.which("uv"):
        commands.append(["uv", "pip", "install", "--python", str(PYTHON), "pip"])
    if not any(run(command) == 0 for command in commands):
        if "No module named pip" in read_log():
            raise Stop("Python has no pip: apt install python3-venv (or python3-pip), then make again")
        raise Stop(explain())


def check_space():
    """Stop if there is no room for what an earlier, broken try has not brought yet."""
    stats = (
        os.lstat(os.path.join(folder, name)) for folder, _, names in os.walk(str(VENV)) for name in names
    )
    there = sum(stat.st_blocks * 512 / stat.st_nlink for stat in stats) / 1e9
    free = free_gb()
    if there + free < NEEDED_GB:
        raise Stop(
            f"the disk is too full: {NEEDED_GB - there:.1f} GB are needed (more for torch with CUDA), "
            f"{free:.1f} GB are free at {VENV.parent}; make room, then make again"
        )


def free_gb():
    return shutil.disk_usage(str(VENV)).free / 1e9


# The packages


def install():
    say("installing into .venv; the first time takes some minutes")
    if not RECORD.exists():
        check_space()
    forget_broken()
    if LOG.exists():
        LOG.unlink()
    SCRATCH.mkdir(exist_ok=True)
    # bytecode is written as modules are imported, unless Python was told not to; then it has to come first
    compiled = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    status = 1
    if os.environ.get("INSTALLER") != "pip":
        status = install_with_uv(compiled)
    if status:
        remove(SCRATCH)
        SCRATCH.mkdir()
        forget_broken()
        status = run(pip("install", "--compile" if compiled else "--no-compile", *REQUIREMENTS))
    if status:
        raise Stop(explain(status))
    remove(SCRATCH)
    RECORD.write_text("\n".join([asked(), *sorted(contents())]), encoding="utf-8")


def pip(*arguments):
    return [str(PYTHON), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]


def install_with_uv(compiled):
    """Several times as fast as pip. It comes for the time of the installation if it is not there."""
    uv, extra = shutil.which("uv"), []
    if not uv:
        folder = SCRATCH / "uv"
        uv, extra = str(folder / "bin" / "uv"), ["--cache-dir", str(SCRATCH / "cache")]
        fetch = [
            "--retries=0",
            "--timeout=15",
            "--only-binary=:all:",
            "--no-compile",
            "--target",
            str(folder),
        ]
        if not os.path.exists(uv) and run(pip("install", *fetch, UV)):
            return 1
    settings = subprocess.run(pip("config", "list"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    arguments, environment = settings_for_uv(settings.stdout.decode("utf-8"))
    if compiled:
        arguments.append("--compile-bytecode")
    command = [uv, "pip", "install", "--python", str(PYTHON), *extra, *arguments, *REQUIREMENTS]
    return run(command, **environment)


def settings_for_uv(settings):
    """What `pip config list` prints, as arguments and environment of uv, which does not read it itself."""
    options = {}
    for section in ("global", "install", ":env:"):  # the later counts
        for name, value in re.findall(rf"^{section}\.(\S+)=(.*)$", settings, re.MULTILINE):
            options[name] = literal_eval(value)
    # of several indexes, pip takes the newest version wherever it is
    arguments = ["--index-strategy", "unsafe-best-match"]
    for name, argument in {
        "find-links": "--find-links",
        "constraint": "--constraint",
        "trusted-host": "--allow-insecure-host",
        "no-binary": "--no-binary",
        "only-binary": "--only-binary",
    }.items():
        for value in options.get(name, "").split():
            arguments += [argument, value]
    if options.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        arguments.append("--no-index")
    environment = {"UV_SYSTEM_CERTS": "true"}
    for name, variables in {
        "index-url": [
            "UV_DEFAULT_INDEX"
        ],  # not as an argument: it may hold a password, which `ps` and the log would show
        "extra-index-url": ["UV_INDEX"],
        "cert": ["SSL_CERT_FILE"],
        "client-cert": ["SSL_CLIENT_CERT"],
        "proxy": ["HTTP_PROXY", "HTTPS_PROXY"],
        "timeout": ["UV_HTTP_TIMEOUT"],
        "default-timeout": ["UV_HTTP_TIMEOUT"],
        "retries": ["UV_HTTP_RETRIES"],
    }.items():
        if name in options:
            environment.update(dict.fromkeys(variables, " ".join(options[name].split())))
    return arguments, environment


# Commands, and the person at the terminal


def run(command, **environment):
    """Run a command that writes to the log, show how far it is, and return its exit status."""
    SCRATCH.mkdir(exist_ok=True)
    environment = dict(os.environ, TMPDIR=str(SCRATCH), **environment)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        )
        try:
            began = shown = time.monotonic()
            while process.poll() is None:
                time.sleep(0.2)
                seconds = time.monotonic() - began
                line = (read_log().strip().splitlines() or [""])[-1].strip()
                if sys.stdout.isatty():
                    width = shutil.get_terminal_size().columns - 1
                    print(f"\r\033[K{seconds:4.0f} s  {line}"[: width + 4], end="", flush=True)
                elif time.monotonic() - shown > 15:
                    shown = time.monotonic()
                    print(f"{seconds:4.0f} s  {line[:90]}", flush=True)
        finally:
            if sys.stdout.isatty():
                print("\r\033[K", end="", flush=True)
            if process.poll() is None:
                process.terminate()
                process.wait()
    return process.returncode


def read_log():
    """What the last command printed."""
    with LOG.open("rb") as log:
        log.seek(max(0, LOG.stat().st_size - 100000))
        return log.read().decode("utf-8", "replace").rpartition("\n$ ")[2].partition("\n")[2]


def explain(status=1):
    """The remedy for what the last command printed."""
    text, free = read_log(), free_gb()
    if re.search(FULL, text) or free < 0.02:
        return (
            f"the disk is full: {NEEDED_GB:.1f} GB are needed for .venv (more for torch with CUDA), "
            f"{free:.1f} GB are free at {VENV.parent}; make room, then make again"
        )
    for pattern, remedy in REMEDIES.items():
        match = re.search(pattern, text)
        if match:
            version = ".".join(map(str, sys.version_info[:2]))
            return remedy.format(version=version, **match.groupdict()) + f"; the log: {LOG}"
    if status in (-9, 137):
        return "the installation was killed, as happens when memory runs out: close programs, then make again"
    errors = re.findall(r"^(?:ERROR|error): (.*)", text, re.MULTILINE) or text.strip().splitlines() or [""]
    return f"the installation failed: {errors[-1]}; the log: {LOG}"


@contextlib.contextmanager
def one_at_a_time():
    with open("Makefile") as lock:
        with contextlib.suppress(OSError):  # some network disks know no locks
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another make, which installs")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path), ignore_errors=True)
    else:
        path.unlink()


def say(text):
    print(f"== {text}", flush=True)


def stop_on_signal(number, frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_on_signal)
    try:
        main()
    except Stop as stop:
        sys.exit(f"{stop}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the next make goes on from here")
    except OSError as error:
        if re.search(FULL, str(error)):
            sys.exit(f"the disk is full: {NEEDED_GB:.1f} GB are needed for .venv; make room, then make again")
        sys.exit(f"{error}: the folder of the repository must be yours to write; copy it to one that is")
