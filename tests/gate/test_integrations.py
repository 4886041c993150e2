"""The action with a fake GitHub, the hook with the real pre-commit, and their documentation."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from . import NET

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
MARKER = "<!-- costcalc-check -->"


BOT = {"login": "github-actions[bot]", "type": "Bot"}


class GitHub:
    """The part of the API of GitHub for comments."""

    def __init__(self):
        self.comments = []
        self.requests = []
        self.refuse = 0
        self.viewer = BOT["login"]
        self.odd = {}
        """Other responses by method or path, as functions of the handler."""
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page = int(re.search(r"[?&]page=(\d+)", self.path)[1])
                self.answer(github.comments[100 * (page - 1) : 100 * page])

            def do_POST(self):
                if self.path == "/graphql":
                    self.rfile.read(int(self.headers["Content-Length"]))
                    self.answer({"data": {"viewer": {"login": github.viewer}}})
                else:
                    self.write(lambda body: github.comments.append({"id": 7, "user": BOT, **body}))

            def do_PATCH(self):
                number = int(self.path.rpartition("/")[2])
                self.write(lambda body: next(c for c in github.comments if c["id"] == number).update(body))

            def write(self, change):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not github.refuse:
                    change(body)
                self.answer(body)

            def answer(self, value):
                path = self.path.partition("?")[0]
                github.requests.append((self.command, path, self.headers["Authorization"]))
                odd = github.odd.get(path) or github.odd.get(self.command)
                if odd:
                    odd(self)
                    return
                refused = github.refuse and self.command != "GET" and path != "/graphql"
                self.send_response(github.refuse if refused else 200)
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def methods(self):
        return [method for method, path, _ in self.requests if method != "GET" and path != "/graphql"]


@pytest.fixture
def github():
    server = GitHub()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def action(repo, github, tmp_path):
    """Run the program of the action in the environment of a pull request."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 5}}))
    (tmp_path / "output").write_text("")

    def run(**inputs):
        environment = {
            **os.environ,
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": github.url,
            "GITHUB_GRAPHQL_URL": f"{github.url}/graphql",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "GITHUB_BASE_REF": "main",
            "RUNNER_TEMP": str(tmp_path),
            "INPUT_TOKEN": "secret",
            "INPUT_COMMENT": "true",
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        }
        command = [sys.executable, str(ROOT / "action/run.py")]
        return subprocess.run(command, cwd=repo.path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_one_comment_that_is_kept_up_to_date(repo, github, action, tmp_path):
    github.comments += [
        {"id": 1, "body": "hello", "user": {"type": "User"}},
        {"id": 2, "body": f"{MARKER}\nnot a bot's", "user": {"type": "User", "login": "somebody"}},
        {"id": 4, "body": f"{MARKER}\nanother bot's", "user": {"type": "Bot", "login": "other[bot]"}},
        {"id": 3, "body": None, "user": None},
    ]
    done = action()
    assert (done.returncode, github.methods()) == (0, [])  # nothing changed: nothing is said
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    done = action()
    assert (done.returncode, github.methods()) == (1, ["POST"])
    assert "\n::error file=models/inception.yaml,line=4,col=39" in done.stdout
    assert github.comments[-1]["body"].startswith(MARKER)
    assert "134,270,976" in github.comments[-1]["body"]
    action()
    assert github.methods() == ["POST"]  # the same again
    repo.edit("models/inception.yaml", "r5: 24", "r5: 18")
    assert action().returncode == 0
    assert github.methods() == ["POST", "PATCH"]
    repo.edit("models/inception.yaml", "r5: 18", "r5: 16")
    assert action().returncode == 0
    assert github.methods() == ["POST", "PATCH", "PATCH"]  # what it said does not hold any more
    assert len(github.comments) == 5
    assert "134,270,976" not in github.comments[-1]["body"]
    assert (tmp_path / "output").read_text().split() == [
        f"verdict={v}" for v in ("pass", "fail", "fail", "pass", "pass")
    ]
    assert {authorization for *_, authorization in github.requests} == {"Bearer secret"}


def test_an_earlier_comment_is_found_behind_many(repo, github, action):
    github.comments += [{"id": n, "body": "x", "user": {"type": "User"}} for n in range(100, 250)]
    github.comments.append({"id": 9, "body": MARKER, "user": BOT})
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    action()
    assert github.methods() == ["PATCH"]


def test_a_change_below_the_threshold_begins_no_comment(repo, github, action):
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[comment]\nabove = "1%"\n[[budget]]\nmacs = "130M"\n')
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")  # 0.6%
    assert (action().returncode, github.methods()) == (0, [])
    repo.edit("models/inception.yaml", "r5: 17", "r5: 18")  # 1.2%
    assert (action().returncode, github.methods()) == (0, ["POST"])
    repo.edit("models/inception.yaml", "r5: 18", "r5: 17")
    assert (action().returncode, github.methods()) == (0, ["POST", "PATCH"])  # the comment that exists is kept true


@pytest.mark.parametrize("code", [401, 403, 404, 500])
@pytest.mark.parametrize(("r5", "status"), [(24, 1), (17, 0)])
def test_a_token_that_may_not_comment(repo, github, action, code, r5, status):
    github.refuse = code
    repo.edit("models/inception.yaml", "r5: 16", f"r5: {r5}")
    done = action()
    assert done.returncode == status
    assert "::notice title=costcalc::" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("viewer", "login", "methods"),
    [
        ("github-actions[bot]", "github-actions[bot]", ["PATCH"]),
        ("github-actions", "github-actions[bot]", ["PATCH"]),
        ("octocat", "octocat", ["PATCH"]),  # a person's own token
        ("octocat", "github-actions[bot]", ["POST"]),
        ("github-actions[bot]", "octocat", ["POST"]),
        ("github-actions[bot]", "other[bot]", ["POST"]),
        ("github-actions[bot]", None, ["POST"]),
        (None, "github-actions[bot]", ["PATCH"]),  # not answered: the author that a workflow has by itself
        ({}, "other[bot]", ["POST"]),
    ],
)
def test_only_the_own_comment_is_edited(runner, github, viewer, login, methods):
    github.viewer = viewer
    github.comments.append({"id": 3, "body": f"{MARKER}\nold", "user": login and {"login": login}})
    assert runner(1) == (1, "")
    assert github.methods() == methods


