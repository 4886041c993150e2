"""The GitHub action: runs a check, and creates or updates one comment on the pull request.

All inputs are environment variables, and are passed on as arguments or as JSON, never through a shell. A failure of the
comment does not affect the exit status and the verdict, which are those of the check.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

MARKER = "<!-- costcalc-check -->"
AUTHOR = "github-actions[bot]"
"""The author of comments that use the default token of a workflow."""
PAGES = 30
LONGEST = 32 * 2**20
"""The maximum size of an answer in bytes: it has at most 100 comments of at most 65,536 characters."""
TIMEOUT = 30
PATIENCE = 120
"""The timeouts in seconds for one read from GitHub (`TIMEOUT`), and for the comment as a whole (`PATIENCE`)."""
UNUSABLE = 2
VERDICTS = {0: "pass", 1: "fail"}


class OddAnswerError(ValueError):
    """Raised for an answer of GitHub that does not match its API."""


def main() -> int:
    """Run the check, comment, and return the status of the check."""
    reports = Path(os.environ["RUNNER_TEMP"]).resolve()  # may be below a symlink, which costcalc does not follow
    markdown, document = reports / "costcalc.md", reports / "costcalc.json"
    for path in (markdown, document):
        path.unlink(missing_ok=True)
    status = check(markdown, document)
    output = os.environ.get("GITHUB_OUTPUT")
    if output:
        with Path(output).open("a", encoding="utf-8") as stream:
            stream.write(f"verdict={VERDICTS.get(status, 'error')}\n")
    try:
        number = pull_request()
        if number and os.environ.get("INPUT_COMMENT") == "true" and markdown.exists() and document.exists():
            wanted = bool(json.loads(document.read_text(encoding="utf-8"))["comment"])
            GitHub().comment(number, markdown.read_text(encoding="utf-8"), wanted)
    except HTTPError as error:
        denied = "the token may not comment, as on a pull request from a fork" if error.code in (401, 403) else ""
        tell(denied or f"cannot write the comment: GitHub answered {error.code}")
    except Exception as error:  # no failure of the comment may change the status
        tell(f"cannot write the comment: {type(error).__name__}")
    return status


def check(markdown: Path, document: Path) -> int:
    """Run `costcalc check` with the inputs. Python runs isolated, so that it imports no modules of the folder."""
    command = [sys.executable, "-I", "-m", "costcalc", "check", "-o", f"markdown={markdown}", "-o", f"json={document}"]
    for option in ("base", "config"):
        value = os.environ.get(f"INPUT_{option.upper()}", "")
        command += [f"--{option}={value}"] if value else []
    if os.environ.get("INPUT_SARIF"):
        command += ["-o", f"sarif={os.environ['INPUT_SARIF']}"]
    if os.environ.get("INPUT_STRICT") == "true":
        command.append("--strict")
    specs = [line.strip() for line in os.environ.get("INPUT_SPECS", "").split("\n") if line.strip()]
    environment = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    folder = os.environ.get("INPUT_FOLDER") or "."
    try:
        status = subprocess.run([*command, "--", *specs], cwd=folder, env=environment, check=False).returncode
    except OSError as error:
        sys.stderr.write(f"costcalc cannot run in the working-directory: {error.strerror}\n")
        return UNUSABLE
    return status if status >= 0 else 128 - status


def pull_request() -> int:
    """Return the number of the pull request of this run, or 0 if there is none."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (KeyError, TypeError, ValueError, OSError):
        return 0


class SameOrigin(HTTPRedirectHandler):
    """Follows redirects to the same scheme, host and port only, so that no other server gets the token."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        """Return the request of the redirect, or None to raise an `HTTPError`."""
        if urlsplit(req.full_url)[:2] != urlsplit(newurl)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class GitHub:
    """A client of GitHub's API, for one comment in this repository."""

    def __init__(self) -> None:
        self.api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
        self.graphql = os.environ.get("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql")
        self.repository = f"{self.api}/repos/{os.environ['GITHUB_REPOSITORY']}"
        self.deadline = monotonic() + PATIENCE
        self.opener = build_opener(SameOrigin)

    def comment(self, number: int, text: str, wanted: bool) -> None:
        """Update the comment, or create one if it is wanted and does not exist."""
        existing = self.existing(number)
        if existing is None:
            if wanted:
                self.ask("POST", f"{self.repository}/issues/{number}/comments", {"body": text})
            return
        id, body = existing
        if body.replace("\r\n", "\n").strip() != text.strip():
            self.ask("PATCH", f"{self.repository}/issues/comments/{id}", {"body": text})

    def existing(self, number: int) -> tuple[int, str] | None:
        """Return the id and text of an earlier comment, which begins with the marker and has the same author."""
        author = ""
        for page in range(1, PAGES + 1):
            comments = self.ask("GET", f"{self.repository}/issues/{number}/comments?per_page=100&page={page}")
            if not isinstance(comments, list):
                raise OddAnswerError
            for each in comments:
                id, body, login = _parts(each)
                if body.startswith(MARKER):
                    author = author or self.author()
                    if login in (author, f"{author}[bot]"):
                        return id, body
            if len(comments) < 100:
                break
        return None

    def author(self) -> str:
        """Return the login of the owner of the token."""
        try:
            answer = self.ask("POST", self.graphql, {"query": "query { viewer { login } }"})
            login = answer["data"]["viewer"]["login"]
        except (HTTPError, KeyError, TypeError):
            return AUTHOR
        return login if isinstance(login, str) and login else AUTHOR

    def ask(self, method: str, url: str, body: dict[str, str] | None = None) -> Any:
        """Send a request and return the answer. Raises `OSError`, `HTTPException` or `ValueError`."""
        request = Request(  # noqa: S310 (the runner gives the address)
            url,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {os.environ.get('INPUT_TOKEN', '')}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        content = b""
        with self.opener.open(request, timeout=TIMEOUT) as answer:
            while part := answer.read1(2**16):
                content += part
                if len(content) > LONGEST:
                    raise OddAnswerError
                if monotonic() > self.deadline:
                    raise TimeoutError
            if answer.length:  # read1 does not report a truncated answer
                raise OddAnswerError
        return json.loads(content)


def _parts(comment: Any) -> tuple[int, str, str]:
    """Return the id, text and author of a comment. GitHub sends null for a deleted author and an empty text."""
    if not isinstance(comment, dict):
        raise OddAnswerError
    id, body, user = comment.get("id"), comment.get("body") or "", comment.get("user") or {}
    if not isinstance(user, dict):
        raise OddAnswerError
    login = user.get("login")
    if type(id) is not int or not isinstance(body, str) or not isinstance(login, str | None):
        raise OddAnswerError
    return id, body, login or ""


def tell(text: str) -> None:
    """Write a notice to the log of the run."""
    sys.stdout.write(f"::notice title=costcalc::{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
