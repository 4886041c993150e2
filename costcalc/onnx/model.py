"""An ONNX model as a network."""

from __future__ import annotations

import re
from os.path import basename
from typing import TYPE_CHECKING, Any

from costcalc.engine import MAX_LAYERS
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest
from costcalc.foreign import NetworkWriter, StoredTensor, make, without_batch
from costcalc.onnx import wire
from costcalc.onnx.names import Paths
from costcalc.onnx.ops import op_of
from costcalc.onnx.run import FileError, NodeRow, Run, label, learned
from costcalc.onnx.values import NAMES, NodeError, UnknownShapeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.model import Network, Tensor
    from costcalc.ops import Op


def build(
    text: str,
    path: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Sequence[int]],
    max_layers: int | None = None,
) -> Network:
    """Return the network of a model. Raises `CostcalcError`.

    `text` is the model without its weights, a character for each byte. `params` are sizes of named dimensions.
    """
    buffer = text.encode("latin-1")
    try:
        model = wire.loads(buffer)
        sizes = {name: _size(name, value) for name, value in params.items()}
        run = Run(model, buffer, _shapes(model, path, inputs), sizes)
        for name in sizes:
            if name not in run.named:
                raise UsageError("unknown param {} of {}", name, path, help=suggest(name, run.named))
        return _OnnxWriter(path, run, max_layers or MAX_LAYERS, sizes).network()
    except (wire.MalformedError, IndexError, RecursionError) as error:
        raise fault(path, f"not an ONNX file: {error}") from None
    except FileError as error:
        raise fault(path, str(error), error.help) from None
    except NodeError as error:
        raise fault(path, str(error)) from None


def dimensions(text: str) -> dict[str, int | None]:
    """Return the named dimensions of the inputs, and their sizes where the file needs none: 1 for a batch."""
    try:
        graph = wire.loads(text.encode("latin-1")).graph
    except (wire.MalformedError, IndexError, RecursionError):
        return {}
    found: dict[str, int | None] = {}
    for value in graph.input:
        kind = value.type.tensor_type if value.type is not None else None
        for place, dim in enumerate(kind.shape.dim if kind is not None and kind.shape is not None else ()):
            if dim.dim_param and found.get(dim.dim_param) is None:
                found[dim.dim_param] = 1 if place == 0 else None
    return found


def _shapes(model: wire.Message, path: str, inputs: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """Return the given shapes by the names of the file; `input` is the only input."""
    stored = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in stored]
    if list(inputs) == ["input"] and len(names) == 1:
        return {names[0]: inputs["input"]}
    for name in inputs:
        if name not in names:
            raise UsageError("unknown input {} of {}", name, path, help=suggest(name, names))
    return dict(inputs)


def fault(path: str, message: str, help: str = "") -> SpecError:
    """Return the error of a file."""
    return SpecError([Fault(f"{path}: {message}", None, (), help)])


def _size(name: str, value: Any) -> int:
    try:
        size = int(value)
    except (TypeError, ValueError):
        size = 0
    if size < 1:
        raise UsageError("{}: expected an integer of at least 1, got {}", name, value)
    return size