def answering(content=b"", status=200, headers=()):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def hanging_up(handler):
    handler.wfile.write(b"HTTP/1.1 2")


def short_by_half(handler):
    answering(b'[{"id": 1', headers=[("Content-Length", "1000")])(handler)


def short_chunk(handler):
    answering(b"ff\r\n[", headers=[("Transfer-Encoding", "chunked")])(handler)


def never(handler):
    time.sleep(1)


def drop_by_drop(handler):
    answering(headers=[("Content-Length", "1000000")])(handler)
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        pass  # nobody listens any more, which is what is asked for


DEEP = b"[" * 100_000 + b"]" * 100_000
ODD = {
    "nothing": answering(),
    "no JSON": answering(b"<html>"),
    "no text": answering(b"\xff\xfe"),
    "deep": answering(DEEP),
    "null": answering(b"null"),
    "a number": answering(b"7"),
    "a text": answering(b'"x"'),
    "an object": answering(b'{"message": "x"}'),
    "a list of lists": answering(b"[[]]"),
    "a list of null": answering(b"[null]"),
    "a body that is no text": answering(b'[{"id": 1, "body": 7}]'),
    "a user that is no object": answering(b'[{"id": 1, "body": "", "user": 7}]'),
    "a login that is no text": answering(b'[{"id": 1, "body": "", "user": {"login": []}}]'),
    "an id that is no number": answering(b'[{"id": "../../1", "body": "", "user": {}}]'),
    "an id that is true": answering(b'[{"id": true, "body": "", "user": {}}]'),
    "a head that ends": hanging_up,
    "a body that ends": short_by_half,
    "a chunk that ends": short_chunk,
    "no answer": never,
    "a byte at a time": drop_by_drop,
    "no status": lambda handler: handler.wfile.write(b"::error::x\r\n\r\n"),
    "a head without an end": lambda handler: handler.wfile.write(b"HTTP/1.1 200 x\r\na: " + b"b" * 70_000),
    "many heads": answering(headers=[(f"a{number}", "b") for number in range(200)]),
    "a redirect to nowhere": answering(status=302),
    "a redirect to itself": answering(status=302, headers=[("Location", "/repos/o/r/issues/5/comments?page=1")]),
    "a redirect to a file": answering(status=302, headers=[("Location", "file:///etc/passwd")]),
    **{f"status {code}": answering(b"{}", code) for code in (204, 304, 400, 404, 418, 429, 500, 503)},
}


