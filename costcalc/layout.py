"""The meaning of the axes of each tensor in a network: channels, height and width, or steps and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.formula import channels_first
from costcalc.model import Tensor
from costcalc.ops.shapes import token_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.formula import Shape
    from costcalc.model import Layer, Network

Axes = tuple[str, ...]
"""The names of a tensor's axes, or an empty tuple if they are unknown."""


def input_axes(inputs: Mapping[str, Shape]) -> dict[Tensor, Axes]:
    """Return the axes of the inputs.

    An input of three or four dimensions is assumed to be an image or a volume in channels-first layout, and one with
    the name `tokens` to be steps and features.
    """
    known: dict[Tensor, Axes] = {}
    for number, (name, shape) in enumerate(inputs.items()):
        axes = token_axes(len(shape)) if name == "tokens" and len(shape) > 1 else ()
        known[Tensor(-1 - number, 0, shape)] = axes or (channels_first(len(shape)) if len(shape) > 2 else ())
    return known


def layouts(network: Network) -> dict[Tensor, Axes]:
    """Return the axes of every tensor, as far as they follow from the ops.

    Ops keep, reorder or lose the axes. The input of an op that requires channels first has this layout.
    """
    known = input_axes(network.inputs)
    for layer in network.layers:
        if layer.op.channels_first and layer.op.features_axis() == 0:
            known.update({tensor: channels_first(len(tensor.shape)) for tensor in layer.inputs if not known[tensor]})
        for output in layer.tensors:
            known[output] = output_axes(layer, output, known)
    return known


class ForwardAxes:
    """The axes of the tensors of a network under construction, as far as they follow from the layers before.

    An op on the last axis reads and writes steps and features.
    """

    def __init__(self, inputs: Mapping[str, Shape], layers: Sequence[Layer]) -> None:
        self._inputs = list(input_axes(inputs).values())
        self._layers = layers
        self._known: list[tuple[Axes, ...]] = []

    def __getitem__(self, tensor: Tensor) -> Axes:
        """Return the axes of a tensor of the layers so far."""
        if tensor.layer < 0:
            return self._inputs[-1 - tensor.layer]
        for layer in self._layers[len(self._known) : tensor.layer + 1]:
            self._known.append(tuple([self._output(layer, output) for output in layer.tensors]))
        return self._known[tensor.layer][tensor.port]

    def _output(self, layer: Layer, output: Tensor) -> Axes:
        axes = output_axes(layer, output, self)
        unknown = not axes and len(output.shape) > 1 and layer.op.features_axis() == -1
        return token_axes(len(output.shape)) if unknown else axes


def output_axes(layer: Layer, output: Tensor, known: Mapping[Tensor, Axes] | ForwardAxes) -> Axes:
    """Return the axes of an output that follow from those of the inputs, if these agree."""
    names = {layer.op.layout(known[tensor], len(output.shape)) for tensor in layer.inputs} - {()}
    return names.pop() if len(names) == 1 else ()
