"""From what the instructor names to deliveries: whose each is, when it came, and its files.

Whose it is comes from the name that the instructor or the LMS gave to an archive or a folder,
and from the roster; the inside of a student's archive is never asked.  Links are not followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.classroom.results import Ignored, Rejected
from grader.classroom.roster import Roster, letters, team_id
from grader.config import Times
from grader.intake import arrivals, lms, notebooks
from grader.intake.arrivals import Arrival, Batch
from grader.intake.handin import pair_names
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import ARCHIVE_BYTES, Refused, Register, is_junk

ARCHIVE_NAME = re.compile(
    r"(.+?)(?:\.tar(?:-\d+)?\.gz|\.tgz|\.tar|\.zip|\.gz|\.rar|\.7z|\.bz2|\.tbz2?|\.xz|\.txz)",
    re.IGNORECASE | re.DOTALL,
)
"""Endings of archives; those that are not opened are refused by what they hold."""
BROWSER_COPY = re.compile(r"\s*\(\d+\)$|\s*-\s*(?:copy|kopie)(?:\s*\(\d+\))?$", re.IGNORECASE)
FOLDERS = 4
"""How deep folders are searched for bounds."""
COPIED = 3
"""So many files of one folder, dated within minutes after the due date, were copied then."""
NOT_KNOWN = "when it arrived is not known"
UNVOUCHED = "nobody has said (--lms) that its zip is a download from an LMS"
LABEL = 400
"""Longest name of an archive in reports: long enough to tell two apart in deep folders."""


@dataclass(frozen=True)
class File:
    """One file as it was delivered: an archive, or a file by itself."""

    path: str
    """Where it lies in the delivery."""
    label: str
    """What it is called in reports: its path from what was collected."""
    changed: datetime | None
    read: Callable[[], bytes]
    """Raises Refused."""

    @property
    def is_archive(self) -> bool:
        """Whether it calls itself an archive."""
        return ARCHIVE_NAME.fullmatch(self.path.rpartition("/")[2]) is not None


@dataclass
class Delivery:
    """What one team handed in at one time."""

    label: str
    team: str
    files: list[File]
    arrived: datetime
    """When the newest file arrived, as this machine or the LMS knows it."""
    notes: list[str] = field(default_factory=list)
    group: str = ""
    """The LMS' number of the group that it is from, if it goes by groups."""
    batch: Batch | None = None
    """What else came with it, or lies beside it."""
    uploader: str = ""
    """The student who handed it in, if the LMS or the name of a file or folder tells."""
    in_time: bool | None = None
    """Whether it arrived on time by the LMS' word; None if it says nothing."""

    doubt: str = ""
    """Why its date can't be that of an arrival."""
    person: str = ""
    """Who uploaded it, as the LMS calls that student or group."""
    dated: bool = False
    """Does the LMS itself say when it arrived?"""

    def dated_by_lms(self, moment: datetime) -> None:
        """Take the LMS' word for when it arrived, in place of the dates of its files."""
        self.arrived, self.dated, self.doubt = moment, True, ""
        self.notes = [note for note in self.notes if not note.endswith(NOT_KNOWN)]

    def arrival(self, due: datetime | None) -> tuple[str, str]:
        """What is known about its arrival, and who says so, as in `results.Submission`."""
        if self.dated:
            return "known", "LMS"
        if self.batch is not None and self.batch.unvouched:
            return "unknown", "nobody"
        downloads = self.batch is not None and self.batch.is_downloads(self.arrived, due)
        if not self.doubt and not downloads:
            return "known", "LMS" if self.batch and self.batch.zipped else "file"
        if self.in_time is None:
            return "unknown", "nobody"
        return "on time" if self.in_time else "late", "LMS"


