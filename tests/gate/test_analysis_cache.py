"""The cache of analyses."""

from __future__ import annotations

import pytest

from costcalc.errors import Source
from costcalc.gate import analysis_cache
from costcalc.gate.analysis_cache import FEWEST, AnalysisCache
from costcalc.lang.loader import open_spec

LAYERS = 5


def spec(number):
    return open_spec(Source("net.yaml", f"input: [{number}]\nlayers:\n" + "  - linear: 4\n" * LAYERS))


@pytest.mark.parametrize(
    ("kept", "remembered"),
    [(None, 30), (0, FEWEST), (20 * LAYERS, 20)],
    ids=["everything", "at least those of one spec", "as many layers as are to be kept"],
)
def test_the_last_are_remembered(monkeypatch, kept, remembered):
    analysed = []
    analyze = analysis_cache.analyze
    monkeypatch.setattr(
        analysis_cache, "analyze", lambda network, **more: analysed.append(1) or analyze(network, **more)
    )
    cache = AnalysisCache(kept=kept)
    specs = [spec(number) for number in range(1, 31)]
    figures = [cache.analysis(each, {}) for each in specs]
    assert len(analysed) == 30
    for each, figure in zip(specs[-remembered:], figures[-remembered:], strict=True):
        assert cache.analysis(each, {}) is figure
    assert len(analysed) == 30
    for each, figure in zip(specs, figures, strict=True):
        assert cache.analysis(each, {}) == figure


def test_what_is_asked_for_again_stays():
    cache = AnalysisCache(kept=0)
    first = cache.analysis(spec(1), {})
    for number in range(2, 40):
        cache.analysis(spec(number), {})
        assert cache.analysis(spec(1), {}) is first
