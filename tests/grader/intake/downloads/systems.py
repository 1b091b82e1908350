"""What each system gives an instructor to download: generators, from documented forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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


def brightspace(came: list[HandIn]) -> Made:
    """Brightspace, as tools of users read it: folders "USER-FOLDER - Name - May 18, 2025 1224 PM"
    beside index.html; no colon in the time, which is the site's."""
    made = {"index.html": b"<html>"}
    for one in came:
        when = (
            f"{one.when:%b} {one.when.day}, {one.when:%Y} {int(f'{one.when:%I}')}{one.when:%M %p}"
        )
        for path, content in one.files.items():
            who = one.group or one.who.name
            made[f"{one.who.number + 20_000}-4711 - {who} - {when}/{path}"] = content
    return made


def blackboard(came: list[HandIn], title: str = "Lab_1 (CNN)") -> Made:
    """Blackboard's gradebook_….zip (help.blackboard.com, "Download assignments"): a text file for
    each attempt, and the files under the same beginning."""
    made = {}
    for one in came:
        start = f"{title}_{one.group or one.who.id}_attempt_{one.when:%Y-%m-%d-%H-%M-%S}"
        made[f"{start}.txt"] = f"Name: {one.who.name} ({one.who.id})\n".encode()
        for path, content in one.files.items():
            made[f"{start}_{path}"] = content
    return made


def gradescope(came: list[HandIn], together: bool = False) -> Made:
    """Gradescope's export: Ruby's YAML with symbols as keys, and times in UTC.  together: all are
    of one group."""
    lines, made = ["---"], {}
    for number, one in enumerate(came, 4711):
        lines += [f"submission_{number}:", "  :submitters:"]
        for person in [each.who for each in came] if together else [one.who]:
            name = person.name.replace('"', "")
            lines += [f'  - :name: "{name}"', f"    :email: {person.mail}", "    :sid: ''"]
        when = one.when.astimezone(UTC)
        lines += [f"  :created_at: {when:%Y-%m-%d %H:%M:%S}.123456789 Z", "  :score: 0.0"]
        lines += ["  :history: !ruby/array:Hash", "  - :id: 1"]
        for path, content in one.files.items():
            made[f"assignment_9_export/submission_{number}/{path}"] = content
        if together:
            break
    made["assignment_9_export/submission_metadata.yml"] = "\n".join(lines).encode()
    return made


def github(came: list[HandIn]) -> Made:
    """`gh classroom clone student-repos` (github/gh-classroom, README): ASSIGNMENT-submissions/
    with a folder ASSIGNMENT-LOGIN for each."""
    return {
        f"cnn-course-submissions/cnn-course-{one.group or one.who.id}/{path}": content
        for one in came
        for path, content in {**one.files, ".git/HEAD": b"ref: refs/heads/main"}.items()
    }


def submitted(came: list[HandIn]) -> Made:
    """nbgrader's submitted/ (nbgrader/exchange/default/collect.py; timestamp_format of
    exchange/abc/exchange.py: "%Y-%m-%d %H:%M:%S.%f %Z")."""
    made = {}
    for one in came:
        folder = f"submitted/{one.who.id}/{FIRST}"
        made[f"{folder}/timestamp.txt"] = f"{one.when.astimezone(UTC):{_NBGRADER}}".encode()
        made |= {f"{folder}/{path}": content for path, content in one.files.items()}
    return made


def exchange(came: list[HandIn]) -> Made:
    """The exchange's inbound folder (nbgrader/exchange/default/submit.py)."""
    made = {}
    for one in came:
        when = f"{one.when.astimezone(UTC):{_NBGRADER}}"
        start = f"inbound/{one.who.id}+{FIRST}+{when}+c2VjcmV0"
        made |= {f"{start}/{path}": content for path, content in one.files.items()}
        made[f"{start}/timestamp.txt"] = when.encode()
    return made


def sakai(came: list[HandIn], title: str = "Lab 1") -> Made:
    """Sakai's "Download All" (AssignmentServiceImpl.zipSubmissions, zipGroupSubmissions):
    Instant.toString as time."""
    made = {f"{title}/grades.csv": b'"Lab 1","Points"\n'}
    for one in came:
        who = (
            f"{one.group} (9f1c-22)"
            if one.group
            else f"{one.who.last}, {one.who.first}({one.who.id})"
        )
        start = f"{title}/{who}"
        made[f"{start}/timestamp.txt"] = (
            f"{one.when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.120Z".encode()
        )
        made[f"{start}/{one.who.name}_submissionText.html"] = b"<p>"
        made[f"{start}/comments.txt"] = b""
        made[f"{start}/Feedback Attachment(s)/{FIRST}.ipynb"] = b"{}"
        for path, content in one.files.items():
            made[f"{start}/Submission attachment(s)/{path}"] = content
    return made


def ilias(came: list[HandIn], team: bool = False) -> Made:
    """ILIAS (tools that read its downloads: DigiKlausur/ilias2nbgrader, simhnna/iliasCorrector,
    "assignment/Abgaben/Team YYYYY/last_first_login_ID")."""
    made = {}
    for number, one in enumerate(came, 12345):
        who = f"{one.who.last}_{one.who.first}_{one.who.id}_{number}".replace(" ", "_")
        inner = f"Team {number}/{who}" if team else who
        for path, content in one.files.items():
            made[f"Lab 1/Abgaben/{inner}/{path}"] = content
    return made


_NBGRADER = "%Y-%m-%d %H:%M:%S.%f UTC"
SYSTEMS: dict[str, Callable[[list[HandIn]], Made]] = {
    "moodle": moodle,
    "canvas": canvas,
    "brightspace": brightspace,
    "blackboard": blackboard,
    "gradescope": gradescope,
    "github": github,
    "nbgrader": submitted,
    "exchange": exchange,
    "sakai": sakai,
    "ilias": ilias,
}
TIMED = ("brightspace", "blackboard", "gradescope", "nbgrader", "exchange", "sakai")
"""Those that say when each came."""
NAMES_ALONE = ("brightspace",)
"""Those that give neither a login nor a number that a roster knows."""
ZONED = ("gradescope", "nbgrader", "exchange", "sakai")
"""Those that say it in UTC; the others in the site's zone."""
