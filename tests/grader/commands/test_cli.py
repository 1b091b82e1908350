"""The commands, as typed: help that explains, errors in one line, honest exit statuses.

What Python does before and after a command is tried where `started` stands for `course`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader import places
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from tests.grader.typed import course

FIRST = "01_implementing_cnn"

COMMANDS = (
    "build",
    "release",
    "collect",
    "grade",
    "choose",
    "purge",
    "feedback",
    "report",
    "export",
    "demo",
    "truth",
    "mutate",
    "doctor",
    "bench",
)


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a Python of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=places.ROOT,
        env={**os.environ, "COURSE_DEBUG": ""},
        capture_output=True,
        text=True,
    )


def test_help_lists_every_command() -> None:
    shown = started("-m", "grader", "--help").stdout
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", ["collect", "grade", "export", "feedback"])
def test_help_reads_like_a_manual(command: str) -> None:
    shown = course(command, "--help").stdout
    assert len(shown.splitlines()) > 12 and "Usage" in shown


@pytest.mark.parametrize("command", ["grade", "feedback", "report", "export"])
def test_a_class_that_is_not_there_is_an_error_in_one_line(command: str, tmp_path: Path) -> None:
    done = course(command, "--class", str(tmp_path / "nothing"))
    assert done.returncode == 125
    assert "run ./course" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("[late]\npenalty_pre_day = 0.1\n")
    done = course("grade", "--class", str(tmp_path))
    assert done.returncode == 125
    assert "penalty_pre_day" in done.stderr and "course.toml" in done.stderr


def test_an_archive_that_is_none_is_counted(tmp_path: Path) -> None:
    (tmp_path / "team_1.tar.gz").write_bytes(b"not an archive")
    done = course("collect", str(tmp_path / "team_1.tar.gz"), "--class", str(tmp_path / "class"))
    assert done.returncode == 1 and "REJECTED team_1.tar.gz" in done.stdout


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """A class with a roster, of which two teams have handed in something that can't be read."""
    folder = ClassFolder(tmp_path / "class")
    for team in ("team_1", "team_8"):
        place = folder.submitted(team, FIRST)
        submission = Submission(team, FIRST, f"{team}.tar.gz", "0", datetime.now(UTC))
        results.write(place / "submission.json", submission)
        (place / f"{FIRST}.ipynb").write_text("no notebook")
    (folder.root / "roster.csv").write_text("team,student\nteam_1,s1\nteam_8,s8\nteam_9,s9\n")
    return folder.root


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("grade --team team_08", "--team team_08: there is no such team; did you mean team_8?"),
        ("grade --team nobody", "no such team; there are team_1, team_8, team_9"),
        ("grade --team team_1 --team Team_9", "did you mean team_9?"),
        ("grade --notebook 1", "--notebook 1: no notebook is called so; there are 00_getting"),
        ("grade --notebook 0", "it may be 00_getting_started or 01_implementing_cnn"),
        ("grade --notebook 02_trainin_cnn", "did you mean 02_training_cnn?"),
        ("grade --team team_9", "nothing was handed in for team_9"),
        ("grade --notebook 03", "nothing was handed in for 03_data_augmentation"),
        ("similar --notebook nothing", "--notebook nothing: no notebook is called so"),
    ],
)
def test_a_team_or_notebook_that_is_none_is_refused_with_those_that_are_near(
    handed_in: Path, arguments: str, said: str
) -> None:
    done = course(*arguments.split(), "--class", str(handed_in))
    assert done.returncode == 125 and "Traceback" not in done.stderr
    assert said in " ".join(done.stderr.split())
    assert not (handed_in / "results").exists()


def test_the_beginning_of_a_notebooks_name_is_enough(handed_in: Path) -> None:
    arguments = ["--class", str(handed_in), "--notebook", FIRST[:2], "--team", "team_8"]
    done = started("-m", "grader", "grade", *arguments)
    assert done.returncode == 1 and "1 graded" in done.stdout, done.stderr
    assert f"team_8/{FIRST}" in done.stdout and "team_1/" not in done.stdout
    assert "./course settle unreadable" in done.stdout
    told = course("grade", *arguments, "--json")
    found = json.loads(told.stdout)
    assert (told.returncode, found["graded"], found["needs_human"]) == (1, 1, 1)
    assert found["questions"][0]["submissions"] == [f"team_8/{FIRST}"]
    assert course("settle", "unreadable", *arguments[:2]).returncode == 0
    assert course("grade", *arguments).returncode == 0
    assert course("similar", *arguments[:4]).returncode == 0
    shown = course("export", "csv", *arguments[:4])
    assert f"grades_{FIRST}.csv" in "".join(shown.stdout.split()), shown.stderr


