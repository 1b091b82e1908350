"""Zips of a whole class, opened within bounds."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from grader.config.zones import Zone
from grader.intake import archives
from grader.intake.archives import Guarded
from grader.intake.downloads.reader import Item
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import ARCHIVE_BYTES, MIB, Refused

BULK_BYTES = 16 * 1024 * MIB
"""Largest download of a whole class."""
BULK_MEMBERS = 20_000
"""Most files in a download of a whole class."""
BULK_DIRECTORY_BYTES = 16 * MIB


def names_in(path: Path) -> list[str]:
    """Names of a zip's files, without looking into any; none if it is no zip or no sound one."""
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                return []
            guarded = cast(IO[bytes], Guarded(stream, BULK_DIRECTORY_BYTES))
            with zipfile.ZipFile(guarded) as archive:
                return [info.filename for info in archive.infolist() if not info.is_dir()]
    except Exception:  # whatever is wrong with it, reading it in earnest will say
        return []


def open_bulk(
    path: Path, root: str, stack: ExitStack, zone: Zone
) -> tuple[list[Item], list[tuple[str, str]]]:
    """Files of a download, and (label, reason) of those that are refused.

    root: what the download is called in reports.
    zone: in which the LMS writes times.
    The files stay readable until `stack` closes.  Raises Refused if nothing can be read.
    """
    if path.stat().st_size > BULK_BYTES:
        raise Refused(f"larger than {BULK_BYTES // MIB} MiB")
    stream = stack.enter_context(path.open("rb"))
    try:
        guarded = cast(IO[bytes], Guarded(stream, BULK_DIRECTORY_BYTES))
        archive = stack.enter_context(zipfile.ZipFile(guarded))
        infos = [info for info in archive.infolist() if not info.is_dir()]
        archives.check_overlap(archive.infolist(), archive.start_dir)
    except Refused:
        raise
    except Exception as error:  # the libraries' own errors on forged bytes have no common class
        raise Refused(f"damaged ({shown(error)}): download it again") from None
    if len(infos) > BULK_MEMBERS:
        raise Refused(f"more than {BULK_MEMBERS} files")
    members, refused = [], []
    for info in infos:
        try:
            archives.check_zip_member(info)
            clean = accepted.safe_path(info.filename)
        except Refused as reason:
            refused.append((f"{root}/{info.filename}", str(reason)))
            continue
        if not accepted.is_junk(clean):
            changed, zoned = archives.zip_time(info, zone)
            read = _reader(archive, info)
            members.append(Item(clean, f"{root}/{clean}", changed, read, zoned))
    return members, refused


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return archives.read_zip_member(archive, info, ARCHIVE_BYTES)
        except Refused:
            raise
        except Exception as error:  # see open_bulk
            raise Refused(f"damaged in the download ({shown(error)}): download it again") from None

    return read
