"""What can be required of a spec: budgets, allowed increases, waivers. Numbers are integers and exact fractions."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.errors import ExpressionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from costcalc.errors import Source, Span

OVER_EXPECT = "CC101"
OVER_BUDGET = "CC102"
INCREASED = "CC103"
WAIVABLE = (OVER_EXPECT, OVER_BUDGET, INCREASED)
BASE = "base"
"""What an increase is against where nothing else is said: what `--base` names."""


class Allowance(NamedTuple):
    """How much dearer a figure may become: a part of what it was, and a number more."""

    part: Fraction
    more: int
    text: str

    def limit(self, base: int) -> int:
        """The largest integer that is no larger increase than allowed.

        >>> allowance("2%").limit(128_049_152), allowance("+500k").limit(7), allowance(0).limit(7)
        (130610135, 500007, 7)
        """
        return base + int(base * self.part) + self.more


class Allowed(NamedTuple):
    """A figure's allowance and where it is written."""

    allowance: Allowance
    span: Span | None


class Capped(NamedTuple):
    """A figure's largest value and where it is written."""

    limit: int
    span: Span | None


class Scope(NamedTuple):
    """What a rule is about: specs by a glob, at some params, and in them the layers of a glob; empty: all."""

    spec: str = ""
    set: Mapping[str, Any] = {}
    layer: str = ""
    places: Mapping[str, Span] = {}
    """Where each of these is written."""


class Budget(NamedTuple):
    """Figures that must not be passed. From `warn_at`, a part of the limit, on there is a warning."""

    scope: Scope
    values: Mapping[str, Capped]
    warn_at: Fraction | None = None
    span: Span | None = None
    only_worse: bool = False
    """It fails only where the figure is larger than at the base."""


class Increase(NamedTuple):
    """Figures that must not grow by more than allowed, against the base or a ref of its own."""

    scope: Scope
    values: Mapping[str, Allowed]
    against: str = BASE
    span: Span | None = None


class Waiver(NamedTuple):
    """What is accepted although a rule fails: up to the ceiling, where there is one, and until a day."""

    rule: str
    scope: Scope
    ceiling: Mapping[str, int]
    reason: str
    expires: date | None = None
    span: Span | None = None


class Config(NamedTuple):
    """A configuration file: the specs that it names, and what it holds them to. Globs are relative to its folder."""

    source: Source
    specs: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()
    increases: tuple[Increase, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    specs_span: Span | None = None
    comment_above: Fraction | None = None
    """A change of every figure below this part of it is not worth a comment."""

    @property
    def entries(self) -> tuple[Budget | Increase, ...]:
        """Everything that specs are held to."""
        return (*self.budgets, *self.increases)


class Requirement(NamedTuple):
    """One figure of one spec, held to one thing. `allowance` is set for an increase, `limit` for all else."""

    rule: str
    metric: str
    set: Mapping[str, Any]
    layer: str = ""
    limit: int = 0
    allowance: Allowance | None = None
    against: str = BASE
    warn_at: Fraction | None = None
    span: Span | None = None
    origin: str = ""
    """Who requires it: `budget in costcalc.toml`, `expect`, `--max`."""
    only_worse: bool = False

    @property
    def what(self) -> str:
        """The figure, as one writes it: `macs of b5.** at r5=16`."""
        layer, at = f" of {self.layer}" if self.layer else "", f" at {shown(self.set)}" if self.set else ""
        return f"{self.metric}{layer}{at}"


def figure(value: object) -> int:
    """A limit from an integer or a text with an SI suffix. Raises `UsageError`.

    >>> figure("1.5M"), figure(163_696), figure("2_000")
    (1500000, 163696, 2000)
    """
    from costcalc.lang.expression import suffixed

    number: object = value
    if isinstance(value, str):
        try:
            number = suffixed(value)
        except ExpressionError:
            number = None
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int or number < 0:
        raise UsageError("expected a whole number, got {}", repr(value), help='4_089_184_256, or "4.1G"')
    return number


def allowance(value: object) -> Allowance:
    """How much more is allowed: `2%`, `+500k`, or 0. Raises `UsageError`.

    A number other than 0 needs its sign, because `2` may be meant as `2%`.

    >>> allowance("0.5%").part
    Fraction(1, 200)
    >>> allowance("+500k").more
    500000
    """
    text = str(value) if type(value) in (int, str) else ""
    if text.endswith("%"):
        return Allowance(percentage(value, text), 0, text)
    try:
        allowed = Allowance(Fraction(0), figure(text.removeprefix("+").strip()), text)
    except UsageError:
        raise UsageError(
            "expected a percentage or a number, got {}", repr(value), help='"2%", "+500k", or 0 for no increase at all'
        ) from None
    if allowed.more and not text.startswith("+"):
        raise UsageError("{} may be a percentage or a number", text, help=f'"{text}%" or "+{text}"')
    return allowed


def percentage(value: object, text: str) -> Fraction:
    """The exact part of 1 that a percentage stands for. Raises `UsageError`.

    >>> percentage("95%", "95%")
    Fraction(19, 20)
    """
    if not re.fullmatch(r"\+?\d{1,9}(\.\d{1,18})?\s*%", text, re.ASCII):
        raise UsageError("expected a percentage, got {}", repr(value), help='for example "95%"')
    return Fraction(text.removeprefix("+").rstrip("% ")) / 100


def shown(values: Mapping[str, Any]) -> str:
    """The params of a member of a family, as one writes them on a command line.

    >>> shown({"alpha": 0.5, "depths": (3, 4)})
    'alpha=0.5, depths=[3, 4]'
    """
    from costcalc.ops.argument_types import show

    return ", ".join([f"{name}={show(value)}" for name, value in values.items()])
