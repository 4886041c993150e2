"""Writes a network as a person would: residuals and branches from the wiring, what repeats as `repeat` and `for`.

The layers are parsed into series and branches: where a tensor is read several times, the first layer that all paths
lead to joins them. Equal neighbours then become one item with `repeat`, and neighbours that are equal but for their
numbers a group with a table of the numbers.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from costcalc.errors import CostcalcError
from costcalc.lang.expand import called, quoted, write
from costcalc.notation import written

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from costcalc.model import Layer, Network

JOINS = ("add", "mul", "sub", "div", "concat")
WIDTH = 100
MAX_LAYERS = 5_000
MAX_ITEMS = 1_000
"""The largest network that is parsed, and the longest series that is searched. Both take quadratic time."""
MAX_FOLDS = 100
"""The repetitions that are written once, of a series."""
NOTE = "# Not a series of layers and branches, so it is written layer by layer."


class NotASeriesError(Exception):
    """A tensor leads out of a branch, or the network has several inputs, outputs or shared weights."""


def rolled(network: Network) -> tuple[str, bool]:
    """Return a network as a spec with the same layers, and whether it is rolled up; else it is written flat.

    The text is read again and compared layer by layer before it is returned. Raises `CostcalcError` if the flat form
    does not say the same either.
    """
    flat = write(network)
    try:
        text = _text(network, compressed(parsed(network)))
        if same(network, text):
            return text, True
    except (NotASeriesError, RecursionError, CostcalcError):
        pass
    if not same(network, flat):
        raise CostcalcError("{} cannot be written as a spec with the same layers", network.name)
    return f"{NOTE}\n{flat}", False


def same(network: Network, text: str) -> bool:
    """Return whether a spec has the layers of a network, in any order: their ops, shapes and figures."""
    from costcalc.errors import Source
    from costcalc.lang.loader import open_spec

    other = open_spec(Source("<import>", text)).build(max_layers=len(network.layers) + 1)
    return sorted(map(_figures, network.layers)) == sorted(map(_figures, other.layers))


def _figures(layer: Layer) -> tuple[str, tuple[tuple[int, ...], ...], tuple[int, ...]]:
    cost = layer.cost
    counts = (cost.params, cost.buffers, cost.macs, cost.add, cost.mul, cost.div, cost.cmp, cost.exp)
    return layer.op.name, layer.outputs, tuple([count.value for count in counts])


# Items


class LayerItem:
    """A layer with its norm and its activation."""

    def __init__(self, layer: Layer, followers: Sequence[Layer]) -> None:
        op = layer.op
        self.op = op.name
        self.arguments = [(name, value) for name, value in op.arguments.items()]
        self.defaults = dict(op.defaults)
        self.follower = bool(op.role)
        self.more = [(follower.op.role, called(follower.op)) for follower in followers]

    def shape(self) -> Hashable:
        """Return what two items have in common that differ in numbers only."""
        fixed = tuple([(name, None if _is_number(value) else value) for name, value in self.arguments])
        return self.op, fixed, tuple(self.more)

    def numbers(self) -> Iterator[tuple[str, Any]]:
        """Yield the numbers and what they are called."""
        yield from ((name, value) for name, value in self.arguments if _is_number(value))

    def size(self) -> int:
        """Return the number of lines, about."""
        return 1

    def lines(self, values: Iterator[str]) -> list[str]:
        """Return the lines of the item, with a text for each number."""
        arguments = []
        for name, value in self.arguments:
            text = next(values) if _is_number(value) else written(value)
            if text != written(self.defaults.get(name, self)):
                arguments.append(f"{name}: {text}")
        arguments += [f"{role}: {text}" for role, text in self.more]
        return [f"- {self.op}" + (f": {{{', '.join(arguments)}}}" if arguments else "")]


class BranchesItem:
    """A join of branches, or a residual: `add` with an empty branch or a shortcut."""

    def __init__(self, layer: Layer, branches: list[list[Item]]) -> None:
        self.op = layer.op.name
        self.arguments = [f"{name}: {written(value)}" for name, value in layer.op.arguments.items()
                          if layer.op.defaults.get(name, layer) != value]  # fmt: skip
        self.branches = [compressed(branch) for branch in branches]
        if self.op == "add" and len(branches) == 2:
            self.op = "residual"
            self.branches.sort(key=_total, reverse=True)

    def shape(self) -> Hashable:
        """Return what items have in common that differ in numbers only."""
        return self.op, tuple(self.arguments), tuple([tuple([i.shape() for i in branch]) for branch in self.branches])

    def numbers(self) -> Iterator[tuple[str, Any]]:
        """Yield the numbers and what they are called."""
        for branch in self.branches:
            for item in branch:
                yield from item.numbers()

    def size(self) -> int:
        """Return the number of lines, about."""
        return 1 + sum(map(_total, self.branches))

    def lines(self, values: Iterator[str]) -> list[str]:
        """Return the lines of the item, with a text for each number."""
        bodies = [[line for item in branch for line in item.lines(values)] for branch in self.branches]
        if self.op == "residual":
            body, shortcut = bodies
            more = _listed("shortcut", shortcut) if shortcut else []
            return [*_item("residual", body), *[f"  {line}" for line in more]]
        gate = _gate(self.op, bodies)
        if gate:
            return [gate]
        lines = [f"- {self.op}:"]
        for place, body in enumerate(bodies):
            lines += [f"    {line}" for line in _listed(f"b{place}", body)]
        return [*lines, *[f"  {argument}" for argument in self.arguments]]


class RepeatItem:
    """Equal items in a row, written once."""

    def __init__(self, items: list[Item], times: int) -> None:
        self.items = items
        self.times = times

    def shape(self) -> Hashable:
        """Return what items have in common that differ in numbers only."""
        return "repeat", tuple([item.shape() for item in self.items])

    def numbers(self) -> Iterator[tuple[str, Any]]:
        """Yield the numbers and what they are called."""
        for item in self.items:
            yield from item.numbers()
        yield "n", self.times

    def size(self) -> int:
        """Return the number of lines, about."""
        return 1 + _total(self.items)

    def lines(self, values: Iterator[str]) -> list[str]:
        """Return the lines of the item, with a text for each number."""
        lines = _grouped(self.items, values)
        return [*lines, f"  repeat: {next(values)}"]


class TableItem:
    """Items in a row that differ in numbers only, written once with a table of the numbers."""

    def __init__(self, rows: list[list[Item]]) -> None:
        self.items = rows[0]
        self.rows = [[value for item in row for _, value in item.numbers()] for row in rows]
        labels = [label for item in self.items for label, _ in item.numbers()]
        columns = list(zip(*self.rows, strict=True))
        self.texts: list[str] = []
        """The text of each number of an item: a number, a name, or a multiple of one."""
        self.columns: dict[str, tuple[Any, ...]] = {}
        order = sorted(range(len(columns)), key=lambda place: columns[place][0])
        texts = {}
        for place in order:
            texts[place] = self._text(labels[place], columns[place])
        self.texts = [texts[place] for place in range(len(columns))]

    def _text(self, label: str, column: tuple[Any, ...]) -> str:
        if len(set(column)) == 1:
            return written(column[0])
        for name, other in self.columns.items():
            if other == column:
                return name
            times = column[0] // other[0] if other[0] > 0 else 0
            if (
                times > 1
                and other[0] > 4
                and all(each == times * base for each, base in zip(column, other, strict=True))
            ):
                return f"{times} * {name}"
        count = sum(name.rstrip("0123456789") == label for name in self.columns)
        name = f"{label}{count + 1}" if count or label == "i" else label
        self.columns[name] = column
        return name

    def shape(self) -> Hashable:
        """Return what items have in common that differ in numbers only."""
        return "for", len(self.rows), tuple([item.shape() for item in self.items])

    def numbers(self) -> Iterator[tuple[str, Any]]:
        """Yield the numbers and what they are called."""
        for row in self.rows:
            labels = [label for item in self.items for label, _ in item.numbers()]
            yield from zip(labels, row, strict=True)

    def size(self) -> int:
        """Return the number of lines, about."""
        return 2 + _total(self.items) + len(self.rows)

    def lines(self, values: Iterator[str]) -> list[str]:
        """Return the lines of the item, with a text for each number."""
        rows = [[next(values) for _ in row] for row in self.rows]
        literal = all(
            text == written(value)
            for row, own in zip(rows, self.rows, strict=True)
            for text, value in zip(row, own, strict=True)
        )
        if not literal:  # numbers of an outer table: each row by itself
            return [line for row in rows for item in [_grouped(self.items, iter(row))] for line in item]
        lines = _grouped(self.items, iter(self.texts))
        table = list(zip(*self.columns.values(), strict=True))
        return [
            *lines,
            "  for:",
            f"    - [{', '.join(self.columns)}]",
            *[f"    - [{', '.join(map(written, row))}]" for row in table],
        ]


if TYPE_CHECKING:
    Item = LayerItem | BranchesItem | RepeatItem | TableItem


def _is_number(value: object) -> bool:
    return type(value) is int


def _total(items: Sequence[Item]) -> int:
    return sum([item.size() for item in items])


def _grouped(items: Sequence[Item], values: Iterator[str]) -> list[str]:
    """Return the lines of some items as one item, beside which further keys can stand."""
    if len(items) == 1 and not isinstance(items[0], (RepeatItem, TableItem)):
        head, *others = items[0].lines(values)
        return [head if ":" in head else f"{head}:", *others]
    return _item("group", [line for item in items for line in item.lines(values)])


def _item(kind: str, body: list[str]) -> list[str]:
    first, *others = _listed(kind, body)
    return [f"- {first}", *[f"  {line}" for line in others]]


def _listed(name: str, body: list[str]) -> list[str]:
    """Return a list of layers: on one line if it is short, else one layer per line."""
    if all(line.startswith("- ") for line in body):
        short = ", ".join([line[2:] for line in body])
        if len(name) + len(short) < WIDTH - 20 and len(body) < 4:
            return [f"{name}: [{short}]"]
    return [f"{name}:", *[f"  {line}" for line in body]]


def _gate(op: str, bodies: list[list[str]]) -> str:
    """Return `squeeze_excite` for a product with a gate of its form, or an empty string."""
    import re

    if op != "mul" or len(bodies) != 2 or [] not in bodies:
        return ""
    body = max(bodies, key=len)
    if len(body) != 3 or body[0] != "- global_avgpool":
        return ""
    inner = re.fullmatch(r"- conv: \{out: ([^,{}]+), kernel: 1, act: (\w+)\}", body[1])
    outer = re.fullmatch(r"- conv: \{out: ([^,{}]+), kernel: 1, act: (\w+)\}", body[2])
    if not inner or not outer:
        return ""
    more = [f"channels: {inner[1]}"]
    more += [f"act: {inner[2]}"] if inner[2] != "relu" else []
    more += [f"gate: {outer[2]}"] if outer[2] != "sigmoid" else []
    return f"- squeeze_excite: {{{', '.join(more)}}}"


# Parsing


def parsed(network: Network) -> list[Item]:
    """Return the layers of a network as a series. Raises `NotASeriesError`."""
    if len(network.inputs) != 1 or len(network.outputs) != 1 or len(network.layers) > MAX_LAYERS or network.shared():
        raise NotASeriesError
    return _SeriesParser(network).series()


class _SeriesParser:
    def __init__(self, network: Network) -> None:
        self.layers = network.layers
        self.end = next(iter(network.outputs.values()))
        self.readers: dict[tuple[int, int], list[int]] = {}
        for index, layer in enumerate(self.layers):
            for tensor in layer.inputs:
                self.readers.setdefault((tensor.layer, tensor.port), []).append(index)
        self.joins = self._joins()
        self.done = 0

    def series(self) -> list[Item]:
        """Return the items of the network."""
        items, last = self.chain((-1, 0), None)
        if self.done != len(self.layers) or last != (self.end.layer, self.end.port):
            raise NotASeriesError
        return items

    def _joins(self) -> list[int]:
        """Return the first layer that all paths from each layer lead to; the number of layers for the end."""
        end = len(self.layers)
        joins = [end] * end
        for index in reversed(range(end)):
            after: int | None = None
            for port in range(len(self.layers[index].tensors)):
                for reader in self.readers.get((index, port), ()):
                    after = reader if after is None else self._meet(after, reader, joins)
            joins[index] = end if after is None else after
        return joins

    def _meet(self, one: int, other: int, joins: list[int]) -> int:
        while one != other:
            if one < other:
                one = joins[one] if one < len(joins) else one
            else:
                other = joins[other] if other < len(joins) else other
        return one

    def chain(self, tensor: tuple[int, int], stop: int | None) -> tuple[list[Item], tuple[int, int]]:
        """Return the items from a tensor to the layer `stop`, and the tensor that it reads; or to the end."""
        items: list[Item] = []
        while True:
            readers = self.readers.get(tensor, [])
            if not readers or readers == [stop]:
                return items, tensor
            if len(readers) == 1:
                tensor = self.call(readers[0], items)
            else:
                join = readers[0]
                for reader in readers[1:]:
                    join = self._meet(join, reader, self.joins)
                tensor = self.branches(tensor, readers, join, items)

    def call(self, index: int, items: list[Item]) -> tuple[int, int]:
        """Add a layer of one input, with the norm and the activation that follow it."""
        layer = self.layers[index]
        if len(layer.inputs) != 1 or len(layer.tensors) != 1:
            raise NotASeriesError
        followers: list[Layer] = []
        place = index
        while len(followers) < 2:
            after = self.readers.get((place, 0), [])
            follows = (
                len(after) == 1
                and self.layers[after[0]].host == index
                and self.layers[after[0]].inputs[0].layer == place
            )
            if not follows:
                break
            place = after[0]
            followers.append(self.layers[place])
        items.append(LayerItem(layer, followers))
        self.done += 1 + len(followers)
        return place, 0

    def branches(self, tensor: tuple[int, int], readers: list[int], join: int, items: list[Item]) -> tuple[int, int]:
        """Add the branches from a tensor to the layer that joins them."""
        if join >= len(self.layers):
            raise NotASeriesError
        layer = self.layers[join]
        if layer.op.name not in JOINS or len(layer.tensors) != 1:
            raise NotASeriesError
        ends: dict[tuple[int, int], list[Item]] = {}
        for reader in readers:
            if reader == join:
                ends[tensor] = []
                continue
            branch: list[Item] = []
            first = self.call(reader, branch) if len(self.layers[reader].inputs) == 1 else None
            if first is None:
                raise NotASeriesError
            rest, last = self.chain(first, join)
            ends[last] = [*branch, *rest]
        sources = [(source.layer, source.port) for source in layer.inputs]
        if len(set(sources)) != len(sources) or set(sources) != set(ends):
            raise NotASeriesError
        items.append(BranchesItem(layer, [ends[source] for source in sources]))
        self.done += 1
        return join, 0


# What repeats


def compressed(items: list[Item]) -> list[Item]:
    """Return a series with what repeats written once."""
    if len(items) > MAX_ITEMS:
        return items
    for exact in (True, False):
        for _ in range(MAX_FOLDS):
            shorter = _folded(items, exact=exact)
            if shorter is None:
                break
            items = shorter
    return items


def _folded(items: list[Item], *, exact: bool) -> list[Item] | None:
    """Return a series with the repetition that saves most written once, or None if none saves anything."""
    numbers: dict[Hashable, int] = {}
    keys = []
    for item in items:
        key = (item.shape(), tuple(item.numbers())) if exact else item.shape()
        keys.append(numbers.setdefault(key, len(numbers)))
    before = [0, *accumulate([item.size() for item in items])]
    best, most = None, (0, False)
    for period in range(1, len(items) // 2 + 1):
        run = 0
        for place in range(len(items) - period):
            run = run + 1 if keys[place] == keys[place + period] else 0
            times = run // period + 1
            if times < 2:
                continue
            start = place + period + 1 - times * period
            size = before[start + period] - before[start]
            saved = (times - 1) * size - (1 if exact else times + 2)
            first = items[start]  # on a tie, a group does not begin with the activation of the layer before it
            rank = saved, not (isinstance(first, LayerItem) and first.follower)
            if saved > 0 and rank > most:
                best, most = (start, period, times), rank
    if best is None:
        return None
    start, period, times = best
    rows = [items[start + turn * period : start + (turn + 1) * period] for turn in range(times)]
    folded: Item = RepeatItem(compressed(rows[0]), times) if exact else TableItem(rows)
    return [*items[:start], folded, *items[start + times * period :]]


def _text(network: Network, items: list[Item]) -> str:
    ((name, shape),) = network.inputs.items()
    lines = [f"name: {quoted(network.name)}"]
    lines += [f"source: {quoted(network.source)}"] if network.source else []
    lines += [f"input: {written(shape)}" if name == "input" else f"input: {{{name}: {written(shape)}}}", "layers:"]
    for item in items:
        values = iter([written(value) for _, value in item.numbers()])
        lines += [f"  {line}" for line in item.lines(values)]
    return "\n".join(lines) + "\n"
