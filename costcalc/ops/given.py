"""An op whose shape and figures are stated: what has figures, and no op of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from costcalc.cost import QUANTITIES, Cost
from costcalc.errors import ArgumentError
from costcalc.formula import Shape, Shapes, product
from costcalc.notation import show
from costcalc.ops.argument_types import MAX_LIST, ArgumentType, extents, register
from costcalc.ops.base import Op

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Natural

Outputs: TypeAlias = tuple[Shape, ...]
Label: TypeAlias = str


def _outputs(value: Any) -> Outputs:
    """Convert the shape of an output, or a list of the shapes of several."""
    several = isinstance(value, (tuple, list)) and value and all(isinstance(each, (tuple, list)) for each in value)
    if several and len(value) > MAX_LIST:
        raise ArgumentError("expected at most {} shapes, got {}", MAX_LIST, len(value))
    return tuple(map(extents, value)) if several else (extents(value),)


def _label(value: Any) -> str:
    """Convert a name."""
    if isinstance(value, (dict, list, tuple)):
        raise ArgumentError("expected a name, got {}", show(value))
    text = str(value)
    if not text.isprintable() or len(text) > 100:
        raise ArgumentError("expected a name of at most 100 characters")
    return text


_SIZES: dict[str, object] = {"type": "array", "items": {"type": ["integer", "string"]}}
_SCHEMA: dict[str, object] = {"anyOf": [_SIZES, {"type": "array", "items": _SIZES}]}
register("Outputs", ArgumentType(_outputs, "a shape, or a list of shapes", _SCHEMA))
register("Label", ArgumentType(_label, "a name", {"type": "string"}, literal=True))


class Given(Op, name="given"):
    """An op that costcalc has no rule for, with the shape of its output and its figures as they are stated.

    Shapes: any, or no input -> `shape`; a list of shapes for several outputs.
    Units:  the stated figures, each for one example. `kind` is a name for the reader.
    Errors: none.
    Source: whoever states the figures.

    >>> Given(shape=[100, 4], cmp=5000, kind="nms").cost(((1000, 4),), ((100, 4),)).cmp.value
    5000
    """

    arity: ClassVar[tuple[int, int | None]] = (0, None)
    implied: ClassVar[dict[str, str]] = {"kind": "none"}
    shape_: Outputs
    params: Natural = 0
    buffers: Natural = 0
    macs: Natural = 0
    add: Natural = 0
    mul: Natural = 0
    div: Natural = 0
    cmp: Natural = 0
    exp: Natural = 0
    kind: Label | None = None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the stated shapes."""
        return self.shape_

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Return the stated figures."""
        figures = {name: self.__dict__[name] for name in QUANTITIES}
        return Cost(
            **{name: product((name, figure)) for name, figure in figures.items() if type(figure) is not int or figure}
        )
