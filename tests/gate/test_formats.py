"""Each format follows its standard, and escapes untrusted text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import pytest

from . import INCEPTION, NET, macs, net_macs

FORMATS = ("text", "json", "markdown", "github", "gitlab", "junit", "sarif")
DATA = Path(__file__).parent / "data"

HOSTILE = [
    "::error file=x::owned",
    "a::add-mask::b",
    "##[error]owned",
    "%0A::error::owned",
    "\x1b[31mred\x1b]8;;http://x\x07link",
    "\u202eright to left",
    "[click](http://evil.example)",
    "![](http://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "<!-- costcalc-check -->",
    "--> <b>",
    "@octocat and @org/team",
    "fixes #1, org/repo#2",
    "http://evil.example and www.evil.example",
    "`code` **bold** _it_ ~~no~~ | cell | $x$",
    "</details>",
    "&lt;b&gt;",
    "]]>",
    "{0} {1:d} {}",
    "a\\",
]


@pytest.fixture
def failing(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.write("models/net.yaml", NET + "expect: {macs: 1}\n")
    return repo


def report(scratch, form):
    done = scratch.check("--base", "main", "-o", form)
    assert done.status == 1, done
    return done.out


def sarif_schema():
    return jsonschema.Draft4Validator(
        json.loads((DATA / "sarif-schema-2.1.0.json").read_text()),
        format_checker=jsonschema.FormatChecker(),
    )


def test_sarif(failing):
    document = json.loads(report(failing, "sarif"))
    sarif_schema().validate(document)
    (run,) = document["runs"]
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("CC102", "error")
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "CC102"
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "models/inception.yaml"},
        "region": {"startLine": 4, "startColumn": 39, "endColumn": 41},
    }
    assert run["invocations"][0]["executionSuccessful"] is True
    broken = {"not": "sarif"}
    with pytest.raises(jsonschema.ValidationError):
        sarif_schema().validate(broken)


def test_junit(failing):
    junitparser = pytest.importorskip("junitparser")
    failing.write("models/good.yaml", NET)
    text = report(failing, "junit")
    (suite,) = junitparser.JUnitXml.fromstring(text.encode())
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 2, 0, 0)
    cases = {(case.classname, case.name): case.result for case in suite}
    assert cases["models/good.yaml", "limits"] == []
    (failure,) = cases["models/inception.yaml", "CC102 macs"]
    assert isinstance(failure, junitparser.Failure)
    assert (failure.type, "134,270,976 > 130,000,000" in failure.message) == ("CC102", True)
    assert "r5 = 18 is the largest that fits" in failure.text
    failing.edit("models/net.yaml", "kernel: 3", "kernel: 300")
    done = failing.check("-o", "junit")
    (suite,) = junitparser.JUnitXml.fromstring(done.out.encode())
    assert (done.status, suite.errors) == (2, 1)


def test_gitlab(failing):
    """The fields that GitLab documents for a Code Quality report, and their values."""
    entries = json.loads(report(failing, "gitlab"))
    for entry in entries:
        assert entry.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert re.fullmatch(r"[0-9a-f]{64}", entry["fingerprint"])
        assert entry["location"].keys() == {"path", "lines"}
        assert not entry["location"]["path"].startswith(("/", "./"))
        assert type(entry["location"]["lines"]["begin"]) is int
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 2


def test_fingerprints_survive_moved_lines_and_figures(failing):
    before = [entry["fingerprint"] for entry in json.loads(report(failing, "gitlab"))]
    text = (failing.path / "models/inception.yaml").read_text()
    failing.write("models/inception.yaml", "# a comment\n\n" + text.replace("r5: 24", "r5: 25"))
    after = [entry["fingerprint"] for entry in json.loads(report(failing, "gitlab"))]
    assert after == before


def test_two_findings_about_one_thing_have_two_fingerprints(repo):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n' + "[[budget]]\nmacs = 1\n" * 3)
    entries = json.loads(report(repo, "gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == 3


def commands(text):
    """Workflow commands, read as the runner reads them."""
    found = []
    for line in text.split("\n"):
        match = re.fullmatch(r"::(\w+) ?([^:]*)::(.*)", line.strip())
        assert match or not line, line
        if match:
            pairs = dict(pair.split("=", 1) for pair in match[2].split(",") if pair)
            found.append(
                (match[1], {name: unescape(value, whole=True) for name, value in pairs.items()}, unescape(match[3]))
            )
    return found


def unescape(text, whole=False):
    codes = {"%0D": "\r", "%0A": "\n", **({"%3A": ":", "%2C": ","} if whole else {}), "%25": "%"}
    return re.sub("|".join(codes), lambda match: codes[match[0]], text)


def test_github(failing):
    found = commands(report(failing, "github"))
    assert [(kind, properties["file"]) for kind, properties, _ in found] == [
        ("error", "models/net.yaml"),  # the farthest beyond its limit first
        ("error", "models/inception.yaml"),
    ]
    assert found[1][1] == {"file": "models/inception.yaml", "line": "4", "col": "39", "title": "costcalc CC102 macs"}
    assert found[1][2].startswith("macs 134,270,976 > 130,000,000 (budget in costcalc.toml, +4,270,976)\nr5 = 18")


def test_github_shows_ten(repo):
    for number in range(12):
        repo.write(f"models/n{number}.yaml", NET.replace("16", str(16 + number)))
    repo.write("costcalc.toml", 'specs = ["models/n*.yaml"]\n[[budget]]\nmacs = 1\n')
    found = commands(report(repo, "github"))
    values = [int(re.search(r"macs ([\d,]+) >", text)[1].replace(",", "")) for _, _, text in found]
    assert values == [net_macs(16 + number) for number in range(11, 1, -1)]


def test_in_github_actions(failing, monkeypatch):
    summary = failing.path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = failing.check("--base", "main")
    assert "fail: 2 errors" in done.out
    assert done.out.count("\n::error ") == 2
    assert summary.read_text().startswith("before\n<!-- costcalc-check -->")
    done = failing.check("--base", "main", "-o", "json=report.json")
    assert "fail: 2 errors" in done.out
    assert done.out.count("\n::error ") == 2
    assert json.loads((failing.path / "report.json").read_text())["verdict"] == "fail"
    for form in ("text", "json"):
        assert "::error" not in failing.check("--base", "main", "-o", form).out


def test_paths_start_at_the_root_of_the_repository(failing, monkeypatch):
    monkeypatch.chdir(failing.path / "models")
    assert report(failing, "text").startswith("inception.yaml:4:39: CC102")
    assert commands(report(failing, "github"))[1][1]["file"] == "models/inception.yaml"
    assert json.loads(report(failing, "gitlab"))[0]["location"]["path"] == "models/inception.yaml"
    location = json.loads(report(failing, "sarif"))["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "models/inception.yaml"


def rendered(text):
    """The HTML of a comment, by a renderer of CommonMark with GitHub's tables and links."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


