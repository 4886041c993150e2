"""A spec's layers as compiled templates: what is left of the YAML once names, arguments and expressions are checked.

Compiling finds every fault that does not depend on shapes; `costcalc.lang.network_builder` then runs the templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.engine import LimitError
from costcalc.errors import ExpressionError, Fault, SpecError, fill
from costcalc.lang.expression import TENSOR_NAMES, Environment
from costcalc.lang.functions import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from costcalc.errors import CostcalcError, Span
    from costcalc.formula import Shape
    from costcalc.lang.reader import Node
    from costcalc.ops.base import Op

MODIFIERS = ("name", "from", "repeat", "for", "if", "share", "note")
STRUCTURES: Mapping[str, tuple[str, ...]] = {
    "group": (),
    "residual": ("shortcut", "skip"),
    "add": (),
    "mul": (),
    "concat": ("axis",),
}
"""The structures, and the keys that may stand beside each."""
MAX_FAULTS = 100
NONE = "none"
"""The word that turns a norm or an activation off. All other words come with the types of arguments."""


class Scope:
    """Names that can be seen: those of a list of layers, and those around it."""

    __slots__ = ("names", "outer")

    def __init__(self, names: Iterable[str] = (), outer: Scope | None = None) -> None:
        self.names = set(names)
        self.outer = outer

    def __contains__(self, name: str) -> bool:
        scope: Scope | None = self
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
    """What names stand for in a list of layers. Any other name is looked up in `outer`, what stands around the list.

    Nothing is copied from there, as a list may be entered often and much may stand around it.
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

    def copy(self) -> Values:
        """The same values, to be changed."""
        return Values(self.outer, **self)


class WorkBudget:
    """Counts work that may add no layer, so that it ends too: layers left out, copies, values that are computed."""

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.left = self.most = most

    @property
    def spent(self) -> int:
        """The work that was counted."""
        return self.most - self.left

    def spend(self, work: int) -> None:
        """Count some work. Raises `LimitError` when more was done than any network is worth."""
        self.left -= work
        if self.left < 0:
            raise LimitError(
                "the layers and expressions of this spec take too many steps", help="--max-layers raises the limit"
            )


class Env(Environment):
    """The names that an expression sees, and the shapes of the tensors that entered the layer and the block."""

    __slots__ = ("block", "root", "shape", "work_budget")

    def __init__(
        self,
        names: Mapping[str, Any],
        shape: Shape | None,
        block: Shape | None,
        root: Mapping[str, Any],
        work_budget: WorkBudget,
    ) -> None:
        self.names = names
        self.shape = shape
        self.block = block
        self.root = root
        """The file's params, which `defaults` see instead of a block's arguments."""
        self.work_budget = work_budget

    def spend(self, work: int) -> None:
        """Count the work of an expression."""
        self.work_budget.spend(work)

    def other(self, name: str) -> Any:
        """A dimension of the tensor that enters the layer or the block; any other name is a word by now."""
        if name not in TENSOR_NAMES:
            return Word(name)
        shape = self.shape if name.startswith("in_") else self.block
        what = name.partition("_")[2]
        if shape is None:
            raise ExpressionError("{} has no value here: no tensor enters", name)
        if what == "shape":
            return shape
        if not shape:
            raise ExpressionError("{} has no value: the tensor has no dimensions", name)
        return shape[0] if what == "channels" else shape[-1]


class Part:
    """A part of a key's text as a scalar of its own: the default of an argument in a signature, a follower's name."""

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
    """A value of a spec with its place: a constant, or a function of the names that are in scope."""

    __slots__ = ("constant", "node", "run", "work")

    def __init__(
        self, node: Node | Part, constant: Any = None, run: Callable[[Env], Any] | None = None, work: int = 1
    ) -> None:
        self.node = node
        self.constant = constant
        self.run = run
        self.work = work
        """What running costs, in steps of an expression."""

    def get(self, env: Env) -> Any:
        """The value. Raises `SpecError` at the expression's place."""
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
    """So many faults were found that more would help nobody."""


