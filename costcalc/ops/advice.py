"""What to tell who calls an op by arguments that it does not have. Most come from PyTorch and know its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import nearest, suggest
from costcalc.ops.base import signature, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.errors import ArgumentError
    from costcalc.ops.base import Op

RENAMED = {
    "axis": ("axes",),
    "ceil_mode": ("ceil",),
    "dim": ("axis", "out", "order"),
    "dims": ("order", "axis"),
    "downscale_factor": ("factor",),
    "elementwise_affine": ("affine",),
    "embedding_dim": ("dim",),
    "hidden_size": ("hidden",),
    "is_causal": ("causal",),
    "keepdim": ("keepdims",),
    "kernel_size": ("kernel",),
    "normalized_shape": ("axes",),
    "num_embeddings": ("vocab",),
    "num_groups": ("groups",),
    "num_heads": ("heads",),
    "num_kv_heads": ("kv_heads",),
    "num_layers": ("layers",),
    "out_channels": ("out",),
    "out_features": ("out",),
    "output_size": ("out", "size"),
    "pad": ("amount",),
    "scale_factor": ("scale",),
    "split_size_or_sections": ("sizes", "parts"),
    "chunks": ("parts",),
    "start_dim": ("start",),
    "upscale_factor": ("factor",),
}
"""Arguments of PyTorch, and what they may be called here."""

FOLLOWS = {
    "embed_dim": "features",
    "in_channels": "channels",
    "in_features": "features",
    "input_size": "features",
    "kdim": "features",
    "num_features": "channels",
    "num_parameters": "channels",
    "vdim": "features",
}
"""Arguments of PyTorch that follow from the shape of the input."""

COSTLESS = frozenset(
    (
        "align_corners",
        "alpha",
        "approximate",
        "batch_first",
        "beta",
        "count_include_pad",
        "device",
        "dropout",
        "dtype",
        "eps",
        "inplace",
        "k",
        "momentum",
        "negative_slope",
        "nonlinearity",
        "padding_idx",
        "padding_mode",
        "return_indices",
        "threshold",
        "track_running_stats",
    )
)
"""Arguments of PyTorch that change no shape and no count."""


ELSEWHERE = {
    "bmm": "matmul",
    "bn": "batchnorm",
    "chunk": "split",
    "deconv": "conv_transpose",
    "dense": "linear",
    "fc": "linear",
    "fullyconnected": "linear",
    "gap": "global_avgpool",
    "interpolate": "upsample",
    "localresponsenorm": "lrn",
    "modulelist": "group",
    "multiply": "mul",
    "se": "squeeze_excite",
    "seblock": "squeeze_excite",
    "separableconv": "depthwise_separable",
    "separableconv2d": "depthwise_separable",
    "sequential": "group",
    "squeeze": "reshape",
    "swish": "silu",
    "transpose": "permute",
    "unsqueeze": "reshape",
    "view": "reshape",
    "zeropadding2d": "pad",
}
"""Layers by names that other frameworks and papers have for them, and how one writes them here."""


def layer_meant(name: str, known: Iterable[str]) -> str:
    """The layer that an unknown name probably stands for, or an empty string.

    >>> layer_meant("nn.Dense", ["conv", "linear"]), layer_meant("Conv2d", ["conv", "linear"])
    ('linear', 'conv')
    """
    last = name.rpartition(".")[2]
    return ELSEWHERE.get(last.lower().replace("_", ""), "") or nearest(name, known) or nearest(last, known)


def misfit(op: type[Op], names: Iterable[str]) -> ArgumentError:
    """The error for a call whose arguments are not those of the op: one too many, else one missing.

    >>> from costcalc.ops.base import REGISTRY
    >>> error = misfit(REGISTRY["conv"], ["out", "kernel_size"])
    >>> str(error), error.help
    ('conv has no argument kernel_size', 'here it is called kernel')
    """
    names = list(names)
    for name in names:
        if name not in op.fields:
            return wrong(name, "{} has no argument {}", op.name, name, help=_advice(op, name))
    missing = [name for name in op.fields if name not in op.defaults and name not in names]
    return wrong("", "{} needs {}", op.name, ", ".join(missing), help=signature(op))


def meant(op: type[Op], name: str) -> str:
    """The argument that an unknown one probably stands for, or an empty string.

    >>> from costcalc.ops.base import REGISTRY
    >>> meant(REGISTRY["conv"], "out_channels"), meant(REGISTRY["conv"], "kernal")
    ('out', 'kernel')
    """
    return next((here for here in RENAMED.get(name, ()) if here in op.fields), "") or nearest(name, op.fields)


def _advice(op: type[Op], name: str) -> str:
    here = meant(op, name)
    if here and name in RENAMED:
        return f"here it is called {here}"
    if name in FOLLOWS:
        return f"leave it out: the {FOLLOWS[name]} are those of the input"
    if name in COSTLESS:
        return "leave it out: it changes no shape and no count"
    if name in ("norm", "act"):
        return f"write it as a layer of its own after {op.name}"
    return suggest(name, op.fields, "" if op.fields else f"{op.name} takes no arguments")
