"""Attacks on intake: archives that lead elsewhere, claim somebody else's name, or are none.

Each holds a wrong solution at most, so a team gets 0 points or its archive is refused.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.base import RESOURCES, STOPS, THEFT, WRITING
from tests.grader.tiny_course import NAME

INSIDE = f"notebooks/{NAME}.ipynb"


@dataclass(frozen=True)
class Archive:
    """One hostile upload, made from a notebook that earns nothing."""

    name: str
    threat: str
    make: Callable[[bytes], bytes] | None
    refused: str = ""
    """What the reason for the refusal must say; "" if it is taken in and earns nothing."""
    files: tuple[str, ...] = ()
    """Files that are kept with it, below files/."""
    place: Callable[[Path], None] | None = field(default=None, compare=False)
    """Puts something other than a plain file into the inbox."""


def packed(notebook: bytes, *more: tuple[tarfile.TarInfo, bytes], first: str = INSIDE) -> bytes:
    """A tar.gz with a notebook and whatever else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo(first)
        for member, content in ((info, notebook), *more):
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _with(*members: tarfile.TarInfo) -> Callable[[bytes], bytes]:
    return lambda notebook: packed(notebook, *((m, b"") for m in members))


def _member(path: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type, member.linkname = kind, link
    return member


def _at(path: str) -> Callable[[bytes], bytes]:
    return lambda notebook: packed(notebook, first=path)


def _only(member: tarfile.TarInfo) -> Callable[[bytes], bytes]:
    def make(_: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.addfile(member)
        return buffer.getvalue()

    return make


def _zip(*names: str, kind: int = zipfile.ZIP_DEFLATED, content: bytes = b"") -> Callable:
    def make(notebook: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            archive.writestr(INSIDE, notebook)
            for name in names:
                archive.writestr(name, content)
        return buffer.getvalue()

    return make


def _files(*paths: str) -> Callable[[bytes], bytes]:
    code = b"import os\nos._exit(0)\n"
    return lambda notebook: packed(
        notebook, *((_member(f"notebooks/handin/{NAME}/{path}"), code) for path in paths)
    )


def _renamed_by_pax(notebook: bytes) -> bytes:
    member = tarfile.TarInfo("harmless.ipynb")
    member.pax_headers = {"path": f"../honest_1/{NAME}/{NAME}.ipynb"}
    return packed(notebook, (member, notebook))


def _fifo(inbox: Path) -> None:
    os.mkfifo(inbox / "attacker_pipe.tar.gz")


def _link_to_mate(inbox: Path) -> None:
    (inbox / "attacker_link.tar.gz").symlink_to(inbox / "honest_1.tar.gz")


ARCHIVES = [
    Archive(
        "symbolic link to a classmate",
        THEFT,
        _only(_member(INSIDE, tarfile.SYMTYPE, f"../../honest_1/{NAME}/{NAME}.ipynb")),
        "a link",
    ),
    Archive(
        "hard link to a classmate",
        THEFT,
        _only(_member(INSIDE, tarfile.LNKTYPE, f"../honest_1/{NAME}.ipynb")),
        "a link",
    ),
    Archive("folder of a classmate", THEFT, _at(f"honest_1/notebooks/{NAME}.ipynb")),
    Archive("notebook called after a classmate", THEFT, _at(f"honest_1_{NAME}.ipynb")),
    Archive("archive of a classmate inside", THEFT, _zip("honest_1.tar.gz", content=b"\x1f\x8b")),
    Archive("link among the uploads", THEFT, None, "links are not followed", place=_link_to_mate),
    Archive("path to a classmate", WRITING, _at(f"../honest_1/{NAME}/{NAME}.ipynb"), '".."'),
    Archive("path by an extended header", WRITING, _renamed_by_pax, '".."'),
    Archive("absolute path", WRITING, _at(f"/tmp/{NAME}.ipynb"), "absolute"),
    Archive("path for Windows", WRITING, _at(f"..\\honest_1\\{NAME}.ipynb"), "Windows"),
    Archive("path out of its hand-in folder", WRITING, _files("../../submission.json"), '".."'),
    Archive(
        "records of the grader",
        WRITING,
        _zip("submission.json", "result.json", "timestamp.txt", "gradebook.db", "seed"),
    ),
    Archive(
        "code that Python would load",
        WRITING,
        _files("numpy.py", "sitecustomize.py", ".ipython/startup/x.py", "weights.npz"),
        files=("weights.npz",),
    ),
    Archive("two files of one name", STOPS, _zip(INSIDE.upper()), "same name"),
    Archive("a device", STOPS, _with(_member("notebooks/null", tarfile.CHRTYPE)), "neither"),
    Archive("cut off", STOPS, lambda notebook: packed(notebook)[:-200], "cut off"),
    Archive("not an archive", STOPS, lambda _: b"%PDF-1.7", "not a zip"),
    Archive("empty", STOPS, lambda _: b"", "empty"),
    Archive("nothing in it", STOPS, _only(_member("readme.txt")), "no notebook"),
    Archive(
        "half characters in a name", STOPS, _zip("x\ud83d".encode("utf-8", "replace").decode())
    ),
    Archive("pipe among the uploads", STOPS, None, "neither file nor folder", place=_fifo),
    Archive("bomb", RESOURCES, _zip("zeros", content=bytes(200 << 20)), "bomb"),
    Archive("bomb of a notebook", RESOURCES, lambda n: packed(n + b" " * (60 << 20)), "bomb"),
    Archive("bomb that is only gzip", RESOURCES, lambda _: gzip.compress(bytes(100 << 20)), "bomb"),
    Archive("too many files", RESOURCES, _zip(*(f"f{n}" for n in range(3000))), "more than"),
]


_OWN = f"notebooks/handin/{NAME}/"


def _kept(*names: str) -> Callable[[bytes], bytes]:
    return lambda notebook: packed(notebook, *((_member(_OWN + name), b"x") for name in names))


def _typed(kind: bytes, length: int = 0, **pax: str) -> Callable[[bytes], bytes]:
    """A tar with one odd member and what its extended header says."""

    def make(notebook: bytes) -> bytes:
        member = _member(f"{_OWN}odd.npz", kind)
        member.pax_headers = pax
        return packed(notebook, (member, b"x" * length))

    return make


def _zipped(name: str, content: bytes = b"x", **about: object) -> Callable[[bytes], bytes]:
    """A zip with one odd member."""

    def make(notebook: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(INSIDE, notebook)
            member = zipfile.ZipInfo(name)
            for field_, value in about.items():
                setattr(member, field_, value)
            archive.writestr(member, content)
        return buffer.getvalue()

    return make


def _patched(make: Callable[[bytes], bytes], mark: bytes, at: int, value: bytes) -> Callable:
    """Bytes changed behind the last mark."""

    def patched(notebook: bytes) -> bytes:
        data = bytearray(make(notebook))
        start = data.rindex(mark) + at
        data[start : start + len(value)] = value
        return bytes(data)

    return patched


_PLAIN = _zipped("a.txt")

MORE = [
    Archive("name longer than a disk takes", STOPS, _kept("語" * 90 + ".npz")),
    Archive("name longer than a temporary one", STOPS, _kept("é" * 120 + ".npz")),
    Archive("module whose name is too long", STOPS, _kept("m" + "é" * 110 + ".py")),
    Archive("names for a shell", STOPS, _kept("-rf.npz", "$(id).npz", "~root.npz", "%s%n.npz"),
            files=("-rf.npz", "$(id).npz", "~root.npz", "%s%n.npz")),
    Archive("two ways to write an accent", THEFT, _kept("e\u0301.npz", "\xe9.npz"), "same name"),
    Archive("two letters in one", THEFT, _kept("\ufb01.npz", "fi.npz"), "same name"),
    Archive("a folder within its own", WRITING, _kept(f"handin/{NAME}/x.npz"),
            files=(f"handin/{NAME}/x.npz",)),
    Archive("a size with signs in it", STOPS, _typed(b"0", 5, size="-5"), "negative"),
    Archive("a size of many digits", STOPS, _typed(b"0", 5, size="9" * 9000), "damaged"),
    Archive("a link that an extended header makes", THEFT,
            _typed(b"0", 5, linkpath="/etc/passwd"), "a link"),
    Archive("a name with an end in it", WRITING, _typed(b"0", 5, path="a\0b"), "control"),
    Archive("a map of holes", RESOURCES, _typed(b"0", 5, **{"GNU.sparse.map": "0,1"}), "sparse"),
    Archive("a file with holes", RESOURCES, _typed(b"S"), "sparse"),
    Archive("a member of no type", STOPS, _typed(b"Z", 5), "neither"),
    Archive("a part of another archive", STOPS, _typed(b"M", 5), "neither"),
    Archive("a folder that has a content", STOPS, _typed(b"5", 5)),
    Archive("a link in a zip", THEFT, _zipped("l", external_attr=0o120777 << 16), "a link"),
    Archive("a device in a zip", STOPS, _zipped("l", external_attr=0o020777 << 16), "neither"),
    Archive("a program with others' rights", WRITING,
            _zipped(f"{_OWN}x.npz", external_attr=0o106777 << 16), files=("x.npz",)),
    Archive("a file that calls itself a folder", STOPS, _zipped(f"{_OWN}x.npz/")),
    Archive("another way to pack", RESOURCES, _zip("b", kind=zipfile.ZIP_BZIP2), "unusual"),
    Archive("members that overlap", RESOURCES,
            _patched(_PLAIN, b"PK\1\2", 42, bytes(4)), "overlap"),
    Archive("a size for 64 bits", RESOURCES, _patched(_PLAIN, b"PK\1\2", 24, b"\xff" * 4), "256"),
    Archive("a count that is wrong", STOPS, _patched(_PLAIN, b"PK\5\6", 8, b"\xff" * 4)),
    Archive("a time before all time", STOPS,
            _zipped("a", extra=b"UT\x05\x00\x01\x00\x00\x00\x80")),
    Archive("a time that is cut off", STOPS, _patched(
        _zipped("a", extra=b"UT\x05\x00\x01abcd"), b"UT\x05\x00", 2, b"\xff\xff"), "damaged"),
    Archive("a program before a zip", STOPS, lambda n: b"#!/bin/sh\n" + _PLAIN(n), "not a zip"),
    Archive("packed twice", RESOURCES, lambda n: gzip.compress(packed(n)), "damaged"),
    Archive("very many empty parts", RESOURCES, lambda n: gzip.compress(b"") * 20_000 + packed(n)),
]  # fmt: skip
"""Collected, and not graded: what they hold is as in ARCHIVES."""
