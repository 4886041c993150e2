"""Keys of the values that a command keeps in click's context."""

from __future__ import annotations

COLOR = "costcalc.color"
"""The key of the value of `--color` in a context's `meta`."""
