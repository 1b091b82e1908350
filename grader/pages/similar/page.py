"""The page of pairs: each with both texts side by side, and what they share marked in both.

What students wrote reaches the page through the templates' autoescape alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.pages.page import environment, stylesheet
from grader.pages.similar.compare import Pair, Part, Work
from grader.text import clean

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_ENV = environment(_TEMPLATES)

MOST_SHOWN = 12_000
"""Characters of one cell on the page."""


@dataclass(frozen=True)
class Piece:
    """Some text, and whether the other team has it, too."""

    text: str
    shared: bool


@dataclass(frozen=True)
class Side:
    """One cell as it is shown."""

    name: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Row:
    """Two cells that stand side by side; None where one team has no such cell."""

    name: str
    left: Side | None
    right: Side | None


@dataclass(frozen=True)
class Shown:
    """One pair on the page."""

    pair: Pair
    rows: list[Row]


@dataclass(frozen=True)
class Section:
    """One notebook: how many were compared, and the pairs that lead."""

    title: str
    teams: int
    shown: list[Shown]

    @property
    def standing_out(self) -> int:
        """How many pairs stand out."""
        return sum(shown.pair.stands_out for shown in self.shown)


def render(title: str, sections: list[Section], now: datetime) -> str:
    """The page as HTML: self-contained, without scripts."""
    return _ENV.get_template("similar.html").render(
        title=title,
        sections=sections,
        style=stylesheet(_TEMPLATES / "similar.css"),
        now=now,
    )


def side_by_side(pair: Pair) -> Shown:
    """Both works with what they share, cells of the same name beside each other."""
    left = {side.name: side for side in _sides(pair.first, pair.shared)}
    right = {side.name: side for side in _sides(pair.second, pair.shared)}
    names = list(dict.fromkeys([*left, *right]))
    rows = [Row(name, left.get(name), right.get(name)) for name in names]
    rows = [row for row in rows if _shares(row.left) or _shares(row.right)]
    return Shown(pair, rows)


def _shares(side: Side | None) -> bool:
    return side is not None and any(piece.shared for piece in side.pieces)


def _sides(work: Work, shared: frozenset[int]) -> list[Side]:
    spans: dict[int, list[tuple[int, int]]] = {}
    for run in shared:
        for number, start, end in work.places.get(run, []):
            spans.setdefault(number, []).append((start, end))
    return [
        Side(part.name, _pieces(part, spans.get(number, [])))
        for number, part in enumerate(work.parts)
    ]


def _pieces(part: Part, spans: list[tuple[int, int]]) -> list[Piece]:
    """The text cut where shared runs begin and end; overlapping runs become one."""
    text = part.text[:MOST_SHOWN]
    pieces: list[Piece] = []
    at = 0
    for start, end in _merged(spans):
        start, end = min(start, len(text)), min(end, len(text))
        if start > at:
            pieces.append(Piece(clean(text[at:start]), False))
        if end > start:
            pieces.append(Piece(clean(text[start:end]), True))
        at = max(at, end)
    if at < len(text):
        pieces.append(Piece(clean(text[at:]), False))
    return pieces


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
