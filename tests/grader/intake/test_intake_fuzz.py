"""Thousands of damaged archives and notebooks: none may crash intake or write outside its place.

A long run tries 2,000 examples in each test, and COURSE_FUZZ=N so many.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.classroom.folder import ClassFolder
from grader.classroom.roster import Roster, RosterError, read_roster, team_id
from grader.intake import archives, notebooks
from grader.intake.notebooks import Releases
from tests import long
from tests.grader import intake_samples as samples
from tests.grader.intake_samples import FIRST, NAMES, SECOND, ipynb, save, take, tar, zipped
from utils.packing.accepted import Refused, safe_path

EXAMPLES = int(os.environ.get("COURSE_FUZZ", long.choose(150, 2000)))
often = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

FILES = {
    f"notebooks/{FIRST}.ipynb": ipynb(),
    f"notebooks/{SECOND}.ipynb": ipynb(SECOND),
    f"notebooks/handin/{FIRST}/weights.h5": bytes(range(256)) * 4,
    "RECEIPT.txt": b"receipt",
}
SOUND = {
    "team_7.tar.gz": tar(FILES),
    "team_7.tar": tar(FILES, "w:"),
    "team_7.zip": zipped(FILES),
}
PLAIN = {name: (gzip.decompress(c) if name.endswith("gz") else c) for name, c in SOUND.items()}

names = st.one_of(
    st.sampled_from([*FILES, "../x", "/x", "a\\b", "C:x", ".", "", "a//b", "notebooks"]),
    st.text(max_size=30),
)
edits = st.lists(
    st.tuples(st.integers(0, 2**31), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sound archive with bytes overwritten, inserted, cut off or doubled."""
    name = draw(st.sampled_from(sorted(SOUND)))
    inside = name.endswith("gz") and draw(st.booleans())  # else gzip's checksum hides the tar
    content = bytearray((PLAIN if inside else SOUND)[name])
    # Most bytes are packed data; headers lie at the ends and in blocks of 512.
    near = draw(st.sampled_from([1, 512]))
    for position, new in draw(edits):
        at = position % max(1, len(content)) // near * near + position % min(near, 160)
        how = draw(st.sampled_from(["overwrite", "overwrite", "flip", "insert", "delete"]))
        if how == "overwrite":
            content[at : at + len(new)] = new
        elif how == "flip" and at < len(content):
            content[at] ^= 1 << (new[0] % 8)
        elif how == "insert":
            content[at:at] = new
        else:
            del content[at : at + new[0]]
    end = draw(st.one_of(st.none(), st.integers(0, len(content))))
    data = bytes(content[:end]) * draw(st.sampled_from([1, 1, 1, 2]))
    return name, gzip.compress(_summed(data), mtime=0) if inside else data


def _summed(data: bytes) -> bytes:
    """Put right the checksums of tar headers, so that forged ones are read at all."""
    blocks = [bytearray(data[k : k + 512]) for k in range(0, len(data), 512)]
    for block in blocks:
        if len(block) == 512 and bytes(block[257:262]) == b"ustar":
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            block[148:156] = f"{total:06o}\0 ".encode()
    return b"".join(blocks)


