"""What each kind of isolation promises: every attempt from within a kernel fails."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from grader import config
from grader.executing import execute
from grader.places import ROOT
from tests.attacks import catalogue_inside
from tests.attacks.inside import Attempt, Came, try_all
from tests.grader.sandbox_helpers import becomes_true, require, run, running

WAYS = ("direct", "bubblewrap")
SHARED = ROOT / "utils" / "codec.py"
_came: dict[str, dict[str, Came]] = {}


def came(way: str, folder: Path) -> dict[str, Came]:
    """What came of all attempts in one kernel, which lives to the end."""
    if way not in _came:
        places = {
            "SHARED": repr(str(SHARED)),
            "CLASS": repr(str(folder)),
            "HOME": repr(str(Path.home())),
            "WAY": repr(way),
        }
        found, session = try_all(catalogue_inside.ATTEMPTS, way, places, read_only=[ROOT / "utils"])
        assert session.ended is not None and not session.timed_out, session.text
        _came[way] = found
    return _came[way]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attempt", catalogue_inside.ATTEMPTS, ids=lambda a: a.name)
def test_it_gets_nothing(attempt: Attempt, way: str, tmp_path: Path) -> None:
    require(way)
    found = came(way, tmp_path).get(attempt.name)
    assert found is not None, "it ended the kernel"
    if attempt.otherwise != way:
        assert found.got == ""


@pytest.mark.parametrize("way", WAYS)
def test_nothing_outlives_it(way: str) -> None:
    require(way)
    stays = "import subprocess; subprocess.Popen(['sleep', '86393'], start_new_session=True)"
    session = run(stays, isolation=way)
    assert session.ended is not None
    assert becomes_true(lambda: running("86393") == [])


def test_what_a_kernel_may_open_to_others_lies_where_they_cannot_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else somebody else on the machine could start a program that it made the grader's own."""
    above: list[int] = []

    def let_everybody_in(client: execute.BoundedClient, work: Path) -> str:
        work.parent.chmod(0o777)  # which bubblewrap shows as /scratch
        above.append(work.parent.parent.stat().st_mode & 0o777)
        return ""

    monkeypatch.setattr(execute, "_run", let_everybody_in)
    notebook = nbformat.writes(nbformat.v4.new_notebook())
    execute.execute(execute.Job("x", notebook, {}, config.Limits(1, 1, 1, 100, 1)))
    assert above[0] == 0o700