@pytest.fixture
def runner(github, tmp_path, monkeypatch, capsys):
    """Run the program of the action in this process, with a check that returns a status at once."""
    found = spec_from_file_location("costcalc_action", ROOT / "action/run.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setattr(module, "TIMEOUT", 0.4)
    monkeypatch.setattr(module, "PATIENCE", 0.4)
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 5}}))
    for name, value in {
        "RUNNER_TEMP": tmp_path,
        "GITHUB_API_URL": github.url,
        "GITHUB_GRAPHQL_URL": f"{github.url}/graphql",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": tmp_path / "event.json",
        "GITHUB_OUTPUT": tmp_path / "output",
        "INPUT_COMMENT": "true",
        "INPUT_TOKEN": "secret",
    }.items():
        monkeypatch.setenv(name, str(value))

    def check(markdown, document):
        markdown.write_text(f"{MARKER}\nnew")
        document.write_text(json.dumps({"comment": True}))
        return check.status

    monkeypatch.setattr(module, "check", check)

    def run(status):
        check.status = status
        return module.main(), capsys.readouterr().out

    return run


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(("at", "status"), [("GET", 0), ("GET", 1), ("/graphql", 1), ("POST", 1), ("PATCH", 0)])
def test_no_answer_of_github_changes_the_status(runner, github, tmp_path, at, name, status):
    if at != "POST":
        github.comments.append({"id": 3, "body": f"{MARKER}\nold", "user": BOT})
    github.odd[at] = ODD[name]
    found, out = runner(status)
    assert found == status
    assert (tmp_path / "output").read_text() == f"verdict={('pass', 'fail')[status]}\n"
    assert re.fullmatch(r"(::notice title=costcalc::[\w ,:]+\n)?", out)
    if at == "GET":
        assert out, "a comment that is not written is told of"
        assert github.methods() == [], "without a list of the comments none is written"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("at", ["GET", "POST", "PATCH", "/graphql"])
def test_the_token_goes_nowhere_else(runner, github, at, code):
    other = GitHub()
    if at != "POST":
        github.comments.append({"id": 3, "body": f"{MARKER}\nold", "user": BOT})
    other.comments += github.comments
    try:
        github.odd[at] = lambda handler: answering(status=code, headers=[("Location", f"{other.url}{handler.path}")])(
            handler
        )
        assert runner(1)[0] == 1
        assert other.requests == []
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_a_redirect_within_github_is_followed(runner, github):
    github.comments.append({"id": 3, "body": f"{MARKER}\nold", "user": BOT})
    moved = f"{github.url}/repositories/1/issues/5/comments?page=1"
    github.odd["/repos/o/r/issues/5/comments"] = answering(status=301, headers=[("Location", moved)])
    assert runner(1) == (1, "")
    assert github.methods() == ["PATCH"]
    assert {authorization for *_, authorization in github.requests} == {"Bearer secret"}


