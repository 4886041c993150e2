"""Templates: the compiled form of a spec's layers, with checked names, arguments and expressions.

The compiler finds all faults that do not depend on shapes. `costcalc.lang.network_builder` runs the templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.engine import LimitError
from costcalc.errors import ExpressionError, Fault, SpecError, fill
from costcalc.lang.expression import TENSOR_NAMES, Environment
from costcalc.lang.functions import Word
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    from costcalc.errors import CostcalcError, Span
    from costcalc.formula import Shape
    from costcalc.lang.names import Names
    from costcalc.lang.reader import Node
    from costcalc.model import Tensor
    from costcalc.number_formats import NumberFormats
    from costcalc.ops.base import Op

MODIFIERS = ("name", "from", "repeat", "tied", "for", "if", "else", "share", "dtype", "allow", "note")
STRUCTURES: Mapping[str, tuple[str, ...]] = {
    "group": (),
    "map": (),
    "moe": ("experts", "active", "shared"),
    "residual": ("shortcut", "skip"),
    "add": ("branches",),
    "mul": ("branches",),
    "sub": (),
    "div": (),
    "concat": ("axis", "branches"),
}
"""The structures, and the additional keys of each."""
MAX_FAULTS = 100
NONE = "none"
"""The word for no norm or no activation. The argument types define all other words."""


class NameScope:
    """The visible names: those of a list of layers, and those of the enclosing scopes."""

    __slots__ = ("layers", "names", "outer")

    def __init__(self, names: Iterable[str] = (), outer: NameScope | None = None) -> None:
        self.names = set(names)
        self.layers: set[str] = set()
        """The loop variables whose values are layers."""
        self.outer = outer

    def is_layer(self, name: str) -> bool:
        """Return whether a name is a loop variable whose values are layers."""
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.layers:
                return True
            if name in scope.names:
                return False
            scope = scope.outer
        return False

    def __contains__(self, name: str) -> bool:
        scope: NameScope | None = self
        while scope is not None:
            if name in scope.names:
                return True
            scope = scope.outer
        return False

    def __iter__(self) -> Iterator[str]:
        yield from self.names
        if self.outer is not None:
            yield from self.outer


class Values(dict[str, Any]):
    """The values of the names of a list of layers. Other names are looked up in `outer`, the enclosing scope.

    The outer values are not copied, because a list may run often and have many names around it.
    """

    __slots__ = ("outer",)

    def __init__(self, outer: Mapping[str, Any], **own: Any) -> None:
        super().__init__(**own)
        self.outer = outer

    def __missing__(self, name: str) -> Any:
        outer = self.outer
        while type(outer) is Values and name not in outer:
            outer = outer.outer
        return outer[name]

    def has(self, name: str) -> bool:
        """Return whether a name has a value here or in an enclosing scope."""
        values: Mapping[str, Any] = self
        while type(values) is Values and name not in values:
            values = values.outer
        return name in values

    def copy(self) -> Values:
        """Return a copy that can be changed."""
        return Values(self.outer, **self)


class WorkBudget:
    """Limits work that may add no layer: layers with a false condition, copies, expressions."""

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.left = self.most = most

    @property
    def spent(self) -> int:
        """The work done so far."""
        return self.most - self.left

    def spend(self, work: int) -> None:
        """Count work. Raises `LimitError` if the limit is exceeded."""
        self.left -= work
        if self.left < 0:
            raise LimitError(
                "the layers and expressions of this spec take too many steps", help="raise the limit with --max-layers"
            )


class Env(Environment):
    """The environment of an expression in a layer: names, and the input shapes of the layer and of the block."""

    __slots__ = ("block", "previous", "root", "scope", "shape", "work_budget")

    def __init__(
        self,
        names: Mapping[str, Any],
        shape: Shape | None,
        block: Shape | None,
        root: Mapping[str, Any],
        work_budget: WorkBudget,
        scope: Names | None = None,
        previous: tuple[Tensor, ...] = (),
    ) -> None:
        self.names = names
        self.shape = shape
        self.block = block
        self.root = root
        """The params of the spec. Expressions in `defaults` use these instead of the arguments of a block."""
        self.work_budget = work_budget
        self.scope = scope
        """The names of layers."""
        self.previous = previous
        """The outputs of the layer before."""

    def spend(self, work: int) -> None:
        """Count the work of an expression."""
        self.work_budget.spend(work)

    def other(self, name: str) -> Any:
        """Return a dimension of the input of the layer or the block. Any other name is a word."""
        if name not in TENSOR_NAMES:
            return Word(name)
        shape = self.shape if name.startswith("in_") else self.block
        what = name.partition("_")[2]
        if shape is None:
            raise ExpressionError("{} has no value without an input tensor", name)
        if what == "shape":
            return shape
        if not shape:
            raise ExpressionError("{} has no value: the tensor has no dimensions", name)
        return shape[0] if what == "channels" else shape[-1]


class Part:
    """A scalar that is a part of another text: the default of an argument in a signature, or the name of a follower."""

    __slots__ = ("span", "text")
    kind = "scalar"

    def __init__(self, text: str, span: Span) -> None:
        self.text = text
        self.span = span

    @property
    def value(self) -> str:
        """The text, which is an expression."""
        return self.text


class Cell:
    """A value of a spec with its location: a constant, or a function of the names in scope."""

    __slots__ = ("constant", "node", "run", "work")

    def __init__(
        self, node: Node | Part, constant: Any = None, run: Callable[[Env], Any] | None = None, work: int = 1
    ) -> None:
        self.node = node
        self.constant = constant
        self.run = run
        self.work = work
        """The work of evaluating the value, in steps of an expression."""

    def get(self, env: Env) -> Any:
        """Return the value. Raises `SpecError` at the location of the expression."""
        if self.run is None:
            return self.constant
        try:
            env.work_budget.spend(self.work)
            return self.run(env)
        except ExpressionError as error:
            raise located(error, expression_span(self.node, error)) from None
        except LimitError as error:
            raise located(error, self.node.span) from None


class TooManyFaults(Exception):  # noqa: N818 (a signal, not an error)
    """The limit of reported faults is reached."""


class Faults(list[Fault]):
    """The list of faults found so far."""

    def add(self, fault: Fault) -> None:
        """Add a fault. Raises `TooManyFaults`."""
        self.append(fault)
        if len(self) >= MAX_FAULTS:
            raise TooManyFaults


class Bound:
    """A layer used as a value, with the names in its scope: `norm: {groupnorm: 32}`."""

    __slots__ = ("item", "names")

    def __init__(self, item: Item, names: Mapping[str, Any]) -> None:
        self.item = item
        self.names = names

    def __str__(self) -> str:
        return f"the layer {self.item.target}"


class Loop(NamedTuple):
    """The values of `for`: names, and either one column per name or rows."""

    node: Node
    names: tuple[str, ...]
    columns: tuple[Cell, ...] | None
    rows: tuple[tuple[Cell, ...], ...]


class Reference(NamedTuple):
    """A name of a layer in `from`, `share` or `output`, with its location. Some steps of its path may be computed."""

    name: str
    span: Span
    steps: tuple[str | Cell, ...]
    variable: bool = False
    """Whether the first step is a loop variable."""

    @property
    def computed(self) -> bool:
        """Whether the layer depends on values, such as `i`."""
        return self.variable or not all(isinstance(step, str) for step in self.steps)


class Branch(NamedTuple):
    """A branch of a structure: its path segment, its items, and the location of the segment if the spec gives it."""

    segment: str
    items: tuple[Item, ...]
    given: Span | None = None


class Block(NamedTuple):
    """A template with a signature: argument names with their defaults. A required argument has None.

    `tensors` are the names of its inputs, which stand before the semicolon. `layers` are the arguments whose values
    are layers.
    """

    name: str
    arguments: tuple[tuple[str, Cell | None], ...]
    items: tuple[Item, ...]
    span: Span
    tensors: tuple[str, ...] = ()
    layers: frozenset[str] = frozenset()
    builtin: bool = False
    """Whether the block is built into costcalc."""


class Item:
    """An item of a list of layers: an op, the call of a block, a structure, or a `let`."""

    __slots__ = (
        "act",
        "args",
        "bare",
        "block",
        "branches",
        "condition",
        "count",
        "defaults",
        "experts",
        "fixed",
        "formats",
        "kind",
        "loop",
        "name",
        "norm",
        "op",
        "otherwise",
        "plain",
        "repeat",
        "share",
        "skip",
        "source",
        "span",
        "target",
        "tied",
    )

    def __init__(self, kind: str, target: str, span: Span) -> None:
        self.kind = kind
        """op, block, group, map, moe, residual, join, value, let or output. A value is the layer of an argument."""
        self.target = target
        """The name of the op, block or structure."""
        self.span = span
        self.op: type[Op] | None = None
        self.block: Callable[[], Block] | None = None
        self.args: tuple[tuple[str, Cell], ...] = ()
        self.defaults: Mapping[str, Cell] = {}
        """The defaults of the spec, for arguments whose value is `none`."""
        self.fixed: Op | None = None
        """The op, if all its arguments are constants."""
        self.norm: Cell | None = None
        self.act: Cell | None = None
        self.name = ""
        self.source: tuple[Reference, ...] | None = None
        self.repeat: Cell | None = None
        self.loop: Loop | None = None
        self.condition: Cell | None = None
        self.otherwise: tuple[Item, ...] = ()
        """The layers in place of the item if its condition is false."""
        self.tied = False
        """Whether the copies share their weights."""
        self.share: Reference | None = None
        self.branches: tuple[Branch, ...] = ()
        self.count: Cell | None = None
        """The number of equal branches, for `branches`."""
        self.experts: tuple[Cell, Cell] | None = None
        """The number of experts, and of those that a token goes to."""
        self.skip: Cell | None = None
        self.formats: NumberFormats | None = None
        """The number formats of the layers, if they are not those of the network."""
        self.plain = True
        """Whether the item has none of `repeat`, `for`, `if`, `share` and `dtype`."""
        self.bare = False
        """Whether the item is a structure that adds no segment to the paths of its layers."""

    def inner(self) -> Iterator[Item]:
        """Yield the items of the lists inside."""
        for branch in self.branches:
            yield from branch.items
        yield from self.otherwise

    def argument(self, name: str) -> Node | Part | None:
        """Return the node of an argument's value."""
        return next((cell.node for argument, cell in self.args if argument == name), None)


