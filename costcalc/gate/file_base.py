"""A base without git: the figures of an earlier `costcalc analyze -o json`."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Self

from costcalc.errors import CostcalcError
from costcalc.gate.analysis_cache import Recorded, Subject
from costcalc.gate.base_spec import Before
from costcalc.gate.baseline_json import read
from costcalc.gate.renames import File, renames
from costcalc.gate.results import MODIFIED, NEW, UNCHANGED, BaseInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.project import NamedSpec
    from costcalc.model import Analysis


class FileBase:
    """The analyses of a report. A spec is compared with the network of the same name, file name or layers."""

    def __init__(self, name: str, analyses: Iterable[Analysis], cache: AnalysisCache) -> None:
        self.cache = cache
        self.info = BaseInfo(name=name, file=True)
        self.networks: dict[str, list[Analysis]] = {}
        for analysis in analyses:
            self.networks.setdefault(analysis.network, []).append(analysis)
        self._network_of: dict[str, str] = {}
        """The network that each spec is compared with, by the name of the spec."""
        self.lost: tuple[str, ...] = ()
        """The networks that no spec is compared with. `follow` sets it."""

    @classmethod
    def open(cls, path: str, cache: AnalysisCache) -> Self:
        """Read a report. Raises `UsageError` if the file is not one."""
        return cls(path, read(path), cache)

    def follow(self, specs: Sequence[NamedSpec]) -> None:
        """Find the network that each spec is compared with."""
        from costcalc.lang.loader import open_spec

        subjects: dict[str, Subject] = {}
        for named in specs:
            try:
                subjects[named.name] = Subject(open_spec(named.text or named.name), self.cache)
            except CostcalcError:
                continue  # a broken spec is a separate finding
        self._network_of = {name: one.spec.name for name, one in subjects.items() if one.spec.name in self.networks}
        for name in subjects:
            stem = PurePosixPath(name).stem
            if name not in self._network_of and stem in self.networks and stem not in self._network_of.values():
                self._network_of[name] = stem
        used = set(self._network_of.values())
        gone = [_file(name, found[0]) for name, found in self.networks.items() if name not in used]
        new = (
            [_file(name, _analysis(one)) for name, one in subjects.items() if name not in self._network_of]
            if gone
            else []
        )
        self._network_of |= renames(gone, new)
        used = set(self._network_of.values())
        self.lost = tuple([name for name in self.networks if name not in used])

    def before(self, named: NamedSpec, subject: Subject) -> Before:
        """Return the base of a spec in the report."""
        network = self._network_of.get(named.name, subject.spec.name)
        if network not in self.networks:
            return Before(status=NEW)
        recorded = Recorded(self.networks[network])
        old, now = recorded.analysis({}), subject.analysis({})
        same = old is not None and now is not None and old.totals.counts == now.totals.counts
        renamed = network != subject.spec.name
        return Before(
            status=UNCHANGED if same else MODIFIED,
            subject=recorded,
            path=network if renamed else "",
            renamed=renamed,
        )


def _file(name: str, analysis: Analysis | None) -> File:
    return File(path=name, ids=(), text=lambda: "", analysis=lambda: analysis)


def _analysis(subject: Subject) -> Analysis | None:
    try:
        return subject.analysis({})
    except CostcalcError:
        return None
