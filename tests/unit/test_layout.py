"""The packages depend on each other in one direction, and CONTRIBUTING.md shows where things are."""

import ast
import graphlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# Each may import those before it.
LAYERS = ("infra", "microcosm", "rehearsal", "bench")
# These run where the checkout is not: in a machine's image, and under Mono's host.
ELSEWHERE = ("rootfs", "ccauth_host")
# These need Pulumi's SDK, which takes longer to import than the other commands of the same app take.
LATE = {"microcosm.preview.pipeline_policy", "microcosm.preview.up"}

LINE_CHARACTERS, MODULE_LINES = 110, 250
HOUSE = (*(f"{layer}/" for layer in LAYERS), "userdata/", "workloads/", "tools/")
MODULE_SUFFIXES = {".py", ".go", ".sh", ".ps1", ".psm1", ".cs", ".css", ".js"}
# Prose of Markdown is not wrapped in a table; JSON has no way to continue an address or a sum; the others are
# written by pip and Go.
UNWRAPPED = {".md", ".json", ".lock", ".mod", ".sum", ".png"}
# Rendered user-data, help texts of Windows binaries, and log lines as programs write them.
RECORDED = ("tests/golden/", "tests/windows/help/", "tests/support/normal.log")


def name_of(path: Path) -> str:
    words = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


MODULES = {
    name_of(path): path
    for layer in LAYERS
    for path in sorted((PROJECT / layer).rglob("*.py"))
    if not {*ELSEWHERE} & {*path.parts}
}


def imported(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Return the modules that the statement names; a name that is no module belongs to its module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    package = module.split(".")[: None if MODULES[module].name == "__init__.py" else -1]
    above = package[: len(package) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    for alias in node.names:
        yield full if (full := f"{base}.{alias.name}") in MODULES else base


def imports(module: str, *, in_functions: bool) -> set[str]:
    """Return what the module imports when it is imported, or what its functions import later."""
    tree = ast.parse(MODULES[module].read_text())
    inside = statements_in(tree, lambda node: isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for_types = statements_in(
        tree, lambda node: isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    statements = inside if in_functions else statements_in(tree, lambda node: node is tree) - inside
    return {name for node in statements - for_types for name in imported(module, node)}


def statements_in(tree: ast.Module, wanted: Callable[[ast.AST], bool]) -> set[ast.Import | ast.ImportFrom]:
    """Return the imports in the parts of a module that are wanted."""
    parts = [part for part in ast.walk(tree) if wanted(part)]
    return {
        node for part in parts for node in ast.walk(part) if isinstance(node, ast.Import | ast.ImportFrom)
    }


def test_packages_import_only_those_before_them():
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in imports(module, in_functions=False) | imports(module, in_functions=True)
        if (top := name.partition(".")[0]) in LAYERS
        and LAYERS.index(top) > LAYERS.index(module.partition(".")[0])
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: imports(module, in_functions=False) - {module} for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


def test_the_program_is_not_imported_late_to_save_time():
    late = [
        f"{module} imports {name}"
        for module in MODULES.keys() - LATE
        for name in imports(module, in_functions=True)
        if name.partition(".")[0] == "infra"
    ]
    assert late == []


def test_contributing_shows_every_folder_of_the_house():
    section = (
        (PROJECT / "CONTRIBUTING.md").read_text().partition("## Where things are")[2].partition("\n## ")[0]
    )
    shown = set(re.findall(r"`([a-z_/]+)/`", section))
    packages = {
        f"{folder}/{path.name}"
        for folder in (*LAYERS, "tests")
        for path in (PROJECT / folder).iterdir()
        if path.is_dir() and any(path.glob("*.py"))
    }
    top = {*LAYERS, "userdata", "workloads", "bom", "docs", "examples", "tests", "tools"}
    assert packages | top <= shown
    assert [folder for folder in shown if not (PROJECT / folder).is_dir()] == []


def tracked_texts() -> Iterator[tuple[str, list[str]]]:
    """Return the lines of each file that Git tracks and a person writes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        path = PROJECT / name
        if path.is_file() and path.suffix not in UNWRAPPED and not name.startswith(RECORDED):
            yield name, path.read_bytes().decode(errors="ignore").splitlines()


def test_no_line_is_longer_than_110_characters():
    texts = dict(tracked_texts())
    assert {"Makefile", "userdata/linux/common.sh", "workloads/widgets/app.js"} <= texts.keys()
    assert [
        f"{name}:{number}"
        for name, lines in texts.items()
        for number, line in enumerate(lines, 1)
        if len(line) > LINE_CHARACTERS
    ] == []


def test_no_module_is_longer_than_250_lines():
    modules = [
        (name, len(lines))
        for name, lines in tracked_texts()
        if name.startswith(HOUSE) and Path(name).suffix in MODULE_SUFFIXES
    ]
    assert len(modules) > 400
    assert [f"{name}: {lines}" for name, lines in modules if lines > MODULE_LINES] == []
