"""Sums of products by index, in the notation of Einstein."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ArgumentError, ShapeError
from costcalc.formula import ZERO, Count, Dim, Shapes, product
from costcalc.notation import show
from costcalc.ops.argument_types import ArgumentType, register
from costcalc.ops.base import Op
from costcalc.ops.shapes import less_one

if TYPE_CHECKING:
    from collections.abc import Mapping

Equation: TypeAlias = str
MAX_OPERANDS = 16


def _equation(value: Any) -> str:
    """Convert an equation such as `bhtd,bhsd->bhts`."""
    text = str(value).replace(" ", "") if isinstance(value, str) else ""
    operands, arrow, output = text.partition("->")
    terms = operands.split(",")
    plain = all(term.isascii() and term.isalpha() for term in terms) and (output.isascii() and output.isalpha())
    help = "write the indices of each input, and those of the output: bhtd,bhsd->bhts"
    if not arrow or not (plain or (not output and all(term.isalpha() for term in terms))) or len(text) > 200:
        raise ArgumentError("expected an equation, got {}", show(value), help=help)
    if len(terms) > MAX_OPERANDS:
        raise ArgumentError("expected at most {} inputs, got {}", MAX_OPERANDS, len(terms))
    for index in output:
        if index not in operands or output.count(index) > 1:
            raise ArgumentError("the index {} of the output must stand in an input, and once in the output", index)
    return text


_SCHEMA: dict[str, object] = {"type": "string", "pattern": "^[A-Za-z, ]+->[A-Za-z ]*$"}
register("Equation", ArgumentType(_equation, "an equation such as bhtd,bhsd->bhts", _SCHEMA, literal=True))


class Einsum(Op, name="einsum"):
    """Sum of products by index.

    Shapes: one for each operand of the equation -> the sizes of the indices after the arrow.
    Units:  of two inputs, one multiply-add for each combination of all indices; of more, pairwise from left to right;
            of one, an addition for each element that is summed into another.
    Errors: ArgumentError when the equation is malformed; ShapeError when an index has two sizes, or the number of axes
            differs from that of its indices.
    Source: PyTorch's einsum.

    >>> op, inputs = Einsum(equation="bhtd,bhsd->bhts"), ((2, 8, 5, 64), (2, 8, 7, 64))
    >>> op.shape(inputs), op.cost(inputs, op.shape(inputs)).macs.symbols()
    (((2, 8, 5, 7),), 'b·h·t·d·s')
    """

    arity: ClassVar[tuple[int, int | None]] = (1, None)
    equation: Equation

    @property
    def terms(self) -> list[str]:
        """The indices of each input."""
        return self.equation.partition("->")[0].split(",")

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the sizes of the indices of the output."""
        sizes = self._sizes(inputs)
        return (tuple([sizes[index] for index in self.equation.partition("->")[2]]),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return unknown axes."""
        return ()

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the products of each pair, from left to right."""
        sizes, terms = self._sizes(inputs), self.terms
        output = self.equation.partition("->")[2]
        if len(terms) == 1:
            return Cost(add=_summed(terms[0], output, sizes))
        macs, left = ZERO, terms[0]
        for place, right in enumerate(terms[1:], 1):
            every = dict.fromkeys(left + right)
            macs += product(*[(index, sizes[index]) for index in every])
            needed = {*output, *"".join(terms[place + 1 :])}
            left = "".join([index for index in every if index in needed])
        return Cost(macs=macs)

    def _sizes(self, inputs: Shapes) -> Mapping[str, Dim]:
        """Return the size of each index."""
        terms = self.terms
        if len(terms) != len(inputs):
            raise ShapeError("the equation {} has {} inputs, got {}", self.equation, len(terms), len(inputs))
        sizes: dict[str, Dim] = {}
        for term, shape in zip(terms, inputs, strict=True):
            if len(term) != len(shape):
                raise ShapeError("the indices {} do not fit {}: expected {} axes", term, list(shape), len(term))
            for index, size in zip(term, shape, strict=True):
                if sizes.setdefault(index, size) != size:
                    raise ShapeError("the index {} has the sizes {} and {}", index, sizes[index], size)
        return sizes


def _summed(term: str, output: str, sizes: Mapping[str, Dim]) -> Count:
    """Return the additions of a sum over the indices that the output does not have."""
    kept = [(index, sizes[index]) for index in dict.fromkeys(term) if index in output]
    gone = [(index, sizes[index]) for index in dict.fromkeys(term) if index not in output]
    return product(*kept, less_one(tuple(gone))) if gone else ZERO
