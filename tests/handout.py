"""A folder that looks like what students unpack.

Notebooks with the reference solution, to put there: `grader.bench.small_course.reference`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from nbformat.notebooknode import NotebookNode

from grader import config, places
from grader.authoring import build
from grader.contract.judges import judges_of
from utils.checks import cases

NOTEBOOKS = list(config.load().notebooks)


def make_handout(root: Path) -> Path:
    """Fill a folder with utils/, data/ with the public cases, and the reference's weights.

    notebooks/ stays empty but for the weights.
    """
    (root / "notebooks").mkdir()
    skipped = shutil.ignore_patterns("__pycache__", "downloads", "cache", ".*")
    for name in ("utils", "data"):
        shutil.copytree(places.ROOT / name, root / name, ignore=skipped)
    points: dict[str, float] = {}
    for notebook in NOTEBOOKS:  # and what ./course build has not written yet
        points |= {check.name: check.points for check in build.source_of(notebook).checks}
        for name, judge in judges_of(notebook).items():
            path = root / "data" / "checks" / f"{name}.npz"
            if not path.is_file():
                cases.save(judge.public_cases(), path)
    (root / "data" / "checks" / "points.json").write_text(json.dumps(points))
    for trained in (places.folder() / "reference").glob("*/*.npz"):  # training takes minutes
        target = root / "notebooks" / "handin" / trained.parent.name / trained.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(trained, target)
    return root


def grade_id_of(cell: NotebookNode) -> str:
    """Its nbgrader id; empty where it has none."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
