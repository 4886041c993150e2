"""Reads `costcalc.toml`, or `[tool.costcalc]` of `pyproject.toml`. An unknown key is an error with its location."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from costcalc.errors import CostcalcError, Fault, SpecError, suggest
from costcalc.gate.limits import (
    WAIVABLE,
    Allowed,
    Budget,
    Capped,
    Config,
    Increase,
    LimitScope,
    Match,
    Waiver,
    allowance,
    figure,
    percentage,
)
from costcalc.gate.toml_reader import read
from costcalc.model import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from costcalc.errors import Source
    from costcalc.gate.toml_reader import Document, Path

NAMES = ("costcalc.toml", "pyproject.toml")
"""The files that may hold a configuration."""

_SCOPE = ("spec", "set", "layer")
_BUDGET = (*_SCOPE, *MEASURES, "warn_at", "only")
WORSE = "worse"
"""The value of `only`: the budget fails only if the figure is larger than at the base."""
_INCREASE = (*_SCOPE, *MEASURES, "against")
_MATCH = ("spec", "model")
_WAIVER = ("rule", *_SCOPE, "ceiling", "reason", "expires")

Value = TypeVar("Value")


def parse(source: Source, path: str = "") -> Config | None:
    """Return the configuration of a file; None for a `pyproject.toml` without one. Raises `SpecError`.

    `path` is the path of the file, if its source has another name.
    """
    if (path or source.name).rpartition("/")[2] == "pyproject.toml":
        if "costcalc" not in source.text:
            return None
        document = read(source)
        table = document.values.get("tool")
        if not isinstance(table, dict) or "costcalc" not in table:
            return None
        return _ConfigReader(document, ("tool", "costcalc"), table["costcalc"]).config()
    document = read(source)
    return _ConfigReader(document, (), document.values).config()


class _ConfigReader:
    """Reads one configuration and collects its faults."""

    def __init__(self, document: Document, root: Path, values: Any) -> None:
        self.document = document
        self.root = root
        self.values = values
        self.faults: list[Fault] = []

    def config(self) -> Config:
        """Return the configuration. Raises `SpecError` with all faults."""
        values = self.table(self.root, self.values, ("specs", "budget", "increase", "waiver", "match", "comment"))
        specs = self.globs((*self.root, "specs"), values.get("specs", []))
        config = Config(
            source=self.document.source,
            specs=specs,
            budgets=tuple([self.budget(path, entry) for path, entry in self.entries(values, "budget", _BUDGET)]),
            increases=tuple(
                [self.increase(path, entry) for path, entry in self.entries(values, "increase", _INCREASE)]
            ),
            waivers=tuple([self.waiver(path, entry) for path, entry in self.entries(values, "waiver", _WAIVER)]),
            matches=tuple([self.match(path, entry) for path, entry in self.entries(values, "match", _MATCH)]),
            specs_span=self.document.place(*self.root, "specs").value if specs else None,
            comment_above=self.comment_above(values),
        )
        if self.faults:
            raise SpecError(sorted(self.faults, key=lambda fault: fault.span[1:] if fault.span else ()))
        return config

    def fault(self, path: Path, message: str, help: str = "", *, key: bool = False) -> None:
        place = self.document.place(*path)
        self.faults.append(Fault(message, place.key if key else place.value, (), help))

    def table(self, path: Path, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fault(path, "expected a table")
            return {}
        for key in value:
            if key not in known:
                self.fault((*path, key), f"unknown key {key}", suggest(key, known), key=True)
        return {key: entry for key, entry in value.items() if key in known}

    def entries(self, values: dict[str, Any], name: str, known: tuple[str, ...]) -> list[tuple[Path, dict[str, Any]]]:
        listed = values.get(name, [])
        path = (*self.root, name)
        if not isinstance(listed, list):
            head = ".".join(map(str, path))
            self.fault(path, f"{name} must be a list of tables", f"begin each with [[{head}]]", key=True)
            return []
        return [((*path, index), self.table((*path, index), entry, known)) for index, entry in enumerate(listed)]

    def taken(self, path: Path, convert: Callable[[Any], Value], value: Any, default: Value) -> Value:
        """Return a converted value. An error becomes a fault at its location."""
        try:
            return convert(value)
        except CostcalcError as error:
            self.faults.append(error.fault(self.document.place(*path).value))
            return default

    def text(self, path: Path, entry: dict[str, Any], key: str) -> str:
        value = entry.get(key, "")
        if isinstance(value, str) and (value or key not in entry):
            return value
        self.fault((*path, key), f"{key} must be a string that is not empty")
        return ""

    def globs(self, path: Path, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(entry, str) and entry for entry in value):
            self.fault(path, "specs must be a list of globs", 'write specs = ["models/**/*.yaml"]')
            return ()
        for index, glob in enumerate(value):
            self.inside((*path, index), glob)
        return tuple(value)

    def inside(self, path: Path, glob: str) -> None:
        if glob.startswith("/") or ".." in glob.split("/"):
            self.fault(
                path, f"{glob} leads out of the folder of this file", "write a glob that is relative to the folder"
            )

    def scope(self, path: Path, entry: dict[str, Any]) -> LimitScope:
        given = entry.get("set", {})
        values: Mapping[str, Any] = {}
        if isinstance(given, dict):
            from costcalc.lang.spec import normal

            values = {
                name: self.taken((*path, "set", name), lambda each, name=name: normal(name, each), value, 1)  # type: ignore[misc]
                for name, value in given.items()
            }
        else:
            self.fault((*path, "set"), "set must be a table of params", "write set = { alpha = 0.5 }")
        spec = self.text(path, entry, "spec")
        self.inside((*path, "spec"), spec)
        places = {key: self.document.place(*path, key).value for key in _SCOPE if key in entry}
        return LimitScope(spec=spec, set=values, layer=self.text(path, entry, "layer"), places=places)

    def budget(self, path: Path, entry: dict[str, Any]) -> Budget:
        values = {
            metric: Capped(
                self.taken((*path, metric), figure, entry[metric], 0), self.document.place(*path, metric).value
            )
            for metric in MEASURES
            if metric in entry
        }
        if not values:
            self.fault(path, "the budget has no figure", f"add one of {', '.join(MEASURES)}", key=True)
        return Budget(
            scope=self.scope(path, entry),
            values=values,
            warn_at=self.percentage(path, entry, "warn_at"),
            span=self.document.place(*path).key,
            only_worse=self.only_worse(path, entry),
        )

    def only_worse(self, path: Path, entry: dict[str, Any]) -> bool:
        if "only" in entry and entry["only"] != WORSE:
            self.fault((*path, "only"), f"only must be {WORSE!r}", f'write only = "{WORSE}", or remove it')
        return entry.get("only") == WORSE

    def comment_above(self, values: dict[str, Any]) -> Fraction | None:
        path = (*self.root, "comment")
        return self.percentage(path, self.table(path, values.get("comment", {}), ("above",)), "above")

    def percentage(self, path: Path, entry: dict[str, Any], key: str) -> Fraction | None:
        if key not in entry:
            return None

        def convert(value: Any) -> Fraction | None:
            return percentage(value, value if isinstance(value, str) else "")

        return self.taken((*path, key), convert, entry[key], None)

    def increase(self, path: Path, entry: dict[str, Any]) -> Increase:
        values = {
            metric: Allowed(
                self.taken((*path, metric), allowance, entry[metric], allowance(0)),
                self.document.place(*path, metric).value,
            )
            for metric in MEASURES
            if metric in entry
        }
        if not values:
            self.fault(path, "the increase has no figure", f"add one of {', '.join(MEASURES)}", key=True)
        against = self.text(path, entry, "against") or "base"
        span = self.document.place(*path).key
        return Increase(scope=self.scope(path, entry), values=values, against=against, span=span)

    def match(self, path: Path, entry: dict[str, Any]) -> Match:
        for key in _MATCH:
            if key not in entry:
                self.fault(path, f"the match has no {key}", f"add {key} = ...", key=True)
        spec, model = (self.text(path, entry, key) for key in _MATCH)
        self.inside((*path, "spec"), spec)
        self.inside((*path, "model"), model)
        return Match(spec=spec, model=model, span=self.document.place(*path).key)

    def waiver(self, path: Path, entry: dict[str, Any]) -> Waiver:
        for key in ("rule", "reason"):
            if key not in entry:
                self.fault(path, f"the waiver has no {key}", f"add {key} = ...", key=True)
        rule = self.text(path, entry, "rule")
        if rule and rule not in WAIVABLE:
            self.fault((*path, "rule"), f"{rule} cannot be waived", f"write one of {', '.join(WAIVABLE)}")
        ceiling = self.table((*path, "ceiling"), entry.get("ceiling", {}), MEASURES)
        caps = {metric: self.taken((*path, "ceiling", metric), figure, cap, 0) for metric, cap in ceiling.items()}
        expires = self.taken((*path, "expires"), _day, entry["expires"], None) if "expires" in entry else None
        return Waiver(
            rule=rule,
            scope=self.scope(path, entry),
            ceiling=caps,
            reason=self.text(path, entry, "reason"),
            expires=expires,
            span=self.document.place(*path).key,
        )


def _day(value: Any) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, datetime) or not isinstance(value, date):
        raise CostcalcError("expected a date, got {}", repr(value), help="write for example 2027-03-31")
    return value
