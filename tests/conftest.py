"""Tests marked `oracle` compare with PyTorch, and are skipped where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("torch"):
        return
    for item in items:
        if item.get_closest_marker("oracle"):
            item.add_marker(pytest.mark.skip(reason="needs PyTorch: pip install costcalc[oracle]"))
