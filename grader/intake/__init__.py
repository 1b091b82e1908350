"""Intake: from archives to submissions in the class folder.

`collect` takes in whatever is sound, says why it refuses the rest, and leaves earlier submissions
alone where the new one is broken.  It never executes, unpickles or extracts what students send.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from grader import config, places
from grader.classroom import attempts, membership, version
from grader.classroom.account import Question
from grader.classroom.attempts import work_in
from grader.classroom.folder import ClassFolder
from grader.classroom.lateness import days_counted, days_late
from grader.classroom.results import Ignored, Rejected, Submission
from grader.classroom.roster import Roster, read_roster
from grader.classroom.tables import RosterError
from grader.errors import ConfigError
from grader.intake import arrivals, downloads, hub, ignored, opening, settling, store, worksheet
from grader.intake.bounds import Member
from grader.intake.delivery import LABEL, Delivery
from grader.intake.downloads.reader import Reader
from grader.intake.handin import Along
from grader.intake.naming import Naming
from grader.intake.notebooks import Candidate, Releases
from grader.intake.opening import Opened, Refusal
from grader.intake.sources import Finder
from grader.text import shown

CLAIMED = "time claimed"
"""Cause of questions about times that students' own programs wrote."""

LATE = "late, by how much?"
_NO_TIME = "the LMS marks it as late and says no time, so it counts as one day late"

__all__ = ["CollectReport", "Replaced", "Roster", "RosterError", "collect", "read_roster"]


@dataclass(frozen=True)
class Replaced:
    """An attempt and the one that counts in its place."""

    team: str
    notebook: str
    earlier: Submission
    archive: str
    """Name of the archive that holds the one that counts."""
    note: str = ""
    """What the instructor may want to know: the earlier one was on time."""


@dataclass(frozen=True)
class Told:
    """What is known of a notebook that was found, and who says so."""

    source: str
    submission: Submission
    rule: str
    """What says whose it is."""
    doubt: str
    """Why it is not known when it came; "" if it is."""


