"""Names that no module of a student's own may have, since another one would be imported.

Every machine that builds the course adds what it knows, and none takes anything away: Pythons and
systems differ in what belongs to them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from grader import config, places
from grader.contract import visible

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def packages(course: config.Course) -> list[str]:
    """The course's own packages and modules, and folders that Python would take for some."""
    shown = [*course.release.folders, *visible.HARNESS_HALF, "grader", "tests"]
    return sorted({name.split("/")[0] for name in shown} | {"handin"})


def modules(listed: Path) -> list[str]:
    """Modules of Python and of the packages that students and graders install.

    listed: where those stand that were known before.
    """
    known = set(sys.stdlib_module_names)
    pinned = _pinned()
    for name, owners in _installed().items():
        if pinned.intersection(map(_normalised, owners)) and name.isidentifier():
            known.add(name)
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        known.update(json.loads(listed.read_text(encoding="utf-8"))["modules"].split())
    return sorted(known)


@cache
def _installed() -> Mapping[str, list[str]]:
    """Packages that can be imported here -> what was installed for them."""
    return metadata.packages_distributions()


def _pinned() -> set[str]:
    """Names of all packages in the lists of requirements."""
    paths = sorted(places.ROOT.glob("requirements*.txt"))
    return {_normalised(n) for path in paths for n in _PINNED.findall(path.read_text())}


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
