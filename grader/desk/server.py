"""The desk in a browser: a Jupyter server on this machine only, with formgrader beside it.

Jupyter's own token lets a browser in, and its own check keeps other pages from writing.  Nothing of
a student's runs: the page's policy allows no script but the desk's and MathJax's.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web

from grader.desk.marks import Refused
from grader.desk.room import Desk, Save
from grader.errors import CourseError
from grader.pages.page import HERE as PAGES

_PAGE = Path(__file__).resolve().parent / "page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def serve(desk: Desk, say: Callable[[str], None], port: int = 0, browser: bool = True) -> None:
    """Show a desk until somebody presses Ctrl-C.

    say: is told the address.  port: 0 takes one that is free.
    """
    root = desk.folder.root.resolve()
    os.chdir(root)  # formgrader reads its settings there
    app = ServerApp.instance()
    app.initialize(
        [
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={root}",
            f"--ServerApp.open_browser={browser}",
            "--ServerApp.default_url=/desk",
            "--ServerApp.allow_remote_access=False",
            "--ServerApp.terminals_enabled=False",
            "--ServerApp.quit_button=False",
            "--ServerApp.answer_yes=True",  # to Ctrl-C
            "--ServerApp.allow_root=True",  # in a container; it runs nobody's code
            "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=True",
            "--Application.log_level=ERROR",
        ]
    )
    app.web_app.add_handlers(".*$", _handlers(app, desk))
    app.log.addFilter(lambda record: record.levelno < logging.CRITICAL)  # Jupyter's own welcome
    say(f"the desk: {app.local_url}")
    app.start()


def _handlers(app: ServerApp, desk: Desk) -> list[tuple[Any, ...]]:
    def at(path: str) -> str:
        return str(url_path_join(app.base_url, path))

    static = {"path": str(_PAGE)}
    shared = {"path": str(PAGES)}
    return [
        (at("desk/?"), _Page, {}),
        (at(r"desk/static/(desk\.js|desk\.css)"), _Static, static),
        (at(r"desk/static/(page\.css)"), _Static, shared),
        (at("desk/api/(overview|question|save|undo)"), _Api, {"desk": desk}),
    ]


class _Page(JupyterHandler):
    """The one page."""

    @web.authenticated
    def get(self) -> None:
        _ = self.xsrf_token  # sets the cookie that the page hands back
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cache-Control", "no-store")
        self.write((_PAGE / "desk.html").read_text(encoding="utf-8"))


class _Static(web.StaticFileHandler):
    """Stylesheets and the script: the course's own, no secret."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


class _Api(APIHandler):
    """What the page asks, as JSON."""

    def initialize(self, desk: Desk) -> None:
        self.desk = desk

    @web.authenticated
    async def get(self, what: str) -> None:
        if what == "overview":
            await self._answer(self.desk.overview)
        elif what == "question":
            place = self.get_query_argument("notebook"), self.get_query_argument("cell")
            await self._answer(lambda: self.desk.question(*place))
        else:
            raise web.HTTPError(405)

    @web.authenticated
    async def post(self, what: str) -> None:
        if what == "undo":
            await self._answer(self.desk.undo)
        elif what == "save":
            try:
                sent = msgspec.json.decode(self.request.body, type=Save)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise web.HTTPError(400, str(error)) from None
            await self._answer(lambda: self.desk.save(sent))
        else:
            raise web.HTTPError(405)

    async def _answer(self, work: Callable[[], dict[str, Any]]) -> None:
        """One thing after the other, in a thread, so that formgrader goes on beside it."""
        try:
            async with _ONE:
                found = await asyncio.to_thread(work)
        except CourseError as error:
            self.set_status(409 if isinstance(error, Refused) else 503)
            found = {"error": str(error)}
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(found))


_ONE = asyncio.Lock()
