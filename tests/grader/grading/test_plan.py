"""A dry run of grading says what would be executed and why, and leaves everything as it is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from grader import sandbox
from grader.classroom import results
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.grading import plan as room
from grader.grading.run import grade
from tests.grader import tiny_course
from tests.grader.tiny_course import NAME


def everything(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_what_would_be_executed_is_said_with_the_reason(tmp_path: Path) -> None:
    if not sandbox.probe().way:
        pytest.skip(str(sandbox.probe()))
    course = tiny_course.install(tmp_path / "course")
    folder = ClassFolder(tmp_path / "class")
    for number in (1, 2, 3):
        tiny_course.hand_in(folder, f"team_{number}", b"no notebook")

    def planned(force: bool = False, seed: str | None = None) -> room.Plan:
        before = everything(folder.root)
        found = room.plan(folder, course, seed, force, lambda team, name: team != "team_3")
        assert everything(folder.root) == before
        return found

    first, second = f"team_1/{NAME}", f"team_2/{NAME}"
    assert planned().to_execute == {first: room.NEW, second: room.NEW}
    grade(folder, course, workers=1)
    assert (planned().to_execute, planned().kept) == ({}, 2)
    assert planned(force=True).to_execute == {first: room.FORCED, second: room.FORCED}
    tiny_course.hand_in(folder, "team_2", b"another")
    assert planned().to_execute == {second: room.CHANGED}
    path = folder.result("team_1", NAME) / "result.json"
    results.write(path, msgspec.structs.replace(results.read(path, Result), key=""))
    assert planned().to_execute == {first: room.UNFINISHED, second: room.CHANGED}
    lines = planned().lines()
    assert lines[0] == "2 would be executed, 0 marked again, 0 kept"
    assert f"  1 × {room.UNFINISHED}: {first}" in lines
    released = folder.root / "release" / NAME / f"{NAME}.ipynb"
    released.write_text(released.read_text() + " ")
    assert planned().to_execute == {first: room.RELEASE, second: room.RELEASE}
