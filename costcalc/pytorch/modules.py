"""PyTorch's modules: the op that says the same as a module, by the name of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.foreign import make, one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costcalc.ops import Op


def op_of(module: Any) -> Op | None:
    """Return the op of a module, or None for a module whose calls are read one by one.

    Only PyTorch's own classes have one: a subclass may do anything in its forward.
    """
    kind = type(module)
    if not kind.__module__.startswith("torch.nn."):
        return None
    made = MODULES.get(kind.__name__)
    if made is None:
        return None
    name, arguments = made(module)
    return make(name, **arguments) if name else None


def _window(module: Any) -> dict[str, Any]:
    padding = module.padding if isinstance(module.padding, str) else one(module.padding)
    stride = module.kernel_size if module.stride is None else module.stride
    return {"kernel": one(module.kernel_size), "stride": one(stride), "padding": padding}


def _conv(module: Any) -> tuple[str, dict[str, Any]]:
    options = {**_window(module), "dilation": one(module.dilation), "bias": module.bias is not None}
    if module.groups == module.in_channels and module.groups > 1:
        return "depthwise_conv", {"multiplier": module.out_channels // module.groups, **options}
    return "conv", {"out": module.out_channels, "groups": module.groups, **options}


def _conv_transpose(module: Any) -> tuple[str, dict[str, Any]]:
    options = {**_window(module), "dilation": one(module.dilation), "bias": module.bias is not None}
    options["output_padding"] = one(module.output_padding)
    return "conv_transpose", {"out": module.out_channels, "groups": module.groups, **options}


def _batchnorm(module: Any) -> tuple[str, dict[str, Any]]:
    return "batchnorm", {"affine": module.affine, "buffers": module.track_running_stats}


def _layernorm(module: Any) -> tuple[str, dict[str, Any]]:
    bias = {"bias": module.bias is not None} if module.elementwise_affine else {}
    return "layernorm", {"axes": len(module.normalized_shape), "affine": module.elementwise_affine, **bias}


def _rmsnorm(module: Any) -> tuple[str, dict[str, Any]]:
    return "rmsnorm", {"axes": len(module.normalized_shape), "affine": module.elementwise_affine}


def _maxpool(module: Any) -> tuple[str, dict[str, Any]]:
    return "maxpool", {**_window(module), "dilation": one(module.dilation), "ceil": module.ceil_mode}


def _avgpool(module: Any) -> tuple[str, dict[str, Any]]:
    return "avgpool", {**_window(module), "ceil": module.ceil_mode}


def _adaptive(kind: str) -> Callable[[Any], tuple[str, dict[str, Any]]]:
    def adaptive(module: Any) -> tuple[str, dict[str, Any]]:
        out = module.output_size
        if one(out) == 1:
            return f"global_{kind}", {}
        return ("", {}) if isinstance(out, (tuple, list)) and None in out else (f"adaptive_{kind}", {"out": one(out)})

    return adaptive


def _attention(module: Any) -> tuple[str, dict[str, Any]]:
    if not module.batch_first or module.bias_k is not None or module.add_zero_attn:
        return "", {}
    return "attention", {"heads": module.num_heads, "bias": module.in_proj_bias is not None}


def _recurrent(name: str) -> Callable[[Any], tuple[str, dict[str, Any]]]:
    def recurrent(module: Any) -> tuple[str, dict[str, Any]]:
        if not module.batch_first:
            return "", {}
        arguments = {"hidden": module.hidden_size, "layers": module.num_layers, "bidirectional": module.bidirectional}
        more = {"projection": module.proj_size} if getattr(module, "proj_size", 0) else {}
        return name, {**arguments, "bias": module.bias, **more}

    return recurrent


def _upsample(module: Any) -> tuple[str, dict[str, Any]]:
    scale = module.scale_factor
    if module.size is not None:
        return "upsample", {"size": one(module.size), "mode": module.mode}
    factors = list(scale) if isinstance(scale, tuple) else [scale]
    if not all(float(factor).is_integer() for factor in factors):
        return "", {}
    return "upsample", {"scale": one([int(factor) for factor in factors]), "mode": module.mode}


def _flatten(module: Any) -> tuple[str, dict[str, Any]]:
    whole = module.end_dim == -1 and module.start_dim >= 1
    return ("flatten", {"start": module.start_dim - 1}) if whole else ("", {})


def _plain(name: str) -> Callable[[Any], tuple[str, dict[str, Any]]]:
    return lambda _module: (name, {})


MODULES: Mapping[str, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), _conv),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), _conv_transpose),
    "Linear": lambda module: ("linear", {"out": module.out_features, "bias": module.bias is not None}),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"), _batchnorm),
    "LayerNorm": _layernorm,
    "RMSNorm": _rmsnorm,
    **dict.fromkeys(
        ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
        lambda module: ("" if module.track_running_stats else "instancenorm", {"affine": module.affine}),
    ),
    **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), _upsample),
    "GroupNorm": lambda module: ("groupnorm", {"groups": module.num_groups, "affine": module.affine}),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "MaxPool3d"), _maxpool),
    **dict.fromkeys(("AvgPool1d", "AvgPool2d", "AvgPool3d"), _avgpool),
    **dict.fromkeys([f"AdaptiveAvgPool{rank}d" for rank in (1, 2, 3)], _adaptive("avgpool")),
    **dict.fromkeys([f"AdaptiveMaxPool{rank}d" for rank in (1, 2, 3)], _adaptive("maxpool")),
    "Flatten": _flatten,
    "Embedding": lambda module: ("embedding", {"vocab": module.num_embeddings, "dim": module.embedding_dim}),
    "MultiheadAttention": _attention,
    "LSTM": _recurrent("lstm"),
    "GRU": _recurrent("gru"),
    "RNN": _recurrent("rnn"),
    "PReLU": lambda module: ("prelu", {"per_channel": module.num_parameters > 1}),
    "LocalResponseNorm": lambda module: ("lrn", {"size": module.size}),
    "Softmax": lambda module: ("softmax", {"axis": module.dim if module.dim < 0 else module.dim - 1}),
    **{
        name: _plain(op)
        for name, op in {
            "ReLU": "relu", "ReLU6": "relu6", "LeakyReLU": "leaky_relu",
            "ELU": "elu", "SELU": "selu", "Sigmoid": "sigmoid",
            "Hardsigmoid": "hardsigmoid", "Hardswish": "hardswish", "SiLU": "silu", "GELU": "gelu", "Mish": "mish",
            "Tanh": "tanh", "Softplus": "softplus",
            "Identity": "identity", "Dropout": "dropout", "Dropout1d": "dropout",
            "Dropout2d": "dropout", "Dropout3d": "dropout", "AlphaDropout": "dropout",
        }.items()
    },
}  # fmt: skip
