"""The zip does what Gradescope's documentation asks of an autograder, run as it says.

A folder is laid out as /autograder is there, and the two scripts are executed by bash; what they
would install is here already.  Nothing of it was tried on Gradescope itself.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from grader import config, places
from grader.bundles import carried, gradescope, on_gradescope
from grader.commands import bundling
from grader.executing.execute import Job, Outcome
from grader.grading import single, warm
from grader.sandbox import SandboxUnavailable
from tests.grader import in_process, sandbox_helpers, tiny_course
from tests.grader.bundles import second_course
from tests.grader.grading.test_single import FORGES, KEEPS_SIGN, notebook, zipped
from tests.test_dependencies import pins

SCHEMA = Path(__file__).parent / "gradescope_results.schema.json"
VALID = fastjsonschema.compile(json.loads(SCHEMA.read_text()))
SECRET = "of this class"
ANN = {"email": "ann@example.edu", "id": 1, "name": "Ann"}


def metadata(**changed: Any) -> dict[str, Any]:
    """What Gradescope says of a submission, in the words of its documentation."""
    return {
        "id": 123456,
        "created_at": "2018-07-01T14:22:32.365935-07:00",
        "assignment": {
            "due_date": "2018-07-31T23:00:00.000000-07:00",
            "group_size": 4,
            "group_submission": True,
            "id": 25828,
            "course_id": 1234,
            "late_due_date": None,
            "release_date": "2018-07-02T00:00:00.000000-07:00",
            "title": "Programming Assignment 1",
            "total_points": "20.0",
        },
        "submission_method": "upload",
        "users": [ANN],
        "previous_submissions": [],
    } | changed


class Autograder:
    """A folder like /autograder, for one submission after the other."""

    def __init__(self, top: Path):
        self.top = top
        for name in ("results", "source"):
            (top / name).mkdir(parents=True, exist_ok=True)

    def hand_in(self, files: dict[str, bytes], **said: Any) -> None:
        """Gradescope puts a submission there, in a container where no other was."""
        for name, content in files.items():
            path = self.top / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (self.top / "submission").mkdir(exist_ok=True)
        (self.top / "submission_metadata.json").write_text(json.dumps(metadata(**said)))

    @property
    def results(self) -> dict[str, Any]:
        """What was written, which is of the documented form."""
        found: dict[str, Any] = json.loads((self.top / "results" / "results.json").read_text())
        VALID(found)
        return found


def run(script: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script by bash, without a network's or a user's settings."""
    plain = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(["bash", script], cwd="/", env=plain, capture_output=True, text=True)


