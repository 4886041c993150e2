"""Sweeps: the evaluation of a network for all combinations of param values, with the rules applied to arrays.

`costcalc.sweep` is this package and also a function of the public API: calling it calls `costcalc.sweep.api.sweep`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.sweep.api import Sweep


class _Callable(ModuleType):
    """A package that can be called, because the package and the function have the same name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Sweep:
        """Evaluate a spec for all combinations of param values: see `costcalc.sweep.api.sweep`."""
        from costcalc.sweep.api import sweep

        return sweep(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
