"""What a check reads: TOML with places, limits, git without more questions than needed."""

from __future__ import annotations

import tomllib
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.errors import Source, UsageError
from costcalc.gate.causes import largest_fit
from costcalc.gate.changed_values import Change
from costcalc.gate.git import Repository
from costcalc.gate.git_objects import blob_id
from costcalc.gate.git_snapshot import Snapshot
from costcalc.gate.limits import allowance, figure, percentage
from costcalc.gate.renames import likeness
from costcalc.gate.toml_reader import read

TEXT = """\
# a comment with [brackets] and = signs
specs = ["a.yaml",
  'b # not a comment.yaml',  # a comment
]
[[budget]]
macs = 1_000
"odd key" = { x = 1, y.z = [true, {w = "}"}] }
[[budget]]
macs = \"\"\"
three
lines\"\"\"
[budget.inner]
deep = 2027-03-31
[tool.costcalc]
when = 07:32:00
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("specs",), (2, 1), (2, 9)),
        (("specs", 1), (3, 3), (3, 3)),
        (("budget", 0), (5, 1), (5, 1)),
        (("budget", 0, "macs"), (6, 1), (6, 8)),
        (("budget", 0, "odd key"), (7, 1), (7, 13)),
        (("budget", 0, "odd key", "x"), (7, 15), (7, 19)),
        (("budget", 0, "odd key", "y", "z"), (7, 22), (7, 28)),
        (("budget", 0, "odd key", "y", "z", 1, "w"), (7, 36), (7, 40)),
        (("budget", 1, "macs"), (9, 1), (9, 8)),
        (("budget", 1, "inner", "deep"), (13, 1), (13, 8)),
        (("tool", "costcalc", "when"), (15, 1), (15, 8)),
        (("tool", "costcalc", "gone"), (14, 1), (14, 1)),
        (("gone",), (1, 1), (1, 1)),
    ],
)
def test_places(path, key, value):
    place = read(Source("x.toml", TEXT)).place(*path)
    assert (place.key[1:3], place.value[1:3]) == (key, value)


SCALARS = st.one_of(
    st.integers(), st.booleans(), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
)
KEYS = st.text("abc-_. \"'#[]=", min_size=1, max_size=4)


def dumped(value):
    import json

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {dumped(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[\n  " + ",  # ] }\n  ".join(map(dumped, value)) + "\n]"
    return json.dumps(value, ensure_ascii=False)


@given(
    st.dictionaries(
        KEYS,
        st.recursive(
            SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
        ),
        max_size=4,
    )
)
def test_every_value_has_a_place(values):
    text = "".join(f"{dumped(key)} = {dumped(entry)} # x\n" for key, entry in values.items()).replace("{\n", "{")
    try:
        assert tomllib.loads(text) == values
    except tomllib.TOMLDecodeError:
        return  # a line break within braces: no TOML
    document = read(Source("x.toml", text))
    lines = text.split("\n")
    for path, place in document.places.items():
        value = values
        for step in path:
            value = value[step]
        line = lines[place.value.line - 1][place.value.column - 1 :]
        assert line.startswith(dumped(value).split("\n")[0].rstrip()[:1] if value != "" else '""')


@pytest.mark.parametrize(
    ("text", "value"), [("4.1G", 4_100_000_000), ("1_000", 1000), (7, 7), (2e6, 2_000_000), ("0", 0)]
)
def test_figures(text, value):
    assert figure(text) == value


@pytest.mark.parametrize("text", ["", "x", "1.5", 0.5, True, None, -1, "-1", "1e40", [1], float("nan"), float("inf")])
def test_no_figures(text):
    with pytest.raises(UsageError):
        figure(text)


@given(st.integers(0, 10**30), st.fractions(0, 10))
def test_an_allowance_is_exact(base, part):
    text = f"{float(part):.6f}%"
    allowed = allowance(text)
    limit = allowed.limit(base)
    exact = base + base * percentage(text, text)
    assert limit <= exact < limit + 1
    assert isinstance(exact, (int, Fraction))


@pytest.mark.parametrize(
    ("written", "base", "fits", "found"),
    [
        ("24", "16", lambda n: n <= 18, ("18", "largest")),
        ("1000", "1", lambda n: n <= 999, ("999", "largest")),
        ("24", "16", lambda n: n <= 16, ("16", "largest")),
        ("24", "16", lambda n: n <= 3, ("3", "largest")),  # not even the base fits
        ("24", "16", lambda n: False, None),
        ("1", "4", lambda n: n >= 3, ("3", "smallest")),
        ("1", "4", lambda n: n >= 9, None),
        ("1.25", "1.0", lambda n: n <= 1.13, ("1.13", "largest")),
        ("24", "8", lambda n: n <= 20 if n % 4 == 0 else None, ("20", "largest")),  # must divide into 4 groups
        ("24", "16", lambda n: n <= 18 or n == 23, None),  # not monotone: no value is the largest by bisection
        ("1_024", "512", lambda n: n <= 600, ("600", "largest")),
    ],
)
def test_the_largest_value_that_fits(written, base, fits, found):
    value = float(written) if "." in written else int(written)
    change = Change("x", 0, 0, None, written, base, value)
    assert largest_fit(change, lambda text: fits(float(text))) == found


def test_no_value_fits_where_it_is_no_number():
    assert largest_fit(Change("x", 0, 0, None, "same", "valid", "same"), lambda _: True) is None
    assert largest_fit(Change("x", 0, 0, None, "true", "false", True), lambda _: True) is None


def test_likeness():
    assert likeness(Counter("aaaa"), Counter("aabb")) == 0.5
    assert likeness(Counter(), Counter("x")) == 0.0


def test_blob_ids_are_those_of_git(repo):
    for content in (b"", b"x\n", "größe".encode()):
        (repo.path / "x").write_bytes(content)
        assert blob_id(content, "0" * 40) == repo.git("hash-object", "x")


def test_trees_are_those_of_git(repo):
    repo.write("a/b/c d.yaml", "x")
    repo.write("a/é.yaml", "y")
    (repo.path / "link").symlink_to("a")
    commit = repo.commit()
    with Repository(Path.cwd()) as repository:
        snapshot = Snapshot(repository, commit)
        listed = dict(
            reversed(line.split(" ", 2)[2].split("\t"))
            for line in repo.git("-c", "core.quotePath=false", "ls-tree", "-r", commit).split("\n")
        )
        assert {path: found.entry.id for path, found in snapshot.files()} == listed
        found = snapshot.find("link/b/c d.yaml")
        assert (found.path, snapshot.read(found)) == ("a/b/c d.yaml", b"x")
        assert snapshot.find("gone") is None
        assert snapshot.find("a/é.yaml/x") is None
        assert snapshot.find("../work") is None


def test_symlinks_in_a_circle(repo):
    (repo.path / "one").symlink_to("two")
    (repo.path / "two").symlink_to("one")
    with Repository(Path.cwd()) as repository:
        assert Snapshot(repository, repo.commit()).find("one") is None


def test_of_unchanged_specs_no_blob_is_read(repo, monkeypatch):
    repo.git("checkout", "-q", "main")
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.write("models/bundled.yaml", "extends: lenet5\n")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    kinds = []
    read_object = Repository.object
    monkeypatch.setattr(Repository, "object", lambda self, *about: kinds.append(about[1]) or read_object(self, *about))
    document = repo.check("--base", "main", "-o", "json").json
    assert [spec["status"] for spec in document["specs"]] == ["unchanged"] * 3
    assert kinds.count("blob") <= 1  # the configuration's own
