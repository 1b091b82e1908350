"""A marker at work in formgrader: every essay of a class gets a mark and a comment by hand.

A process of its own, with a Jupyter server of its own on the class folder.  It opens and asks what
formgrader's pages do: `python -m tests.grader.marker CLASS NOTEBOOK NAME PART PARTS TEAMS`.
It says "ready" when its server is, and ends with the requests that it took, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SECONDS = 120
ESSAY = "why"


class Formgrader:
    """A running server, and what a marker's browser asks it."""

    def __init__(self, port: int, token: str) -> None:
        self.address, self.token = f"http://127.0.0.1:{port}", token
        self.asked: Counter[str] = Counter()
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def page(self, path: str) -> str:
        """A page or an answer, as text.  Raises HTTPError for any but a good one."""
        return self._ask("GET", path)

    def get(self, path: str) -> Any:
        return json.loads(self._ask("GET", f"formgrader/api/{path}"))

    def put(self, path: str, **values: object) -> Any:
        return json.loads(self._ask("PUT", f"formgrader/api/{path}", json.dumps(values).encode()))

    def _ask(self, method: str, path: str, data: bytes | None = None) -> str:
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/{path}", data, headers, method=method)
        with self._open(request, timeout=30) as reply:
            self.asked[method] += 1
            return reply.read().decode()


@contextlib.contextmanager
def formgrader(folder: Path) -> Iterator[Formgrader]:
    """Start a Jupyter server with formgrader on a class folder, without the user's settings."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="course-marker-") as home:
        site = Formgrader(port, secrets.token_hex(16))
        extensions = '{"nbgrader.server_extensions.formgrader": True}'
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
        command += [f"--ServerApp.jpserver_extensions={extensions}"]
        own = {"HOME": home, "JUPYTER_CONFIG_DIR": home, "JUPYTER_TOKEN": site.token}
        own |= {"JUPYTER_RUNTIME_DIR": f"{home}/runtime", "JUPYTER_DATA_DIR": f"{home}/data"}
        with (Path(home) / "log").open("w+") as log:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log
            )
            try:
                _wait(site, process)
                yield site
            except BaseException:
                log.seek(0)
                sys.stderr.write(log.read()[-3000:])
                raise
            finally:
                process.terminate()
                process.wait()


def _wait(site: Formgrader, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            site.page("formgrader/api/status")
            return
        time.sleep(0.1)
    sys.exit("the server did not start")


def mark(site: Formgrader, notebook: str, name: str, part: int, parts: int, teams: int) -> None:
    """Mark one part of the essays, each as soon as it waits for a mark, until all have theirs."""
    mine = {f"team_{number}" for number in range(1, teams + 1) if number % parts == part}
    deadline = time.monotonic() + SECONDS
    while mine and time.monotonic() < deadline:
        for submission in site.get(f"submitted_notebooks/{notebook}/{notebook}"):
            if submission["student"] not in mine or not submission["needs_manual_grade"]:
                continue
            site.page(f"formgrader/submissions/{submission['id']}/")
            (grade,) = _named(site.get(f"grades?submission_id={submission['id']}"))
            (comment,) = _named(site.get(f"comments?submission_id={submission['id']}"))
            if not grade["needs_manual_grade"]:
                continue
            put = site.put(f"grade/{grade['id']}", manual_score=1.5, extra_credit=0.25)
            assert (put["manual_score"], put["extra_credit"]) == (1.5, 0.25)
            site.put(f"comment/{comment['id']}", manual_comment=f"by {name}")
            mine.discard(submission["student"])
        time.sleep(0.05)
    if mine:
        sys.exit(f"not marked: {sorted(mine)}")


def _named(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["name"] == ESSAY]


if __name__ == "__main__":
    with formgrader(Path(sys.argv[1])) as running:
        print("ready", flush=True)
        mark(running, *sys.argv[2:4], *map(int, sys.argv[4:7]))
    print(json.dumps(running.asked))
