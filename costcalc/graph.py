"""A network as a picture: tensors are boxes, ops are arrows, blocks and branches are frames around boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.analysis import totals
from costcalc.errors import UsageError, suggest
from costcalc.layout import layouts
from costcalc.model import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.formula import Shape
    from costcalc.model import Layer, Network, Tensor

FEW = 20
"""Where no depth is given, a picture is as deep as so many ops and folded parts allow: what fits on a page."""
WIDE = 6
"""Where no direction is given, a picture goes from left to right up to so many arrows in a row, else downwards."""
DIRECTIONS = ("LR", "TB")
HEATS = tuple([name for name in METRICS if name != "layers"])
"""The figures that boxes can be coloured by."""

Path = tuple[str, ...]
Inside = dict[int | None, tuple[list[int], list[int]]]
"""Places of boxes and of frames, by the frame that they stand in."""


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
    """What makes one box of another, in a few words a line. The boxes by their places in `NetworkPicture.boxes`."""

    source: int
    target: int
    lines: tuple[str, ...] = ()


class BlockFrame(NamedTuple):
    """A block, a group or a branch; `parent` is the frame around it."""

    title: str
    parent: int | None = None


class NetworkPicture(NamedTuple):
    """Boxes, arrows and frames.

    `heat` is the cost that boxes have shares of, and `total` all of it; empty where nothing is asked for, or nothing
    costs any. `direction` is one of `DIRECTIONS`: from left to right, or from top to bottom.
    """

    title: str
    direction: str
    boxes: tuple[TensorBox, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[BlockFrame, ...]
    heat: str = ""
    total: int = 0

    def inside(self) -> Inside:
        """The places of the boxes and of the frames that stand in each frame; under None, those in no frame."""
        found: Inside = {place: ([], []) for place in (None, *range(len(self.frames)))}
        for place, box in enumerate(self.boxes):
            found[box.frame][0].append(place)
        for place, frame in enumerate(self.frames):
            found[frame.parent][1].append(place)
        return found


class _Part(NamedTuple):
    """Layers that are drawn as one: an op with its norm and act, or everything below a name."""

    path: Path
    places: list[int]
    takes: dict[Tensor, None]
    gives: dict[Tensor, None]


def draw(network: Network, *, depth: int | None = None, heat: str = "", direction: str = "") -> NetworkPicture:
    """The picture of a network.

    What lies below `depth` segments of its name is one arrow; where nothing is said, the picture is as deep as `FEW`
    parts allow. `heat` is one of `HEATS`; raises `UsageError` otherwise. Without a direction, short networks go from
    left to right and long ones from top to bottom.
    """
    if heat and heat not in HEATS:
        raise UsageError("no such cost: {}", heat, help=suggest(heat, HEATS))
    parts = _parts(network, _deepest(network) if depth is None else depth)
    frames = _frames([part.path for part in parts])
    numbers = {path: number for number, path in enumerate(frames)}
    axes = layouts(network)
    inputs = zip(network.inputs, [tensor for tensor in axes if tensor.layer < 0], strict=True)
    boxes = [TensorBox(dims(tensor.shape, axes[tensor]), (name,)) for name, tensor in inputs]
    where = {tensor: -1 - tensor.layer for part in parts for tensor in part.takes if tensor.layer < 0}
    costs = [getattr(totals(layer), heat) for layer in network.layers] if heat else []
    total = sum(costs)
    arrows: list[Arrow] = []
    for part in parts:
        said = _said(network, part)
        joins = len(part.takes) > 1
        share: float | None = sum([costs[place] for place in part.places]) / total if total else None
        frame = _innermost(part.path[:-1], numbers)
        for tensor in part.gives:
            where[tensor] = len(boxes)
            boxes.append(TensorBox(dims(tensor.shape, axes[tensor]), said if joins else (), joins, frame, share))
            arrows += [Arrow(where[source], where[tensor], () if joins else said) for source in part.takes]
            share = None
    titled = [
        BlockFrame(_title(path, len(parent or ())), None if parent is None else numbers[parent])
        for path, parent in frames.items()
    ]
    direction = direction or DIRECTIONS[_row(arrows) > WIDE]
    return NetworkPicture(
        network.name, direction, tuple(boxes), tuple(arrows), tuple(titled), heat if total else "", total
    )


def dims(shape: Shape, axes: Sequence[str] = ()) -> str:
    """A shape as papers draw it: the channels of images and volumes last; in the spec's order what may be neither.

    >>> dims((192, 28, 28), ("C", "H", "W")), dims((28, 28, 192), ("H", "W", "C")), dims((12, 197, 64))
    ('28x28x192', '28x28x192', '[12, 197, 64]')
    >>> dims((197, 768)), dims(())
    ('197x768', '1')
    """
    if len(shape) > 2 and not axes:
        return str(list(shape))
    drawn = (*shape[1:], shape[0]) if len(shape) > 2 and axes[0] == "C" else shape
    return "x".join(map(str, drawn)) or "1"


def _row(arrows: Iterable[Arrow]) -> int:
    """How many arrows the longest way from an input has. An arrow stands behind those that lead to its source."""
    far: dict[int, int] = {}
    for arrow in arrows:
        far[arrow.target] = max(far.get(arrow.target, 0), far.get(arrow.source, 0) + 1)
    return max(far.values(), default=0)


def _deepest(network: Network) -> int:
    """The largest depth with few parts, and 1 where there is none."""
    most = max([len(layer.name.split(".")) for layer in network.layers], default=1)
    for depth in range(most, 1, -1):
        if len(_paths(network, depth)[1]) <= FEW:
            return depth
    return 1


def _paths(network: Network, depth: int) -> tuple[list[Path], dict[Path, list[int]]]:
    """The part that each layer belongs to, and the layers of each part. A norm or act belongs to its layer's."""
    paths: list[Path] = []
    members: dict[Path, list[int]] = {}
    for place, layer in enumerate(network.layers):
        path = tuple(layer.name.split(".")[:depth]) if layer.host is None else paths[layer.host]
        paths.append(path)
        members.setdefault(path, []).append(place)
    return paths, members


