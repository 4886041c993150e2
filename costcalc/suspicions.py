"""Places where a network probably differs from what its writer meant.

Nothing here depends on a particular op: an op says which axis it takes for the features (`Op.features_axis`), and
`costcalc.layout` which axis has them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from costcalc.formula import channels_first
from costcalc.layout import input_axes, output_axes
from costcalc.model import SUSPICIONS, Suspicion
from costcalc.ops.shapes import token_axes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costcalc.formula import Shape
    from costcalc.layout import Axes
    from costcalc.model import Layer, Network, Tensor
    from costcalc.ops.base import Op

AXIS, INPUT, UNREAD, _ = SUSPICIONS
MOST = 20
"""The most suspicions that are reported for a rule. More of them mostly have one cause."""
FEW, MANY = 4, 16
"""The most channels of an image, and the fewest positions along one of its sides, for a guess about an input's axes."""


def suspicions(network: Network) -> tuple[Suspicion, ...]:
    """Return the suspicions about a network, except those that its spec allows."""
    found: list[Suspicion] = []
    for suspected in (_inputs(network), _axes(network), _unread(network), network.remarks):
        meant = (each for each in suspected if {(each.rule, None), (each.rule, each.span)}.isdisjoint(network.allowed))
        found += islice(_once(meant), MOST)
    return tuple(found)


def _once(suspected: Iterable[Suspicion]) -> Iterator[Suspicion]:
    """Yield one suspicion for each place of the spec, whatever the number of layers that are built there."""
    seen: set[tuple[str, object]] = set()
    for each in suspected:
        place = each.rule, each.span or each.name
        if place not in seen:
            seen.add(place)
            yield each


def _inputs(network: Network) -> Iterator[Suspicion]:
    for name, shape in network.inputs.items():
        found = ("", "")
        if len(shape) == 3 and shape[2] <= FEW < MANY <= min(shape[:2]):
            found = "an image with its channels last", f"write {[shape[2], *shape[:2]]}: channels come first"
        if len(shape) == 4 and shape[1] <= FEW < MANY <= min(shape[2:]) and not FEW >= shape[0] > 1:
            help = f"write {list(shape[1:])}, and give the batch with --batch {shape[0]}"
            found = "images with a batch in front", help
        what, help = found
        if what:
            message = f"{name} {list(shape)} looks like {what}"
            yield Suspicion(INPUT, name, message, help, network.places.get(name))


def _unread(network: Network) -> Iterator[Suspicion]:
    read = {(tensor.layer, tensor.port) for layer in network.layers for tensor in layer.inputs}
    read |= {(tensor.layer, tensor.port) for tensor in network.outputs.values()}
    for number, name in enumerate(network.inputs):
        if (-1 - number, 0) not in read:
            message, help = f"nothing reads the input {name}", f"write from: {name} at a layer, or remove it"
            yield Suspicion(UNREAD, name, message, help, network.places.get(name))
    for layer in network.layers:
        if layer.op.arity[1] == 0:
            continue  # a learned tensor may enter nothing
        unread = [tensor.port for tensor in layer.tensors if (tensor.layer, tensor.port) not in read]
        if unread:
            which = "the output" if len(layer.tensors) == 1 else f"output {', '.join(map(str, unread))}"
            help = f"read it with from: {layer.name}, or name it in output:"
            yield Suspicion(UNREAD, layer.name, f"nothing reads {which} of {layer.name}", help, layer.span)


def _axes(network: Network) -> Iterator[Suspicion]:
    known = _refined(network)
    for layer in network.layers:
        taken = layer.op.features_axis()
        if taken is None:
            continue
        for tensor in dict.fromkeys(layer.inputs):
            rank, names = len(tensor.shape), known[tensor]
            if rank < 2:
                continue
            features = _features(names)
            if features is not None and features != taken % rank:
                yield _wrong_axis(layer, tensor.shape, features, taken)
                break
            if not names and rank == 2 and taken == 0 and _is_free(layer.op, rank):
                yield _open_axis(layer, tensor.shape)
                break


def _is_free(op: Op, rank: int) -> bool:
    """Return whether an op has no window that says which axes are positions."""
    return op.pointwise or not op.channels_first or not 2 <= rank <= 4 or op.footprint(rank - 1) is None


def _wrong_axis(layer: Layer, shape: Shape, features: int, taken: int) -> Suspicion:
    axis = taken % len(shape)
    what = "channels" if taken == 0 else "features"
    message = f"{layer.op.name} takes axis {axis} of {list(shape)} for the {what}; they are axis {features}"
    if taken == 0:
        order = [features, *[place for place in range(len(shape)) if place != features]]
        own_axis = "axis" in layer.op.fields and features == len(shape) - 1
        help = f"write permute: {order} before it" + (", or its axis: -1" if own_axis else "")
    else:
        order = [place for place in range(len(shape)) if place != features]
        help = f"write flatten before it, or permute: {[*order, features]}"
    return Suspicion(AXIS, layer.name, message, help, layer.span)


def _open_axis(layer: Layer, shape: Shape) -> Suspicion:
    message = f"{layer.op.name} takes axis 0 of {list(shape)} for the channels, and axis 1 for the positions"
    help = "name the input tokens if its axes are steps and features" + (
        ", or write axis: -1" if "axis" in layer.op.fields else ", and write permute: [1, 0] before this layer"
    )
    return Suspicion(AXIS, layer.name, message, help, layer.span)


def _features(names: Axes) -> int | None:
    """Return the place of the axis of channels or features.

    >>> _features(("C", "D", "H", "W")), _features(("T", "D")), _features(())
    (0, 1, None)
    """
    return next((names.index(name) for name in ("C", "D") if name in names), None)


def _refined(network: Network) -> dict[Tensor, Axes]:
    """Return the axes of all tensors as `layouts` does, but an op without a window proves nothing about its input.

    An op that takes the last axis for the features reads and writes steps and features. Ops that keep the axes pass
    this on in both directions.
    """
    known = input_axes(network.inputs)
    for layer in network.layers:
        taken = layer.op.features_axis()
        for tensor in layer.inputs:
            known[tensor] = known[tensor] or _proven(layer.op, taken, len(tensor.shape))
        if not layer.inputs:
            known.update(dict.fromkeys(layer.tensors, ()))
            continue
        first = known[layer.inputs[0]]
        unproven = layer.op.channels_first and _is_free(layer.op, len(layer.inputs[0].shape)) and not first
        for tensor in layer.tensors:
            names = () if unproven else output_axes(layer, tensor, known)
            if layer.op.channels_first and _features(first) not in (None, 0) and len(first) == len(tensor.shape):
                names = first  # a wrong reading does not move the features, and is one suspicion
            known[tensor] = names or (_proven(layer.op, taken, len(tensor.shape)) if taken == -1 else ())
    for layer in reversed(network.layers):
        if _keeps_axes(layer):
            names = next((known[output] for output in layer.tensors if known[output]), ())
            known.update({t: names for t in layer.inputs if not known[t] and len(t.shape) == len(names)})
    return known


def _proven(op: Op, taken: int | None, rank: int) -> Axes:
    """Return the axes that the input of an op must have."""
    if taken == -1:
        return token_axes(rank) if rank > 1 else ()
    return channels_first(rank) if op.channels_first and not _is_free(op, rank) else ()


def _keeps_axes(layer: Layer) -> bool:
    """Return whether the axes of the outputs mean what those of the inputs do."""
    return not layer.op.channels_first and (layer.op.pointwise or layer.op.features_axis() == 0)