OURS = re.compile(r"<!-- costcalc-check -->|</?details>|</?summary>")


def inert(html):
    """Return the rest without the HTML of costcalc and of the renderer."""
    own, rest = OURS.sub("", html), ""
    tags = r"</?(p|ul|li|strong|table|thead|tbody|tr|th|td|br|em)( style=\"text-align:right\"| /)?/?>"
    rest = re.sub(tags, "", own)
    return "<" not in rest and ">" not in rest


def test_markdown(failing):
    text = report(failing, "markdown")
    assert text.startswith("<!-- costcalc-check -->\n")
    verdict, moves = text.index("fail: 2 errors"), text.index("| models/inception.yaml | macs |")
    assert verdict < text.index("**CC102**") < text.index("largest that fits") < moves < text.index("<details>")
    html = rendered(text)
    assert inert(html)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    assert ["models/inception.yaml", "macs", f"{macs(16):,}", f"{macs(24):,}", "+6,221,824", "+4.9%"] in cells
    assert html.count("<details>") == html.count("</details>") == 3


def test_markdown_stays_below_the_limit(repo):
    long = "x" * 180
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[budget]]\nmacs = 1\nparams = 1\n')
    for number in range(300):
        repo.write(f"models/{long}/{long}/{number:03}.yaml", NET)
    text = report(repo, "markdown")
    assert 20_000 < len(text) < 65_000
    assert "more" in text
    html = rendered(text)
    assert html.count("<details>") == html.count("</details>")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts(repo, form, text):
    """In names of files, params, layers and refs, and in values, waivers, globs and error messages."""
    name = text.replace("/", "∕").replace("\0", "")
    quoted = json.dumps(text)
    spec = (
        f"name: {quoted}\nsource: {quoted}\ndescription: {quoted}\nparams: {{width: 16}}\ninput: [3, 8, 8]\nlayers:\n"
        "  - conv: {out: width, kernel: 3, padding: 1, bias: false}\n"
    )
    repo.git("checkout", "-q", "main")
    repo.write(f"models/{name}.yaml", spec)
    repo.commit(text)
    repo.git("checkout", "-q", "-B", "work")
    repo.edit(f"models/{name}.yaml", "width: 16", f"width: 17  # {text}".replace("\x1b", "").replace("\x07", ""))
    reason = json.dumps(text).replace("\x7f", "")
    repo.write(
        "costcalc.toml",
        'specs = ["models/*.yaml"]\n[[budget]]\nmacs = 1\n[[increase]]\nmacs = 0\n'
        f'[[waiver]]\nrule = "CC102"\nreason = {reason}\nceiling = {{ macs = 2 }}\nspec = {quoted}\n'
        f'[[waiver]]\nrule = "CC102"\nreason = {reason}\nceiling = {{ macs = 2 }}\n',
    )
    safe(form, repo.check("--base", "main", "-o", form).out)
    repo.write(
        f"models/{name}.yaml", f"input: [3]\nlayers:\n  - {quoted}: {quoted}\n  - conv: {quoted}\n{quoted}: {quoted}\n"
    )
    done = repo.check("--base", "main", "-o", form)
    assert done.status == 2
    safe(form, done.out)
    for arguments in (["--base", text], [text], ["--max", text], ["--config", text], ["--base", f"{text}.json"]):
        done = repo.check(*arguments)
        assert done.status == 2
        safe("text", done.err)


