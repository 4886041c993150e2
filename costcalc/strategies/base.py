"""What a strategy is: a way to carry out one convolution, which recognises cells of its form and writes them anew.

A strategy of a package of its own is a value of this type behind an entry point of the group `costcalc.strategies`.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from costcalc import plugins
from costcalc.errors import CostcalcError, UsageError, suggest
from costcalc.formula import TAP_NAMES
from costcalc.ops.argument_types import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from costcalc.formula import Shape
    from costcalc.model import Tensor
    from costcalc.ops.base import Op
    from costcalc.strategies.graph import Graph

GROUP = "costcalc.strategies"
BUILTIN = ("spatial", "separable", "bottleneck", "grouped", "normal")
"""The strategies that come with costcalc, each a module and a value in it. Of two that recognise equally much, the
first has it."""
DEFAULT = ("normal", "bottleneck", "separable")
"""The strategies that are compared where nothing is said."""


class NotExpressibleError(CostcalcError):
    """Why a strategy cannot write a cell. The cell stays as it is, and the reason is listed."""


class CellMatch(NamedTuple):
    """A cell that a strategy recognises, in indices of layers: its convolutions in order, and what its options are.

    `others` are further layers of the cell, such as a concat. What belongs to a convolution anyway, its norm, its
    activation and its gate, need not be named.
    """

    convolutions: tuple[int, ...]
    options: Mapping[str, int] = {}
    others: tuple[int, ...] = ()


class Finish(NamedTuple):
    """What belongs to a convolution besides its products: a bias, and the layers behind it, as indices.

    Those layers are its norm, its activation, and a gate such as squeeze and excite: a subgraph with one input.
    """

    bias: bool
    followers: tuple[int, ...] = ()


class CellPart(NamedTuple):
    """An op of a new cell that takes something else than the output of the part before it, or ends otherwise.

    `inputs` names other parts, or `input`, the tensor that enters the cell. `finish` is `inner` or `last` of the cell;
    by default the last part ends as `last` does, and every other one that can have a norm as `inner`.
    """

    op: Op
    inputs: tuple[str, ...] = ()
    finish: Finish | None = None


class ConvCell(NamedTuple):
    """One convolution with a kernel above 1 and what carries it out in a network.

    Kernel, stride, padding (or `same`) and dilation are those of the whole, one for each spatial dimension. `form` is
    the name of the strategy that recognised it; `layers` are all of its layers. Every convolution of a new cell but the
    last ends as `inner` does, the last one as `last`. With a `reason`, no strategy can write it.
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
        """The channels that come in."""
        return self.source.shape[0]

    @property
    def out(self) -> int:
        """The channels that leave."""
        return self.result.shape[0]

    @property
    def taps(self) -> int:
        """The positions of the kernel: K² in two dimensions."""
        return prod(self.kernel)

    @property
    def taps_symbol(self) -> str:
        """`K²` for a square kernel of two dimensions, `K_h·K_w` for another."""
        rank = len(self.kernel)
        return ("K", "K²", "K³")[rank - 1] if len(set(self.kernel)) == 1 else "·".join(TAP_NAMES[rank])

    @property
    def padding_argument(self) -> int | Shape | str:
        """The padding as one writes it."""
        return self.padding if isinstance(self.padding, str) else plain(self.padding)


class Theory(NamedTuple):
    """What a formula says of a strategy before anything is built.

    `ratio` is that of its macs to those of the one convolution. Or `limit` is the largest value of `option` at which it
    takes fewer macs than that, and 0 where there is none.
    """

    symbols: str
    numbers: str
    ratio: Fraction | None = None
    limit: int | None = None
    option: str = ""


class Strategy(NamedTuple):
    """A way to carry out a convolution: a rewrite of one subgraph, a cell, as another.

    `write` gives the parts of the new cell, each under a segment for its name. An op by itself takes the output of the
    part before it; a `CellPart` says what it takes. The output of the last part leaves the cell. Norms, activations and
    gates are put behind the parts afterwards. It raises `NotExpressibleError`, and any error about an option that was
    given. `recognise` is asked about each convolution with a kernel above 1, and finds the cell of this form that it is
    in, if any.
    """

    name: str
    summary: str
    write: Callable[[ConvCell, Mapping[str, int]], Mapping[str, Op | CellPart]]
    recognise: Callable[[Graph, int], CellMatch | None] | None = None
    options: tuple[str, ...] = ()
    """The names of its options, integers of at least 1."""
    theory: Callable[[ConvCell], Theory] | None = None


