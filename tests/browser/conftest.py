"""Chromium and Jupyter servers for the browser tests: headless, offline, and with nothing of the
user's own configuration.  Screenshots are kept in `screenshots/` for whoever wants to look.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

SCREENSHOTS = Path(__file__).resolve().parent / "screenshots"
PATIENCE = 180
"""Seconds that a page or a kernel may take before a test gives up; never what a test measures."""

TALLEST = 16000
"""Pixels; Chromium paints no taller surface."""


class Browser(webdriver.Chrome):
    """Chromium with waiting and tall screenshots."""

    def until(self, script: str, what: str, *args: object) -> Any:
        """Wait until a JavaScript expression is truthy, and return it; `what` is for the error."""
        waiting = WebDriverWait(self, PATIENCE, poll_frequency=0.25)
        return waiting.until(lambda _: self.execute_script(f"return {script}", *args), what)

    def resize(self, width: int, height: int) -> None:
        """Set the page's size, whatever the window's."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        same = "innerWidth === arguments[0] && innerHeight === arguments[1]"
        self.until(same, "the page to have its new size", width, height)

    def keep(self, name: str) -> Path:
        """Take a screenshot of what is in the window."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.unlink(missing_ok=True)
        assert self.save_screenshot(str(path)), path
        return path

    def keep_whole_page(self, name: str, width: int = 1280) -> Path:
        """Take a screenshot of a page from top to bottom."""
        self.resize(width, 900)
        height = int(self.execute_script("return document.documentElement.scrollHeight"))
        self.resize(width, min(max(height, 900), TALLEST))
        return self.keep(name)


@dataclass
class Server:
    """A running Jupyter server."""

    url: str
    token: str
    root: Path
    log: Path

    def address(self, path: str) -> str:
        """URL of a page, with the token that lets the browser in."""
        return f"{self.url}/{path.lstrip('/')}?token={self.token}"

    def ask(self, path: str, method: str = "GET") -> Any:
        """Answer of its REST API, from JSON."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def end_kernels(self) -> None:
        """Shut all kernels down."""
        for kernel in self.ask("kernels"):
            self.ask(f"kernels/{kernel['id']}", "DELETE")


StartServer = Callable[..., Server]

_RUNNING: list[tuple[Server, subprocess.Popen]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails tells what the Jupyter servers said last."""
    report = yield
    if report.failed:
        for server, process in _RUNNING:
            state = "runs" if process.poll() is None else f"ended with {process.returncode}"
            said = server.log.read_text(errors="replace")[-3000:]
            report.sections.append((f"{server.url} {state}; its log ends", said))
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        missing = "chromium" if chromium is None else "chromedriver"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing} is missing, and in CI the browser tests must run")
        pytest.skip(f"{missing} is missing: install Debian's chromium and chromium-driver")
    options = Options()
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        "--hide-scrollbars",
        "--no-proxy-server",
        # nothing but this machine: pages must work, and attacks must fail, without a network
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(flag)
    chrome = Browser(options=options, service=Service(driver))
    chrome.set_page_load_timeout(PATIENCE)
    chrome.set_script_timeout(PATIENCE)
    yield chrome
    chrome.quit()


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts JupyterLab in a folder; all servers and their kernels end with the session."""

    def start(root: Path) -> Server:
        home = tmp_path_factory.mktemp("home")
        port, token = _free_port(), secrets.token_hex(16)
        log = home / "server.log"
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}"]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=root,
                env=_environment(home, token),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(f"http://127.0.0.1:{port}", token, root, log)
        _RUNNING.append((server, process))
        _wait_for(server, process)
        return server

    yield start
    while _RUNNING:
        _stop(*_RUNNING.pop())


def _environment(home: Path, token: str) -> dict[str, str]:
    """An environment without the user's settings, but with the extensions that are installed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"JUPYTER|IPYTHON|PYTHON|NBGRADER|COURSE_|MPL|XDG_", name)
    }
    config = home / "config"
    _write(config / "jupyter_server_config.json", {"ServerApp": _server_settings()})
    _write(config / "jupyter_lab_config.json", {"LabApp": {"expose_app_in_browser": True}})
    # all cells in the page, not only those in view; no pop-up that asks about news
    user = config / "lab" / "user-settings" / "@jupyterlab"
    _write(user / "notebook-extension/tracker.jupyterlab-settings", {"windowingMode": "none"})
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    _write(user / "apputils-extension/notification.jupyterlab-settings", quiet)
    folders = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": config,
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_TOKEN": token,
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return kept | {name: str(folder) for name, folder in folders.items()} | {"PATH": path}


def _server_settings() -> dict[str, Any]:
    extensions = ("formgrader", "validate_assignment", "assignment_list", "course_list")
    return {
        "ip": "127.0.0.1",
        "port_retries": 0,
        "allow_root": True,
        "jpserver_extensions": {f"nbgrader.server_extensions.{e}": True for e in extensions},
    }


def _write(path: Path, settings: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(server: Server, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            server.ask("status")
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    pytest.fail(f"the Jupyter server did not start:\n{server.log.read_text()[-3000:]}")


def _stop(server: Server, process: subprocess.Popen) -> None:
    """Ask the server to end its kernels and itself; end what is left of its process group."""
    try:
        server.end_kernels()
        server.ask("shutdown", "POST")
        process.wait(30)
    except (OSError, subprocess.TimeoutExpired):
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
