"""The strategy interface. A strategy is a form of a convolution: it recognises cells of that form and writes them.

An installed package adds a strategy with an entry point of the group `costcalc.strategies` that names a `Strategy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc import plugins
from costcalc.errors import CostcalcError, UsageError, suggest
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import CellMatch, CellPart, ConvCell, Theory
    from costcalc.strategies.graph import Graph

GROUP = "costcalc.strategies"
FORMS = ("spatial", "separable", "bottleneck", "grouped", "normal")
"""The strategies whose cells are recognised in every comparison. If two of them recognise cells with equally many
convolutions, the first in this order is used. The others recognise cells where they are compared."""
BUILTIN = (
    *FORMS,
    "inverted",
    "fused",
    "ghost",
    "partial",
    "blueprint",
    "shuffle",
    "svd",
    "tucker",
    "cp",
    "octave",
    "heterogeneous",
    "dilated",
)
"""The built-in strategies; each is a module, and a value of the same name in it."""
ALIASES = {"depthwise_separable": "separable"}
"""Further names of strategies."""
DEFAULT = ("normal", "bottleneck", "separable")
"""The strategies that are compared by default."""


class Strategy(NamedTuple):
    """A form of a convolution, and the rewrite of a cell to this form.

    `write` returns the parts of the new cell by name segment. A plain op takes the output of the previous part; a
    `CellPart` lists its inputs. The output of the last part is the output of the cell. Norms, activations and gates are
    added after the parts. `write` raises `NotExpressibleError`, or an error about a given option. `recognise` is called
    for each convolution with a kernel above 1 and returns the cell of this form around it, or None.
    """

    name: str
    summary: str
    write: Callable[[ConvCell, Mapping[str, Any]], Mapping[str, Op | CellPart]]
    recognise: Callable[[Graph, int], CellMatch | None] | None = None
    options: tuple[str, ...] = ()
    """The names of the options, which are integers of at least 1."""
    theory: Callable[[ConvCell, Mapping[str, Any]], Theory] | None = None
    """The prediction for a cell with the given options."""
    shares: tuple[str, ...] = ()
    """The names of the options that are fractions between 0 and 1."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all options."""
        return (*self.options, *self.shares)


class Choice(NamedTuple):
    """A strategy with its given options."""

    strategy: Strategy
    options: Mapping[str, int | Fraction] = {}

    def __str__(self) -> str:
        """Return the choice as given on the command line: `bottleneck:reduce=16`."""
        options = ",".join([f"{name}={value}" for name, value in self.options.items()])
        return f"{self.strategy.name}:{options}" if options else self.strategy.name

    def keeps(self, cell: ConvCell) -> bool:
        """Return whether a cell already has this form with these options."""
        return cell.form == self.strategy.name and all(
            cell.options.get(name) == value for name, value in self.options.items()
        )


_known: dict[str, Strategy] = {}
_plugins_loaded = False


def forms() -> dict[str, Strategy]:
    """Return the strategies of `FORMS`, in this order."""
    return {name: _builtin(name) for name in FORMS}


def _builtin(name: str) -> Strategy:
    if name not in _known:
        from importlib import import_module

        _known[name] = getattr(import_module(f"costcalc.strategies.{name}"), name)
    return _known[name]


def registered() -> dict[str, Strategy]:
    """Return all strategies, including those of installed packages."""
    for name in BUILTIN:
        _builtin(name)
    _load_plugins()
    return dict(_known)


def find(name: str) -> Strategy:
    """Return the strategy of this name. Plugins are loaded only for unknown names. Raises `UsageError`."""
    name = ALIASES.get(name, name)
    strategy = _builtin(name) if name in BUILTIN else registered().get(name)
    if strategy is None:
        raise UsageError("unknown strategy {}", name, help=suggest(name, registered()))
    return strategy


def choose(text: str) -> Choice:
    """Parse a strategy and its options. Raises `UsageError`.

    >>> str(choose("bottleneck:reduce=16"))
    'bottleneck:reduce=16'
    """
    name, colon, given = text.strip().partition(":")
    strategy = find(name.strip())
    options: dict[str, int | Fraction] = {}
    for part in given.split(",") if colon else ():
        option, equals, value = (piece.strip() for piece in part.partition("="))
        if not option:
            raise UsageError("{}: expected NAME=VALUE after the colon", name)
        if option not in strategy.names:
            otherwise = "" if strategy.names else f"{name} takes no options"
            raise UsageError("{} has no option {}", name, option, help=suggest(option, strategy.names, otherwise))
        if option in options:
            raise UsageError("{}: option {} is given twice", name, option)
        if not equals or not value:
            raise UsageError("{}: expected {}=VALUE", name, option)
        read = _share if option in strategy.shares else _positive
        options[option] = read(name, option, value)
    return Choice(strategy, options)


def _positive(strategy: str, option: str, text: str) -> int:
    from costcalc.lang.expression import parse_value
    from costcalc.ops.argument_types import positive

    try:
        return positive(parse_value(text))
    except CostcalcError as error:
        raise UsageError("{}: {}: {}", strategy, option, str(error)) from None


def _share(strategy: str, option: str, text: str) -> Fraction:
    """Return a fraction such as 1/4 or 0.25, exactly."""
    from fractions import Fraction

    digits = text.replace("/", "", 1).replace(".", "")
    if len(text) <= 20 and digits.isascii() and digits.isdecimal():
        try:
            share = Fraction(text)
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if 0 < share < 1:
            return share
    raise UsageError("{}: {}: expected a fraction between 0 and 1, got {}", strategy, option, text, help="write 1/4")


def _load_plugins() -> None:
    """Register the strategies of installed packages, once."""
    global _plugins_loaded
    if _plugins_loaded:
        return
    for package, strategy, entry in plugins.load(GROUP, "a strategy"):
        if not isinstance(strategy, Strategy):
            raise CostcalcError(
                "entry point {} of the installed package {}: expected a costcalc.strategies.Strategy, got {}",
                entry,
                package,
                type(strategy).__name__,
            )
        if _known.setdefault(strategy.name, strategy) is not strategy:
            raise CostcalcError(
                "the installed package {} cannot define the strategy {}: the name is taken", package, strategy.name
            )
    _plugins_loaded = True