def safe(form, text):
    assert text
    assert text.isascii() or all(char.isprintable() or char == "\n" for char in text if char != "\u200b")
    assert "\x1b" not in text
    assert "\x07" not in text
    if form != "github":
        assert not commanding(text)
    if form == "json":
        json.loads(text)
    elif form == "gitlab":
        assert all(entry["description"].isprintable() for entry in json.loads(text))
    elif form == "sarif":
        document = json.loads(text)
        sarif_schema().validate(document)
        for result in document["runs"][0]["results"]:
            message = result["message"]["text"]
            assert not re.search(r"(?<!\\)\[[^\]]*(?<!\\)\]\(", message)
            assert not re.search(r"(?<!\{)\{\d+\}(?!\})", message)
            for location in result.get("locations", []):
                uri = location["physicalLocation"]["artifactLocation"]["uri"]
                assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", uri)
                assert "/" not in unquote(uri).removeprefix("models/")
    elif form == "junit":
        ElementTree.fromstring(text)
    elif form == "github":
        for kind, properties, _ in commands(text):
            assert kind in ("error", "warning")
            assert properties.keys() <= {"file", "line", "col", "title"}
    elif form == "markdown":
        assert inert(rendered(text)), rendered(text)
        assert text.count("<!--") == 1
        assert not re.search(r"@[A-Za-z]|[^\\&]#\d|https?://|www\.e", text)


def commanding(text):
    """Return the lines that a GitHub runner reads as commands: they begin with `::` or contain `##[`."""
    return [line for line in text.split("\n") if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_subjects_in_other_reports(repo, text):
    name = text.replace("/", "∕")
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", 'specs = ["*.yaml"]\n')
    repo.write(f"{name}.yaml", f"name: {json.dumps(text)}\n{NET}")
    repo.commit(text)
    repo.edit(f"{name}.yaml", "width: 16", "width: 17")
    for form in ("table", "csv", "json", "markdown"):
        for arguments in (
            ["diff", "main"],
            ["diff", "main", "--stat"],
            ["diff", f"main:{name}.yaml", f"./{name}.yaml"],
            ["history", f"./{name}.yaml"],
            ["analyze", f"./{name}.yaml", "resnet18"],
            ["analyze", f"./{name}.yaml"],
            ["explain", f"./{name}.yaml"],
            ["compare", f"./{name}.yaml"],
            ["sweep", f"./{name}.yaml", "--set", "width=1,2"],
        ):
            if form == "markdown" and arguments[0] == "sweep":
                continue
            done = repo.run(*arguments, "-o", form)
            assert done.status == 0, done.err
            assert not commanding(done.out), (form, arguments)
            if form == "json":
                json.loads(done.out)
            if form == "markdown":
                tag = r"<(?!/?(?:h3|p|table|thead|tbody|tr|th|td|strong)\b)"
                assert not re.search(tag, rendered(done.out))
                assert not re.search(r"@[A-Za-z]|[^\\&]#\d|https?://|www\.e", done.out)


def test_figures_that_would_print_alike_print_exactly(repo):
    """A relative change that is not 0 is never shown as 0."""
    from fractions import Fraction

    from costcalc.report.check_text import growth, share, used

    assert growth(Fraction(1, 10**9)) == "<+0.1%"
    assert growth(Fraction(0)) == "+0.0%"
    assert share(Fraction(1, 10**9)) == "<1%"
    assert (used(10**9 - 1, 10**9), used(1, 10**9)) == ("99.9%", "<0.1%")
    repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = {macs() - 1}\n')
    assert "macs 128,049,152 > 128,049,151" in report(repo, "text")


@pytest.mark.parametrize("form", FORMATS)
def test_a_check_that_passes(repo, form):
    repo.write("models/inception.yaml", INCEPTION)
    done = repo.check("--base", "main", "-o", form)
    assert done.status == 0
    if form == "github":
        assert done.out == ""
    else:
        safe(form, done.out)
