"""The desk itself: what a page asks of it, answered in plain data.

Teams go by tokens that are drawn anew for each desk, so that a page shows no name where marking is
anonymous.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from grader import config
from grader.classroom import database, gradebook, history
from grader.classroom.folder import ClassFolder
from grader.classroom.history import SECOND, Given, Line
from grader.desk import agreement, asked, marks
from grader.desk.answers import Answer, Shelf, letters
from grader.desk.asked import Asked
from grader.desk.marks import Change, Refused

BANK = 30
"""Comments that are offered at most; those given most often."""


class Put(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mark as a page sends it."""

    answer: str
    """The team's token."""
    digest: str
    """Of the text that was marked."""
    seen: Given
    points: float | None
    comment: str
    flagged: bool
    waits: bool = False
    """Is it still for another look?"""


class Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Marks for some answers to one question: one, or several that say the same."""

    notebook: str
    cell: str
    marks: list[Put]
    why: str = ""


class Desk:
    """A class's desk, for one marker."""

    def __init__(
        self,
        folder: ClassFolder,
        course: config.Course,
        marker: str,
        notebooks: Sequence[str] = (),
        earlier: Sequence[ClassFolder] = (),
        share: tuple[int, int] = (1, 1),
        second: float = 0.0,
    ) -> None:
        """notebooks: only these.  earlier: classes whose comments are offered, too.
        share: (2, 3) for the second of three parts of each question's answers.
        second: share of what others have marked, in [0, 1], to mark once more without seeing it.
        """
        self.folder, self.course, self.marker = folder, course, marker
        self.notebooks = tuple(notebooks or course.notebooks)
        self.share, self.second = share, second
        self._sessions = _sessions(folder)
        self._earlier = [_sessions(place) for place in earlier]
        self._shelf = Shelf(folder)
        self._tokens: dict[str, str] = {}
        self._teams: dict[str, str] = {}
        with self._session() as session:
            gradebook.begin(session)
            history.catch_up(session)
            session.commit()

    def overview(self) -> dict[str, Any]:
        """All questions, with how many answers they have and how many of them wait."""
        with self._session() as session:
            given = history.marks(session)
            flagged = {place for place, last in history.latest(session).items() if last.flagged}
            unsettled = agreement.unsettled(history.read(session))
        found: dict[tuple[str, str], Counter[str]] = {}
        for (team, notebook, cell), mark in given.items():
            if mark.waits or mark.points is not None:
                count = found.setdefault((notebook, cell), Counter())
                count["answers"] += 1
                count["waiting"] += mark.waits
                count["flagged"] += (team, notebook, cell) in flagged
                count["unsettled"] += (team, notebook, cell) in unsettled
        questions = [
            {
                "notebook": one.notebook,
                "cell": one.cell,
                "title": one.title,
                "answers": 0,
                "waiting": 0,
                "flagged": 0,
                "unsettled": 0,
            }
            | found.get((one.notebook, one.cell), {})
            for notebook in self.notebooks
            for one in asked.of_notebook(notebook)
        ]
        return {"marker": self._as(), "questions": questions}

    def question(self, notebook: str, cell: str) -> dict[str, Any]:
        """One question with all its answers, in the order in which to read them.

        Raises Refused if there is no such question.
        """
        one = self._asked(notebook, cell)
        with self._session() as session:
            given = marks.current(session, notebook, cell)
            lines = history.read(session, notebook=notebook, cell=cell)
        teams = [t for t, mark in sorted(given.items()) if mark.waits or mark.points is not None]
        if self.second:
            given = self._seconds(lines, given)
            teams = sorted(given)
        answers = [each for each in self._shelf.answers(teams, one) if self._is_mine(each)]
        unsettled = {} if self.second else agreement.unsettled(lines)
        return {
            "notebook": notebook,
            "cell": cell,
            "title": one.title,
            "worth": one.worth,
            "text": one.text,
            "key": one.key,
            "levels": [{"points": level.points, "words": level.words} for level in one.levels],
            "answers": [self._told(at, answer) for at, answer in enumerate(answers, 1)],
            "given": {
                self._token(each.team): msgspec.to_builtins(given[each.team]) for each in answers
            },
            "unsettled": {
                self._token(team): line.after.points for (team, *_), line in unsettled.items()
            },
            "comments": self._bank(notebook, cell),
        }

    def save(self, sent: Save) -> dict[str, Any]:
        """Write marks; returns what is there now, by token.  Raises Refused."""
        one = self._asked(sent.notebook, sent.cell)
        with self._session() as session:
            gradebook.begin(session)  # `grade` records nothing until the mark is there
            changes = [self._change(put, one) for put in sent.marks]
            if self.second:
                now = marks.second(session, sent.notebook, sent.cell, changes, self.marker)
            else:
                now = marks.save(session, sent.notebook, sent.cell, changes, self.marker, sent.why)
        return self._by_token(sent.notebook, sent.cell, now)

    def _change(self, put: Put, one: Asked) -> Change:
        """A mark, if it is for the text that is there.  Raises Refused."""
        team = self._teams.get(put.answer)
        if team is None:
            raise Refused("this desk was opened anew since; load the page again")
        if self.folder.coming(team, one.notebook).is_file():
            raise Refused("this notebook is being graded just now; load the question anew")
        written = self._shelf.written(team, one)
        if not written.shown:
            raise Refused("this answer can't be shown here; mark it in formgrader")
        if written.digest != put.digest:
            raise Refused(
                "the team has handed in another answer meanwhile; load the question anew and "
                "read it: nothing was written"
            )
        comment = put.comment.strip()
        return Change(team, put.seen, put.points, comment, put.flagged, put.waits)

    def undo(self) -> dict[str, Any]:
        """Take back what this marker did last.  Raises Refused."""
        if self.second:
            raise Refused("a second mark is changed by giving another")
        with self._session() as session:
            return self._by_token(*marks.undo(session, self.marker))

    def _by_token(self, notebook: str, cell: str, now: dict[str, Given]) -> dict[str, Any]:
        given = {self._token(team): msgspec.to_builtins(mark) for team, mark in now.items()}
        return {"notebook": notebook, "cell": cell, "given": given}

    def _as(self) -> str:
        """Who marks, and what of it."""
        part, parts = self.share
        share = f", part {part} of {parts}" if parts > 1 else ""
        return f"{self.marker}{share}{', second marks' if self.second else ''}"

    def _seconds(self, lines: Sequence[Line], given: Mapping[str, Given]) -> dict[str, Given]:
        """Team -> what this marker gave as the second one, for what somebody else has marked."""
        first: dict[str, str] = {}
        own: dict[str, Given] = {}
        for line in lines:
            if line.how == SECOND and line.who == self.marker:
                own[line.team] = line.after
            elif line.how != SECOND:
                first[line.team] = line.who
        marked = [team for team, mark in given.items() if mark.points is not None]
        return {team: own.get(team, Given()) for team in marked if first.get(team) != self.marker}

    def _is_mine(self, answer: Answer) -> bool:
        """Is it in this marker's share?  Equal answers are in the same one."""
        drawn = hashlib.sha256(letters(answer.written.text).encode()).digest()
        part, parts = self.share
        chosen = not self.second or int.from_bytes(drawn[:4]) < self.second * 2**32
        return chosen and int.from_bytes(drawn[4:8]) % parts == part - 1

    def _told(self, number: int, answer: Answer) -> dict[str, Any]:
        near = {self._token(team): alike for team, alike in answer.near.items()}
        return {
            "answer": self._token(answer.team),
            "name": f"answer {number}" if self.course.anonymous else answer.team,
            "text": answer.written.text,
            "html": answer.written.html,
            "digest": answer.written.digest,
            "checks": msgspec.to_builtins(answer.checks),
            "same": answer.same,
            "near": near,
        }

    def _bank(self, notebook: str, cell: str) -> list[str]:
        """Comments on this question so far, the most frequent first."""
        count: Counter[str] = Counter()
        for sessions in (self._sessions, *self._earlier):
            with self._opened(sessions) as session:
                there = history.marks(session, notebook=notebook, cell=cell).values()
                count.update(given.comment for given in there if given.comment)
        return [comment for comment, _ in count.most_common(BANK)]

    def _asked(self, notebook: str, cell: str) -> Asked:
        questions = asked.of_notebook(notebook) if notebook in self.notebooks else ()
        for one in questions:
            if one.cell == cell:
                return one
        raise Refused(f"there is no question {notebook}/{cell}")

    def _token(self, team: str) -> str:
        if team not in self._tokens:
            token = secrets.token_hex(8)
            self._tokens[team], self._teams[token] = token, team
        return self._tokens[team]

    @contextmanager
    def _opened(self, sessions: Callable[[], Session]) -> Iterator[Session]:
        try:
            with sessions() as session:
                yield session
        except DBAPIError as error:
            raise database.unavailable(self.folder.db_url, error) from error

    def _session(self) -> Any:
        return self._opened(self._sessions)


def _sessions(folder: ClassFolder) -> Callable[[], Session]:
    """Opens sessions on a class's gradebook."""
    options = {"timeout": database.PATIENCE} if folder.uses_sqlite else {}
    engine = create_engine(folder.db_url, connect_args=options, pool_pre_ping=True)
    return lambda: Session(engine)
