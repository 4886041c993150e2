"""The cost of a spec with other numbers for one of its values."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any

from costcalc.errors import CostcalcError, Source, UsageError
from costcalc.gate.analysis_cache import figures, metric
from costcalc.gate.changed_values import FileChain
from costcalc.globs import match
from costcalc.lang.scalars import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.changed_values import Change
    from costcalc.gate.limits import Requirement
    from costcalc.lang.spec import Spec
    from costcalc.model import Network

FEW_LAYERS = 3_000
"""Up to this number of layers, networks are built one by one, as importing numpy and sweeping take longer."""
MOST_VALUES = 20_000
"""The largest number of values in a sweep."""
MOST_PARTS = 16
"""The largest number of builds in a sweep. Bisection takes fewer if the networks differ in their layers."""


class Trials:
    """The figure of a requirement, with other numbers for a value of the spec.

    The spec is compiled once, with a param in place of the value.
    """

    def __init__(self, spec: Spec, change: Change, requirement: Requirement, cache: AnalysisCache, layers: int) -> None:
        self.cache = cache
        self.requirement = requirement
        self.layers = layers
        """The approximate number of layers of the network."""
        self.known: dict[str, int | None] = {}
        self.param = "changed_value"
        while any(self.param in file.text for file in spec.files):
            self.param += "_"
        files = list(spec.files)
        text = files[change.file].text
        text = text[: change.offset] + self.param + text[change.offset + len(change.written) :]
        files[change.file] = files[change.file]._replace(text=text)
        self.files = files
        self.spec = self._opened(change.written)

    def _opened(self, written: str) -> Spec | None:
        from costcalc.lang.loader import open_spec

        params = Source("<changed value>", f"{self.param}: {written}")
        try:
            return open_spec(self.files[0], FileChain(self.files), params)
        except CostcalcError:
            return None

    def cost(self, written: str) -> int | None:
        """Return the figure with a number in place of the value; None if the network is not valid."""
        if written not in self.known:
            self.known[written] = self._cost(written)
        return self.known[written]

    def _cost(self, written: str) -> int | None:
        if self.spec is None:
            return None
        try:
            values = {self.param: number(written), **self.requirement.set}
            totals = figures(self.cache.analysis(self.spec, values), self.requirement.layer)
        except (CostcalcError, ValueError):
            return None
        return metric(totals, self.requirement.metric) if totals else None

    def prepare(self, count: int, numbers: Iterable[str]) -> None:
        """Compute the figures for `count` numbers in one sweep, if that is faster than bisection."""
        networks = 14 + 2 * log2(count)
        if self.spec is None or networks * self.layers < FEW_LAYERS or count > MOST_VALUES:
            return
        written = list(numbers)
        from costcalc.sweep.axis import Axis, ListedValues
        from costcalc.sweep.chunks import Box, Task, evaluate

        parts = 0

        def pause() -> None:
            nonlocal parts
            parts += 1
            if parts > MOST_PARTS:
                raise _TooManyParts

        try:
            axis = Axis(self.param, (ListedValues(tuple(map(number, written))),))
            task = Task(self, (axis,), (self.requirement.metric,), self.cache.batch, self.cache.execution)
            for chunk in evaluate(task, Box(0, ((0, axis.size),)), pause):
                results = zip(chunk.figures[self.requirement.metric].tolist(), chunk.codes.tolist(), strict=True)
                known = [None if code else value for value, code in results]
                self.known.update(zip(written[chunk.start : chunk.start + chunk.size], known, strict=True))
        except (_TooManyParts, ValueError):
            return

    # The interface of a source of networks for a sweep

    def names(self) -> Sequence[str]:
        """Return the name of the param that is swept."""
        return [self.param]

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values of all params for given values of some."""
        assert self.spec is not None
        return self.spec.values({**params, **self.requirement.set})

    def build(self, params: Mapping[str, Any]) -> Network:
        """Return the network for given params, with only the layers of the requirement."""
        assert self.spec is not None
        cache, glob = self.cache, self.requirement.layer
        network = self.spec.build({**params, **self.requirement.set}, cache.inputs, cache.max_layers)
        if not glob:
            return network
        layers = tuple([layer for layer in network.layers if match(glob, layer.name, ".")])
        if not layers:
            raise UsageError("no layer matches {}", glob)
        return network._replace(layers=layers)


class _TooManyParts(Exception):  # noqa: N818 - not an error: bisection is faster
    pass
