"""What the GitHub action does: one check, and one comment on the pull request that is kept up to date.

Everything from outside comes in by the environment, and goes on as an argument or as JSON: no text passes a shell. The
comment never decides: where it cannot be written, as with the read-only token of a fork, the check's status stands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

MARKER = "<!-- costcalc-check -->"
PAGES = 30
VERDICTS = {0: "pass", 1: "fail"}


def main() -> int:
    """Check, comment, and return the check's status."""
    reports = Path(os.environ["RUNNER_TEMP"])
    markdown, document = reports / "costcalc.md", reports / "costcalc.json"
    for path in (markdown, document):
        path.unlink(missing_ok=True)
    status = check(markdown, document)
    output = os.environ.get("GITHUB_OUTPUT")
    if output:
        with Path(output).open("a", encoding="utf-8") as stream:
            stream.write(f"verdict={VERDICTS.get(status, 'error')}\n")
    number = pull_request()
    if number and os.environ.get("INPUT_COMMENT") == "true" and markdown.exists() and document.exists():
        try:
            changed = news(json.loads(document.read_text(encoding="utf-8")))
            comment(number, markdown.read_text(encoding="utf-8"), changed)
        except HTTPError as error:
            known = "the token may not comment, as on a pull request from a fork" if error.code in (401, 403) else ""
            tell(known or f"GitHub answered {error.code} to the comment")
        except (URLError, OSError, ValueError) as error:
            tell(f"the comment could not be written: {type(error).__name__}")
    return status


def check(markdown: Path, document: Path) -> int:
    """Run `costcalc check` as the inputs say; isolated, so that no module of the folder that it runs in is taken."""
    command = [sys.executable, "-I", "-m", "costcalc", "check", "-o", f"markdown={markdown}", "-o", f"json={document}"]
    for option in ("base", "config"):
        value = os.environ.get(f"INPUT_{option.upper()}", "")
        command += [f"--{option}={value}"] if value else []
    if os.environ.get("INPUT_SARIF"):
        command += ["-o", f"sarif={os.environ['INPUT_SARIF']}"]
    if os.environ.get("INPUT_STRICT") == "true":
        command.append("--strict")
    specs = [line.strip() for line in os.environ.get("INPUT_SPECS", "").split("\n") if line.strip()]
    environment = {name: value for name, value in os.environ.items() if name != "INPUT_TOKEN"}
    folder = os.environ.get("INPUT_FOLDER") or "."
    return subprocess.run([*command, "--", *specs], cwd=folder, env=environment, check=False).returncode


def news(document: dict[str, Any]) -> bool:
    """Whether there is anything to say: a spec that is not as it was, or a finding."""
    return bool(document["findings"]) or any(spec["status"] != "unchanged" for spec in document["specs"])


def pull_request() -> int:
    """The number of the pull request that this run is about; 0 where it is about none."""
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (KeyError, TypeError, ValueError, OSError):
        return 0


def comment(number: int, text: str, changed: bool) -> None:
    """Write the comment, or bring the one that is there up to date; none is begun where nothing changed."""
    there = existing(number)
    if there is None:
        if changed:
            ask("POST", f"issues/{number}/comments", {"body": text})
    elif there["body"].replace("\r\n", "\n").strip() != text.strip():
        ask("PATCH", f"issues/comments/{int(there['id'])}", {"body": text})


def existing(number: int) -> dict[str, Any] | None:
    """The comment of an earlier run: it begins with the marker, and a bot wrote it, not anybody who copied it."""
    for page in range(1, PAGES + 1):
        comments = ask("GET", f"issues/{number}/comments?per_page=100&page={page}")
        for each in comments:
            if (each.get("body") or "").startswith(MARKER) and (each.get("user") or {}).get("type") == "Bot":
                return dict(each)
        if len(comments) < 100:
            break
    return None


def ask(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """One request to GitHub's REST API about this repository."""
    api, repository = os.environ.get("GITHUB_API_URL", "https://api.github.com"), os.environ["GITHUB_REPOSITORY"]
    request = Request(  # noqa: S310 (the runner gives the address)
        f"{api}/repos/{repository}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Authorization": f"Bearer {os.environ.get('INPUT_TOKEN', '')}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def tell(text: str) -> None:
    """A notice in the log of the run."""
    sys.stdout.write(f"::notice title=costcalc::{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
