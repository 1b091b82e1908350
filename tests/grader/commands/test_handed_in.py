"""`./course choose` and `./course purge`, as typed."""

from __future__ import annotations

from pathlib import Path

from grader import places
from tests.grader.commands.test_cli import FIRST, course
from tests.grader.intake_samples import LATER, NOON, save, zipped


def test_attempts_are_listed_chosen_and_purged(tmp_path: Path) -> None:
    """Notebooks as released, the second with a cell that says something else."""
    released = (places.public() / "notebooks" / f"{FIRST}.ipynb").read_bytes()
    for name, content, when in [
        ("a", released, NOON),
        ("b", released.replace(b"YOUR ANSWER HERE", b"An answer", 1), LATER),
    ]:
        save(tmp_path / name / "team_7.zip", zipped({f"{FIRST}.ipynb": content}), when)
    where = ("--class", str(tmp_path / "class"))
    archives = [str(tmp_path / name / "team_7.zip") for name in "ab"]
    assert course("collect", *archives, *where).returncode == 0
    listed = course("choose", "team_7", "01", *where)
    first, second = listed.stdout.splitlines()
    assert first.startswith("  20240120T120000Z-") and "not graded" in first
    assert second.startswith("* 20240120T170000Z-") and second.endswith("; it counts")
    attempt = first.split(",")[0].strip()
    chosen = course("choose", "team_7", "01", attempt, *where)
    assert f"* {attempt}" in chosen.stdout and "./course grade" in chosen.stdout
    none = course("choose", "team_7", "01", "nothing", *where)
    assert none.returncode == 125 and attempt in " ".join(none.stderr.split())
    nobody = course("choose", "team_8", "01", *where)
    assert nobody.returncode == 125 and "TEAM team_8: there is no such team" in nobody.stderr

    arguments = ("purge", "--before", "2024-02-01", *where)
    asked = course(*arguments, "--unfinished")
    assert asked.returncode == 1 and "nothing was removed; --yes removes it" in asked.stdout
    kept = course(*arguments, "--yes")
    assert kept.returncode == 0 and "are not final" in kept.stdout
    assert (tmp_path / "class" / "submitted" / "team_7").is_dir()
    done = course(*arguments, "--unfinished", "--yes")
    assert done.returncode == 0 and "1 notebooks of 1 teams" in done.stdout
    for folder in ("attempts", "submitted"):
        assert not (tmp_path / "class" / folder).exists()
