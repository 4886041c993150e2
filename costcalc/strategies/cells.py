"""Cells: the subgraphs of a network that carry out one convolution each, and the parts that they are rewritten as."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError
from costcalc.formula import TAP_NAMES, Count
from costcalc.notation import show
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from fractions import Fraction

    from costcalc.formula import Factor, Shape, Term
    from costcalc.model import Tensor
    from costcalc.ops.base import Op


class NotExpressibleError(CostcalcError):
    """The reason why a strategy cannot write a cell. The cell is not changed, and the reason is reported."""


class CellMatch(NamedTuple):
    """A cell that a strategy recognises: the indices of its convolutions, in order, and the values of its options.

    `others` are further layers of the cell, such as a concat. The norm, activation and gate of each convolution are
    included automatically.
    """

    convolutions: tuple[int, ...]
    options: Mapping[str, int] = {}
    others: tuple[int, ...] = ()


class Finish(NamedTuple):
    """The bias of a convolution, and the indices of the layers that follow it.

    These layers are its norm, its activation, and a gate such as squeeze-and-excite: a subgraph with one input.
    `roles` is the role of each, `norm`, `act` or `gate`. A new cell is without the followers of the roles in `omitted`.
    """

    bias: bool
    followers: tuple[int, ...] = ()
    roles: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()

    def without(self, *roles: str) -> Finish:
        """Return this without the followers of some roles.

        >>> Finish(True, (7, 8), ("norm", "act")).without("act").omitted
        ('act',)
        """
        return self._replace(omitted=roles)


BARE = Finish(bias=False)
"""No bias and no followers."""


class CellPart(NamedTuple):
    """An op of a new cell with explicit inputs, or an explicit finish.

    `inputs` are names of other parts, or `input` for the input of the cell; the default is the output of the previous
    part. `finish` is `inner` or `last` of the cell; the default is `last` for the last part, and `inner` for any other
    part that can have a norm.
    """

    op: Op
    inputs: tuple[str, ...] = ()
    finish: Finish | None = None


class ConvCell(NamedTuple):
    """A subgraph of a network that works as one convolution with a kernel above 1.

    Kernel, stride, padding (or `same`) and dilation are those of the whole cell, one for each spatial dimension. `form`
    is the name of the strategy that recognised it; `layers` are all of its layers. In a new cell, the last convolution
    is followed by the layers of `last`, every other one by those of `inner`. If `reason` is set, no strategy can write
    the cell.
    """

    name: str
    form: str
    layers: tuple[int, ...]
    source: Tensor
    result: Tensor
    kernel: Shape
    stride: Shape
    padding: Shape | str
    dilation: Shape
    inner: Finish
    last: Finish
    options: Mapping[str, int] = {}
    reason: str = ""

    @property
    def channels(self) -> int:
        """The number of input channels."""
        return self.source.shape[0]

    @property
    def out(self) -> int:
        """The number of output channels."""
        return self.result.shape[0]

    @property
    def taps(self) -> int:
        """The number of kernel positions: K² in two dimensions."""
        return prod(self.kernel)

    @property
    def taps_symbol(self) -> str:
        """The symbol of `taps`: `K²` for a square kernel, otherwise `K_h·K_w`."""
        rank = len(self.kernel)
        return ("K", "K²", "K³")[rank - 1] if len(set(self.kernel)) == 1 else "·".join(TAP_NAMES[rank])

    def product(self, *symbols: str | Factor) -> Term:
        """Return a product for `Theory.of`, of given factors and of the names K², C and N of this cell."""
        known = {"K²": (self.taps_symbol, self.taps), "C": ("C", self.channels), "N": ("N", self.out)}
        return tuple([known[symbol] if isinstance(symbol, str) else symbol for symbol in symbols])

    @property
    def padding_argument(self) -> int | Shape | str:
        """The padding as an argument of `conv`."""
        return self.padding if isinstance(self.padding, str) else plain(self.padding)


class Theory(NamedTuple):
    """The prediction of a formula for a strategy.

    Either `ratio` is its macs divided by those of a normal convolution, or `limit` is the largest value of `option` for
    which it takes fewer macs. A limit of 0 means that no value does.
    """

    symbols: str
    numbers: str
    ratio: Fraction | None = None
    limit: int | None = None
    option: str = ""

    @staticmethod
    def of(cell: ConvCell, *products: Term) -> Theory:
        """Return the ratio of some products per output position to the K²·C·N of a normal convolution."""
        from fractions import Fraction

        own, normal = Count(products), Count((cell.product("K²", "C", "N"),))
        written = [f"({form})" if len(products) > 1 else form for form in (own.symbols(), own.numbers())]
        return Theory(
            f"{written[0]}/({normal.symbols()})",
            f"{written[1]}/({normal.numbers()})",
            Fraction(own.value, normal.value),
        )


def plain(sizes: Shape) -> int | Shape:
    """Return a single number if all sizes are equal.

    >>> plain((3, 3)), plain((3, 1))
    (3, (3, 1))
    """
    return sizes[0] if len(set(sizes)) == 1 else sizes


def described(sizes: Shape) -> str:
    """Format a kernel.

    >>> described((5, 5))
    '5×5'
    """
    return "×".join(map(show, sizes))


def along(sizes: Shape, axes: Container[int], otherwise: int) -> Shape:
    """Return the sizes of some dimensions, and `otherwise` for the others.

    >>> along((5, 3), {0}, 1)
    (5, 1)
    """
    return tuple([size if axis in axes else otherwise for axis, size in enumerate(sizes)])
