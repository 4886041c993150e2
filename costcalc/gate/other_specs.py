"""The configured specs that a check does not name, which decide whether an entry of a configuration is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from costcalc.gate.requirements import applies
from costcalc.gate.results import BROKEN
from costcalc.gate.waivers import apply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from costcalc.gate.evaluate import Evaluator, SpecOutcome
    from costcalc.gate.limits import Budget, Increase, Waiver
    from costcalc.gate.project import NamedSpec, Project, Settings

Outcomes: TypeAlias = "dict[str, tuple[NamedSpec, SpecOutcome]]"
"""The specs and their outcomes by the name of the spec."""


class OtherSpecs:
    """The configured specs that are not checked. They are evaluated only to find out whether an entry is used."""

    def __init__(self, project: Project, evaluator: Evaluator, today: date, outcomes: Outcomes) -> None:
        self.project = project
        self.evaluator = evaluator
        self.today = today
        self.outcomes = outcomes
        self._specs: dict[Settings, list[NamedSpec]] = {}
        self._evaluated: dict[str, SpecOutcome] = {}

    def specs(self, settings: Settings) -> list[NamedSpec]:
        """Return every spec that a configuration applies to: those that it names, and those that are checked."""
        if settings not in self._specs:
            named = {spec.name: spec for spec in self.project.specs(settings)}
            named.update({spec.name: spec for spec, _ in self.outcomes.values()})
            specs = [spec for spec in named.values() if spec.settings and spec.settings.config is settings.config]
            self._specs[settings] = specs
        return self._specs[settings]

    def outcome(self, spec: NamedSpec) -> SpecOutcome:
        """Return the outcome of a spec, without explanations of its findings."""
        if spec.name in self.outcomes:
            return self.outcomes[spec.name][1]
        if spec.name not in self._evaluated:
            self._evaluated[spec.name] = self.evaluator.evaluate(spec, explained=False)
        return self._evaluated[spec.name]

    def use(self, entry: Budget | Increase, specs: Sequence[NamedSpec]) -> bool:
        """Return whether an entry matches a figure of any of the specs, or may match one of a broken spec."""
        outcomes = map(self.outcome, specs)
        return any(entry in outcome.used or outcome.result.status == BROKEN for outcome in outcomes)

    def need(self, waiver: Waiver, settings: Settings) -> bool:
        """Return whether a waiver matches any finding, or may match one that could not be evaluated."""
        for spec in self.specs(settings):
            if applies(waiver.scope.spec, spec.key):
                outcome = self.outcome(spec)
                if outcome.result.status == BROKEN or any(each.rule == waiver.rule for each in outcome.unevaluated):
                    return True
                if any(apply(finding, [waiver], spec.key, self.today)[2] for finding in outcome.findings):
                    return True
        return False
