"""All answers to one question, as markers see them: harmless, and like beside like.

Answers are read from what `grade` made for formgrader, where names are taken out if marking is
anonymous.  Their text is hostile: it is set as HTML in a process apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import numpy as np
from markupsafe import Markup
from scipy.cluster.hierarchy import leaves_list, linkage
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from grader import apart
from grader.cells import about, grade_id, is_essay, text_of
from grader.classroom.folder import ClassFolder
from grader.classroom.results import Result
from grader.classroom.results import read as read_result
from grader.desk.asked import Asked
from grader.formgrader import answer_key
from grader.grading import defuse
from grader.pages.feedback import essay, work

NEAR = 0.85
"""Cosine, of letters in threes to fives, from which two answers are shown as almost the same."""

_SECONDS = 2.0
"""Of processor time for what one team has written in a notebook."""
_ROUND = 5
"""Cells around an answer that may hold it, where its own cell is as released."""
_BESIDE = Markup('<section class="beside"><h5>{}</h5>{}</section>')
_PICTURES = re.compile(r'<img src="([^"]*)"')
_CLUSTERED = 3000
"""Answers up to which all distances are held; more are ordered along their first component."""


class Written(msgspec.Struct, frozen=True):
    """What one team wrote in answer to one question."""

    text: str
    """As typed; with the cells around it where the answer may stand there."""
    html: str
    shown: bool = True
    """False for a text that says why the answer can't be shown."""

    @property
    def digest(self) -> str:
        """Of text and pictures: a mark is for just these."""
        return hashlib.sha256(f"{self.text}\0{self.html}".encode()).hexdigest()[:32]


class Check(msgspec.Struct, frozen=True):
    """What a check of the same exercise found."""

    name: str
    points: float
    worth: float
    mistake: str


class Answer(msgspec.Struct, frozen=True):
    """One team's answer to one question."""

    team: str
    written: Written
    checks: list[Check]
    same: int
    """Answers with the same number say the same, but for blanks, capitals and punctuation at the
    end of a word; with the same pictures.  What can't be shown is like nothing."""
    near: dict[str, float]
    """Teams whose answers are almost the same, and how much alike they are, in [NEAR, 1]."""


class Shelf:
    """The answers of a class; a notebook is read again only when it has changed."""

    def __init__(self, folder: ClassFolder) -> None:
        self.folder = folder
        self._read: dict[Path, tuple[tuple[int, int], dict[str, Written]]] = {}

    def written(self, team: str, question: Asked) -> Written:
        """What a team has written by now."""
        folder = self.folder.autograded(team, question.notebook)
        path = folder / f"{question.notebook}.ipynb"
        try:
            found = path.stat()
        except OSError:
            return _hidden("This answer isn't here: it is not graded yet, or that failed.")
        state = found.st_mtime_ns, found.st_size
        if path not in self._read or self._read[path][0] != state:
            essays = _essays(path, self._release(question.notebook))
            if essays is None:  # tried again next time: the machine may have been busy
                return _hidden("This notebook can't be shown in time.")
            self._read[path] = state, essays
        return self._read[path][1][question.cell]

    def answers(self, teams: Sequence[str], question: Asked) -> list[Answer]:
        """Answers of these teams in the order in which to read them."""
        written = {team: self.written(team, question) for team in teams}
        same = _numbered([_key(team, one) for team, one in written.items()])
        order, near = _alike([one.text for one in written.values()])
        names = list(written)
        return [
            Answer(
                names[at],
                written[names[at]],
                self._checks(names[at], question),
                same[at],
                {names[other]: alike for other, alike in near[at].items()},
            )
            for at in order
        ]

    def _release(self, notebook: str) -> Path:
        return self.folder.root / "release" / notebook / f"{notebook}.ipynb"

    def _checks(self, team: str, question: Asked) -> list[Check]:
        path = self.folder.result(team, question.notebook) / "result.json"
        try:
            found = {check.name: check for check in read_result(path, Result).checks}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return []
        checks = [found[name] for name in question.checks if name in found]
        return [Check(one.name, one.points, one.max_points, one.mistake) for one in checks]


def _essays(path: Path, release: Path) -> dict[str, Written] | None:
    """What a team wrote; None if it can't be made into a page in time."""
    for plain in (False, True):
        try:
            found = apart.call(_SECONDS, essays, path, release, plain)
        except apart.TooMuch:
            continue
        there = {name: Written(text, html) for name, (text, html) in found.items()}
        return defaultdict(lambda: _hidden("The cell for this answer is gone."), there)
    return None


