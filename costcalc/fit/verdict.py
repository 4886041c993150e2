"""The verdict on a network and a device: memory that is needed and there, and a lower bound of the time of each step.

A step takes at least as long as its operations at the peak rate of their format, and as its traffic at the bandwidth.
The larger of the two bounds it. Source: Williams et al. 2009, Roofline, Communications of the ACM 52(4).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.model import Totals
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.fit.device import Device
    from costcalc.model import Analysis, Network, Row

COMPUTE, TRAFFIC = "compute", "traffic"


class StepBound(NamedTuple):
    """A lower bound of the time of a step, in seconds, and what bounds it."""

    name: str
    totals: Totals
    seconds: Fraction
    by: str
    format: str
    """The format in which the device computes."""


class Verdict(NamedTuple):
    """Whether a network fits a device. Bytes that are needed and there; None where weights are with the tensors."""

    analysis: Analysis
    device: Device
    weights: int
    tensors: int
    """The bytes of the arena."""
    steps: tuple[StepBound, ...]

    @property
    def spare_memory(self) -> int:
        """The bytes of memory that are left, negative if some are missing."""
        return self.device.memory - self.tensors - (self.weights if self.device.storage is None else 0)

    @property
    def spare_storage(self) -> int | None:
        """The bytes of storage that are left; None without storage."""
        return None if self.device.storage is None else self.device.storage - self.weights

    @property
    def fits(self) -> bool:
        """Whether weights and tensors fit."""
        return self.spare_memory >= 0 and (self.spare_storage is None or self.spare_storage >= 0)

    @property
    def seconds(self) -> Fraction:
        """The sum of the bounds of the steps, which run one after the other."""
        return sum([step.seconds for step in self.steps], Fraction(0))

    @property
    def decides(self) -> str:
        """The layer that decides: of the peak if the tensors do not fit, else of the largest bound or weights."""
        if self.spare_storage is not None and self.spare_storage < 0:
            return max(self.analysis.layers, key=lambda row: row.totals.weight_bytes).name
        if not self.fits:
            return max(self.analysis.layers, key=lambda row: row.totals.arena_bytes).name
        return max(self.steps, key=lambda step: step.seconds).name if self.steps else ""

    def to_dict(self) -> dict[str, object]:
        """Return the verdict by the names in JSON."""
        return {
            "network": self.analysis.network,
            "device": self.device.name,
            "fits": self.fits,
            "weight_bytes": self.weights,
            "storage_bytes": self.device.storage,
            "spare_storage_bytes": self.spare_storage,
            "arena_bytes": self.tensors,
            "memory_bytes": self.device.memory,
            "spare_memory_bytes": self.spare_memory,
            "seconds_bound": float(self.seconds),
            "decides": self.decides,
            **self.analysis.execution.to_dict(),
            "steps": [
                {
                    "name": step.name,
                    "flops": step.totals.flops,
                    "traffic_bytes": step.totals.traffic_bytes,
                    "intensity": step.totals.intensity,
                    "seconds_bound": float(step.seconds),
                    "bound_by": step.by,
                    "dtype": step.format,
                }
                for step in self.steps
            ],
        }


def judge(network: Network, analysis: Analysis, device: Device) -> Verdict:
    """Return the verdict. Raises `UsageError` if the device has no rate for a format of the network."""
    groups: dict[int, list[int]] = {}
    for index, row in enumerate(analysis.layers):
        first = index if row.host is None or analysis.execution.eager else row.host
        groups.setdefault(first, []).append(index)
    steps = []
    for first, members in groups.items():
        rows = [analysis.layers[index] for index in members]
        steps.append(_bound(rows, network.layers[first].formats.over(analysis.execution.formats).activations, device))
    totals = analysis.totals
    return Verdict(analysis, device, totals.weight_bytes, totals.arena_bytes, tuple(steps))


def _bound(rows: list[Row], format: str, device: Device) -> StepBound:
    totals = Totals.of([row.totals for row in rows])
    computed, rate = device.rate(format)
    arithmetic, moving = Fraction(totals.flops, rate), Fraction(totals.traffic_bytes, device.bandwidth)
    return StepBound(
        rows[0].name, totals, max(arithmetic, moving), COMPUTE if arithmetic > moving else TRAFFIC, computed
    )
