"""Mutants of a module: the same source with one small change to its syntax tree."""

from __future__ import annotations

import ast
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}


class Mutant(NamedTuple):
    """One change. `file`, `where`, `before`, `after` and `number` name it, and stay the same when lines move."""

    file: str
    where: str
    """The function or class that it is in, as in `Conv.shape`."""
    before: str
    after: str
    number: int
    """Which of the like changes in the same function, from 1."""
    line: int
    index: int
    """Its place among the module's mutants."""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return self.file, self.where, self.before, self.after, self.number

    def __str__(self) -> str:
        number = f" #{self.number}" if self.number > 1 else ""
        return f"{self.file}:{self.line}: {self.where or 'module'}: {self.before} -> {self.after}{number}"


class _Site(NamedTuple):
    """A node in its place, so that it can be replaced."""

    where: str
    statement: ast.stmt
    parent: ast.AST
    field: str
    position: int | None
    node: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.position is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.position] = node


def mutants(file: str, text: str) -> list[Mutant]:
    """Every mutant of a module's source, in the order of its syntax tree."""
    tree = ast.parse(text)
    seen: dict[tuple[str, str, str], int] = {}
    found = []
    for site, change in _changes(tree):
        before = _shown(site, site.node)
        site.put(change)
        after = _shown(site, change)
        site.put(site.node)
        number = seen[site.where, before, after] = seen.get((site.where, before, after), 0) + 1
        found.append(Mutant(file, site.where, before, after, number, site.node.lineno, len(found)))
    return found


def mutated(text: str, index: int) -> ast.Module:
    """The syntax tree of a module with one of its mutants' changes; lines are those of the text."""
    tree = ast.parse(text)
    for number, (site, change) in enumerate(_changes(tree)):
        if number == index:
            site.put(change)
            return ast.fix_missing_locations(tree)
    raise IndexError(index)


def _changes(tree: ast.Module) -> list[tuple[_Site, ast.AST]]:
    return [
        (site, ast.copy_location(new, site.node))
        for site in _sites(tree, "", None)
        for new in _others(site.node)
        if not (_is_index(site) and isinstance(new, ast.Constant) and new.value == -1)
    ]


def _is_index(site: _Site) -> bool:
    """Whether a node is the index in `a[0]`: where there is one entry, which is most often, `a[-1]` is the same."""
    return isinstance(site.parent, ast.Subscript) and site.field == "slice"


def _sites(parent: ast.AST, where: str, statement: ast.stmt | None) -> Iterator[_Site]:
    """Every node that can cost a result: no docstrings, annotations, or imports for types."""
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "keywords") and not isinstance(parent, ast.Call):
            continue
        for position, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _is_for_types(node):
                continue
            inner, own = where, statement
            if isinstance(node, ast.stmt):
                own = node
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    inner = f"{where}.{node.name}".lstrip(".")
            if own is not None:
                yield _Site(where, own, parent, field, position if isinstance(value, list) else None, node)
            yield from _sites(node, inner, own)


def _is_for_types(node: ast.AST) -> bool:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias":
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _others(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            other = copy(node)
            other.ops = [*node.ops[:place], COMPARISONS[type(operator)](), *node.ops[place + 1 :]]
            yield other
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1):
            yield ast.Constant(value)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        other = copy(node)
        other.op = ARITHMETIC[type(node.op)]()
        yield other
        if isinstance(node, ast.AugAssign):
            yield ast.Pass()
    elif isinstance(node, ast.BoolOp):
        other = copy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield other
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield copy(node.operand)  # a copy, as the caller gives it another location
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
        other = copy(node)
        other.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        yield other
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Expr, ast.Raise, ast.Continue, ast.Break)) or (
        isinstance(node, ast.Assign) and all(isinstance(to, (ast.Attribute, ast.Subscript)) for to in node.targets)
    ):
        yield ast.Pass()
    elif isinstance(node, ast.Name) and node.id in SWAPPED and isinstance(node.ctx, ast.Load):
        yield ast.Name(SWAPPED[node.id], ast.Load())


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _shown(site: _Site, node: ast.AST) -> str:
    """The part of the source that tells a change best: what the node stands in, without the statements in it."""
    around = node if site.node is site.statement else site.parent
    if isinstance(around, (ast.If, ast.While)):
        return f"{type(around).__name__.lower()} {ast.unparse(around.test)}"
    if isinstance(around, ast.arguments):
        around = site.statement
    return ast.unparse(around).split("\n")[0]
