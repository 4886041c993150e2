"""Options of the whole suite: how many processes run it, and what is skipped where PyTorch is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from limited import Forks

if TYPE_CHECKING:
    from collections.abc import Iterator

# Deadlines, and the check for slow strategies, are in wall-clock time, which says nothing on a loaded machine.
settings.register_profile("costcalc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("costcalc")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One process for tests that are named: the workers take longer to start than a few tests take to run."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("torch"):
        return
    for item in items:
        if item.get_closest_marker("oracle"):
            item.add_marker(pytest.mark.skip(reason="needs PyTorch: pip install costcalc[oracle]"))


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """One process for the whole run, which forks for each program that needs limits of its own."""
    with Forks(tmp_path_factory.mktemp("forks")) as forks:
        yield forks
