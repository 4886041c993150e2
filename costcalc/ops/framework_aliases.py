"""What to tell who calls an op by arguments that it does not have. Most come from PyTorch and know its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import nearest, suggest
from costcalc.ops.argument_types import show
from costcalc.ops.base import REGISTRY, signature, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.errors import ArgumentError
    from costcalc.ops.base import Op

RENAMED = {
    "activation": ("act",),
    "axis": ("axes",),
    "ceil_mode": ("ceil",),
    "chunks": ("parts",),
    "depth_multiplier": ("multiplier",),
    "dilation_rate": ("dilation",),
    "dim": ("axis", "out", "order", "axes"),
    "dim_head": ("head_dim",),
    "dims": ("order", "axis"),
    "downscale_factor": ("factor",),
    "elementwise_affine": ("affine",),
    "embedding_dim": ("dim",),
    "filters": ("out",),
    "hidden_size": ("hidden",),
    "is_causal": ("causal",),
    "keepdim": ("keepdims",),
    "kernel_size": ("kernel",),
    "nonlinearity": ("act",),
    "norm_layer": ("norm",),
    "normalisation": ("norm",),
    "normalization": ("norm",),
    "normalized_shape": ("axes",),
    "num_embeddings": ("vocab",),
    "num_groups": ("groups",),
    "num_heads": ("heads",),
    "num_kv_heads": ("kv_heads",),
    "num_layers": ("layers",),
    "out_channels": ("out",),
    "out_features": ("out",),
    "output_size": ("out", "size"),
    "pad": ("padding", "amount"),
    "pool_size": ("kernel",),
    "scale_factor": ("scale",),
    "split_size_or_sections": ("sizes", "parts"),
    "start_dim": ("start",),
    "units": ("out", "hidden"),
    "upscale_factor": ("factor",),
    "use_bias": ("bias",),
}
"""Arguments by their names in PyTorch and Keras, and what they may be called here."""

FOLLOWERS = frozenset(("norm", "act"))
"""Arguments in a spec, where they write layers."""

WITH_BATCH = ("dim", "dims", "start_dim")
"""Of these, PyTorch's arguments whose numbers count the batch as an axis."""

FOLLOWS = {
    "embed_dim": "features",
    "in_channels": "channels",
    "in_features": "features",
    "input_size": "features",
    "kdim": "features",
    "num_channels": "channels",
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

BLOCKS = {
    "feedforward": "mlp",
    "ffn": "mlp",
    "mbconv": "inverted_residual",
    "modulelist": "group",
    "se": "squeeze_excite",
    "seblock": "squeeze_excite",
    "separableconv": "depthwise_separable",
    "sequential": "group",
    "skipconnection": "residual",
    "transformerblock": "transformer_encoder",
}
"""Blocks and structures by the names that other frameworks and papers give them. Ops bring their own (`aliases`)."""


def layer_meant(name: str, known: Iterable[str]) -> str:
    """The layer that an unknown name probably stands for, or an empty string.

    >>> layer_meant("nn.Dense", ["conv", "linear"]), layer_meant("ConvTranspose2d", ["conv", "conv_transpose"])
    ('linear', 'conv_transpose')
    """
    names = list(known)
    last = name.rpartition(".")[2]
    plain = _plain(last)
    same = next((here for here in names if _plain(here) == plain), "")
    return same or elsewhere(last) or nearest(name, names) or nearest(last, names)


def elsewhere(name: str) -> str:
    """What a layer of this name in PyTorch or Keras is called here, or an empty string.

    >>> elsewhere("swish"), elsewhere("width")
    ('silu', '')
    """
    plain = _plain(name)
    ops = (op.name for op in REGISTRY.values() if plain in op.aliases)
    return BLOCKS.get(plain) or next(ops, "")


def _plain(name: str) -> str:
    """A name in small letters, without what frameworks write differently: `AdaptiveAvgPool2d`, `adaptive_avgpool`."""
    folded = "".join([char for char in name.lower() if char not in "_- "])
    return folded[:-2] if folded[-2:] in ("1d", "2d", "3d") else folded


def misfit(op: type[Op], arguments: Mapping[str, object]) -> ArgumentError:
    """The error for a call whose arguments are not those of the op: one too many, else one missing.

    >>> error = misfit(REGISTRY["conv"], {"out": 64, "kernel_size": 3})
    >>> str(error), error.help
    ('conv has no argument kernel_size', 'here it is called kernel')
    """
    for name, value in arguments.items():
        if name not in op.fields:
            return wrong(name, "{} has no argument {}", op.name, name, help=advice(name, op.fields, value, op))
    missing = [name for name in op.fields if name not in op.defaults and name not in arguments]
    return wrong("", "{} needs {}", op.name, ", ".join(missing), help=signature(op))


def meant(name: str, known: Iterable[str]) -> str:
    """The argument that an unknown one probably stands for, or an empty string.

    >>> meant("out_channels", ["out", "kernel"]), meant("kernal", ["out", "kernel"])
    ('out', 'kernel')
    """
    names = list(known)
    return _renamed(name, names) or ("" if name in (*RENAMED, *FOLLOWS, *COSTLESS) else nearest(name, names))


def advice(name: str, known: Iterable[str], value: object = None, op: type[Op] | None = None) -> str:
    """Help for an argument that is not among those known: of an op, or else of a block. `value` is its own, if known.

    >>> advice("out_channels", ["out"]), advice("dim", ["axis"], 2)
    ('here it is called out', 'here it is called axis, and counts without the batch: dim 2 is axis 1')
    """
    names = list(known)
    here = _renamed(name, names)
    if here == "axes":
        count = len(value) if isinstance(value, (list, tuple)) else 1
        return f"here axes says how many trailing axes: {count}; their sizes are those of the input"
    if here:
        counts = name in WITH_BATCH and here != "out"
        return f"here it is called {here}{_without_batch(name, here, value) if counts else ''}"
    if op is None:
        return suggest(name, names)
    if name in FOLLOWS:
        return f"leave it out: the {FOLLOWS[name]} are those of the input"
    if name in COSTLESS:
        return "leave it out: it changes no shape and no count"
    if FOLLOWERS.intersection((name, *RENAMED.get(name, ()))):
        return f"write it as a layer of its own after {op.name}"
    return suggest("" if name in RENAMED else name, names, "" if names else f"{op.name} takes no arguments")


def _renamed(name: str, known: list[str]) -> str:
    return next((here for here in RENAMED.get(name, ()) if here in known), "")


def _without_batch(name: str, here: str, value: object) -> str:
    """How axes that count the batch are counted here; `value` is one or a list of them, where it is known."""
    several = isinstance(value, (list, tuple))
    axes: list[object] = list(value) if isinstance(value, (list, tuple)) else [value]
    kept = [axis - 1 if axis > 0 else axis for axis in axes if type(axis) is int and axis]
    if not kept:
        return f", and counts without the batch: {name} 1 is {here} 0"
    return f", and counts without the batch: {name} {show(value)} is {here} {show(kept if several else kept[0])}"
