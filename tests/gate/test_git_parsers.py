"""Reading arbitrary bytes of a repository or a report gives a value or an error of costcalc."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc import analyze, load
from costcalc.errors import UsageError
from costcalc.gate.baseline_json import read
from costcalc.gate.git_objects import GitError, parse_commit, parse_tree
from costcalc.gate.git_refs import parse_ref

ID = "0123456789" * 4
LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"tree " + ID.encode(), b"parent " + ID.encode(), b"committer x 1 +0000", b"tree", b"", b"\n"]
        ),
        st.builds(bytes.__add__, st.sampled_from([b"tree ", b"committer ", b"parent "]), st.binary(max_size=45)),
        st.binary(max_size=30),
    ),
    max_size=6,
).map(b"\n".join)
ENTRIES = st.lists(
    st.one_of(
        st.builds(
            lambda mode, name, digest: b"%b %b\0%b" % (mode, name, digest),
            st.sampled_from([b"100644", b"40000", b"120000", b"160000", b"040000", b"1", b"99", b""]),
            st.one_of(st.sampled_from([b"a", b"..", b"a/b", b""]), st.binary(max_size=5)),
            st.binary(min_size=18, max_size=20),
        ),
        st.binary(max_size=30),
    ),
    max_size=4,
).map(b"".join)


@given(LINES)
def test_any_commit(content):
    try:
        commit = parse_commit(ID, content)
    except GitError as error:
        assert "malformed" in str(error)  # noqa: PT017
        return
    assert all(re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", id) for id in (commit.tree, *commit.parents))
    assert re.match(r"-?\d{4}-\d\d-\d\dT", commit.date)


@given(ENTRIES, st.sampled_from([ID, ID + ID[:24]]))
def test_any_tree(content, id):
    try:
        entries = parse_tree(id, content)
    except GitError as error:
        assert "malformed" in str(error)  # noqa: PT017
        return
    assert {entry.kind for entry in entries.values()} <= {"blob", "tree", "link", "commit"}
    assert all(len(entry.id) == len(id) for entry in entries.values())
    assert not [name for name in entries if "/" in name or name in ("", ".", "..")]


@given(st.one_of(st.text(max_size=20), st.from_regex(r"[-a-z./~^@{}:\\*]{1,12}", fullmatch=True)))
def test_any_ref(text):
    try:
        ref = parse_ref(text)
    except UsageError as error:
        assert "is not a valid ref" in str(error)  # noqa: PT017
        return
    assert ref.name
    assert not set("~^:?*[\\ ") & set(ref.name)
    assert not ref.name.startswith(("-", "/", "."))
    assert ".." not in text
    assert "@{" not in text
    assert re.fullmatch(r"([~^]\d{0,9})*", ref.suffix)


DOCUMENT = analyze(load("lenet5")).to_dict()
PATHS = [
    *[(key,) for key in DOCUMENT],
    *[("totals", key) for key in DOCUMENT["totals"]],
    *[("totals", "operations", key) for key in DOCUMENT["totals"]["operations"]],
    *[("layers", 0, key) for key in DOCUMENT["layers"][0]],
    ("inputs", "input"),
    ("inputs", "input", 0),
    ("layers", 0, "output", 0),
    ("layers", 0, "inputs", 0),
    ("layers", 0, "inputs", 0, 0),
    ("layers", 0, "operations", "add"),
]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(10**4000),
        st.floats(),
        st.text(st.characters(), max_size=3),
        st.just("\ud800"),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(PATHS), st.one_of(st.just(...), VALUES))
def test_any_report(tmp_path_factory, path, value):
    """Return a report with one value replaced or removed."""
    document = json.loads(json.dumps(DOCUMENT))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    check(tmp_path_factory, json.dumps(document))


@given(VALUES, VALUES)
def test_any_report_of_several(tmp_path_factory, analyses, params):
    check(tmp_path_factory, json.dumps({"format": "costcalc.analyses/1", "analyses": analyses}))
    check(tmp_path_factory, json.dumps({**DOCUMENT, "params": params}))


def check(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "base.json"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        found = read(str(file))
    except UsageError as error:
        assert "base.json is not" in str(error)  # noqa: PT017
        str(error).encode()
        return
    assert found
    for analysis in found:
        texts = [analysis.network, *analysis.params, *[row.name for row in analysis.layers]]
        assert "".join(texts).encode() is not None
        figures = [
            figure for totals in (analysis.totals, *[row.totals for row in analysis.layers]) for figure in totals
        ]
        assert all(type(figure) is int and f"{figure:,}" for figure in figures)
        json.dumps(analysis.to_dict(), allow_nan=False)


@pytest.mark.parametrize("text", ["Infinity", "-Infinity", "NaN", "1e999"])
@pytest.mark.parametrize("path", [("params", "x"), ("totals", "macs"), ("layers", 0, "line"), ("inputs", "input", 0)])
def test_numbers_that_are_none(scratch, path, text):
    document = json.loads(json.dumps(DOCUMENT))
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = 123454321
    scratch.write("base.json", json.dumps(document).replace("123454321", text))
    done = scratch.check("lenet5", "--base", "base.json", "--max-increase", "macs=0")
    assert (done.status, done.out, "base.json is not" in done.err) == (2, "", True)


def test_a_report_of_nothing(scratch):
    scratch.write("base.json", '{"format": "costcalc.analyses/1", "analyses": []}')
    done = scratch.check("lenet5", "--base", "base.json", "--max-increase", "macs=0")
    assert (done.status, "expected at least one analysis" in done.err) == (2, True)
