"""Writes networks that were described elsewhere: each call is an op that says the same, or `given` with its figures."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.cost import Cost
from costcalc.engine import Builder
from costcalc.errors import CostcalcError
from costcalc.formula import Count
from costcalc.model import Parameter
from costcalc.number_formats import DEFAULT, NumberFormats
from costcalc.ops import find
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.formula import Shape, Shapes, Term
    from costcalc.model import Network, Suspicion, Tensor
    from costcalc.ops import Op


class StoredTensor(NamedTuple):
    """A stored tensor that a call reads: what identifies it, its elements, whether it is learned, and its format."""

    key: object
    size: int
    learned: bool = True
    format: str = ""


def without_batch(shape: Sequence[int]) -> Shape:
    """Return a shape without its batch of one. A tensor whose first axis is something else keeps it.

    >>> without_batch((1, 3, 224, 224)), without_batch((12, 50, 64)), without_batch(())
    ((3, 224, 224), (12, 50, 64), (1,))
    """
    shape = tuple(shape)
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape or (1,)


def make(name: str, /, **arguments: Any) -> Op:
    """Return an op by its name."""
    op = find(name)
    assert op is not None
    return op(**arguments)


def one(values: Any) -> Any:
    """Return a list of equal values as one.

    >>> one([3, 3]), one((3, 1))
    (3, [3, 1])
    """
    if not isinstance(values, (list, tuple)):
        return values
    return values[0] if len(set(values)) == 1 else list(values)


def _tensors(term: Term) -> list[Term]:
    """Return the terms of the tensors of a term: that of 2·D are two of D.

    >>> _tensors((("2", 2), ("D", 8)))
    [(('D', 8),), (('D', 8),)]
    """
    first, *rest = term
    return [tuple(rest)] * int(first[1]) if first[0].isdecimal() and rest else [term]


class NetworkWriter:
    """A network from elsewhere under construction."""

    def __init__(self, inputs: Mapping[str, Shape], max_layers: int) -> None:
        self.builder = Builder(inputs, max_layers)
        self.owners: dict[object, int] = {}
        """The layer that reads each stored tensor first."""
        self.uncounted: dict[str, None] = {}
        """The kinds of calls that no rule counts."""
        self.inputs: Mapping[str, str] = {}
        """The number formats of inputs that are integers."""
        self.formats: dict[int, NumberFormats] = {}
        """The number formats of each layer: of its learned tensors, and of its outputs."""
        self.functions: set[int] = set()
        """The layers that are calls of functions, not modules."""
        self._taken: dict[str, int] = {}

    def add(
        self,
        path: str,
        kind: str,
        op: Op | None,
        inputs: tuple[Tensor, ...],
        shapes: Shapes,
        stored: Sequence[StoredTensor],
        figures: Mapping[str, int],
        *,
        counted: bool = True,
        function: bool = False,
        format: str = "",
    ) -> tuple[Tensor, ...]:
        """Add a layer and return its outputs, of a number format. It is the call of a `function`, or a module.

        It is the op if that has the shapes, multiply-adds and parameters of the call, else `given`. Unless `counted`,
        the figures may lack operations, and `given` is listed as uncounted.
        """
        new = [tensor for tensor in stored if tensor.key not in self.owners]
        params = sum([tensor.size for tensor in new if tensor.learned])
        share = next((self.owners[tensor.key] for tensor in stored if tensor.key in self.owners), None)
        name = self.unique(path)
        fits = op is not None and self._fits(op, inputs, shapes, figures, params, name, share)
        if not fits and not (
            op is not None and share is not None and self._with_own(op, inputs, shapes, figures, name, stored)
        ):
            if not counted:
                self.uncounted[kind] = None
            stated = {quantity: figure for quantity, figure in figures.items() if figure}
            stated |= {"params": params} if params else {}
            given = make("given", shape=[list(shape) for shape in shapes], kind=kind, **stated)
            self.builder.add(given, inputs, name)
        index = len(self.builder.layers) - 1
        if function:
            self.functions.add(index)
        largest = max(stored, key=lambda tensor: (tensor.learned, tensor.size), default=None)
        self.formats[index] = NumberFormats(largest.format if largest else "", format)
        self.owners.update({tensor.key: index for tensor in new})
        return self.builder.layers[index].tensors

    def _fits(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        shapes: Shapes,
        figures: Mapping[str, int],
        params: int,
        name: str,
        share: int | None,
    ) -> bool:
        """Add the layer of an op, and return True, if it says the same as the call."""
        builder = self.builder
        try:
            found, cost = builder.infer(op, tuple([tensor.shape for tensor in inputs]))
            if found[: len(shapes)] != shapes or cost.macs.value != figures.get("macs", 0):
                return False
            owner = builder.layers[share] if share is not None and cost.params.value != params else None
            builder.add(op, inputs, name, weights=owner)
        except (CostcalcError, ZeroDivisionError):
            return False
        if builder.layers[-1].cost.params.value == params:
            return True
        builder.layers.pop()
        return False

    def _with_own(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        shapes: Shapes,
        figures: Mapping[str, int],
        name: str,
        stored: Sequence[StoredTensor],
    ) -> bool:
        """Add the layer of an op of which some stored tensors are those of other layers, and return True.

        An exporter stores equal tensors once, such as the biases of norms that were folded into convolutions.
        """
        try:
            found, cost = self.builder.infer(op, tuple([tensor.shape for tensor in inputs]))
        except (CostcalcError, ZeroDivisionError):
            return False
        terms = [part for term in cost.params.terms for part in _tensors(term)]
        new = []
        for tensor in stored:
            term = next((each for each in terms if prod([size for _, size in each]) == tensor.size), None)
            if tensor.learned and term is None:
                return False
            if term is not None and tensor.learned:
                terms.remove(term)
                new += [] if tensor.key in self.owners else [term]
        if terms or found[: len(shapes)] != shapes or cost.macs.value != figures.get("macs", 0):
            return False
        self.builder.add(op, inputs, name)
        own = Cost(**{**cost.__dict__, "params": Count(tuple(new))})
        buffers = [each for each in self.builder.layers[-1].parameters if not each.learned]
        parameters = (*[Parameter(term, learned=True) for term in new], *buffers)
        self.builder.layers[-1] = self.builder.layers[-1]._replace(cost=own, parameters=parameters)
        return True

    def unique(self, path: str) -> str:
        """Return a path that no layer has: the path, or with a number."""
        path = ".".join([re.sub(r"[^A-Za-z0-9_-]+", "_", part)[:100] or "_" for part in path.split(".")][:50])
        while True:
            number = self._taken[path] = self._taken.get(path, 0) + 1
            if number == 1:
                return path
            path = f"{path}_{number}"

    def network(
        self, name: str, outputs: Iterable[Tensor], source: str, remarks: Sequence[Suspicion] = (), params: Any = None
    ) -> Network:
        """Return the network, with the norms and activations of layers beside them."""
        outputs = list(outputs)
        self._host(outputs)
        formats = self._common_formats()
        ends: dict[str, Tensor] = {}
        for tensor in outputs:
            label = self.builder.layers[tensor.layer].name if tensor.layer >= 0 else "input"
            ends[label if tensor.port == 0 else f"{label}.{tensor.port}"] = tensor
        network = self.builder.network(name, ends, params or {}, source)
        functions = frozenset(self.functions)
        network = network._replace(remarks=tuple(remarks), uncounted=tuple(self.uncounted), functions=functions)
        return network._replace(formats=formats, input_formats=self.inputs)

    def _common_formats(self) -> NumberFormats:
        """Return the formats of most layers, and give the others their own. The default is not stated."""
        layers = self.builder.layers
        common = []
        for part in range(2):
            counts = Counter(formats[part] for formats in self.formats.values() if formats[part])
            common.append(counts.most_common(1)[0][0] if counts else "")
        for index, formats in self.formats.items():
            own = [name if name != usual else "" for name, usual in zip(formats, common, strict=True)]
            if any(own):
                layers[index] = layers[index]._replace(formats=NumberFormats(*own))
        return NumberFormats(*["" if name == DEFAULT else name for name in common])

    def _host(self, outputs: Sequence[Tensor]) -> None:
        """Make a norm or an activation a follower of the layer before it, if nothing else reads that."""
        layers = self.builder.layers
        readers: dict[tuple[int, int], int] = {(tensor.layer, tensor.port): 2 for tensor in outputs}
        for layer in layers:
            for tensor in layer.inputs:
                readers[tensor.layer, tensor.port] = readers.get((tensor.layer, tensor.port), 0) + 1
        roles: dict[int, list[str]] = {}
        for index, layer in enumerate(layers):
            role, before = layer.op.role, layer.inputs[0].layer if len(layer.inputs) == 1 else -1
            if not role or before < 0 or readers[before, layer.inputs[0].port] != 1:
                continue
            hosted = layers[before].host
            host = before if hosted is None else hosted
            taken = roles.setdefault(host, [])
            follows = host + len(taken) + 1 == index and role not in taken and "act" not in taken
            if layers[host].op.followed and follows:
                taken.append(role)
                layers[index] = layer._replace(host=host)
