"""Archives that depend on names and content only: the same files give the same bytes.

They are never written in part, and hold nothing that graders would refuse.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from utils.packing import accepted

MTIME = 315532800  # 1980-01-01, the earliest date that zip knows


def packed(files: Mapping[str, bytes], as_zip: bool) -> bytes:
    """A zip, or a tar.gz.  Raises Refused if graders would."""
    register = accepted.Register()
    for path in sorted(files):
        register.add(path, False)
        accepted.check_file(path, len(files[path]))
    stream = b"" if as_zip else _tarred(files)
    total = sum(map(len, files.values())) if as_zip else len(stream)
    archive = b""
    for shrink in (True, False):  # what shrinks too well to be believed is packed as it is
        archive = _zipped(files, shrink) if as_zip else gzip.compress(stream, 9 * shrink, mtime=0)
        if not accepted.is_bomb(total, len(archive)):
            break
    accepted.check_total(total, len(archive))
    accepted.check_archive(len(archive))
    return archive


def _tarred(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.mtime = len(files[path]), 0o644, MTIME
            archive.addfile(member, io.BytesIO(files[path]))
    return buffer.getvalue()


def _zipped(files: Mapping[str, bytes], shrink: bool) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(files):
            member = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED if shrink else zipfile.ZIP_STORED
            archive.writestr(member, files[path])
    return buffer.getvalue()


def written(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
