"""What students and their kernels see: the files that a notebook may import and read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from grader import places

HARNESS_HALF = ("utils/__init__.py", "utils/codec.py", "utils/handin.py", "utils/checks")
"""The harness's half of what notebooks import.  It ships with every course."""
AROUND = ("collect_submission.sh", "environment.yml", "requirements.txt")
"""What else a student needs, whatever the course."""
BUILT = ("notebooks", "data/checks")
"""Made from sources and judges; a kernel that is graded sees none of it."""


def readable(folders: Iterable[str]) -> list[Path]:
    """What a kernel may read.  folders: what the course shows, by name."""
    shown = [places.public() / name for name in folders if name not in BUILT]
    half = [places.ROOT / name for name in HARNESS_HALF]
    return shown + [path for path in half if not any(path.is_relative_to(s) for s in shown)]


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
