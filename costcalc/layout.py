"""What the axes of each tensor of a network are: channels, height, width; steps, features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.formula import channels_first
from costcalc.model import Tensor

if TYPE_CHECKING:
    from costcalc.model import Network

Axes = tuple[str, ...]
"""The names of a tensor's axes; none where they are not known."""


def layouts(network: Network) -> dict[Tensor, Axes]:
    """The axes of every tensor, as far as they follow from the ops.

    An input of three or four dimensions is an image or a volume, the channels first. From there on, ops keep axes,
    order them anew, or lose track of them; and what an op takes for channels first is so.
    """
    known: dict[Tensor, Axes] = {}
    for number, shape in enumerate(network.inputs.values()):
        known[Tensor(-1 - number, 0, shape)] = channels_first(len(shape)) if len(shape) > 2 else ()
    for place, layer in enumerate(network.layers):
        if layer.op.channels_first:
            known.update({tensor: channels_first(len(tensor.shape)) for tensor in layer.inputs if not known[tensor]})
        for port, shape in enumerate(layer.outputs):
            said = {layer.op.layout(known[tensor], len(shape)) for tensor in layer.inputs} - {()}
            known[Tensor(place, port, shape)] = said.pop() if len(said) == 1 else ()
    return known