@st.composite
def forged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A well-formed archive with hostile members: any type, name, size and header."""
    if draw(st.booleans()):
        members = draw(
            st.dictionaries(names.filter(lambda n: "\0" not in n), st.binary(), max_size=4)
        )
        safe = {n.encode("utf-8", "replace").decode(): c for n, c in members.items()}
        return "team_7.zip", zipped({**safe, f"{FIRST}.ipynb": ipynb()})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", errors="replace") as archive:
        for _ in range(draw(st.integers(1, 4))):
            member = tarfile.TarInfo(draw(names))
            member.type = draw(st.sampled_from([b"0", b"1", b"2", b"3", b"5", b"6", b"7", b"S"]))
            member.linkname = draw(names)
            content = draw(st.binary(max_size=600))
            member.size = draw(st.sampled_from([len(content), 0, 513, 2**40]))
            keys = st.sampled_from(["path", "size", "linkpath", "GNU.sparse.major", "mtime"])
            member.pax_headers = draw(st.dictionaries(keys, names, max_size=2))
            archive.addfile(member)
            archive.fileobj.write(content + bytes(-len(content) % 512))  # type: ignore[union-attr]
    return "team_7.tar.gz", buffer.getvalue()


def collected(name: str, content: bytes) -> None:
    """Collect into a fresh class folder, and look at everything around it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        room = ClassFolder(root / "class")
        room.root.mkdir()
        path = save(root / "inbox" / name, content)
        report = take(room, path)
        assert report.taken or report.rejected
        assert all(entry.reason and entry.archive for entry in report.rejected)
        # The net under all of intake must not be needed: a reason in our words, not a traceback's.
        assert not any("can't be read (" in entry.reason for entry in report.rejected)
        assert {entry.name for entry in root.iterdir()} == {"class", "inbox"}
        assert [entry.name for entry in (root / "inbox").iterdir()] == [name]
        for written in room.root.rglob("*"):
            assert stat.S_IFMT(written.lstat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
        for entry in report.taken:
            place = room.submitted("team_7", entry.notebook)
            assert entry.team == "team_7" and entry.notebook in NAMES
            assert json.loads((place / f"{entry.notebook}.ipynb").read_bytes())["nbformat"] == 4
            assert all((place / file).is_file() for file in entry.files)
        assert len(room.submissions()) == len(report.taken)


@often
@given(damaged())
def test_a_damaged_archive_is_taken_or_refused_but_never_crashes(archive):
    collected(*archive)


@often
@given(forged())
def test_a_forged_archive_is_taken_or_refused_but_never_crashes(archive):
    collected(*archive)


@often
@given(st.sampled_from(["team_7.zip", "team_7.tar.gz", "team_7.ipynb"]), st.binary(max_size=2000))
def test_any_bytes_at_all_are_refused_with_a_reason(name, content):
    collected(name, content)


@often
@given(st.dictionaries(names, st.binary(max_size=700), max_size=5), st.integers(0, 2))
def test_our_reading_of_tar_agrees_with_tarfile(members, dialect):
    buffer = io.BytesIO()
    expected = {}
    with tarfile.open(fileobj=buffer, mode="w:gz", format=dialect, errors="replace") as archive:
        for name, content in members.items():
            try:
                clean = safe_path(name)
            except Refused:
                continue
            # Names that differ for us alone: the same after folding, or a folder elsewhere.
            if not clean or name.endswith("/") or "/" in clean or not name.isascii():
                continue
            if clean.lower() in (other.lower() for other in expected):
                continue
            if archives.is_junk(clean):
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            expected[clean] = content
    found = archives.unpack(buffer.getvalue(), lambda path: True)
    assert {member.path: member.content for member in found.members} == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def damaged_notebooks(draw: st.DrawFn) -> bytes:
    """A notebook with a part, at any depth, replaced by something else or left out."""
    notebook: Any = samples.notebook()
    for _ in range(draw(st.integers(1, 3))):
        part: Any = notebook
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = part[key]
            if isinstance(inner, (dict, list)) and inner and draw(st.booleans()):
                part = inner
                continue
            if draw(st.booleans()):
                part[key] = draw(json_values)
            else:
                del part[key]
            break
    return json.dumps(notebook).encode()


@often
@given(damaged_notebooks())
def test_a_damaged_notebook_is_taken_or_refused_but_never_crashes(content):
    collected("team_7.zip", zipped({f"{FIRST}.ipynb": content}))


@often
@given(st.one_of(st.binary(max_size=300), damaged_notebooks()))
def test_parsing_raises_nothing_but_refused(content):
    try:
        notebook, clean, _ = notebooks.parse(content)
    except Refused as reason:
        assert str(reason)
    else:
        assert json.loads(clean) == notebook or "NaN" in clean.decode()
        notebooks.candidate(archives.Member("x.ipynb", content), NAMES, Releases())


@often
@given(st.text(max_size=300))
def test_a_teams_id_is_a_safe_folder_name_whatever_it_is_made_of(text):
    name = team_id(text)
    assert "/" not in name and "\0" not in name and not name.startswith(".")
    assert len(name.encode()) <= 80 and team_id(name) == name
    assert Roster().team(text) == ""


@often
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode())))
def test_a_roster_is_read_or_refused_with_its_name(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.csv"
        path.write_bytes(b"team,student,name,moodle\nteam_1,a1,A B,1\n" + content)
        try:
            assert "team_1" in read_roster(path).teams
        except RosterError as error:
            assert "roster.csv" in str(error)
