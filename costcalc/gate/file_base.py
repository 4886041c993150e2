"""The figures of an earlier `costcalc analyze -o json`, for a comparison without git."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError
from costcalc.gate.analysis_cache import Recorded, Subject
from costcalc.gate.baseline_json import read
from costcalc.gate.baselines import Before
from costcalc.gate.renames import File, renames
from costcalc.gate.results import MODIFIED, NEW, UNCHANGED, BaseInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.project import Named
    from costcalc.model import Analysis


class FileBase:
    """The analyses of an earlier report. A spec is compared with the network of its name, its file, or its layers."""

    def __init__(self, path: str, cache: AnalysisCache) -> None:
        """Raises `UsageError` where the file is not such a report."""
        self.cache = cache
        self.info = BaseInfo(path, file=True)
        self.networks: dict[str, list[Analysis]] = {}
        for analysis in read(path):
            self.networks.setdefault(analysis.network, []).append(analysis)
        self._was: dict[str, str] = {}
        self.lost: tuple[str, ...] = ()
        """The networks of the report that no spec is compared with, once `follow` has been called."""

    def follow(self, specs: Sequence[Named]) -> None:
        """Find out which network of the report each spec is compared with."""
        from costcalc.lang.loader import open_spec

        subjects: dict[str, Subject] = {}
        for named in specs:
            try:
                subjects[named.name] = Subject(open_spec(named.text or named.name), self.cache)
            except CostcalcError:
                continue  # a broken spec is a finding of its own
        self._was = {name: one.spec.name for name, one in subjects.items() if one.spec.name in self.networks}
        for name in subjects:
            stem = PurePosixPath(name).stem
            if name not in self._was and stem in self.networks and stem not in self._was.values():
                self._was[name] = stem
        used = set(self._was.values())
        gone = [_file(name, found[0]) for name, found in self.networks.items() if name not in used]
        new = [_file(name, _analysis(one)) for name, one in subjects.items() if name not in self._was] if gone else []
        self._was |= renames(gone, new)
        used = set(self._was.values())
        self.lost = tuple([name for name in self.networks if name not in used])

    def before(self, named: Named, subject: Subject) -> Before:
        """What the report says of a spec's network."""
        network = self._was.get(named.name, subject.spec.name)
        if network not in self.networks:
            return Before(NEW)
        recorded = Recorded(self.networks[network])
        old, now = recorded.analysis({}), subject.analysis({})
        same = old is not None and now is not None and old.totals == now.totals
        renamed = network != subject.spec.name
        return Before(UNCHANGED if same else MODIFIED, recorded, network if renamed else "", (), renamed)


def _file(name: str, analysis: Analysis | None) -> File:
    return File(name, (), lambda: "", lambda: analysis)


def _analysis(subject: Subject) -> Analysis | None:
    try:
        return subject.analysis({})
    except CostcalcError:
        return None
