"""Whose a file or folder is by the name that the instructor or the LMS gave it, and the roster.

The inside of a student's archive is never asked: what it claims is for notes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.classroom.roster import Roster, letters, team_id
from grader.intake import downloads, notebooks
from grader.intake.delivery import ARCHIVE_NAME, File
from grader.intake.downloads import zips
from grader.intake.handin import pair_names
from grader.text import shown
from utils.packing.accepted import Refused

BROWSER_COPY = re.compile(r"\s*\(\d+\)$|\s*-\s*(?:copy|kopie)(?:\s*\(\d+\))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Naming:
    """Reads names of files and folders."""

    roster: Roster | None
    notebooks: list[str]
    """Names of the course's notebooks."""
    pair_prefix: str
    """Of what two hand in together, see `handin.pair_names`."""

    def of_archive(self, path: Path) -> tuple[str, list[str], str]:
        """The team of an archive, notes, and the student if it is called after one.

        Raises Refused.
        """
        match = ARCHIVE_NAME.fullmatch(path.name)
        try:
            return self._named(match.group(1) if match else path.name, path.name)
        except Refused as reason:
            raise Refused(f"{reason}; {_taken_for(path)}") from None

    def of_notebook(self, path: Path) -> tuple[str, list[str], str]:
        """A single notebook: the name without the notebook's own, or the folder it lies in."""
        match = notebooks.FILE_NAME.fullmatch(path.name)
        stem = team_id(BROWSER_COPY.sub("", match.group(1) if match else path.stem))
        name, _ = notebooks.by_name(path.name, self.notebooks)
        rest = stem
        if name:
            rest = f"_{stem}_".replace(f"_{team_id(name)}_", "_", 1).strip("_")
        if not rest or (name and letters(rest) in ("copy", "kopie")):
            raise Refused("its name says no team: call it team_7.ipynb, or put it into team_7.zip")
        return self._named(rest, path.name)

    def _named(self, stem: str, name: str) -> tuple[str, list[str], str]:
        """The team that a name means, notes, and the student if it is one's that it means."""
        plain = BROWSER_COPY.sub("", stem)
        notes = [f"{shown(name)} was taken as {shown(plain)}"] if plain != stem else []
        names = pair_names(plain, self.pair_prefix)
        if self.roster is None:
            team = team_id(names or plain)
            if not team or notebooks.by_name(f"{plain}.ipynb", self.notebooks)[0]:
                raise Refused("its name says no team: call it after the team, team_7.tar.gz")
            return team, notes, ""
        team = self.roster.team(plain)
        if not team and names:
            team = self.roster.by_names(names.split("_"))
            if not team:
                raise Refused(f"the names in {shown(plain)} are not those of one team's members")
        if not team:
            raise Refused(f"{shown(plain)} is not in the roster{self.roster.near(plain)}")
        return team, notes, self.member(plain)

    def member(self, text: str) -> str:
        """Id of the student whom a name names, rather than a team; "" if none."""
        wanted = team_id(text)
        members = self.roster.students if self.roster else []
        return next((s.id for s in members if team_id(s.id) == wanted != s.team), "")

    def foreign(self, files: Iterable[File], team: str) -> list[str]:
        """Notes on delivered archives that are called after another team."""
        notes = []
        for file in files:
            match = ARCHIVE_NAME.fullmatch(file.path.rpartition("/")[2])
            claimed = self.claimed(match.group(1)) if match else ""
            if claimed and claimed != team:
                notes.append(f"{shown(file.path)} is called after {claimed}; it counts for {team}")
        return notes

    def claimed(self, text: str) -> str:
        """The team that a name inside a delivery seems to claim, for notes only."""
        if self.roster:
            return self.roster.team(BROWSER_COPY.sub("", text))
        match = re.match(r"(?:team|group)[\s_-]*\d+", text, re.IGNORECASE)
        return team_id(match.group()) if match else ""


def _taken_for(path: Path) -> str:
    """What an archive that is nobody's was taken for, and what to do."""
    inside = [name for name in downloads.unjunked(zips.names_in(path)) if name.count("/") < 2]
    packed = [name for name in inside if ARCHIVE_NAME.fullmatch(name.rpartition("/")[2])]
    if len(packed) > 1:
        return (
            f"it holds archives itself ({shown(packed[0], 60)}, …): unpack it and collect the "
            "folder, or, if an LMS made it, say which with --lms NAME"
        )
    return (
        "it was taken for one team's archive: call it after the team, team_7.zip, or, if an LMS "
        "made it for a whole class, say which with --lms NAME"
    )
