"""Is this machine ready for the course?  `python utils/doctor.py` says what is missing.

It runs as a file of its own, and with Python's own library alone, since numpy may be missing.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ((3, 11), (3, 14))
"""First version that works, and first that does not."""

_FOR_TEACHERS = [
    f"@jupyter/nbgrader:{name}"
    for name in ("assignment-list", "course-list", "create-assignment", "formgrader", "menu")
]
"""Plug-ins that nbgrader brings to JupyterLab, and that students have no use for."""
_LISTED = "data/notebooks.json"
"""What the course holds, written when it is built."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    text: str
    """What was found and, if it is not good, what to do."""
    needed: bool = True
    """Does the work fail without it?"""


def main() -> int:
    """Print what was found; returns 0 if the course will work here."""
    findings = [python("use one of these"), packages("run: pip install -r requirements.txt")]
    findings += [_imports(), _gpu(), disk(ROOT, 1), _files(), _writable(), _lab()]
    return tell(findings, "This machine is ready: open notebooks/ in JupyterLab.")


def tell(findings: Iterable[Finding], all_well: str) -> int:
    """Print findings, one line each.  Returns 1 if something needed is missing."""
    missing = False
    for finding in findings:
        mark = "ok     " if finding.good else "MISSING" if finding.needed else "note   "
        missing |= finding.needed and not finding.good
        print(f"{mark}  {finding.what}: {finding.text}")
    print("Something is missing; see above." if missing else all_well)
    return int(missing)


def python(advice: str) -> Finding:
    """This interpreter's version."""
    good = PYTHON[0] <= sys.version_info < PYTHON[1]
    told = "" if good else f"; the course needs 3.11, 3.12 or 3.13: {advice}"
    return Finding("Python", good, f"{platform.python_version()} on {platform.system()}{told}")


def packages(advice: str) -> Finding:
    """The packages of requirements.txt, missing or of another version."""
    missing, other = [], []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line.strip())
        if match is None:  # pinned for other platforms or versions of Python
            continue
        try:
            found = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            missing.append(match[1])
            continue
        if found != match[2]:
            other.append(f"{match[1]} is {found}, should be {match[2]}")
    if missing:
        some = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
        return Finding("Packages", False, f"{len(missing)} not installed ({some}); {advice}")
    if other:
        return Finding("Packages", False, f"{'; '.join(other[:5])}; {advice}", needed=False)
    return Finding("Packages", True, "all as pinned")


def disk(place: Path, gib: float) -> Finding:
    """Free room where `place` lies."""
    free = shutil.disk_usage(place if place.exists() else ROOT).free / 2**30
    good = free >= gib
    return Finding(
        "Disk", good, f"{free:.0f} GiB free" + ("" if good else f"; make room for {gib}")
    )


def _imports() -> Finding:
    """Whether the libraries load here at all: an old processor or a missing runtime shows now."""
    try:
        import_module("utils.nets.quiet").import_keras()
        for name in ("jupyterlab", "ipywidgets", "matplotlib", "sklearn", "skimage"):
            import_module(name)
    except Exception as error:  # whatever a broken installation raises
        told = f"{type(error).__name__}: {str(error).strip().splitlines()[-1:] or ['']}"
        advice = "install the packages again into a new environment"
        if platform.system() == "Windows":
            advice += ", after Microsoft's Visual C++ Redistributable"
        return Finding("Libraries", False, f"{told[:300]}; {advice}")
    return Finding("Libraries", True, "TensorFlow, JupyterLab and the others can be imported")


def _gpu() -> Finding:
    """Graphics cards that TensorFlow sees; nothing in the course needs one."""
    try:
        tensorflow = import_module("tensorflow")
        cards = [device.name for device in tensorflow.config.list_physical_devices("GPU")]
    except Exception:  # what doesn't load is told by `_imports`
        cards = []
    if cards:
        return Finding("GPU", True, f"TensorFlow computes on {', '.join(cards)}")
    if platform.system() == "Linux" and shutil.which("nvidia-smi"):
        advice = "TensorFlow does not see the card; README.md says what to install"
        return Finding("GPU", False, f"{advice}; the course works without it", needed=False)
    return Finding("GPU", True, "none that TensorFlow sees, and none is needed")


def _files() -> Finding:
    try:
        listed = json.loads((ROOT / _LISTED).read_text(encoding="utf-8"))
        wanted = [*listed["data"], "data/checks/points.json"]
    except (OSError, ValueError, LookupError, TypeError):
        wanted = [_LISTED]
    missing = [name for name in wanted if not (ROOT / name).is_file()]
    missing += [] if list((ROOT / "notebooks").glob("*.ipynb")) else ["notebooks/*.ipynb"]
    if missing:
        return Finding("Files", False, f"{', '.join(missing)}; unpack the course again")
    return Finding("Files", True, "notebooks, data and weights are here")


def _writable() -> Finding:
    places = [ROOT / "notebooks", ROOT / "data"]
    closed = [place.name for place in places if not os.access(place, os.W_OK)]
    if closed:
        advice = "copy the course to a folder of your own"
        return Finding("Folder", False, f"{', '.join(closed)} can't be written to; {advice}")
    return Finding("Folder", True, "can be written to")


def _lab() -> Finding:
    """Take nbgrader's tools for teachers out of a student's JupyterLab; Validate stays."""
    what = "JupyterLab"
    if (ROOT / "grader").is_dir():
        return Finding(what, True, "an instructor's: nbgrader's tools for teachers stay")
    page = Path(sys.prefix, "etc", "jupyter", "labconfig", "page_config.json")
    try:
        config = json.loads(page.read_text(encoding="utf-8")) if page.is_file() else {}
        off = config.setdefault("disabledExtensions", {})
        if not all(off.get(name) for name in _FOR_TEACHERS):
            off.update(dict.fromkeys(_FOR_TEACHERS, True))
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        told = f"nbgrader's tools for teachers could not be put away ({error}); leave them alone"
        return Finding(what, False, told, needed=False)
    return Finding(what, True, "shows what students need of nbgrader")


if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # it was utils/, whose modules have names of their own
    sys.exit(main())
