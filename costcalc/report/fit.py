"""Verdicts on networks and devices as tables, and the roofline of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.table_data import SEPARATOR, Column, Remark, Table, TableRow, TextCell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from costcalc.fit.verdict import Verdict
    from costcalc.report.plot import Roofline


def summary(verdicts: Sequence[Verdict], left_out: Sequence[str] = ()) -> Table:
    """Return a row for each network and device, and the reasons why devices are left out."""
    several = len({verdict.device.name for verdict in verdicts}) > 1
    stored = any(verdict.device.storage is not None for verdict in verdicts)
    columns = [
        Column("network", "network"),
        *([Column("device", "device")] if several else []),
        Column("fits", "fits"),
        Column("weight_bytes", "weight_bytes", "count"),
        *([Column("spare_storage_bytes", "spare", "change", yields=5)] if stored else []),
        Column("arena_bytes", "arena_bytes", "count"),
        Column("spare_memory_bytes", "spare", "change", yields=6),
        Column("seconds_bound", "at least", yields=4),
        Column("bound_by", "bound by", yields=1),
        Column("decides", "layer that decides", yields=3),
    ]
    rows = [
        TableRow(
            (
                verdict.analysis.network,
                *([verdict.device.name] if several else []),
                "yes" if verdict.fits else "no",
                verdict.weights,
                *([verdict.spare_storage] if stored else []),
                verdict.tensors,
                verdict.spare_memory,
                duration(verdict.seconds),
                _bounds(verdict),
                verdict.decides,
            )
        )
        for verdict in verdicts
    ]
    devices = {verdict.device.name: verdict.device for verdict in verdicts}
    facts = [
        SEPARATOR.join(
            [
                device.name,
                f"{device.memory:,} bytes of memory",
                f"{device.storage:,} bytes of storage" if device.storage is not None else "weights in memory",
                f"{device.bandwidth:,} bytes/s",
            ]
        )
        for device in devices.values()
    ]
    bound = Remark("at least: a lower bound from peak rates, not a time that was measured")
    return Table(
        tuple(columns), tuple(rows), notes=("", *facts, *[f"left out: {reason}" for reason in left_out], bound)
    )


def _bounds(verdict: Verdict) -> str:
    """Return what bounds most of the time, with its part."""
    total = verdict.seconds
    if not total:
        return ""
    compute = sum([step.seconds for step in verdict.steps if step.by == "compute"])
    part = max(compute, total - compute) / total
    return f"{'compute' if 2 * compute > total else 'traffic'} {float(part):.0%}"


def layers(verdict: Verdict, most: int = 12) -> Table:
    """Return the steps with the largest bounds, and the sum of the others."""
    steps = sorted(verdict.steps, key=lambda step: step.seconds, reverse=True)
    longest = steps[0].seconds if steps else 0
    columns = (
        Column("name", "step", shortens=3),
        Column("flops", "FLOPs", "count", shortens=7),
        Column("traffic_bytes", "traffic_bytes", "count", shortens=7),
        Column("intensity", "intensity", "ratio", yields=3),
        Column("bound_by", "bound by", yields=2),
        Column("seconds_bound", "at least"),
        Column("bar", "", "bar", yields=1),
    )
    rows = [
        TableRow(
            (
                step.name,
                step.totals.flops,
                step.totals.traffic_bytes,
                step.totals.intensity,
                step.by,
                duration(step.seconds),
                float(step.seconds / longest) if longest else 0.0,
            )
        )
        for step in steps[:most]
    ]
    rest = steps[most:]
    if rest:
        label = TextCell(f"{len(rest):,} other steps", "others")
        seconds = sum([step.seconds for step in rest], start=rest[0].seconds * 0)
        flops = sum([step.totals.flops for step in rest])
        moved = sum([step.totals.traffic_bytes for step in rest])
        rows.append(TableRow((label, flops, moved, None, None, duration(seconds), None), "rest"))
    totals = verdict.analysis.totals
    whole = (totals.flops, totals.traffic_bytes, totals.intensity, None, duration(verdict.seconds), None)
    rows.append(TableRow(("total", *whole), "total"))
    return Table(columns, tuple(rows), (f"{verdict.analysis.network} on {verdict.device.name}",))


def duration(seconds: Fraction) -> str:
    """Format a time with three digits and a unit.

    >>> from fractions import Fraction
    >>> duration(Fraction(1, 2000)), duration(Fraction(3)), duration(Fraction(0))
    ('500 µs', '3 s', '0 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size * 0.9995:
            return f"{float(seconds) / size:.3g} {unit}"
    return "<1 ns" if seconds else "0 s"


def flat(verdicts: Sequence[Verdict]) -> Table:
    """Return a row for each network and device, for CSV."""
    columns = (
        Column("network", "network"),
        Column("device", "device"),
        Column("fits", "fits"),
        Column("weight_bytes", "weight_bytes", "count"),
        Column("storage_bytes", "storage_bytes", "count"),
        Column("arena_bytes", "arena_bytes", "count"),
        Column("memory_bytes", "memory_bytes", "count"),
        Column("seconds_bound", "seconds_bound", "ratio"),
        Column("decides", "decides"),
    )
    rows = [
        TableRow(
            (
                verdict.analysis.network,
                verdict.device.name,
                "true" if verdict.fits else "false",
                verdict.weights,
                verdict.device.storage,
                verdict.tensors,
                verdict.device.memory,
                float(verdict.seconds),
                verdict.decides,
            )
        )
        for verdict in verdicts
    ]
    return Table(columns, tuple(rows))


def document(verdicts: Sequence[Verdict], left_out: Sequence[str] = ()) -> dict[str, object]:
    """Return the verdicts in the format `costcalc.fit/1`, and the reasons why devices are left out."""
    return {
        "format": "costcalc.fit/1",
        "verdicts": [verdict.to_dict() for verdict in verdicts],
        "left_out": list(left_out),
    }


def roofline(verdict: Verdict) -> Roofline:
    """Return the steps under the roof of the device."""
    from costcalc.report.plot import Roofline

    steps = [step for step in verdict.steps if step.totals.flops and step.totals.traffic_bytes]
    rates = {step.format: verdict.device.peak[step.format] for step in verdict.steps}
    return Roofline(
        f"{verdict.analysis.network} on {verdict.device.name}",
        "each point is a step at its bound, not at a rate that was measured",
        verdict.device.bandwidth,
        rates,
        [step.totals.intensity for step in steps],
        [float(step.totals.flops / step.seconds) for step in steps],
    )
