"""What a delivery holds: its archives unpacked, its notebooks known, what comes along sorted out.

It looks at one delivery and at the course, at no class; it keeps nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from grader import config
from grader.classroom.results import Ignored, Submission
from grader.intake import handin, notebooks
from grader.intake.archives import unpack
from grader.intake.bounds import Contents, Member
from grader.intake.delivery import ARCHIVE_NAME, LABEL, Delivery
from grader.intake.handin import Along
from grader.intake.ignored import Leftovers
from grader.intake.notebooks import Candidate, Releases
from grader.text import shown
from utils.packing import beside
from utils.packing.accepted import Refused
from utils.packing.enclosed import is_report


@dataclass(frozen=True)
class Refusal:
    """A file that can't be taken, or a whole delivery."""

    reason: str
    label: str
    """What it is called in reports."""
    notebook: str = ""
    """The notebook that it would have been; "" if that is unknown, or all."""


@dataclass
class Opened:
    """A delivery's files, unpacked, where each came from, and what is to be made of them."""

    members: list[Member] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    origin: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path -> (archive, its SHA-256)."""
    broken: list[str] = field(default_factory=list)
    """What was refused: files, and notebooks in them."""
    left: Leftovers = field(default_factory=lambda: Leftovers([]))
    plan: list[tuple[Candidate, Along]] = field(default_factory=list)
    """The file to take for each notebook of the course that is there, and what comes along."""
    refused: list[Refusal] = field(default_factory=list)
    in_vain: bool = False
    """Was the delivery refused as a whole?"""

    def submission(
        self, team: str, chosen: Candidate, along: Along, received: datetime
    ) -> Submission:
        """What is known of a notebook that is taken."""
        archive, digest = self.origin[chosen.path]
        return Submission(
            team,
            chosen.notebook,
            archive,
            digest,
            received,
            [member.path for member in along.members],
            list(along.notes),
            questions=list(along.questions),
            others=list(along.others),
            release=chosen.release,
        )

    def place_of(self, path: str) -> str:
        """Where a file lies, in words of reports."""
        label, _ = self.origin[path]
        return label if label.endswith(path) else f"{label}/{path}"

    def passed_over(self) -> list[Ignored]:
        """What was not taken, though nothing was refused, and why."""
        places = {path: self.place_of(path) for path in self.origin}
        accounted = {member.content for _, along in self.plan for member in along.members}
        asked = {path for _, along in self.plan for path in along.asked}
        accounted |= {member.content for member in self.members if member.path in self.broken}
        copies = {chosen.notebook: chosen.path for chosen, _ in self.plan}
        return self.left.of(self.members, places, copies, accounted, asked)


def opened(
    delivery: Delivery, course: config.Course, releases: Releases, claimed: Callable[[str], str]
) -> Opened:
    """Open a delivery.  Never raises for what is in it.

    claimed: the team that a name inside it seems to claim, for notes only.
    """
    work = _Opening(delivery, course, releases, claimed)
    try:
        work.unpack()
        found = work.recognise()
        plan = [(best, work.along(best)) for best in found]
        if plan:
            plan[-1] = (found[-1], handin.with_reports(plan[-1][1], work.files.members))
        work.files.plan = plan
    except Refused as reason:
        work.refuse_all(str(reason))
    except Exception as error:  # one archive must not stop all, whatever it found a way to do
        work.refuse_all(f"can't be read ({type(error).__name__}: {error})")
    return work.files


class _Opening:
    """One delivery while it is opened."""

    def __init__(
        self,
        delivery: Delivery,
        course: config.Course,
        releases: Releases,
        claimed: Callable[[str], str],
    ) -> None:
        self.delivery, self.course = delivery, course
        self.releases, self.claimed = releases, claimed
        self.files = Opened(left=Leftovers(list(course.notebooks)))

    def refuse_all(self, reason: str) -> None:
        """The delivery as a whole."""
        self._refuse(reason)
        self.files.in_vain = True

    def _refuse(self, reason: str, label: str = "", notebook: str = "") -> None:
        self.files.refused.append(Refusal(reason, label or self.delivery.label, notebook))

    def unpack(self) -> None:
        """Open the archives of the delivery, one level deep; archives in those stay closed."""
        files = self.files
        for file in self.delivery.files:
            try:
                if not (file.is_archive or self._wanted(file.path)):
                    files.others.append(file.path)
                    files.left.unopened.append((file.label, False))
                    continue
                content = file.read()
                origin = (shown(file.label, LABEL), hashlib.sha256(content).hexdigest())
                if file.is_archive:
                    contents = unpack(content, self._wanted)
                else:
                    contents = Contents([Member(file.path, content)])
            except Refused as reason:
                files.broken.append(file.path)
                self._refuse(str(reason), file.label)
                continue
            for member in contents.members:
                if member.path in files.origin:  # two archives of one upload: both are candidates
                    member = Member(f"{file.path}/{member.path}", member.content)
                files.members.append(member)
                files.origin[member.path] = origin
            files.others += contents.others
            files.left.unopened += [(f"{file.label}/{p}", _nested(p)) for p in contents.others]

    def _wanted(self, path: str) -> bool:
        along = beside.is_module(path) or bool(handin.owner(path, self.course.notebooks))
        return along or is_report(path) or notebooks.is_notebook_name(path)

    def recognise(self) -> list[Candidate]:
        """The notebook to take for each notebook of the course.  Raises Refused without any."""
        files = self.files
        candidates: dict[str, list[Candidate]] = {}
        for member in files.members:
            if not notebooks.is_notebook_name(member.path):
                continue
            if handin.owner(member.path, self.course.notebooks):
                continue
            try:
                found = notebooks.candidate(member, self.course.notebooks, self.releases)
            except Refused as reason:
                files.broken.append(member.path)
                name, _ = notebooks.by_name(member.path, self.course.notebooks)
                self._refuse(str(reason), notebook=name)
                continue
            if found:
                candidates.setdefault(found.notebook, []).append(found)
                files.left.copies[member.path] = found.notebook
            else:
                files.others.append(member.path)
        if not candidates and not files.broken:
            raise Refused(self._nothing())
        return [notebooks.best(candidates[name]) for name in sorted(candidates)]

    def _nothing(self) -> str:
        files = self.files
        wanted = ", ".join(f"{name}.ipynb" for name in self.course.notebooks)
        there = files.others + [member.path for member in files.members if is_report(member.path)]
        inside = ", ".join(shown(path, 60) for path in there[:5]) or "no files"
        nested = any(map(_nested, files.others))
        hint = "; archives inside an archive are not opened" if nested else ""
        return f"no notebook of the course in it, but {inside}{hint}; expected any of {wanted}"

    def along(self, chosen: Candidate) -> Along:
        """Files to keep with a notebook, and what is to be said of it."""
        delivery, files, prefix = self.delivery, self.files, self.course.pairs.prefix
        along = handin.belonging_to(chosen, files.members, self.course.notebooks)
        notes = [*delivery.notes, *chosen.notes, *along.notes]
        everything = [member.path for member in files.members] + files.others
        notes += handin.check_pair(delivery.label, everything, prefix)
        for part in sorted({part for path in everything for part in path.split("/")[:-1]}):
            claimed = self.claimed(part)
            if claimed and claimed != delivery.team:
                notes.append(f"holds a folder {shown(part)}; it counts for {delivery.team}")
        return replace(along, notes=tuple(dict.fromkeys(notes)))


def _nested(path: str) -> bool:
    """Whether a file in an archive is one itself, which stays closed."""
    return ARCHIVE_NAME.fullmatch(path.rpartition("/")[2]) is not None
