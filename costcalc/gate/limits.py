"""The limits of specs: budgets, allowed increases and waivers. Numbers are integers and exact fractions."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.errors import ExpressionError, UsageError
from costcalc.record import Entity, NamedTuple, Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from costcalc.errors import Source, Span

OVER_EXPECT = "CC101"
OVER_BUDGET = "CC102"
INCREASED = "CC103"
UNLIKE_MODEL = "CC104"
WAIVABLE = (OVER_EXPECT, OVER_BUDGET, INCREASED)
BASE = "base"
"""The default of `against`: the base that `--base` names."""


class Allowance(NamedTuple):
    """The allowed increase of a figure: a part of the figure at the base, plus a number."""

    part: Fraction
    more: int
    text: str

    def limit(self, base: int) -> int:
        """Return the largest figure that is allowed.

        >>> allowance("2%").limit(128_049_152), allowance("+500k").limit(7), allowance(0).limit(7)
        (130610135, 500007, 7)
        """
        more: Any = base * self.part
        more = int(more) if type(base) is int else float(more)  # a ratio is not cut
        limit: int = base + more + self.more
        return limit


class Allowed(NamedTuple):
    """The allowed increase of a figure, and its location."""

    allowance: Allowance
    span: Span | None


class Capped(NamedTuple):
    """The limit of a figure, and its location."""

    limit: int
    span: Span | None


class LimitScope(Record):
    """The scope of a limit or waiver: a glob of specs, params, and a glob of layers. An empty glob matches all."""

    spec: str = ""
    set: Mapping[str, Any] = {}
    layer: str = ""
    places: Mapping[str, Span] = {}
    """The location of each of these."""


class Budget(Entity):
    """A `[[budget]]`: limits of figures. From `warn_at`, a part of the limit, on there is a warning."""

    scope: LimitScope
    values: Mapping[str, Capped]
    warn_at: Fraction | None = None
    span: Span | None = None
    only_worse: bool = False
    """Whether it fails only if the figure is larger than at the base."""


class Increase(Entity):
    """An `[[increase]]`: allowed increases of figures, against the base or another ref."""

    scope: LimitScope
    values: Mapping[str, Allowed]
    against: str = BASE
    span: Span | None = None


class Waiver(Entity):
    """A `[[waiver]]`: accepts findings of a rule, up to an optional ceiling and until an optional last day."""

    rule: str
    scope: LimitScope
    ceiling: Mapping[str, int]
    reason: str
    expires: date | None = None
    span: Span | None = None


class Match(Record):
    """A spec, as a glob, and the model file that it must agree with. Both are relative to the configuration."""

    spec: str
    model: str
    span: Span | None = None


class Config(Record):
    """A configuration file: the specs that it names, and their limits. Globs are relative to its folder."""

    source: Source
    specs: tuple[str, ...] = ()
    budgets: tuple[Budget, ...] = ()
    increases: tuple[Increase, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    matches: tuple[Match, ...] = ()
    specs_span: Span | None = None
    comment_above: Fraction | None = None
    """The relative change of a figure from which on a comment is begun."""

    @property
    def entries(self) -> tuple[Budget | Increase, ...]:
        """All budgets and increases."""
        return (*self.budgets, *self.increases)


class Requirement(Record):
    """One limit of one figure of a spec. `allowance` is set for an increase, `limit` for all others."""

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
    """The origin of the limit: `budget in costcalc.toml`, `expect`, `--max`."""
    only_worse: bool = False

    @property
    def what(self) -> str:
        """The figure as text: `macs of b5.** at r5=16`."""
        layer, at = f" of {self.layer}" if self.layer else "", f" at {shown(self.set)}" if self.set else ""
        return f"{self.metric}{layer}{at}"


def figure(value: object) -> int:
    """Return a limit from an integer or a text with an SI suffix. Raises `UsageError`.

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
        raise UsageError("expected a whole number, got {}", repr(value), help='write 4_089_184_256, or "4.1G"')
    return number


def allowance(value: object) -> Allowance:
    """Return the allowed increase for `2%`, `+500k`, or 0. Raises `UsageError`.

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
            "expected a percentage or a number, got {}", repr(value), help='write "2%", "+500k", or 0'
        ) from None
    if allowed.more and not text.startswith("+"):
        raise UsageError("{} can mean a percentage or a number", text, help=f'write "{text}%" or "+{text}"')
    return allowed


def percentage(value: object, text: str) -> Fraction:
    """Return a percentage as an exact fraction. Raises `UsageError`.

    >>> percentage("95%", "95%")
    Fraction(19, 20)
    """
    if not re.fullmatch(r"\+?\d{1,9}(\.\d{1,18})?\s*%", text, re.ASCII):
        raise UsageError("expected a percentage, got {}", repr(value), help='write for example "95%"')
    return Fraction(text.removeprefix("+").rstrip("% ")) / 100


def shown(values: Mapping[str, Any]) -> str:
    """Return params as text.

    >>> shown({"alpha": 0.5, "depths": (3, 4)})
    'alpha=0.5, depths=[3, 4]'
    """
    from costcalc.notation import show

    return ", ".join([f"{name}={show(value)}" for name, value in values.items()])
