"""The meaning of the axes of each tensor in a network: channels, height and width, or steps and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.formula import channels_first
from costcalc.model import Tensor
from costcalc.ops.shapes import token_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.model import Layer, Network

Axes = tuple[str, ...]
"""The names of a tensor's axes, or an empty tuple if they are unknown."""


def input_axes(network: Network) -> dict[Tensor, Axes]:
    """Return the axes of the inputs.

    An input of three or four dimensions is assumed to be an image or a volume in channels-first layout, and one with
    the name `tokens` to be steps and features.
    """
    known: dict[Tensor, Axes] = {}
    for number, (name, shape) in enumerate(network.inputs.items()):
        axes = token_axes(len(shape)) if name == "tokens" and len(shape) > 1 else ()
        known[Tensor(-1 - number, 0, shape)] = axes or (channels_first(len(shape)) if len(shape) > 2 else ())
    return known


def layouts(network: Network) -> dict[Tensor, Axes]:
    """Return the axes of every tensor, as far as they follow from the ops.

    Ops keep, reorder or lose the axes. The input of an op that requires channels first has this layout.
    """
    known = input_axes(network)
    for layer in network.layers:
        if layer.op.channels_first:
            known.update({tensor: channels_first(len(tensor.shape)) for tensor in layer.inputs if not known[tensor]})
        for output in layer.tensors:
            known[output] = output_axes(layer, output, known)
    return known


def output_axes(layer: Layer, output: Tensor, known: Mapping[Tensor, Axes]) -> Axes:
    """Return the axes of an output that follow from those of the inputs, if these agree."""
    names = {layer.op.layout(known[tensor], len(output.shape)) for tensor in layer.inputs} - {()}
    return names.pop() if len(names) == 1 else ()
