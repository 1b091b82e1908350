"""Which of the repository's own files a process opens, and which of them stand on no list."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from grader import freshness, places

_NOTED = """
import sys
opened = set()
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.add(arguments[0])
sys.addaudithook(note)
{code}
opened |= {{getattr(m, "__file__", None) or "" for n, m in sys.modules.items() if n != "__main__"}}
print("\\0" + "\\n".join(sorted(opened)))
"""
ELSE = {
    "data/checks/": "public cases, made from the judges",
    "notebooks/": "what was released is compared as it lies in the class folder",
    **{f"grader/{room}/": why for room, why in freshness.NO_MARKS.items()},
    **{f"grader/course/{name}": why for name, why in freshness.NO_JUDGES.items()},
}
"""What may be opened though no mark depends on it, and why."""


def by(code: str, *arguments: str) -> tuple[str, set[str]]:
    """Run code in a process of its own: (what it printed, the repository's files that it opened).

    Modules are among the files, and nothing that Python makes of them.
    """
    command = [sys.executable, "-c", _NOTED.format(code=code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=places.ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    said, _, listed = done.stdout.rpartition("\0")
    paths = [Path(os.path.realpath(line)) for line in listed.splitlines() if line]
    ours = [p.relative_to(places.ROOT) for p in paths if p.is_relative_to(places.ROOT)]
    return said, {
        p.as_posix() for p in ours if p.suffix != ".pyc" and p.is_file() if p.parts[0] != ".venv"
    }


def without_reason(opened: set[str], counted: Mapping[str, Path]) -> list[str]:
    """Opened files that neither count nor stand on the list."""
    known = {path.relative_to(places.ROOT).as_posix() for path in counted.values()}
    return sorted(n for n in opened - known if not n.startswith(tuple(ELSE)))
