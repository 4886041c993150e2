"""A pytest fixture for budgets of models: `cost_of("spec.yaml")` returns the cost of a spec.

def test_budget(cost_of):
    assert cost_of("models/net.yaml", alpha=0.5).macs <= 150_000_000
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from costcalc.model import Totals


class CostOf(Protocol):
    """The type of the fixture `cost_of`."""

    def __call__(
        self,
        spec: str | PathLike[str],
        /,
        *,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        **params: Any,
    ) -> Totals:
        """Return the totals of a network: params, macs, flops, activations, buffers, layers.

        A path is relative to the folder of the test, to pytest's root, or to the working folder, in this order. A name
        without a suffix that is not a file is that of a bundled network. Raises the errors of `costcalc.load`.
        """
        ...


@pytest.fixture
def cost_of(request: pytest.FixtureRequest) -> CostOf:
    """Return the cost of a spec: `cost_of("spec.yaml", width=32).macs`."""

    def cost_of(
        spec: str | PathLike[str],
        /,
        *,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        **params: Any,
    ) -> Totals:
        import costcalc

        candidates = [folder / spec for folder in (request.path.parent, request.config.rootpath)]
        path = next((path for path in candidates if path.is_file()), None) or _path_or_name(spec)
        return costcalc.analyze(costcalc.load(path, inputs=inputs, **params), batch=batch).totals

    return cost_of


def _path_or_name(spec: str | PathLike[str]) -> str:
    """Return a path, or the name of a bundled network. Raises `UsageError` for a missing file."""
    from costcalc.lang.library import named_network

    name = os.fspath(spec)
    if not os.path.isfile(name):  # noqa: PTH113
        named_network(name)
    return name
