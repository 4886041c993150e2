"""Ops: one file per family, one class per op."""

from costcalc.ops import (
    activation,
    arithmetic,
    attention,
    conv,
    einsum,
    given,
    linear,
    merge,
    norm,
    pool,
    recurrent,
    reduce,
    reshape,
    resize,
    shuffle,
    state_space,
)
from costcalc.ops.base import Op, find, registered

__all__ = [
    "Op",
    "activation",
    "arithmetic",
    "attention",
    "conv",
    "einsum",
    "find",
    "given",
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
    "state_space",
]
