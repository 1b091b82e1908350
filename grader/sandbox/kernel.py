"""Run an IPython kernel in this process.

The warm parent's children call `settle`, `listen` and `serve`.  Where a kernel can't be forked,
this file itself is what the new interpreter runs, so it imports nothing of ours at the top.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import random
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

CONNECTION = "/tmp/.connection.json"


def settle(environment: Mapping[str, str], cwd: str) -> None:
    """Environment, folder, import path and random numbers of this notebook alone."""
    os.environ.clear()
    os.environ.update(environment)
    for place in (cwd, environment.get("HOME", "/"), "/"):
        with contextlib.suppress(OSError):
            os.chdir(place)
            break
    path = [p for p in environment.get("PYTHONPATH", "").split(os.pathsep) if p]
    # the notebook's own folder comes last: no module in it takes the place of another
    sys.path[:] = [*path, *(p for p in sys.path if p and p not in path), ""]
    sys.argv = ["ipykernel"]
    _reseed()


def listen(connection: dict[str, Any], file: str = CONNECTION) -> None:
    """Create the kernel and bind its sockets; `serve` does the rest."""
    from ipykernel.kernelapp import IPKernelApp  # the grader needs none, only kernels do

    Path(file).write_text(json.dumps(connection))
    app = IPKernelApp.instance()
    app.initialize(["-f", file, "--HistoryManager.enabled=False", "--log-level=CRITICAL"])


def serve() -> None:
    """Answer requests until told to stop."""
    from ipykernel.kernelapp import IPKernelApp  # the grader needs none, only kernels do

    IPKernelApp.instance().start()


def forget_the_grader() -> None:
    """Take our own modules away, so that a notebook finds those that its path leads to."""
    for name in [n for n in sys.modules if n == "grader" or n.startswith("grader.")]:
        del sys.modules[name]
    if sys.modules.get("rfc3987_syntax", ...) is None:  # see grader/__init__.py
        del sys.modules["rfc3987_syntax"]


def _reseed() -> None:
    """Forks of one parent would draw the same numbers otherwise."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


PRELOADED = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",  # the slowest part of a kernel's start, used or not
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "tornado.platform.asyncio",
)
"""What every kernel needs; imported once by the warm parent."""
USUAL = (
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "matplotlib_inline.config",
    "numpy.random",
)
"""What nearly every notebook imports; left out where a profile refuses it."""


class Blocker:
    """Import hook that refuses packages where no file system can hide them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Refuse a name, or leave it to the other finders."""
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(
                f"{name} is not available while this notebook is graded", name=name
            )


def preload(modules: Iterable[str], refused: Collection[str]) -> Blocker:
    """Import what a profile's notebooks use, once for all its kernels.  No operation is run.

    Nothing that is refused gets into the process on the way; the hook that sees to it is returned
    and stays.  Raises ImportError for what isn't installed, or is refused and yet needed.
    """
    blocker = Blocker(refused)
    sys.meta_path.insert(0, blocker)
    for name in PRELOADED:
        importlib.import_module(name)
    for name in USUAL:
        try:
            importlib.import_module(name)
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in blocker.names:
                raise
    for name in modules:
        importlib.import_module(name)
    if needed := sorted(blocker.names & set(sys.modules)):
        raise ImportError(f"{', '.join(needed)} can't be refused: the kernel itself needs it")
    return blocker


_MODULES = ("bounds", "linux", "seccomp")
"""What a cold kernel needs beside this file."""


def _cold(file: str) -> None:
    """What a fresh interpreter does: no fork, the same kernel."""
    plan = json.loads(Path(file).read_text())
    bounds, linux, seccomp = map(_beside, _MODULES)
    settle(plan["environment"], plan["cwd"])
    preload(plan["preload"], plan["refused"])
    bounds.apply_limits(bounds.Bounds(**plan["bounds"]), plan["others"])
    listen(plan["connection"], plan["connection_file"])
    if plan["isolated"] and (more := seccomp.without_connections()):
        linux.install_filter(more)
    for name in _MODULES:
        del sys.modules[name]
    serve()


def _beside(name: str) -> Any:
    """A module of the same folder, which is in no package here."""
    place = Path(__file__).with_name(f"{name}.py")
    specification = importlib.util.spec_from_file_location(name, place)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    _cold(sys.argv[1])
