"""The values that a comparison consists of, and its JSON form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.formula import Shape
    from costcalc.model import Analysis, Network, Totals
    from costcalc.strategies.base import Theory

FIGURES = ("params", "buffers", "macs", "flops", "activations")


class Convolution(NamedTuple):
    """A convolution by itself, without bias, norm and act, as textbooks count it.

    `size` is one for each spatial dimension; kernel, stride and padding are as those of the op `conv`.
    """

    channels: int
    size: Shape
    out: int
    kernel: int | Shape
    stride: int | Shape = 1
    padding: int | Shape | str = 0


class Candidate(NamedTuple):
    """A network with its cells written in one way, and its cost; ratios are those to the comparison's base.

    With a `reason`, the one convolution that is compared cannot be written in this way, and is counted as it is.
    """

    label: str
    strategy: str
    options: Mapping[str, int]
    network: Network
    analysis: Analysis
    macs_ratio: float | None
    params_ratio: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """One of the strategies in the form `costcalc.comparison/1`."""
        document: dict[str, object] = {"strategy": self.strategy, "options": dict(self.options)}
        if self.reason:
            return {
                **document,
                **dict.fromkeys((*FIGURES, "macs_ratio", "params_ratio")),
                "reason": self.reason,
                "layers": [],
            }
        totals = self.analysis.totals
        document.update({name: getattr(totals, name) for name in FIGURES})
        document.update(macs_ratio=self.macs_ratio, params_ratio=self.params_ratio)
        return {**document, "layers": self.analysis.to_dict()["layers"]}


class Prediction(NamedTuple):
    """What theory says of a strategy for one cell, and what came out.

    For a ratio, `practice` is the macs of the cell as the strategy writes it, relative to those of one convolution.
    """

    theory: Theory
    practice: float | None = None

    @property
    def value(self) -> float | int | None:
        """The number that the formula gives."""
        return self.theory.limit if self.theory.ratio is None else float(self.theory.ratio)

    def to_dict(self) -> dict[str, object]:
        """The formula in symbols and with numbers, its value, and the practice."""
        symbols, numbers = self.theory.symbols, self.theory.numbers
        return {"formula": symbols, "numbers": numbers, "value": self.value, "practice": self.practice}


class CellRow(NamedTuple):
    """One cell: its cost as each strategy writes it, the reasons where it stays as it is, and its cheapest form.

    `figures` are by the candidates' labels; where there is a reason they are those of the cell as it is.
    """

    name: str
    form: str
    layers: tuple[str, ...]
    figures: Mapping[str, Totals]
    reasons: Mapping[str, str]
    cheapest: str
    predictions: Mapping[str, Prediction]

    def to_dict(self) -> dict[str, object]:
        """One of the cells in the form `costcalc.comparison/1`."""
        strategies: dict[str, object] = {
            label: {"reason": self.reasons[label]}
            if label in self.reasons
            else {"macs": figures.macs, "params": figures.params}
            for label, figures in self.figures.items()
        }
        return {
            "name": self.name,
            "form": self.form,
            "layers": list(self.layers),
            "strategies": strategies,
            "cheapest": self.cheapest,
            "theory": {label: prediction.to_dict() for label, prediction in self.predictions.items()},
        }


class Comparison(NamedTuple):
    """Strategies side by side. The cells, and `rest`, what is in no cell, sum to the totals of each candidate.

    `stem` names the cells that were left out as the stem.
    """

    analysis: Analysis
    base: str
    candidates: tuple[Candidate, ...]
    cells: tuple[CellRow, ...]
    rest: Totals
    stem: tuple[str, ...] = ()
    convolution: Convolution | None = None

    def candidate(self, label: str) -> Candidate:
        """The candidate of this label, such as `separable`. Raises `KeyError`."""
        return {candidate.label: candidate for candidate in self.candidates}[label]

    def to_dict(self) -> dict[str, object]:
        """The comparison in the form `costcalc.comparison/1`."""
        return {
            "format": "costcalc.comparison/1",
            "network": self.analysis.network,
            **({"convolution": self.convolution._asdict()} if self.convolution else {}),
            "batch": self.analysis.batch,
            "base": self.base,
            "strategies": [candidate.to_dict() for candidate in self.candidates],
            "cells": [row.to_dict() for row in self.cells],
            "stem": list(self.stem),
        }
