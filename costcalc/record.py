"""Immutable values with named fields, which are cheaper to define than dataclasses.

Defining a dataclass compiles its methods, which takes most of a millisecond: seventy ops would double the time of a
small command. A record declares its fields in the same way, and type checkers treat it as a frozen dataclass.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=True)
class Record:
    """A frozen value with annotated fields. Arguments are keyword-only; equality and hash use the fields."""

    fields: ClassVar[dict[str, str]] = {}
    """The name of each field and its annotation, in the order of definition."""
    defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = {
            name: annotation
            for name, annotation in cls.__dict__.get("__annotations__", {}).items()  # noqa: RUF063
            if not str(annotation).startswith("ClassVar")
        }
        cls.fields = {**cls.fields, **own}
        cls.defaults = {**cls.defaults, **{name: cls.__dict__[name] for name in own if name in cls.__dict__}}

    def __init__(self, **values: Any) -> None:
        merged = {**self.defaults, **values}
        if merged.keys() != self.fields.keys():
            unknown = [name for name in merged if name not in self.fields]
            missing = [name for name in self.fields if name not in merged]
            problem = f"unexpected {', '.join(unknown)}" if unknown else f"missing {', '.join(missing)}"
            raise TypeError(f"{type(self).__name__}: {problem}")
        self.__dict__.update(merged)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with other values of some fields. Raises `TypeError` for an unknown field."""
        return type(self)(**{**self.__dict__, **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[name] for name in self.fields)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self.fields)})"


class Entity(Record):
    """A record that is equal only to itself, so it can be a key whatever its fields are."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)
