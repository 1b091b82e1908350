"""What a student should know before it is too late, in sentences that say what to do.

It decides nothing about marks: what it calls costly may be handed in all the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from utils.packing import notebooks
from utils.packing.asked import Asked
from utils.packing.overwritten import overwritten
from utils.packing.state import PLACEHOLDER, State, normalised, some

LATER = 2.0
"""Seconds by which a file must be newer than its notebook to be worth a word."""


def costly(name: str, notebook: dict[str, Any], seen: State, asked: Asked) -> list[str]:
    """What would surely cost nearly everything in a notebook, or what a marker must see and
    can't, and what to do about it."""
    said = []
    cells = asked.of(name).cells
    if cells and len(seen.unknown) == len(cells):
        said.append(
            f"{name}.ipynb has none of the course's cells: an editor has dropped what marks them "
            "(nbgrader's metadata), or it is another notebook. Take a fresh copy from the course's "
            "archive, copy your answers into its cells, choose Run > Run All Cells, and save"
        )
    elif notebooks.cleared(notebook):
        said.append(
            f"{name}.ipynb has no outputs, and outputs must not have been cleared: open it, "
            "choose Run > Run All Cells, save, and try again"
        )
    elif silent := notebooks.silent(notebook):
        said.append(
            f"{name}.ipynb shows no output of checks and figures, though they or cells below them "
            f"were run: {some(silent)}. Outputs must not have been cleared, not even some of them: "
            "open it, choose Run > Run All Cells, save, and try again"
        )
    if normalised(seen.student_id) == PLACEHOLDER and asked.of(name).own_numbers:
        said.append(
            f'{name}.ipynb still has STUDENT_ID = "{PLACEHOLDER}": write your team\'s id '
            "there, or your own as the class list has it; choose Run > Run All Cells, solve "
            "the exercises with numbers of your own, save, and try again"
        )
    return said


def warnings_on(name: str, notebook: dict[str, Any], seen: State, asked: Asked) -> list[str]:
    """What a student should know of a notebook that is packed all the same."""
    said = []
    if seen.unknown and len(seen.unknown) < len(asked.of(name).cells):
        said.append(
            f"{name}.ipynb lacks cells of the course, or what marks them was lost: "
            f"{some(seen.unknown)}. Copy them from the course's archive; what stands elsewhere "
            "must be found by hand"
        )
    if seen.cleared and not notebooks.silent(notebook):
        said.append(
            f"{name}.ipynb shows no output of {some(seen.cleared)}: choose Run > Run All Cells, "
            "and save"
        )
    if long := notebooks.long_cells(notebook):
        said.append(
            f"{name}.ipynb has very long cells ({long}), of which markers see the beginning: put "
            "data into a file in its folder of handin/, and load it"
        )
    for taken, where in overwritten(notebook):
        said.append(
            f"{name}.ipynb, {where}: {taken} is given to something else, and cells of the course "
            f"need it: use another name, restart the kernel, run all cells, and save"
        )
    return said


def older(notebook: Path, files: dict[str, Path]) -> list[str]:
    """Says so if work on a notebook went on after it was saved, as far as files tell."""
    saved = notebook.stat().st_mtime
    checkpoint = notebook.parent / ".ipynb_checkpoints" / f"{notebook.stem}-checkpoint.ipynb"
    there = {
        **files,
        **({"Jupyter's checkpoint of it": checkpoint} if checkpoint.is_file() else {}),
    }
    newer = [name for name, file in there.items() if file.stat().st_mtime > saved + LATER]
    if not newer:
        return []
    return [
        f"notebooks/{notebook.name} is older than {some(sorted(newer))}: if it is open in Jupyter, "
        "save it there, and run this script again; if a module was changed, run the checks anew"
    ]


def other_ids(ids: dict[str, str], team: str, asked: Asked) -> list[str]:
    """Warnings on notebooks with numbers that belong to another id than the team's."""
    return [
        f"in {name}.ipynb STUDENT_ID is {student_id!r}, and you hand in as {team}. "
        "That is fine if in the class list both belong to one team, as its id or a member's. "
        f'Otherwise its exercises with numbers of your own earn nothing: write STUDENT_ID = "{team}'
        '", solve them again, save, and run this script again'
        for name, student_id in ids.items()
        if asked.of(name).own_numbers
        and normalised(student_id) not in ("", PLACEHOLDER, normalised(team))
    ]
