"""Archives made to do harm are refused, each with its reason, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from grader.intake import bounds
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import (
    FIRST,
    INNER,
    SECOND,
    ipynb,
    only_reason,
    save,
    take,
    taken,
    tar,
    zipped,
)
from utils.packing import accepted

# ---------------------------------------------------------------- hostile archives


def link(kind: bytes, target: str) -> bytes:
    member = tarfile.TarInfo(f"notebooks/{SECOND}.ipynb")
    member.type, member.linkname = kind, target
    return samples.tar_of(member)


def test_a_link_to_a_classmates_notebook_is_refused(room, inbox):
    take(room, save(inbox / "team_8.zip", zipped({f"{SECOND}.ipynb": ipynb(SECOND)})))
    target = room.submitted("team_8", SECOND) / f"{SECOND}.ipynb"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        report = take(room, save(inbox / "team_7.tar.gz", link(kind, str(target))))
        assert "a link" in only_reason(report)
    info = zipfile.ZipInfo(f"{FIRST}.ipynb")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(inbox / "team_6.zip", "w") as archive:
        archive.writestr(info, str(target))
    assert "a link" in only_reason(take(room, inbox / "team_6.zip"))
    (inbox / "team_5").mkdir()
    (inbox / "team_5" / f"{SECOND}.ipynb").symlink_to(target)
    (inbox / "team_4.ipynb").symlink_to(target)
    for name in ("team_5", "team_4.ipynb"):
        assert "link" in only_reason(take(room, inbox / name))
    assert room.submissions() == [("team_8", SECOND)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/cron.d/x", "absolute"),
        ("../../team_8/x.ipynb", "leads out"),
        ("a/../../x", "leads out"),
        ("C:/x", "Windows"),
        ("..\\x", "Windows"),
        ("a\nb", "control"),
        ("a\u202eb", "control"),
        ("x" * 300, "longer than"),
        ("/".join("abcdefghijklmno"), "nested deeper"),
        (INNER, "same name"),
        (INNER.upper(), "same name"),
        (f"{INNER}/below", "file and a folder"),
        ("notebooks", "same name"),
    ],
)
def test_a_dangerous_path_is_refused_with_its_reason(room, inbox, name, reason):
    for pack, ending in [(tar, "tar.gz"), (zipped, "zip")]:
        if pack is zipped and name == INNER:
            with pytest.warns(UserWarning, match="Duplicate"):
                path = inbox / "team_7.zip"
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr(name, ipynb())
                    archive.writestr(name, b"")
        elif name == INNER:
            path = save(inbox / "team_7.tar.gz", samples.tar_of(tarfile.TarInfo(name)))
        else:
            path = save(inbox / f"team_7.{ending}", pack({INNER: ipynb(), name: b"x"}))
        report = take(room, path)
        assert reason in only_reason(report), pack
    assert not room.submissions()
    assert {path.name for path in inbox.parent.iterdir()} <= {"class", "inbox"}


def special(kind: bytes, **headers: str) -> bytes:
    member = tarfile.TarInfo("special")
    member.type, member.pax_headers = kind, headers
    return samples.tar_of(member)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (special(tarfile.CHRTYPE), "neither file nor folder"),
        (special(tarfile.FIFOTYPE), "neither file nor folder"),
        (special(tarfile.GNUTYPE_SPARSE), "sparse"),
        (special(tarfile.REGTYPE, **{"GNU.sparse.major": "1"}), "sparse"),
        (special(tarfile.REGTYPE, linkpath="/etc/passwd"), "a link"),
        (special(tarfile.REGTYPE, size="-5"), "negative"),
        (special(tarfile.REGTYPE, size="9" * 30), "larger than"),
        (special(tarfile.REGTYPE, path="../x"), "leads out"),
        (special(tarfile.REGTYPE, comment="x" * 5_000_000), "headers are too large"),
        (tar({INNER: ipynb()})[:-30], "cut off"),
        (tar({INNER: ipynb()}, "w:")[:2000], "cut off"),
        (tar({INNER: ipynb()})[:-6] + b"\0\0\0\0\0\0", "damaged"),
        (b"Rar!\x1a\7\0", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"hello", "not a zip"),
        (b"", "empty"),
        (tar({f"f{k}": b"" for k in range(2001)}), "more than 2000"),
        (tar({"zeros": bytes(40_000_000)}), "bomb"),
    ],
)
def test_a_forged_tar_is_refused_with_its_reason(room, inbox, content, reason):
    assert reason in only_reason(take(room, save(inbox / "team_7.tar.gz", content)))
    assert not room.submissions()


def overlapping() -> bytes:
    """Two entries of the table of contents that point to the same packed bytes."""
    whole = bytearray(zipped({"a.ipynb": ipynb(), "b.ipynb": ipynb()}))
    second = whole.rfind(b"PK\1\2")
    whole[second + 42 : second + 46] = bytes(4)
    return bytes(whole)


def altered(offset: int, value: bytes) -> bytes:
    whole = bytearray(zipped({INNER: ipynb()}))
    start = whole.find(b"PK\1\2") + offset
    whole[start : start + len(value)] = value
    return bytes(whole)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (overlapping(), "overlap"),
        (altered(8, b"\1"), "encrypted"),
        (altered(10, b"\x0e"), "unusual method"),
        (altered(16, b"\0\0\0\0"), "damaged"),
        (altered(24, b"\xff\xff\xff\x7f"), "unpacks to more"),
        (altered(24, b"\x10\x00\x00\x00"), "damaged"),
        (altered(42, b"\x00\xff\xff\x7f"), "overlap"),
        (zipped({INNER: ipynb()})[:-30], "damaged"),
        (zipped({f"f{k}": b"" for k in range(2001)}), "more than 2000"),
        (zipped({"zeros": bytes(40_000_000)}), "bomb"),
        (zipped({}), "no files"),
    ],
)
def test_a_forged_zip_is_refused_with_its_reason(room, inbox, content, reason):
    assert reason in only_reason(take(room, save(inbox / "team_7.zip", content)))
    assert not room.submissions()


def test_limits_hold_for_size_and_for_the_sum(room, inbox, monkeypatch):
    files = {INNER: ipynb(), "a": os.urandom(3000), "b": os.urandom(3000)}
    for name, value, reason in [
        ("ARCHIVE_BYTES", 1000, "larger than"),
        ("UNPACKED_BYTES", 6000, "unpacks to more"),
        ("DIRECTORY_BYTES", 100, "table of contents"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(bounds if hasattr(bounds, name) else accepted, name, value)
            path = save(inbox / "team_7.zip", zipped(files))
            assert reason in only_reason(take(room, path))
    assert taken(take(room, path)) == [("team_7", FIRST)]


def test_a_pipe_or_a_missing_file_is_reported_and_waits_for_nothing(room, inbox):
    os.mkfifo(inbox / "team_7.zip")
    report = take(room, inbox / "team_7.zip", inbox / "team_8.zip")
    assert [entry.reason for entry in report.rejected] == [
        "neither file nor folder",
        "No such file or directory",
    ]


def test_folders_that_are_passed_over_are_not_looked_into(room, inbox, request):
    save(inbox / "team_7" / f"{FIRST}.ipynb", ipynb())
    (junk := inbox / "team_7" / "__pycache__").mkdir()
    # more than pytest can remove
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", junk], check=True))
    here = os.open(junk, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert taken(take(room, inbox / "team_7")) == [("team_7", FIRST)]


def test_a_date_in_the_future_is_noted(room, inbox):
    soon = datetime.now(UTC) + timedelta(days=30)
    report = take(room, save(inbox / "team_7.zip", zipped({INNER: ipynb()}), soon))
    assert "future" in report.taken[0].notes[0]
