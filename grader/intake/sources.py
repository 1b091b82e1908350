"""From what the instructor names to deliveries: whose each is, when it came, and its files.

Whose it is comes from the name that the instructor or the LMS gave to an archive or a folder,
and from the roster; the inside of a student's archive is never asked.  Links are not followed.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.classroom.results import Ignored, Rejected
from grader.classroom.roster import Student, team_id
from grader.classroom.whose import Meant, whose
from grader.config import Times
from grader.intake import arrivals, disk, downloads, notebooks
from grader.intake.arrivals import Arrival, Batch
from grader.intake.delivery import ARCHIVE_NAME, LABEL, NOT_KNOWN, Delivery, File
from grader.intake.downloads import zips
from grader.intake.downloads.reader import Item, Reader, Upload
from grader.intake.handin import pair_names
from grader.intake.hub import Inbound
from grader.intake.ignored import FILE
from grader.intake.naming import Naming
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import Refused, is_junk

FOLDERS = 6
"""How deep folders are searched for bounds."""
COPIED = 3
"""So many files of one folder, dated within minutes after the due date, were copied then."""
UNVOUCHED = "nobody has said (--lms) that its zip is a download from an LMS"


@dataclass
class Finder:
    """Looks through what the instructor named and collects deliveries and refusals."""

    naming: Naming
    """Says whose something is by its name."""
    stack: ExitStack
    """Keeps downloads open."""
    times: Times
    """In which zone an LMS writes, and what can't be a time of arrival."""
    found: list[Delivery] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    """What is nobody's, or no file, by label."""
    from_lms: bool | None = None
    system: Reader | None = None
    """The only one whose downloads are looked for, if the instructor says which."""
    exchange: Inbound | None = None
    """What the machine says of folders in nbgrader's exchange, if they are taken from there."""
    roots: dict[str, Path] = field(default_factory=dict)
    """What the instructor named, by label."""
    digests: dict[str, str] = field(default_factory=dict)
    """Label -> SHA-256 of files of which nobody could tell whose they are."""
    batches: dict[tuple[Path, str], Batch] = field(default_factory=dict)
    """By folder, and the LMS whose uploads lie in it; "" for what is no upload."""

    def find(self, paths: list[Path], from_lms: bool | None, system: Reader | None = None) -> None:
        """Fill `found`, `rejected` and `notes`.

        A zip that looks like a download from an LMS is read as one if `from_lms` is true, or if
        it is None and nothing else was named.  A student could imitate such a zip and send it
        by mail: unless `from_lms` is true nothing in it takes the place of other work, and no date
        in it counts.  The same goes for a folder with uploads of several people.
        system: of which it is, if the instructor says so.
        """
        self.from_lms, self.system = from_lms, system
        self.roots = disk.labelled(paths)
        for label, path in self.roots.items():
            try:
                mode = path.lstat().st_mode
                if stat.S_ISDIR(mode):
                    self._folder(path, label, FOLDERS, len(paths) == 1)
                else:
                    self._named_file(path, label, len(paths) == 1)
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
                    f"two groups are called {delivery.team}, if case, blanks and leading "
                    "zeros make no difference: collect the right one as "
                    f"{delivery.team}.zip"
                )
                self._reject(delivery.label, reason, delivery.team, delivery.person)

    # ------------------------------------------------------------------ what lies on the disk

    def _folder(self, path: Path, label: str, levels: int, alone: bool = False) -> None:
        """A folder of archives, of teams' folders, of uploads to an LMS, or of one team's files."""
        if self.system is not None and self.system.everywhere:
            self._ruled(self.system, path, label)
            return
        for reader in self._readers():
            if reader.own(f"{path.name}/x") and self._is_somebodys(reader, path):
                self._sort(reader, self._items(path, path.name, label), label, path.parent)
                return
        if team := self._team_of_folder(path):
            files = disk.below(path, label)
            delivery = self._deliver(label, team, files, self.naming.foreign(files, team))
            delivery.uploader = self.naming.member(path.name)
            delivery.rule = "the name of its folder"
            return
        if levels == 0:
            self._ignore(label, "folders below it were not searched")
            return
        entries = {f"{label}/{entry.name}": entry for entry in sorted(path.iterdir())}
        entries = {k: entry for k, entry in entries.items() if not is_junk(entry.name)}
        inside = {inner: disk.shallow(entry) for inner, entry in entries.items()}
        for reader in self._readers():
            known = {inner: entry for inner, entry in entries.items()
                     if any(map(reader.own, inside[inner]))}  # fmt: skip
            taken = self._uploads_in(reader, known, label, path)
            entries = {inner: entry for inner, entry in entries.items() if inner not in taken}
        alone = alone and len(entries) == 1
        for inner, entry in entries.items():
            if stat.S_ISDIR(entry.lstat().st_mode):
                self._guarded(inner, self._folder, entry, inner, levels - 1, alone)
            else:
                self._guarded(inner, self._single, entry, inner, False, alone)

    def _ruled(self, reader: Reader, path: Path, label: str) -> None:
        """A folder of which the instructor says how files are named, wherever in it they lie."""
        items: list[Item] = []
        for entry in sorted(path.iterdir()):
            if not is_junk(entry.name):
                with self._minding(f"{label}/{entry.name}"):
                    inner = f"{label}/{entry.name}"
                    items += self._items(entry, entry.name, inner, zips.BULK_MEMBERS)
        named = [item for item in items if reader.own(item.path)]
        for item in items:
            if item not in named:
                place = path / item.path
                with self._minding(item.label):
                    found = self._reader_of(place, alone=False)
                    if found is None:
                        raise Refused(f"not named as {reader.title} says")
                    self._download(place, item.label, found)
        if named:
            self._sort(reader, named, label, path)

    def _readers(self) -> Iterable[Reader]:
        """Those whose uploads are looked for on the disk."""
        if self.from_lms is False:
            return ()
        return (self.system,) if self.system else (r for r in downloads.READERS if r.bold)

    def _uploads_in(
        self, reader: Reader, entries: dict[str, Path], label: str, folder: Path
    ) -> set[str]:
        """Take from a folder's entries, by label, those that are uploads by a reader's word."""
        items: list[Item] = []
        taken: set[str] = set()
        for inner, entry in entries.items():
            if self._is_instructors(entry) or not self._is_somebodys(reader, entry):
                continue
            taken.add(inner)
            with self._minding(inner):
                if self.exchange is not None and entry.name in self.exchange.refused:
                    raise Refused(self.exchange.refused[entry.name])
                items += self._items(entry, entry.name, inner)
        if items:
            with self._minding(label):
                self._sort(reader, items, label, folder)
        return taken

    def _is_somebodys(self, reader: Reader, path: Path) -> bool:
        """Whether a folder's name that many folders have is one of an upload: somebody's is."""
        if reader.bold or self.naming.roster is None or not path.is_dir():
            return True
        item = Item(f"{path.name}/x", path.name, None, bytes)
        try:
            for upload in reader.read([item], self.times.lms).uploads:
                whose(self.naming.roster, upload.claims, reader.name)
        except Refused:
            return False
        return True

    def _is_instructors(self, path: Path) -> bool:
        """Whether a file is called after a team, by an instructor, though it looks like more."""
        if self.system is not None:
            return False
        match = ARCHIVE_NAME.fullmatch(path.name) or notebooks.FILE_NAME.fullmatch(path.name)
        if match is None:
            return False
        # team_7_2027_01.zip is no upload to Canvas
        numbered = re.match(r"(?:team|group)_\d", path.name, re.IGNORECASE) is not None
        return numbered or bool(self.naming.roster and self.naming.roster.team(match.group(1)))

    def _items(
        self, path: Path, inner: str, label: str, most: int = accepted.MEMBERS
    ) -> list[Item]:
        """A file, or all files in a folder, as a reader wants them.  Raises Refused."""
        if not stat.S_ISDIR(path.lstat().st_mode):
            file = disk.on_disk(path, inner, label)
            return [Item(inner, label, file.changed, file.read)]
        files = disk.below(path, label, most)
        if not files:
            raise Refused("an empty folder")
        seen = self.exchange.seen.get(path.name) if self.exchange is not None else None
        return [Item(f"{inner}/{f.path}", f.label, seen or f.changed, f.read) for f in files]

    def _named_file(self, path: Path, label: str, alone: bool) -> None:
        """A file that the instructor named: an upload by its name, a download, or a team's."""
        for reader in self._readers():
            if reader.own(path.name) and not self._is_instructors(path):
                self._sort(reader, self._items(path, path.name, label), label, path.parent)
                return
        if stat.S_ISREG(path.lstat().st_mode) and (found := self._reader_of(path, alone)):
            self._download(path, label, found)
            return
        self._single(path, label, named=True)

    def _team_of_folder(self, path: Path) -> str:
        if self.naming.roster:
            return self.naming.roster.team(path.name)
        names = [entry.name for entry in path.iterdir()]
        holds_work = "notebooks" in names or any(map(notebooks.is_notebook_name, names))
        known = [notebooks.by_name(name, self.naming.notebooks)[0] for name in names]
        return team_id(path.name) if holds_work and (any(known) or "notebooks" in names) else ""

    def _single(self, path: Path, label: str, named: bool, alone: bool = False) -> None:
        file = disk.on_disk(path, path.name, label)
        if not named and (reader := self._reader_of(path, alone)):
            self._download(path, label, reader)
            return
        try:
            if file.is_archive:
                team, notes, member = self.naming.of_archive(path)
            elif notebooks.is_notebook_name(path.name):
                team, notes, member = self.naming.of_notebook(path)
            elif named:
                raise Refused("neither an archive (.tar.gz, .zip) nor a notebook")
            else:
                self._ignore(label, "neither an archive nor a notebook, passed over")
                return
        except Refused:
            with suppress(Refused):
                self.digests[shown(label, LABEL)] = hashlib.sha256(file.read()).hexdigest()
            raise
        batch = self.batches.setdefault((path.parent, ""), Batch(download=False, least=COPIED))
        delivery = self._deliver(label, team, [file], notes, batch=batch)
        delivery.uploader, delivery.rule = member, "the name of its file"

    # ------------------------------------------------------------------ what an LMS made

    def _reader_of(self, path: Path, alone: bool) -> Reader | None:
        """Whose download a zip is; None if it is none.  Raises Refused if that can't be said."""
        if self.from_lms is False or path.suffix.lower() != ".zip":
            return None
        match = ARCHIVE_NAME.fullmatch(path.name)
        stem = match.group(1) if match else path.stem
        named = pair_names(stem, self.naming.pair_prefix) or (
            self.naming.roster and self.naming.roster.team(stem)
        )
        if self.from_lms is None and named:
            return None
        paths = downloads.unjunked(zips.names_in(path))
        if self.system is None:
            reader = downloads.recognised(paths)
        else:
            reader = self.system if downloads.is_of(self.system, paths) else None
            if reader is None and not named:
                title, form = self.system.title, self.system.form
                inside = shown(paths[0], 60) if paths else "nothing"
                raise Refused(
                    f"no download from {title}, which names files {form}: it holds {inside}"
                )
        if reader is not None and self.from_lms is None and not alone:
            raise Refused(
                f"looks like a download from {reader.title}; if you downloaded it yourself, "
                "collect it alone, with --lms"
            )
        return reader

    def _download(self, path: Path, root: str, reader: Reader) -> None:
        if self.naming.roster is None and reader.needs_roster:
            raise Refused("a download from an LMS needs a roster, which says whose upload is whose")
        items, refused = zips.open_bulk(path, root, self.stack, self.times.lms)
        for label, reason in refused:
            self._reject(label, reason)
        start = reader.outer([item.path for item in items])
        items = [replace(item, path=item.path[start:]) for item in items]
        batch = Batch(download=True, zipped=True)
        fallback = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self._sort(reader, items, root, path, batch, fallback)

    def _sort(
        self,
        reader: Reader,
        items: list[Item],
        root: str,
        place: Path,
        batch: Batch | None = None,
        fallback: datetime | None = None,
    ) -> None:
        """Deliver what a reader finds.  place: the folder or zip in which it lies."""
        reading = reader.read(items, self.times.lms)
        uploads = reading.uploads
        for item, reason in reading.passed:
            self._ignore(item.label, reason)
        self.ignored += [Ignored(shown(i.label, LABEL), reason) for i, reason in reading.own]
        if reading.own:
            count = f"{len(reading.own)} file{'s' if len(reading.own) > 1 else ''}"
            self.notes.append(
                f"{shown(root)}: {count} of {reader.title}'s own left out; {FILE} lists them"
            )
        for item, reason in reading.refused:
            self._reject(item.label, reason)
        for item in reading.others:
            self._reject(item.label, f"not named as {reader.title} names uploads, {reader.form}")
        zipped = batch is not None
        if batch is None:
            of_folders = any("/" in item.path for item in items) and not reader.everywhere
            least = COPIED if reader.everywhere else 2
            batch = self.batches.setdefault(
                (place, reader.name), Batch(download=of_folders, least=least)
            )
        if zipped or len({upload.claims for upload in uploads}) > 1:
            self._say_download(reader, items, uploads, root, batch, zipped)
        for upload in uploads:
            self._guarded(
                upload.files[0][1].label, self._upload, reader, upload, root, batch, fallback
            )

    def _say_download(
        self,
        reader: Reader,
        items: list[Item],
        uploads: list[Upload],
        root: str,
        batch: Batch,
        zipped: bool,
    ) -> None:
        """Say what it was taken for, and note whether anybody answers for it."""
        root = shown(root, LABEL)
        self.notes.append(f"{root}: a download from {reader.title}, {len(uploads)} uploads")
        if not self.from_lms:
            batch.unvouched = root
            self.notes.append(
                f"{root}: anybody could have made it: as long as you don't say --lms, "
                "nothing in it takes the place of other work, and its dates don't count"
            )
        elif not reader.zoned and (
            reader.tells or (zipped and any(i.changed and not i.zoned for i in items))
        ):
            self.notes.append(f"{root}: its times have no zone; they were read in {self.times.lms}")

    def _upload(
        self,
        reader: Reader,
        upload: Upload,
        root: str,
        batch: Batch,
        fallback: datetime | None = None,
    ) -> None:
        """Files of one uploader, who is looked up in the roster.  Raises Refused."""
        if self.naming.roster is None and reader.needs_roster:
            raise Refused("an upload to an LMS needs a roster, which says whose it is")
        files = [File(rest, i.label, i.changed, i.read) for rest, i in upload.files]
        first = upload.claims[0]
        person = f"{first}, {reader.name} {shown(first.number)}".strip()
        try:
            meant = self._whose(reader, upload)
        except Refused as reason:
            self._reject(files[0].label, str(reason), person=person)
            return
        student = meant.student
        notes = [f"{reader.title} marks it as late"] if upload.late else []
        notes += upload.notes
        notes += self.naming.foreign(files, student.team)
        label = files[0].label
        delivery = self._deliver(label, student.team, files, notes, fallback, batch)
        if reader.groups and not student.id:
            delivery.group = first.number or str(first)
        delivery.uploader, delivery.rule = student.id, f"{reader.title}, {meant.how}"
        delivery.in_time = None if upload.late is None else not upload.late
        delivery.person, delivery.system, delivery.number = person, reader.name, first.number
        if upload.when is not None and self.from_lms:
            delivery.dated_by(reader.teller, upload.when, not reader.zoned)

    def _whose(self, reader: Reader, upload: Upload) -> Meant:
        """Who is meant by an upload; without a roster, the team that its name is."""
        if self.naming.roster is not None:
            return whose(self.naming.roster, upload.claims, reader.name, upload.together)
        claim = upload.claims[0]
        team = team_id((claim.names or claim.logins)[0])
        if not team:
            raise Refused("its name says no team: call it after the team, team_7.tar.gz")
        return Meant(Student(team, ""), "the name of a team")

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
        with self._minding(label):
            step(*args)

    @contextmanager
    def _minding(self, label: str) -> Iterator[None]:
        """Note what is refused, and go on."""
        try:
            yield
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
