"""A copy of what collecting looks at in a class folder, to try it on without changing anything."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.classroom.folder import ClassFolder
from grader.files import writing
from grader.intake.store import WORKPLACE

SMALL = 64 * 1024
"""Bytes up to which a file is copied; larger ones are never written in place, and are linked."""
_SEEN = ("submitted", "attempts", "results")
"""Folders that collecting reads or moves files in."""


@contextmanager
def copy_of(folder: ClassFolder) -> Iterator[ClassFolder]:
    """A class folder like another, gone at the end; it lies inside that, for links to be possible.

    Raises FolderUnusable if it can't be written.
    """
    workplace = folder.root / WORKPLACE
    new = [path for path in (workplace, folder.root) if not path.exists()]
    with writing(folder.root):
        workplace.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=workplace, prefix="rehearsal@") as place:
            root = Path(place)
            for path in folder.root.iterdir():
                if path.is_file() and path.suffix in (".csv", ".json", ".toml"):
                    shutil.copy2(path, root / path.name)
                elif path.name in _SEEN:
                    shutil.copytree(path, root / path.name, copy_function=_linked)
            yield ClassFolder(root)
        for path in new:
            with suppress(OSError):  # somebody else uses it by now
                path.rmdir()


def _linked(source: str, target: str) -> str:
    if Path(source).stat().st_size > SMALL:
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            return shutil.copy2(source, target)
        return target
    return shutil.copy2(source, target)
