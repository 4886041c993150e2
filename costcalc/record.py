"""Immutable values with named fields, which are cheap to define.

Defining a dataclass compiles its methods, which takes most of a millisecond: seventy ops would double the time of a
small command. A `Record` declares its fields in the same way, and type checkers treat it as a frozen dataclass.
`NamedTuple` is `typing.NamedTuple` without the code that this compiles for each class: 0.01 ms instead of 0.24 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import _tuplegetter

    class NamedTupleType(type):
        """The type of named tuples, which turns the annotations of a class into fields."""

        def __new__(cls, name, bases, namespace):
            """Return the class. One whose base has fields is an ordinary subclass of it."""
            if bases != (tuple,) and "_fields" not in bases[0].__dict__:
                fields = tuple(namespace.get("__annotations__", ()))
                defaults = {field: namespace[field] for field in fields if field in namespace}
                namespace.update({field: _tuplegetter(index, None) for index, field in enumerate(fields)})
                namespace.update(__slots__=(), _fields=fields, _field_defaults=defaults, __match_args__=fields)
            return super().__new__(cls, name, bases, namespace)

    class NamedTuple(tuple, metaclass=NamedTupleType):
        """A tuple with named items."""

        __slots__ = ()

        def __new__(cls, *values, **named):
            """Return a tuple of values by position or by name. Raises `TypeError` as the call of a function does."""
            if named or len(values) != len(cls._fields):
                values = _bound(cls, values, named)
            return tuple.__new__(cls, values)

        def __getnewargs__(self):
            """Return the arguments with which `pickle` and `copy` create an equal tuple."""
            return tuple(self)

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            return f"{type(self).__name__}({', '.join([f'{n}={v!r}' for n, v in self._asdict().items()])})"

    def _bound(cls, values, named):
        fields = cls._fields
        given = dict(zip(fields, values, strict=False))
        merged = {**cls._field_defaults, **given, **named}
        if len(values) > len(fields) or given.keys() & named.keys() or merged.keys() != set(fields):
            wanted = ", ".join(fields)
            raise TypeError(
                f"{cls.__name__} takes {wanted}; got {len(values)} values and {', '.join(named) or 'no names'}"
            )
        return [merged[field] for field in fields]


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