def _hidden(why: str) -> Written:
    text = f"{why} See formgrader, and mark it there."
    return Written(text, str(Markup("<p>{}</p>").format(text)), shown=False)


def essays(path: Path, release: Path, plain: bool) -> dict[str, tuple[str, str]]:
    """Essay -> its text, and the same as HTML that can't do anything; runs in a process apart.

    path: what formgrader shows of a submission.  plain: as typed, which takes no time.
    """
    there = _cells(path)
    cells = [cell for cell in there if not _key_of(cell)]
    said = {_key_of(cell): _looked_at(cell) for cell in reversed(there)}  # ours comes first
    released = _texts(release, release.stat().st_mtime_ns)
    own = [not (about(cell) or text_of(cell).strip() in released) for cell in cells]
    set_as = essay.as_typed if plain else essay.to_html
    found = {}
    for at, cell in enumerate(cells):
        if not (cell.get("cell_type") == "markdown" and is_essay(cell)):
            continue
        texts, pages = [text_of(cell)], [set_as(text_of(cell), work.attached(cell))]
        for other in (cells[place] for place in _around(own, at)):
            texts.append(text_of(other))
            setting = set_as if other.get("cell_type") == "markdown" else essay.as_typed
            shown = setting(text_of(other), work.attached(other))
            pages.append(_BESIDE.format("A cell beside the answer", shown))
        if words := said.get(grade_id(cell)):
            texts.append(words)
            pages.append(_BESIDE.format("To look at", set_as(words)))
        found[grade_id(cell)] = "\n\n".join(texts), str(Markup("").join(pages))
    return found


@lru_cache(maxsize=8)
def _texts(release: Path, _: int) -> frozenset[str]:
    """Texts of a release, as students get them and as they look when made harmless.

    _: when it was written.
    """
    notebook = nbformat.read(release, as_version=4)
    texts = [text_of(cell).strip() for cell in notebook.cells]
    defuse.defuse(notebook)
    return frozenset([*texts, *(text_of(cell).strip() for cell in notebook.cells)])


def _cells(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > work.NOTEBOOK_BYTES:
        raise ValueError("too large")
    return [cell for cell in json.loads(path.read_bytes())["cells"] if isinstance(cell, dict)]


def _around(own: Sequence[bool], at: int) -> Iterator[int]:
    """A team's own cells next to an answer: some answer in a cell of their own."""
    for step in (-1, 1):
        place = at + step
        while 0 <= place < len(own) and abs(place - at) <= _ROUND and own[place]:
            yield place
            place += step


def _key_of(cell: Mapping[str, Any]) -> str:
    """The essay whose answer key a cell holds; "" if it is no such cell."""
    metadata = cell.get("metadata")
    return str(metadata.get(answer_key.MARK, "")) if isinstance(metadata, Mapping) else ""


def _looked_at(key: Mapping[str, Any]) -> str:
    """What is said before the answer key of a report, of code, or of where to look."""
    return text_of(key).partition("**Model answer**")[0].partition(">")[2].strip()


def letters(text: str) -> str:
    """What makes two texts the same.  Signs stay: ≤ is not ≥, and ( is not [."""
    words = (word.strip(".,;:!?") for word in text.casefold().split())
    return " ".join(word for word in words if word)


def _key(team: str, one: Written) -> tuple[str, ...]:
    """What makes two answers the same."""
    return (letters(one.text), *_PICTURES.findall(one.html)) if one.shown else ("", team)


def _numbered(keys: Sequence[tuple[str, ...]]) -> list[int]:
    numbers: dict[tuple[str, ...], int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _alike(texts: Sequence[str]) -> tuple[list[int], list[dict[int, float]]]:
    """An order in which like follows like, and for each text those that are almost the same."""
    count = len(texts)
    if count < 2 or not any(text.strip() for text in texts):
        return list(range(count)), [{} for _ in texts]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), use_idf=False)
    points = vectors.fit_transform(texts)
    if count > _CLUSTERED:
        along = TruncatedSVD(1, random_state=0).fit_transform(points)[:, 0]
        return [int(n) for n in along.argsort(kind="stable")], [{} for _ in texts]
    alike = cosine_similarity(points)
    apart_by = (1 - alike).clip(0, 1)
    upper = [apart_by[i, i + 1 :] for i in range(count)]
    order = leaves_list(linkage(np.concatenate(upper), "average"))
    near = [
        {int(j): round(float(alike[i, j]), 2) for j in (alike[i] >= NEAR).nonzero()[0] if j != i}
        for i in range(count)
    ]
    return [int(n) for n in order], near
