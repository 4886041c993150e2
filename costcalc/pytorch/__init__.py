"""Networks from PyTorch: a module or a callable that makes one: `package.module:attribute`, `file.py:attribute`."""

from __future__ import annotations

from os.path import lexists


def is_target(name: str) -> bool:
    """Return whether a name is a target and not a file.

    >>> is_target("torchvision.models:resnet50"), is_target("net.py:Net"), is_target("net.yaml"), is_target("C:/a.yaml")
    (True, True, False, False)
    """
    place, colon, attribute = name.rpartition(":")
    if not colon or not all(part.isidentifier() for part in attribute.split(".")) or lexists(name):
        return False
    return place.endswith(".py") or (len(place) > 1 and all(part.isidentifier() for part in place.split(".")))


class TypedShape(tuple[int, ...]):
    """The shape of an input with its number format, as PyTorch names it: `int64`."""

    dtype: str

    def __new__(cls, shape: tuple[int, ...], dtype: str) -> TypedShape:
        """Return a shape with a number format."""
        own = super().__new__(cls, shape)
        own.dtype = dtype
        return own
