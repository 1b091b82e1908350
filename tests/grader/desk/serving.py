"""A desk on the tiny course, in a process of its own, which prints its address first.

python -m tests.grader.desk.serving COURSE CLASS MARKER
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.classroom.folder import ClassFolder
from grader.desk import server
from grader.desk.room import Desk
from tests.grader import tiny_course


def main(root: Path, folder: Path, marker: str) -> None:
    """Serve until the process is ended."""
    course = tiny_course.install(root)
    desk = Desk(ClassFolder(folder), course, marker)
    server.serve(desk, lambda line: print(line, flush=True), browser=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
