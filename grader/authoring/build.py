"""Build what students open from the sources: notebooks by nbgrader's own release step, and the
public cases by the judges.  The built files are in the repository, and `check` tells if they are
stale.
"""

from __future__ import annotations

import difflib
import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from grader import config, places
from grader.authoring import expected, heads, names, slips, source_text
from grader.cells import check_of, grade_id, id_of_check, is_bonus
from grader.classroom import releases
from grader.contract.judges import judges_of, stem, where
from grader.contract.visible import is_foreign, released
from grader.errors import ConfigError
from grader.files import write_atomically
from utils import codec
from utils.checks import cases
from utils.packing import asked as asked_for


def public_cases() -> Path:
    """Folder of the cases that students try their answers on."""
    return places.public() / "data" / "checks"


def name_of(path: Path) -> str:
    """What people call a file that is built: "notebooks/01_implementing_cnn.ipynb"."""
    return path.relative_to(places.public()).as_posix()


def listed() -> Path:
    """What the course asks for, as students' own tools read it."""
    return places.public() / asked_for.LISTED


def source_of(notebook: str) -> source_text.Source:
    """Read a notebook's source and hold it against its judges.  Raises SourceError."""
    path = places.folder() / "source" / f"{notebook}.py"
    source = source_text.read(path)
    with slips.blamed(notebook):
        judges = judges_of(notebook)
    for check in source.checks:
        if check.name not in judges:
            raise source_text.SourceError(
                f"{path.name}:{check.line}: check {check.name!r} has no judge; "
                f"add one to judges/{stem(notebook)}"
            )
    for name in sorted(judges.keys() - {c.name for c in source.checks}):
        raise source_text.SourceError(
            f"{where(notebook, name)}: the judge {name!r} has no check; add a cell with "
            f'check("{name}", …) to source/{path.name}, or take it out'
        )
    return heads.with_heads(source_text.with_points(source, config.load().points))


def build(course: config.Course) -> list[Path]:
    """Write notebooks/ and data/checks/.  Returns the files whose content changed."""
    graded = [one for name in course.notebooks for one in source_of(name).graded]
    _refuse_unknown(course, [one.name for one in graded])
    changed = []
    for path, content in _products(course):
        old = path.read_bytes() if path.is_file() else None
        if old is None or not _equal(path, old, content):
            write_atomically(path, content)
            changed.append(path)
    for path in _leftovers(course):
        path.unlink()
        changed.append(path)
    return changed


def _refuse_unknown(course: config.Course, names: list[str]) -> None:
    """Raise ConfigError where settings name what is neither check nor essay, or is both."""
    for name in sorted(course.points):
        if name not in names:
            raise ConfigError(f"course.toml: points: there is no check or essay {name!r}")
        if names.count(name) > 1:
            raise ConfigError(f"course.toml: points: {names.count(name)} cells are called {name!r}")


def differences(course: config.Course) -> list[str]:
    """What `build` would change, as lines of a diff.  Empty if all is up to date."""
    lines: list[str] = []
    for path, content in _products(course):
        name = name_of(path)
        old = path.read_bytes() if path.is_file() else b""
        if _equal(path, old, content):
            continue
        if not path.is_file():
            lines.append(f"{name}: is not built yet")
            continue
        if path.suffix == ".npz":
            lines.append(f"{name}: the cases differ from what the judges draw")
            continue
        a, b = old.decode().splitlines(), content.decode().splitlines()
        lines += difflib.unified_diff(a, b, name, f"{name} (from its source)", lineterm="", n=1)
    return lines + [f"{name_of(p)}: has no source" for p in _leftovers(course)]


def release_into(
    root: Path, course_id: str, sources: dict[str, nbformat.NotebookNode], db_url: str = ""
) -> None:
    """Run nbgrader's release step on notebooks in the nbgrader course folder `root`.

    Writes source/ and release/ there, and the gradebook if there is a URL.  Changes the working
    directory meanwhile, as nbgrader does: call it from the main thread.
    """
    for name, notebook in sources.items():
        target = root / "source" / name / f"{name}.ipynb"
        write_atomically(target, nbformat.writes(notebook) + "\n")
        settings = Config()
        settings.CourseDirectory.root = str(root)
        settings.CourseDirectory.course_id = course_id
        if db_url:
            settings.CourseDirectory.db_url = db_url
        else:  # as `nbgrader generate_assignment --no-db`
            settings.GenerateAssignment.no_database = True
            settings.SaveCells.enabled = False
        settings.CourseDirectory.assignment_id = name
        settings.GenerateAssignment.force = True
        settings.GenerateAssignment.create_assignment = True
        folder = CourseDirectory(config=settings)
        step = GenerateAssignment(coursedir=folder, config=settings)
        step.log = logging.getLogger("nbgrader.release")
        step.log.setLevel(logging.ERROR)
        step.start()
        _stamp(root / "release" / name / f"{name}.ipynb")


