"""The meaning of the axes of each tensor in a network: channels, height and width, or steps and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.formula import channels_first
from costcalc.model import Tensor

if TYPE_CHECKING:
    from costcalc.model import Network

Axes = tuple[str, ...]
"""The names of a tensor's axes, or an empty tuple if they are unknown."""


def layouts(network: Network) -> dict[Tensor, Axes]:
    """Return the axes of every tensor, as far as they follow from the ops.

    An input of three or four dimensions is assumed to be an image or a volume in channels-first layout. Ops keep,
    reorder or lose the axes. The input of an op that requires channels first has this layout.
    """
    known: dict[Tensor, Axes] = {}
    for number, shape in enumerate(network.inputs.values()):
        known[Tensor(-1 - number, 0, shape)] = channels_first(len(shape)) if len(shape) > 2 else ()
    for layer in network.layers:
        if layer.op.channels_first:
            known.update({tensor: channels_first(len(tensor.shape)) for tensor in layer.inputs if not known[tensor]})
        for output in layer.tensors:
            axes = {layer.op.layout(known[tensor], len(output.shape)) for tensor in layer.inputs} - {()}
            known[output] = axes.pop() if len(axes) == 1 else ()
    return known
