"""The result of a comparison, and its JSON format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from costcalc.formula import Shape
    from costcalc.model import Analysis, Network, Totals
    from costcalc.strategies.cells import Theory

FIGURES = ("params", "buffers", "macs", "flops", "activations")


class Convolution(NamedTuple):
    """A single convolution without bias, norm and act.

    `size` has one value for each spatial dimension; kernel, stride and padding are those of the op `conv`.
    """

    channels: int
    size: Shape
    out: int
    kernel: int | Shape
    stride: int | Shape = 1
    padding: int | Shape | str = 0


class Candidate(NamedTuple):
    """A network with its cells written in one strategy, and its cost. Ratios are relative to the comparison's base.

    If `reason` is set, the compared convolution cannot be written in this strategy, and is counted unchanged.
    """

    label: str
    strategy: str
    options: Mapping[str, int | Fraction]
    network: Network
    analysis: Analysis
    macs_ratio: float | None
    params_ratio: float | None
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return an item of `strategies` in the format `costcalc.comparison/1`."""
        options = {name: value if isinstance(value, int) else float(value) for name, value in self.options.items()}
        document: dict[str, object] = {"strategy": self.strategy, "options": options}
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


class NetworkRow(NamedTuple):
    """One of several networks. Ratios are relative to the first; None if its figure is 0."""

    analysis: Analysis
    macs_ratio: float | None
    params_ratio: float | None

    def to_dict(self) -> dict[str, object]:
        """Return an item of `networks` in the format `costcalc.networks/1`."""
        totals = self.analysis.totals
        return {
            "network": self.analysis.network,
            **{name: getattr(totals, name) for name in FIGURES},
            "macs_ratio": self.macs_ratio,
            "params_ratio": self.params_ratio,
        }


class Prediction(NamedTuple):
    """The predicted and the actual cost of a cell in a strategy.

    If the prediction is a ratio, `practice` is the actual ratio of macs to those of a normal convolution.
    """

    theory: Theory
    practice: float | None = None

    @property
    def value(self) -> float | int | None:
        """The value of the formula."""
        return self.theory.limit if self.theory.ratio is None else float(self.theory.ratio)

    def to_dict(self) -> dict[str, object]:
        """Return the formula in symbols and with numbers, its value, and the practice."""
        symbols, numbers = self.theory.symbols, self.theory.numbers
        return {"formula": symbols, "numbers": numbers, "value": self.value, "practice": self.practice}


class CellRow(NamedTuple):
    """A cell with its cost in each strategy, the reasons for strategies that cannot write it, and its cheapest form.

    `figures` are keyed by the labels of the candidates. If there is a reason, they are those of the original cell.
    """

    name: str
    form: str
    layers: tuple[str, ...]
    figures: Mapping[str, Totals]
    reasons: Mapping[str, str]
    cheapest: str
    predictions: Mapping[str, Prediction]

    def to_dict(self) -> dict[str, object]:
        """Return an item of `cells` in the format `costcalc.comparison/1`."""
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
    """A comparison of strategies. The cells and `rest`, the layers outside of cells, sum to each candidate's totals.

    `stem` are the names of the cells that were excluded as the stem.
    """

    analysis: Analysis
    base: str
    candidates: tuple[Candidate, ...]
    cells: tuple[CellRow, ...]
    rest: Totals
    stem: tuple[str, ...] = ()
    convolution: Convolution | None = None

    def candidate(self, label: str) -> Candidate:
        """Return the candidate with a label, such as `separable`. Raises `KeyError`."""
        return {candidate.label: candidate for candidate in self.candidates}[label]

    def to_dict(self) -> dict[str, object]:
        """Return the comparison in the format `costcalc.comparison/1`."""
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
