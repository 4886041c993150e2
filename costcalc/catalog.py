"""What costcalc brings, as documents of plain values: networks, ops, blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from costcalc.ops.base import Op


class Argument(NamedTuple):
    """An argument of an op: its name, its default as a spec writes it, and what it takes, in words."""

    name: str
    default: str
    takes: str


class Entry(NamedTuple):
    """An op or a block: its family, how it is written, what it does in a line, and all that is said of it."""

    name: str
    family: str
    signature: str
    summary: str
    text: str
    arguments: tuple[Argument, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The entry as plain values."""
        return {**self._asdict(), "arguments": [argument._asdict() for argument in self.arguments]}


def ops(*names: str) -> list[Entry]:
    """Every op, installed packages' ones too, by family; or those named. Raises `UsageError` with the nearest name."""
    from costcalc.errors import UsageError, suggest
    from costcalc.ops import registered

    known = registered()
    for name in names:
        if name not in known:
            raise UsageError("no such op: {}", name, help=suggest(name, known, "costcalc ops lists them"))
    entries = [_op(known[name]) for name in names or known]
    return sorted(entries, key=lambda entry: entry.family)


def blocks(*names: str) -> list[Entry]:
    """Every built-in block, or those named. Raises `UsageError` with the nearest name."""
    from costcalc.errors import UsageError, suggest
    from costcalc.spec.blocks import builtin

    known = builtin()
    for name in names:
        if name not in known:
            raise UsageError("no such block: {}", name, help=suggest(name, known))
    return [_block(name, known[name]) for name in names or known]


def _op(op: type[Op]) -> Entry:
    from inspect import cleandoc

    from costcalc.ops.base import signature, summary
    from costcalc.ops.kinds import KINDS, show

    arguments = []
    for field, kind in op.fields.items():
        default = op.implied.get(field) or (show(op.defaults[field]) if field in op.defaults else "")
        arguments.append(Argument(field, default, KINDS[kind.removesuffix(" | None")][1]))
    family = op.__module__.removeprefix("costcalc.ops.")
    said = cleandoc(op.__doc__ or "").partition(">>>")[0].partition("\n")[2].strip()
    followers = _FOLLOWERS if op.followed else ()
    return Entry(op.name, family, signature(op), summary(op), said, (*arguments, *followers))


_FOLLOWERS = (
    Argument("norm", "none", "the norm that follows: its name, or one with arguments: {groupnorm: 32}"),
    Argument("act", "none", "the activation that follows, after the norm"),
)


def _block(name: str, text: str) -> Entry:
    from costcalc.spec.signature import split_signature

    comment, _, written = text.partition("\n")
    signature = written.partition("\n")[0].removesuffix(":")
    arguments = [Argument(one.name, one.default, "") for one in split_signature(signature)[1]]
    return Entry(name, "blocks", signature, comment.removeprefix("# "), text, tuple(arguments))
