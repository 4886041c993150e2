"""Caffe's deploy files: Protocol Buffers in their text format.

A pool of Caffe rounds its output size up: `ceil((in + 2·padding - kernel) / stride) + 1`, less 1 if the last window
would begin in the padding, which it checks only if there is padding. In a layer without padding whose stride exceeds
its kernel, the last window may lie outside of the input; such a layer gets a margin at the end.

Source: Jia et al. 2014, arXiv:1408.5093; Caffe's pooling_layer.cpp and caffe.proto.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from costcalc.translate.spec_text import SpecText

if TYPE_CHECKING:
    from collections.abc import Callable

    from costcalc.errors import Source

_TOKEN = re.compile(r"""\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}<>\[\]:,;]|[^\s{}<>\[\]:,;"'#]+|["']""")
MAX_DEPTH = 30
OLD = {
    "CONCAT": "Concat", "CONVOLUTION": "Convolution", "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout",
    "ELTWISE": "Eltwise", "FLATTEN": "Flatten", "INNER_PRODUCT": "InnerProduct", "LRN": "LRN", "POOLING": "Pooling",
    "RELU": "ReLU", "SIGMOID": "Sigmoid", "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split", "TANH": "TanH", "ACCURACY": "Accuracy", "DATA": "Data",
}  # fmt: skip
"""The names of the first version of the format."""
NOT_AT_INFERENCE = ("Accuracy", "Silence", "SoftmaxWithLoss", "EuclideanLoss", "SigmoidCrossEntropyLoss", "HingeLoss")
DATA = ("Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "DummyData", "Python")


class TextMessage:
    """A message: the values of each field in order, and the line where it begins."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.fields: dict[str, list[Any]] = {}

    def all(self, *names: str) -> list[Any]:
        """Return the values of the first field that is there."""
        return next((self.fields[name] for name in names if name in self.fields), [])

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a field as text."""
        values = [value for value in self.fields.get(name, ()) if isinstance(value, str)]
        return values[-1] if values else default

    def message(self, name: str) -> TextMessage:
        """Return a field that is a message, empty if it is not there."""
        return next(
            (value for value in self.fields.get(name, ()) if isinstance(value, TextMessage)),
            TextMessage(self.line),
        )


def spec_of(source: Source) -> Source:
    """Return the spec of a network. Raises `SpecError` with the line of what has no counterpart."""
    return _Caffe(source).spec()


class _Caffe:
    def __init__(self, source: Source) -> None:
        self.text = SpecText(source, "caffe")
        self.root = _parse(self.text)
        self.blobs: dict[str, str] = {}
        """The layer or input whose output each blob has now."""
        self.ends: dict[str, None] = {}
        """The layers that nothing reads yet, in order."""
        self.kinds: dict[str, Callable[[TextMessage], tuple[str, ...]]] = {
            "BatchNorm": lambda _: ("batchnorm: {affine: false}",), "Scale": self.scale, "Bias": lambda _: ("shift",),
            "Concat": self.concat, "Convolution": self.convolution, "DepthwiseConvolution": self.convolution,
            "ConvolutionDepthwise": self.convolution, "Deconvolution": self.convolution, "Dropout": lambda _:
            ("dropout",), "ELU": lambda _: ("elu",), "Eltwise": self.eltwise, "Flatten": lambda _: ("flatten",),
            "InnerProduct": self.inner_product, "LRN": self.lrn, "Pooling": self.pooling, "PReLU": self.prelu,
            "Permute": self.permute, "Power": self.power, "ReLU": self.relu, "ReLU6": lambda _: ("relu6",), "Sigmoid":
            lambda _: ("sigmoid",), "Slice": self.slice, "Softmax": self.softmax, "Split": lambda _: ("identity",),
            "Swish": lambda _: ("silu",), "TanH": lambda _: ("tanh",), "AbsVal": lambda _: ("abs",), "Exp": lambda _:
            ("exp",), "ShuffleChannel": self.shuffle,
        }  # fmt: skip

    def spec(self) -> Source:
        self.net_inputs()
        for layer in self.root.all("layer", "layers"):
            if not isinstance(layer, TextMessage):
                raise self.text.error(self.root.line, "expected layer { ... }")
            if not any(rule.text("phase") == "TRAIN" for rule in layer.all("include") if isinstance(rule, TextMessage)):
                self.layer(layer)
        if not self.text.inputs:
            help = "name a deploy file, whose input is an Input layer or input_dim"
            raise self.text.error(1, "the network has no input of a known shape", help)
        return self.text.spec(list(self.ends) if len(self.ends) > 1 else ())

    def net_inputs(self) -> None:
        shapes = [[self.integer(dim, shape) for dim in shape.all("dim")] for shape in self.root.all("input_shape")]
        dims = [self.integer(dim, self.root) for dim in self.root.all("input_dim")]
        shapes += [dims[start : start + 4] for start in range(0, len(dims), 4)]
        names = self.root.all("input")
        if len(names) != len(shapes):
            raise self.text.error(self.root.line, "each input needs one input_shape, or four input_dim")
        for name, shape in zip(names, shapes, strict=True):
            self.input(name, shape, self.root.line)

    def input(self, name: str, shape: list[int], line: int) -> None:
        """Add an input; the first size of its shape is the batch."""
        if len(shape) < 2:
            raise self.text.error(line, f"input {name}: expected a batch and at least one size, got {shape}")
        own = "input" if not self.text.inputs else self.text.name(name)
        self.text.inputs[own] = shape[1:]
        self.blobs[name] = own

    def layer(self, layer: TextMessage) -> None:
        kind = layer.text("type")
        kind = OLD.get(kind, kind)
        if kind in NOT_AT_INFERENCE:
            return
        if kind == "Input":
            shapes = layer.message("input_param").all("shape")
            for top, shape in zip(layer.all("top"), shapes, strict=False):
                self.input(top, [self.integer(dim, shape) for dim in shape.all("dim")], layer.line)
            return
        name = layer.text("name") or kind
        make = self.kinds.get(kind)
        if make is None:
            help = "name a deploy file, whose input is an Input layer or input_dim" if kind in DATA else ""
            raise self.text.error(layer.line, f"no counterpart of layer {name} of type {kind or '?'}", help)
        inputs = []
        for bottom in layer.all("bottom"):
            if bottom not in self.blobs:
                raise self.text.error(layer.line, f"layer {name} reads {bottom}, which no earlier layer writes")
            inputs.append(self.blobs[bottom])
        *before, last = make(layer)
        for call in (*before, last):
            own = name if call is last else f"{name}_{call.partition(':')[0]}"
            added = self.text.add(layer.line, call, own, inputs, ", allow: CC203" if kind == "Slice" else "")
            for read in inputs:
                self.ends.pop(read.partition(".")[0], None)
            self.ends[added] = None
            inputs = [added]
        tops = layer.all("top")
        for port, top in enumerate(tops):
            self.blobs[top] = added if len(tops) == 1 or kind == "Split" else f"{added}.{port}"

    # Fields

    def integer(self, value: object, near: TextMessage) -> int:
        """Return an integer. Raises `SpecError` at the line of the message that has it."""
        try:
            return int(str(value))
        except ValueError:
            raise self.text.error(near.line, f"expected an integer, got {str(value)[:60]}") from None

    def sizes(self, message: TextMessage, name: str, default: int, plain: str = "") -> int | list[int]:
        """Return a size for both dimensions, or one for each."""
        if f"{name}_h" in message.fields or f"{name}_w" in message.fields:
            return [self.integer(message.text(f"{name}_{axis}", str(default)), message) for axis in "hw"]
        values = [self.integer(value, message) for value in message.all(plain or name)] or [default]
        return values[0] if len(values) == 1 else values

    # Layers

    def convolution(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("convolution_param")
        out = self.integer(given.text("num_output", "?"), layer)
        kernel = self.sizes(given, "kernel", 0, "kernel_size")
        op = "conv_transpose" if layer.text("type") in ("Deconvolution", "DECONVOLUTION") else "conv"
        depthwise = layer.text("type") in ("DepthwiseConvolution", "ConvolutionDepthwise")
        groups = "in_channels" if depthwise else str(self.integer(given.text("group", "1"), layer))
        call = (
            f"{op}: {{out: {out}, kernel: {kernel}, stride: {self.sizes(given, 'stride', 1)}, "
            f"padding: {self.sizes(given, 'pad', 0)}, dilation: {self.sizes(given, 'dilation', 1)}, groups: {groups}, "
            f"bias: {given.text('bias_term', 'true')}}}"
        )
        return (call,)

    def pooling(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("pooling_param")
        kind = given.text("pool", "MAX")
        if kind not in ("MAX", "AVE", "0", "1"):
            raise self.text.error(given.line, f"no counterpart of pool: {kind}")
        op = "avgpool" if kind in ("AVE", "1") else "maxpool"
        if given.text("global_pooling") == "true":
            return (f"global_{op}",)
        kernel, stride = self.sizes(given, "kernel", 0, "kernel_size"), self.sizes(given, "stride", 1)
        padding = self.sizes(given, "pad", 0)
        rounded = given.text("round_mode", "CEIL") in ("CEIL", "0")
        steps = stride if isinstance(stride, list) else [stride, stride]
        spans = kernel if isinstance(kernel, list) else [kernel, kernel]
        call = f"{op}: {{kernel: {kernel}, stride: {stride}"
        if rounded and padding == 0 and any(step > span for step, span in zip(steps, spans, strict=True)):
            margins = [[0, step - 1] for step in steps]
            return f"pad: {margins}", f"{call}}}"
        return (f"{call}, padding: {padding}, ceil: {'true' if rounded else 'false'}}}",)

    def inner_product(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("inner_product_param")
        out = self.integer(given.text("num_output", "?"), layer)
        return "flatten", f"linear: {{out: {out}, bias: {given.text('bias_term', 'true')}}}"

    def lrn(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("lrn_param")
        if given.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
            raise self.text.error(given.line, "no counterpart of norm_region: WITHIN_CHANNEL")
        return (f"lrn: {self.integer(given.text('local_size', '5'), layer)}",)

    def relu(self, layer: TextMessage) -> tuple[str, ...]:
        slope = layer.message("relu_param").text("negative_slope", "0")
        return ("relu",) if not slope.strip("0.") else ("leaky_relu",)

    def prelu(self, layer: TextMessage) -> tuple[str, ...]:
        shared = layer.message("prelu_param").text("channel_shared", "false")
        return ("prelu",) if shared == "true" else ("prelu: {per_channel: true}",)

    def scale(self, layer: TextMessage) -> tuple[str, ...]:
        if len(layer.all("bottom")) > 1:
            return ("mul",)
        return ("scale", "shift") if layer.message("scale_param").text("bias_term") == "true" else ("scale",)

    def power(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("power_param")
        calls = [("scale", given.text("scale", "1"), "1"), ("shift", given.text("shift", "0"), "0")]
        if given.text("power", "1") not in ("1", "1.0"):
            raise self.text.error(given.line, "no counterpart of a power other than 1")
        return tuple([f"{op}: {{by: {by}}}" for op, by, default in calls if by not in (default, f"{default}.0")]) or (
            "identity",
        )

    def eltwise(self, layer: TextMessage) -> tuple[str, ...]:
        kind = layer.message("eltwise_param").text("operation", "SUM")
        ops = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul"}
        if kind not in ops:
            raise self.text.error(layer.line, f"no counterpart of operation: {kind}")
        return (ops[kind],)

    def concat(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("concat_param")
        return (f"concat: {{axis: {self._axis(given, 'axis', 1, layer)}}}",)

    def softmax(self, layer: TextMessage) -> tuple[str, ...]:
        return (f"softmax: {self._axis(layer.message('softmax_param'), 'axis', 1, layer)}",)

    def slice(self, layer: TextMessage) -> tuple[str, ...]:
        given = layer.message("slice_param")
        points = [self.integer(point, layer) for point in given.all("slice_point")]
        axis = self._axis(given, "axis", 1, layer)
        if not points:
            return (f"split: {{parts: {len(layer.all('top'))}, axis: {axis}}}",)
        if axis != 0:
            raise self.text.error(layer.line, "no counterpart of slice_point along an axis other than the channels")
        sizes = [end - start for start, end in zip([0, *points], points, strict=False)]
        return (f"split: {{sizes: [{', '.join(map(str, sizes))}, in_channels - {points[-1]}]}}",)

    def permute(self, layer: TextMessage) -> tuple[str, ...]:
        order = [self.integer(axis, layer) for axis in layer.message("permute_param").all("order")]
        if order[:1] != [0]:
            raise self.text.error(layer.line, "no counterpart of a permutation that moves the batch")
        return (f"permute: {[axis - 1 for axis in order[1:]]}",)

    def shuffle(self, layer: TextMessage) -> tuple[str, ...]:
        return (f"channel_shuffle: {self.integer(layer.message('shuffle_channel_param').text('group', '1'), layer)}",)

    def _axis(self, given: TextMessage, name: str, default: int, layer: TextMessage) -> int:
        """Return an axis, counted without the batch."""
        axis = self.integer(given.text(name, str(default)), layer)
        if axis == 0:
            raise self.text.error(layer.line, "no counterpart of an op along the batch")
        return axis - 1 if axis > 0 else axis


def _parse(text: SpecText) -> TextMessage:
    """Return the message of a text. Raises `SpecError` at the line of a fault."""
    source, root, line, end = text.source.text, TextMessage(1), 1, 0
    open_messages, field, values = [root], "", False
    for match in _TOKEN.finditer(source):
        line += source.count("\n", end, match.start())
        end, token, message = match.start(), match.group(), open_messages[-1]
        if token[0] == "#" or token in ",;":
            continue
        if token in "{<":
            if not field or len(open_messages) > MAX_DEPTH:
                raise text.error(line, "unexpected {" if not field else f"more than {MAX_DEPTH} levels of messages")
            inner = TextMessage(line)
            message.fields.setdefault(field, []).append(inner)
            open_messages.append(inner)
            field = ""
        elif token in "}>":
            if len(open_messages) == 1 or field:
                raise text.error(line, f"unexpected {token}")
            open_messages.pop()
        elif token == ":" or (token in "[]" and field):
            values = token == "["
            field = "" if token == "]" else field
        elif not field and re.fullmatch(r"[A-Za-z_]\w*", token):
            field = token
        elif field and token not in "\"'":
            message.fields.setdefault(field, []).append(token.strip("\"'"))
            field = field if values else ""
        else:
            raise text.error(line, f"unexpected {token[:60]}")
    if len(open_messages) > 1 or field:
        raise text.error(line, "the text ends in the middle of a message")
    return root
