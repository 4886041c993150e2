from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def extra_specs() -> Path:
    """The folder of additional networks."""
    return Path(__file__).parents[1] / "specs" / "extra"
