"""The checks of every chapter source and its two notebooks. Each returns a list of problems."""

import ast
import re
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode

from mlmtutor.teach.chapters import LANGUAGES, Chapter, read_chapter
from mlmtutor.teach.han import HAN

from .chapter import compose
from .citations import check_citations
from .prose import check_scripts, check_twins, find_links
from .style import check_style
from .terms import check_terms
from .widths import check_code_widths, check_output_widths

MAX_CELL_LINES, MAX_MEDIAN_LINES = 20, 6
MAX_NOTEBOOK_BYTES = 500_000
PARAMETER_TYPES = {"int", "float", "str", "bool"}  # what papermill's help and command line understand
IGNORED = "nbval-ignore-output"
DRAWS = re.compile(r"\bplot_\w+\(")
NOT_MEASURED = re.compile(
    r"(?:not|never) (?:been )?measured yet|not yet (?:been )?measured|尚未测量|还没有测量", re.IGNORECASE
)
CHECKS = re.compile(r"check_range\(|print\(.*(<=|>=|<|>|==| in )", re.DOTALL)
CHANGES_FROM_RUN_TO_RUN = {
    "a path of one machine": re.compile(
        r"(?<![\w./<])/(?:home|root|tmp|Users|usr|var|opt|mnt|work|content)/\S+|\b[A-Z]:\\\w+"
    ),
    "a host": re.compile(r"\blocalhost\b|\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    "a memory address": re.compile(r"\bat 0x[0-9a-fA-F]{6,}"),
    "a progress bar": re.compile(r"\d+%\|"),
}


def check_chapter(chapter: Chapter) -> list[str]:
    """Run all checks of a source."""
    return [
        *check_twins(chapter),
        *check_scripts(chapter),
        *check_terms(chapter),
        *check_citations(chapter),
        *check_cell_sizes(chapter),
        *check_parameters(chapter),
        *check_ignored_outputs(chapter),
        *check_captions(chapter),
        *check_code_widths(chapter),
        *check_answers(chapter),
        *check_promises(chapter),
        *check_style(chapter),
    ]


def check_assignment(path: Path) -> list[str]:
    """Run the checks of a chapter that hold for the source of an assignment as well."""
    read = read_chapter(path, kinds=("code", "markdown", "raw"))
    chapter = Chapter(path, tuple(cell for cell in read.cells if cell.kind != "raw"))
    return [
        *check_twins(chapter),
        *check_scripts(chapter),
        *check_terms(chapter),
        *check_code_widths(chapter),
        *check_promises(chapter),
        *check_style(chapter),
    ]


def check_answers(chapter: Chapter) -> list[str]:
    """What is right stands in ``mlmtutor/data/answers.yml``, not in the cell below the question."""
    return [
        f"{chapter.at(cell)}: check_answer shows what is right in the cell ({', '.join(shown)}=); "
        "it belongs into mlmtutor/data/answers.yml, and the call is check_answer(name, answer)"
        for cell in chapter.code
        if "check_answer" in cell.source
        for call in ast.walk(ast.parse(cell.source))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("check_answer")
        if (shown := [keyword.arg or "**" for keyword in call.keywords])
    ]


def check_promises(chapter: Chapter) -> list[str]:
    """What was not measured is said once, on the page of the budget, and not in a chapter."""
    return [
        f"{chapter.at(cell)}: {match[0]!r} belongs on the page a4_budget only; say what is known, or nothing"
        for cell in chapter.cells
        for text in (cell.source, *map(str, cell.metadata.get("figure", {}).values()))
        for match in NOT_MEASURED.finditer(text)
    ]


def check_cell_sizes(chapter: Chapter) -> list[str]:
    """No code cell over 20 lines, and a median of at most 6; blank lines do not count."""
    sizes = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in chapter.code]
    problems = [
        f"{chapter.at(cell)}: a code cell has at most {MAX_CELL_LINES} lines, this one has {size}"
        for cell, size in zip(chapter.code, sizes, strict=True)
        if size > MAX_CELL_LINES
    ]
    if sizes and median(sizes) > MAX_MEDIAN_LINES:
        found = f"expected a median code cell of at most {MAX_MEDIAN_LINES} lines, found {median(sizes)}"
        problems.append(f"{chapter.path.name}: {found}")
    return problems


