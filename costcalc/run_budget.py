"""The work and the text of a whole run, bounded as one. They are counted, not timed: equal runs end alike."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from costcalc.errors import Fault, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS_PER_LAYER = 15
"""Steps of a run for each layer that one network may have: 1,500,000 at the default of 100,000 layers.

One step is a node of YAML that is read, an item of a layer list that is built, a layer that is aligned with another, or
two names that are compared with a glob: 5 to 15 microseconds each.
"""
MATCHES_PER_STEP = 2
EXPLAINING_PER_LAYER = 5
"""Steps that a run takes beside these to find the causes of its findings: 500,000 by default."""
FEWEST_LAYERS = 100_000
"""The budget of a run does not become smaller with a smaller limit of layers."""
MAX_CHARACTERS = 64 * 2**20
"""Characters of all specs that a run reads, those of the base too."""


class BudgetExceeded(Exception):  # noqa: N818 - a signal: as a CostcalcError it would be taken for a fault of one spec
    """A run has used up its budget."""


class RunBudget:
    """What a run may still take: so many steps for each layer that one network may have, and characters of specs."""

    def __init__(self, steps_per_layer: int, max_layers: int) -> None:
        self.steps = self.steps_left = steps_per_layer * max(max_layers, FEWEST_LAYERS)
        self.characters_left = MAX_CHARACTERS

    def spend(self, steps: int) -> None:
        """Count some steps. Raises `BudgetExceeded`, also at every later call."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise BudgetExceeded

    def read(self, characters: int) -> None:
        """Count a text that is read. Raises `BudgetExceeded`, also at every later call."""
        self.characters_left -= characters
        if self.characters_left < 0:
            raise BudgetExceeded

    def error(self) -> UsageError:
        """Which limit was reached, and how to raise it."""
        if self.characters_left < 0:
            return UsageError(
                "the specs of this run have more than {:,} characters in all, the limit of one run",
                MAX_CHARACTERS,
                help="check fewer specs at a time: costcalc check SPEC...",
            )
        return UsageError(
            "this run takes more than {:,} steps, the limit of one run",
            self.steps,
            help=f"check fewer specs at a time, or give --max-layers: each layer that it allows is "
            f"{STEPS_PER_LAYER} steps more",
        )

    def unexplained(self) -> Fault | None:
        """A warning that causes were not looked for, where that took too many steps."""
        if self.steps_left >= 0 and self.characters_left >= 0:
            return None
        message = f"the causes of some findings were not looked for: that takes more than {self.steps:,} steps"
        return Fault(
            message,
            help=f"give --max-layers: each layer that it allows is {EXPLAINING_PER_LAYER} steps more",
            severity="warning",
        )


_current: ContextVar[RunBudget | None] = ContextVar("run_budget", default=None)


@contextmanager
def within(budget: RunBudget) -> Iterator[None]:
    """Count what is done inside on this budget, and on no other. `BudgetExceeded` comes out as it is."""
    token = _current.set(budget)
    try:
        yield
    finally:
        _current.reset(token)


def spend(steps: int) -> None:
    """Count some steps of the run, where there is one with a budget. Raises `BudgetExceeded`."""
    budget = _current.get()
    if budget is not None:
        budget.spend(steps)


def read(characters: int) -> None:
    """Count a text that the run reads, where it has a budget. Raises `BudgetExceeded`."""
    budget = _current.get()
    if budget is not None:
        budget.read(characters)
