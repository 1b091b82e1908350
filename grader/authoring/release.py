"""Pack what students get: the notebooks and all they need, and nothing an instructor keeps.

The archives are the same bytes for the same content, so that a published checksum stays true.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

from grader import config, places
from grader.authoring import build
from grader.contract import visible
from grader.errors import ConfigError
from grader.files import write_atomically, zip_entry

_SKIPPED = ("__pycache__", ".ipynb_checkpoints", "downloads", "cache", "handin")
_ASK = """
## Whom to ask

Read what the check says, and search the web for the last line of an error. If that does not help,
write to {}, with the notebook's name, the number of the exercise and that line.
"""
LARGEST = 4 * 1024 * 1024
"""A larger file is nothing that a release should hold, whatever it is."""


def pack(course: config.Course, out: Path, just_built: bool = False) -> list[tuple[Path, str]]:
    """Write an archive of either kind; returns (path, SHA-256) of each.

    just_built: nothing can be stale, so don't spend time on finding out.
    Raises ConfigError if the notebooks are stale, or if a solution or a large file would leak.
    """
    if not just_built and (stale := build.differences(course)):
        raise ConfigError(f"{stale[0]} …: run ./course build before a release")
    content = {name: path.read_bytes() for name, path in _members(course.release).items()}
    if "README.md" in content and course.contact:
        content["README.md"] += _ASK.format(course.contact).encode()
    _refuse_leaks(content)
    top = course.release.name
    noon = _noon(course.release.dated)
    products = {"tar.gz": _tar(top, content, noon), "zip": _zip(top, content, noon)}
    written = []
    for suffix, data in products.items():
        path = out / f"{top}.{suffix}"
        write_atomically(path, data)
        written.append((path, hashlib.sha256(data).hexdigest()))
    return written


def _noon(day: date) -> datetime:
    """A time that has this date in nearly every zone.  Raises ConfigError."""
    if day.year < 1980:
        raise ConfigError(
            f"course.toml: release.dated: no zip holds {day}; choose one from 1980 on"
        )
    return datetime.combine(day, time(12), UTC)


def _members(release: config.Release) -> dict[str, Path]:
    """Name in the archive -> file.  Raises ConfigError."""
    found: dict[str, Path] = {}
    for name in (*visible.HARNESS_HALF, *visible.AROUND):
        found |= _below(places.ROOT, name, release)
    for name in (*release.folders, *release.files):
        if places.is_elsewhere() and name.split("/")[0] == "utils":
            raise ConfigError("course.toml: release: utils is the harness's; call yours otherwise")
        found |= _below(places.public(), name, release)
    if release.readme:
        guide = places.public() / release.readme
        found |= {"README.md": _there(guide, release.readme)}
        for path in sorted((guide.parent / "pictures").glob(f"{guide.stem}_*.png")):
            found[f"pictures/{path.name}"] = path  # where README.md looks for them
    return found


def _below(root: Path, name: str, release: config.Release) -> dict[str, Path]:
    """A file, or what of a folder's files is part of the course.  Raises ConfigError."""
    top = _there(root / name, name)
    if top.is_file():
        return {name: top}
    found = {}
    for path in sorted(top.rglob("*")):
        relative = path.relative_to(root)
        skipped = any(part in _SKIPPED or part.startswith(".") for part in relative.parts)
        skipped |= visible.is_foreign(relative.as_posix(), release.foreign)
        if path.is_file() and not path.is_symlink() and not skipped:
            if path.stat().st_size > LARGEST:
                raise ConfigError(
                    f"{relative} is larger than {LARGEST >> 20} MiB, so it is no part of a "
                    "release; move it away"
                )
            found[relative.as_posix()] = path
    return found


def _there(path: Path, name: str) -> Path:
    if not path.exists():
        raise ConfigError(f"{name} is missing; the release needs it")
    return path


def _refuse_leaks(content: dict[str, bytes]) -> None:
    for name, data in content.items():
        if b"BEGIN SOLUTION" in data and name.startswith("notebooks/"):
            raise ConfigError(f"{name} holds a solution; run ./course build")


def _mode(name: str) -> int:
    return 0o755 if name.endswith(".sh") else 0o644


def _tar(top: str, content: dict[str, bytes], dated: datetime) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(content.items()):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(dated.timestamp()), _mode(name)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _zip(top: str, content: dict[str, bytes], dated: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(content.items()):
            archive.writestr(zip_entry(f"{top}/{name}", _mode(name), dated), data)
    return buffer.getvalue()