def stand_in(top: Path) -> Path:
    """A folder with a python3 that makes environments of what is here, and notes what is run."""
    real = f'exec {shlex.quote(sys.executable)} "$@"'
    noted = f"printf '%s\\n' \"$*\" >>{shlex.quote(str(top / 'log'))}\n"
    skipped = 'case "$*" in *"-m pip "* | *"-m compileall "*) exit 0 ;; esac\n'
    inside = f"#!/bin/sh\n{noted}{skipped}{real}\n"
    make = (
        f'mkdir -p "$3/bin"; cat >"$3/bin/python" <<\'END\'\n{inside}END\nchmod +x "$3/bin/python"'
    )
    folder = top / "stand_in"
    folder.mkdir()
    python = folder / "python3"
    python.write_text(f'#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then\n{make}\nelse\n{real}\nfi\n')
    python.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The zip for the second course, and /autograder after its image was built."""
    root = tmp_path_factory.mktemp("bundle").resolve()
    with second_course.built(root):
        (root / "seed").write_text(SECRET)
        out = root / "autograder.zip"
        bundling.bundle("gradescope", out, "01", root / "seed")
        there = Autograder(root / "autograder")
        with zipfile.ZipFile(out) as archive:  # ours, packed a moment ago
            for entry in archive.infolist():
                archive.extract(entry, there.top / "source")
                (there.top / "source" / entry.filename).chmod(entry.external_attr >> 16)
        built = run(
            there.top / "source" / "setup.sh", PATH=f"{stand_in(root)}:{os.environ['PATH']}"
        )
        assert built.returncode == 0, built.stderr
        (there.top / "run_autograder").write_bytes(
            (there.top / "source" / "run_autograder").read_bytes()
        )
        yield out, there.top


def installed(top: Path) -> list[str]:
    """The calls of pip until now."""
    return [line for line in (top.parent / "log").read_text().splitlines() if "-m pip" in line]


def test_what_is_installed_is_pinned_and_is_installed_when_the_image_is_built(
    image: tuple[Path, Path],
) -> None:
    out, top = image
    options = "-m pip --disable-pip-version-check --no-input --no-cache-dir install "
    harness = f"{top}/source/harness"
    assert installed(top) == [
        f"{options}-r {harness}/requirements.txt",
        f"{options}--no-deps --no-build-isolation -e {harness}",
    ]
    with zipfile.ZipFile(out) as archive:
        carries = pins(archive.read("harness/requirements.txt").decode())
    assert carries == pins((places.ROOT / "requirements.txt").read_text()) and carries["numpy"]


def test_the_zip_is_the_instructors_and_holds_no_class(image: tuple[Path, Path]) -> None:
    out, top = image
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
    assert {"setup.sh", "run_autograder"} <= set(names)
    assert not [name for name in names if "__pycache__" in name or "grader/course/" in name]
    closed = [top / "source" / n for n in ("private/seed", "harness/this_course/judges")]
    assert [path.stat().st_mode & 0o077 for path in closed] == [0, 0]
    assert (top / "source/harness/this_course/public").stat().st_mode & 0o005 == 0o005


def test_nothing_that_only_developers_install_is_needed_there() -> None:
    more = set(pins((places.ROOT / "requirements-dev.txt").read_text()))
    more -= set(pins((places.ROOT / "requirements.txt").read_text()))
    names = sorted(name.replace("-", "_") for name in more)
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({names!r}))\n"  # None: can't be imported
        "import grader.bundles.on_gradescope, grader.grading.single, grader.sandbox.manager"
    )
    assert "pytest" in names
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def hostile(top: Path) -> str:
    """Looks for all that it should not see, says what it found, and writes a result of its own."""
    secrets = ["source/private/seed", "source/settings.json", "submission_metadata.json"]
    secrets += ["source/harness/this_course/judges/areas.py", "source/harness/grader/cli.py"]
    return f"""\
import pathlib
found = []
for name in {secrets!r}:
    try:
        found.append(pathlib.Path({str(top)!r}, name).read_text()[:20])
    except OSError:
        pass
try:
    pathlib.Path({str(top)!r}, "results/results.json").write_text('{{"score": 100}}')
except OSError:
    pass
print('{{"score": 100}}')

def area(width, height):
    raise ValueError(f"it has read {{found}}")
