"""Commands of ./course as somebody types them, without waiting for Python to import everything.

Each runs `python -m grader` in a process of its own, with its own output, environment and exit
status.  The process is forked from one that has imported the commands' rooms before; so what
depends on the very start or end of Python needs `subprocess`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import sys
import tempfile
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess

from grader import places
from tests import tables


def course(*words: str, first: str = "", **variables: str) -> CompletedProcess[str]:
    """Type `./course WORDS`.  first: a statement that its process runs before."""
    with tempfile.TemporaryDirectory(prefix="course-typed-") as place:
        paths = [Path(place, name) for name in ("out", "err")]
        started = _parent().Process(
            target=_run, args=(words, first, os.environ | variables, Path.cwd(), paths)
        )
        started.start()
        started.join()
        out, err = (path.read_text(encoding="utf-8") for path in paths)
    assert started.exitcode is not None
    return CompletedProcess(["./course", *words], started.exitcode, out, err)


@cache
def _parent() -> ForkServerContext:
    """What has the rooms imported, and whose children are the commands."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.grader.typed_rooms"])
    return context


def _run(
    words: tuple[str, ...], first: str, environment: dict[str, str], here: Path, paths: list[Path]
) -> None:
    """What the process does: from Python's start to its end, as near as can be."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(here)
    for number, path in enumerate(paths, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    for number, name in enumerate(("stdout", "stderr"), start=1):
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    places.use(None)
    tables.are_known()
    sys.argv = ["./course", *words]
    exec(first, {})
    try:
        runpy.run_module("grader", run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
