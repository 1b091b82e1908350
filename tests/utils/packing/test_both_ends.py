"""What the packer takes intake takes, whole; what it refuses intake refuses, in the same words."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.classroom.folder import ClassFolder
from grader.intake import CollectReport
from grader.intake.archives import unpack
from grader.places import ROOT
from tests.grader.intake_samples import FIRST, IDS, SECOND, everything_in, ipynb, save, take, tar
from utils import handin
from utils.packing import accepted, beside, notebooks
from utils.packing.accepted import Refused
from utils.packing.asked import LISTED

ASKED = json.loads((ROOT / LISTED).read_text()) | {"notebooks": [FIRST, SECOND]}
for sample in (FIRST, SECOND):
    ASKED["expected"][sample] |= {"cells": IDS[sample]}
CODE = "import helpers, drawing\nfrom tools import better\nimport numpy, my_random"
CAREFULLY = settings(
    max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

SOUND = ipynb(answer=CODE)
NOTEBOOKS = [
    SOUND,
    b"\xef\xbb\xbf" + SOUND,
    SOUND.decode().encode("utf-16"),
    SOUND.replace(b"import helpers", b"import \\ud83d"),
    SOUND[:-20],
    b"\x80",
    b"[]",
    SOUND.replace(b'"nbformat": 4', b'"nbformat": 3'),
    SOUND.replace(b'"cell_type": "markdown"', b'"cell_type": "other"'),
    SOUND.replace(b'"metadata": {}', b'"metadata": {"x": ' + b"[" * 150 + b"]" * 150 + b"}", 1),
    ipynb(answer="x = [" + "1, " * 6000 + "]"),
]
PLACES = [
    "helpers.py", "drawing.py", "tools/__init__.py", "tools/better.py", "tools/data.csv",
    "unneeded.py", "numpy.py", "random.py", "my_random.py", "sitecustomize.py", "conftest.py",
    "utils/checks/handover.py", "utils.py", "helpers/__init__.py", "not a name.py",
    f"handin/{FIRST}/net.npz", f"handin/{FIRST}/Net.npz", f"handin/{FIRST}/sub/net.npz",
    f"handin/{FIRST}/part.py", f"handin/{FIRST}/json.py", f"handin/{FIRST}/run.sh",
    f"handin/{FIRST}/jupyter_config.json", f"handin/{FIRST}/a\\b.npz", f"handin/{FIRST}/a\nb.npz",
    f"handin/{FIRST}/C:x.npz", f"handin/{FIRST}/{'long' * 60}", f"handin/{FIRST}/net.before",
    f"handin/{FIRST}/{'d/' * 14}x.npz", f"handin/{FIRST}/__pycache__/x.pyc",
    f"handin/{SECOND}/other.npz", f"handin/{FIRST}/Füße é.npz", "../helpers.py", "../beside.py",
    "../data/x.py", "../tools/more.py",
]  # fmt: skip
CONTENTS = [b"", b"x = 1\n", b"import unneeded", b"\xff\xfe\x00", b"a\0b", b"#" * 400, bytes(2000)]


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """Limits so low that they are met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beside, "HANDIN_BYTES", 3000)
        patch.setattr(beside, "HANDIN_FILES", 4)
        patch.setattr(beside, "MODULE_BYTES", 600)
        patch.setattr(beside, "MODULE_FILES", 4)
        patch.setattr(notebooks, "TOKENS", 5000)
        patch.setattr(accepted, "RATIO_FREE", 500)
        patch.setattr(accepted, "RATIO", 8)
        yield


def options(root: Path, as_zip: bool) -> argparse.Namespace:
    words = ["--root", str(root), "--anyway", "team_7", FIRST]
    return handin._parser().parse_args(["--zip", "--no-report", *words] if as_zip else words)


def collected(archive: Path, root: Path) -> tuple[CollectReport, dict[str, bytes]]:
    """What intake makes of an archive, and the files that it keeps."""
    room = ClassFolder(root / "class")
    room.root.mkdir()
    report = take(room, archive)
    place = room.submitted("team_7", FIRST)
    return report, everything_in(place) if place.is_dir() else {}


