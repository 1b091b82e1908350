"""Gradescope: "Export submissions" of a programming assignment.

`assignment_NNN_export/submission_metadata.yml` says for each folder `submission_NNN/` who submitted
it and when, in Ruby's YAML (from users' files; `:created_at` is inferred).  Several submitters are
a group.  The text is read as text: no tag in it makes an object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader import apart
from grader.classroom.whose import Claim
from grader.config.zones import Zone
from grader.intake.downloads.reader import Item, Reader, Reading, Upload, in_zone, timed
from grader.text import shown
from utils.packing.accepted import MIB, Refused

METADATA = "submission_metadata.yml"
LARGEST = 16 * MIB
"""Of the metadata: they hold what autograders said."""
SECONDS = 20.0
"""Of the processor, to read that; deep nesting ends the process that does."""
_WHO = (":name", ":sid", ":email")
Submission = tuple[list[tuple[str, ...]], str]
"""(what stands at _WHO for each submitter, when)."""
_PATH = re.compile(r"(?P<folder>submission_\d+)/(?P<rest>.+)")


class Gradescope(Reader):
    """Who and when stand in a file of metadata."""

    name, title = "gradescope", "Gradescope"
    form = f"{METADATA} and submission_12345/…"
    tells = zoned = True

    def own(self, path: str) -> bool:
        """Whether Gradescope names files so."""
        return path == METADATA or _PATH.fullmatch(path) is not None

    def read(self, items: Sequence[Item], zone: Zone) -> Reading:
        """Look up each folder.  Raises Refused if there are no metadata."""
        metadata = next((item for item in items if item.path == METADATA), None)
        if metadata is None:
            raise Refused(f"{METADATA}, which says whose is what, is missing: download it again")
        entries = _parsed(metadata.read())
        reading = Reading(own=[(metadata, "Gradescope's own list of who submitted what")])
        folders: dict[str, list[tuple[str, Item]]] = {}
        for item in items:
            if match := _PATH.fullmatch(item.path):
                folders.setdefault(match["folder"], []).append((match["rest"], item))
            elif item is not metadata:
                reading.others.append(item)
        for folder, files in folders.items():
            if folder in entries:
                reading.uploads.append(_upload(entries[folder], files, zone))
            else:
                reason = f"{METADATA} does not say who submitted {folder}"
                reading.refused += [(item, reason) for _, item in files]
        return reading


def _parsed(content: bytes) -> dict[str, Submission]:
    """What the metadata say, by folder.  Raises Refused."""
    if len(content) > LARGEST:
        raise Refused(f"{METADATA} is larger than {LARGEST // MIB} MiB")
    try:
        return apart.call(SECONDS, submissions_in, content)
    except apart.TooMuch as error:
        raise Refused(f"{METADATA} can't be read: {shown(error)}") from None


def submissions_in(content: bytes) -> dict[str, Submission]:
    """Who submitted each folder, and when; those of which it can't be told are left out."""
    import yaml  # takes its time, and most downloads have none

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    entries = yaml.load(content, Loader=loader)
    found: dict[str, Submission] = {}
    for folder, entry in entries.items() if isinstance(entries, dict) else ():
        people = entry.get(":submitters") if isinstance(entry, dict) else None
        if not isinstance(people, list) or not all(isinstance(each, dict) for each in people):
            continue
        told = [tuple(str(each.get(key, "")) for key in _WHO) for each in people]
        if told:
            found[str(folder)] = told, str(entry.get(":created_at", ""))
    return found


def _upload(entry: Submission, files: list[tuple[str, Item]], zone: Zone) -> Upload:
    people, created = entry
    claims = tuple(
        Claim((name,), logins=tuple(text for text in logins if text)) for name, *logins in people
    )
    when, notes = timed(created)
    return Upload(claims, tuple(files), len(claims) > 1, in_zone(when, zone), notes=notes)
