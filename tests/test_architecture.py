"""Modules import only from lower levels, and importing the package is cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "costcalc"

LAYERS = [
    {"errors", "record", "formula", "globs", "notation", "number_formats", "plugins", "run_budget"},
    {"cost"},
    {"ops"},
    {"model"},
    {"engine"},
    {"memory", "translate", "foreign"},
    {"onnx"},
    {"analysis", "conventions", "outline", "layout", "suspicions", "lang"},
    {"catalog", "pytorch"},
    {"strategies", "explanation", "graph"},
    {"sweep", "gate", "fit"},
    {"report"},
    {"cli", "pytest_plugin", "__init__", "__main__"},
]
"""A module may import from its own level and from those before it in this list."""

VALUES = {"cost", "errors", "record", "formula", "model", "notation", "outline", "report"}
"""The modules that a report may import: values, and other reports."""

LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
}
"""Every module of the package by its name."""


def part_of(module: str) -> str:
    """`costcalc.lang.network_builder` belongs to `spec`; the package itself is `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return the modules of costcalc that a file imports, and whether only for type checking."""
    found = []

    def visit(node: ast.AST, typing: bool) -> None:
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for child in node.body:
                visit(child, True)
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "costcalc":
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found.extend((name if name in NAMES else node.module, typing) for name in inner)
        elif isinstance(node, ast.Import):
            found.extend((alias.name, typing) for alias in node.names if alias.name.split(".")[0] == "costcalc")
        for child in ast.iter_child_nodes(node):
            visit(child, typing)

    visit(ast.parse(path.read_text(encoding="utf-8")), False)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module, typing in imports(path):
        other = part_of(module)
        other = other if other in LEVEL else "__init__"  # a name of the package itself, such as costcalc.load
        if typing:
            continue
        assert LEVEL[other] <= LEVEL[own], f"{own} imports {module}"


def test_no_module_imports_itself_through_others() -> None:
    """Imports for type checkers and inside functions count too."""
    edges = {name: {module for module, _ in imports(path) if module in NAMES} for name, path in NAMES.items()}
    edges["costcalc"] = set()  # the public API imports everything when it is called, and modules ask it for the version
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above[above.index(name) :], name))
        if name not in done:
            for other in edges[name]:
                visit(other, (*above, name))
            done.add(name)

    for name in NAMES:
        visit(name, ())


@pytest.mark.parametrize("path", sorted((PACKAGE / "report").rglob("*.py")), ids=lambda path: path.name)
def test_reports_see_values_only(path: Path) -> None:
    for module, typing in imports(path):
        assert typing or part_of(module) in VALUES, f"{path.name} imports {module}"


def test_every_module_has_a_level() -> None:
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert parts <= set(LEVEL)


def test_the_engine_names_no_op() -> None:
    from costcalc.ops.base import registered

    tree = ast.parse((PACKAGE / "engine.py").read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not texts & set(registered())


@pytest.mark.parametrize("heavy", ["numpy", "rich", "yaml", "click", "dataclasses"])
def test_importing_costcalc_is_light(heavy: str) -> None:
    code = f"import sys, costcalc; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_analysing_imports_neither_numpy_nor_rich() -> None:
    code = (
        "import sys, costcalc; costcalc.analyze('resnet50').to_dict();"
        "sys.exit('numpy' in sys.modules or 'rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
