"""Records a PyTorch model: runs it on the meta device, which has shapes and no numbers, and writes calls as layers.

A module of PyTorch with an op of the same meaning is one layer. What other modules compute is read call by call, as a
dispatch mode sees it: 0.2 s for a classifier, and exact where `torch.fx` does not trace and `torch.export` takes ten
times as long.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.engine import Builder
from costcalc.errors import CostcalcError
from costcalc.model import Suspicion
from costcalc.ops import find
from costcalc.pytorch import calls, modules
from costcalc.pytorch.calls import Call, without_batch

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
        self.builder = Builder({name: without_batch(tensor.shape) for name, tensor in inputs.items()}, max_layers)
        self.tensors: dict[int, Tensor] = {id(tensor): self.builder.input(name) for name, tensor in inputs.items()}
        self.kept: list[Any] = list(inputs.values())
        """Every tensor of the run: an identity must not be used again."""
        self.owners: dict[int, int] = {}
        """The layer that has each parameter first."""
        self.stack: list[str] = []
        self.running: list[Running] = []
        self.taken: dict[str, int] = {}
        self.unknown: dict[str, None] = {}
        """The operators without a rule."""

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
        if not self.add(path or kind, kind, op, inputs, outs, run.weights, run.figures):
            self.unknown.update(dict.fromkeys(run.unknown))

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
        own_op = self.add(name, label, op, entering, outs, roots, found or {}, exact=found is not None)
        if found is None and not own_op:
            self.unknown[call.name] = None

    def with_weights(self, call: Call, roots: list[Any]) -> Op | None:
        """Return the op of a sum or a product with a weight."""
        plain, shape = call.name.removesuffix("_"), tuple(roots[0].shape)
        while len(shape) > 1 and shape[0] == 1:
            shape = shape[1:]
        if plain == "add" and shape:
            return _make("parameter", shape=list(shape))
        if plain == "cat" and not all(call.live):
            return _make("concat_token", count=prod(roots[0].shape[:-1]))
        if plain == "mul" and len([size for size in shape if size != 1]) == 1:
            sizes = without_batch(call.outputs[0])
            place = next(place for place, size in enumerate(shape) if size != 1)
            return _make("scale", axis=place - len(shape)) if len(shape) <= len(sizes) else None
        return None

    # Layers

    def add(
        self,
        name: str,
        kind: str,
        op: Op | None,
        inputs: Sequence[Any],
        outs: Sequence[Any],
        weights: Sequence[Any],
        figures: Mapping[str, int],
        *,
        exact: bool = True,
    ) -> bool:
        """Add a layer: an op if its shapes and counts are those of PyTorch, else `given` with PyTorch's.

        Return whether it is an op of its own. `exact` says that the multiply-adds in `figures` are all there are.
        """
        entering = tuple([self.tensors[id(tensor)] for tensor in inputs if id(tensor) in self.tensors])
        shapes = tuple([without_batch(tensor.shape) for tensor in outs])
        new = [weight for weight in weights if id(weight) not in self.owners]
        params = sum(weight.numel() for weight in new if id(weight) in self.learned)
        share = next((self.owners[id(weight)] for weight in weights if id(weight) in self.owners), None)
        name = self.unique(name)
        own = op is not None and self.fits(op, entering, shapes, figures, params, name, share, exact=exact)
        if not own:
            stated = {quantity: figure for quantity, figure in figures.items() if figure}
            stated |= {"params": params} if params else {}
            op = _make("given", shape=[list(shape) for shape in shapes], kind=kind, **stated)
            self.builder.add(op, entering, name)
        index = len(self.builder.layers) - 1
        self.owners.update({id(weight): index for weight in new})
        made = self.builder.layers[-1].tensors
        self.tensors.update({id(tensor): each for tensor, each in zip(outs, made, strict=False)})
        return own

    def fits(
        self,
        op: Op,
        entering: tuple[Tensor, ...],
        shapes: tuple[tuple[int, ...], ...],
        figures: Mapping[str, int],
        params: int,
        name: str,
        share: int | None,
        *,
        exact: bool,
    ) -> bool:
        """Add the layer of an op, and return True, if it has the shapes, multiply-adds and parameters of PyTorch."""
        builder = self.builder
        try:
            found, cost = builder.infer(op, tuple([tensor.shape for tensor in entering]))
            if found[: len(shapes)] != shapes or (exact and cost.macs.value != figures.get("macs", 0)):
                return False
            shared = share is not None and cost.params.value != params
            builder.add(op, entering, name, weights=builder.layers[share] if shared and share is not None else None)
        except (CostcalcError, ZeroDivisionError):
            return False
        if builder.layers[-1].cost.params.value == params:
            return True
        builder.layers.pop()
        return False

    def unique(self, path: str) -> str:
        """Return a path that no layer has: the path, or with a number."""
        path = ".".join(re.sub(r"[^A-Za-z0-9_-]+", "_", part) or "_" for part in path.split("."))
        while True:
            number = self.taken[path] = self.taken.get(path, 0) + 1
            if number == 1:
                return path
            path = f"{path}_{number}"

    # The end

    def network(self, name: str, outputs: Any, source: str) -> Network:
        """Return the network, with the norms and activations of layers beside them."""
        self.host(outputs)
        ends: dict[str, Tensor] = {}
        for tensor in _tensors(outputs):
            own = self.tensors.get(id(tensor))
            if own is not None:
                label = self.builder.layers[own.layer].name if own.layer >= 0 else "input"
                ends[label if own.port == 0 else f"{label}.{own.port}"] = own
        network = self.builder.network(name, ends, {}, source)
        return network._replace(remarks=tuple(self.unused()), uncounted=tuple(self.unknown))

    def host(self, outputs: Any) -> None:
        """Make a norm or an activation a follower of the layer before it, if nothing else reads that."""
        layers = self.builder.layers
        readers: dict[tuple[int, int], int] = {}
        for layer in layers:
            for tensor in layer.inputs:
                readers[tensor.layer, tensor.port] = readers.get((tensor.layer, tensor.port), 0) + 1
        for tensor in _tensors(outputs):
            own = self.tensors.get(id(tensor))
            if own is not None:
                readers[own.layer, own.port] = 2
        roles: dict[int, set[str]] = {}
        for index, layer in enumerate(layers):
            role, before = layer.op.role, layer.inputs[0].layer if len(layer.inputs) == 1 else -1
            if not role or before < 0 or readers.get((before, 0), 0) != 1:
                continue
            host = layers[before].host if layers[before].host is not None else before
            if host is not None and layers[host].op.followed and host + len(roles.get(host, ())) + 1 == index:
                taken = roles.setdefault(host, set())
                if role not in taken and "act" not in taken:
                    taken.add(role)
                    layers[index] = layer._replace(host=host)

    def unused(self) -> Iterator[Suspicion]:
        """Yield the modules with parameters that did not run."""
        idle: dict[str, int] = {}
        for identity, name in self.names.items():
            if identity in self.learned and identity not in self.owners:
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


def _make(name: str, /, **arguments: Any) -> Op:
    op = find(name)
    assert op is not None
    return op(**arguments)


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

    class Mode(TorchDispatchMode):  # type: ignore[no-untyped-call,unused-ignore]
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
        with torch.no_grad(), Mode():  # type: ignore[no-untyped-call,unused-ignore]
            outputs = model(*positional, **keywords)
    finally:
        for handle in handles:
            handle.remove()
    return recorder.network(name, outputs, source)