def test_an_extension_for_nobody_is_said_aloud(handed_in: Path) -> None:
    settings = '[extensions]\nteam_9 = 1\nteam_88 = 2\n"nobody/02_training_cnn" = 3\n'
    (handed_in / "course.toml").write_text(settings)
    where = ("--class", str(handed_in))
    archive = handed_in.parent / "team_1.tar.gz"
    archive.write_bytes(b"not an archive")
    for command in (("collect", str(archive)), ("grade", "--team", "team_8"), ("report",)):
        said = " ".join(course(*command, *where).stderr.split())
        assert "warning: course.toml, extensions: 'team_88'" in said, command
        assert "did you mean team_8?" in said and "'nobody/02_training_cnn'" in said
        assert "'team_9'" not in said


def test_extensions_may_be_given_before_anybody_has_handed_in(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("[extensions]\nteam_777 = 2\n")
    archive = tmp_path / "team_1.tar.gz"
    archive.write_bytes(b"not an archive")
    done = course("collect", str(archive), "--class", str(tmp_path))
    assert done.returncode == 1 and "team_777" not in done.stderr


def test_collect_says_in_which_zone_times_are(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('[times]\nzone = "Europe/Berlin"\n')
    archive = tmp_path / "team_1.tar.gz"
    archive.write_bytes(b"not an archive")
    done = course("collect", str(archive), "--class", str(tmp_path))
    assert "times are read and shown in Europe/Berlin" in " ".join(done.stdout.split())


FAULTY = """
import errno, os
import grader.authoring.build
from grader.errors import ConfigError

def fail(course):
    {statement}

grader.authoring.build.build = fail
"""
MAIN = """
import sys
from grader import cli
sys.argv = ["course", "build"]
cli.main()
"""


def failing(statement: str, debug: str = "") -> subprocess.CompletedProcess[str]:
    """./course build, where building ends with a statement."""
    return course("build", first=FAULTY.format(statement=statement), COURSE_DEBUG=debug)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("{}['a_check']", "KeyError: 'a_check'"),
        ("raise RuntimeError('first\\nsecond [late]')", "RuntimeError: first second [late]"),
        ("assert not 'a word'", "AssertionError"),
        ("raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), '/x/y')", "/x/y: No space left"),
        ("raise PermissionError(errno.EACCES, 'Permission denied', '/x')", "/x: Permission denied"),
        ("open('/nowhere/file')", "/nowhere/file: No such file"),
    ],
)
def test_whatever_goes_wrong_is_told_in_one_line(statement: str, said: str) -> None:
    done = failing(statement)
    assert done.returncode == 125
    assert said in done.stderr and "COURSE_DEBUG=1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_traceback_is_shown_to_who_asks_for_it() -> None:
    done = failing("{}['a_check']", debug="1")
    assert done.returncode == 125
    assert "Traceback" in done.stderr and "in fail" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: KeyError: 'a_check'")


def test_an_error_is_printed_as_it_was_written() -> None:
    done = failing("raise ConfigError('set url under [gradebook] [/]')")
    assert done.returncode == 125
    assert done.stderr == "error: set url under [gradebook] [/]\n"


def test_a_setting_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_bytes(b'[course]\ntitle = "Caf\xe9"\n')
    done = course("grade", "--class", str(tmp_path))
    assert done.returncode == 125 and "Traceback" not in done.stderr
    assert "course.toml" in done.stderr and "UTF-8" in done.stderr


def test_ctrl_c_ends_with_its_own_status_and_no_error() -> None:
    done = started("-c", FAULTY.format(statement="raise KeyboardInterrupt") + MAIN)
    assert done.returncode == 130 and not done.stderr.strip()


def test_a_command_that_is_told_to_end_clears_up_first() -> None:
    told = "os.kill(os.getpid(), 15), os.execlp('true', 'true')"
    done = failing(f"exec(\"try: {told}\\nfinally: print('cleared up')\")")
    assert (done.returncode, done.stdout, done.stderr) == (143, "cleared up\n", "")


def test_output_that_finds_no_room_is_told_and_output_that_nobody_reads_is_not() -> None:
    command = [sys.executable, "-m", "grader", "doctor"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=places.ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 125
    assert "No space left" in done.stderr and len(done.stderr.splitlines()) == 1
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command, cwd=places.ROOT, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert done.returncode == 141 and not done.stderr


def test_a_wrong_option_is_no_count_of_submissions() -> None:
    done = course("grade", "--tema", "team_1")
    assert done.returncode == 125 and "--tema" in done.stderr


def test_the_doctor_finds_this_machine_fit() -> None:
    done = course("doctor")
    assert "Isolation" in done.stdout and "Notebooks" in done.stdout
    assert done.returncode == ("NO  Isolation" in done.stdout)
