"""The inputs of a check: TOML with locations, limits, and git with few commands."""

from __future__ import annotations

import string
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
from costcalc.gate.renames import File, likeness, renames
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


# One of each kind of character: all of Unicode would have hypothesis build its tables within the first draw.
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(string.printable[:95] + "é\u0301ß中\u2028\ufeff\U0001f600"))
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


@pytest.mark.parametrize("text", ["", "x", "+x", "2.5", 2.5, True, None, -1, "-1", "2", 2, "%", "2%%", "x%", "-2%"])
def test_no_allowances(text):
    with pytest.raises(UsageError):
        allowance(text)


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
        ("0.5", "0.25", lambda n: n <= 0.1, ("0.10", "largest")),  # below the base too
        ("0.000004", "0.000001", lambda n: n <= 0.000003, ("0.000003", "largest")),
        ("0.0000004", "0.0000001", lambda n: n <= 0.0000003, None),  # more than 6 decimal places
        ("900", "9", lambda n: n <= 450 if n % 9 == 0 else None, ("450", "largest")),  # one of 9 is a network
        ("3", "same", lambda n: True, None),
        ("3", "1e", lambda n: True, None),
    ],
)
def test_the_largest_value_that_fits(written, base, fits, found):
    value = float(written) if "." in written else int(written)
    change = Change("x", 0, 0, None, written, base, value)
    assert largest_fit(change, lambda text: fits(float(text))) == found


# Of 1 to 1000, those up to 100 fit. Bisection asks 500, 250, 125, 62, 93, 109, 101, ... and finds 100; what is left is
# 900 wide. The values next to 100 and each eighth of what is left are asked too: if one fits, 100 is not the largest.
@pytest.mark.parametrize("step", [*range(2, 8), *(900 * part // 8 for part in range(1, 8))])
def test_a_value_is_not_the_largest_where_one_farther_on_fits(step):
    def up(n):
        return n <= 100 or n == 100 + step

    assert largest_fit(Change("x", 0, 0, None, "1000", "1", 1000), lambda text: up(float(text))) is None

    def down(n):  # the same, mirrored: 901 and more fit
        return n >= 901 or n == 901 - step

    found = ("898", "smallest") if step == 3 else None  # bisection asks 898 itself, and nothing below it fits
    assert largest_fit(Change("x", 0, 0, None, "1", "1000", 1), lambda text: down(float(text))) == found


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50])
def test_a_value_may_be_the_largest_however_near_the_changed_one_is(step):
    """The changed value is known to be over the limit, and is not tried again."""
    asked = []

    def fits(text):
        asked.append(text)
        return int(text) <= 1000 - step

    found = largest_fit(Change("x", 0, 0, None, "1000", "1", 1000), fits)
    assert found == (str(1000 - step), "largest")
    assert "1000" not in asked


def test_no_value_fits_where_it_is_no_number():
    assert largest_fit(Change("x", 0, 0, None, "same", "valid", "same"), lambda _: True) is None
    assert largest_fit(Change("x", 0, 0, None, "true", "false", True), lambda _: True) is None


def text_file(path, lines):
    """Return a file for `renames` that is not a network."""
    text = "".join(f"{line}\n" for line in lines)
    return File(path=path, ids=(text,), text=lambda: text, analysis=lambda: None)


@pytest.mark.parametrize(("kept", "renamed"), [(100, True), (51, True), (50, True), (49, False), (0, False)])
def test_a_file_that_keeps_half_of_its_lines_or_more_was_renamed(kept, renamed):
    old = [f"line {number:02}" for number in range(100)]
    new = old[:kept] + [f"LINE {number:02}" for number in range(100 - kept)]
    found = renames([text_file("old.yaml", old)], [text_file("new.yaml", new)])
    assert found == ({"new.yaml": "old.yaml"} if renamed else {})


def test_the_files_that_are_most_alike_were_renamed():
    gone = [text_file("a.yaml", "1234"), text_file("b.yaml", "1235")]
    # c has 3 of 4 lines of both, d 3 of b and 2 of a
    assert renames(gone, [text_file("c.yaml", "1236"), text_file("d.yaml", "1275")]) == {
        "c.yaml": "a.yaml",
        "d.yaml": "b.yaml",
    }
    # e has 3 of 4 lines of a and 2 of b, f 2 of a and 1 of b: what is most alike goes first
    assert renames(gone, [text_file("f.yaml", "1489"), text_file("e.yaml", "1274")]) == {"e.yaml": "a.yaml"}


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
    with Repository.open(Path.cwd()) as repository:
        snapshot = Snapshot.open(repository, commit)
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
    with Repository.open(Path.cwd()) as repository:
        assert Snapshot.open(repository, repo.commit()).find("one") is None


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
