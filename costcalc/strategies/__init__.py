"""Ways to carry out a convolution, a file each, and their comparison on networks."""

from costcalc.strategies.base import (
    DEFAULT,
    Cell,
    Choice,
    Finish,
    Found,
    NotExpressibleError,
    Part,
    Strategy,
    Theory,
    choose,
    find,
    registered,
)
from costcalc.strategies.compare import compare, compare_convolution
from costcalc.strategies.comparison import Candidate, Comparison, Convolution, Prediction, Row

__all__ = [
    "DEFAULT",
    "Candidate",
    "Cell",
    "Choice",
    "Comparison",
    "Convolution",
    "Finish",
    "Found",
    "NotExpressibleError",
    "Part",
    "Prediction",
    "Row",
    "Strategy",
    "Theory",
    "choose",
    "compare",
    "compare_convolution",
    "find",
    "registered",
]
