"""What `collect --dry-run` says is what collecting does, and nothing is changed by saying it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from click import Command

from grader.classroom.folder import ClassFolder
from grader.commands import grading
from grader.intake import rehearsal
from tests.grader.intake_samples import INNER, LATER, NOON, everything_in, ipynb, save, zipped


def collect(folder: Path, *archives: Path, dry_run: bool = False) -> int:
    with typer.Context(Command("collect")) as context, pytest.raises(typer.Exit) as ended:
        grading.collect(context, list(archives), folder, dry_run=dry_run)
    return ended.value.exit_code


def test_it_says_what_will_happen_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, inbox = tmp_path / "class", tmp_path / "in"
    first = save(inbox / "a" / "team_7.zip", zipped({INNER: ipynb(answer="1")}), NOON)
    assert collect(folder, first, dry_run=True) == 0
    assert not folder.exists() and "took in 1 notebooks of 1 teams" in capsys.readouterr().out
    collect(folder, first)
    capsys.readouterr()

    large = {INNER: ipynb(answer="2"), f"handin/{Path(INNER).stem}/w.npz": bytes(range(256)) * 999}
    second = save(inbox / "b" / "team_7.zip", zipped(large), LATER)
    broken = save(inbox / "b" / "team_8.zip", b"PK")
    before = everything_in(folder)
    statuses, said = [], []
    for dry_run in (True, False):
        statuses.append(collect(folder, second, broken, dry_run=dry_run))
        said.append(capsys.readouterr().out)
        if dry_run:
            assert {p: c for p, c in everything_in(folder).items() if ".lock" not in p} == {
                p: c for p, c in before.items() if ".lock" not in p
            }
    files, _, rest = said[0].partition("took in")
    assert statuses == [1, 1] and f"took in{rest}" == said[1]
    assert " ".join(files.split()) == (
        f"FILE team_7.zip/{INNER}: 01_implementing_cnn of team_7, by the name of its file; came "
        "2024-01-20 17:00, from the date of its file"
    )
    assert re.search("REPLACED.*team_7", said[0]) and "REJECTED" in said[0]
    assert everything_in(folder) != before


def test_a_rehearsal_is_gone_whatever_happens(tmp_path: Path) -> None:
    folder = ClassFolder(tmp_path / "class")
    save(folder.root / "submitted" / "team_7" / "x" / "x.ipynb", bytes(100_000))
    before = everything_in(folder.root)
    with pytest.raises(KeyError), rehearsal.copy_of(folder) as copy:
        assert everything_in(copy.root)["submitted/team_7/x/x.ipynb"] == bytes(100_000)
        (copy.root / "submitted" / "team_7" / "x" / "x.ipynb").unlink()
        raise KeyError
    after = everything_in(folder.root)
    assert {name: after[name] for name in before} == before
    assert not list(folder.root.rglob("rehearsal@*"))
