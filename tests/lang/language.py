"""Helpers for tests of the language: short specs, networks and faults."""

from __future__ import annotations

from textwrap import dedent, indent

import costcalc
from costcalc.errors import CostcalcError, SpecError


def spec(layers: str, input: str = "[16, 8, 8]", head: str = "") -> str:
    """Return a spec with these layers."""
    body = indent(dedent(layers).strip("\n"), "  ")
    return f"{dedent(head).lstrip()}input: {input}\nlayers:\n{body}\n"


def load(layers: str, input: str = "[16, 8, 8]", head: str = "", **params):
    return costcalc.loads(spec(layers, input, head), **params)


def paths(network) -> list[str]:
    return [layer.name for layer in network.layers]


def wiring(network) -> list[str]:
    """Return each layer as `name < inputs`. A layer with several outputs has the number of the output."""

    def origin(tensor):
        if tensor.layer < 0:
            return list(network.inputs)[-1 - tensor.layer]
        layer = network.layers[tensor.layer]
        return f"{layer.name}.{tensor.port}" if len(layer.outputs) > 1 else layer.name

    return [f"{layer.name} < {' '.join(map(origin, layer.inputs))}" for layer in network.layers]


def shape(network) -> list[int]:
    """Return the shape of the last output."""
    return list(network.layers[-1].outputs[-1])


def params(network) -> int:
    return costcalc.analyze(network).totals.params


def faults(text: str, **values):
    """Return the faults of a spec."""
    try:
        costcalc.loads(dedent(text), **values)
    except SpecError as error:
        return error.faults
    except CostcalcError as error:
        return (error.fault(),)
    raise AssertionError("no fault")


def fault(text: str, **values):
    """Return the only fault of a spec."""
    (found,) = faults(text, **values)
    return found
