"""Attempts from within a kernel, many in one: each in a process of its own, which says what it
got."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grader.sandbox import Bounds
from tests.grader.sandbox_helpers import Session, run


@dataclass(frozen=True)
class Attempt:
    """Lines of code that a hostile notebook might contain; what they return they got hold of."""

    name: str
    threat: str
    code: str
    otherwise: str = ""
    """The kind of isolation that does not promise it: "bubblewrap", or "" if all do."""


_RUNNER = """
import ctypes, json, os, resource, select, signal, socket, sys, time
libc, dumps = ctypes.CDLL(None, use_errno=True), json.dumps
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
def called(result):
    if result in (-1, 2**64 - 1, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def readable(*paths):
    found = []
    for path in paths:
        try:
            found.append(os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(99))
        except OSError:
            pass
    return [one for one in found if one]
def tried(code):
    inner, outer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inner)
        sys.stdout = sys.stderr = open(os.devnull, 'w')  # the kernel's own wait for its thread
        signal.alarm(20)
        scope = dict(globals())
        try:
            exec('def attempt():\\n' + code, scope)
            got = scope['attempt']()
            said = [str(got) if got else '', 'nothing']
        except BaseException as error:
            said = ['', f'{type(error).__name__}: {error}']
        os.write(outer, dumps([part[:1500] for part in said]).encode())
        os._exit(0)
    os.close(outer)
    said = b''
    while part := os.read(inner, 65536):
        said += part
    os.close(inner)
    os.waitpid(child, 0)
    return json.loads(said or '["", "ended"]')
"""


@dataclass
class Came:
    """What came of an attempt."""

    got: str
    """"" if it held."""
    said: str


def try_all(
    attempts: Iterable[Attempt], isolation: str, places: dict[str, str], **settings: Any
) -> tuple[dict[str, Came], Session]:
    """Name -> what came of it, all in one kernel, and the kernel.

    places: what {NAME} stands for in the attempts.  settings: as for `run`.
    """
    cells = [_RUNNER]
    for attempt in attempts:
        code = attempt.code
        for name, value in places.items():
            code = code.replace("{" + name + "}", value)
        lines = "\n".join(f"    {line}" for line in code.strip("\n").splitlines())
        cells.append(f"print('TRIED', json.dumps([{attempt.name!r}, *tried({lines!r})]))")
    settings.setdefault("bounds", Bounds(memory_mb=1024))
    session = run(_RUNNER, "\n".join(cells[1:]), isolation=isolation, seconds=120, **settings)
    found = {}
    for line in session.text.splitlines():
        if line.startswith("TRIED "):
            name, got, said = json.loads(line.removeprefix("TRIED "))
            found[name] = Came(got, said)
    return found, session
