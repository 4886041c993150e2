"""Reads an ONNX graph node by node: shapes, small values, and figures. Weights are not read.

Shapes are inferred also where the file states them, because a file often states none, or those of another input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.onnx import arrays, elementwise, products, windows
from costcalc.onnx.node import RULES, OnnxNode, rule
from costcalc.onnx.values import BOOL, FLOATS, INT64, QUANTIZED, NodeError, Value, stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.onnx.wire import Buffer, Message

FAMILIES = (arrays, elementwise, products, windows)
"""The modules whose import registers rules."""
MAX_DEPTH = 40
MAX_STEPS = 400_000
MAX_FOLLOWED = 4_000_000
"""The elements that are followed by value in a whole model: a small file can describe any number of them."""
MAX_TURNS = 10_000

Scope = dict[str, Value]


class FileError(Exception):
    """A model that cannot be read, with the node or input that says why, and the usual repair."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


class NodeRow:
    """A node that computes something: its figures, its inputs and outputs, and the stored tensors that it reads."""

    def __init__(
        self, node: OnnxNode, outputs: list[Value], weights: dict[tuple[str, int, int], None], *, counted: bool
    ) -> None:
        self.node = node
        self.outputs = outputs
        self.weights = weights
        self.counted = counted


class Run:
    """The graph of a model, read for inputs of given shapes. `sizes` are those of its named dimensions."""

    def __init__(
        self, model: Message, buffer: Buffer, shapes: Mapping[str, Sequence[int]], sizes: Mapping[str, int]
    ) -> None:
        self.buffer = buffer
        self.graph = model.graph
        self.shapes = shapes
        self.sizes = sizes
        self.named: dict[str, None] = {}
        """The named dimensions of the inputs."""
        self.rows: list[NodeRow] = []
        self.opsets = {opset.domain or "ai.onnx": opset.version for opset in model.opset_import}
        self.functions = {(function.domain, function.name): function for function in model.functions}
        self.depth = 0
        self.steps = 0
        self.followed = 0
        self.scopes: list[Scope] = []
        self.declared = {value.name: value for value in (*model.graph.value_info, *model.graph.output)}
        self.inputs: dict[str, Value] = {}
        scope = self.stored(model.graph)
        for value in model.graph.input:
            if value.name not in scope:
                scope[value.name] = self.inputs[value.name] = self.input(value)
        self.nodes(model.graph.node, scope, self.opsets, None)
        self.outputs = [scope[value.name] for value in model.graph.output if value.name in scope]

    # Graphs

    def stored(self, graph: Message) -> Scope:
        """Return the tensors that a graph stores."""
        scope = {}
        for tensor in graph.initializer:
            try:
                scope[tensor.name] = stored(tensor, self.buffer)
            except NodeError as error:
                raise FileError(str(error)) from None
        for sparse in graph.sparse_initializer:
            values = stored(sparse.values, self.buffer)
            scope[values.name] = Value(sparse.dims, values.dtype, name=values.name, constant=True, stored=values.stored)
        return scope

    def input(self, value: Message) -> Value:
        """Return an input of the model, with the given shape or that of the file."""
        kind = value.type.tensor_type if value.type is not None else None
        if kind is None:
            raise FileError(f"the input {value.name} is not a tensor")
        if value.name in self.shapes:
            return Value((1, *self.shapes[value.name]), kind.elem_type, name=value.name)
        if kind.shape is None:
            raise FileError(
                f"the input {value.name} has no shape", f"write --input {value.name}=SHAPE, without the batch"
            )
        shape = []
        for place, dim in enumerate(kind.shape.dim):
            if dim.dim_param:
                self.named[dim.dim_param] = None
            size = self.sizes.get(dim.dim_param) if dim.dim_param else None
            if size is None and dim.dim_value > 0:
                size = dim.dim_value
            if size is None and place > 0:
                name = dim.dim_param or "open"
                option = f"--set {dim.dim_param}=N, or " if dim.dim_param.isidentifier() else ""
                raise FileError(
                    f"axis {place} of the input {value.name} is {name}", f"write {option}--input {value.name}=SHAPE"
                )
            shape.append(size or 1)
        return Value(shape, kind.elem_type, name=value.name)

    def subgraph(self, graph: Message, node: OnnxNode, inputs: Sequence[Value]) -> list[Value]:
        """Read a graph inside a node, and return its outputs."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FileError(f"graphs are nested more than {MAX_DEPTH} levels deep")
        scope = {**self.scopes[-1], **self.stored(graph)}
        scope.update({value.name: given for value, given in zip(graph.input, inputs, strict=False)})
        self.nodes(graph.node, scope, self.opsets, node)
        self.depth -= 1
        return [scope.get(value.name) or Value(None) for value in graph.output]

    def function(self, function: Message, node: OnnxNode) -> list[Value]:
        """Read the body of a function for the inputs and attributes of a node."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FileError(f"functions are nested more than {MAX_DEPTH} levels deep")
        scope = {name: value for name, value in zip(function.input, node.inputs, strict=False) if value is not None}
        given = {attribute.name: attribute for attribute in function.attribute_proto} | node.attributes
        body = [_bound(inner, given) for inner in function.node]
        opsets = {opset.domain or "ai.onnx": opset.version for opset in function.opset_import}
        self.nodes(body, scope, opsets or self.opsets, node)
        self.depth -= 1
        return [scope.get(name) or Value(None) for name in function.output]

    # Nodes

    def nodes(self, nodes: Sequence[Message], scope: Scope, opsets: Mapping[str, int], outer: OnnxNode | None) -> None:
        """Read nodes in order."""
        self.scopes.append(scope)
        for message in nodes:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise FileError(f"more than {MAX_STEPS:,} nodes, with the turns of loops")
            self.node(message, scope, opsets, outer)
        self.scopes.pop()

    def node(self, message: Message, scope: Scope, opsets: Mapping[str, int], outer: OnnxNode | None) -> None:
        """Read a node, and put its outputs into scope. `outer` is the node whose graph it is in, if any."""
        for name in message.input:
            if name and name not in scope:
                raise FileError(f"{label(message)} reads {name}, which no earlier node writes")
        inputs = [scope[name] if name else None for name in message.input]
        domain = message.domain or "ai.onnx"
        key = message.op_type if domain == "ai.onnx" else f"{domain}::{message.op_type}"
        node = OnnxNode(self, message, inputs, opsets.get(domain, 1))
        outputs, counted = self.outputs_of(node, key, self.functions.get((message.domain, message.op_type)))
        of_shape = key in ("Shape", "Size")
        constant = of_shape or (all(value is None or value.constant for value in inputs) and key not in RANDOM)
        settings = SETTINGS.get(key.rpartition("::")[2], ())
        read = [value for place, value in enumerate(inputs) if value is not None and place not in settings]
        weights = dict.fromkeys([each for value in read for each in value.stored]) | node.inner
        for name, value in zip(message.output, outputs, strict=False):
            if name:
                kept = (value.stored or tuple(weights)) if constant and not of_shape else ()
                self.followed += len(value.data or ())
                data = value.data if self.followed <= MAX_FOLLOWED else None
                own = Value(value.shape, value.dtype, data, name=name, constant=constant, stored=kept)
                scope[name] = own
        if key == "Constant" or (constant and not node.figures.get("macs")):
            return
        if outer is not None:
            outer.count(**node.figures)
            outer.inner.update(weights)
        else:
            names = [name for name in message.output if name]
            self.rows.append(NodeRow(node, [scope[name] for name in names if name in scope], weights, counted=counted))

    def outputs_of(self, node: OnnxNode, key: str, function: Message | None) -> tuple[list[Value], bool]:
        """Return the outputs of a node, and whether a rule counts it. Raises `FileError`."""
        try:
            if function is not None:
                return self.function(function, node), True
            if key in RULES:
                return RULES[key](node), True
            return self.stated(node, key), False
        except NodeError as error:
            raise FileError(f"{label(node.message)}: {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise FileError(f"{label(node.message)} is malformed: {type(error).__name__}: {error}") from None

    def stated(self, node: OnnxNode, key: str) -> list[Value]:
        """Return the outputs of a node without a rule, as the file states them."""
        outputs = []
        for name in node.message.output:
            value = self.declared.get(name)
            kind = value.type.tensor_type if value is not None and value.type is not None else None
            dims = kind.shape.dim if kind is not None and kind.shape is not None else None
            if dims is None or not all(dim.dim_value > 0 or place == 0 for place, dim in enumerate(dims)):
                raise NodeError(f"no rule for {key}, and the file does not state the shape of {name}")
            outputs.append(Value([dim.dim_value or 1 for dim in dims], kind.elem_type if kind else 1))
        return outputs


SETTINGS = {
    "Clip": (1, 2), "DequantizeLinear": (1, 2), "MatMulInteger": (2, 3), "ConvInteger": (2, 3),
    "Pad": (1, 2, 3), "QGemm": (1, 2, 4, 5, 7, 8), "QLinearAdd": (1, 2, 4, 5, 6, 7), "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7), "QLinearMul": (1, 2, 4, 5, 6, 7), "QuantizeLinear": (1, 2), "Range": (0, 1, 2),
    "Resize": (1, 2, 3), "Upsample": (1,), "Slice": (1, 2, 3, 4), "Tile": (1,), "TopK": (1,),
}  # fmt: skip
"""Inputs that are no weights: bounds, sizes, and the scales and zero points of quantisation."""

RANDOM = frozenset(("RandomNormal", "RandomUniform"))


def label(message: Message) -> str:
    """Return how an error names a node."""
    name = message.name or (message.output[0] if message.output else "")
    return f"{message.op_type} {name[:200]}".strip()


def _bound(message: Message, given: Mapping[str, Message]) -> Message:
    """Return a node of a function, with its references to attributes of the call replaced."""
    if not any(attribute.ref_attr_name for attribute in message.attribute):
        return message
    attributes = []
    for attribute in message.attribute:
        if not attribute.ref_attr_name:
            attributes.append(attribute)
        elif attribute.ref_attr_name in given:
            attributes.append(given[attribute.ref_attr_name].changed(name=attribute.name))
    return message.changed(attribute=attributes)


@rule("If")
def choice(node: OnnxNode) -> list[Value]:
    """Read the branch that is taken, or the dearer of both if that is not known."""
    condition, branches = node.input(), [node.attributes[name].g for name in ("then_branch", "else_branch")]
    if condition.data is not None:
        return node.run.subgraph(branches[0 if condition.data[0] else 1], node, ())
    before, found = dict(node.figures), []
    for branch in branches:
        node.figures = {}
        found.append((node.run.subgraph(branch, node, ()), node.figures))
    node.figures = before
    node.count(**max((figures for _, figures in found), key=lambda figures: sum(figures.values())))
    pairs = zip(found[0][0], found[1][0], strict=True)
    return [Value(one.shape if one.shape == other.shape else None, one.dtype) for one, other in pairs]


@rule("Loop")
def loop(node: OnnxNode) -> list[Value]:
    """Read the body for each turn. The number of turns must be known."""
    body, state = node.attributes["body"].g, [value or Value(None) for value in node.inputs[2:]]
    trips = node.input(0).data if node.has(0) else None
    turns = trips[0] if trips else None
    if turns is None or turns > MAX_TURNS:
        raise NodeError(f"a loop of {'an unknown number of' if turns is None else f'{turns:,}'} turns")
    scanned: list[Value] = []
    done = 0
    for turn in range(int(turns)):
        outputs = node.run.subgraph(body, node, [Value((), INT64, [turn]), Value((), BOOL, [True]), *state])
        going, state, scanned = outputs[0], outputs[1 : 1 + len(state)], outputs[1 + len(state) :]
        done += 1
        if going.data is not None and not going.data[0]:
            break
    missing = len(node.message.output) - len(state) - len(scanned)
    scanned += [Value(None) for _ in range(missing)]
    return [*state, *[Value(None if each.shape is None else (done, *each.shape), each.dtype) for each in scanned]]


@rule("Scan")
def scan(node: OnnxNode) -> list[Value]:
    """Read the body once, and count it for each turn."""
    body, count = node.attributes["body"].g, node.number("num_scan_inputs")
    if node.opset < 9:
        raise NodeError("a Scan of opset 8")
    values = [node.input(place) for place in range(len(node))]
    state, sequences = values[: len(values) - count], values[len(values) - count :]
    axes = [
        axis % len(value.known)
        for axis, value in zip(node.numbers("scan_input_axes") or [0] * count, sequences, strict=True)
    ]
    turns = sequences[0].known[axes[0]]
    parts = [
        Value((*value.known[:axis], *value.known[axis + 1 :]), value.dtype)
        for value, axis in zip(sequences, axes, strict=True)
    ]
    before = dict(node.figures)
    node.figures = {}
    outputs = node.run.subgraph(body, node, [*[Value(value.known, value.dtype) for value in state], *parts])
    node.figures = {name: before.get(name, 0) + figure * turns for name, figure in node.figures.items()}
    out = outputs[: len(state)]
    out_axes = node.numbers("scan_output_axes") or [0] * (len(outputs) - len(state))
    for value, axis in zip(outputs[len(state) :], out_axes, strict=True):
        shape, place = value.known, axis % (len(value.known) + 1)
        out.append(Value((*shape[:place], turns, *shape[place:]), value.dtype))
    return out


def learned(weight: tuple[str, int, int]) -> bool:
    """Return whether a stored tensor is learned: of more than one number, in a format for weights."""
    _, size, dtype = weight
    return size > 1 and (dtype in FLOATS or dtype in QUANTIZED)
