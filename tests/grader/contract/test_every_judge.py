"""What holds for the judges of all notebooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader import config
from grader.contract.judges import judges_of
from utils.checks import cases
from utils.checks.compare import compare
from utils.checks.verdicts import Reply

NOTEBOOKS = list(config.load().notebooks)
BYTES = {"01_implementing_cnn": 3_000_000, "04_visualizing_cnn": 1_450_000}
"""Most that the public cases of a notebook may weigh, a megabyte unless said: students download
them."""
FRAMEWORKS = ("tensorflow", "keras", "sklearn", "skimage", "matplotlib")


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_public_cases_survive_the_disk_and_need_no_large_files(
    notebook: str, tmp_path: Path
) -> None:
    for judge in judges_of(notebook).values():
        public = judge.public_cases()
        cases.save(public, tmp_path / f"{judge.name}.npz")
        stored = cases.load(judge.name, tmp_path)
        assert (stored.name, stored.assess) == (judge.name, public.assess)
        assert not stored.assess or cases.rule_called(stored.assess) is judge.assess
        if judge.kind == "function" and not (judge.assess or judge.measure or judge.by_student):
            assert compare(stored, [Reply(case.expected) for case in stored.cases]).score == 1
    weight = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 0 < weight < BYTES.get(notebook, 1_000_000)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_judging_needs_no_framework(notebook: str) -> None:
    """It takes seconds to import one, and a class has thousands of submissions."""
    program = (
        "import sys\n"
        "from grader.judging import examination as judging\n"
        f"judging.draw('{notebook}', 'team_1', 'a seed')\n"
        f"print([name for name in {FRAMEWORKS} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
