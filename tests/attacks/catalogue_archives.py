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
