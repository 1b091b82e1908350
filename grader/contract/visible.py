"""What students and their kernels see: the files that a notebook may import and read."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from grader import places

HARNESS_HALF = (
    *("utils/__init__.py", "utils/codec.py", "utils/handin.py"),
    *("utils/checks", "utils/packing"),
)
"""The harness's half of what notebooks import.  It ships with every course."""
AROUND = ("collect_submission.sh", "environment.yml", "requirements.txt")
"""What else a student needs, whatever the course."""
BUILT = ("notebooks", "data/checks")
"""Made from sources and judges; a kernel that is graded sees none of it."""


def released(notebook: str) -> Path:
    """The notebook that students get."""
    return places.public() / "notebooks" / f"{notebook}.ipynb"


def readable(folders: Iterable[str]) -> list[Path]:
    """What a kernel may read.  folders: what the course shows, by name."""
    shown = [places.public() / name for name in folders if name not in BUILT]
    half = [places.ROOT / name for name in HARNESS_HALF]
    return shown + [path for path in half if not any(path.is_relative_to(s) for s in shown)]


def is_foreign(name: str, patterns: Iterable[str]) -> bool:
    """Is it something that somebody put there, and no part of the course?

    CIFAR-10 is checked when it is read, and a net's files count where a notebook is graded on it,
    see `grader.freshness.net_version`.
    """
    return any(fnmatch(part, pattern) for part in name.split("/") for pattern in patterns)


def hidden() -> list[Path]:
    """What a kernel must not see, even if it lies where the system's libraries are."""
    beside = [places.ROOT / name for name in ("data/checks", "grader", "tests")]
    own = [path for path in places.folder().iterdir() if path != places.public()]
    found = [*beside, *(places.public() / name for name in BUILT), *own]
    # what lies in a folder that is covered isn't there to be covered
    return [path for path in found if not any(above in found for above in path.parents)]


def on_path() -> list[Path]:
    """Folders from which notebooks import: the course's, then the harness's."""
    return list(dict.fromkeys([places.public(), places.ROOT]))
