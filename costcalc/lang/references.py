"""Names of layers in `from`, `share` and `output`: paths, whose numbers may be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError
from costcalc.lang.names import LayerValue, follow
from costcalc.lang.template import located
from costcalc.notation import show

if TYPE_CHECKING:
    from costcalc.lang.names import NameEntry
    from costcalc.lang.template import Cell, Env, Reference

_SEGMENT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def entry_of(reference: Reference, env: Env) -> NameEntry:
    """Return what a name refers to. Raises `SpecError`."""
    steps = [step if isinstance(step, str) else _number(step, env) for step in reference.steps]
    try:
        if not reference.variable:
            assert env.scope is not None
            return env.scope.find(steps, env.previous)
        value = env.names[steps[0]]
        assert isinstance(value, LayerValue)
        return follow(value.entry, steps)
    except CostcalcError as error:
        raise located(error, reference.span) from None


def _number(cell: Cell, env: Env) -> str:
    value = cell.get(env)
    if type(value) is bool or not hasattr(value, "__index__"):
        error = CostcalcError("expected the number of a copy or an output, got {}", show(value))
        raise located(error, cell.node.span)
    return str(value.__index__())


def path_of(text: str) -> list[tuple[str, int]] | None:
    """Return the steps of a path with their offsets; a computed step keeps its brackets. None for another text.

    >>> path_of("enc[3 - i].conv")
    [('enc', 0), ('[3 - i]', 3), ('conv', 11)]
    >>> path_of("x.*"), path_of("3 - i")
    ([('x', 0), ('*', 2)], None)
    """
    steps: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        start = at
        if text[at] == "[" and steps:
            depth = 0
            while at < len(text):
                depth += (text[at] == "[") - (text[at] == "]")
                at += 1
                if not depth:
                    break
            if depth or not text[start + 1 : at - 1].strip():
                return None
        else:
            start += bool(steps)
            if steps and text[at] != ".":
                return None
            at = start
            if steps and text.startswith("*", at):
                at += 1
            else:
                while at < len(text) and text[at] in _SEGMENT:
                    at += 1
            if at == start:
                return None
        steps.append((text[start:at], start))
    return steps or None
