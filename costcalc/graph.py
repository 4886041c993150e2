"""Draws a network: tensors are boxes, ops are arrows, blocks and branches are frames around boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.analysis import totals
from costcalc.errors import UsageError, suggest
from costcalc.layout import layouts
from costcalc.model import COUNTS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.formula import Shape
    from costcalc.model import Layer, Network, Tensor

FEW = 20
"""The most parts of a picture with the default depth, which fit on a page."""
WIDE = 6
"""The longest path, in arrows, that is drawn from left to right by default."""
DIRECTIONS = ("LR", "TB")
HEATS = tuple([name for name in COUNTS if name != "layers"])
"""The figures that can colour boxes."""

Path = tuple[str, ...]
Inside = dict[int | None, tuple[list[int], list[int]]]
"""Indices of boxes and of frames, keyed by the frame around them."""


class TensorBox(NamedTuple):
    """A tensor, or an output of a folded part of the network.

    `shape` is the text that `dims` returns. `lines` are above it: the name of an input or, if `joined`, the op
    that joins several tensors into this one. `frame` is the index of the innermost frame in `NetworkPicture.frames`.
    `share` is the cost of the layers that compute the tensor, as a fraction of the total. It is None if another output
    of the same layers has it.
    """

    shape: str
    lines: tuple[str, ...] = ()
    joined: bool = False
    frame: int | None = None
    share: float | None = None


class Arrow(NamedTuple):
    """An op between two boxes, which are indices into `NetworkPicture.boxes`. `lines` are the text of the arrow."""

    source: int
    target: int
    lines: tuple[str, ...] = ()


class BlockFrame(NamedTuple):
    """A block, a group or a branch. `parent` is the index of the frame around it."""

    title: str
    parent: int | None = None


class NetworkPicture(NamedTuple):
    """The boxes, arrows and frames of a network.

    `heat` is the figure whose shares colour the boxes, and `total` its sum. `heat` is empty if no figure is requested,
    or the sum is 0. `direction` is one of `DIRECTIONS`: left to right, or top to bottom.
    """

    title: str
    direction: str
    boxes: tuple[TensorBox, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[BlockFrame, ...]
    heat: str = ""
    total: int = 0

    def inside(self) -> Inside:
        """Return the boxes and frames in each frame, and outside of all frames under None."""
        inside: Inside = {index: ([], []) for index in (None, *range(len(self.frames)))}
        for index, box in enumerate(self.boxes):
            inside[box.frame][0].append(index)
        for index, frame in enumerate(self.frames):
            inside[frame.parent][1].append(index)
        return inside


class _Part(NamedTuple):
    """Layers that are drawn as one arrow: an op with its norm and act, or all layers below a name."""

    path: Path
    indices: list[int]
    inputs: dict[Tensor, None]
    outputs: dict[Tensor, None]


def draw(network: Network, *, depth: int | None = None, heat: str = "", direction: str = "") -> NetworkPicture:
    """Return the picture of a network.

    Layers with the same first `depth` segments of their names are one arrow. The default is the largest depth with at
    most `FEW` parts. `heat` is one of `HEATS`. By default, short networks are drawn from left to right and long ones
    from top to bottom. Raises `UsageError` for an unknown `heat`.
    """
    if heat and heat not in HEATS:
        raise UsageError("unknown cost {}", heat, help=suggest(heat, HEATS))
    parts = _parts(network, _default_depth(network) if depth is None else depth)
    frames = _frames([part.path for part in parts])
    numbers = {path: number for number, path in enumerate(frames)}
    axes = layouts(network)
    inputs = zip(network.inputs, [tensor for tensor in axes if tensor.layer < 0], strict=True)
    boxes = [TensorBox(dims(tensor.shape, axes[tensor]), (name,)) for name, tensor in inputs]
    box_of = {tensor: -1 - tensor.layer for part in parts for tensor in part.inputs if tensor.layer < 0}
    costs = [getattr(totals(layer), heat) for layer in network.layers] if heat else []
    total = sum(costs)
    arrows: list[Arrow] = []
    for part in parts:
        lines = _caption(network, part)
        joins = len(part.inputs) > 1
        share: float | None = sum([costs[index] for index in part.indices]) / total if total else None
        frame = _innermost(part.path[:-1], numbers)
        for tensor in part.outputs:
            box_of[tensor] = len(boxes)
            boxes.append(TensorBox(dims(tensor.shape, axes[tensor]), lines if joins else (), joins, frame, share))
            arrows += [Arrow(box_of[source], box_of[tensor], () if joins else lines) for source in part.inputs]
            share = None
    titled = [
        BlockFrame(_title(path, len(parent or ())), None if parent is None else numbers[parent])
        for path, parent in frames.items()
    ]
    direction = direction or DIRECTIONS[_longest_path(arrows) > WIDE]
    return NetworkPicture(
        network.name, direction, tuple(boxes), tuple(arrows), tuple(titled), heat if total else "", total
    )


def dims(shape: Shape, axes: Sequence[str] = ()) -> str:
    """Format a shape, with the channels of images and volumes last. Shapes with unknown axes are a list.

    >>> dims((192, 28, 28), ("C", "H", "W")), dims((28, 28, 192), ("H", "W", "C")), dims((12, 197, 64))
    ('28x28x192', '28x28x192', '[12, 197, 64]')
    >>> dims((197, 768)), dims(())
    ('197x768', '1')
    """
    if len(shape) > 2 and not axes:
        return str(list(shape))
    drawn = (*shape[1:], shape[0]) if len(shape) > 2 and axes[0] == "C" else shape
    return "x".join(map(str, drawn)) or "1"


def _longest_path(arrows: Iterable[Arrow]) -> int:
    """Return the length of the longest path, in arrows. Arrows are in topological order."""
    far: dict[int, int] = {}
    for arrow in arrows:
        far[arrow.target] = max(far.get(arrow.target, 0), far.get(arrow.source, 0) + 1)
    return max(far.values(), default=0)


def _default_depth(network: Network) -> int:
    """Return the largest depth with at most `FEW` parts, or 1."""
    most = max([len(layer.name.split(".")) for layer in network.layers], default=1)
    for depth in range(most, 1, -1):
        if len(_paths(network, depth)[1]) <= FEW:
            return depth
    return 1


def _paths(network: Network, depth: int) -> tuple[list[Path], dict[Path, list[int]]]:
    """Return the part of each layer, and the layers of each part. A norm or act belongs to the part of its host."""
    paths: list[Path] = []
    members: dict[Path, list[int]] = {}
    for index, layer in enumerate(network.layers):
        path = tuple(layer.name.split(".")[:depth]) if layer.host is None else paths[layer.host]
        paths.append(path)
        members.setdefault(path, []).append(index)
    return paths, members


def _parts(network: Network, depth: int) -> list[_Part]:
    """Return the parts in network order. A part that no other part and no output reads has its last layer's outputs."""
    paths, members = _paths(network, depth)
    parts = {path: _Part(path, indices, {}, {}) for path, indices in members.items()}
    taken: Iterable[tuple[Path | None, Tensor]] = [
        (path, tensor) for path, layer in zip(paths, network.layers, strict=True) for tensor in layer.inputs
    ]
    for path, tensor in [*taken, *((None, tensor) for tensor in network.outputs.values())]:
        maker = paths[tensor.layer] if tensor.layer >= 0 else None
        if path == maker:
            continue
        if path is not None:
            parts[path].inputs[tensor] = None
        if maker is not None:
            parts[maker].outputs[tensor] = None
    for part in parts.values():
        if not part.outputs:
            part.outputs.update(dict.fromkeys(network.layers[part.indices[-1]].tensors))
    return list(parts.values())


