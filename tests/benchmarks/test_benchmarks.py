"""The benchmarks run, and have a limit each. Their figures are for a quiet machine: `python -m tests.benchmarks`."""

from __future__ import annotations

import pytest

from . import in_process, measure, whole_process

BENCHMARKS = [
    whole_process.analyze_table,
    whole_process.analyze_json,
    whole_process.compare_table,
    in_process.text_to_totals,
]


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.__name__)
def test_a_benchmark_runs(monkeypatch, benchmark):
    monkeypatch.setattr(
        measure, "pairs", lambda ours, theirs, times: (1.0, measure.seconds(ours), measure.seconds(theirs))
    )
    figures = list(benchmark())
    assert [figure.limit for figure in figures if figure.unit == "times"].count(None) == 0
    assert all(figure.value > 0 for figure in figures)


def test_a_network_of_many_layers_is_written_in_two_ways():
    for text in (in_process.looped(5), in_process.written_out(5)):
        layers, taken, peak = in_process.large(text)
        assert layers == 5 * in_process.LAYERS_OF_ITEM
        assert taken > 0
        assert peak > 0