@dataclass
class Finder:
    """Looks through what the instructor named and collects deliveries and refusals."""

    roster: Roster | None
    names: list[str]
    """Names of the course's notebooks."""
    stack: ExitStack
    """Keeps downloads open."""
    pair_prefix: str
    """Of what two hand in together, see `handin.pair_names`."""
    times: Times
    """In which zone an LMS writes, and what can't be a time of arrival."""
    found: list[Delivery] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    """What is nobody's, or no file, by label."""
    from_lms: bool | None = None
    roots: dict[str, Path] = field(default_factory=dict)
    """What the instructor named, by label."""
    digests: dict[str, str] = field(default_factory=dict)
    """Label -> SHA-256 of files of which nobody could tell whose they are."""
    batches: dict[Path, Batch] = field(default_factory=dict)
    """Uploads to an LMS by the folder in which they lie."""

    def find(self, paths: list[Path], from_lms: bool | None) -> None:
        """Fill `found`, `rejected` and `notes`.

        A zip that looks like a download from an LMS is read as one if `from_lms` is true, or if
        it is None and nothing else was named.  A student could imitate such a zip and send it
        by mail: unless `from_lms` is true nothing in it takes the place of other work, and no date
        in it counts.
        """
        self.from_lms = from_lms
        self.roots = _labelled(paths)
        for label, path in self.roots.items():
            try:
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode):
                    self._folder(path, label, FOLDERS)
                elif stat.S_ISREG(mode) and self._is_download(path, len(paths) == 1):
                    self._download(path, label)
                else:
                    self._files({label: path}, named=True)
            except OSError as error:
                self._reject(label, error.strerror or str(error))
            except Refused as reason:
                self._reject(label, str(reason))
        self._refuse_equal_groups()

    def _refuse_equal_groups(self) -> None:
        """Refuse uploads of two groups that the roster knows as one team: "team_7", "Team 07"."""
        groups: dict[str, set[str]] = {}
        for delivery in self.found:
            if delivery.group:
                groups.setdefault(delivery.team, set()).add(delivery.group)
        for delivery in list(self.found):
            if delivery.group and len(groups[delivery.team]) > 1:
                self.found.remove(delivery)
                reason = (
                    f"two groups in Moodle are called {delivery.team}, if case, blanks and leading "
                    "zeros make no difference: collect the right one as "
                    f"{delivery.team}.zip"
                )
                self._reject(delivery.label, reason, delivery.team, delivery.person)

    # ------------------------------------------------------------------ what lies on the disk

    def _folder(self, path: Path, label: str, levels: int) -> None:
        """A folder of archives, of teams' folders, or of one team's files."""
        uploaded = lms.taken_apart(path.name + "/")
        if uploaded:
            if self._is_typed(uploaded, label):
                return
            batch = self.batches.setdefault(path.parent, Batch(download=True))
            self._upload(label, uploaded, self._tree(path, label), batch)
            return
        if team := self._team_of_folder(path):
            files = self._tree(path, label)
            delivery = self._deliver(label, team, files, self._foreign_names(files, team))
            delivery.uploader = self._member(path.name)
            return
        if levels == 0:
            self._ignore(label, "folders below it were not searched")
            return
        entries = {f"{label}/{entry.name}": entry for entry in sorted(path.iterdir())}
        folders = {k: entry for k, entry in entries.items() if stat.S_ISDIR(entry.lstat().st_mode)}
        self._files({k: e for k, e in entries.items() if k not in folders}, named=False)
        for inner, folder in folders.items():
            if not is_junk(folder.name):
                self._guarded(inner, self._folder, folder, inner, levels - 1)

    def _team_of_folder(self, path: Path) -> str:
        if self.roster:
            return self.roster.team(path.name)
        names = [entry.name for entry in path.iterdir()]
        holds_work = "notebooks" in names or any(map(notebooks.is_notebook_name, names))
        known = [notebooks.by_name(name, self.names)[0] for name in names]
        return team_id(path.name) if holds_work and (any(known) or "notebooks" in names) else ""

    def _files(self, paths: dict[str, Path], named: bool) -> None:
        """Archives and notebooks by label, those of one uploader taken together."""
        uploads: dict[tuple[str, str, str], list[tuple[lms.Uploaded, str, Path]]] = {}
        for label, path in paths.items():
            if is_junk(path.name):
                continue
            uploaded = lms.taken_apart(path.name)
            if uploaded and self._is_typed(uploaded, label):
                continue
            if uploaded:
                uploads.setdefault(uploaded.uploader, []).append((uploaded, label, path))
            else:
                self._guarded(label, self._single, path, label, named)
        for parts in uploads.values():
            self._guarded(parts[0][1], self._upload_of_files, parts)

    def _upload_of_files(self, parts: list[tuple[lms.Uploaded, str, Path]]) -> None:
        first, label, path = parts[0]
        files = [_file(place, uploaded.rest, own) for uploaded, own, place in parts]
        late = any(uploaded.late for uploaded, _, _ in parts)
        batch = self.batches.setdefault(path.parent, Batch(download=False))
        self._upload(label, first, files, batch, late)

    def _single(self, path: Path, label: str, named: bool) -> None:
        file = _file(path, path.name, label)
        if not named and path.suffix.lower() == ".zip" and self._is_download(path, alone=False):
            self._download(path, label)
            return
        try:
            if file.is_archive:
                team, notes, member = self._team_of_archive(path.name)
            elif notebooks.is_notebook_name(path.name):
                team, notes, member = self._team_of_notebook(path)
            elif named:
                raise Refused("neither an archive (.tar.gz, .zip) nor a notebook")
            else:
                self._ignore(label, "neither an archive nor a notebook, passed over")
                return
        except Refused:
            with suppress(Refused):
                self.digests[shown(label, LABEL)] = hashlib.sha256(file.read()).hexdigest()
            raise
        batch = self.batches.setdefault(path.parent, Batch(download=False, least=COPIED))
        self._deliver(label, team, [file], notes, batch=batch).uploader = member

    def _tree(self, root: Path, label: str) -> list[File]:
        """All files below a folder.  Raises Refused for links and for too much of anything."""
        files, register = [], Register()
        for folder, folders, names in os.walk(root, followlinks=False):
            below = sorted(names + folders)
            folders[:] = [name for name in folders if not is_junk(name)]
            for name in below:
                path = Path(folder) / name
                inner = path.relative_to(root).as_posix()
                mode = path.lstat().st_mode
                if is_junk(inner):
                    continue
                if stat.S_ISLNK(mode):
                    raise accepted.link(inner)
                if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                    raise Refused(f"neither file nor folder: {shown(inner)}")
                inner = register.add(inner, stat.S_ISDIR(mode))
                if stat.S_ISREG(mode):
                    files.append(_file(path, inner, f"{label}/{inner}"))
        return files

    # ------------------------------------------------------------------ what an LMS made

    def _is_download(self, path: Path, alone: bool) -> bool:
        from_lms = self.from_lms
        if from_lms is False or path.suffix.lower() != ".zip":
            return False
        match = ARCHIVE_NAME.fullmatch(path.name)
        stem = match.group(1) if match else path.stem
        named = pair_names(stem, self.pair_prefix) or (self.roster and self.roster.team(stem))
        if from_lms is None and named:
            return False
        if not lms.looks_like_download(lms.names_in(path)):
            return False
        if from_lms is None and not alone:
            raise Refused(
                "looks like a download from Moodle or Canvas; if you downloaded it yourself, "
                "collect it alone, with --lms"
            )
        return True

    def _download(self, path: Path, root: str) -> None:
        if self.roster is None:
            raise Refused("a download from an LMS needs a roster, which says whose upload is whose")
        members, refused = lms.open_bulk(path, self.stack, self.times.lms)
        for name, reason in refused:
            self._reject(f"{root}/{name}", reason)
        uploads: dict[tuple[str, str, str], list[tuple[lms.Uploaded, File]]] = {}
        start = len(lms.outer([member.path for member in members]))
        for member in members:
            label = f"{root}/{member.path}"
            uploaded = lms.taken_apart(member.path[start:])
            if uploaded is None:
                self._reject(label, "not named as Moodle or Canvas names uploads")
                continue
            if not self._is_typed(uploaded, label):
                file = File(uploaded.rest, label, member.changed, member.read)
                uploads.setdefault(uploaded.uploader, []).append((uploaded, file))
        self.notes.append(f"{shown(root)}: a download from an LMS, {len(uploads)} uploads")
        vouched = bool(self.from_lms)
        if not vouched:
            self.notes.append(
                f"{shown(root)}: anybody could have made it: as long as you don't say --lms, "
                "nothing in it takes the place of other work, and its dates don't count"
            )
        elif any(member.changed and not member.zoned for member in members):
            self.notes.append(
                f"{shown(root)}: its times have no zone; they were read in {self.times.lms}"
            )
        fallback = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        batch = Batch(download=True, zipped=True, unvouched="" if vouched else shown(root, LABEL))
        for parts in uploads.values():
            label = parts[0][1].label
            files = [file for _, file in parts]
            late = any(uploaded.late for uploaded, _ in parts)
            first = parts[0][0]
            self._guarded(label, self._upload, label, first, files, batch, late, fallback)

    def _is_typed(self, uploaded: lms.Uploaded, label: str) -> bool:
        """Whether it is text typed into Moodle, which is said and left out."""
        typed = uploaded.kind != "file"
        if typed:
            self._ignore(label, "text typed online, no file")
        return typed

    def _upload(
        self,
        label: str,
        uploaded: lms.Uploaded,
        files: list[File],
        batch: Batch,
        late: bool = False,
        fallback: datetime | None = None,
    ) -> None:
        """Files of one uploader, who is looked up in the roster.  Raises Refused."""
        if self.roster is None:
            raise Refused("an upload to an LMS needs a roster, which says whose it is")
        if not uploaded.number and uploaded.lms == "canvas":
            raise Refused("an anonymous download does not say whose upload it is: turn that off")
        person = f"{shown(uploaded.name, 100)}, {uploaded.lms} {shown(uploaded.number)}".strip()
        try:
            student = self.roster.uploader(uploaded.lms, uploaded.number, uploaded.name)
        except Refused as reason:
            self._reject(label, str(reason), person=person)
            return
        notes = ["Canvas marks it as late"] if late else []
        notes += self._foreign_names(files, student.team)
        delivery = self._deliver(label, student.team, files, notes, fallback, batch)
        delivery.group = "" if student.id else uploaded.number
        delivery.uploader = student.id
        delivery.in_time = not late if uploaded.lms == "canvas" else None
        delivery.person = person

    # ------------------------------------------------------------------ whose it is

    def _team_of_archive(self, name: str) -> tuple[str, list[str], str]:
        match = ARCHIVE_NAME.fullmatch(name)
        return self._team_named(match.group(1) if match else name, name)

    def _team_of_notebook(self, path: Path) -> tuple[str, list[str], str]:
        """A single notebook: the name without the notebook's own, or the folder it lies in."""
        match = notebooks.FILE_NAME.fullmatch(path.name)
        stem = team_id(BROWSER_COPY.sub("", match.group(1) if match else path.stem))
        name, _ = notebooks.by_name(path.name, self.names)
        rest = stem
        if name:
            rest = f"_{stem}_".replace(f"_{team_id(name)}_", "_", 1).strip("_")
        if not rest or (name and letters(rest) in ("copy", "kopie")):
            raise Refused("its name says no team: call it team_7.ipynb, or put it into team_7.zip")
        return self._team_named(rest, path.name)

    def _team_named(self, stem: str, name: str) -> tuple[str, list[str], str]:
        """The team that a name means, notes, and the student if it is one's that it means."""
        plain = BROWSER_COPY.sub("", stem)
        notes = [f"{shown(name)} was taken as {shown(plain)}"] if plain != stem else []
        names = pair_names(plain, self.pair_prefix)
        if self.roster is None:
            team = team_id(names or plain)
            if not team or notebooks.by_name(f"{plain}.ipynb", self.names)[0]:
                raise Refused("its name says no team: call it after the team, team_7.tar.gz")
            return team, notes, ""
        team = self.roster.team(plain)
        if not team and names:
            team = self.roster.by_names(names.split("_"))
            if not team:
                raise Refused(f"the names in {shown(plain)} are not those of one team's members")
        if not team:
            raise Refused(f"{shown(plain)} is not in the roster{self.roster.near(plain)}")
        return team, notes, self._member(plain)

    def _member(self, text: str) -> str:
        """Id of the student whom a name names, rather than a team; "" if none."""
        wanted = team_id(text)
        members = self.roster.students if self.roster else []
        return next((s.id for s in members if team_id(s.id) == wanted != s.team), "")

    def _foreign_names(self, files: Iterable[File], team: str) -> list[str]:
        """Notes on delivered archives that are called after another team."""
        notes = []
        for file in files:
            match = ARCHIVE_NAME.fullmatch(file.path.rpartition("/")[2])
            claimed = self.claimed(match.group(1)) if match else ""
            if claimed and claimed != team:
                notes.append(f"{shown(file.path)} is called after {claimed}; it counts for {team}")
        return notes

    def claimed(self, text: str) -> str:
        """The team that a name inside a delivery seems to claim, for notes only."""
        if self.roster:
            return self.roster.team(BROWSER_COPY.sub("", text))
        match = re.match(r"(?:team|group)[\s_-]*\d+", text, re.IGNORECASE)
        return team_id(match.group()) if match else ""

    # ------------------------------------------------------------------ bookkeeping

    def source(self, label: str) -> str:
        """Where on this machine something lies that reports call by a label."""
        for root, path in self.roots.items():
            root = shown(root, LABEL)
            if label == root or label.startswith(f"{root}/"):
                return f"{path}{label[len(root) :]}"
        return ""

    def _deliver(
        self,
        label: str,
        team: str,
        files: list[File],
        notes: list[str],
        fallback: datetime | None = None,
        batch: Batch | None = None,
    ) -> Delivery:
        if not files:
            raise Refused("an empty folder")
        if batch is not None and batch.unvouched:
            now = datetime.now(UTC)
            when = Arrival(min(fallback or now, now), UNVOUCHED)
        else:
            when = arrivals.judged((file.changed for file in files), self.times, fallback)
        if when.doubt == UNVOUCHED:
            pass  # said once, of the zip
        elif when.doubt:
            notes = [*notes, f"{when.doubt}: {NOT_KNOWN}"]
        elif batch:
            batch.times.append(when.moment)
        delivery = Delivery(shown(label, LABEL), team, files, when.moment, notes)
        delivery.batch, delivery.doubt = batch, when.doubt
        self.found.append(delivery)
        return delivery

    def _guarded(self, label: str, step: Callable[..., None], *args: Any) -> None:
        try:
            step(*args)
        except Refused as reason:
            self._reject(label, str(reason))
        except OSError as error:
            self._reject(label, f"can't be read: {error.strerror or error}")

    def _ignore(self, label: str, reason: str) -> None:
        self.notes.append(f"{shown(label)}: {reason}")
        self.ignored.append(Ignored(shown(label, LABEL), reason))

    def _reject(self, label: str, reason: str, team: str = "", person: str = "") -> None:
        entry = Rejected(shown(label, LABEL), team, shown(reason, 500), person=person)
        self.rejected.append(entry)


def _labelled(paths: list[Path]) -> dict[str, Path]:
    """Paths by what reports call them: the name, with as much before it as tells them apart."""
    places = (path.absolute() if path.is_symlink() else path.resolve() for path in paths)
    pending = list(dict.fromkeys(places))
    found: dict[str, Path] = {}
    length = 1
    while pending:
        names = ["/".join(path.parts[-length:]) for path in pending]
        count = Counter(names)
        found.update((n, p) for n, p in zip(names, pending, strict=True) if count[n] == 1)
        pending = [p for n, p in zip(names, pending, strict=True) if count[n] > 1]
        length += 1
    return found


def _file(path: Path, inner: str, label: str) -> File:
    """A file on disk, read later.  Raises Refused if it is no plain file."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise Refused("a symbolic link, links are not followed")
    if not stat.S_ISREG(status.st_mode):
        raise Refused("neither file nor folder")

    def read() -> bytes:
        accepted.check_archive(status.st_size)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as stream:
                return stream.read(ARCHIVE_BYTES + 1)
        except OSError as error:
            raise Refused(f"can't be read: {error.strerror or error}") from None

    return File(inner, label, _time(status.st_mtime), read)


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
