"""Archives, read without trusting them: zip, tar and tar.gz, in memory and within bounds.

Nothing is ever extracted to disk here and no link is followed; an archive that breaks a rule is
refused as a whole, with a reason that says what to do.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, cast

from grader.config.zones import Zone
from grader.intake import bounds
from grader.intake.bounds import Contents, Member
from grader.intake.tar import unpack_tar
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import MIB, Refused, Register, check_total, is_junk

FOREIGN = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


def kind_of(data: bytes) -> str:
    """ "zip", "tar.gz" or "tar" by what the bytes say, not the name; "" if none of them.

    Raises Refused for archives of other programs.
    """
    for magic, program in FOREIGN.items():
        if data.startswith(magic):
            raise Refused(f"a {program} archive: hand in a .tar.gz or .zip")
    if data.startswith((b"PK\3\4", b"PK\5\6")):
        return "zip"
    if data.startswith(b"\x1f\x8b"):
        return "tar.gz"
    return "tar" if data[257:262] == b"ustar" else ""


def unpack(data: bytes, wanted: Callable[[str], bool]) -> Contents:
    """Read an archive's files for which `wanted(path)` holds.

    Raises Refused, and nothing else, whatever the bytes are.
    """
    accepted.check_archive(len(data))
    if not data:
        raise Refused("an empty file: the upload failed, ask for it again")
    try:
        kind = kind_of(data)
        if kind == "zip":
            return _unpack_zip(data, wanted)
        if kind == "tar.gz":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                return unpack_tar(cast(IO[bytes], stream), len(data), wanted)
        if kind == "tar":
            return unpack_tar(io.BytesIO(data), len(data), wanted)
    except Refused:
        raise
    except EOFError:
        raise Refused("cut off before its end: the upload failed, ask for it again") from None
    except Exception as error:  # the libraries' own errors on forged bytes have no common class
        detail = shown(f"{type(error).__name__}: {error}")
        raise Refused(f"damaged ({detail}): ask for it again") from None
    raise Refused("not a zip, tar or tar.gz archive, whatever its name says")


class Guarded(io.RawIOBase):
    """A file that refuses one huge read: `zipfile` reads a central directory in one go."""

    def __init__(self, stream: IO[bytes], largest: int) -> None:
        self._stream, self._largest = stream, largest

    def read(self, size: int = -1) -> bytes:
        if size is not None and size > self._largest:
            raise Refused("the zip's table of contents is too large")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def check_zip_member(info: zipfile.ZipInfo) -> None:
    """Refuse what is not a plainly packed file or folder."""
    if info.orig_filename != info.filename:
        raise Refused(f"a file name holds control characters: {shown(info.orig_filename)}")
    if info.flag_bits & 0x1:
        raise Refused("encrypted: hand it in without a password")
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode == stat.S_IFLNK:
        raise accepted.link(info.filename)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Refused(f"neither file nor folder: {shown(info.filename)}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("packed with an unusual method: pack again as a plain zip")


def check_overlap(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes, the trick of bombs that grow with the square.

    Every member needs 30 bytes of header, its name and its packed bytes, before the next begins.
    """
    offsets = sorted(infos, key=lambda info: info.header_offset)
    limits = [info.header_offset for info in offsets[1:]] + [end]
    for info, limit in zip(offsets, limits, strict=False):
        if info.header_offset < 0 or info.header_offset + 30 + info.compress_size > limit:
            raise Refused("files in the zip overlap: it is forged or damaged")


def read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, largest: int) -> bytes:
    """One member, checked against its size and checksum.  Raises Refused or zipfile's errors."""
    if info.file_size > largest:
        raise Refused(f"larger than {largest // MIB} MiB: {shown(info.filename)}")
    content = bytearray()
    with archive.open(info) as stream:
        while len(content) <= info.file_size and (chunk := stream.read(MIB)):
            content += chunk
    if len(content) != info.file_size:
        raise Refused(f"cut off or with a wrong size: {shown(info.filename)}")
    return bytes(content)


def zip_time(info: zipfile.ZipInfo, zone: Zone) -> tuple[datetime | None, bool]:
    """When a member was last changed, None if the zip does not say; and whether it told a zone.

    The extended timestamp is in UTC; the plain one has no zone, and is read in `zone`.
    """
    extra = info.extra
    while len(extra) >= 4:
        tag, size = struct.unpack("<HH", extra[:4])
        if tag == 0x5455 and size >= 5 and extra[4:5] and extra[4] & 1 and len(extra) >= 9:
            return datetime.fromtimestamp(struct.unpack("<i", extra[5:9])[0], UTC), True
        extra = extra[4 + size :]
    try:
        stamp = datetime(*info.date_time)
        return (None if stamp.year <= 1980 else zone.earliest(stamp)), False
    except (ValueError, OverflowError):
        return None, False


def _unpack_zip(data: bytes, wanted: Callable[[str], bool]) -> Contents:
    contents, register, total = Contents(), Register(), 0
    with zipfile.ZipFile(Guarded(io.BytesIO(data), bounds.DIRECTORY_BYTES)) as archive:
        infos = archive.infolist()
        if len(infos) > accepted.MEMBERS:
            raise Refused(f"more than {accepted.MEMBERS} files: hand in only what is asked for")
        for info in infos:
            check_zip_member(info)
            total += info.file_size
            check_total(total, len(data))
        check_overlap(infos, archive.start_dir)
        for info in infos:
            path = register.add(info.filename, info.is_dir())
            if info.is_dir() or is_junk(path):
                continue
            if wanted(path):
                content = read_zip_member(archive, info, accepted.FILE_BYTES)
                contents.members.append(Member(path, content))
            else:
                contents.others.append(path)
    return contents