def test_no_github_no_pull_request_no_comment(repo, github, action, tmp_path):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    assert action(comment="false").returncode == 1
    (tmp_path / "event.json").write_text(json.dumps({"ref": "refs/heads/main"}))
    assert action().returncode == 1
    (tmp_path / "event.json").unlink()
    assert action().returncode == 1
    assert github.requests == []


def test_the_check_that_is_not_made_is_no_comment(repo, github, action):
    done = action(base="gone")
    assert (done.returncode, github.methods()) == (2, [])
    assert "unknown ref gone" in done.stderr


def test_inputs(repo, action, tmp_path):
    repo.write("models/net.yaml", NET)
    done = action(specs="models/net.yaml\n\n  models/inception.yaml \n", sarif="out.sarif", strict="true")
    assert done.returncode == 0
    assert json.loads((repo.path / "out.sarif").read_text())["version"] == "2.1.0"
    for hostile in ("$(touch x)", "--init", "; touch x", "`touch x`"):
        assert action(specs=hostile).returncode == 2
        assert action(base=hostile).returncode == 2
    assert not (repo.path / "x").exists()
    assert action(folder="models").returncode == 0


def test_no_text_is_put_into_a_script():
    steps = ACTION["runs"]["steps"]
    assert ACTION["runs"]["using"] == "composite"
    for step in steps:
        assert "${{" not in step.get("run", "")
    named = {name for step in steps for name in step.get("env", {}) if name.startswith("INPUT_")}
    read = set(re.findall(r"INPUT_[A-Z]+", (ROOT / "action/run.py").read_text()))
    holding = [step for step in steps if "INPUT_TOKEN" in step.get("env", {})]
    assert [step["run"] for step in holding] == ['"$RUNNER_TEMP/costcalc/bin/python" -I "$ACTION_PATH/action/run.py"\n']
    assert read | {"INPUT_BASE", "INPUT_CONFIG"} == named
    given = {
        name
        for step in steps
        for value in step.get("env", {}).values()
        for name in re.findall(r"inputs\.([\w-]+)", value)
    }
    assert given | {"python-version"} == set(ACTION["inputs"])


def test_no_code_of_a_pull_request_runs(repo, action):
    """`python -m` would look for modules in the working folder first."""
    for name in ("costcalc", "yaml", "click", "json", "venv", "pip"):
        repo.write(f"{name}.py", 'raise SystemExit("hostile")\n')
    done = action()
    assert (done.returncode, "hostile" in done.stdout + done.stderr) == (0, False)
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    called = re.findall(r'^".*?(?:PYTHON|/python)" (\S+)', "\n".join(scripts), re.MULTILINE)
    assert called == ["-I", "-I", "-I"]


def pre_commit(repo, tmp_path, monkeypatch, args=()):
    """Run the hook with this installation, as building an environment would need a package index."""
    pytest.importorskip("pre_commit")
    from pre_commit.clientlib import load_manifest

    load_manifest(ROOT / ".pre-commit-hooks.yaml")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    assert "language: python" in text
    (hooks / ".pre-commit-hooks.yaml").write_text(text.replace("language: python", "language: system"))
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "hooks"]):
        repo.git(*command, cwd=hooks)
    revision = repo.git("rev-parse", "HEAD", cwd=hooks)
    repo.write(
        ".pre-commit-config.yaml",
        f"repos:\n  - repo: {hooks}\n    rev: {revision}\n    hooks:\n"
        f"      - {{id: costcalc-check, args: {json.dumps(args)}}}\n",
    )
    repo.git("add", "-A")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def run(*options):
        command = [sys.executable, "-m", "pre_commit", "run", *options]
        return subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)

    return run


def test_the_hook_under_pre_commit(repo, tmp_path, monkeypatch):
    run = pre_commit(repo, tmp_path, monkeypatch)
    done = run("--all-files")
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.git("add", "-A")
    done = run("--all-files")
    assert done.returncode == 1
    assert "models/inception.yaml" in done.stdout
    assert "CC102" in done.stdout


