"""Settings are held against what they should be as they are read; the place of a fault is told."""

from __future__ import annotations

import time
from datetime import UTC
from pathlib import Path

import pytest

from grader import config
from grader.config import zones
from grader.contract.kernels import PLAIN
from grader.errors import ConfigError

FIRST = "01_implementing_cnn"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[limits]\nseconds_per_cell = "60"', "limits.seconds_per_cell: expected a number"),
        ('[late]\npenalty_per_day = "lots"', "late.penalty_per_day: expected a number"),
        ("[late]\nmaximum = 1.5", "late.maximum: expected a number <= 1.0"),
        ("[limits]\nmemory_mb = 0", "limits.memory_mb: expected a whole number"),
        (f'[notebooks.{FIRST}]\nuse = "no"', f"notebooks.{FIRST}.use: expected true or false"),
        (
            f"[notebooks.{FIRST}]\ndue = 2027-01-29",
            "due: expected a date with time, 2027-01-29T23:59:00, got a date alone",
        ),
        (
            f'[notebooks.{FIRST}]\nkernel = "torch"',
            f"notebooks.{FIRST}.kernel: no kernel is called 'torch'; known: keras, numpy",
        ),
        ('[kernels.own]\nrefused = "torch"', "kernels.own.refused: expected a list"),
        ('[kernels.own]\nrefused = ["../torch"]', "kernels.own.refused[0]: expected the name of"),
        (
            '[kernels.own]\nimports = ["torch"]',
            "unknown setting kernels.own.imports; known here",
        ),
        (
            '[kernels.numpy]\npreload = ["keras.layers"]',
            "kernels.numpy: keras.layers is preloaded and refused",
        ),
        ('[extensions]\nteam_7 = "two"', "extensions.team_7: expected a number"),
        ("[lat]\nmaximum = 0.2", "unknown setting lat; known here: course, limits, late"),
        ("[late]\nmaximal = 0.2", "unknown setting late.maximal; known here: penalty_per_day"),
        ("[notebooks.09_other]\nuse = true", "there is no notebook '09_other'; there are 00_"),
        ("[late]\nmaximum = [", "Invalid"),
        (
            "[limits]\nseconds_per_cell = inf",
            "limits.seconds_per_cell: expected a number with an end",
        ),
        ("[late]\nmaximum = nan", "late.maximum: expected a number with an end"),
        ('[times]\nzone = "Berlin"', "times.zone: no time zone is called 'Berlin'; did you mean"),
        ('[times]\nlms_zone = "Europe/Berln"', "times.lms_zone: no time zone is called 'Europe/B"),
        (f"[notebooks.{FIRST}]\ndue = 0001-01-01T00:00:00+14:00", "out of the calendar's reach"),
        ("[points]\nconv2d_forward = 3", "run ./course build"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / config.FILE).write_text(text)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path)
    assert str(tmp_path / config.FILE) in str(caught.value) and told in str(caught.value)


def test_what_a_class_says_wins_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_text(f"[late]\nmaximum = 1\n[notebooks.{FIRST}]\nuse = false")
    own, course = config.load(tmp_path), config.load()
    assert own.late.maximum == 1.0 and own.late.grace_minutes == course.late.grace_minutes
    assert set(course.notebooks) - set(own.notebooks) == {FIRST}
    assert own.release == course.release and own.limits == course.limits


def test_a_class_changes_a_kernel_for_the_notebooks_that_name_it(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_text('[kernels.numpy]\nrefused = ["torch"]')
    own, course = config.load(tmp_path).notebooks, config.load().notebooks
    assert own[FIRST].kernel.refused == ("torch",)
    assert [n for n in course if own[n].kernel != course[n].kernel] == [FIRST]


def test_a_notebook_that_names_no_kernel_has_a_plain_one(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_text(f'[notebooks.{FIRST}]\nkernel = ""')
    assert config.load(tmp_path).notebooks[FIRST].kernel == PLAIN


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_bytes('[course]\ntitle = "Faltungen für alle"'.encode("latin-1"))
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        config.load(tmp_path)


DUE = f"[notebooks.{FIRST}]\ndue = 2027-07-29T23:59:00"


@pytest.mark.parametrize(
    ("zone", "moment"),
    [("Europe/Berlin", "2027-07-29 21:59"), ("America/New_York", "2027-07-30 03:59")],
)
def test_a_due_date_without_a_zone_is_read_in_the_courses(tmp_path, zone, moment) -> None:
    (tmp_path / config.FILE).write_text(f'[times]\nzone = "{zone}"\n{DUE}')
    due = config.load(tmp_path).notebooks[FIRST].due
    assert due is not None and f"{due.astimezone(UTC):%Y-%m-%d %H:%M}" == moment
    assert f"{due:%Y-%m-%d %H:%M}" == "2027-07-29 23:59"


def test_without_a_zone_dates_are_read_in_the_machines(tmp_path, monkeypatch) -> None:
    (tmp_path / config.FILE).write_text(DUE)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        due, zone = config.load(tmp_path).notebooks[FIRST].due, config.load(tmp_path).times.zone
        assert due is not None and due.astimezone(UTC).hour == 14
        assert str(zone) == "this machine's zone, Asia/Tokyo"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_lms_writes_in_the_courses_zone_unless_another_is_named(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_text('[times]\nzone = "Asia/Tokyo"')
    assert config.load(tmp_path).times.lms.name == "Asia/Tokyo"
    (tmp_path / config.FILE).write_text('[times]\nzone = "Asia/Tokyo"\nlms_zone = "UTC"')
    assert config.load(tmp_path).times.lms.name == "UTC"


@pytest.mark.parametrize(
    ("written", "meant"), [("berlin", "Europe/Berlin"), ("America/NewYork", "America/New_York")]
)
def test_what_zone_may_have_been_meant_is_said(written: str, meant: str) -> None:
    with pytest.raises(zones.UnknownZone, match=f"did you mean {meant}"):
        zones.named(written)
    with pytest.raises(zones.UnknownZone, match="names are like Europe/Berlin"):
        zones.named("xyz")
