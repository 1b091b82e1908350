"""From hostile archives to marks: collected and graded with honest ones, in one go each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader import sandbox
from grader.authoring import build
from grader.classroom import gradebook
from grader.classroom.folder import ClassFolder
from grader.grading.run import Summary, grade
from grader.intake import CollectReport, collect
from tests.attacks.base import FULL, Attack, Places, everything_in, honest, notebook_of
from tests.attacks.catalogue_archives import ARCHIVES, MORE, Archive, packed
from tests.attacks.small_class import install
from tests.grader.tiny_course import NAME

MATES = ("honest_1", "honest_2")


@dataclass
class Term:
    """What came of collecting and grading."""

    folder: ClassFolder
    report: CollectReport
    summary: Summary
    marks: dict[str, float]
    outside: dict[str, bytes | str]


def team_of(archive: Archive) -> str:
    """The team, as the archive's name says."""
    if archive.make is None:
        return "attacker_link" if "link" in archive.name else "attacker_pipe"
    return "attacker_" + re.sub(r"\W+", "_", archive.name.lower())


@pytest.fixture(scope="module")
def term(tmp_path_factory: pytest.TempPathFactory) -> Term:
    if not sandbox.probe().way:
        pytest.skip(str(sandbox.probe()))
    course = install(tmp_path_factory.mktemp("tiny"))
    root = tmp_path_factory.mktemp("term").resolve()
    inbox, folder = root / "inbox", ClassFolder(root / "class")
    inbox.mkdir()
    folder.root.mkdir()
    for mate in MATES:
        (inbox / f"{mate}.tar.gz").write_bytes(packed(honest(mate)))
    wrong = notebook_of(Attack("wrong", ""), Places(root, root, root, 9))
    for archive in ARCHIVES:
        if archive.place is not None:
            archive.place(inbox)
        elif archive.make is not None:
            (inbox / f"{team_of(archive)}.tar.gz").write_bytes(archive.make(wrong))
    outside = everything_in(root / "inbox")
    report = collect(folder, course, [inbox], None, releases=build.released(NAME).parent)
    summary = grade(folder, course, workers=2)
    marks = {m.team: sum(c.auto or 0 for c in m.cells) for m in gradebook.marks(folder, course.id)}
    assert everything_in(root / "inbox") == outside
    return Term(folder, report, summary, marks, everything_in(root))


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda a: f"{a.threat}: {a.name}")
def test_an_archive_is_refused_with_a_reason_or_earns_nothing(term: Term, archive: Archive) -> None:
    team = team_of(archive)
    refused = [
        r.reason
        for r in term.report.rejected
        if r.archive.rpartition("/")[2].startswith(f"{team}.")
    ]
    place = term.folder.submitted(team, NAME)
    if archive.refused:
        assert [archive.refused in reason for reason in refused] == [True], refused
        assert team not in term.marks
        assert not place.exists()
        return
    assert refused == []
    assert term.marks[team] == 0
    kept = [str(p.relative_to(place / "files")) for p in place.rglob("files/**/*.*")]
    assert sorted(kept) == sorted(archive.files)


def test_honest_classmates_keep_full_points(term: Term) -> None:
    assert {mate: term.marks[mate] for mate in MATES} == dict.fromkeys(MATES, FULL)


def test_every_archive_ends_as_a_mark_or_a_refusal(term: Term) -> None:
    taken = {(s.team, s.notebook) for s in term.report.taken}
    refused = {r.archive.rpartition("/")[2].removesuffix(".tar.gz") for r in term.report.rejected}
    assert {team for team, _ in taken} == set(term.marks)
    assert set(map(team_of, ARCHIVES)) == (set(term.marks) - set(MATES)) | refused
    assert term.summary.broken == []


def test_nothing_is_written_beside_the_class(term: Term) -> None:
    top = {Path(path).parts[0] for path in term.outside}
    assert top == {"inbox", "class"}
    submitted = {Path(p).parts[2] for p in term.outside if p.startswith("class/submitted/")}
    assert submitted == set(term.marks)
    links = [path for path, content in term.outside.items() if str(content).startswith("-> ")]
    assert links == ["inbox/attacker_link.tar.gz"]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClassFolder, CollectReport]:
    """What collecting makes of all that is not graded, in one go."""
    course = install(tmp_path_factory.mktemp("tiny"))
    root = tmp_path_factory.mktemp("more").resolve()
    wrong = notebook_of(Attack("wrong", ""), Places(root, root, root, 9))
    inbox, folder = root / "inbox", ClassFolder(root / "class")
    inbox.mkdir()
    for archive in MORE:
        assert archive.make is not None
        (inbox / f"{team_of(archive)}.tar.gz").write_bytes(archive.make(wrong))
    return folder, collect(folder, course, [inbox], None)


@pytest.mark.parametrize("archive", MORE, ids=lambda a: f"{a.threat}: {a.name}")
def test_collecting_refuses_or_keeps_what_it_should(
    taken_in: tuple[ClassFolder, CollectReport], archive: Archive
) -> None:
    folder, report = taken_in
    refused = [r.reason for r in report.rejected if f"{team_of(archive)}." in r.archive]
    place = folder.submitted(team_of(archive), NAME)
    if archive.refused:
        assert [archive.refused in reason for reason in refused] == [True], refused
        assert not place.exists()
        return
    assert refused == []
    kept = [str(p.relative_to(place / "files")) for p in place.rglob("files/**/*.*")]
    assert sorted(kept) == sorted(archive.files)
