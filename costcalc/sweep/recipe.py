"""How the configurations of a spec become networks. A recipe travels to other processes as the texts of the spec."""

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
    """A spec with the input shapes and the limit on layers that hold for every configuration.

    Raises `UsageError` for inputs that are none of the spec, and for what is no shape.
    """

    def __init__(
        self, spec: Spec, inputs: Mapping[str, Sequence[int]] | None = None, max_layers: int | None = None
    ) -> None:
        self.spec = spec
        self.inputs = tuple(spec.given(inputs or {}).items())
        self.max_layers = max_layers

    def names(self) -> Sequence[str]:
        """The params of the spec."""
        return list(self.spec.params)

    def build(self, params: Mapping[str, Any]) -> Network:
        """The network at some params, numbers or grids. Raises `CostcalcError`."""
        return self.spec.build(params, dict(self.inputs), self.max_layers)

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """All params of the spec, those that follow from others included."""
        return self.spec.values(params)

    def __reduce__(self) -> tuple[Any, ...]:
        """The texts: what was compiled from them stays here."""
        return _reopened, (self.spec.files, self.inputs, self.max_layers)


class _Shipped(Library):
    """The texts of a spec and of what it extends, in the order of extending."""

    def __init__(self, files: tuple[Source, ...]) -> None:
        self.files = files

    def extended(self, base: Source, name: str) -> Source:
        """The text that this one extends, whatever it is called here."""
        return self.files[self.files.index(base) + 1]


@lru_cache(maxsize=8)
def _reopened(files: tuple[Source, ...], inputs: Inputs, max_layers: int | None) -> Recipe:
    return Recipe(open_spec(files[0], _Shipped(files)), dict(inputs), max_layers)
