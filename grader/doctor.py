"""What this machine offers for grading, and what is missing, in plain words."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from grader import config
from grader.sandbox import probe


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    text: str
    """What was found and, if it is not good, what to do."""
    needed: bool = True
    """Does grading fail without it?"""


def examine(folder: Path) -> list[Finding]:
    """Look at everything that grading needs."""
    return [_python(), _packages(), _memory(), _disk(folder), _isolation(), _notebooks()]


def _python() -> Finding:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info < (3, 14)
    advice = "" if good else "; the course needs 3.11, 3.12 or 3.13 (COURSE_PYTHON=… ./course)"
    return Finding("Python", good, f"{version} on {platform.system()}{advice}")


def _packages() -> Finding:
    wrong = []
    for line in (config.ROOT / "requirements.txt").read_text().splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line.strip())
        if match is None:  # pinned for other platforms or versions of Python
            continue
        try:
            found = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != match[2]:
            wrong.append(f"{match[1]} is {found}, should be {match[2]}")
    if not wrong:
        return Finding("Packages", True, "all as pinned")
    advice = "remove .venv and run ./course again"
    return Finding("Packages", False, f"{'; '.join(wrong[:5])}; {advice}", needed=False)


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return Finding("Memory", True, "unknown", needed=False)
    cores = os.cpu_count() or 1
    good = total >= 2 + cores
    advice = "" if good else f"; use fewer at a time: ./course grade --workers {max(1, cores // 2)}"
    return Finding("Memory", good, f"{total:.0f} GiB for {cores} cores{advice}", needed=False)


def _disk(folder: Path) -> Finding:
    place = folder if folder.exists() else config.ROOT
    free = shutil.disk_usage(place).free / 2**30
    good = free >= 2
    return Finding("Disk", good, f"{free:.0f} GiB free" + ("" if good else "; make room for 2"))


def _isolation() -> Finding:
    report = probe()
    return Finding("Isolation", report.usable, str(report))


def _notebooks() -> Finding:
    course = config.load()
    missing = [n for n in course.notebooks if not (config.ROOT / f"notebooks/{n}.ipynb").is_file()]
    if missing:
        return Finding("Notebooks", False, f"not built: {', '.join(missing)}; run ./course build")
    return Finding("Notebooks", True, ", ".join(course.notebooks))
