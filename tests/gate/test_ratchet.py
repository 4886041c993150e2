"""`--ratchet` lowers budgets to the figures of the specs, and changes nothing else in the file."""

from __future__ import annotations

import os

import pytest

from . import INCEPTION, NET, macs, net_macs

COMMENTED = """\
# What our networks may cost.
specs = [ "models/*.yaml" ]   # all of them

[[budget]]
spec   = 'models/inception.yaml'
macs   = "130M"      # a round number
params = 163_696     # as published
warn_at = "99%"

[[budget]]
spec = "models/net.yaml"
set = { width = 8 }
macs = 1_000_000
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_the_figures_change(scratch, end, mark):
    scratch.write("models/inception.yaml", INCEPTION)
    scratch.write("models/net.yaml", NET)
    path = scratch.path / "costcalc.toml"
    path.write_bytes((mark + COMMENTED.replace("\n", end)).encode())
    path.chmod(0o640)
    done = scratch.check("--ratchet")
    assert (done.status, done.out) == (0, "")
    assert done.err == (
        f"costcalc.toml:6: macs 130,000,000 -> {macs():,}\n"
        f"costcalc.toml:13: macs 1,000,000 -> {net_macs(8):,}\n"
        "lowered 2 budgets\n"
    )
    expected = COMMENTED.replace('"130M"', f"{macs():_}").replace("1_000_000", f"{net_macs(8):_}")
    assert path.read_bytes() == (mark + expected.replace("\n", end)).encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert scratch.check().status == 0
    again = scratch.check("--ratchet")
    assert (again.status, again.err) == (0, "no budget is above the figures of its specs\n")
    assert path.read_bytes() == (mark + expected.replace("\n", end)).encode()


@pytest.mark.parametrize(
    ("limit", "waiver", "lowered"),
    [
        ("200M", "", macs(24)),  # the largest of both specs
        ("130M", "", None),  # exceeded by one spec: it stays
        ("130M", '[[waiver]]\nrule = "CC102"\nreason = "r"\nspec = "models/wide.yaml"\n', macs(16)),
        ("130M", '[[waiver]]\nrule = "CC102"\nreason = "r"\nspec = "models/wide.yaml"\nexpires = 2020-01-01\n', None),
        (str(macs(24)), "", None),
    ],
)
def test_a_budget_of_several_specs(scratch, limit, waiver, lowered):
    scratch.write("models/inception.yaml", INCEPTION)
    scratch.write("models/wide.yaml", INCEPTION.replace("r5: 16", "r5: 24"))
    text = 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "{}"\n' + waiver
    scratch.write("costcalc.toml", text.format(limit))
    assert scratch.check("--ratchet").status == 0
    expected = text.format(limit) if lowered is None else text.replace('"{}"', f"{lowered:_}")
    assert (scratch.path / "costcalc.toml").read_text() == expected


def test_layers_inline_tables_and_pyproject(scratch):
    scratch.write("models/inception.yaml", INCEPTION)
    b5 = 28 * 28 * (192 * 16 + 25 * 16 * 32)
    text = (
        '[tool.costcalc]\nspecs = ["models/*.yaml"]\n'
        'budget = [{ layer = "b5.**", macs = "90M" }, { macs = "1G", params = "1G" }]  # two\n'
    )
    scratch.write("pyproject.toml", text)
    assert scratch.check("--ratchet").status == 0
    params = 192 * 64 + 64 + 192 * 96 + 96 + 9 * 96 * 128 + 128 + 192 * 16 + 16 + 25 * 16 * 32 + 32 + 192 * 32 + 32
    assert params == 163_696
    expected = text.replace('"90M"', f"{b5:_}").replace('macs = "1G"', f"macs = {macs():_}")
    assert (scratch.path / "pyproject.toml").read_text() == expected.replace('"1G"', f"{params:_}")


def test_every_configuration_of_the_specs(scratch):
    scratch.write("models/inception.yaml", INCEPTION)
    scratch.write("models/small/net.yaml", NET)
    scratch.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[budget]]\nmacs = "1G"\n')
    scratch.write("models/small/costcalc.toml", '[[budget]]\nspec = "*.yaml"\nmacs = "1G"\n')
    assert scratch.check("--ratchet").status == 0
    assert f"macs = {macs():_}\n" in (scratch.path / "costcalc.toml").read_text()
    assert f"macs = {net_macs():_}\n" in (scratch.path / "models/small/costcalc.toml").read_text()


@pytest.mark.parametrize(
    ("spec", "toml", "arguments", "said"),
    [
        (INCEPTION.replace("kernel", "kernal", 1), '[[budget]]\nmacs = "1G"\n', [], "did you mean kernel?"),
        (INCEPTION, '[[budget]]\nmacs = """1G"""\n[[budget]]\nmasc = 1\n', [], "unknown key masc"),
        (INCEPTION, '[[budget]]\nmacs = """\n1G"""\n', [], "cannot be lowered in place"),
        (INCEPTION, '[[budget]]\nmacs = "1G"\n', ["models/inception.yaml"], "--ratchet takes no SPEC"),
        (INCEPTION, '[[budget]]\nmacs = "1G"\n', ["--base", "main"], "--ratchet and --base exclude each other"),
        (INCEPTION, '[[budget]]\nmacs = "1G"\n', ["-o", "json"], "--ratchet and --output exclude each other"),
    ],
)
def test_nothing_is_written_where_it_cannot_be_done(scratch, spec, toml, arguments, said):
    scratch.write("models/inception.yaml", spec)
    text = 'specs = ["models/*.yaml"]\n' + toml
    scratch.write("costcalc.toml", text)
    done = scratch.check("--ratchet", *arguments)
    assert (done.status, said in done.err) == (2, True), done.err
    assert (scratch.path / "costcalc.toml").read_text() == text
    assert scratch.names() == ["costcalc.toml", "models"]


def test_a_file_that_may_not_be_written(scratch):
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        pytest.skip("root may write every file")
    scratch.write("models/inception.yaml", INCEPTION)
    path = scratch.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n')
    path.chmod(0o444)
    done = scratch.check("--ratchet")
    assert (done.status, "cannot write" in done.err) == (2, True)
