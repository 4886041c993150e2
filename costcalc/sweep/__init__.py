"""The same rules on arrays of dimensions: a sweep of a design space.

`costcalc.sweep` is this package, and also the function of the public API: calling it is `costcalc.sweep.api.sweep`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from costcalc.sweep.api import Sweep


class _Callable(ModuleType):
    """A package that is a function too, as a name can be one thing only."""

    def __call__(self, *args: Any, **kwargs: Any) -> Sweep:
        """Every combination of the values of some params of a spec: see `costcalc.sweep.api.sweep`."""
        from costcalc.sweep.api import sweep

        return sweep(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