class Choice(NamedTuple):
    """A strategy, and the options that were given."""

    strategy: Strategy
    options: Mapping[str, int] = {}

    def __str__(self) -> str:
        """As one writes it: `bottleneck:reduce=16`."""
        given = ",".join([f"{name}={value}" for name, value in self.options.items()])
        return f"{self.strategy.name}:{given}" if given else self.strategy.name

    def keeps(self, cell: ConvCell) -> bool:
        """Whether a cell already is what this choice would make of it."""
        return cell.form == self.strategy.name and all(
            cell.options.get(name) == value for name, value in self.options.items()
        )


def plain(sizes: Shape) -> int | Shape:
    """One number where all are alike.

    >>> plain((3, 3)), plain((3, 1))
    (3, (3, 1))
    """
    return sizes[0] if len(set(sizes)) == 1 else sizes


_known: dict[str, Strategy] = {}
_plugins_loaded = False


def builtin() -> dict[str, Strategy]:
    """The strategies that come with costcalc, in the order in which they are asked to recognise a cell."""
    if not _known:
        from importlib import import_module

        for name in BUILTIN:
            _known[name] = getattr(import_module(f"costcalc.strategies.{name}"), name)
    return {name: _known[name] for name in BUILTIN}


def registered() -> dict[str, Strategy]:
    """Every strategy: those of `builtin`, and those of installed packages."""
    builtin()
    _load_plugins()
    return dict(_known)


def find(name: str) -> Strategy:
    """The strategy of this name. Plugins are looked for only when costcalc itself has none. Raises `UsageError`."""
    strategy = builtin().get(name) or registered().get(name)
    if strategy is None:
        raise UsageError("no such strategy: {}", name, help=suggest(name, registered()))
    return strategy


def choose(text: str) -> Choice:
    """The strategy and options of `bottleneck:reduce=16`. Raises `UsageError` with the nearest name.

    >>> str(choose("bottleneck:reduce=16"))
    'bottleneck:reduce=16'
    """
    name, colon, given = text.strip().partition(":")
    strategy = find(name.strip())
    options: dict[str, int] = {}
    for part in given.split(",") if colon else ():
        option, equals, value = (piece.strip() for piece in part.partition("="))
        if not option:
            raise UsageError("{}: expected NAME=VALUE behind the colon", name)
        if option not in strategy.options:
            otherwise = "" if strategy.options else f"{name} takes no options"
            raise UsageError("{} has no option {}", name, option, help=suggest(option, strategy.options, otherwise))
        if option in options:
            raise UsageError("{} is given {} twice", name, option)
        if not equals or not value:
            raise UsageError("{}: expected {}=VALUE", name, option)
        options[option] = _positive(name, option, value)
    return Choice(strategy, options)


def _positive(strategy: str, option: str, text: str) -> int:
    from costcalc.lang.expression import parse_value
    from costcalc.ops.argument_types import positive

    try:
        return positive(parse_value(text))
    except CostcalcError as error:
        raise UsageError("{}: {}: {}", strategy, option, str(error)) from None


def _load_plugins() -> None:
    """Put what entry points of the group `costcalc.strategies` name into the registry, once."""
    global _plugins_loaded
    if _plugins_loaded:
        return
    for package, strategy, entry in plugins.load(GROUP, "a strategy"):
        if not isinstance(strategy, Strategy):
            raise CostcalcError(
                "expected a costcalc.strategies.Strategy at {}, of the installed package {}", entry, package
            )
        if _known.setdefault(strategy.name, strategy) is not strategy:
            raise CostcalcError("the installed package {} would replace the strategy {}", package, strategy.name)
    _plugins_loaded = True


def described(sizes: Shape) -> str:
    """A kernel as one writes it: `5×5`.

    >>> described((5, 5))
    '5×5'
    """
    return "×".join(map(show, sizes))
