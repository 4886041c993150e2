"""Builds networks from a spec and params. A recipe is sent to other processes as the texts of the spec."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costcalc.lang.library import Library
from costcalc.lang.loader import open_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.errors import Source
    from costcalc.lang.spec import Spec
    from costcalc.model import Network

    Inputs = tuple[tuple[str, tuple[int, ...]], ...]


class Recipe:
    """A spec with the input shapes and layer limit of all configurations.

    Raises `UsageError` for unknown inputs and invalid shapes.
    """

    def __init__(
        self, spec: Spec, inputs: Mapping[str, Sequence[int]] | None = None, max_layers: int | None = None
    ) -> None:
        self.spec = spec
        self.inputs = tuple(spec.given(inputs or {}).items())
        self.max_layers = max_layers

    def names(self) -> Sequence[str]:
        """Return the names of the params of the spec."""
        return list(self.spec.params)

    def build(self, params: Mapping[str, Any]) -> Network:
        """Build the network for params, which are numbers or `Lanes`. Raises `CostcalcError`."""
        return self.spec.build(params, dict(self.inputs), self.max_layers)

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return all params of the spec, including those that depend on others."""
        return self.spec.values(params)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the texts of the spec, and compile them again in the other process."""
        return _reopened, (self.spec.files, self.inputs, self.max_layers)


class _Shipped(Library):
    """The texts of a spec and of the specs it extends, each followed by its base."""

    def __init__(self, files: tuple[Source, ...]) -> None:
        self.files = files

    def extended(self, base: Source, name: str) -> Source:
        """Return the text that `base` extends. Names of files are ignored."""
        return self.files[self.files.index(base) + 1]


@lru_cache(maxsize=8)
def _reopened(files: tuple[Source, ...], inputs: Inputs, max_layers: int | None) -> Recipe:
    return Recipe(open_spec(files[0], _Shipped(files)), dict(inputs), max_layers)
