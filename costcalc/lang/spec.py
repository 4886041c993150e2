"""A checked spec: its params, its limits, and the networks built from it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from costcalc import run_budget
from costcalc.engine import MAX_LAYERS, MAX_RANK, LimitError
from costcalc.errors import ArgumentError, ExpressionError, Fault, SpecError, UsageError, suggest
from costcalc.formula import MAX_NUMBER
from costcalc.lang.expression import parse_value
from costcalc.lang.functions import Word, is_number
from costcalc.lang.layer_builder import STEP
from costcalc.lang.network_builder import NetworkBuilder
from costcalc.lang.template import Cell, Env, Item, WorkBudget, located
from costcalc.notation import show
from costcalc.number_formats import NumberFormats
from costcalc.ops.argument_types import listed, positive
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.errors import Source, Span
    from costcalc.formula import Shape
    from costcalc.lang.compiler import Compiler
    from costcalc.lang.reader import Node
    from costcalc.lang.template import Part, Reference
    from costcalc.model import Network, Suspicion, Tensor

_VALUES = "write a number, true, false, a word, or a list: [3, 4]"
MAX_WORK = 1_000_000
"""The limit of steps for the expressions of all params."""


class Limit(NamedTuple):
    """An entry of `expect` or `budget`: figures for some params. `expect` must match, `budget` is a maximum."""

    values: Mapping[str, tuple[int, Span]]
    set: Mapping[str, Any]
    span: Span


class Spec:
    """A spec without syntax faults. `build` returns the network for given params."""

    def __init__(self, source: Source, files: tuple[Source, ...], compiler: Compiler) -> None:
        self.file = source
        self.files = files
        """The sources of the spec and of all specs that it extends."""
        self.warnings: tuple[Fault, ...] = ()
        self.name = ""
        self.source = ""
        self.description = ""
        self.params: dict[str, Cell] = {}
        self.choices: Mapping[str, Mapping[str, int]] = {}
        """The names of the values of params, such as the scales of a YOLO: `--set scale=s`."""
        self.inputs: dict[str, list[Cell]] = {}
        self.items: tuple[Item, ...] = ()
        self.outputs: tuple[Reference, ...] = ()
        self.formats = NumberFormats()
        self.allowed: set[tuple[str, Span | None]] = set()
        """The rules of suspicions that are allowed: everywhere, or for the layers of a span."""
        self.remarks: tuple[Suspicion, ...] = ()
        self.places: dict[str, Span] = {}
        """The locations of the inputs."""
        self.expect: tuple[Limit, ...] = ()
        self.budget: tuple[Limit, ...] = ()
        self.compiler = compiler

    def values(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of all params, in the order of the spec. Raises `UsageError` for an unknown name."""
        for name in overrides:
            if name not in self.params:
                known = f"known: {', '.join(self.params)}" if self.params else "the spec has no params"
                help = suggest(name, self.params, known)
                raise UsageError("unknown param {} of {}", name, self.name, help=help)
        values: dict[str, Any] = {}
        env = Env(values, None, None, values, WorkBudget(MAX_WORK))
        for name, cell in self.params.items():
            values[name] = self._given(name, overrides[name]) if name in overrides else cell.get(env)
        return values

    def _given(self, name: str, value: Any) -> Any:
        """Return a given value of a param. Raises `UsageError`."""
        choices = self.choices.get(name)
        if choices is None:
            return normal(name, value)
        if str(value) not in choices:
            raise UsageError("{}: expected one of {}, got {}", name, ", ".join(choices), str(value))
        return choices[str(value)]

    def build(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        max_layers: int | None = None,
    ) -> Network:
        """Build the network for params and input shapes. Raises `SpecError`, with the network up to the fault."""
        values = self.values(params or {})
        shapes = self._shapes(values, inputs or {})
        self.compiler.prepare_followers(self._words(params or {}, values))
        run = NetworkBuilder(self.compiler, values, shapes, max_layers or MAX_LAYERS)
        try:
            with gc_paused():
                last, env = run.network(self.items)
            outputs: dict[str, Tensor] = {}
            for reference in self.outputs:
                several = "*" in reference.steps
                for port, tensor in enumerate(run.tensors((reference,), env)):
                    name = run.layers.origin(tensor) if several else reference.name
                    outputs[name if port == 0 or several else f"{name}.{port}"] = tensor
        except SpecError as error:
            if not isinstance(error.cause, LimitError):
                error.partial = run.layers.builder.network(self.name, {}, values, self.source, self.description)
            raise
        finally:
            run_budget.spend(run.layers.work_budget.spent // STEP)
        if not self.outputs:
            for port, tensor in enumerate(last):
                label = run.layers.builder.layers[tensor.layer].name if tensor.layer >= 0 else "input"
                outputs[label if port == 0 else f"{label}.{port}"] = tensor
        network = run.layers.builder.network(self.name, outputs, values, self.source, self.description)
        allowed = frozenset(self.allowed)
        return network._replace(allowed=allowed, remarks=self.remarks, places=self.places, formats=self.formats)

    def given(self, inputs: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
        """Check input shapes, and return them by the names of the spec. Raises `UsageError`.

        The name `input` refers to the only input, whatever its name in the spec.
        """
        if not hasattr(inputs, "items"):
            raise UsageError("expected a mapping of input names to shapes, got {}", show(inputs))
        if list(inputs) == ["input"] and len(self.inputs) == 1:
            inputs = dict.fromkeys(self.inputs, inputs["input"])
        shapes: dict[str, Shape] = {}
        for name, shape in inputs.items():
            if name not in self.inputs:
                raise UsageError("unknown input {} of {}", name, self.name, help=suggest(name, self.inputs))
            if not isinstance(shape, (list, tuple)):
                raise UsageError("{}: expected a list of sizes, got {}", name, show(shape))
            try:
                shapes[name] = listed(shape, positive, MAX_RANK)
            except ArgumentError as error:
                raise UsageError("{}: {}", name, error) from None
            own = self.inputs[name]
            if len(shapes[name]) != len(own):
                raise UsageError(
                    "{}: expected {} dimensions as in the spec, got {}",
                    name,
                    len(own),
                    show(shapes[name]),
                    help="remove the batch dimension; set the batch with --batch N"
                    if len(shape) == len(own) + 1
                    else "",
                )
        return shapes

    def _words(self, overrides: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Node | Part]:
        """Return the words among the given values, and the definitions of their params."""
        words: dict[str, Node | Part] = {}
        for name in overrides:
            given = values[name] if isinstance(values[name], tuple) else (values[name],)
            words.update({value: self.params[name].node for value in given if isinstance(value, Word)})
        return words

    def _shapes(self, values: Mapping[str, Any], inputs: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
        given = self.given(inputs)
        shapes: dict[str, Shape] = {}
        env = Env(values, None, None, values, WorkBudget(MAX_WORK))
        for name, cells in self.inputs.items():
            if name in given:
                shapes[name] = given[name]
                continue
            shape = []
            for cell in cells:
                try:
                    shape.append(positive(cell.get(env)))
                except ArgumentError as error:
                    error.help = error.help or "write every size as a number, without the batch dimension"
                    raise located(error, cell.node.span) from None
            shapes[name] = tuple(shape)
        return shapes


def normal(name: str, value: Any) -> Any:
    """Convert a value of Python, or a text of the command line, to a value of expressions. Raises `UsageError`."""
    if isinstance(value, Word) or type(value) is bool:
        return value
    if isinstance(value, str):
        try:
            return parse_value(value)
        except ExpressionError as error:
            raise UsageError("{}: {}", name, error, help=_VALUES) from None
    if isinstance(value, (list, tuple)):
        return tuple([normal(name, entry) for entry in value])
    if not is_number(value):
        from numbers import Integral, Real

        if not isinstance(value, Real):
            raise UsageError("{}: expected a number, true or false, a list or a word, got {}", name, repr(value))
        value = int(value) if isinstance(value, Integral) else float(value)  # numpy's numbers
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise UsageError("{}: number out of range: the limit is 10^30", name)
    return value


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disable the garbage collector for code that creates many objects without cycles.

    The collector takes most of the time for a spec of 100,000 lines. The limits of nesting protect Python's stack. If
    the calling program has used most of it, a `RecursionError` becomes a `LimitError`.
    """
    import gc

    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    except RecursionError:
        raise LimitError("the spec is nested too deep for the remaining stack of the calling program") from None
    finally:
        if enabled:
            gc.enable()