@dataclass
class CollectReport:
    """What came of collecting."""

    taken: list[Submission] = field(default_factory=list)
    """New, and they count now."""
    unchanged: list[Submission] = field(default_factory=list)
    """There already, with the same work in it; they keep their time of arrival."""
    replaced: list[Replaced] = field(default_factory=list)
    """What counted before, and does so no more."""
    beside: list[Replaced] = field(default_factory=list)
    """New, and kept, but something else counts."""
    undecided: list[tuple[Submission, Submission]] = field(default_factory=list)
    """(what counts for now, one that may have more points): grading both will tell."""
    gone: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(team, notebook) -> its attempts that were too many."""
    rejected: list[Rejected] = field(default_factory=list)
    """Archives, and notebooks in them, that were passed over, each with the reason."""
    ignored: list[Ignored] = field(default_factory=list)
    """What was seen and not taken: older or equal work, what belongs to no notebook."""
    notes: list[str] = field(default_factory=list)
    """What does not belong to one submission."""
    told: list[Told] = field(default_factory=list)
    """Of each notebook that was found: whose it is, when it came, and what is unsure."""
    roster: str = ""
    """How the roster was read."""
    dated: worksheet.Dated | None = None
    """Where times were taken from, if a worksheet was named."""


def collect(
    folder: ClassFolder,
    course: config.Course,
    archives: list[Path],
    roster: Path | None,
    received: datetime | None = None,
    *,
    from_lms: bool | None = None,
    releases: Path | None = None,
    sheet: Path | None = None,
    system: Reader | None = None,
    exchange: Path | None = None,
) -> CollectReport:
    """Take archives, folders of archives, notebooks and LMS downloads into the class folder.

    roster: CSV file as in `read_roster`; by default the class folder's roster.csv, if there.
    received: when they arrived; by default each file's own date, if it is that of an arrival, see
    `sources.Batch`.
    from_lms: whether a zip is a download from an LMS; None: decided by its content, if it is the
    only archive, and with less credit, for a student could imitate one.  A worksheet says that it
    is, and so does system, which says from which.
    releases: folder of the released notebooks (the course's own if left out), whose cell ids tell
    what a renamed notebook is.

    sheet: Moodle's grading worksheet, which tells when its uploads arrived.
    exchange: nbgrader's exchange, from which all is taken that students submitted for this course.

    Every submission is kept as an attempt, equal work once.  Which of a team's attempts counts
    depends on them and the settings, not on the order in which they are collected.  Raises
    RosterError for a bad roster, ConfigError for a bad worksheet, and OSError if the class folder
    can't be written; never because of what an archive holds.
    """
    if roster is None and (folder.root / "roster.csv").is_file():
        roster = folder.root / "roster.csv"
    known = read_roster(roster) if roster else None
    version.require(folder.root)
    if sheet is not None and (received is not None or known is None):
        raise ConfigError(
            "a worksheet tells when each arrived, and --received when all did: name one of them"
            if received is not None
            else "a worksheet needs a roster, which says who is in which team"
        )
    rows = worksheet.read(sheet, course.times.lms) if sheet is not None else None
    if received is not None and received.tzinfo is None:
        received = course.times.zone.earliest(received)
    work = _Collecting(
        folder,
        course,
        received,
        Releases.read(releases or places.public() / "notebooks", course.notebooks),
    )
    with store.exclusive(folder), ExitStack() as stack:
        names = list(course.notebooks)
        work.finder = Finder(Naming(known, names, course.pairs.prefix), stack, course.times)
        if exchange is not None:
            found = hub.looked_at(hub.inbound(exchange, course.id))
            work.finder.exchange, system = found, downloads.named("exchange")
            archives = [found.path]
        said = True if sheet is not None or system is not None else from_lms
        work.finder.find(archives, said, system)
        if rows is not None and known is not None:
            zone = course.times.zone
            work.report.dated = worksheet.date(work.finder.found, rows, known, zone)
        if work.finder.exchange is not None and work.finder.exchange.unsure:
            work.finder.notes.append(f"{exchange}: {work.finder.exchange.unsure}")
        work.report.notes = work.finder.notes
        work.report.rejected = work.finder.rejected
        work.report.ignored = work.finder.ignored
        for delivery in sorted(work.finder.found, key=lambda d: (d.arrived, d.label)):
            work.take(delivery)
        work.settle()
        work.remember_rejected()
        work.remember_ignored()
        if known:
            work.report.roster = known.told
            work.report.notes += known.notes
            fresh = {_key(entry) for entry in work.report.taken}
            work.report.notes += membership.note(folder, known.students, fresh)
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
        self.batch = course.times.zone.batch()
        self.report = CollectReport()
        self.new: dict[tuple[str, str], list[Submission]] = {}
        """By team and notebook: what was kept now, for all that was found."""
        self.again: dict[tuple[str, str, str], Submission] = {}
        """(team, notebook, digest of an archive) -> what is there already with the same work."""

    def take(self, delivery: Delivery) -> None:
        """Take in what a delivery holds."""
        opened = opening.opened(delivery, self.course, self.releases, self.finder.naming.claimed)
        for refusal in opened.refused:
            self._reject(delivery, refusal)
        for chosen, along in opened.plan:
            self._keep(delivery, opened, chosen, along)
        if not opened.in_vain:
            self._pass_over(delivery, opened)

    def _keep(
        self,
        delivery: Delivery,
        opened: Opened,
        chosen: Candidate,
        along: Along,
    ) -> None:
        with_it = list(along.members)
        received = self.received or delivery.arrived
        arrival, told_by = delivery.arrival(self._due(chosen.notebook))
        if self.received:
            arrival, told_by = "known", "instructor"
        submission = msgspec.structs.replace(
            opened.submission(delivery.team, chosen, along, received),
            arrival=arrival,
            told_by=told_by,
            batch=self.batch,
            given=self.received is not None or bool(delivery.dated),
            uploaders=[delivery.uploader] if delivery.uploader else [],
            unvouched=delivery.batch.unvouched if delivery.batch else "",
        )
        asked = self._claim(submission, delivery) if told_by == "student" else None
        if arrival == "late" and days_late(self.course, *_key(submission), received):
            asked = Question(LATE, _NO_TIME, "collect it again with --received if you know when")
        if asked is not None:
            questions = [*submission.questions, asked]
            submission = msgspec.structs.replace(submission, questions=questions)
        doubt = delivery.doubt or "its date is that of a download or a copy"
        doubt = "" if arrival == "known" else doubt
        place = shown(opened.place_of(chosen.path), LABEL)
        self.report.told.append(Told(place, submission, delivery.rule, doubt))
        settling.adopt(self.folder, *_key(submission))
        new = self.new.setdefault(_key(submission), [])
        earlier = self._with_same_work(submission, chosen, with_it)
        if earlier is not None:
            both = sorted({*earlier.uploaders, *submission.uploaders})
            submission = msgspec.structs.replace(submission, uploaders=both)
            if not self._comes_first(submission, earlier, delivery):
                if earlier.archive_sha256 != submission.archive_sha256:
                    self.again[(*_key(submission), submission.archive_sha256)] = earlier
                if both != earlier.uploaders:
                    store.say_uploaders(self.folder, earlier, both)
                return
            new[:] = [entry for entry in new if entry.attempt != earlier.attempt]
        new.append(store.keep(self.folder, submission, chosen.content, with_it))

    def _claim(self, submission: Submission, delivery: Delivery) -> Question | None:
        """What to ask where a student's word for a time is held by nothing, and gains something."""
        due, seen = self._due(submission.notebook), delivery.seen
        if due is None or seen is None or not submission.received <= due < seen - arrivals.SKEW:
            return None
        shown_ = self.course.times.zone.shown
        reason = (
            f"it came {shown_(submission.received):%Y-%m-%d %H:%M} by the student's own word, in "
            f"time, and its files are of {shown_(seen):%Y-%m-%d %H:%M}"
        )
        return Question(CLAIMED, reason, "if that is too late, collect it again with --received")

    def _with_same_work(
        self, submission: Submission, chosen: Candidate, with_it: list[Member]
    ) -> Submission | None:
        """The attempt that holds the same work: equal but for outputs.

        An archive of all notebooks, handed in for the last one, must not make the first ones late.
        """
        files = {member.path: member.content for member in with_it}
        work = store.work_of(chosen.content, files)
        for entry in attempts.of(self.folder, *_key(submission)):
            if work_in(entry.attempt) == work:
                return entry
            if entry.archive_sha256 == submission.archive_sha256:  # what work is may have changed
                there = store.files_in(attempts.place_of(self.folder, entry), entry)
                if there == {f"{entry.notebook}.ipynb": chosen.content, **files}:
                    return entry
        return None

    def _comes_first(self, submission: Submission, earlier: Submission, delivery: Delivery) -> bool:
        """Whether of two with the same work it is the new one that tells when it came.

        That is the one that costs less, then the first; or the one whose time was put right.
        What somebody answers for comes before what may be anybody's.
        """
        if bool(submission.unvouched) != bool(earlier.unvouched):
            return not submission.unvouched
        same = submission.archive_sha256 == earlier.archive_sha256
        if same and earlier.given != submission.given:
            return submission.given
        if submission.given:
            # a system gives a file another time, too, when it is handed in once more
            again = submission.archive != earlier.archive or not delivery.in_zone
            corrected = same and (submission.told_by == "instructor" or not again)
            return submission.received != earlier.received and (
                corrected or submission.received < earlier.received
            )

        def order(entry: Submission) -> tuple[object, ...]:
            return self._days(entry), entry.received, entry.archive_sha256

        return order(submission) < order(earlier)

    def settle(self) -> None:
        """Put what counts into `submitted/`, and say what changed."""
        report = self.report
        for key, new in sorted(self.new.items()):
            settled = settling.settle(self.folder, self.course, *key)
            assert settled is not None  # its attempts were just written
            counts, before = settled.counts, settled.before
            taken = [entry for entry in new if entry.attempt == counts.attempt]
            (report.taken if taken else report.unchanged).append(counts)
            changed = before is not None and work_in(before.attempt) != work_in(counts.attempt)
            if before is not None and changed:
                report.replaced.append(self._replaced(before, counts))
            for entry in new:
                if entry.attempt != counts.attempt:
                    report.beside.append(self._replaced(entry, counts))
            if settled.rival is not None:
                report.undecided.append((counts, settled.rival))
            if settled.gone:
                report.gone[key] = settled.gone

    def _pass_over(self, delivery: Delivery, opened: Opened) -> None:
        """Note what of a delivery was not taken, and why."""
        for chosen, _ in opened.plan:
            digest = opened.origin[chosen.path][1]
            there = self.again.get((delivery.team, chosen.notebook, digest))
            if there is not None:
                reason = (
                    f"the same work as the {chosen.notebook} that is there, "
                    f"{shown(there.archive, LABEL)}"
                )
                place = shown(opened.place_of(chosen.path), LABEL)
                self.report.ignored.append(Ignored(place, reason))
        self.report.ignored += opened.passed_over()

    def remember_ignored(self) -> None:
        """Bring the class folder's list of what was not taken up to date."""
        report, finder = self.report, self.finder
        seen = {shown(f.label, LABEL) for delivery in finder.found for f in delivery.files}
        seen |= {delivery.label for delivery in finder.found}
        seen |= {entry.archive for entry in report.rejected}
        seen |= {entry.source for entry in report.ignored}
        report.ignored = [
            msgspec.structs.replace(entry, source=finder.source(entry.source) or entry.source)
            for entry in report.ignored
        ]
        ignored.remember(self.folder, report.ignored, {finder.source(label) for label in seen})

    def remember_rejected(self) -> None:
        """Bring the class folder's list up to date.

        An earlier entry goes when its file is seen again or comes under another name, or when
        what its team owes is taken in: where nobody knows which notebooks were in it, when none is
        missing any more that others handed in.
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
        there = set(self.folder.submissions())
        used = {notebook for _, notebook in there}
        taken |= {(e.team, "") for e in report.taken if all((e.team, n) in there for n in used)}

        def settled(entry: Rejected) -> bool:
            seen = entry.source in sources if entry.source else entry.archive in labels
            owed = entry.team, entry.notebook
            return seen or entry.sha256 in digests or bool(entry.team and owed in taken)

        store.reject(self.folder, report.rejected, settled)

    def _due(self, notebook: str) -> datetime | None:
        return self.course.notebooks[notebook].due

    def _replaced(self, earlier: Submission, counts: Submission) -> Replaced:
        note = f"it is kept as attempt {earlier.attempt}, and {counts.attempt} counts"
        if self._days(counts) and not self._days(earlier):
            was = "was" if earlier.arrival == "known" else "counted as"
            note += f"; the earlier one {was} on time, this one is late"
        return Replaced(*_key(counts), earlier, counts.archive, note)

    def _days(self, submission: Submission) -> int:
        return days_counted(self.course, submission)

    def _reject(self, delivery: Delivery, refusal: Refusal) -> None:
        label, reason = shown(refusal.label, LABEL), shown(refusal.reason, 500)
        entry = Rejected(label, delivery.team, reason, refusal.notebook, person=delivery.person)
        self.report.rejected.append(entry)


def _key(submission: Submission) -> tuple[str, str]:
    return submission.team, submission.notebook