def check_parameters(chapter: Chapter) -> list[str]:
    """One cell tagged ``parameters``, each line ``name: int = 3  # unit and why``: typed, literal, explained."""
    cells = [cell for cell in chapter.code if "parameters" in cell.tags]
    if len(cells) != 1:
        return [f"{chapter.path.name}: expected one code cell tagged parameters, found {len(cells)}"]
    cell = cells[0]
    lines = cell.source.splitlines()
    problems = []
    for node in ast.parse(cell.source).body:
        line = lines[node.lineno - 1]
        if not _is_typed_literal(node) or node.end_lineno != node.lineno:
            problems.append(
                f"{chapter.at(cell)}: a parameter is one line, name: type = literal, with a type of "
                f"{', '.join(sorted(PARAMETER_TYPES))} that the literal has; got {line!r}"
            )
        elif "#" not in line[node.end_col_offset :]:
            problems.append(f"{chapter.at(cell)}: a parameter needs a comment behind it, got {line!r}")
    return problems


def check_captions(chapter: Chapter) -> list[str]:
    """A cell that draws must have a caption in each language; an `alt` text must say something else."""
    problems = []
    for cell in chapter.code:
        figure = dict(cell.metadata.get("figure", {}))
        alt = figure.pop("alt", {})
        if DRAWS.search(cell.source) and set(figure) != set(LANGUAGES):
            problems.append(
                f"{chapter.at(cell)}: a picture has a caption, `:figure:` with text for {' and '.join(LANGUAGES)}"
            )
        if alt and set(alt) != set(LANGUAGES):
            problems.append(f"{chapter.at(cell)}: `alt` of a picture has text for {' and '.join(LANGUAGES)}")
        problems += [
            f"{chapter.at(cell)}: the `alt` text repeats the caption, which a screen reader reads as well"
            for lang, text in alt.items()
            if text == figure.get(lang)
        ]
    return problems


def check_ignored_outputs(chapter: Chapter) -> list[str]:
    """Where nbval ignores an output, since processors differ, the next code cell must check what holds everywhere."""
    problems = []
    for cell, following in zip(chapter.code, [*chapter.code[1:], None], strict=True):
        if IGNORED in cell.tags and (
            following is None or IGNORED in following.tags or not CHECKS.search(following.source)
        ):
            problems.append(
                f"{chapter.at(cell)}: the output of a cell tagged {IGNORED} is compared with nothing, so the next "
                "code cell must check it: check_range(...) or a printed comparison"
            )
    return problems


def _is_typed_literal(node: ast.stmt) -> bool:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name) and node.value):
        return False
    try:
        value = ast.literal_eval(node.value)
    except ValueError:
        return False
    return node.annotation.id in PARAMETER_TYPES and type(value).__name__ == node.annotation.id


def check_notebooks(chapter: Chapter, *, root: Path) -> list[str]:
    """Run all checks of the two committed notebooks of a chapter."""
    problems, notebooks = [], {}
    for lang in LANGUAGES:
        path = root / "book" / lang / f"{chapter.slug}.ipynb"
        if not path.exists():
            problems.append(f"book/{lang}/{path.name}: missing; `make notebooks` writes it")
            continue
        notebooks[lang] = nbformat.read(path, as_version=4)
        found = [
            *check_in_step(chapter, lang, notebooks[lang]),
            *check_run_in_order(notebooks[lang]),
            *check_outputs(notebooks[lang]),
            *(check_output_widths(notebooks[lang]) if lang == "en" else []),  # the outputs are the same
            *check_links(chapter, lang, root=root),
            *check_size(path),
        ]
        problems += [f"book/{lang}/{path.name}: {problem}" for problem in found]
    if len(notebooks) == len(LANGUAGES):
        problems += [f"{chapter.slug}: {problem}" for problem in check_same_outputs(**notebooks)]
    return problems


