"""What this machine offers for grading, and what is missing, in plain words."""

from __future__ import annotations

import os
from pathlib import Path

from grader import config
from grader.contract import visible
from grader.sandbox import probe
from utils import doctor
from utils.doctor import Finding


def examine(folder: Path) -> list[Finding]:
    """Look at everything that grading needs."""
    return [
        doctor.python("COURSE_PYTHON=… ./course"),
        doctor.packages("remove .venv and run ./course again"),
        _memory(),
        doctor.disk(folder, 2),
        _isolation(),
        _notebooks(),
        _readers(folder),
    ]


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return Finding("Memory", True, "unknown", needed=False)
    cores = os.cpu_count() or 1
    good = total >= 2 + cores
    advice = "" if good else f"; use fewer at a time: ./course grade --workers {max(1, cores // 2)}"
    return Finding("Memory", good, f"{total:.0f} GiB for {cores} cores{advice}", needed=False)


def _readers(folder: Path) -> Finding:
    """Who can read answers, marks and the secret that cases are drawn from."""
    if os.name != "posix" or not (folder / "seed").exists():
        return Finding("Class folder", True, "none here yet", needed=False)
    if folder.stat().st_mode & 0o007:
        advice = f"others on this machine can read answers and marks: chmod o= {folder}"
        return Finding("Class folder", False, advice, needed=False)
    return Finding("Class folder", True, "closed to others on this machine", needed=False)


def _isolation() -> Finding:
    report = probe()
    return Finding("Isolation", report.usable, str(report))


def _notebooks() -> Finding:
    course = config.load()
    missing = [n for n in course.notebooks if not visible.released(n).is_file()]
    if missing:
        return Finding("Notebooks", False, f"not built: {', '.join(missing)}; run ./course build")
    return Finding("Notebooks", True, ", ".join(course.notebooks))
