"""Strategies for convolutions, one file each, and their comparison on networks."""

from costcalc.strategies.base import DEFAULT, Choice, Strategy, choose, find, registered
from costcalc.strategies.cells import CellMatch, CellPart, ConvCell, Finish, NotExpressibleError, Theory
from costcalc.strategies.compare import compare, compare_convolution, compare_networks
from costcalc.strategies.comparison import Candidate, CellRow, Comparison, Convolution, NetworkRow, Prediction

Cell, Found, Row = ConvCell, CellMatch, CellRow
"""The earlier names of three classes, for packages that bring strategies."""

__all__ = [
    "DEFAULT",
    "Candidate",
    "Cell",
    "CellMatch",
    "CellPart",
    "CellRow",
    "Choice",
    "Comparison",
    "ConvCell",
    "Convolution",
    "Finish",
    "Found",
    "NetworkRow",
    "NotExpressibleError",
    "Prediction",
    "Row",
    "Strategy",
    "Theory",
    "choose",
    "compare",
    "compare_convolution",
    "compare_networks",
    "find",
    "registered",
]
