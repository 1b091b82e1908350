"""What lies in a student's folder, before anybody has judged it.

Nothing is opened but to be read; folders of other programs are not searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from utils.packing import accepted, beside
from utils.packing.accepted import is_junk

ASIDE = (".before", ".partial", ".unfinished")
"""Endings of weights that others took the place of."""
_OTHERS = ("handin", "images", "notebooks", "node_modules")
"""Folders in which no modules of a student's own lie beside a notebook."""


def handed_in_with(root: Path, notebook: str) -> dict[str, Path]:
    """Files in notebooks/handin/NOTEBOOK/, by path as seen from notebooks/.

    Raises Refused for links.
    """
    base = root / "notebooks"
    folder = base / "handin" / notebook
    paths = files_below(folder) if folder.is_dir() else []
    return {path.relative_to(base).as_posix(): path for path in paths}


def files_below(folder: Path) -> list[Path]:
    """Plain files below a folder, in order.  Raises Refused for links."""
    found = []
    for path in sorted(folder.rglob("*")):
        if is_junk(path.relative_to(folder).as_posix()) or path.suffix in ASIDE:
            continue
        if path.is_symlink():
            raise accepted.link(path.relative_to(folder.parent).as_posix())
        if path.is_file():
            found.append(path)
    return found


def own_modules(root: Path, course: frozenset[str]) -> tuple[dict[str, Path], list[str]]:
    """Modules that notebooks can import, by path as seen from notebooks/, and warnings.

    They lie in notebooks/, or beside that folder, where notebooks find the course's own packages.
    """
    found = dict(_modules(root / "notebooks", frozenset()))
    warnings = []
    for path, file in _modules(root, course):
        if path in found and found[path].read_bytes() != file.read_bytes():
            warnings.append(
                f"there are two modules {path}, in notebooks/ and beside it; the second one is "
                "handed in, since notebooks import that: keep only one"
            )
        found[path] = file
    return found, warnings


def left_behind(root: Path, modules: list[str], code: str) -> list[str]:
    """Files in notebooks/ that a notebook seems to read and that are not handed in.

    modules: those that are.  code: of the notebook's cells.
    """
    base = root / "notebooks"
    packages = {base / path.split("/")[0] for path in modules if "/" in path}
    inside = [path for folder in packages for path in folder.rglob("*")]
    named = [path for path in base.glob("*.*") if path.name in code]
    return sorted(
        path.relative_to(base).as_posix()
        for path in {*inside, *named}
        if path.is_file()
        and path.suffix not in (".ipynb", ".py", ".pyc")
        and not is_junk(path.relative_to(base).as_posix())
        and "handin" not in path.relative_to(base).parts
    )


def _modules(folder: Path, course: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_file() and beside.is_module(entry.name) and not is_junk(entry.name):
            yield entry.name, entry
        elif _may_be_a_package(entry) and entry.name not in course:
            for path in sorted(entry.rglob(f"*{beside.SUFFIX}")):
                inner = path.relative_to(folder).as_posix()
                if path.is_file() and not is_junk(inner):
                    yield inner, path


def _may_be_a_package(entry: Path) -> bool:
    named = entry.name.isidentifier() and entry.name not in _OTHERS and not is_junk(entry.name)
    return named and entry.is_dir() and not (entry / "pyvenv.cfg").exists()
