"""Play the students: work on the release, run the notebooks, hand in with the course's script."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.notebooknode import NotebookNode

from grader import places
from grader.authoring import build
from grader.authoring.source_text import with_solutions
from grader.cells import grade_id, runs_when_graded
from grader.demo.samples import FIRST, SECOND, Team
from grader.errors import ConfigError

DUE = datetime(2026, 1, 15, 23, 59, tzinfo=UTC)
"""When the sample class had to hand in."""


def unpack_release(archive: Path, where: Path) -> Path:
    """Unpack what students get; returns the course's folder."""
    with tarfile.open(archive) as content:
        if hasattr(tarfile, "data_filter"):
            content.extraction_filter = tarfile.data_filter
        content.extractall(where)  # Debian 12's Python has no filters; the archive is ours
    return next(where.iterdir())


def worked_through(released: Path, name: str, solved: bool) -> NotebookNode:
    """A notebook with its outputs, as after a student's session; figures are not drawn, for speed,
    and words stand in their place."""
    if solved:
        notebook = with_solutions(build.source_of(name))
    else:
        notebook = nbformat.read(released / "notebooks" / f"{name}.ipynb", as_version=4)
    _bring_weights(released, name)
    figures = [cell for cell in notebook.cells if not runs_when_graded(cell)]
    short = nbformat.from_dict(notebook)
    short.cells = [cell for cell in notebook.cells if runs_when_graded(cell)]
    for cell in short.cells:
        cell.source = cell.source.replace("your_id", "team_01")
    with tempfile.TemporaryDirectory(prefix="course-demo-") as sockets:
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/k")
        client = NotebookClient(short, timeout=600, allow_errors=True, km=manager)
        client.owns_km = True
        environment = {**os.environ, "PYTHONPATH": str(released), "OMP_NUM_THREADS": "1"}
        # a kernel that ends while its threads still talk says so: nothing for whoever watches
        client.execute(cwd=str(released / "notebooks"), env=environment, stderr=subprocess.DEVNULL)
    for cell in figures:
        if cell.cell_type == "code":
            said = {"text/plain": "<Figure>"}
            cell.outputs = [nbformat.v4.new_output("display_data", data=said)]
            cell.execution_count = 1
    done = iter(short.cells)
    notebook.cells = [c if c in figures else next(done) for c in notebook.cells]
    return notebook


def _bring_weights(released: Path, name: str) -> None:
    """What the reference solution has trained: training it again would take minutes."""
    for trained in (places.folder() / "reference" / name).glob("*"):
        target = released / "notebooks" / "handin" / name / trained.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained, target)


def hand_in(team: Team, released: Path, originals: dict[str, NotebookNode], where: Path) -> Path:
    """Make one team's folder, let it hand in, and return the archive."""
    home = where / team.name
    names = sorted(team.handed_in)
    others = {path.name for path in (released / "notebooks" / "handin").glob("*")} - set(names)
    ignored = shutil.ignore_patterns("*.ipynb", "data", *others)
    shutil.copytree(released, home, ignore=ignored)
    for name in names:
        notebook = nbformat.from_dict(originals[name])
        _personalise(notebook, team)
        path = home / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
    archive = _pack(team, home, names)
    if team.how == "damaged":
        archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    moment = (DUE - timedelta(hours=3) + timedelta(days=team.late_days)).timestamp()
    os.utime(archive, (moment, moment))
    return archive


def _personalise(notebook: NotebookNode, team: Team) -> None:
    for index, cell in enumerate(notebook.cells):
        cell.source = cell.source.replace('"team_01"', f'"{team.name}"')
        cell.source = cell.source.replace('"your_id"', f'"{team.name}"')
        name = grade_id(cell)
        if name in team.changes:
            cell.source = team.changes[name].strip()
        if team.how == "skip" and name == "check_maxpool_backward":
            cell.metadata["tags"] = ["skip-execution"]
        if team.how == "duplicate" and name == "maxpool_forward":
            again = index
    if team.how == "duplicate":
        copied = nbformat.from_dict(notebook.cells[again])
        copied.id = f"{copied.id}-copy"
        notebook.cells.insert(again, copied)


def _pack(team: Team, home: Path, names: list[str]) -> Path:
    if team.how == "renamed":
        return _pack_by_hand(team, home)
    command = ["bash", "collect_submission.sh", team.name, *names]
    command += ["--anyway"] * (team.how == "skip")  # what was skipped shows nothing
    done = subprocess.run(command, cwd=home, capture_output=True, text=True)
    if done.returncode:
        raise ConfigError(f"{team.name} could not hand in: {done.stdout}{done.stderr}")
    return home / f"{team.name}.tar.gz"


def _pack_by_hand(team: Team, home: Path) -> Path:
    """Some students do not use the script: a browser's second download, saved by an old editor."""
    source = home / "notebooks" / f"{SECOND}.ipynb"
    renamed = home / f"{SECOND} (1).ipynb"
    renamed.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    archive = home / f"{team.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as out:
        out.add(renamed, renamed.name)
    return archive


__all__ = ["DUE", "FIRST", "SECOND", "hand_in", "unpack_release", "worked_through"]