def as_released(name: str) -> str:
    """The text of a notebook that a class gets: as it was built, worth what settings say today.

    Raises ConfigError if it has not been built since an exercise was added to its source, or taken
    out of it.
    """
    path = released(name)
    if not path.is_file():
        raise ConfigError(f"{path} is missing; run ./course build")
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    source = source_of(name)
    points = {id_of_check(check.name): check.points for check in source.checks}
    points |= {essay.name: essay.points for essay in source.essays}
    there = releases.worth(notebook.cells)
    if points.keys() != there.keys():
        other = sorted(points.keys() ^ there.keys())
        raise ConfigError(f"{path} is older than its source ({other[0]}); run ./course build")
    if points == there:
        return text
    for cell in notebook.cells:
        if grade_id(cell) in points:
            cell.metadata.nbgrader["points"] = points[grade_id(cell)]
            cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
    return nbformat.writes(notebook) + "\n"


def _stamp(path: Path) -> None:
    """Write into a released notebook which release it is."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    releases.stamp(notebook)
    path.write_text(nbformat.writes(notebook) + "\n" * text.endswith("\n"), encoding="utf-8")


def _products(course: config.Course) -> Iterator[tuple[Path, bytes]]:
    """(path, content) of every file that is built."""
    sources = {name: source_of(name) for name in course.notebooks}
    for source in sources.values():
        slips.refuse_unknown_names(source)
    slips.refuse_unwritten(course)
    with tempfile.TemporaryDirectory(prefix="course-build-") as scratch:
        root = Path(scratch).resolve()
        notebooks = {name: source.notebook for name, source in sources.items()}
        wanted = {}
        release_into(root, course.id, notebooks)
        for name in sources:
            made = (root / "release" / name / f"{name}.ipynb").read_bytes()
            wanted[name] = expected.of(name, nbformat.reads(made, as_version=4))
            yield released(name), made
    points: dict[str, float] = {}
    for name, source in sources.items():
        judges = judges_of(name)
        for check in source.checks:
            if check.name in points:
                raise source_text.SourceError(
                    f"{name}.py:{check.line}: another notebook has a check {check.name!r}, too; "
                    "give this one another name"
                )
            points[check.name] = check.points
            with slips.blamed(name):
                drawn = cases.dump(judges[check.name].public_cases())
                slips.refuse_idle_mistakes(name, judges[check.name])
            yield public_cases() / f"{check.name}.npz", drawn
    yield public_cases() / "points.json", _json(points)
    optional = [c for s in sources.values() for c in s.notebook.cells if is_bonus(c)]
    names_of = [check_of(cell) for cell in optional]
    yield public_cases() / "bonus.json", _json([name for name in names_of if name])
    pairs = {"prefix": course.pairs.prefix, "notebooks": _used(course.pairs.notebooks, course)}
    asked = {"notebooks": list(course.notebooks), "pairs": pairs, "data": _data(course)}
    asked |= {"packages": names.packages(course), "modules": " ".join(names.modules(listed()))}
    yield listed(), _json(asked | {"expected": wanted})


def _data(course: config.Course) -> list[str]:
    """Files in data/ that belong to the course, for a student's doctor to look for."""
    folder = listed().parent
    there = sorted(path for path in folder.glob("*") if path.is_file() and path != listed())
    names = [f"data/{path.name}" for path in there if not path.name.startswith(".")]
    return [name for name in names if not is_foreign(name, course.release.foreign)]


def _used(names: Iterable[str], course: config.Course) -> list[str]:
    """Those of the notebooks that this course does with."""
    return [name for name in names if name in course.notebooks]


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _leftovers(course: config.Course) -> list[Path]:
    """Built files without a source."""
    checks = {c.name for name in course.notebooks for c in source_of(name).checks}
    stale = [p for p in public_cases().glob("*.npz") if p.stem not in checks]
    return stale + [
        p for p in (places.public() / "notebooks").glob("*.ipynb") if p.stem not in course.notebooks
    ]


def _equal(path: Path, old: bytes, new: bytes) -> bool:
    """Equal content; arrays may differ by rounding, since they were computed on another machine."""
    if old == new:
        return True
    if path.suffix != ".npz":
        return False
    try:
        return _close(codec.unpack(old), codec.unpack(new))
    except codec.CodecError:
        return False


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_close(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, (np.ndarray, float)) and isinstance(b, (np.ndarray, float)):
        return _close_arrays(np.asarray(a), np.asarray(b))
    arrays = isinstance(a, np.ndarray) or isinstance(b, np.ndarray)
    return not arrays and bool(a == b)  # else one alone is an array, where the other is a text


def _close_arrays(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal up to what the rounding of float32 does to the largest value.

    What a judge keeps as float16 comes out of a search, or of gradients through ReLUs close to
    zero, which rounding steers: there a twentieth is the same.
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    share = 0.05 if a.dtype == np.float16 else 1e-4
    finite = np.abs(a[np.isfinite(a)])
    scale = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(a, b, rtol=0, atol=share * max(scale, 1e-3), equal_nan=True))
