"""The results of a check, from which every report is written."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.model import COUNTS, Totals
from costcalc.record import NamedTuple, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.errors import Fault, Span

ERROR, WARNING = "error", "warning"
UNCHANGED, MODIFIED, NEW, DELETED, BROKEN = "unchanged", "changed", "new", "deleted", "broken"
PASS, FAIL = "pass", "fail"


class Cause(NamedTuple):
    """A layer whose figure grew: the figure at the base (None if the layer is new), now, and its part of all growth."""

    layer: str
    base: int | None
    value: int
    change: int
    share: Fraction


class Finding(Record):
    """A finding of a rule."""

    rule: str
    severity: str
    spec: str
    message: str
    span: Span | None = None
    label: str = ""
    """The text beside the caret."""
    set: Mapping[str, Any] = {}
    at: str = ""
    """`set` as text."""
    layer: str = ""
    metric: str = ""
    value: int | None = None
    limit: int | None = None
    base: int | None = None
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    weight: Fraction = Fraction(0)
    """The excess over the limit, as a part of the limit. Reports list the largest first."""
    key: str = ""
    """The identity of the finding, without location or figures: it stays the same when lines move."""


class SpecResult(Record):
    """The result for a spec: its status, and its totals with its default params."""

    spec: str
    status: str
    totals: Totals | None = None
    base_totals: Totals | None = None
    base_spec: str = ""
    """Its path at the base, if it was renamed."""
    requirements: int = 0
    """The number of requirements that were checked."""
    bundled: bool = False
    """Whether it is a bundled network and not a file."""


class Usage(Record):
    """The part of a limit (a budget or an allowed increase) that a spec uses."""

    rule: str
    spec: str
    what: str
    """The figure as text: `macs of b5.** at r5=16`."""
    metric: str
    value: int
    limit: int
    base: int | None
    origin: str
    set: Mapping[str, Any] = {}
    layer: str = ""


class Unevaluated(Record):
    """A rule that could not be evaluated, and the reason."""

    rule: str
    spec: str
    metric: str
    reason: str


class BaseInfo(Record):
    """The base of a comparison: a ref and its commit, or a file."""

    name: str
    commit: str = ""
    file: bool = False


class Check(Record):
    """The result of a check. `verdict` is `pass`, `fail` or, if a spec has an error, `error`."""

    verdict: str
    base: BaseInfo | None
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    not_evaluated: tuple[Unevaluated, ...]
    specs: tuple[SpecResult, ...]
    notices: tuple[Fault, ...] = ()
    """Warnings about the specs and the base."""
    strict: bool = False
    folder: str = ""
    """The working folder relative to the root of the repository."""
    usage: tuple[Usage, ...] = ()
    """The used limits of each spec that differs from the base; without a base, of every spec."""
    comment: bool = True
    """Whether to begin a comment on a pull request."""

    def rooted(self, path: str) -> str:
        """Return a path relative to the root of the repository."""
        from posixpath import join, normpath

        return normpath(join(self.folder, path)) if path else path

    @property
    def errors(self) -> int:
        """The number of findings that fail the check."""
        return sum(finding.severity == ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """The number of warnings."""
        return len(self.findings) - self.errors

    @property
    def largest(self) -> list[Finding]:
        """The findings: errors before warnings, then the largest excess first."""
        return sorted(self.findings, key=lambda finding: (finding.severity != ERROR, -finding.weight))

    def count(self, status: str) -> int:
        """Return the number of specs with a status."""
        return sum(result.status == status for result in self.specs)

    def fingerprints(self) -> list[str]:
        """Return an id for each finding. Ids are distinct, and stay the same when lines and figures change."""
        import hashlib

        seen: dict[str, int] = {}
        ids = []
        for finding in self.findings:
            seen[finding.key] = seen.get(finding.key, 0) + 1
            key = f"{finding.key}|{seen[finding.key]}".encode("utf-8", "surrogatepass")
            ids.append(hashlib.sha256(key).hexdigest())
        return ids

    def moves(self) -> list[Move]:
        """Return every total that differs from the base, spec by spec."""
        return [move for result in self.specs for move in _moves(result)]


class Move(NamedTuple):
    """A total that changed. `part` is the relative change; None if the total was 0."""

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
    for name in COUNTS:
        base, value = getattr(result.base_totals, name), getattr(result.totals, name)
        if base != value:
            part = Fraction(value - base, base) if base else None
            moves.append(Move(result.spec, name, base, value, value - base, part))
    return moves


def worth_a_comment(result: SpecResult, usage: Sequence[Usage], above: Fraction | None) -> bool:
    """Return whether a spec changed enough to begin a comment: in its status, or a figure by the part `above`."""
    if result.status != MODIFIED or above is None:
        return result.status != UNCHANGED
    used = [(each.base, each.value) for each in usage if each.spec == result.spec and each.base is not None]
    moved = [(move.base, move.value) for move in _moves(result)] + [(base or 0, value) for base, value in used]
    return any(abs(value - base) >= above * base and value != base for base, value in moved)
