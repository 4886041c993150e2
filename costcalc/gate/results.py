"""What a check finds, as values that every report is made of."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.model import METRICS, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.errors import Fault, Span

ERROR, WARNING = "error", "warning"
UNCHANGED, MODIFIED, NEW, DELETED, BROKEN = "unchanged", "changed", "new", "deleted", "broken"
PASS, FAIL = "pass", "fail"


class Cause(NamedTuple):
    """A layer that became dearer: its figure at the base, if it was there, and now, and its part of all growth."""

    layer: str
    base: int | None
    value: int
    change: int
    share: Fraction


class Finding(NamedTuple):
    """One thing that a rule found."""

    rule: str
    severity: str
    spec: str
    message: str
    span: Span | None = None
    label: str = ""
    """What stands beside the caret."""
    set: Mapping[str, Any] = {}
    at: str = ""
    """The same as one writes it."""
    layer: str = ""
    metric: str = ""
    value: int | None = None
    limit: int | None = None
    base: int | None = None
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    weight: Fraction = Fraction(0)
    """How far beyond the limit, as a part of it, so that the largest can stand first."""
    key: str = ""
    """What the finding is about, without any place or figure: the same when lines move."""


class SpecResult(NamedTuple):
    """A spec as a whole: what became of it, and its totals at its own params."""

    spec: str
    status: str
    totals: Totals | None = None
    base_totals: Totals | None = None
    base_spec: str = ""
    """Its path at the base, where it was renamed."""
    held: int = 0
    """How many requirements it was held to."""
    bundled: bool = False
    """Whether it is a network that comes with costcalc, and not a file."""


class Usage(NamedTuple):
    """How much of a budget, or of what an increase allows, a spec uses."""

    rule: str
    spec: str
    what: str
    """The figure, as one writes it: `macs of b5.** at r5=16`."""
    metric: str
    value: int
    limit: int
    base: int | None
    origin: str
    set: Mapping[str, Any] = {}
    layer: str = ""


class Unevaluated(NamedTuple):
    """A rule that could not be evaluated, and why."""

    rule: str
    spec: str
    metric: str
    reason: str


class BaseInfo(NamedTuple):
    """What was compared with: a ref and the commit it led to, or a file."""

    name: str
    commit: str = ""
    file: bool = False


class Check(NamedTuple):
    """The outcome. `verdict` is `pass`, `fail` or `error`; the last where a spec has an error."""

    verdict: str
    base: BaseInfo | None
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    not_evaluated: tuple[Unevaluated, ...]
    specs: tuple[SpecResult, ...]
    notices: tuple[Fault, ...] = ()
    """What reading the specs warned of."""
    strict: bool = False
    folder: str = ""
    """The working folder from the repository's root, for reports whose paths start there."""
    usage: tuple[Usage, ...] = ()
    """Of each spec that is not as it was at the base; without a base, of every spec."""
    comment: bool = True
    """Whether there is enough to say to begin a comment on a pull request."""

    def rooted(self, path: str) -> str:
        """A path of this check from the repository's root."""
        from posixpath import join, normpath

        return normpath(join(self.folder, path)) if path else path

    @property
    def errors(self) -> int:
        """How many findings fail the check."""
        return sum(finding.severity == ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings only warn."""
        return len(self.findings) - self.errors

    @property
    def largest(self) -> list[Finding]:
        """The findings, those that fail first, the farthest beyond its limit first."""
        return sorted(self.findings, key=lambda finding: (finding.severity != ERROR, -finding.weight))

    def count(self, status: str) -> int:
        """How many specs have a status."""
        return sum(result.status == status for result in self.specs)

    def fingerprints(self) -> list[str]:
        """An id for each finding that stays the same while lines and figures move; no two are alike."""
        import hashlib

        seen: dict[str, int] = {}
        ids = []
        for finding in self.findings:
            seen[finding.key] = seen.get(finding.key, 0) + 1
            about = f"{finding.key}|{seen[finding.key]}".encode("utf-8", "surrogatepass")
            ids.append(hashlib.sha256(about).hexdigest())
        return ids

    def moves(self) -> list[Move]:
        """Every total that differs from the base's, the largest relative change first within its spec."""
        return [move for result in self.specs for move in _moves(result)]


class Move(NamedTuple):
    """A total that changed; `part` is the change as a part of what it was, where that was not 0."""

    spec: str
    metric: str
    base: int
    value: int
    change: int
    part: Fraction | None


def _moves(result: SpecResult) -> list[Move]:
    if result.totals is None or result.base_totals is None:
        return []
    moves = []
    for name in METRICS:
        base, value = getattr(result.base_totals, name), getattr(result.totals, name)
        if base != value:
            part = Fraction(value - base, base) if base else None
            moves.append(Move(result.spec, name, base, value, value - base, part))
    return moves


def worth_a_comment(result: SpecResult, usage: Sequence[Usage], above: Fraction | None) -> bool:
    """Whether a spec changed enough to begin a comment: its status, or a figure by that part of it or more."""
    if result.status != MODIFIED or above is None:
        return result.status != UNCHANGED
    used = [(each.base, each.value) for each in usage if each.spec == result.spec and each.base is not None]
    moved = [(move.base, move.value) for move in _moves(result)] + [(base or 0, value) for base, value in used]
    return any(abs(value - base) >= above * base and value != base for base, value in moved)