def test_the_hook_on_a_commit_that_only_deletes(repo, tmp_path, monkeypatch):
    """Another spec extends the deleted one, and is broken without it."""
    repo.git("checkout", "-q", "main")
    repo.write("models/parent.yaml", NET)
    repo.write("models/small.yaml", "extends: parent.yaml\nparams: {width: 8}\n")
    repo.write("costcalc.toml", 'specs = ["models/small.yaml"]\n\n[[budget]]\nmacs = "130M"\n')
    run = pre_commit(repo, tmp_path, monkeypatch, args=["--base", "main"])
    repo.commit("hooks")
    repo.git("checkout", "-q", "-B", "work")
    repo.git("rm", "-q", "models/parent.yaml")
    done = run()
    assert done.returncode == 1
    assert "unknown spec parent.yaml" in done.stdout
    assert "Skipped" not in done.stdout


def test_the_hook_gets_a_base(repo, tmp_path, monkeypatch):
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n[[increase]]\nmacs = 0\n')
    run = pre_commit(repo, tmp_path, monkeypatch, args=["--base", "main"])
    repo.commit("hooks")
    repo.git("checkout", "-q", "-B", "work")
    assert run().returncode == 0
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
    repo.git("add", "-A")
    done = run()
    assert (done.returncode, "CC103" in done.stdout) == (1, True)


def test_the_pages_workflows():
    page = (ROOT / "docs/gate.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    (workflow,) = [block for block in blocks if isinstance(block, dict) and "jobs" in block]
    (job,) = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert workflow["permissions"] == {}
    checkout, check = job["steps"]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert check["uses"].startswith("OWNER/costcalc@")
    assert "`OWNER` is the account" in page
    assert "`COMMIT` is the full hash" in page
    assert set(check.get("with", {})) <= set(ACTION["inputs"])
    (pipeline,) = [block for block in blocks if isinstance(block, dict) and "cost" in block]
    assert pipeline["cost"]["variables"] == {"GIT_DEPTH": "0"}
    (hooks,) = [block for block in blocks if isinstance(block, dict) and "repos" in block]
    known = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for each in hooks["repos"] for hook in each["hooks"]} <= known


def zizmor():
    """The program that checks the security of workflows and actions."""
    try:
        files = distribution("zizmor").files or []
    except PackageNotFoundError:
        pytest.skip("needs zizmor: pip install 'costcalc[lint]'")
    return str(next(file.locate() for file in files if file.name in ("zizmor", "zizmor.exe")))


