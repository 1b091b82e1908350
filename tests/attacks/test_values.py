"""Answers that lie about themselves earn nothing: all are asked in one kernel, each in a process of
its own, and judged as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader import sandbox
from grader.judging import examination
from grader.places import ROOT
from tests.attacks.base import PATCHED
from tests.attacks.catalogue_values import VALUES
from tests.attacks.inside import Attempt, Came, try_all
from tests.grader.tiny_course import JUDGES
from utils import codec

SQUARE = JUDGES[0]
HONEST = "def square(x): return x * x"
_ASKED = """
import numpy as np
from utils import codec
from utils.checks import handover
calls = codec.unpack(open('/scratch/calls.npz', 'rb').read())
{CODE}
data = handover.answer_bytes(square, 'function', calls, seconds_per_call=0.5)
open('/scratch/{NUMBER}.npz', 'wb').write(data)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Came]]:
    """Where the packed answers lie, by number, and what was said where there is none."""
    if not sandbox.probe().way:
        pytest.skip(str(sandbox.probe()))
    scratch = tmp_path_factory.mktemp("answers")
    cases = SQUARE.cases(np.random.default_rng(1), 1, examination.Handed({}, {}, 1, ""))
    (scratch / "calls.npz").write_bytes(codec.pack([case.inputs for case in cases.cases]))
    attempts = []
    for number, code in enumerate([HONEST, *VALUES.values()]):
        asked = _ASKED.replace("{CODE}", code.replace("{WRONG}", "(x + 100)"))
        attempts.append(Attempt(str(number), PATCHED, asked.replace("{NUMBER}", str(number))))
    environment = {"PYTHONPATH": str(ROOT)}
    came, session = try_all(
        attempts, "auto", {}, scratch=scratch, read_only=[ROOT / "utils"], environment=environment
    )
    assert session.ended is not None and len(came) == len(attempts), session.text[-2000:]
    return scratch, came


def score(scratch: Path, number: int) -> float | None:
    """What an answer earns of 1; None if it is none."""
    path = scratch / f"{number}.npz"
    if not path.is_file():
        return None
    cases = SQUARE.cases(np.random.default_rng(1), 1, examination.Handed({}, {}, 1, ""))
    drawn = examination.Examination("team_1", {SQUARE.name: cases})
    (check,) = examination.judge(drawn, {SQUARE.name: [path.read_bytes()]}, {SQUARE.name: 1.0})
    assert len(check.message) + sum(len(case.message) for case in check.cases) < 3000
    return check.points


def test_the_right_answer_earns_all(answers: tuple[Path, dict[str, Came]]) -> None:
    assert score(answers[0], 0) == 1


@pytest.mark.parametrize("number", range(1, len(VALUES) + 1), ids=lambda n: [*VALUES][n - 1])
def test_it_earns_nothing(number: int, answers: tuple[Path, dict[str, Came]]) -> None:
    assert score(answers[0], number) in (0, None)