def _caption(network: Network, part: _Part) -> tuple[str, ...]:
    """Return the lines for an op and its followers, or for the name and the size of a folded part."""
    first, *others = [network.layers[index] for index in part.indices]
    if all(layer.host is not None for layer in others):
        followed = " · ".join([layer.op.caption(_rank(layer)) for layer in others])
        caption = first.op.caption(_rank(first))
        return (caption, followed) if followed else (caption,)
    return _title(part.path, 0), f"{len(part.indices):,} layers"


def _rank(layer: Layer) -> int:
    return len(layer.inputs[0].shape) - 1 if layer.inputs else 0


def _frames(paths: Sequence[Path]) -> dict[Path, Path | None]:
    """Return the frames around parts, outer ones first, each with its parent.

    A frame around a single frame, or around a single copy of a loop, is omitted.
    """
    inside: dict[Path, dict[Path, None]] = {}
    for path in paths:
        for length in range(1, len(path)):
            inside.setdefault(path[:length], {})[path[: length + 1]] = None
    parts = {path for path in paths if not path[-1].isdigit()}
    kept = {path for path, members in inside.items() if len(members) > 1 or not parts.isdisjoint(members)}
    frames: dict[Path, Path | None] = {}
    for path in inside:
        if path in kept:
            frames[path] = next((path[:end] for end in range(len(path) - 1, 0, -1) if path[:end] in kept), None)
    return frames


def _innermost(path: Path, numbers: Mapping[Path, int]) -> int | None:
    return next((numbers[path[:end]] for end in range(len(path), 0, -1) if path[:end] in numbers), None)


def _title(path: Path, shown: int) -> str:
    """Return the name without the segments that outer frames show. A number is never the first segment."""
    start = min(shown, len(path) - 1)
    while start and path[start].isdigit():
        start -= 1
    return ".".join(path[start:])