def typed(values: tuple[Any, ...]) -> Hashable:
    """Return a key that is equal only for equal values of equal types: 1, 1.0 and true are different arguments.

    >>> typed((1, 2)) == typed((1, 2)), typed((1, 2)) == typed((1.0, 2)), typed(((1,),)) == typed(((True,),))
    (True, False, False)
    """
    return values, tuple([typed(value) if type(value) is tuple else type(value) for value in values])


def located(error: CostcalcError, span: Span | None, *notes: str) -> SpecError:
    """Return a `SpecError` for an error at a location. Its `cause` is the error, whose values may be arrays."""
    result = SpecError([error.fault(span, *notes)])
    result.cause = error
    return result


def expression_span(node: Node | Part, error: ExpressionError) -> Span:
    """Return the location of an error inside an expression."""
    return span_within(node, error.offset, error.length)


def span_within(node: Node | Part, at: int, length: int) -> Span:
    """Return the span of a part of a scalar, or of the whole scalar if the source has its text in another form."""
    if isinstance(node, Part):
        return node.span.at(at, length)
    from costcalc.lang.reader import text_offset

    offset = text_offset(node)
    return node.span if offset is None else node.span.at(offset + at, length)


def fault_at(node: Node | Part, message: str, *values: object, help: str = "", note: str = "") -> Fault:
    """Return a fault at a node."""
    return Fault(fill(message, values), node.span, (note,) if note else (), help)
