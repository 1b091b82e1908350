"""Intake: from archives to submissions in the class folder.

`collect` takes in whatever is sound, says why it refuses the rest, and leaves earlier submissions
alone where the new one is broken.  It never executes, unpickles or extracts what students send.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from grader import config, places
from grader.classroom import version
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted
from grader.classroom.results import Rejected, Submission
from grader.classroom.roster import Roster, RosterError, read_roster
from grader.errors import Refused
from grader.intake import handin, notebooks, store
from grader.intake.archives import unpack
from grader.intake.bounds import Contents, Member
from grader.intake.notebooks import Candidate, Releases
from grader.intake.sources import ARCHIVE_NAME, LABEL, Delivery, Finder
from grader.text import shown

__all__ = ["CollectReport", "Replaced", "Roster", "RosterError", "collect", "read_roster"]


@dataclass(frozen=True)
class Replaced:
    """A submission and the one that took, or did not take, its place."""

    team: str
    notebook: str
    earlier: Submission
    archive: str
    """Name of the archive that holds the other one."""
    note: str = ""
    """What the instructor may want to know: the earlier one was on time."""


@dataclass
class CollectReport:
    """What came of collecting."""

    taken: list[Submission] = field(default_factory=list)
    """Written into the class folder now."""
    unchanged: list[Submission] = field(default_factory=list)
    """There already, with the same work in it; they keep their time of arrival."""
    replaced: list[Replaced] = field(default_factory=list)
    older: list[Replaced] = field(default_factory=list)
    """Passed over, since what is there is newer."""
    rejected: list[Rejected] = field(default_factory=list)
    """Archives, and notebooks in them, that were passed over, each with the reason."""
    notes: list[str] = field(default_factory=list)
    """What does not belong to one submission."""


@dataclass
class _Files:
    """A delivery's files, unpacked, and where each came from."""

    members: list[Member] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    origin: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Path -> (archive, its SHA-256)."""
    broken: list[str] = field(default_factory=list)


def collect(
    folder: ClassFolder,
    course: config.Course,
    archives: list[Path],
    roster: Path | None,
    received: datetime | None = None,
    *,
    from_lms: bool | None = None,
    releases: Path | None = None,
) -> CollectReport:
    """Take archives, folders of archives, notebooks and LMS downloads into the class folder.

    roster: CSV file as in `read_roster`; by default the class folder's roster.csv, if there.
    received: when they arrived; by default each file's own date, if it is that of an arrival, see
    `sources.Batch`.
    from_lms: whether a zip is a download from Moodle or Canvas; None: decided by its content,
    and only if it is the only archive, for a student could imitate one.
    releases: folder of the released notebooks (the course's own if left out), whose cell ids tell
    what a renamed notebook is.

    Of several submissions of one notebook by one team the newest counts, unless it holds the same
    work as the one that is there.  Raises RosterError for a bad roster and OSError if the class
    folder can't be written; never because of what an archive holds.
    """
    if roster is None and (folder.root / "roster.csv").is_file():
        roster = folder.root / "roster.csv"
    known = read_roster(roster) if roster else None
    version.require(folder.root)
    if received is not None and received.tzinfo is None:
        received = received.astimezone()
    work = _Collecting(
        folder,
        course,
        received,
        Releases.read(releases or places.public() / "notebooks", course.notebooks),
    )
    with store.exclusive(folder), ExitStack() as stack:
        work.finder = Finder(known, list(course.notebooks), stack, course.pairs.prefix)
        work.finder.find(archives, from_lms)
        work.report.notes = work.finder.notes
        work.report.rejected = work.finder.rejected
        for delivery in sorted(work.finder.found, key=lambda d: (d.arrived, d.label)):
            work.take(delivery)
        work.remember_rejected()
    return work.report


class _Collecting:
    """One run of `collect`."""

    finder: Finder

    def __init__(
        self,
        folder: ClassFolder,
        course: config.Course,
        received: datetime | None,
        releases: Releases,
    ) -> None:
        self.folder, self.course = folder, course
        self.received, self.releases = received, releases
        self.report = CollectReport()

    def take(self, delivery: Delivery) -> None:
        """Take in what a delivery holds."""
        try:
            files = self._unpack(delivery)
            found = self._recognise(delivery, files)
            plan = [(best, *self._with_it(best, files, delivery)) for best in found]
        except Refused as reason:
            self._reject(delivery, str(reason))
            return
        except Exception as error:  # one archive must not stop all, whatever it found a way to do
            self._reject(delivery, f"can't be read ({type(error).__name__}: {error})")
            return
        for chosen, with_it, notes in plan:
            self._keep(delivery, files, chosen, with_it, notes)

    def _unpack(self, delivery: Delivery) -> _Files:
        """Open the archives of a delivery, one level deep; archives in those stay closed."""
        files = _Files()
        for file in delivery.files:
            try:
                if not (file.is_archive or self._wanted(file.path)):
                    files.others.append(file.path)
                    continue
                content = file.read()
                origin = (shown(file.label, LABEL), hashlib.sha256(content).hexdigest())
                if file.is_archive:
                    contents = unpack(content, self._wanted)
                else:
                    contents = Contents([Member(file.path, content)])
            except Refused as reason:
                files.broken.append(file.path)
                self._reject(delivery, str(reason), file.label)
                continue
            for member in contents.members:
                if member.path in files.origin:  # two archives of one upload: both are candidates
                    member = Member(f"{file.path}/{member.path}", member.content)
                files.members.append(member)
                files.origin[member.path] = origin
            files.others += contents.others
        return files

    def _wanted(self, path: str) -> bool:
        return notebooks.is_notebook_name(path) or bool(handin.owner(path, self.course.notebooks))

    def _recognise(self, delivery: Delivery, files: _Files) -> list[Candidate]:
        """The notebook to take for each notebook of the course."""
        candidates: dict[str, list[Candidate]] = {}
        broken = len(files.broken)
        for member in files.members:
            if not notebooks.is_notebook_name(member.path):
                continue
            if handin.owner(member.path, self.course.notebooks):
                continue
            try:
                found = notebooks.candidate(member, self.course.notebooks, self.releases)
            except Refused as reason:
                broken += 1
                name, _ = notebooks.by_name(member.path, self.course.notebooks)
                self._reject(delivery, str(reason), notebook=name)
                continue
            if found:
                candidates.setdefault(found.notebook, []).append(found)
            else:
                files.others.append(member.path)
        if not candidates and not broken:
            raise Refused(self._nothing_in(files))
        return [notebooks.best(candidates[name]) for name in sorted(candidates)]

    def _nothing_in(self, files: _Files) -> str:
        wanted = ", ".join(f"{name}.ipynb" for name in self.course.notebooks)
        inside = ", ".join(shown(path, 60) for path in files.others[:5]) or "no files"
        nested = any(ARCHIVE_NAME.fullmatch(p.rpartition("/")[2]) for p in files.others)
        hint = "; archives inside an archive are not opened" if nested else ""
        return f"no notebook of the course in it, but {inside}{hint}; expected any of {wanted}"

    def _with_it(
        self, chosen: Candidate, files: _Files, delivery: Delivery
    ) -> tuple[list[Member], list[str]]:
        """Files to keep with a notebook, and notes for it."""
        with_it, notes = handin.belonging_to(chosen.notebook, files.members, self.course.notebooks)
        notes = [*delivery.notes, *chosen.notes, *notes]
        everything = [member.path for member in files.members] + files.others
        notes += handin.check_pair(delivery.label, everything, self.course.pairs.prefix)
        for part in sorted({part for path in everything for part in path.split("/")[:-1]}):
            claimed = self.finder.claimed(part)
            if claimed and claimed != delivery.team:
                notes.append(f"holds a folder {shown(part)}; it counts for {delivery.team}")
        return with_it, list(dict.fromkeys(notes))

    def _keep(
        self,
        delivery: Delivery,
        files: _Files,
        chosen: Candidate,
        with_it: list[Member],
        notes: list[str],
    ) -> None:
        archive, digest = files.origin[chosen.path]
        received = self.received or delivery.arrived
        arrival = "known" if self.received else delivery.arrival(self._due(chosen.notebook))
        if arrival == "known" and received > datetime.now(UTC) + timedelta(days=1):
            notes = [*notes, f"its date lies in the future: {received:%Y-%m-%d %H:%M}"]
        submission = Submission(
            delivery.team,
            chosen.notebook,
            archive,
            digest,
            received,
            [member.path for member in with_it],
            notes,
            arrival,
            release=chosen.release,
        )
        earlier = store.current(self.folder, delivery.team, chosen.notebook)
        if earlier is not None:
            same = self._same_work(earlier, chosen, with_it)
            corrected = self.received is not None and earlier.archive_sha256 == digest
            later = submission.received > earlier.received
            equal = (submission.received, submission.arrival) == (earlier.received, earlier.arrival)
            dearer = self.received is None and self._days(submission) > self._days(earlier)
            if same and (equal or dearer or (later and not corrected)):
                self._once(self.report.unchanged, earlier)
                return
            known = earlier.arrival == "known"  # else its time is a download's, like the delivery's
            compared = received if known else delivery.arrived
            if not same and not corrected and earlier.received > compared:
                there = "the one" if known else "the download with the one"
                note = f"older than {there} that is there, which stays"
                self.report.older.append(Replaced(*_key(submission), earlier, archive, note))
                return
            if not same:
                self.report.replaced.append(self._replaced(earlier, submission))
        store.put(self.folder, submission, chosen.content, with_it)
        for entries in (self.report.taken, self.report.unchanged):
            entries[:] = [e for e in entries if (e.team, e.notebook) != _key(submission)]
        self.report.taken.append(submission)

    def remember_rejected(self) -> None:
        """Bring the class folder's list up to date.

        An earlier entry goes when its file is seen again or comes under another name, or when
        what its team owes is taken in.
        """
        report, finder = self.report, self.finder
        report.rejected = [
            msgspec.structs.replace(
                entry,
                source=finder.source(entry.archive),
                sha256=finder.digests.get(entry.archive, ""),
            )
            for entry in report.rejected
        ]
        labels = {shown(label, LABEL) for label in finder.roots}
        labels |= {delivery.label for delivery in finder.found}
        labels |= {shown(f.label, LABEL) for delivery in finder.found for f in delivery.files}
        labels |= {entry.archive for entry in report.rejected}
        sources = {finder.source(label) for label in labels}
        digests = {entry.archive_sha256 for entry in report.taken + report.unchanged}
        taken = {_key(entry) for entry in report.taken}
        taken |= {(entry.team, "") for entry in report.taken}

        def settled(entry: Rejected) -> bool:
            seen = entry.source in sources if entry.source else entry.archive in labels
            owed = entry.team, entry.notebook
            return seen or entry.sha256 in digests or bool(entry.team and owed in taken)

        store.reject(self.folder, report.rejected, settled)

    def _once(self, entries: list[Submission], submission: Submission) -> None:
        if submission not in entries and submission not in self.report.taken:
            entries.append(submission)

    def _same_work(self, earlier: Submission, chosen: Candidate, with_it: list[Member]) -> bool:
        """Whether a submission holds what is there already: equal but for outputs.

        An archive of all notebooks, handed in for the last one, must not make the first ones late.
        """
        there = store.files_of(self.folder, earlier)
        if there is None:
            return False
        notebook = there.pop(f"{earlier.notebook}.ipynb")
        return (
            there == {member.path: member.content for member in with_it}
            and notebooks.work_of(notebook) == chosen.work
        )

    def _due(self, notebook: str) -> datetime | None:
        return self.course.notebooks[notebook].due

    def _replaced(self, earlier: Submission, submission: Submission) -> Replaced:
        notes = []
        known = earlier.arrival == submission.arrival == "known"
        if any(_key(entry) == _key(earlier) for entry in self.report.taken + self.report.unchanged):
            which = (
                "the newer one counts"
                if known and earlier.received != submission.received
                else "nobody knows which is newer, and this one counts; to have the other, collect "
                "it alone (unpack a download for that)"
            )
            notes.append(f"the team handed in different work as {earlier.archive}; {which}")
        if self._days(submission) and not self._days(earlier):
            was = "was" if earlier.arrival == "known" else "counted as"
            notes.append(f"the earlier one {was} on time, this one is late")
        note = "; ".join(notes)
        return Replaced(submission.team, submission.notebook, earlier, submission.archive, note)

    def _days(self, submission: Submission) -> int:
        return days_counted(self.course, submission)

    def _reject(self, delivery: Delivery, reason: str, label: str = "", notebook: str = "") -> None:
        label = shown(label or delivery.label, LABEL)
        entry = Rejected(label, delivery.team, shown(reason, 500), notebook)
        self.report.rejected.append(entry)


def _key(submission: Submission) -> tuple[str, str]:
    return submission.team, submission.notebook
