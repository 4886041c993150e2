"""A fixture for tests of models: `cost_of("spec.yaml")` is what a spec costs, so that a test can assert a budget.

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
    """What a spec costs at some params."""

    def __call__(
        self,
        spec: str | PathLike[str],
        /,
        *,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        **params: Any,
    ) -> Totals:
        """The totals of a network: params, macs, flops, activations, buffers, layers.

        A path is looked for beside the test, then from pytest's root, then from the working folder. A name without a
        suffix that is no file there is that of a bundled network. Raises what `costcalc.load` raises.
        """
        ...


@pytest.fixture
def cost_of(request: pytest.FixtureRequest) -> CostOf:
    """What a spec costs: `cost_of("spec.yaml", width=32).macs`."""

    def cost_of(
        spec: str | PathLike[str],
        /,
        *,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        **params: Any,
    ) -> Totals:
        import costcalc

        near = [folder / spec for folder in (request.path.parent, request.config.rootpath)]
        found = next((path for path in near if path.is_file()), None) or _here(spec)
        return costcalc.analyze(costcalc.load(found, inputs=inputs, **params), batch=batch).totals

    return cost_of


def _here(spec: str | PathLike[str]) -> str:
    """A path from the working folder, or the name of a bundled network. Raises `UsageError` for a missing file."""
    from costcalc.lang.library import named_network

    name = os.fspath(spec)
    if not os.path.isfile(name):  # noqa: PTH113
        named_network(name)
    return name
