"""The limits of a whole run: steps of work and characters of specs.

Both are counted instead of timed, so that equal runs give equal results.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from costcalc.errors import Fault, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

STEPS_PER_LAYER = 15
"""The steps of a run per layer of the limit for one network: 1,500,000 for the default of 100,000 layers.

A step is a YAML node read, an item of a layer list built, a layer aligned with another, or two names compared with a
glob. Each takes 5 to 15 microseconds.
"""
MATCHES_PER_STEP = 2
EXPLAINING_PER_LAYER = 5
"""The additional steps to find the causes of findings, per layer of the limit: 500,000 by default."""
FEWEST_LAYERS = 100_000
"""The smallest limit of layers that the budget of a run is computed from."""
MAX_CHARACTERS = 64 * 2**20
"""The characters of all specs that a run reads, including those of the base."""
COMMITS_PER_RUN = 50
"""The commits of a history that may take the work of one run. Each adds its part: 30,000 steps by default."""


class BudgetExceeded(Exception):  # noqa: N818 - not a CostcalcError, which would be reported as a fault of one spec
    """The budget of a run is exhausted."""


class RunBudget:
    """The steps and the characters that remain for a run."""

    def __init__(self, steps_per_layer: int, max_layers: int) -> None:
        self.steps = self.steps_left = steps_per_layer * max(max_layers, FEWEST_LAYERS)
        self.characters = self.characters_left = MAX_CHARACTERS
        self.steps_per_commit = self.steps // COMMITS_PER_RUN

    def add_commit(self) -> None:
        """Allow the work of one more commit of a history, so that a long history of usual specs has no limit."""
        self.steps += self.steps_per_commit
        self.steps_left += self.steps_per_commit
        self.characters += MAX_CHARACTERS // COMMITS_PER_RUN
        self.characters_left += MAX_CHARACTERS // COMMITS_PER_RUN

    def spend(self, steps: int) -> None:
        """Subtract steps. Raises `BudgetExceeded`, also on each later call."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise BudgetExceeded

    def read(self, characters: int) -> None:
        """Subtract the characters of a text. Raises `BudgetExceeded`, also on each later call."""
        self.characters_left -= characters
        if self.characters_left < 0:
            raise BudgetExceeded

    def error(self, advice: str) -> UsageError:
        """Return the error that names the exceeded limit. `advice` is how the user makes the run smaller."""
        if self.characters_left < 0:
            return UsageError(
                "the specs of this run have more than {:,} characters in total",
                self.characters,
                help=advice,
            )
        return UsageError(
            "this run takes more than {:,} steps",
            self.steps,
            help=f"{advice}, or raise --max-layers: each layer adds {STEPS_PER_LAYER} steps",
        )

    def unexplained(self) -> Fault | None:
        """Return a warning if the search for causes ended early, else None."""
        if self.steps_left >= 0 and self.characters_left >= 0:
            return None
        message = f"the causes of some findings are missing: the search takes more than {self.steps:,} steps"
        return Fault(
            message,
            help=f"raise --max-layers: each layer adds {EXPLAINING_PER_LAYER} steps",
            severity="warning",
        )


_budgets: list[RunBudget] = []
"""The budgets in force, the innermost last. The reader imports this module, so it does not import contextvars."""


@contextmanager
def within(budget: RunBudget) -> Iterator[None]:
    """Count the work in the context on this budget only. `BudgetExceeded` is not caught."""
    _budgets.append(budget)
    try:
        yield
    finally:
        _budgets.pop()


def spend(steps: int) -> None:
    """Subtract steps from the budget of the current run, if any. Raises `BudgetExceeded`."""
    if _budgets:
        _budgets[-1].spend(steps)


def read(characters: int) -> None:
    """Subtract the characters of a text from the budget of the current run, if any. Raises `BudgetExceeded`."""
    if _budgets:
        _budgets[-1].read(characters)


def add_commit() -> None:
    """Allow the work of one more commit, if the run has a budget."""
    if _budgets:
        _budgets[-1].add_commit()


def bounded(run: Callable[[], Result], max_layers: int | None, advice: str) -> Result:
    """Return the result of work within the budget of one run. Raises `UsageError` with the advice if it takes more."""
    budget = RunBudget(STEPS_PER_LAYER, max_layers or 0)
    try:
        with within(budget):
            return run()
    except BudgetExceeded:
        raise budget.error(advice) from None
