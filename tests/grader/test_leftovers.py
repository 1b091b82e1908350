"""What a killed grader left in the temporary folder goes, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from grader.sandbox import leftovers

HOURS_AGO = time.time() - 7200


def test_folders_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from grader.sandbox import leftovers; "
        "print(leftovers.make('run', Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    dead = Path(done.stdout.strip())
    (dead / "inside").mkdir()
    (dead / "inside" / "file").write_text("x")
    living = leftovers.make("run", tmp_path)
    foreign = tmp_path / "course-tmp-notes"
    foreign.mkdir()
    assert leftovers.sweep((tmp_path,)) == 0 and dead.exists()  # it has only just ended

    for folder in (dead, living, foreign):
        os.utime(folder, (HOURS_AGO, HOURS_AGO))
    assert leftovers.sweep((tmp_path,)) == 1
    assert (dead.exists(), living.exists(), foreign.exists()) == (False, True, True)


def test_a_link_that_looks_like_a_leftover_leads_nowhere(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "marks").write_text("x")
    (tmp_path / "course-tmp-999999999-run-x").symlink_to(treasure)
    os.utime(tmp_path / "course-tmp-999999999-run-x", (HOURS_AGO, HOURS_AGO), follow_symlinks=False)
    leftovers.sweep((tmp_path,))
    assert (treasure / "marks").read_text() == "x"
