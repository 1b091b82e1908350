"""Pack what students get: the notebooks and all they need, and nothing an instructor keeps.

The archives are the same bytes for the same content, so that a published checksum stays true.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

from grader import build, config
from grader.classroom import write_atomically
from grader.freshness import NOT_OURS

FOLDERS = ("notebooks", "utils", "data")
FILES = (
    "environment.yml",
    "requirements.txt",
    "collect_submission.sh",
    "LICENSE",
    "docs/students.md",
)
_SKIPPED = ("__pycache__", ".ipynb_checkpoints", "downloads", "cache", "handin")
LARGEST = 4 * 1024 * 1024
"""A larger file is nothing that a release should hold, whatever it is."""
_TOP = "cnn-course"
_EPOCH = 315532800  # 1980-01-01, the earliest time a zip can hold


def pack(course: config.Course, out: Path, just_built: bool = False) -> list[tuple[Path, str]]:
    """Write cnn-course.tar.gz and cnn-course.zip; returns (path, SHA-256) of each.

    just_built: nothing can be stale, so don't spend time on finding out.
    Raises ConfigError if the notebooks are stale, or if a solution or a large file would leak.
    """
    if not just_built and (stale := build.differences(course)):
        raise config.ConfigError(f"{stale[0]} …: run ./course build before a release")
    content = {name: path.read_bytes() for name, path in _members().items()}
    _refuse_leaks(content)
    products = {"tar.gz": _tar(content), "zip": _zip(content)}
    written = []
    for suffix, data in products.items():
        path = out / f"{_TOP}.{suffix}"
        write_atomically(path, data)
        written.append((path, hashlib.sha256(data).hexdigest()))
    return written


def _members() -> dict[str, Path]:
    """Name in the archive -> file."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((config.ROOT / folder).rglob("*")):
            relative = path.relative_to(config.ROOT)
            skipped = any(part in _SKIPPED or part.startswith(".") for part in relative.parts)
            skipped |= any(fnmatch(part, p) for part in relative.parts for p in NOT_OURS)
            if path.is_file() and not path.is_symlink() and not skipped:
                if path.stat().st_size > LARGEST:
                    raise config.ConfigError(
                        f"{relative} is larger than {LARGEST >> 20} MiB, so it is no part of a "
                        "release; move it away"
                    )
                found[relative.as_posix()] = path
    for name in FILES:
        path = config.ROOT / name
        if not path.is_file():
            raise config.ConfigError(f"{name} is missing; the release needs it")
        found["README.md" if name == "docs/students.md" else name] = path
    for path in sorted((config.ROOT / "docs" / "pictures").glob("students_*.png")):
        found[f"pictures/{path.name}"] = path  # where README.md looks for them
    return found


def _refuse_leaks(content: dict[str, bytes]) -> None:
    for name, data in content.items():
        if b"BEGIN SOLUTION" in data and name.startswith("notebooks/"):
            raise config.ConfigError(f"{name} holds a solution; run ./course build")


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".sh") else 0o644


def _tar(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(content.items()):
            entry = tarfile.TarInfo(f"{_TOP}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), _EPOCH, _mode(name)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _zip(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(content.items()):
            entry = zipfile.ZipInfo(f"{_TOP}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o100000 | _mode(name)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()
