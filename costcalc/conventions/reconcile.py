"""The bridge from the figure of one convention to that of another, in rows that sum exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.conventions.convention import QUANTITIES, op_name, quantities, read_as, rule_of, terms
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.conventions.convention import Convention
    from costcalc.model import Network

ALL = "every op"


class Step(NamedTuple):
    """A difference of two conventions: an op, the rule by which they differ, its amount and the number of layers."""

    op: str
    rule: str
    amount: int
    layers: int
    note: str = ""
    weight: int = 0


class Bridge(NamedTuple):
    """The steps from one figure to another. `uncounted` are the ops with work that the second leaves out."""

    network: str
    start: Convention
    first: int
    end: Convention
    last: int
    steps: tuple[Step, ...]
    uncounted: tuple[str, ...]
    inputs: str
    batch: int

    def to_dict(self) -> dict[str, object]:
        """Return the bridge by the names in JSON."""
        return {
            "network": self.network,
            "from": {"convention": self.start.name, "figure": self.first, "unit": self.start.kind},
            "to": {
                "convention": self.end.name,
                "version": self.end.version,
                "figure": self.last,
                "unit": self.end.kind,
            },
            "steps": [
                {"op": step.op, "rule": step.rule, "amount": step.amount, "layers": step.layers, "note": step.note}
                for step in self.steps
            ],
            "uncounted": list(self.uncounted),
        }


def reconcile(network: Network, start: Convention, end: Convention, batch: int = 1) -> Bridge:
    """Return the bridge between two figures of a network. Its steps sum to their difference."""
    sums: dict[tuple[str, str], _Sum] = {}
    for index, layer in enumerate(network.layers):
        op = op_name(layer)
        rules = rule_of(network, index, start), rule_of(network, index, end)
        values = terms(layer, {**rules[0], **rules[1]}, batch)
        for text in dict.fromkeys((*rules[0], *rules[1])):
            weight = rules[1].get(text, 0) - rules[0].get(text, 0)
            if weight and values[text]:
                found = sums.setdefault((op, text), _Sum(weight))
                found.add(weight * values[text], quantities(layer, batch))
    steps: dict[tuple[str, str], Step] = {}
    for (op, text), found in sums.items():
        unit, weight = found.unit(text)
        other = steps.get((op, unit))
        if other is not None:  # two expressions of the same op, by the same unit
            weight, found.amount = weight + other.weight, found.amount + other.amount
        note = end.notes.get(op, "") or start.notes.get(op, "")
        steps[op, unit] = Step(op, rule(unit, weight), found.amount, found.layers, note, weight)
    kept = [step for step in steps.values() if step.amount]
    first, last = read_as(network, start, batch), read_as(network, end, batch)
    inputs = ", ".join(["×".join(map(str, shape)) for shape in network.inputs.values()])
    return Bridge(network.name, start, first.total, end, last.total, _merged(kept), last.uncounted, inputs, batch)


class _Sum:
    """The sum of a term over the layers of an op."""

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.amount = self.layers = 0
        self.units = dict.fromkeys(("E", "E_in"), 0)

    def add(self, amount: int, known: Mapping[str, int]) -> None:
        """Add a layer, with its quantities."""
        self.amount += amount
        self.layers += 1
        for name in self.units:
            self.units[name] += known[name]

    def unit(self, text: str) -> tuple[str, int]:
        """Return the unit and the weight of a term: elements, where an expression is a multiple of them."""
        if text not in QUANTITIES:
            for name, total in self.units.items():
                if total and self.amount % total == 0:
                    return name, self.amount // total
        return text, self.weight


def rule(text: str, weight: int) -> str:
    """Return a term of a rule in words.

    >>> rule("E", 2), rule("macs", -1), rule("E // 2 + N", 1)
    ('2 more for each output element', '1 less for each multiply-add', '1 more for each of E // 2 + N')
    """
    unit = QUANTITIES.get(text, f"of {text}")
    return f"{abs(weight)} {'more' if weight > 0 else 'less'} for each {unit}"


def _merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Join the steps of several ops that count multiply-adds twice, and sort all by their amount."""
    twice = rule("macs", 1)
    doubled = [step for step in steps if step.rule == twice]
    others = [step for step in steps if step.rule != twice]
    if len(doubled) > 1:
        doubled = [Step(ALL, twice, sum(step.amount for step in doubled), sum(step.layers for step in doubled))]
    return tuple(sorted([*doubled, *others], key=lambda step: -abs(step.amount)))
