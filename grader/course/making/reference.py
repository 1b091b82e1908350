"""Train what a notebook's reference solution trains, and keep the weights for tests and the demo.

Run by whoever maintains the course, five to eight minutes on two cores with PhotoDigits, up to an
hour with CIFAR-10:

    python -m grader.course.making.reference [photodigits | cifar10] [--notebook NAME] [--out DIR]

It executes the notebook with its solutions, as a student would, and prints what came out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from grader import places
from grader.authoring import source_text
from grader.authoring.source_text import with_solutions
from utils.training import models

NOTEBOOK = "02_training_cnn"
REFERENCE = places.folder() / "reference" / NOTEBOOK
"""Weights of notebook 02's reference solution, trained on PhotoDigits."""


def reference_of(notebook: str) -> Path:
    """Where the weights of a notebook's reference solution are kept."""
    return places.folder() / "reference" / notebook


def main() -> None:
    """Execute, copy the weights, print the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="photodigits")
    parser.add_argument("--notebook", default=NOTEBOOK, help="whose reference solution")
    parser.add_argument("--out", type=Path, help="where the weights go")
    parser.add_argument(
        "--resume", action="store_true", help="keep what was trained before with the same settings"
    )
    parser.add_argument("--executed", type=Path, help="keep the executed notebook here")
    options = parser.parse_args()
    out = options.out or reference_of(options.notebook)
    source = source_text.read(places.folder() / "source" / f"{options.notebook}.py")
    notebook = with_solutions(source)
    for cell in notebook.cells:
        cell.source = cell.source.replace(
            'DATASET = "photodigits"', f'DATASET = "{options.dataset}"'
        ).replace('STUDENT_ID = "your_id"', 'STUDENT_ID = "team_1"')
    with tempfile.TemporaryDirectory(prefix="course-train-") as scratch:
        root = Path(scratch)
        for name in ("utils", "data"):
            (root / name).symlink_to(places.ROOT / name)
        work = root / "notebooks"
        work.mkdir()
        handed_in = work / "handin" / options.notebook
        if options.resume and out.is_dir():
            shutil.copytree(out, handed_in)
        started = time.monotonic()
        client = NotebookClient(notebook, timeout=None, allow_errors=True)
        client.execute(cwd=str(work))
        print(f"the notebook took {time.monotonic() - started:.0f} s")
        out.mkdir(parents=True, exist_ok=True)
        for path in sorted(handed_in.iterdir()):
            shutil.copyfile(path, out / path.name)
    if options.executed:
        nbformat.write(notebook, options.executed)
    _tell(notebook, out)


def _tell(notebook: nbformat.NotebookNode, folder: Path) -> None:
    for path in sorted(folder.glob("*.npz")):
        record, _ = models.read(path.read_bytes())
        facts = ("epochs", "batch", "rate", "seed", "parameters", "seconds", "train", "validation")
        told = ", ".join(f"{fact} {record[fact]}" for fact in facts if fact in record)
        print(f"{path.stem}: {told}, {path.stat().st_size / 1000:.0f} kB")
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                print("ERROR in", cell.id, output.ename, output.evalue[:300])
            elif "final_table" in cell.source or cell.id == "confusion":
                print(output.get("text") or output.get("data", {}).get("text/plain", ""))


if __name__ == "__main__":
    main()
