"""Settings are held against what they should be as they are read; the place of a fault is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import config
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
            f"[notebooks.{FIRST}]\ndue = 2027-01-29T23:59:00",
            f"notebooks.{FIRST}.due: expected a da",
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
