"""Ops that treat each channel or feature on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.formula import Factor, Shape, elements
from costcalc.ops.base import Op
from costcalc.ops.shapes import axis_of

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Integer


class PerChannel(Op):
    """An op on channels, which are the first axis by default, or on features, the last axis of steps and features."""

    reads_axes: ClassVar[bool] = True
    implied: ClassVar[dict[str, str]] = {"axis": "channels"}
    if TYPE_CHECKING:
        axis: Integer | None  # each op declares it, as its last argument

    def after(self, host: Op) -> Op:
        """Return the op on features after an op that works on the last axis."""
        return self._on_features() if host.features_axis() == -1 else self

    def on(self, axes: tuple[str, ...]) -> Op:
        """Return the op on the last axis for an input of steps and features, or with channels last."""
        last = axes[-2:] == ("T", "D") or (len(axes) > 1 and axes[-1] == "C")
        return self._on_features() if last else self

    def _on_features(self) -> Op:
        return type(self)(**{**self.arguments, "axis": -1}) if self.axis is None else self

    def features_axis(self) -> int | None:
        """Return the first axis, the default."""
        return 0 if self.axis is None else None

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes of the input if it has features."""
        return super().layout(axes, rank) if self.axis is None else axes if len(axes) == rank else ()

    def channel_axis(self, shape: Shape) -> int:
        """Return the axis of the channels. Raises `ShapeError` if it is out of range."""
        return axis_of(0 if self.axis is None else self.axis, len(shape))

    def channels(self, shape: Shape) -> Factor:
        """Return the number of channels as a factor."""
        axis = self.channel_axis(shape)
        return ("C", shape[0]) if axis == 0 else elements(shape).terms[0][axis]
