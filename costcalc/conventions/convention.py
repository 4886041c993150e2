"""A convention: for each op, the quantities that a tool adds up, and how often. Each is a file in `tools/`.

A rule such as `batchnorm: {E: 2}` is two for each element of the output. A key is a quantity, or an expression of
quantities and of the op's arguments, as in a spec. `default` is the rule of ops without one; without it, they count
nothing. `relu()` is the rule of a call of a function, in a network from PyTorch. A convention of `hooks: modules`
counts only those functions that have such a rule.
"""

from __future__ import annotations

import os
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.cost import OPERATIONS
from costcalc.errors import UsageError, suggest
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.lang.expression import Environment, Expression
    from costcalc.model import Layer, Network

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools")  # noqa: PTH100, PTH118, PTH120

QUANTITIES = {
    "macs": "multiply-add",
    "products": "multiply-add of two activations",
    "add": "addition",
    "mul": "multiplication",
    "div": "division",
    "cmp": "comparison",
    "exp": "transcendental",
    "params": "parameter",
    "E": "output element",
    "E_in": "input element",
    "N": "example",
    "rows": "row of the output",
    "rows_in": "row of the input",
    "positions": "output position",
    "positions_in": "input position",
    "channels": "output channel",
    "channels_in": "input channel",
    "features": "output feature",
    "features_in": "input feature",
    "count": "input",
}
"""The quantities of rules, and the unit in which a weight is read. All are of the batch, but for sizes of axes."""

DEFAULT = "default"


class Convention(NamedTuple):
    """What a tool counts. `kind` is what its figure means: multiply-adds, or operations."""

    name: str
    title: str
    version: str
    kind: str
    source: str
    rules: Mapping[str, Mapping[str, int]]
    """For each op, expressions and their weights."""
    modules: bool = False
    """Whether the tool sees modules, and only those functions that have a rule of their own."""
    notes: Mapping[str, str] = {}
    """For some ops, why the tool counts as it does."""


class ToolCount(NamedTuple):
    """The figure of a network by a convention, in all and for each layer, and the ops with work that it leaves out."""

    convention: Convention
    total: int
    layers: tuple[int, ...]
    uncounted: tuple[str, ...]


def names() -> list[str]:
    """Return the names of all conventions."""
    return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(FOLDER) if entry.name.endswith(".yaml"))


@cache
def convention(name: str) -> Convention:
    """Return a convention by its name. Raises `UsageError` for an unknown one."""
    from costcalc.lang.reader import read, read_file

    if name not in names():
        raise UsageError("unknown convention {}", name, help=suggest(name, names(), f"known: {', '.join(names())}"))
    root, _ = read(read_file(os.path.join(FOLDER, f"{name}.yaml")))  # noqa: PTH118
    entries = {key.text: node for key, node in root.value}
    rules = {
        op: {key.text: int(weight.value) for key, weight in rule.value}
        for names_, rule in entries["rules"].value
        for op in names_.text.split()
    }
    notes = {key.text: node.text for key, node in entries["notes"].value} if "notes" in entries else {}
    texts = {key: entries[key].text for key in ("title", "version", "kind", "source")}
    modules = "hooks" in entries and entries["hooks"].text == "modules"
    return Convention(name, **texts, rules=rules, modules=modules, notes=notes)


def rule_of(network: Network, index: int, convention: Convention) -> Mapping[str, int]:
    """Return the rule of a layer: expressions and their weights."""
    name = op_name(network.layers[index])
    if index in network.functions:
        own = convention.rules.get(f"{name}()")
        if own is not None or convention.modules:
            return own or {}
    found = convention.rules.get(name)
    return convention.rules.get(DEFAULT, {}) if found is None else found


def quantities(layer: Layer, batch: int) -> dict[str, Any]:
    """Return the quantities of a layer for a batch of examples, and the arguments of its op."""
    cost = layer.cost
    shapes = tuple([tensor.shape for tensor in layer.inputs])
    entering = shapes[0] if shapes else ()
    leaving = layer.outputs[0]
    first = 1 if layer.op.channels_first else 0
    products = layer.op.product_macs(shapes, layer.outputs) if layer.parameters else cost.macs.value
    return {
        **layer.op.arguments,
        "macs": cost.macs.value * batch,
        "products": products * batch,
        **{name: getattr(cost, name).value * batch for name in OPERATIONS},
        "params": sum([prod([size for _, size in each.term]) for each in layer.parameters if each.learned]),
        "E": sum(map(prod, layer.outputs)) * batch,
        "E_in": prod(entering) * batch,
        "N": batch,
        "rows": prod(leaving[:-1]) * batch,
        "rows_in": prod(entering[:-1]) * batch,
        "positions": prod(leaving[first:]) * batch,
        "positions_in": prod(entering[first:]) * batch,
        "channels": leaving[0] if leaving else 1,
        "channels_in": entering[0] if entering else 1,
        "features": leaving[-1] if leaving else 1,
        "features_in": entering[-1] if entering else 1,
        "count": len(shapes),
    }


def terms(layer: Layer, rule: Mapping[str, int], batch: int) -> dict[str, int]:
    """Return the values of the expressions in a rule for a layer, by their text."""
    if not rule:
        return {}
    known = quantities(layer, batch)
    return {text: int(_evaluated(text, known)) for text in rule}


def op_name(layer: Layer) -> str:
    """Return the name of a layer's op; of one from elsewhere, `given` and what it is there: `given:roll`."""
    kind = layer.op.arguments.get("kind")
    return f"given:{kind}" if layer.op.name == "given" and kind else layer.op.name


def _evaluated(text: str, known: Mapping[str, Any]) -> Any:
    value = known.get(text)
    if value is not None:
        return value
    return _parsed(text).run(_scope()(known))


@cache
def _scope() -> type[Environment]:
    """Return the scope of a rule, in which an unknown name is a word."""
    from costcalc.lang.expression import Environment
    from costcalc.lang.functions import Word

    class Scope(Environment):
        """Quantities and arguments; other names are words, such as bilinear."""

        def other(self, name: str) -> Any:
            return Word(name)

    return Scope


@cache
def _parsed(text: str) -> Expression:
    from costcalc.lang.expression import parse

    return parse(text)


def read_as(network: Network, convention: Convention, batch: int = 1) -> ToolCount:
    """Return the figure of a network by a convention, for a batch of examples."""
    known: dict[Any, int] = {}
    figures = []
    uncounted: dict[str, None] = {}
    for index, layer in enumerate(network.layers):
        key = layer.cost, len(layer.parameters), index in network.functions
        if key not in known:
            rule = rule_of(network, index, convention)
            values = terms(layer, rule, batch)
            known[key] = sum([weight * values[text] for text, weight in rule.items()])
        figures.append(known[key])
        if not known[key] and has_work(layer):
            uncounted[op_name(layer)] = None
    return ToolCount(convention, sum(figures), tuple(figures), tuple(uncounted))


def has_work(layer: Layer) -> bool:
    """Return whether a layer computes anything."""
    return any(getattr(layer.cost, name).terms for name in ("macs", *OPERATIONS))


def readings(network: Network, wanted: Sequence[str], batch: int = 1) -> list[ToolCount]:
    """Return the figures of a network by some conventions, by all without names."""
    return [read_as(network, convention(name), batch) for name in wanted or names()]
