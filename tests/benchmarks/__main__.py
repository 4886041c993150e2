"""Run all benchmarks, or those whose names are given; ends with 1 where a figure passes its limit."""

from __future__ import annotations

import sys

from . import gate, in_process, measure, sweep, whole_process

BENCHMARKS = {
    "machine": measure.speed_of_this_machine,
    "analyze-table": whole_process.analyze_table,
    "analyze-json": whole_process.analyze_json,
    "compare-table": whole_process.compare_table,
    "text-to-totals": in_process.text_to_totals,
    "many-layers": in_process.many_layers,
    "million-networks": sweep.million_networks,
    "csv-rows": sweep.written_rows,
    "check-200-specs": gate.check_of_200_specs,
    "failing-200-specs": gate.failing_check_of_200_specs,
    "alignment": gate.alignment,
    "large-reports": whole_process.large_reports,
}


def main(names: list[str]) -> int:
    """Print the figures as they come."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; known: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    passed = True
    for name in names or BENCHMARKS:
        for figure in BENCHMARKS[name]():
            fits = figure.limit is None or figure.value <= figure.limit
            passed &= fits
            limit = "" if figure.limit is None else f"  at most {figure.limit:g}{'' if fits else '  FAILED'}"
            print(f"{figure.what:<66} {figure.value:>8.2f} {figure.unit}{limit}", flush=True)
    return 0 if passed else 1


sys.exit(main(sys.argv[1:]))
