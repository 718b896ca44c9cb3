"""The plan of the house: which room of the package imports from which, read off the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import mlmtutor

PACKAGE = Path(mlmtutor.__file__).parent
# from the ground up; a room may import from those below it. `make` are the workshops, which are not in the wheel
TOWER = ["testing", "exercises", "model", "mini", "mini_zh", "hub", "texts", "masks", "scores", "training", "plots", "report",
         "adapt", "teach", "cli", "make"]  # fmt: skip
MAX_ENTRIES = 18


def room_of(module: str) -> str:
    """The room of a module named below the package: ``texts`` of ``texts.words``."""
    return "make" if module.startswith(("mini.make", "mini_zh.make")) else module.split(".")[0]


def public_homes() -> dict[str, str]:
    """The module of each public name, from the stub."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    return {
        name.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def imports_of(path: Path) -> Iterator[str]:
    """The modules of the package that a file imports, at its top, inside functions or for types only."""
    homes = public_homes()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "mlmtutor":
            yield from (homes.get(name.name, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlmtutor."):
            yield node.module.removeprefix("mlmtutor.")
        elif isinstance(node, ast.Import):
            yield from (
                name.name.removeprefix("mlmtutor.")
                for name in node.names
                if name.name.startswith("mlmtutor.")
            )


def draw_arrows() -> set[tuple[str, str]]:
    """All arrows between modules: ``(from, to)``. Doctests do not count."""
    arrows = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        if module:
            arrows |= {(module, target) for target in imports_of(path) if target != module}
    return arrows


def test_every_arrow_points_down():
    arrows = {(room_of(a), room_of(b)) for a, b in draw_arrows()}
    assert {room for arrow in arrows for room in arrow} <= set(TOWER), "a room without a floor"
    upward = sorted((a, b) for a, b in arrows if TOWER.index(a) < TOWER.index(b))
    assert upward == [], f"imports that go up: {upward}"
    assert len(arrows) > 20, "no arrows were found"


def test_no_circle_within_a_room():
    arrows = draw_arrows()
    left = {module for arrow in arrows for module in arrow}
    while free := {module for module in left if not any(a == module and b in left for a, b in arrows)}:
        left -= free
    assert left == set(), f"modules that import each other: {sorted(left)}"


def test_the_package_has_few_entries():
    entries = [path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MAX_ENTRIES, sorted(entries)


def test_the_docstring_is_the_map():
    named = [line.split()[0] for line in mlmtutor.__doc__.splitlines() if line.startswith("    ")]
    assert named == [room for room in TOWER if room in named]
    beside = {name for name in ("exercises", "testing", "data") if f"`{name}`" in mlmtutor.__doc__}
    rooms = {path.stem for path in PACKAGE.iterdir() if path.name[0] not in "_."}
    assert rooms == set(named) | beside


def test_the_readme_has_a_row_for_each_room():
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] not in "_."}
    assert [room for room in sorted(rooms) if f"`{room}`" not in readme] == []


def test_the_stub_lists_what_is_public():
    (listed,) = (
        ast.literal_eval(node.value)
        for node in ast.parse((PACKAGE / "__init__.pyi").read_text()).body
        if isinstance(node, ast.Assign)
    )
    assert listed == sorted(public_homes()) == sorted(mlmtutor.__all__)


def test_tests_mirror_the_rooms():
    wings = {path.name: path for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    folders = {path.name: path for path in Path(__file__).parent.iterdir() if path.name in wings}
    assert folders.keys() == wings.keys()
    for name, folder in folders.items():
        files = list(wings[name].rglob("*.py"))
        modules = {path.stem for path in files} | {path.parent.name for path in files}
        tested = {path.stem.removeprefix("test_") for path in folder.glob("test_*.py")}
        assert tested <= modules, f"tests/{name} has tests of no module: {sorted(tested - modules)}"
