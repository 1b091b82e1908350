"""The report's numbers, computed from where every submission stands."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass

from grader.classroom.questions import Group, grouped
from grader.classroom.standing import (
    ESSAYS,
    FINAL,
    HUMAN,
    MISSING,
    UNGRADED,
    ClassStanding,
    Exercise,
    Standing,
    mean_and_median,
)
from grader.config import Notebook

MOST_MISTAKES, MOST_SLOW = 12, 8


@dataclass(frozen=True)
class Attention:
    """Something that waits for a person, with all that it concerns for the same reason."""

    kind: str
    """"submission", "archive" or "file"."""
    who: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Tally:
    """How a class did in one exercise."""

    name: str
    kind: str
    max_points: float
    count: int
    mean: float
    """Mean fraction of the points, over those that have a mark."""
    full: int
    none: int
    not_run: int
    waiting: int
    """Still to be marked by hand."""
    bonus: bool = False
    """Its points come on top of the maximum."""

    @property
    def marked(self) -> int:
        """How many have a mark."""
        return self.count - self.waiting


@dataclass(frozen=True)
class Scores:
    """One notebook: its scores and its exercises."""

    notebook: Notebook
    worth: float
    fractions: list[float]
    """One per graded submission, in [0, 1]."""
    provisional: int
    """How many of them still have essays to mark."""
    mean: float | None
    median: float | None
    checks: list[Tally]
    essays: list[Tally]


@dataclass(frozen=True)
class Mistake:
    """A named mistake and how many teams made it."""

    mistake: str
    hint: str
    notebook: Notebook
    checks: list[str]
    """Where it shows, in the order in which it was met."""
    teams: int
    of: int


@dataclass(frozen=True)
class Total:
    """One team over all notebooks."""

    team: str
    rows: list[Standing]
    score: float
    worth: float
    state: str
    """The state that most needs attention."""


@dataclass(frozen=True)
class Spent:
    """Where the time of one notebook's submissions went, in seconds."""

    notebook: Notebook
    count: int
    cells: float
    """Students' cells running."""
    kernels: float
    """Kernels starting, handing over and ending."""
    judging: float
    median: float
    """Of a submission, without judging."""
    slowest: float


@dataclass(frozen=True)
class Figures:
    """All that the report shows."""

    everyone: ClassStanding
    submissions: int
    graded: int
    human: int
    essays: int
    essays_all: int
    mean: float | None
    median: float | None
    questions: list[Group]
    """What only a human can decide, by cause and run."""
    attention: list[Attention]
    """What else waits."""
    scores: list[Scores]
    mistakes: list[Mistake]
    late: list[Standing]
    undated: list[Standing]
    """Those that may be late, and nobody knows."""
    totals: list[Total]
    slowest: list[Standing]
    spent: list[Spent]
    seconds: float
    median_seconds: float

    @property
    def judged(self) -> bool:
        """Is there an exercise to show?"""
        return any(scores.checks for scores in self.scores)


def gather(everyone: ClassStanding) -> Figures:
    """Compute the numbers of a class."""
    rows = everyone.handed_in()
    graded = [row for row in rows if row.state in (ESSAYS, FINAL)]
    averages = mean_and_median([row.fraction for row in graded])
    essays = [x for row in rows for x in row.exercises if x.kind == "essay"]
    timed = [row for row in rows if row.result is not None]
    seconds = [row.result.seconds for row in timed if row.result is not None]
    return Figures(
        everyone=everyone,
        submissions=len(rows),
        graded=len(graded),
        human=sum(row.state in (HUMAN, UNGRADED) for row in rows) + len(everyone.rejected),
        essays=sum(x.waiting for x in essays),
        essays_all=len(essays),
        mean=averages[0] if averages else None,
        median=averages[1] if averages else None,
        questions=grouped(entry for row in rows for entry in row.asked),
        attention=_attention(everyone, rows),
        scores=[_scores(everyone, notebook) for notebook in everyone.notebooks],
        mistakes=_mistakes(rows)[:MOST_MISTAKES],
        late=sorted(
            (row for row in rows if row.late_by is not None or row.penalty > 0),
            key=lambda row: (-row.penalty, row.team),
        ),
        undated=[row for row in rows if row.undated],
        totals=[_total(everyone, team) for team in everyone.teams],
        slowest=sorted(timed, key=lambda row: -(row.result.seconds if row.result else 0))[
            :MOST_SLOW
        ],
        spent=_spent(everyone, timed),
        seconds=sum(seconds),
        median_seconds=statistics.median(seconds) if seconds else 0.0,
    )