def test_zizmor_finds_nothing(tmp_path):
    """In the action, and in the workflow of the page. `OWNER` and `COMMIT` are placeholders."""
    page = (ROOT / "docs/gate.md").read_text()
    (text,) = [text for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "jobs:" in text]
    workflow = tmp_path / ".github/workflows/cost.yml"
    workflow.parent.mkdir(parents=True)
    options = ["--offline", "--quiet", "--no-config", "--color", "never", "--persona", "regular"]

    def audit(*paths):
        command = [zizmor(), *options, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    workflow.write_text(text.replace("COMMIT", "0" * 40))
    status, out = audit(ROOT / "action.yml", workflow)
    assert (status, out.startswith("No findings to report.")) == (0, True), out
    for old, new, rule in (
        (", persist-credentials: false", "", "artipacked"),
        ("on: pull_request\n", "on: pull_request_target\n", "dangerous-triggers"),
        ("de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6", "unpinned-uses"),
    ):
        workflow.write_text(text.replace("COMMIT", "0" * 40).replace(old, new))
        assert rule in audit(workflow)[1]


def test_uses_are_pinned():
    """To the commit of a release, which a comment names."""
    text = (ROOT / "action.yml").read_text() + (ROOT / "docs/gate.md").read_text()
    uses = re.findall(r"uses: (\S+@.*)", text)
    assert sorted(each.partition("@")[0] for each in uses) == [
        "OWNER/costcalc",
        "actions/checkout",
        "actions/setup-python",
    ]
    assert all(
        re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|OWNER/costcalc@COMMIT", each) for each in uses
    )


def pages_pipeline():
    """The pipeline for GitLab on the page, and its script for comments."""
    page = (ROOT / "docs/gate.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    (pipeline,) = [block["cost"] for block in blocks if isinstance(block, dict) and "cost" in block]
    (script,) = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return pipeline, script


def test_the_pages_pipeline_for_gitlab(repo, monkeypatch):
    """Run its script in the environment of a merge request whose target branch was not fetched."""
    pipeline, _ = pages_pipeline()
    install, check = pipeline["script"]
    assert install.startswith("pip install")
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "develop")
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", repo.git("rev-parse", "main"))
    assert repo.run(*check.split()[1:]).status == 0
    assert {path for kind in pipeline["artifacts"]["reports"].values() for path in [kind]} <= set(repo.names())


class GitLab:
    """The part of the REST API of GitLab for the notes of a merge request."""

    def __init__(self):
        self.notes = [
            {"id": 1, "body": f"{MARKER}\nnot our own", "author": {"id": 6}},
            {"id": 2, "body": "a remark of ours", "author": {"id": 5}},
        ]
        self.requests = []
        self.refuse = False
        gitlab = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer({"id": 5} if self.path == "/api/v4/user" else gitlab.notes)

            def do_POST(self):
                gitlab.notes.append({"id": 7, "body": self.body(), "author": {"id": 5}})
                self.answer(gitlab.notes[-1])

            def do_PUT(self):
                note = next(each for each in gitlab.notes if each["id"] == int(self.path.rpartition("/")[2]))
                note["body"] = self.body()
                self.answer(note)

            def body(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                return parse_qs(text)["body"][0]

            def answer(self, value):
                gitlab.requests.append((self.command, self.path.partition("?")[0], self.headers["PRIVATE-TOKEN"]))
                self.send_response(401 if gitlab.refuse else 200)
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def gitlab():
    server = GitLab()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="the page's script needs curl and sh")
def test_the_pages_comment_for_gitlab(repo, gitlab, tmp_path):
    """The own note is kept up to date. Without a change or a token, no note is begun."""
    pipeline, text = pages_pipeline()
    _, check = pipeline["script"]
    (command,) = pipeline["after_script"]
    repo.write(command.partition(" ")[2], text)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "CI_API_V4_URL": f"http://127.0.0.1:{gitlab.server.server_port}/api/v4",
        "CI_MERGE_REQUEST_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "9",
        "COSTCALC_TOKEN": "secret",
        "no_proxy": "*",
    }

    def run(**changed):
        repo.run(*check.split()[1:], "--base", "main")
        done = subprocess.run(
            command.split(), cwd=repo.path, env={**environment, **changed}, capture_output=True, text=True, check=False
        )
        assert (done.stdout, "secret" in done.stderr) == ("", False), done
        return [method for method, *_ in gitlab.requests if method != "GET"]

    assert run() == []
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    assert run(COSTCALC_TOKEN="") == []
    assert run() == ["POST"]
    assert gitlab.notes[-1]["body"].rstrip() == (repo.path / "costcalc.md").read_text().rstrip()
    repo.edit("models/inception.yaml", "r5: 24", "r5: 16")
    assert run() == ["POST", "PUT"]
    assert [note["body"].startswith(MARKER) for note in gitlab.notes] == [True, False, True]
    assert "134,270,976" not in gitlab.notes[-1]["body"]
    assert {path for _, path, _ in gitlab.requests} == {
        "/api/v4/user",
        "/api/v4/projects/3/merge_requests/9/notes",
        "/api/v4/projects/3/merge_requests/9/notes/7",
    }
    assert {token for *_, token in gitlab.requests} == {"secret"}
    gitlab.refuse = True
    run()
