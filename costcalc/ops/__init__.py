"""The ops: a file per family, an op per class."""

from costcalc.ops import (
    activation,
    attention,
    conv,
    linear,
    merge,
    norm,
    pool,
    recurrent,
    reduce,
    reshape,
    resize,
    shuffle,
)
from costcalc.ops.base import Op, find, registered

__all__ = [
    "Op",
    "activation",
    "attention",
    "conv",
    "find",
    "linear",
    "merge",
    "norm",
    "pool",
    "recurrent",
    "reduce",
    "registered",
    "reshape",
    "resize",
    "shuffle",
]