def check_in_step(chapter: Chapter, lang: str, notebook: NotebookNode) -> list[str]:
    """The notebook must have the cells and metadata that its source gives today."""
    expected = compose(chapter, lang)
    remedy = "`make notebooks` brings it into step with its source"
    if notebook.metadata != expected.metadata:
        return [f"metadata differ from the source's; {remedy}"]
    for want, have in zip(expected.cells, notebook.cells, strict=False):
        for key in ("cell_type", "id", "source", "metadata"):
            if want[key] != have[key]:
                difference = f"expected {want[key]!r}, found {have[key]!r}"
                return [f"{key} of cell {have['id']} is not the source's: {difference}; {remedy}"]
    if len(expected.cells) != len(notebook.cells):
        return [f"expected {len(expected.cells)} cells, found {len(notebook.cells)}; {remedy}"]
    return []


def check_run_in_order(notebook: NotebookNode) -> list[str]:
    """The code cells must have run once each, from 1 to n."""
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    expected = list(range(1, len(counts) + 1))
    return [] if counts == expected else [f"expected execution counts 1 to {len(counts)}, found {counts}"]


def check_outputs(notebook: NotebookNode) -> list[str]:
    """No unexpected error, warning or widget, and nothing that would differ on the next run or machine."""
    problems = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            # an error shown on purpose is caught and printed, since papermill stops at any other
            if output.output_type == "error":
                problems.append(f"cell {cell.id} failed: {output.ename}")
            if output.get("name") == "stderr":
                problems.append(f"cell {cell.id} wrote to stderr: {output.text[:80]!r}")
            if any("widget" in kind for kind in output.get("data", {})):
                problems.append(f"cell {cell.id} has a widget, which a page cannot show")
            text = _text_of(output)
            for name, pattern in CHANGES_FROM_RUN_TO_RUN.items():
                if match := pattern.search(text):
                    problems.append(f"the output of cell {cell.id} has {name}: {match[0]!r}")
        draws = cell.cell_type == "code" and DRAWS.search(cell.source)
        if draws and not any("image/svg+xml" in output.get("data", {}) for output in cell.outputs):
            problems.append(f"cell {cell.id} draws a figure but shows none")
        if "result" in tags and not any(_text_of(output).strip() for output in cell.outputs):
            problems.append(f"cell {cell.id} is tagged result but shows no text")
    return problems


def check_same_outputs(*, en: NotebookNode, zh: NotebookNode) -> list[str]:
    """Both languages must have the same code cells with the same outputs, free of Chinese printed by the code."""
    code = [[cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (en, zh)]
    # `check_in_step` compares the metadata, captions among them, with the source
    code = [[{**cell, "metadata": {}} for cell in cells] for cells in code]
    if code[0] != code[1]:
        different = [a["id"] for a, b in zip(*code, strict=False) if a != b] or ["their number"]
        return [f"code cells of en and zh differ: {', '.join(different)}"]
    return [
        f"the output of cell {cell['id']} has Chinese characters though its code has none"
        for cell in code[0]
        if not HAN.search(cell["source"]) and any(HAN.search(_text_of(output)) for output in cell["outputs"])
    ]


def check_links(chapter: Chapter, lang: str, *, root: Path) -> list[str]:
    """A link within the book must lead to a file; anchors are checked by the site's build."""
    folder = root / "book" / lang
    targets = [
        target.split("#")[0]
        for cell in chapter.cells
        if cell.lang == lang
        for target in find_links(cell.source)
        if "://" not in target and not target.startswith(("#", "mailto:"))
    ]
    return [f"the link to {target} leads nowhere" for target in targets if not (folder / target).exists()]


def check_size(path: Path) -> list[str]:
    """A notebook file stays below 500 KB."""
    size = path.stat().st_size
    if size < MAX_NOTEBOOK_BYTES:
        return []
    return [f"expected less than {MAX_NOTEBOOK_BYTES:,} bytes, found {size:,}"]


def _text_of(output: NotebookNode) -> str:
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
    parts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(parts)