class _OnnxWriter:
    """Writes the rows of a run as layers."""

    def __init__(self, path: str, run: Run, max_layers: int, sizes: Mapping[str, int]) -> None:
        self.path = path
        self.run = run
        self.sizes = sizes
        self.paths = Paths(run.rows)
        names: dict[str, str] = {}
        for name in run.inputs:
            plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "input"
            names[name] = plain if plain not in names.values() and not plain.isdecimal() else f"input_{len(names)}"
        self.writer = NetworkWriter({names[n]: without_batch(v.known) for n, v in run.inputs.items()}, max_layers)
        self.tensors: dict[str, Tensor] = {n: self.writer.builder.input(names[n]) for n in run.inputs}
        self.writer.inputs = {names[n]: form for n, v in run.inputs.items() if (form := _integer(v.dtype))}
        self.readers: dict[str, list[NodeRow]] = {}
        for row in run.rows:
            for value in row.node.inputs:
                if value is not None:
                    self.readers.setdefault(value.name, []).append(row)
        self.ends = {value.name for value in run.outputs}
        self.joined: set[int] = set()
        """The rows that a row before them has taken in."""

    def network(self) -> Network:
        for row in self.run.rows:
            if id(row) not in self.joined:
                self.row(row)
        outputs = [self.tensors[value.name] for value in self.run.outputs if value.name in self.tensors]
        name = basename(self.path).removesuffix(".onnx")  # noqa: PTH119
        return self.writer.network(name, outputs, "weights stored in the file", params=dict(self.sizes))

    def row(self, row: NodeRow) -> None:
        """Add the layer of a row."""
        if row.node.kind in FREE and self.alias(row):
            return
        try:
            op = op_of(row)
        except (CostcalcError, NodeError, LookupError, TypeError, ValueError):
            op = None
        last, op = self.with_bias(row, op)
        figures = dict(row.node.figures)
        weights = dict(row.weights)
        if last is not row:
            weights |= last.weights
            figures = {
                name: figures.get(name, 0) + last.node.figures.get(name, 0) for name in figures | last.node.figures
            }
        self.add(row, last, op, figures, weights)

    def add(
        self,
        row: NodeRow,
        last: NodeRow,
        op: Op | None,
        figures: Mapping[str, int],
        weights: Mapping[tuple[str, int, int], None],
    ) -> None:
        kind = label(row.node.message).partition(" ")[0]
        inputs = [value for value in row.node.inputs if value is not None and value.name in self.tensors]
        entering = tuple([self.tensors[value.name] for value in inputs])
        outputs = [value for value in last.outputs if value.shape is not None]
        if not outputs:
            raise UnknownShapeError(f"{label(row.node.message)}: the shapes of its outputs depend on data")
        shapes = tuple([without_batch(value.known) for value in outputs])
        statistics = row.node.kind in ("BatchNormalization", "SpatialBN")
        running = {row.node.inputs[place].name for place in (3, 4) if statistics and row.node.inputs[place] is not None}  # type: ignore[union-attr]
        stored = [
            StoredTensor(name, size, name not in running and learned((name, size, dtype)), NAMES.get(dtype, ""))
            for name, size, dtype in weights
        ]
        path = self.paths.path(row, op.name if op else kind.lower())
        form = NAMES.get(outputs[0].dtype, "")
        made = self.writer.add(path, kind, op, entering, shapes, stored, figures, counted=row.counted, format=form)
        self.tensors.update({value.name: tensor for value, tensor in zip(outputs, made, strict=False)})

    def alias(self, row: NodeRow) -> bool:
        """Let the output of a row that changes nothing stand for its input."""
        value = row.node.inputs[0] if row.node.inputs else None
        if value is None or value.name not in self.tensors or len(row.outputs) != 1 or row.outputs[0].shape is None:
            return False
        own = self.tensors[value.name]
        if without_batch(row.outputs[0].known) != own.shape:
            return False
        self.tensors[row.outputs[0].name] = own
        return True

    def with_bias(self, row: NodeRow, op: Op | None) -> tuple[NodeRow, Op | None]:
        """Return a linear layer with the bias that the next row adds, if nothing else reads the product."""
        if op is None or op.name != "linear" or row.node.kind != "MatMul" or row.outputs[0].name in self.ends:
            return row, op
        readers = self.readers.get(row.outputs[0].name, ())
        if len(readers) != 1 or readers[0].node.kind != "Add":
            return row, op
        out = row.node.shape(1)[1]
        bias = next((value for value in readers[0].node.inputs if value is not None and value.constant), None)
        if bias is None or bias.shape != (out,):
            return row, op
        self.joined.add(id(readers[0]))
        return readers[0], make("linear", out=out, bias=True)


def _integer(dtype: int) -> str:
    """Return the name of a format of integers, which number formats of activations do not change, or nothing."""
    name = NAMES.get(dtype, "")
    return name if name in ("int32", "int64") else ""


FREE = frozenset(("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Expand", "Dropout"))
"""Operators that compute nothing: where the shape stays the same, they are no layer."""
