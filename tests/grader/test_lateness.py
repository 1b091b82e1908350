"""What lateness costs, with extensions and free days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader import config, results
from grader.classroom import ClassFolder
from grader.lateness import Lateness
from grader.results import Submission

DUE = {
    "00_getting_started": datetime(2027, 1, 1, 12, tzinfo=UTC),
    "01_implementing_cnn": datetime(2027, 1, 15, 12, tzinfo=UTC),
}
SETTINGS = "\n".join(f"[notebooks.{name}]\ndue = {due.isoformat()}" for name, due in DUE.items())
FIRST, SECOND = DUE


@pytest.fixture
def folder(tmp_path: Path) -> ClassFolder:
    return ClassFolder(tmp_path)


def cost(folder: ClassFolder, settings: str, team: str, notebook: str, **after: float) -> float:
    """What one submission costs that arrives so long after the due date."""
    (folder.root / "course.toml").write_text(f"{settings}\n{SETTINGS}\n")
    received = DUE.get(notebook, DUE[FIRST]) + timedelta(**after)
    submission = Submission(team, notebook, f"{team}.zip", "0" * 64, received)
    results.write(folder.submitted(team, notebook) / "submission.json", submission)
    course = config.load(folder.root)
    return Lateness(folder, course).fraction(team, notebook, received)


def test_lateness_costs_by_the_day_begun_after_some_grace(folder: ClassFolder) -> None:
    settings = "[late]\npenalty_per_day = 0.1\nmaximum = 0.5\ngrace_minutes = 10"
    minutes = (-1, 9, 11, 1440 + 11, 30 * 1440)
    costs = [cost(folder, settings, "team_1", FIRST, minutes=late) for late in minutes]
    assert costs == pytest.approx([0, 0, 0.1, 0.2, 0.5])


def test_a_notebook_without_a_due_date_is_never_late(folder: ClassFolder) -> None:
    assert cost(folder, "", "team_1", "02_training_cnn", days=300) == 0


def test_an_extension_counts_for_its_team_and_notebook_alone(folder: ClassFolder) -> None:
    settings = '[extensions]\nTeam-07 = 2\n"team_9/01_implementing_cnn" = 5'
    assert cost(folder, settings, "team_7", FIRST, days=2) == 0
    assert cost(folder, settings, "team_7", FIRST, days=2, hours=1) == pytest.approx(0.1)
    assert cost(folder, settings, "team_9", SECOND, days=5) == 0
    assert cost(folder, settings, "team_9", FIRST, days=5) == pytest.approx(0.5)
    assert cost(folder, settings, "team_8", SECOND, days=2) == pytest.approx(0.2)


@pytest.mark.parametrize("line", ["team_7 = -1", 'team_7 = "two"', '"team_7/03_nothing" = 1'])
def test_an_extension_that_means_nothing_is_refused(folder: ClassFolder, line: str) -> None:
    with pytest.raises(config.ConfigError, match="extensions"):
        cost(folder, f"[extensions]\n{line}", "team_7", FIRST)


def test_free_days_are_spent_in_the_order_of_the_due_dates(folder: ClassFolder) -> None:
    settings = "[late]\nfree_days = 3"
    assert cost(folder, settings, "team_1", SECOND, days=2) == 0  # nothing spent before
    assert cost(folder, settings, "team_1", FIRST, days=2) == 0
    assert cost(folder, settings, "team_1", SECOND, days=2) == pytest.approx(0.1)  # one is left
    assert cost(folder, settings, "team_2", SECOND, days=4) == pytest.approx(0.1)
    assert cost(folder, settings, "team_2", SECOND, days=60) == pytest.approx(0.5)


def test_a_course_may_go_without_a_notebook(folder: ClassFolder) -> None:
    (folder.root / "course.toml").write_text("[notebooks.02_training_cnn]\nuse = false\n")
    assert "02_training_cnn" not in config.load(folder.root).notebooks