class Faults(list[Fault]):
    """Faults as they are found."""

    def add(self, fault: Fault) -> None:
        """Note a fault. Raises `TooManyFaults`."""
        self.append(fault)
        if len(self) >= MAX_FAULTS:
            raise TooManyFaults


class Bound:
    """A layer as a value, with the names it was written under: `norm: {groupnorm: 32}`."""

    __slots__ = ("item", "names")

    def __init__(self, item: Item, names: Mapping[str, Any]) -> None:
        self.item = item
        self.names = names

    def __str__(self) -> str:
        return f"the layer {self.item.target}"


class Loop(NamedTuple):
    """The values of `for`: names, and either a column for each or rows."""

    node: Node
    names: tuple[str, ...]
    columns: tuple[Cell, ...] | None
    rows: tuple[tuple[Cell, ...], ...]


class Reference(NamedTuple):
    """A name that stands for a tensor or for weights, at its place."""

    name: str
    span: Span


class Branch(NamedTuple):
    """One path of a structure: its segment, its items, and where the spec gives the segment, if it does."""

    segment: str
    items: tuple[Item, ...]
    given: Span | None = None


class Block(NamedTuple):
    """A template with a signature. The cells are the defaults of its arguments; None where one must be given."""

    name: str
    arguments: tuple[tuple[str, Cell | None], ...]
    items: tuple[Item, ...]
    span: Span
    builtin: bool = False
    """Whether costcalc brings it."""


class Item:
    """A layer, a block's call, a structure, or a `let`, as a list of layers holds it."""

    __slots__ = (
        "act",
        "args",
        "bare",
        "block",
        "branches",
        "condition",
        "fixed",
        "kind",
        "loop",
        "name",
        "norm",
        "op",
        "plain",
        "repeat",
        "share",
        "skip",
        "source",
        "span",
        "target",
    )

    def __init__(self, kind: str, target: str, span: Span) -> None:
        self.kind = kind
        """op, block, group, residual, join or let."""
        self.target = target
        """The name of the op, block or structure."""
        self.span = span
        self.op: type[Op] | None = None
        self.block: Callable[[], Block] | None = None
        self.args: tuple[tuple[str, Cell], ...] = ()
        self.fixed: Op | None = None
        """The op itself, where no argument depends on anything."""
        self.norm: Cell | None = None
        self.act: Cell | None = None
        self.name = ""
        self.source: tuple[Reference, ...] | None = None
        self.repeat: Cell | None = None
        self.loop: Loop | None = None
        self.condition: Cell | None = None
        self.share: Reference | None = None
        self.branches: tuple[Branch, ...] = ()
        self.skip: Cell | None = None
        self.plain = True
        """Neither repeated nor conditional."""
        self.bare = False
        """A structure that puts no segment of its own before what is inside it."""

    def argument(self, name: str) -> Node | Part | None:
        """Where an argument's value stands."""
        return next((cell.node for argument, cell in self.args if argument == name), None)


def located(error: CostcalcError, span: Span | None, *notes: str) -> SpecError:
    """The error at its place. The original stays with it, as its values may be arrays in a sweep."""
    result = SpecError([error.fault(span, *notes)])
    result.cause = error
    return result


def expression_span(node: Node | Part, error: ExpressionError) -> Span:
    """The part of a scalar that an error inside its expression is about."""
    return span_within(node, error.offset, error.length)


def span_within(node: Node | Part, at: int, length: int) -> Span:
    """A part of a scalar's text; all of it where the text does not stand there as it is."""
    if isinstance(node, Part):
        return node.span.at(at, length)
    from costcalc.lang.reader import text_offset

    offset = text_offset(node)
    return node.span if offset is None else node.span.at(offset + at, length)


def fault_at(node: Node | Part, message: str, *values: object, help: str = "", note: str = "") -> Fault:
    """A fault at a node."""
    return Fault(fill(message, values), node.span, (note,) if note else (), help)
