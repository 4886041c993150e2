"""Records a PyTorch model: runs it on the meta device, which has shapes and no numbers, and writes calls as layers.

A module of PyTorch with an op of the same meaning is one layer. What other modules compute is read call by call, as a
dispatch mode sees it: 0.2 s for a classifier, and exact where `torch.fx` does not trace and `torch.export` takes ten
times as long.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.errors import CostcalcError
from costcalc.foreign import NetworkWriter, StoredTensor, make, without_batch
from costcalc.model import Suspicion
from costcalc.pytorch import calls, modules
from costcalc.pytorch.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.model import Network, Tensor
    from costcalc.ops import Op


class Running:
    """A module with an op of its own, while it runs: its inputs, and the figures of the calls in it."""

    def __init__(self, module: Any, inputs: list[Any]) -> None:
        self.module = module
        self.inputs = inputs
        self.figures: dict[str, int] = {}
        self.weights: list[Any] = []
        self.unknown: list[str] = []


class Recorder:
    """The network of a model, while it runs."""

    def __init__(self, model: Any, inputs: Mapping[str, Any], max_layers: int) -> None:
        self.paths: dict[int, str] = {}
        self.weights: dict[int, Any] = {}
        """The parameters and buffers, and views of them, by the identity of the tensor."""
        for name, module in model.named_modules(remove_duplicate=False):
            self.paths.setdefault(id(module), name)
        self.names: dict[int, str] = {}
        for kind in ("named_parameters", "named_buffers"):
            for name, tensor in getattr(model, kind)(remove_duplicate=False):
                self.weights.setdefault(id(tensor), tensor)
                self.names.setdefault(id(tensor), name)
        self.learned = {id(tensor) for tensor in model.parameters()}
        self.writer = NetworkWriter({name: without_batch(each.shape) for name, each in inputs.items()}, max_layers)
        builder = self.writer.builder
        self.tensors: dict[int, Tensor] = {id(tensor): builder.input(name) for name, tensor in inputs.items()}
        integers = {name: tensor for name, tensor in inputs.items() if not tensor.is_floating_point()}
        self.writer.inputs = {name: format_of(tensor) for name, tensor in integers.items()}
        self.kept: list[Any] = list(inputs.values())
        """Every tensor of the run: an identity must not be used again."""
        self.stack: list[str] = []
        self.running: list[Running] = []

    # Modules

    def enter(self, module: Any, arguments: Any) -> None:
        """Note that a module begins to run."""
        self.stack.append(self.paths.get(id(module), ""))
        if not self.running and modules.op_of(module) is not None:
            self.running.append(Running(module, list(_tensors(arguments))))

    def leave(self, module: Any, outputs: Any) -> None:
        """Add the layer of a module that has run."""
        path = self.stack.pop()
        if not self.running or self.running[-1].module is not module:
            return
        run = self.running.pop()
        outs = list(_tensors(outputs))[:1]
        op = modules.op_of(module)
        inputs = list({id(tensor): tensor for tensor in run.inputs}.values())
        kind = type(module).__name__
        self.add(path or kind, kind, op, inputs, outs, run.weights, run.figures, counted=not run.unknown)

    # Calls

    def call(self, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], outputs: Any) -> None:
        """Record a call of an operator."""
        inputs, outs = list(_tensors((arguments, keywords))), list(_tensors(outputs))
        self.kept += outs
        if name in calls.CONSTANT:
            return
        roots = [self.weights[id(tensor)] for tensor in inputs if id(tensor) in self.weights]
        live = [id(tensor) in self.tensors for tensor in inputs]
        if not outs:
            return
        shapes = (tuple(map(_shape, inputs)), tuple(map(_shape, outs)))
        call = Call(name, (*arguments, *keywords.values()), *shapes, tuple(live))
        if self.running:
            run = self.running[-1]
            found = calls.figures(call)
            for quantity, figure in (found or {}).items():
                run.figures[quantity] = run.figures.get(quantity, 0) + figure
            run.weights += [root for root in roots if id(root) not in set(map(id, run.weights))]
            if found is None:
                run.unknown.append(name)
        elif any(live) or calls.multiply_adds(call):
            self.live(call, inputs, outs, roots)
        elif roots:  # a view of a weight, or a weight that is computed from another
            self.weights.update({id(tensor): roots[0] for tensor in outs})

    def live(self, call: Call, inputs: list[Any], outs: list[Any], roots: list[Any]) -> None:
        """Add the layer of a call on tensors that depend on the input."""
        entering = [tensor for tensor in inputs if id(tensor) in self.tensors]
        if entering and len(outs) == 1 and call.name in VIEWS:
            own = self.tensors[id(entering[0])]
            if without_batch(outs[0].shape) == own.shape:
                self.tensors[id(outs[0])] = own
                return
        found = calls.figures(call)
        op = self.with_weights(call, roots) if roots and entering else None
        try:
            op = op or calls.op_of(call)
        except CostcalcError:
            op = None
        path = self.stack[-1] if self.stack else ""
        label = call.name.strip("_")
        name = f"{path}.{label}" if path else label
        outs = outs[:1] if call.name in calls.ONE_OUTPUT else outs
        self.add(name, label, op, entering, outs, roots, found or {}, counted=found is not None, function=True)

    def with_weights(self, call: Call, roots: list[Any]) -> Op | None:
        """Return the op of a sum or a product with a weight."""
        plain, shape = call.name.removesuffix("_"), tuple(roots[0].shape)
        while len(shape) > 1 and shape[0] == 1:
            shape = shape[1:]
        if plain == "add" and shape:
            return make("parameter", shape=list(shape))
        if plain == "cat" and not all(call.live):
            return make("concat_token", count=prod(roots[0].shape[:-1]))
        if plain == "mul" and len([size for size in shape if size != 1]) == 1:
            sizes = without_batch(call.outputs[0])
            place = next(place for place, size in enumerate(shape) if size != 1)
            return make("scale", axis=place - len(shape)) if len(shape) <= len(sizes) else None
        return None

    def add(
        self,
        path: str,
        kind: str,
        op: Op | None,
        inputs: Sequence[Any],
        outs: Sequence[Any],
        weights: Sequence[Any],
        figures: Mapping[str, int],
        *,
        counted: bool,
        function: bool = False,
    ) -> None:
        """Add the layer of a module or of a call of a function."""
        entering = tuple([self.tensors[id(tensor)] for tensor in inputs if id(tensor) in self.tensors])
        shapes = tuple([without_batch(tensor.shape) for tensor in outs])
        stored = [
            StoredTensor(id(weight), weight.numel(), id(weight) in self.learned, format_of(weight))
            for weight in weights
        ]
        form = format_of(outs[0]) if outs else ""
        kinds = {"counted": counted, "function": function}
        made = self.writer.add(path, kind, op, entering, shapes, stored, figures, format=form, **kinds)
        self.tensors.update({id(tensor): each for tensor, each in zip(outs, made, strict=False)})

    # The end

    def network(self, name: str, outputs: Any, source: str) -> Network:
        """Return the network."""
        ends = [self.tensors[id(tensor)] for tensor in _tensors(outputs) if id(tensor) in self.tensors]
        return self.writer.network(name, ends, source, list(self.unused()))

    def unused(self) -> Iterator[Suspicion]:
        """Yield the modules with parameters that did not run."""
        idle: dict[str, int] = {}
        for identity, name in self.names.items():
            if identity in self.learned and identity not in self.writer.owners:
                path = name.rpartition(".")[0] or name
                idle[path] = idle.get(path, 0) + self.weights[identity].numel()
        for path, count in idle.items():
            message = f"{path} has {count:,} parameters and did not run"
            yield Suspicion("CC203", path, message, "they are not counted; remove the module if it is not needed")


VIEWS = frozenset(
    (
        "_reshape_alias", "_to_copy", "_unsafe_view", "alias", "clone", "contiguous", "copy", "detach", "expand",
        "flatten", "lift_fresh", "reshape", "slice", "squeeze", "to", "unsqueeze", "view",
    )
)  # fmt: skip
"""Operators that leave a tensor as it is where its shape is the same."""


FORMATS = {
    "float64": "fp64", "float32": "fp32", "bfloat16": "bf16", "float16": "fp16", "float8_e4m3fn": "fp8",
    "float8_e5m2": "fp8", "int64": "int64", "int32": "int32", "int16": "int16", "int8": "int8", "uint8": "int8",
    "bool": "int8",
}  # fmt: skip
"""The formats of this package by the names of PyTorch's."""


