"""A pytest plugin that collects once and runs the tests on many mutants, each in a forked process.

A function's code is replaced in place, so whoever has imported the function runs the mutant. What runs only while a
module is imported stays as it was, and so does what a test runs in a process of its own, which reads the file. So such
mutants, and those that survive here, are run again in a new process, and that decides.
"""

from __future__ import annotations

import ast
import gc
import importlib
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from .mutants import mutated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

settings.register_profile(
    "mutation",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
)

MEMORY = 4 << 30
Name = tuple[str, str, int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", help="a JSON file: what to run, and where the outcomes go")
    parser.addoption("--cpu", type=int, help="how many seconds of CPU time this run may take")


class Forks:
    """Runs mutants in forked processes, so many at once."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.running: dict[int, int] = {}
        self.outcomes: dict[int, str] = {}
        self.child = False
        self.functions: dict[Name, list[FunctionType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for file, _ in self.job["mutants"]:
            importlib.import_module(file.removesuffix(".py").replace("/", "."))
        for found in gc.get_objects():
            if isinstance(found, FunctionType):
                self.functions.setdefault(_name(found.__code__), []).append(found)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGTERM, self.end)
        if self.start(-1, (), 600):
            return None
        usage = self.wait()
        if self.outcomes.pop(-1) != "survived":
            pytest.exit("the tests fail without any change", 1)
        limit = int(4 * usage) + 5
        texts: dict[str, str] = {}
        for file, index in self.job["mutants"]:
            text = texts.setdefault(file, Path(file).read_text(encoding="utf-8"))
            changes = self.changes(file, text, index)
            if changes is None:
                self.outcomes[index] = "again"
                continue
            while len(self.running) >= self.job["workers"]:
                self.wait()
            if self.start(index, changes, limit):
                session.items.sort(key=lambda item: _rank(item, Path(file).stem))
                return None
        while self.running:
            self.wait()
        self.save()
        return True

    def save(self) -> None:
        """Write the outcomes so far, for whoever wants to see how far it is."""
        Path(self.job["outcomes"]).write_text(json.dumps(self.outcomes), encoding="utf-8")

    def changes(self, file: str, text: str, index: int) -> list[tuple[FunctionType, CodeType]] | None:
        """Which functions get which code; None where the change is not in the code of a function that there is."""
        path = str(Path(file).resolve())
        old, new = (dict(_codes(compile(tree, path, "exec"))) for tree in (ast.parse(text), mutated(text, index)))
        differing = [(name, new[name]) for name, code in old.items() if code and new.get(name) not in (code, None)]
        found = [(function, code) for name, code in differing for function in self.functions.get(name, ())]
        if not found or any(function.__code__.co_freevars != code.co_freevars for function, code in found):
            return None
        return found

    def end(self, *_: object) -> None:
        """End at once, with all that runs."""
        for pid in self.running:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        os._exit(1)

    def start(self, index: int, changes: Sequence[tuple[FunctionType, CodeType]], limit: int) -> bool:
        """Fork; whether this is the new process."""
        pid = os.fork()
        if pid:
            self.running[pid] = index
            return False
        self.child = True
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        limited(limit)
        for function, code in changes:
            function.__code__ = code
        return True

    def wait(self) -> float:
        """Take the outcome of one process that ends, and end what it left behind; its CPU time in seconds."""
        pid, status, usage = os.wait4(-1, 0)
        index = self.running.pop(pid)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        self.outcomes[index] = outcome(os.waitstatus_to_exitcode(status))
        self.save()
        return usage.ru_utime + usage.ru_stime

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.child:
            os._exit(int(exitstatus))


def limited(seconds: int) -> None:
    """Bound CPU time and memory of this process and of what it starts."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def outcome(status: int) -> str:
    """What a run of pytest tells: tests that failed, or a run that died, have noticed the mutant."""
    return "survived" if status == 0 else "killed" if status in (1, 2) or status < 0 else "again"


def _rank(item: pytest.Item, stem: str) -> tuple[bool, bool]:
    """What runs first: the tests of the module itself, and the cheap ones."""
    return stem not in item.path.stem, hasattr(getattr(item, "obj", None), "hypothesis")


def _name(code: CodeType) -> Name:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> Iterator[tuple[Name, CodeType | None]]:
    """The code of every function by name; None where two have the same name."""
    seen: set[Name] = set()
    left = [code]
    while left:
        for inner in left.pop().co_consts:
            if isinstance(inner, CodeType):
                name = _name(inner)
                yield name, None if name in seen else inner
                seen.add(name)
                left.append(inner)


def without_constants() -> None:
    """Draw the same examples whatever is imported, and whatever is in it.

    Hypothesis tries numbers that it reads in the source of imported modules. A forked process has those of all tests
    and of the source without the change, a new process others: the same test drew other examples, and only one of the
    two noticed a mutant. A change of a constant would also be found because it is a change of the source.
    """
    if hasattr(providers, "_get_local_constants"):  # older versions have no such numbers
        none = type(providers._local_constants)()
        providers._get_local_constants = lambda: none


def pytest_configure(config: pytest.Config) -> None:
    without_constants()
    if config.getoption("--cpu"):
        limited(config.getoption("--cpu"))
    path = config.getoption("--mutants")
    if path:
        config.pluginmanager.register(Forks(json.loads(Path(path).read_text(encoding="utf-8"))))
        sys.dont_write_bytecode = True
