"""Tar, read forward from a stream, with every limit checked before a byte is kept.

Headers are read by code of our own, because `tarfile` takes quadratic time on forged pax and
sparse headers, and keeps what it reads of them without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from grader.intake import bounds
from grader.intake.bounds import Contents, Member
from grader.text import shown
from utils.packing import accepted
from utils.packing.accepted import MIB, Refused, Register, check_file, check_total, is_junk


class _Bounded:
    """A stream that counts what it gives out and ends a bomb early."""

    def __init__(self, stream: IO[bytes], packed: int) -> None:
        self._stream, self._packed, self._total = stream, packed, 0

    def chunks(self, size: int) -> Iterator[bytes]:
        """Exactly `size` bytes in pieces.  Raises EOFError if there are fewer."""
        while size > 0:
            chunk = self._stream.read(min(size, MIB))
            if not chunk:
                raise EOFError
            self._total += len(chunk)
            check_total(self._total, self._packed)
            size -= len(chunk)
            yield chunk

    def read(self, size: int) -> bytes:
        return b"".join(self.chunks(size))

    def skip(self, size: int) -> None:
        for _ in self.chunks(size):
            pass

    def drain(self) -> None:
        """Read to the end, so that gzip compares its checksum."""
        while chunk := self._stream.read(MIB):
            self._total += len(chunk)
            check_total(self._total, self._packed)


@dataclass(frozen=True)
class _Header:
    name: str
    size: int
    type: bytes


def unpack_tar(unpacked: IO[bytes], packed: int, wanted: Callable[[str], bool]) -> Contents:
    """Read a tar's files for which `wanted(path)` holds, from a stream out of `packed` bytes.

    Raises Refused, EOFError for one that is cut off, and whatever the stream raises.
    """
    stream = _Bounded(unpacked, packed)
    contents, register = Contents(), Register()
    for header in _headers(stream):
        is_folder = header.type == b"5" or header.name.endswith("/")
        path = register.add(header.name, is_folder)
        check_file(path, header.size)
        padding = -header.size % 512
        if is_folder or is_junk(path) or not wanted(path):
            stream.skip(header.size + padding)
            if not is_folder and not is_junk(path):
                contents.others.append(path)
            continue
        contents.members.append(Member(path, stream.read(header.size)))
        stream.skip(padding)
    stream.drain()
    return contents


def _headers(stream: _Bounded) -> Iterator[_Header]:
    """Headers of files and folders, with long names applied.

    Layout: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU's type L.
    """
    extended: dict[str, str] = {}
    count, header_bytes = 0, 0
    while any(block := stream.read(512)):
        count += 1
        if count > 2 * accepted.MEMBERS:
            raise Refused(f"more than {accepted.MEMBERS} files: hand in only what is asked for")
        header = _header(block)
        if header.type in (b"x", b"g", b"L"):
            header_bytes += header.size
            if header_bytes > bounds.HEADER_BYTES:
                raise Refused("the tar's headers are too large")
            body = stream.read(header.size)
            stream.skip(-header.size % 512)
            if header.type == b"L":
                extended["path"] = _text(body.split(b"\0")[0])
            elif header.type == b"x":
                extended |= _pax(body)
            continue
        if any(key.startswith("GNU.sparse") for key in extended) or header.type == b"S":
            raise Refused("a sparse file: pack again without the option for sparse files")
        if header.type in (b"1", b"2", b"K") or "linkpath" in extended:
            raise accepted.link(header.name)
        if header.type not in (b"0", b"\0", b"7", b"5"):
            raise Refused(f"neither file nor folder: {shown(header.name)}")
        size = int(extended["size"]) if "size" in extended else header.size
        if size < 0:
            raise Refused("damaged (negative size)")
        yield _Header(extended.get("path", header.name), size, header.type)
        extended = {}


def _header(block: bytes) -> _Header:
    blank = block[:148] + b" " * 8 + block[156:]
    if sum(blank) != _number(block[148:156]):
        raise Refused("damaged (a header's checksum is wrong): ask for it again")
    name = _text(block[:100].split(b"\0")[0])
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].split(b"\0")[0]):
        name = f"{_text(prefix)}/{name}"
    return _Header(name, _number(block[124:136]), block[156:157])


def _number(digits: bytes) -> int:
    """An octal number, or GNU's binary one."""
    if digits[0] == 0x80:
        return int.from_bytes(digits[1:], "big")
    text = digits.split(b"\0")[0].strip()
    if not re.fullmatch(rb"[0-7]*", text):
        raise Refused("damaged (a header holds no number where one belongs): ask for it again")
    return int(text or b"0", 8)


def _pax(body: bytes) -> dict[str, str]:
    """Records "length key=value\\n" of an extended header."""
    records, start = {}, 0
    while start < len(body) and body[start] != 0:
        length, blank, _ = body[start : start + 12].partition(b" ")
        end = start + int(length)
        record = body[start + len(length) + 1 : end]
        if not blank or end <= start or not record.endswith(b"\n"):
            raise Refused("damaged (a pax header): ask for it again")
        key, _, value = record[:-1].partition(b"=")
        records[_text(key)] = _text(value)
        start = end
    return records


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