def format_of(tensor: Any) -> str:
    """Return the number format of a tensor, or an empty text for one that has no name here."""
    return FORMATS.get(str(tensor.dtype).removeprefix("torch."), "")


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in a structure of lists, tuples, mappings and objects with fields, in order."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _tensors(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _tensors(entry)


def record(model: Any, inputs: Mapping[str, Any], name: str, source: str, max_layers: int) -> Network:
    """Run a model on the meta device and return its network. `inputs` are its arguments, by position or by keyword."""
    import torch
    from torch.nn.modules import module as hooks
    from torch.utils._python_dispatch import TorchDispatchMode

    recorder = Recorder(model, inputs, max_layers)

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            outputs = function(*args, **(kwargs or {}))
            recorder.call(function._schema.name.partition("::")[2], args, kwargs or {}, outputs)
            return outputs

    handles = [
        hooks.register_module_forward_pre_hook(recorder.enter),
        hooks.register_module_forward_hook(lambda module, _, outputs: recorder.leave(module, outputs)),
    ]
    positional = [tensor for key, tensor in inputs.items() if re.fullmatch(r"input(_\d+)?", key)]
    keywords = {key: tensor for key, tensor in inputs.items() if not re.fullmatch(r"input(_\d+)?", key)}
    try:
        with torch.no_grad(), Mode():
            outputs = model(*positional, **keywords)
    finally:
        for handle in handles:
            handle.remove()
    return recorder.network(name, outputs, source)
