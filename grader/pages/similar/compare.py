"""Which submissions share more than the release and chance explain.

Every text is cut into overlapping runs of tokens, of which winnowing keeps a part that is the same
wherever the same text stands (Schleimer, Wilkerson and Aiken, SIGMOD 2003).  Runs of the release
are taken out.  A shared run counts the more, the fewer teams have it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from math import log

from grader.pages.similar.tokens import Token

RUN = {"code": 13, "prose": 6}
"""Tokens in a run: a line or two of code, half a sentence."""

WINDOW = 4
"""One run is kept of every so many neighbours; RUN + WINDOW − 1 equal tokens are always found."""

MOST_RUNS = 20_000
"""Of one submission; beyond it nothing is compared."""

_COMMON = 3
"""A run that more than one team in so many has is common, and says nothing about a pair."""

_FEW = 4
"""So many may always share a run, however small the class."""

_LEAST_PAIRS = 10
"""Fewer pairs than this say nothing about chance."""

_FAR = 5.5
"""Distance from the class's middle, in typical deviations, from which a pair stands out.  In trial
classes of 60, copies lay at 6.0 and more, honest pairs at 5.2 and less."""

_LEAST_SPREAD = 2.0
"""Where hardly anybody shares anything, a few lines in common don't stand out yet."""


@dataclass(frozen=True)
class Part:
    """One cell of a submission."""

    name: str
    kind: str
    """"code" or "prose"."""
    text: str
    tokens: list[list[Token]]


@dataclass
class Work:
    """What one team handed in for one notebook, with the runs that are its own."""

    team: str
    notebook: str
    parts: list[Part]
    places: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    """Run -> (number of the part, start, end) wherever it stands."""
    kept: set[int] = field(default_factory=set)
    """Runs that winnowing keeps."""
    weight: float = 0.0


@dataclass(frozen=True)
class Pair:
    """Two teams' work on one notebook."""

    first: Work
    second: Work
    evidence: float
    """Sum of the weights of what they share."""
    share: float
    """Of the smaller work, by weight, in [0, 1]."""
    shared: frozenset[int]
    stands_out: bool = False

    @property
    def score(self) -> float:
        """What pairs are ordered by: much, and much of all there is."""
        return self.evidence * self.share


def fingerprint(work: Work, release: set[int]) -> Work:
    """Fill in the runs of a work, without those of the release."""
    count = 0
    for number, part in enumerate(work.parts):
        for tokens in part.tokens:
            if count > MOST_RUNS:
                return work
            runs = _runs(part.kind, tokens)
            count += len(runs)
            for run, first in runs:
                if run not in release:
                    last = first + RUN[part.kind] - 1
                    place = (number, tokens[first].start, tokens[last].end)
                    work.places.setdefault(run, []).append(place)
            work.kept |= set(_winnowed([run for run, _ in runs])) - release
    return work


def runs_of(parts: Iterable[Part]) -> set[int]:
    """All runs of some texts: of the release, to be taken out."""
    return {run for part in parts for tokens in part.tokens for run, _ in _runs(part.kind, tokens)}


def pairs(works: Sequence[Work]) -> list[Pair]:
    """All pairs of one notebook that share something uncommon, the most suspicious first."""
    holders: dict[int, list[int]] = defaultdict(list)
    for number, work in enumerate(works):
        for run in work.kept:
            holders[run].append(number)
    count = len(works)
    # squared: the many overlapping runs of a way that many chose must not outvote a few rare ones
    weights = {run: log((count + 3) / len(who)) ** 2 for run, who in holders.items()}
    for work in works:
        work.weight = sum(weights[run] for run in work.kept)
    evidence: defaultdict[tuple[int, int], float] = defaultdict(float)
    shared: dict[tuple[int, int], list[int]] = defaultdict(list)
    for run, who in holders.items():
        if 1 < len(who) <= max(_FEW, count // _COMMON):
            for place, a in enumerate(who):
                for b in who[place + 1 :]:
                    evidence[a, b] += weights[run]
                    shared[a, b].append(run)
    found = []
    for (a, b), weight in evidence.items():
        smaller = min(works[a].weight, works[b].weight)
        share = min(1.0, weight / smaller) if smaller > 0 else 0.0
        found.append(Pair(works[a], works[b], weight, share, frozenset(shared[a, b])))
    found.sort(key=lambda pair: (-pair.score, pair.first.team, pair.second.team))
    return _marked(found, count * (count - 1) // 2)


def _marked(found: list[Pair], possible: int) -> list[Pair]:
    """Mark the pairs that lie far from where pairs of this class usually lie."""
    if possible < _LEAST_PAIRS:
        limit = float("inf")
    else:
        roots = [pair.score**0.5 for pair in found] + [0.0] * (possible - len(found))
        middle = statistics.median(roots)
        spread = 1.4826 * statistics.median(abs(root - middle) for root in roots)
        limit = middle + _FAR * max(spread, _LEAST_SPREAD)
    return [replace(pair, stands_out=pair.score**0.5 > limit) for pair in found]


def _runs(kind: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """(hash, position) of every run of tokens."""
    length = RUN[kind]
    texts = [token.text for token in tokens]
    return [(_hash(kind, texts[i : i + length]), i) for i in range(len(texts) - length + 1)]


def _hash(kind: str, texts: list[str]) -> int:
    # 64 bits that nobody can aim at: a collision would accuse two teams that share nothing
    data = "\x00".join([kind, *texts]).encode("utf-8", "replace")
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def _winnowed(runs: list[int]) -> list[int]:
    """The least of every WINDOW neighbours."""
    if len(runs) <= WINDOW:
        return runs[:1] and [min(runs)]
    return [min(runs[i : i + WINDOW]) for i in range(len(runs) - WINDOW + 1)]