def _parts(network: Network, depth: int) -> list[_Part]:
    """Parts in the order of the network. Each gives what others or the network take; else what its last layer does."""
    paths, members = _paths(network, depth)
    parts = {path: _Part(path, places, {}, {}) for path, places in members.items()}
    taken: Iterable[tuple[Path | None, Tensor]] = [
        (path, tensor) for path, layer in zip(paths, network.layers, strict=True) for tensor in layer.inputs
    ]
    for path, tensor in [*taken, *((None, tensor) for tensor in network.outputs.values())]:
        maker = paths[tensor.layer] if tensor.layer >= 0 else None
        if path == maker:
            continue
        if path is not None:
            parts[path].takes[tensor] = None
        if maker is not None:
            parts[maker].gives[tensor] = None
    for part in parts.values():
        if not part.gives:
            last = part.places[-1]
            part.gives.update(dict.fromkeys(_outputs(network.layers[last], last)))
    return list(parts.values())


def _outputs(layer: Layer, place: int) -> list[Tensor]:
    from costcalc.model import Tensor

    return [Tensor(place, port, shape) for port, shape in enumerate(layer.outputs)]


def _said(network: Network, part: _Part) -> tuple[str, ...]:
    """An op and what follows it, a line each; or the name of a folded part, and how much is in it."""
    first, *others = [network.layers[place] for place in part.places]
    if all(layer.host is not None for layer in others):
        followed = " · ".join([layer.op.caption(_rank(layer)) for layer in others])
        caption = first.op.caption(_rank(first))
        return (caption, followed) if followed else (caption,)
    return _title(part.path, 0), f"{len(part.places):,} layers"


def _rank(layer: Layer) -> int:
    return len(layer.inputs[0].shape) - 1


def _frames(paths: Sequence[Path]) -> dict[Path, Path | None]:
    """The frames that parts at these paths need, outer ones first, each with the one around it.

    A frame that would hold nothing but another, or but a single copy of a loop, is left out.
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


def _title(path: Path, said: int) -> str:
    """What no frame around says, and as much more as a bare number needs."""
    start = min(said, len(path) - 1)
    while start and path[start].isdigit():
        start -= 1
    return ".".join(path[start:])
