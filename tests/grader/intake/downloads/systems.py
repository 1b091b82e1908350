"""What each system gives an instructor to download: generators, from documented forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.grader.intake_samples import FIRST, NOON, ipynb


@dataclass(frozen=True)
class Person:
    """Somebody with a name that programs get wrong."""

    team: str
    id: str
    first: str
    last: str
    number: int
    """Moodle's; Canvas' is 10,000 more."""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def mail(self) -> str:
        return f"{self.id}@example.org"


PEOPLE = (
    Person("team_1", "obrien", "Siobhán", "O'Brien", 5001),
    Person("team_2", "lixl", "小龙", "李", 5002),
    Person("team_3", "kmue", "Karl-Heinz", "Müller-Lüdenscheidt", 5003),
    Person("team_4", "kiran", "किरण", "ज़ोया", 5004),
    Person("team_5", "jose", "Jose\u0301", "Nun\u0303ez", 5005),
    Person("team_6", "maryam", "مريم", "الزهراء", 5006),
    Person("team_7", "annsmith", "Ann", "Smith", 5007),
    Person("team_8", "ann2", "Ann", "Smith", 5008),
    Person("team_9", "kingj", "Martin", "King, Jr.", 5009),
    Person("team_10", "nguyen", "Văn Anh", "Nguyễn", 5010),
)
NAMESAKES = ("team_7", "team_8")


def roster(numbers: bool = True, people: Iterable[Person] = PEOPLE) -> str:
    """The class, with names as a registry office writes them."""
    lines = ["team,student,name,email,moodle,canvas"]
    for one in people:
        name = unicodedata.normalize("NFC", one.name)
        known = f"{one.number},{one.number + 10_000}" if numbers else ","
        lines.append(f'{one.team},{one.id},"{name}",{one.mail},{known}')
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class HandIn:
    """What somebody handed in."""

    who: Person
    files: dict[str, bytes]
    when: datetime = NOON
    late: bool = False
    group: str = ""
    """Name of the group for which it is, if groups hand in."""


def notebook_of(who: Person, attempt: int = 1) -> dict[str, bytes]:
    """A notebook that says whose it is."""
    return {f"{FIRST}.ipynb": ipynb(FIRST, f"answer = '{who.team}, {attempt}'")}


def hand_ins(people: Iterable[Person] = PEOPLE) -> list[HandIn]:
    """One of each, minutes apart."""
    times = (NOON + timedelta(minutes=7 * k) for k in range(100))
    return [HandIn(one, notebook_of(one), when) for one, when in zip(people, times, strict=False)]


_ODD = re.compile(r'[\x00/\\:*?"<>|]+')
Made = dict[str, bytes]
"""Path -> content."""


def moodle(came: list[HandIn], end: str = "/") -> Made:
    """Moodle (mod/assign/classes/downloader.php; up to 4.0 mod/assign/locallib.php): clean_filename
    and "_" as a blank in names, a folder for each plugin.  end: "_/" up to 4.0, "_" flat."""
    made = {}
    for one in came:
        name = (one.group or one.who.name).replace("_", " ")
        for path, content in one.files.items():
            made[f"{name}_{one.who.number}_assignsubmission_file{end}{path}"] = content
    return made


def canvas(came: list[HandIn], anonymous: bool = False) -> Made:
    """Canvas (lib/content_zipper.rb): get_user_name, sanitize_file_name, get_filename; Ruby's
    [[:word:]] keeps marks, Unicode's categories L, M, N and Pc."""
    made, file = {}, 33_000
    for one in came:
        sortable = one.group or f"{one.who.last}, {one.who.first}"
        name = re.sub(r"_(\d+)_", r"\1", sortable).lower()
        words = [name] * (not anonymous) + ["LATE"] * one.late
        number = f"anon_aB{one.who.number % 1000:03}" if anonymous else str(one.who.number + 10_000)
        start = "".join(
            c for c in "_".join([*words, number]) if unicodedata.category(c)[0] in "LMN" or c == "_"
        )
        for path, content in one.files.items():
            file += 1
            made[f"{start}_{file}_{_ODD.sub('_', path)}"] = content
    return made


SYSTEMS: dict[str, Callable[[list[HandIn]], Made]] = {"moodle": moodle, "canvas": canvas}
