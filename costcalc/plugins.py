"""What other installed packages bring: values behind the entry points of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.errors import CostcalcError
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Plugin(NamedTuple):
    """A value that an entry point names."""

    package: str
    value: Any
    entry: str
    """The entry point's value, as in `package.module:name`."""


def load(group: str, what: str) -> Iterator[Plugin]:
    """Load what the entry points of a group name. Raises `CostcalcError` if one cannot be loaded.

    `what` names it in the error. Looking for entry points reads the metadata of every installed package, which takes
    milliseconds, so callers do it only when a name is unknown.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        package = entry.dist.name if entry.dist else entry.value
        try:
            value = entry.load()
        except (Exception, SystemExit) as error:  # the package's own code runs here, and may raise anything
            raise CostcalcError(
                "cannot load {} of the installed package {}: {}: {}",
                what,
                package,
                type(error).__name__,
                error,
                note=f"entry point {entry.name} = {entry.value}, group {group}",
                help="repair or uninstall the package",
            ) from error
        yield Plugin(package, value, entry.value)
