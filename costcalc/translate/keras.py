"""Keras 3's archives: `config.json` in a zip file. The weights are not read.

Images of Keras have their channels last, those of a spec first: `[224, 224, 3]` becomes `[3, 224, 224]`. Tensors of
steps and features stay as they are. A recurrent layer has one bias for each gate, a GRU two with `reset_after`.

Source: https://keras.io/api/layers, and `serialize_keras_object` of Keras 3.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO

from costcalc.errors import Fault, Source, SpecError
from costcalc.translate.spec_text import SpecText

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CONFIG = 16 * 2**20
ACTIVATIONS = {
    "linear": "", "relu": "relu", "relu6": "relu6", "silu": "silu", "swish": "silu", "gelu": "gelu",
    "sigmoid": "sigmoid", "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish", "hard_swish": "hardswish",
    "tanh": "tanh", "elu": "elu",
    "selu": "selu", "softplus": "softplus", "mish": "mish", "leaky_relu": "leaky_relu", "softmax": "softmax",
}  # fmt: skip


def config_source(file: BinaryIO, name: str) -> Source:
    """Return the configuration in an archive as a source. Raises `SpecError`."""
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(file) as archive, archive.open("config.json") as config:
            text = config.read(MAX_CONFIG + 1)
        if len(text) > MAX_CONFIG:
            raise ValueError(f"config.json is larger than {MAX_CONFIG // 2**20} MiB")
        return Source(name, text.decode())
    except (KeyError, ValueError, OSError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise SpecError([Fault(f"{name}: not an archive of Keras 3: {error}")]) from None


def spec_of(source: Source) -> Source:
    """Return the spec of a model. Raises `SpecError` with the layer that has no counterpart."""
    text = SpecText(source, "keras")
    try:
        return _Keras(text, json.loads(source.text)).spec()
    except RecursionError:
        raise text.error(1, "config.json is nested too deeply") from None
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise text.error(1, f"config.json is malformed: {type(error).__name__}: {str(error)[:100]}") from None


class _Layer:
    """A layer of the configuration."""

    def __init__(self, entry: dict[str, Any], number: int) -> None:
        self.kind: str = entry["class_name"]
        self.config: dict[str, Any] = entry["config"]
        self.name: str = str(entry.get("name") or self.config.get("name") or self.kind)
        self.line = number + 1
        self.nodes: list[Any] = entry.get("inbound_nodes") or []


class _Keras:
    def __init__(self, text: SpecText, model: dict[str, Any]) -> None:
        self.text = text
        self.sequential = model["class_name"] == "Sequential"
        if model["class_name"] not in ("Sequential", "Functional", "Model"):
            raise text.error(1, f"no counterpart of a model of class {model['class_name']}: its forward is code")
        self.config = model["config"]
        self.layers = [_Layer(entry, number) for number, entry in enumerate(self.config["layers"])]
        self.tensors: dict[tuple[str, int], tuple[str, int]] = {}
        """The name in the spec and the rank, without the batch, of each output."""
        self.kinds: dict[str, Callable[[_Layer, int], tuple[list[str], int]]] = {
            "Conv2D": self.convolution, "Conv1D": self.convolution, "DepthwiseConv2D": self.depthwise,
            "SeparableConv2D": self.separable, "Conv2DTranspose": self.transposed, "Dense": self.dense,
            "BatchNormalization": self.batchnorm, "LayerNormalization": self.layernorm, "Activation": self.activated,
            "ReLU": self.relu, "Softmax": self.softmax, "PReLU": self.prelu, "MaxPooling2D": self.pool,
            "AveragePooling2D": self.pool, "GlobalAveragePooling2D": self.global_pool,
            "GlobalMaxPooling2D": self.global_pool, "GlobalAveragePooling1D": self.global_pool,
            "GlobalMaxPooling1D": self.global_pool, "Flatten": lambda _, rank: (["flatten"], 1),
            "Reshape": self.reshape,
            "ZeroPadding2D": self.pad, "Cropping2D": self.pad, "UpSampling2D": self.upsample,
            "Concatenate": self.concat,
            "Embedding": self.embedding, "LSTM": self.recurrent, "GRU": self.recurrent, "SimpleRNN": self.recurrent,
            "Rescaling": self.rescaling, "MultiHeadAttention": self.attention,
            **{name: self.plain(op) for name, op in PLAIN.items()},
        }  # fmt: skip

    def spec(self) -> Source:
        last = ""
        for layer in self.layers:
            if layer.kind == "InputLayer":
                last = self.input(layer)
                continue
            if not self.text.inputs:
                raise self.text.error(layer.line, "the model has no InputLayer, so its input has no shape")
            make = self.kinds.get(layer.kind)
            if make is None:
                raise self.text.error(layer.line, f"no counterpart of layer {layer.name} of class {layer.kind}")
            if len(layer.nodes) > 1:
                raise self.text.error(layer.line, f"layer {layer.name} is called {len(layer.nodes)} times")
            sources = self.sources(layer, last)
            calls, rank = make(layer, sources[0][1])
            names = [name for name, _ in sources]
            for call in calls[:-1]:
                names = [self.text.add(layer.line, call, f"{layer.name}_{call.partition(':')[0]}", names)]
            last = self.text.add(layer.line, calls[-1], layer.name, names)
            self.tensors[layer.name, 0] = last, rank
        ends = [] if self.sequential else [self.tensors[name, port][0] for name, port in self.outputs()]
        return self.text.spec(ends if ends and ends != [last] else ())

    def outputs(self) -> list[tuple[str, int]]:
        """Return the layers and ports of the outputs: one, a list, or a mapping of them."""
        found: list[tuple[str, int]] = []
        stack = [self.config.get("output_layers", [])]
        while stack:
            entry = stack.pop()
            if isinstance(entry, dict):
                stack += list(entry.values())
            elif len(entry) == 3 and isinstance(entry[0], str):
                found.insert(0, (entry[0], int(entry[2])))
            else:
                stack += list(entry)
        return found

    def input(self, layer: _Layer) -> str:
        shape = list(layer.config.get("batch_shape") or layer.config["batch_input_shape"])[1:]
        if not shape or not all(isinstance(size, int) for size in shape):
            help = "export the model with the sizes of its input"
            raise self.text.error(layer.line, f"the input {layer.name} has an open size: {shape}", help)
        name = "input" if not self.text.inputs else self.text.name(layer.name)
        if len(shape) == 3:
            shape = [shape[2], *shape[:2]]
        self.text.inputs[name] = shape
        self.tensors[layer.name, 0] = name, len(shape)
        return name

    def sources(self, layer: _Layer, last: str) -> list[tuple[str, int]]:
        """Return the inputs of a layer."""
        if self.sequential:
            return [next(tensor for tensor in reversed(list(self.tensors.values())) if tensor[0] == last)]
        found: list[tuple[str, int]] = []
        stack = [layer.nodes[0]["args"]]
        while stack:
            entry = stack.pop()
            if isinstance(entry, dict) and entry.get("class_name") == "__keras_tensor__":
                name, _, port = entry["config"]["keras_history"]
                found.append(self.tensors[name, port])
            elif isinstance(entry, (list, tuple)):
                stack += reversed(entry)
        return found

    # Values

    def activation(self, layer: _Layer, rank: int) -> list[str]:
        """Return the activation of a layer as calls: none or one."""
        name = layer.config.get("activation") or "linear"
        if not isinstance(name, str) or name not in ACTIVATIONS:
            raise self.text.error(layer.line, f"no counterpart of the activation of layer {layer.name}: {name}"[:200])
        op = ACTIVATIONS[name]
        return [] if not op else [f"softmax: {0 if rank == 3 else -1}"] if op == "softmax" else [op]

    def bias(self, layer: _Layer) -> str:
        return "true" if layer.config.get("use_bias", True) else "false"

    def window(self, layer: _Layer, kernel: str = "kernel_size") -> str:
        config = layer.config
        strides = config.get("strides") or config[kernel]
        return f"kernel: {_list(config[kernel])}, stride: {_list(strides)}, padding: {config.get('padding', 'valid')}"

    # Layers

    def plain(self, op: str) -> Callable[[_Layer, int], tuple[list[str], int]]:
        return lambda _layer, rank: ([op], rank)

    def convolution(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        config, dilation = layer.config, _list(layer.config.get("dilation_rate", 1))
        call = (
            f"conv: {{out: {int(config['filters'])}, {self.window(layer)}, dilation: {dilation}, "
            f"groups: {int(config.get('groups', 1))}, bias: {self.bias(layer)}}}"
        )
        around = ["permute: [1, 0]"] if layer.kind == "Conv1D" else []
        return [*around, call, *self.activation(layer, rank), *around], rank

    def depthwise(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        multiplier = int(layer.config.get("depth_multiplier", 1))
        call = f"depthwise_conv: {{{self.window(layer)}, multiplier: {multiplier}, bias: {self.bias(layer)}}}"
        return [call, *self.activation(layer, rank)], rank

    def separable(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        multiplier = int(layer.config.get("depth_multiplier", 1))
        depthwise = f"depthwise_conv: {{{self.window(layer)}, multiplier: {multiplier}, bias: false}}"
        pointwise = f"conv: {{out: {int(layer.config['filters'])}, kernel: 1, bias: {self.bias(layer)}}}"
        return [depthwise, pointwise, *self.activation(layer, rank)], rank

    def transposed(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        call = (
            f"conv_transpose: {{out: {int(layer.config['filters'])}, {self.window(layer)}, bias: {self.bias(layer)}}}"
        )
        return [call, *self.activation(layer, rank)], rank

    def dense(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        axis = ", axis: 0" if rank == 3 else ""
        call = f"linear: {{out: {int(layer.config['units'])}, bias: {self.bias(layer)}{axis}}}"
        return [call, *self.activation(layer, rank)], rank

    def batchnorm(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        scale, center = (bool(layer.config.get(name, True)) for name in ("scale", "center"))
        axis = 0 if rank == 3 else -1
        if center and not scale:
            return [f"batchnorm: {{affine: false, axis: {axis}}}", f"shift: {{axis: {axis}}}"], rank
        bias = str(center).lower()
        return [f"batchnorm: {{affine: {str(scale).lower()}, bias: {bias}, axis: {axis}}}"], rank

    def layernorm(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        axis = ", axis: 0" if rank == 3 else ""
        bias, affine = (str(bool(layer.config.get(name, True))).lower() for name in ("center", "scale"))
        return [f"layernorm: {{affine: {affine}, bias: {bias}{axis}}}"], rank

    def activated(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        return self.activation(layer, rank) or ["identity"], rank

    def relu(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        if layer.config.get("max_value") == 6:
            return ["relu6"], rank
        return ["leaky_relu" if layer.config.get("negative_slope") else "relu"], rank

    def softmax(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        return [f"softmax: {0 if rank == 3 else -1}"], rank

    def prelu(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        shared = layer.config.get("shared_axes") or []
        if rank > 1 and list(shared) != list(range(1, rank)):
            raise self.text.error(
                layer.line, f"no counterpart of layer {layer.name}: a PReLU with a slope per position"
            )
        return [f"prelu: {{per_channel: true, axis: {0 if rank == 3 else -1}}}"], rank

    def pool(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        op = "maxpool" if layer.kind.startswith("Max") else "avgpool"
        return [f"{op}: {{{self.window(layer, 'pool_size')}}}"], rank

    def global_pool(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        kept = bool(layer.config.get("keepdims"))
        kind = "avgpool" if "Average" in layer.kind else "maxpool"
        if layer.kind.endswith("1D"):
            return [
                f"{'mean' if kind == 'avgpool' else 'max'}: {{axis: 0, keepdims: {str(kept).lower()}}}"
            ], 2 if kept else 1
        return [f"global_{kind}: {{keepdims: {str(kept).lower()}}}"], 3 if kept else 1

    def reshape(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        shape = [int(size) for size in layer.config["target_shape"]]
        shape = [shape[2], *shape[:2]] if len(shape) == 3 else shape
        return [f"reshape: {{shape: {shape}}}"], len(shape)

    def pad(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        pairs = [
            [int(side) for side in pair] for pair in layer.config["padding" if "Zero" in layer.kind else "cropping"]
        ]
        return [f"{'pad' if 'Zero' in layer.kind else 'crop'}: {{amount: {pairs}}}"], rank

    def upsample(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        mode = layer.config.get("interpolation", "nearest")
        if mode not in ("nearest", "bilinear", "bicubic"):
            raise self.text.error(layer.line, f"no counterpart of interpolation: {mode}"[:200])
        return [f"upsample: {{scale: {_list(layer.config['size'])}, mode: {mode}}}"], rank

    def concat(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        axis = int(layer.config.get("axis", -1))
        axis = axis - 1 if axis > 0 else axis % rank
        return [f"concat: {{axis: {(axis + 1) % 3 if rank == 3 else axis}}}"], rank

    def embedding(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        vocab, dim = int(layer.config["input_dim"]), int(layer.config["output_dim"])
        return [f"embedding: {{vocab: {vocab}, dim: {dim}}}"], rank + 1

    def recurrent(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        config, op = layer.config, {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}[layer.kind]
        biases = 2 if layer.kind == "GRU" and config.get("reset_after", True) else 1
        call = f"{op}: {{hidden: {int(config['units'])}, bias: {self.bias(layer)}, biases: {biases}}}"
        if config.get("return_sequences"):
            return [call], rank
        return [call, "slice: {axis: 0, start: -1}", "flatten"], 1

    def rescaling(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        calls = [f"scale: {{by: {float(layer.config['scale'])!r}}}"]
        offset = layer.config.get("offset") or 0
        return calls + ([f"shift: {{by: {float(offset)!r}}}"] if offset else []), rank

    def attention(self, layer: _Layer, rank: int) -> tuple[list[str], int]:
        config = layer.config
        value = config.get("value_dim") or config["key_dim"]
        call = (
            f"attention: {{heads: {int(config['num_heads'])}, head_dim: {int(config['key_dim'])}, "
            f"value_dim: {int(value)}, bias: {self.bias(layer)}}}"
        )
        return [call], rank


def _list(value: Any) -> int | list[int]:
    """Return a size, or one for each dimension."""
    sizes = [int(each) for each in value] if isinstance(value, (list, tuple)) else [int(value)]
    return sizes[0] if len(set(sizes)) == 1 else sizes


PLAIN = {
    "Add": "add", "Subtract": "sub", "Multiply": "mul", "Dropout": "dropout", "SpatialDropout2D": "dropout",
    "SpatialDropout1D": "dropout", "GaussianNoise": "dropout", "LeakyReLU": "leaky_relu", "ELU": "elu",
    "Identity": "identity",
}  # fmt: skip
