"""What there is to do in a class: every submission that was taken in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from grader import config
from grader.classroom import attempts, membership, releases, reports, results, standing
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Submission
from grader.contract import thresholds
from grader.errors import ConfigError
from grader.files import write_atomically
from grader.grading.task import Release, Task, make, released

Chosen = Callable[[str, str], bool]
"""Whether (team, notebook) shall be graded."""


def tasks(
    folder: ClassFolder,
    course: config.Course,
    seed: str,
    only: Chosen,
    broken: list[str],
    present: Mapping[str, str] | None = None,
) -> Iterator[Task]:
    """Every submission that was taken in and is wanted, one at a time.

    broken: gets a line for each submission whose own files can't be read.
    present: notebook -> text of its release, by default those that lie in the class folder.
    Raises ConfigError if the course's files or settings can't be.
    """
    limits = thresholds.load(folder.root)
    members_of = members(folder, broken)
    read: dict[str, Release] = {}
    for team, name in folder.submissions():
        if name not in course.notebooks or not only(team, name):
            continue
        if name not in read:
            read[name] = read_release(folder, name, (present or {}).get(name))
        try:
            who = members_of(team, name)
            place, release = folder.submitted(team, name), read[name]
            asked = release.asks_for_report
            reported = reports.attempts_with(folder, team, name) if asked else []
            rival = rival_of(folder, course, team, name)
            task = make(*_taken_in(place), course, seed, release, limits, who, reported)
        except (OSError, msgspec.MsgspecError) as error:
            broken.append(f"{team}/{name}: {error}")
            continue
        yield replace(task, contested=rival is not None)
        if rival is not None:
            place, shelf = attempts.place_of(folder, rival), attempts.work_in(rival.attempt)
            try:
                task = make(*_taken_in(place), course, seed, release, limits, who, reported)
            except (OSError, msgspec.MsgspecError) as error:
                broken.append(f"{team}/{name}, attempt {rival.attempt}: {error}")
            else:
                yield replace(task, contested=True, shelf=shelf)


def rival_of(
    folder: ClassFolder, course: config.Course, team: str, notebook: str
) -> Submission | None:
    """The attempt that would count instead of the one that does, if it had more points."""
    entries = attempts.of(folder, team, notebook)
    if len(entries) < 2:
        return None
    now = attempts.counting(course, entries, attempts.decided(folder, team, notebook))
    return now.rival


def read_release(folder: ClassFolder, name: str, text: str | None = None) -> Release:
    """The released version in a class folder, or the one of that text, and those before it.

    Raises ConfigError if one can't be read.
    """
    path = folder.root / "release" / name / f"{name}.ipynb"
    earlier = releases.kept(folder, name)
    try:
        text = path.read_text(encoding="utf-8") if text is None else text
        return released(name, text, earlier)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the release {path} can't be read: {error}") from error


def members(folder: ClassFolder, broken: list[str]) -> Callable[[str, str], list[str]]:
    """(team, notebook) -> ids of those in a team, when it handed in if that was noted.

    broken: gets a line for each that can't be understood.  Raises ConfigError for a bad roster.
    """
    teams = _teams(folder)
    noted = membership.read(folder.root / membership.FILE, broken)
    return lambda team, notebook: noted.members(team, notebook, teams.get(team, []))


def class_seed(folder: ClassFolder) -> str:
    """The class's secret, made once: cases are fresh for the class and the same in a rerun."""
    path = folder.root / "seed"
    if not path.is_file():
        write_atomically(path, secrets.token_hex(16), secret=True)
    return path.read_text().strip()


def _taken_in(place: Path) -> tuple[Submission, dict[str, bytes]]:
    """What lies in the folder of a submission: what is known of it, and its files by path.

    Raises OSError or msgspec.MsgspecError.
    """
    submission = results.read(place / "submission.json", Submission)
    names = [f"{submission.notebook}.ipynb", *submission.files]
    return submission, {name: (place / name).read_bytes() for name in names}


def _teams(folder: ClassFolder) -> dict[str, list[str]]:
    """Team -> ids of its members, by the roster.  Raises ConfigError if that can't be read."""
    problems: list[str] = []
    teams: dict[str, list[str]] = {}
    for person in standing.people(folder.root / "roster.csv", problems):
        teams.setdefault(person.team, []).append(person.student)
    if problems:
        raise ConfigError(problems[0])
    return {team: sorted(members) for team, members in teams.items()}
