"""Strategies for convolutions, one file each, and their comparison on networks."""

from costcalc.strategies.base import DEFAULT, Choice, Strategy, choose, find, registered
from costcalc.strategies.cells import CellMatch, CellPart, ConvCell, Finish, NotExpressibleError, Theory
from costcalc.strategies.compare import compare, compare_convolution
from costcalc.strategies.comparison import Candidate, CellRow, Comparison, Convolution, Prediction

__all__ = [
    "DEFAULT",
    "Candidate",
    "CellMatch",
    "CellPart",
    "CellRow",
    "Choice",
    "Comparison",
    "ConvCell",
    "Convolution",
    "Finish",
    "NotExpressibleError",
    "Prediction",
    "Strategy",
    "Theory",
    "choose",
    "compare",
    "compare_convolution",
    "find",
    "registered",
]
