"""The zip that Gradescope takes as an autograder.

It holds setup.sh and run_autograder, this harness and the course, and in private/ the secret that
cases are drawn from.  Whoever has it has all of that, so it is its owner's alone.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import nbformat

from grader import config
from grader.authoring import build
from grader.bundles import carried
from grader.cells import grade_id, is_bonus, is_essay
from grader.classroom import releases
from grader.files import write_atomically, zip_entry

SETTINGS, SECRET, OF_A_CLASS = "settings.json", "private/seed", "private/class"
"""In the zip, and so below /autograder/source."""
_SCRIPTS = Path(__file__).resolve().parent / "templates" / "gradescope"


@dataclass(frozen=True)
class Worth:
    """Points that have to be typed into Gradescope."""

    checks: float
    """Without bonus."""
    essays: dict[str, float]


def worth(course: config.Course, notebook: str) -> Worth:
    """What the checks of a notebook are worth together, and each essay."""
    cells = nbformat.reads(build.as_released(notebook), as_version=4).cells
    each = releases.worth(cells)
    optional = {grade_id(cell) for cell in cells if course.bonus and is_bonus(cell)}
    essays = {name: each[name] for cell in cells if is_essay(cell) and (name := grade_id(cell))}
    checks = sum(p for name, p in each.items() if name not in essays and name not in optional)
    return Worth(round(checks, 4), essays)


def write(
    out: Path,
    course: config.Course,
    settings: carried.Settings,
    secret: str,
    of_a_class: dict[str, bytes],
) -> None:
    """Write the zip.  Same content, same bytes.  Raises ConfigError, FolderUnusable."""
    content = {path.name: path.read_bytes() for path in _SCRIPTS.iterdir()}
    content[SETTINGS] = msgspec.json.encode(settings)
    content[SECRET] = secret.encode()
    content |= {f"{OF_A_CLASS}/{name}": data for name, data in of_a_class.items()}
    for name, data in carried.harness(course).items():
        content[f"{carried.HARNESS}/{name}"] = data
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(content.items()):
            archive.writestr(zip_entry(name, 0o755 if data[:2] == b"#!" else 0o644), data)
    write_atomically(out, packed.getvalue(), secret=True)
