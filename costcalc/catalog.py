"""Lists the ops and built-in blocks as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.ops.base import Op


class Argument(NamedTuple):
    """An argument of an op: its name, its default as in a spec, and a description of accepted values."""

    name: str
    default: str
    takes: str


class CatalogEntry(NamedTuple):
    """An op or a block: its family, signature, summary line, and full text."""

    name: str
    family: str
    signature: str
    summary: str
    text: str
    arguments: tuple[Argument, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the entry as plain values."""
        return {**self._asdict(), "arguments": [argument._asdict() for argument in self.arguments]}


def ops(*names: str) -> list[CatalogEntry]:
    """Return all ops by family, including those of installed packages, or the named ones. Raises `UsageError`."""
    from costcalc.errors import UsageError
    from costcalc.lang.builtin_blocks import builtin
    from costcalc.ops import registered
    from costcalc.ops.base import layer_aliases
    from costcalc.ops.framework_aliases import layer_help

    known = registered()
    for name in names:
        if name not in known:
            block = f"{name} is a block; run costcalc blocks {name}" if name in builtin() else ""
            raise UsageError("unknown op {}", name, help=block or layer_help(name, known, layer_aliases()))
    entries = [_op(known[name]) for name in names or known]
    return sorted(entries, key=lambda entry: entry.family)


def blocks(*names: str) -> list[CatalogEntry]:
    """Return all built-in blocks, or the named ones. Raises `UsageError`."""
    from costcalc.errors import UsageError, suggest
    from costcalc.lang.builtin_blocks import builtin
    from costcalc.ops import find

    known = builtin()
    for name in names:
        if name not in known:
            op = f"{name} is an op; run costcalc ops {name}" if find(name) else ""
            raise UsageError("unknown block {}", name, help=op or suggest(name, known))
    return [_block(name, known[name]) for name in names or known]


def _op(op: type[Op]) -> CatalogEntry:
    import re
    from inspect import cleandoc

    from costcalc.notation import written
    from costcalc.ops.argument_types import type_of
    from costcalc.ops.base import signature, summary

    arguments = []
    for field, annotation in op.fields.items():
        default = op.implied.get(field) or (written(op.defaults[field]) if field in op.defaults else "")
        arguments.append(Argument(field, default, type_of(annotation).takes))
    family = op.__module__.removeprefix("costcalc.ops.")
    text = cleandoc(op.__doc__ or "").partition(">>>")[0].partition("\n")[2].strip()
    text = re.sub(r"\b[A-Z]\w+Error (?=when|unless)", "", text)  # internal names
    followers = _FOLLOWERS if op.followed else ()
    return CatalogEntry(op.name, family, signature(op), summary(op), text, (*arguments, *followers))


_FOLLOWERS = (
    Argument("norm", "none", "the norm that follows: its name, or a call such as {groupnorm: 32}"),
    Argument("act", "none", "the activation that follows, after the norm"),
)


def _block(name: str, text: str) -> CatalogEntry:
    from costcalc.lang.signature import split_signature

    comment, _, written = text.partition("\n")
    signature = written.partition("\n")[0].removesuffix(":")
    arguments = [Argument(one.name, one.default, "") for one in split_signature(signature)[1]]
    return CatalogEntry(name, "blocks", signature, comment.removeprefix("# "), text, tuple(arguments))