def _spent(everyone: ClassStanding, timed: list[Standing]) -> list[Spent]:
    found = []
    for notebook in everyone.notebooks:
        rows = [r.result for r in timed if r.result and r.notebook.name == notebook.name]
        if rows:
            each = [row.seconds for row in rows]
            cells = sum(row.cell_seconds for row in rows)
            judging = sum(row.judging_seconds for row in rows)
            median = statistics.median(each)
            kernels = max(0.0, sum(each) - cells)
            found.append(Spent(notebook, len(rows), cells, kernels, judging, median, max(each)))
    return found


def _attention(everyone: ClassStanding, rows: list[Standing]) -> list[Attention]:
    who: dict[tuple[str, str], list[str]] = defaultdict(list)
    for problem in everyone.problems:
        who["file", problem].append("class folder")
    for asked in everyone.questions:
        who["file", str(asked)].append("roster")
    for row in rows:
        if row.state == UNGRADED:
            label = f"{row.team}/{row.notebook.name}"
            who["submission", "taken in, not graded yet; ./course grade"].append(label)
    for entry in everyone.rejected:
        label = f"{entry.archive} ({entry.team})" if entry.team else entry.archive
        who["archive", entry.reason].append(label)
    return [Attention(kind, tuple(found), reason) for (kind, reason), found in who.items()]


def _scores(everyone: ClassStanding, notebook: Notebook) -> Scores:
    handed_in = everyone.of_notebook(notebook.name)
    rows = [row for row in handed_in if row.state in (ESSAYS, FINAL)]
    fractions = [row.fraction for row in rows]
    averages = mean_and_median(fractions)
    by_name: dict[tuple[str, str], list[Exercise]] = defaultdict(list)
    for row in handed_in:
        for exercise in row.exercises:
            # what could not be judged says nothing about the class; essays need marks anyway
            if exercise.kind == "essay" or row in rows:
                by_name[exercise.kind, exercise.name].append(exercise)
    tallies = [_tally(name, kind, found) for (kind, name), found in by_name.items()]
    return Scores(
        notebook,
        everyone.worth(notebook.name),
        fractions,
        sum(row.state == ESSAYS for row in rows),
        averages[0] if averages else None,
        averages[1] if averages else None,
        [tally for tally in tallies if tally.kind == "check"],
        [tally for tally in tallies if tally.kind == "essay"],
    )


def _tally(name: str, kind: str, found: list[Exercise]) -> Tally:
    worth = max(x.max_points for x in found)
    marked = [x for x in found if not x.waiting]
    shares = [x.points / worth for x in marked] if worth > 0 else [0.0]
    return Tally(
        name,
        kind,
        worth,
        len(found),
        statistics.fmean(shares) if shares else 0.0,
        sum(share >= 1 for share in shares),
        sum(share <= 0 for share in shares),
        sum(x.check is not None and x.check.status != "judged" for x in found),
        len(found) - len(marked),
        any(x.bonus for x in found),
    )


def _mistakes(rows: list[Standing]) -> list[Mistake]:
    """Named mistakes, the most frequent first; one that shows in several checks is one mistake."""
    teams: dict[tuple[str, str], set[str]] = defaultdict(set)
    checks: dict[tuple[str, str], list[str]] = defaultdict(list)
    hints: dict[tuple[str, str], str] = {}
    notebooks: dict[str, Notebook] = {}
    judged: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        notebooks[row.notebook.name] = row.notebook
        for check in row.result.checks if row.result is not None else []:
            if check.status == "judged":
                judged[row.notebook.name].add(row.team)
            if check.mistake:
                key = (row.notebook.name, check.mistake)
                teams[key].add(row.team)
                hints.setdefault(key, check.hint)
                if check.name not in checks[key]:
                    checks[key].append(check.name)
    found = [
        Mistake(
            mistake,
            hints[notebook, mistake],
            notebooks[notebook],
            checks[notebook, mistake],
            len(who),
            len(judged[notebook]),
        )
        for (notebook, mistake), who in teams.items()
    ]
    return sorted(found, key=lambda m: (-m.teams, m.notebook.name, m.mistake))


def _total(everyone: ClassStanding, team: str) -> Total:
    rows = everyone.of_team(team)
    states = [row.state for row in rows]
    worst = next((s for s in (HUMAN, UNGRADED, ESSAYS, MISSING) if s in states), FINAL)
    return Total(
        team,
        rows,
        sum(row.score for row in rows),
        sum(everyone.worth(row.notebook.name) for row in rows),
        worst,
    )
