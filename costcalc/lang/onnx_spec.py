"""An ONNX model with the interface of a spec, so that every command takes it."""

from __future__ import annotations

from os.path import basename
from typing import TYPE_CHECKING, Any

from costcalc.errors import UsageError, suggest
from costcalc.lang.compiler import Compiler
from costcalc.lang.spec import Spec
from costcalc.lang.template import Cell, Faults, Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.errors import Source
    from costcalc.model import Network


class OnnxSpec(Spec):
    """A model. Its params are the named dimensions of its inputs."""

    def __init__(self, source: Source) -> None:
        from costcalc.errors import Span
        from costcalc.onnx.model import dimensions

        super().__init__(source, (source,), Compiler({}, Faults()))
        self.name = basename(source.name).removesuffix(".onnx")  # noqa: PTH119 - pathlib is slow to import
        part = Part("", Span(source, 1, 1))
        self.params = {name: Cell(part, size) for name, size in dimensions(source.text).items()}

    def values(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sizes of the named dimensions that are known. Raises `UsageError` for an unknown name."""
        for name in overrides:
            if name not in self.params:
                known = f"known: {', '.join(self.params)}" if self.params else "the model has no named dimensions"
                raise UsageError("unknown param {} of {}", name, self.name, help=suggest(name, self.params, known))
        sizes = {name: overrides.get(name, cell.constant) for name, cell in self.params.items()}
        return {name: size for name, size in sizes.items() if size is not None}

    def build(
        self,
        params: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        max_layers: int | None = None,
    ) -> Network:
        """Build the network for sizes of named dimensions, and shapes of inputs without the batch."""
        from costcalc.onnx.model import build

        self.values(params or {})
        return build(self.file.text, self.file.name, params or {}, inputs or {}, max_layers)

    def given(self, inputs: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return the given shapes of inputs."""
        return {name: tuple(shape) for name, shape in inputs.items()}
