"""Writes a network as a spec: a flat list of named layers, without blocks, defaults, loops and expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError
from costcalc.notation import written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.formula import Dim, Shapes
    from costcalc.model import Layer, Network, Tensor
    from costcalc.ops.base import Op


def write(network: Network) -> str:
    """Return a network as a spec of the same cost. The path of a layer becomes its name, with `-` instead of dots.

    Raises `CostcalcError` for a layer that shares some of its tensors only, as in a model from elsewhere: `share` is of
    all of them.
    """
    _check(network)
    return _Writer(network).text()


def _check(network: Network) -> None:
    """Raise `CostcalcError` if a layer has other parameters than its op and `share` say."""
    shared = network.shared()
    known: dict[tuple[Op, Shapes], Dim] = {}
    for index, layer in enumerate(network.layers):
        key = layer.op, tuple([tensor.shape for tensor in layer.inputs])
        if index in shared:
            continue
        if key not in known:
            known[key] = layer.op.cost(key[1], layer.outputs).params.value
        if known[key] != layer.cost.params.value:
            help = "a spec can share all tensors of a layer only"
            raise CostcalcError("{} has some of its stored tensors from other layers", layer.name, help=help)


class _Writer:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.inputs = list(network.inputs)
        self.shared = network.shared()
        self.followers = _followers(network)
        self.hidden = {index for chain in self.followers.values() for index in chain}
        self.names: dict[int, str] = {}
        """The name of each written layer, also for the layers written as its norm and act."""
        taken = {*self.inputs, "prev", "input"}
        for index, layer in enumerate(network.layers):
            if index not in self.hidden:
                name = _unique(layer.name.replace(".", "-"), taken)
                for part in (index, *self.followers.get(index, ())):
                    self.names[part] = name

    def text(self) -> str:
        network = self.network
        lines = [f"name: {quoted(network.name)}"]
        if network.description:
            lines.append(f"description: {quoted(network.description)}")
        if network.source:
            lines.append(f"source: {quoted(network.source)}")
        if any(network.formats):
            lines.append(f"dtype: {network.formats}")
        shapes = {name: written(shape) for name, shape in network.inputs.items()}
        if self.inputs == ["input"]:
            lines.append(f"input: {shapes['input']}")
        else:
            lines.append("input:")
            lines.extend(f"  {name}: {shape}" for name, shape in shapes.items())
        lines.append("layers:" if network.layers else "layers: []")
        previous: tuple[int, int] | None = (-1, 1) if len(self.inputs) == 1 else None
        for index, layer in enumerate(network.layers):
            if index in self.hidden:
                continue
            lines.extend(self.item(index, layer, previous))
            last = self.followers.get(index, (index,))[-1]
            previous = (last, len(network.layers[last].outputs))
        lines.extend(self.outputs(previous))
        return "\n".join(lines) + "\n"

    def item(self, index: int, layer: Layer, previous: tuple[int, int] | None) -> list[str]:
        arguments = [f"{name}: {written(value)}" for name, value in given(layer.op).items()]
        for role, follower in zip(self.roles(index), self.followers.get(index, ()), strict=True):
            arguments.append(f"{role}: {called(self.network.layers[follower].op)}")
        head = f"  - {layer.op.name}:" + (f" {{{', '.join(arguments)}}}" if arguments else "")
        lines = [head, f"    name: {self.names[index]}"]
        sources = [self.reference(tensor) for tensor in layer.inputs]
        if [(tensor.layer, tensor.port) for tensor in layer.inputs] != _whole(previous):
            lines.append(f"    from: {sources[0] if len(sources) == 1 else '[' + ', '.join(sources) + ']'}")
        if any(layer.formats):
            lines.append(f"    dtype: {layer.formats}")
        if index in self.shared:
            lines.append(f"    share: {self.names[self.shared[index]]}")
        return lines

    def roles(self, index: int) -> tuple[str, ...]:
        chain = self.followers.get(index, ())
        if len(chain) == 1:
            return ("act",) if self.network.layers[chain[0]].op.role == "act" else ("norm",)
        return ("norm", "act")[: len(chain)]

    def reference(self, tensor: Tensor) -> str:
        if tensor.layer < 0:
            return self.inputs[-1 - tensor.layer]
        name = self.names[tensor.layer]
        return f"{name}.{tensor.port}" if len(self.network.layers[tensor.layer].outputs) > 1 else name

    def outputs(self, previous: tuple[int, int] | None) -> Iterable[str]:
        tensors = list(self.network.outputs.values())
        if tensors and [(tensor.layer, tensor.port) for tensor in tensors] != _whole(previous):
            names = [self.reference(tensor) for tensor in tensors]
            yield f"output: {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}"


def _whole(previous: tuple[int, int] | None) -> list[tuple[int, int]]:
    """Return the inputs of a layer without `from`: all outputs of the layer before."""
    return [] if previous is None else [(previous[0], port) for port in range(previous[1])]


def _followers(network: Network) -> dict[int, tuple[int, ...]]:
    """Return the layers that can be written as norm and act of another: a chain that no other layer reads from.

    If the network shares weights, each layer is written separately, because `share` includes the norm of a layer.
    """
    layers = network.layers
    if network.shared():
        return {}
    uses: dict[int, int] = {}
    for layer in layers:
        for tensor in layer.inputs:
            uses[tensor.layer] = uses.get(tensor.layer, 0) + 1
    for tensor in network.outputs.values():
        uses[tensor.layer] = uses.get(tensor.layer, 0) + 1
    chains: dict[int, tuple[int, ...]] = {}
    for index, layer in enumerate(layers):
        host = layer.host
        if host is None:
            continue
        chain = chains.get(host, ())
        before = chain[-1] if chain else host
        if layer.inputs[0].layer == before and uses[before] == 1 and len(chain) < 2:
            chains[host] = (*chain, index)
    return chains


def given(op: Op) -> dict[str, object]:
    """Return the arguments that differ from their defaults."""
    return {name: value for name, value in op.arguments.items() if op.defaults.get(name, op) != value}


def called(op: Op) -> str:
    """Return an op as a value: `relu`, or `{groupnorm: {groups: 32}}`."""
    arguments = given(op)
    if not arguments:
        return op.name
    return f"{{{op.name}: {{{', '.join(f'{name}: {written(value)}' for name, value in arguments.items())}}}}}"


def quoted(text: str) -> str:
    """Return a text as a YAML scalar: plain if possible, else in double quotes."""
    import json
    import re

    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", text) and text not in ("true", "false", "null"):
        return text
    return json.dumps(text)


def _unique(name: str, taken: set[str]) -> str:
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    taken.add(unique)
    return unique
