"""What a worker must have in common with the grader, as one line of text.

Code that executes notebooks counts, and the libraries that students' code calls; judges don't,
since judging never leaves the grader.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_CODE = ("grader/cluster", "grader/sandbox", "utils")
_FILES = ("grader/execute.py", "grader/prepare.py")
_PACKAGES = ("numpy", "tensorflow", "keras", "nbclient", "ipykernel")
"""Another one of these may give another outcome."""


@cache
def course_version() -> str:
    """Code and libraries here: "course 3f2a9c…, Python 3.11, numpy 2.4.6, …"."""
    digest = hashlib.sha256()
    paths = [path for folder in _CODE for path in (ROOT / folder).rglob("*.py")]
    for path in sorted([*paths, *(ROOT / name for name in _FILES)]):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    python = ".".join(platform.python_version_tuple()[:2])
    parts = [f"course {digest.hexdigest()[:12]}", f"Python {python}"]
    return ", ".join([*parts, *(f"{name} {_version(name)}" for name in _PACKAGES)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