"""


def test_a_good_and_a_hostile_submission_as_gradescope_runs_them(
    image: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox_helpers.require("direct")
    _, top = image
    there = Autograder(top)
    there.hand_in({f"{second_course.NAME}.ipynb": second_course.notebook()})
    done = run(top / "run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    right = there.results
    assert [(t["name"], t.get("score"), t["visibility"]) for t in right["tests"]] == [
        ("area", 3, "visible"), ("units", 1, "visible"),
        ("area: hidden values", None, "hidden"), ("units: hidden values", None, "hidden"),
        ("For instructors: final", None, "hidden"),
    ]  # fmt: skip
    assert right["score"] == 4

    monkeypatch.setattr(single, "execute", in_process.execute)
    monkeypatch.syspath_prepend(places.public())
    asking = single.Asking(second_course.NAME, "ann", SECRET)
    alone = single.judge([*(top / "submission").iterdir()], config.load(), asking)
    assert (alone.points, alone.drawn and alone.drawn.id) == (4, right["extra_data"]["drawn"])

    there.hand_in({f"{second_course.NAME}.ipynb": second_course.notebook(hostile(top))})
    done = run(top / "run_autograder")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = there.results
    assert (wrong["score"], wrong["tests"][0]["score"]) == (1, 0)
    assert "it has read []" in wrong["tests"][0]["output"]
    assert wrong["extra_data"]["drawn"] != right["extra_data"]["drawn"]  # other work, other numbers
    assert SECRET not in json.dumps(wrong) + done.stdout + done.stderr
    assert len(installed(top)) == 2  # none while it judges


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> config.Course:
    return tiny_course.install(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def there(tmp_path: Path, tiny: config.Course, monkeypatch: pytest.MonkeyPatch) -> Autograder:
    """The same for the tiny course, in this process and without kernels."""
    monkeypatch.setattr(single, "execute", in_process.execute)
    monkeypatch.setattr(warm, "start", lambda profiles: None)
    monkeypatch.setattr(warm, "quick_imports", nullcontext)
    found = Autograder(tmp_path / "autograder")
    settings(found, "hidden")
    (found.top / "source" / "private").mkdir()
    (found.top / "source" / gradescope.SECRET).write_text(SECRET)
    return found


def settings(there: Autograder, values: str) -> None:
    content = {"notebook": tiny_course.NAME, "values": values, "course": ""}
    (there.top / "source" / gradescope.SETTINGS).write_text(json.dumps(content))


def work(team: str, changes: dict[str, str] | None = None) -> dict[str, bytes]:
    return {f"{tiny_course.NAME}.ipynb": notebook(team, changes)}


def shown(results: dict[str, Any], *when: str) -> str:
    """What students may ever read of it."""
    tests = [test for test in results["tests"] if test["visibility"] in when]
    return json.dumps([results["output"], tests])


def test_a_mistake_is_named_at_once_and_its_values_are_for_instructors(there: Autograder) -> None:
    there.hand_in(work("ann", KEEPS_SIGN))
    assert on_gradescope.main(there.top) == 0
    found = there.results
    asking = single.Asking(tiny_course.NAME, "ann", SECRET, ("ann",))
    alone = single.judge([*(there.top / "submission").iterdir()], config.load(), asking)
    assert found["score"] == alone.points == 4
    told = shown(found, "visible")
    assert "sign kept" in told and "minus times minus" in told and "expected" not in told
    assert "Marked by a person, and not in these points: why (3)." in found["output"]
    assert "expected" in shown(found, "hidden")


def test_hidden_values_are_shown_when_the_instructor_says_so(there: Autograder) -> None:
    settings(there, "after_due_date")
    there.hand_in(work("ann", KEEPS_SIGN))
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert "expected" in shown(found, "after_due_date")
    assert "expected" not in shown(found, "visible") + shown(found, "hidden")


def test_forged_answers_earn_nothing(there: Autograder) -> None:
    forged = {"square": FORGES["square"].replace("os._exit(0)", "")}
    there.hand_in(work("ann", forged))
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert found["score"] == 0
    assert "full points" not in json.dumps(found)
    assert "damaged answer" in shown(found, "hidden")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({f"{tiny_course.NAME}.ipynb": b'{"cells": ['}, "Nothing was judged"),
        ({"essay.pdf": b"%PDF"}, "essay.pdf: no notebook"),
        ({}, "but no files"),
        ({"work.zip": b"PK damaged"}, "work.zip"),
    ],
)
def test_what_can_not_be_taken_is_told_at_once(
    there: Autograder, files: dict[str, bytes], told: str
) -> None:
    there.hand_in(files)
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert told in found["output"] and "hand in again" in found["output"]
    assert (found["score"], found["extra_data"]["state"]) == (0, "rejected")
    assert found["tests"][-1]["name"] == "For instructors: rejected"


def test_a_link_leads_nowhere(there: Autograder, tmp_path: Path) -> None:
    there.hand_in({})
    (tmp_path / "other.ipynb").write_bytes(notebook("ann"))
    (there.top / "submission" / f"{tiny_course.NAME}.ipynb").symlink_to(tmp_path / "other.ipynb")
    assert on_gradescope.main(there.top) == 0
    assert "link" in there.results["output"] and there.results["score"] == 0


@pytest.mark.parametrize("inside", ["", "notebooks/", "course/notebooks/"])
def test_an_archive_counts_however_gradescope_unpacks_it(there: Autograder, inside: str) -> None:
    name = f"{tiny_course.NAME}.ipynb"
    packed = {"ann.zip": zipped({name: notebook("ann")})}
    there.hand_in({f"{inside}{name}": notebook("ann")} if inside else packed)
    assert on_gradescope.main(there.top) == 0
    assert there.results["score"] == 6


def test_a_fault_of_ours_writes_no_points_at_all(
    there: Autograder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_sandbox(job: Job) -> Outcome:
        raise SandboxUnavailable("Student code can't be isolated.")

    monkeypatch.setattr(single, "execute", no_sandbox)
    there.hand_in(work("ann"))
    (there.top / "results" / "results.json").write_text('{"score": 6}')
    assert on_gradescope.main(there.top) == 125
    assert [*(there.top / "results").iterdir()] == []
    said = capsys.readouterr().out
    assert "NOT GRADABLE" in said and "can't be isolated" in said


def test_without_metadata_nothing_is_judged(
    there: Autograder, capsys: pytest.CaptureFixture[str]
) -> None:
    there.hand_in(work("ann"))
    (there.top / "submission_metadata.json").write_text("{")
    assert on_gradescope.main(there.top) == 125
    assert "submission_metadata.json can't be read" in capsys.readouterr().out


def test_lateness_is_said_and_costs_nothing_here(there: Autograder) -> None:
    there.hand_in(work("ann"), created_at="2018-08-02T01:00:00-07:00")
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert "1 day 2 h after it was due. Nothing was taken off" in found["output"]
    assert found["score"] == 6


def test_numbers_of_somebody_else_are_for_a_person_to_judge(there: Autograder) -> None:
    there.hand_in(work("bob"))
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert found["score"] == 4 and "A person will look at this" in found["output"]
    assert "correct the roster" in shown(found, "hidden")
    assert "correct the roster" not in shown(found, "visible")


def test_each_of_a_group_may_have_worked_with_own_numbers(there: Autograder) -> None:
    bob = {"email": "bob@example.edu", "id": 2, "name": "Bob"}
    there.hand_in(work("bob"), users=[ANN, bob])
    assert on_gradescope.main(there.top) == 0
    assert (there.results["score"], there.results["extra_data"]["team"]) == (6, "ann_bob")


def test_a_roster_knows_the_team_whose_number_the_notebook_has(
    there: Autograder, tmp_path: Path
) -> None:
    roster = "team,student,email\nteam_7,s1,ann@example.edu\n"
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "roster.csv").write_text(roster)
    for name, content in carried.of_class(tmp_path / "class").items():
        path = there.top / "source" / gradescope.OF_A_CLASS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    there.hand_in(work("team_7"), previous_submissions=[{"score": 1.0}, {"score": 2.0}])
    assert on_gradescope.main(there.top) == 0
    found = there.results
    assert (found["score"], found["extra_data"]["team"]) == (6, "team_7")
    assert found["extra_data"]["attempt"] == 3


def test_a_net_that_is_not_carried_is_refused(tiny: config.Course) -> None:
    own = {n: replace(each, net="vgg16") for n, each in tiny.notebooks.items()}
    with pytest.raises(config.ConfigError, match="doesn't carry vgg16"):
        carried.settings(replace(tiny, notebooks=own), tiny_course.NAME)