@CAREFULLY
@given(
    st.sampled_from([SOUND, SOUND, SOUND, *NOTEBOOKS]),
    st.dictionaries(st.sampled_from(PLACES), st.sampled_from(CONTENTS), max_size=7),
    st.booleans(),
)
@example(SOUND, {"helpers.py": b"import unneeded", "unneeded.py": b"x = 1\n"}, False)
@example(SOUND, {"numpy.py": b"x = 1\n"}, False)
@example(SOUND, {f"handin/{FIRST}/net.npz": bytes(2000)}, True)
def test_packer_and_intake_agree(notebook: bytes, files: dict[str, bytes], as_zip: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        home = root / "home"
        save(home / LISTED, json.dumps(ASKED).encode())
        save(home / "notebooks" / f"{FIRST}.ipynb", notebook)
        for path, content in files.items():
            place = home / "notebooks" / path
            if not any(part.is_file() for part in place.parents) and not place.is_dir():
                save(place.parent.resolve() / place.name, content)
        written = everything_in(home)
        try:
            handin._pack(options(home, as_zip))
        except Refused as problem:
            whole = {p: c for p, c in written.items() if p != LISTED}
            report, _ = collected(save(root / "team_7.tar", _by_hand(whole)), root)
            _says_the_same(str(problem), report)
            return
        archive = home / ("team_7.zip" if as_zip else "team_7.tar.gz")
        report, kept = collected(archive, root)
        assert not report.rejected
        (taken,) = report.taken
        assert taken.questions == [] and taken.others == []
        assert not [note for note in taken.notes if "left out" in note or "one was kept" in note]
        packed = [c for p, c in _inside(archive).items() if p != "RECEIPT.txt"]
        assert sorted(c for c in packed if c != notebook) == sorted(
            content for path, content in kept.items() if path.startswith(("files/", "modules/"))
        )


def _by_hand(files: dict[str, bytes]) -> bytes:
    """What a student makes without the packer, junk and all."""
    return tar(dict(sorted(files.items())), "w:")


def _inside(archive: Path) -> dict[str, bytes]:
    contents = unpack(archive.read_bytes(), lambda path: True)
    return {member.path: member.content for member in contents.members}


def _says_the_same(problem: str, report: CollectReport) -> None:
    lines = [line.strip(" -") for line in problem.split("\nWarning: ")[0].strip().split("\n  - ")]
    told = [entry.reason for entry in report.rejected]
    told += [question.reason for entry in report.taken for question in entry.questions]
    for line in lines:
        line = line.removeprefix("the archive would be refused: ")
        if told and any("archive" in r or r.startswith(_WHOLE) for r in told):
            continue  # intake looks no further once an archive as a whole is refused
        assert any(line in reason or reason in line for reason in told), (line, told)


_WHOLE = ("a path", "a file name", "two files", "folders are nested")


@pytest.mark.parametrize(
    "name", ["a\\b.npz", "a\nb.npz", "long" * 70, "d/" * 14 + "x.npz", "Net.npz"]
)
def test_a_name_that_graders_refuse_is_refused_before(tmp_path: Path, name: str) -> None:
    save(tmp_path / LISTED, json.dumps(ASKED).encode())
    save(tmp_path / "notebooks" / f"{FIRST}.ipynb", SOUND)
    if len(name) < 250:
        save(tmp_path / "notebooks" / "handin" / FIRST / name, b"1")
    else:
        save(tmp_path / "notebooks" / "handin" / FIRST / name[:140] / name[:140], b"1")
    save(tmp_path / "notebooks" / "handin" / FIRST / "net.npz", b"1")
    with pytest.raises(Refused) as refused:
        handin._pack(options(tmp_path, False))
    written = {p: c for p, c in everything_in(tmp_path).items() if p != LISTED}
    report, _ = collected(save(tmp_path / "team_7.tar", _by_hand(written)), tmp_path)
    assert str(refused.value) == f"the archive would be refused: {report.rejected[0].reason}"
