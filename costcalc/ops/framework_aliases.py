"""Suggestions for names of layers and arguments from PyTorch, Keras and papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import nearest, suggest
from costcalc.notation import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


RENAMED = {
    "activation": ("act",),
    "axis": ("axes",),
    "ceil_mode": ("ceil",),
    "chunks": ("parts",),
    "depth_multiplier": ("multiplier",),
    "dilation_rate": ("dilation",),
    "dim": ("axes", "out", "axis", "order"),
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
"""Arguments of PyTorch and Keras, and the corresponding arguments of costcalc."""

FOLLOWERS = frozenset(("norm", "act"))
"""Arguments that exist only in a spec, where they add layers."""

WITH_BATCH = ("dim", "dims", "start_dim")
"""Those whose values count the batch as an axis in PyTorch."""

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
    "geglu": "swiglu",
    "ffn": "mlp",
    "invertedbottleneck": "inverted_residual",
    "modulelist": "group",
    "se": "squeeze_excite",
    "seblock": "squeeze_excite",
    "separableconv": "depthwise_separable",
    "sequential": "group",
    "skipconnection": "residual",
    "transformerblock": "transformer_encoder",
    "transformerdecoderlayer": "transformer_decoder",
    "transformerencoderlayer": "transformer_encoder",
}
"""Blocks and structures by their names in other frameworks and papers. For ops, see `Op.aliases`."""


OTHERS = frozenset(
    (
        "acos", "acosh", "addmm", "affinegrid", "argmax", "argmin", "asin", "asinh", "atan", "atanh", "bilinear",
        "ceil", "celu", "cosh", "cosinesimilarity", "cumsum", "embeddingbag", "expm1", "floor", "fold",
        "gridsample", "hardshrink", "local", "locallyconnected", "log1p", "logsigmoid", "lppool", "maxunpool",
        "min", "minimum", "norm", "pow", "prod", "round", "rrelu", "sign", "sinc", "sinh", "softmin", "softshrink",
        "softsign", "tan", "tanhshrink", "threshold", "topk", "unfold", "unpool", "where",
    )
)  # fmt: skip
"""Layers of other frameworks that no op equals. One of a similar name is another op."""

PACKAGES = "a package can add ops through an entry point of the group costcalc.ops"
"""A note for the error about an unknown op."""

LISTS = "costcalc ops and costcalc blocks list all names"


def nearest_layer(name: str, known: Iterable[str], aliases: Mapping[str, str]) -> str:
    """Return the known layer that an unknown name probably means, or an empty string. `aliases` are those of ops.

    >>> nearest_layer("nn.Dense", ["conv", "linear"], {"dense": "linear"})
    'linear'
    >>> nearest_layer("ConvTranspose2d", ["conv", "conv_transpose"], {})
    'conv_transpose'
    """
    names = list(known)
    last = name.partition(" ")[0].rpartition(".")[2]
    plain = _plain(last)
    same = next((replacement for replacement in names if _plain(replacement) == plain), "")
    alike = same or framework_alias(last, aliases)
    if alike or plain in OTHERS:
        return alike
    return next(
        (known for known in (nearest(last, names), nearest(name, names)) if _misspelt(plain, _plain(known))), ""
    )


def layer_help(name: str, known: Iterable[str], aliases: Mapping[str, str]) -> str:
    """Return the help for an unknown layer.

    >>> layer_help("swish", ["silu"], {"swish": "silu"})
    'did you mean silu?'
    """
    match = nearest_layer(name, known, aliases)
    return f"did you mean {match}?" if match else LISTS


def _misspelt(name: str, known: str) -> bool:
    """Return whether a name differs from a known one by a slip: a letter, an exchange of two, or little of a long name.

    >>> _misspelt("cnv", "conv"), _misspelt("covn", "conv"), _misspelt("unpool", "maxpool"), _misspelt("glu", "gelu")
    (True, True, False, True)
    """
    from difflib import SequenceMatcher

    if not known or name[:1] != known[:1]:
        return False
    start = next((place for place, pair in enumerate(zip(name, known, strict=False)) if pair[0] != pair[1]), len(known))
    rest, other = name[start:], known[start:]
    if rest[1:] == other or rest == other[1:] or rest[1:] == other[1:]:
        return True
    return (rest[:2] == other[1::-1] and rest[2:] == other[2:]) or SequenceMatcher(None, name, known).ratio() >= 0.9


def framework_alias(name: str, aliases: Mapping[str, str]) -> str:
    """Return the costcalc name of a layer of another framework, or an empty string. `aliases` are those of ops.

    >>> framework_alias("Swish", {"swish": "silu"}), framework_alias("ffn", {}), framework_alias("width", {})
    ('silu', 'mlp', '')
    """
    plain = _plain(name)
    return BLOCKS.get(plain) or aliases.get(plain, "")


def _plain(name: str) -> str:
    """Return a name in lower case, without signs and a suffix such as `2d`: `adaptiveavgpool`."""
    folded = "".join([char for char in name.lower() if char not in "_- "])
    return folded[:-2] if folded[-2:] in ("1d", "2d", "3d") else folded


def nearest_argument(name: str, known: Iterable[str]) -> str:
    """Return the known argument that an unknown one probably means, or an empty string.

    >>> nearest_argument("out_channels", ["out", "kernel"]), nearest_argument("kernal", ["out", "kernel"])
    ('out', 'kernel')
    """
    names = list(known)
    return _renamed(name, names) or ("" if name in (*RENAMED, *FOLLOWS, *COSTLESS) else nearest(name, names))


def argument_help(name: str, known: Iterable[str], value: object = None, op: str = "") -> str:
    """Return the help for an unknown argument of an op, or of a block if `op` is empty. `value` is its value, if known.

    >>> argument_help("out_channels", ["out"]), argument_help("dim", ["axis"], 2)
    ('use out instead', 'use axis instead, which counts without the batch: dim 2 is axis 1')
    """
    names = list(known)
    replacement = _renamed(name, names)
    if replacement == "axes":
        count = len(value) if isinstance(value, (list, tuple)) else 1
        return f"use axes: {count}, the number of trailing axes; their sizes follow from the input"
    if replacement:
        counts = name in WITH_BATCH and replacement != "out"
        return f"use {replacement} instead{_without_batch(name, replacement, value) if counts else ''}"
    if not op:
        return suggest(name, names)
    if name in FOLLOWS:
        return f"remove it: the {FOLLOWS[name]} follow from the input"
    if name in COSTLESS:
        return "remove it: it changes no shape and no count"
    if FOLLOWERS.intersection((name, *RENAMED.get(name, ()))):
        return f"write it as a separate layer after {op}"
    return suggest("" if name in RENAMED else name, names, "" if names else f"{op} takes no arguments")


def _renamed(name: str, known: list[str]) -> str:
    return next((replacement for replacement in RENAMED.get(name, ()) if replacement in known), "")


def _without_batch(name: str, replacement: str, value: object) -> str:
    """Return the conversion of axes that count the batch. `value` is an axis or a list of axes, if known."""
    several = isinstance(value, (list, tuple))
    axes: list[object] = list(value) if isinstance(value, (list, tuple)) else [value]
    kept = [axis - 1 if axis > 0 else axis for axis in axes if type(axis) is int and axis]
    if not kept:
        return f", which counts without the batch: {name} 1 is {replacement} 0"
    return (
        f", which counts without the batch: {name} {show(value)} is {replacement} {show(kept if several else kept[0])}"
    )
