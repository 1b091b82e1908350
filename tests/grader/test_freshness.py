"""A result is kept for as long as nothing that decides it has changed: no code, no data, no net."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import pytest

from grader import config, freshness, places
from grader.cluster.version import course_version
from grader.contract import visible
from grader.contract.judges import stem
from grader.contract.kernels import PLAIN, Profile
from grader.errors import ConfigError
from grader.executing.execute import Job
from grader.grading import stored
from tests.grader import opened as opened_files

EMPTY = nbformat.writes(nbformat.v4.new_notebook())

NOTEBOOK = "05_fooling_cnn"

JUDGES_ONLY = (
    *("grader/judging/examination.py", "grader/grading/marking.py"),
    *("grader/course/nets/attack.py", "grader/course/nets/second_net.py"),
    *("grader/course/nets/second_net.npz", "grader/course/nets/keras_process.py"),
    *("grader/course/nets/layers.py", "grader/course/judges/fooling_cnn/attacks.py"),
)
"""What judges and decides, and what a kernel never meets."""
BOTH = (
    *("utils/rules/fooling.py", "utils/rules/visualizing.py", "utils/rules/observing.py"),
    *("utils/rules/by_hand.py", "utils/rules/training.py", "utils/rules/theory.py"),
    *("utils/nets/opinions.py", "utils/images/spectra.py", "utils/checks/shown.py"),
    *("utils/checks/compare.py", "utils/checks/handover.py"),
    *("data/photo_digits.npz", "data/digits.npz", "data/mini_net.npz"),
    *("grader/executing/execute.py", "grader/executing/prepare.py", "grader/sandbox/kernel.py"),
    *("grader/contract/judge.py", "grader/course/nets/__init__.py"),
)
NEITHER = (
    *("data/checks/conv2d_forward.npz", "data/downloads/x.tar.gz", "data/cifar10.npz"),
    *(
        "grader/pages/report/figures.py",
        "grader/pages/feedback/pages.py",
        "grader/demo/samples.py",
    ),
    *(
        "utils/__pycache__/check.cpython-311.pyc",
        "utils/.check.py.swp",
        "grader/course/course.toml",
    ),
)


REPOSITORY = places.ROOT
COPIED = ("utils", "data", "grader")
"""Folders of the repository with what may decide a mark."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, in a folder where it may be changed."""
    root = tmp_path_factory.mktemp("course")
    for name in COPIED:
        left_out = shutil.ignore_patterns("__pycache__", "downloads", "cache", "cifar*")
        shutil.copytree(places.ROOT / name, root / name, ignore=left_out)
    return root


@pytest.fixture
def course(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(places, "ROOT", copied)
    yield copied
    freshness.forget()


def versions() -> tuple[str, str]:
    """What marks and answers depend on, as a new process would find it."""
    freshness.forget()
    return freshness.code_version(NOTEBOOK), freshness.execution_version()


@pytest.mark.parametrize(
    ("name", "marks", "answers"),
    [
        *((name, True, False) for name in JUDGES_ONLY),
        *((name, True, True) for name in BOTH),
        *((name, False, False) for name in NEITHER),
    ],
)
def test_a_changed_file_makes_stale_what_depends_on_it(
    course: Path, name: str, marks: bool, answers: bool
) -> None:
    before = versions()
    path = course / name
    path.parent.mkdir(exist_ok=True)
    content = path.read_bytes() if path.is_file() else b""
    path.write_bytes(content + b"\n")
    after = versions()
    path.write_bytes(content)
    assert (before[0] != after[0], before[1] != after[1]) == (marks, answers)


def test_a_new_file_counts_and_so_does_a_new_name(course: Path) -> None:
    before = versions()
    new = course / "utils" / "rules" / "next.py"
    new.write_bytes(b"")
    with_it = versions()
    renamed = new.rename(course / "utils" / "rules" / "other.py")
    assert len({before[0], with_it[0], versions()[0]}) == 3
    renamed.unlink()
    assert versions() == before


@pytest.mark.parametrize(
    "name",
    [
        "grader/grading/demo/new.py",  # called like a room that decides nothing
        "grader/course/judges/fooling_cnn/source/new.py",
        "grader/course/nets/thresholds.toml",
        "utils/nets/weights.h5",  # only in data/ may others put such files
    ],
)
def test_a_name_that_is_left_out_elsewhere_counts(course: Path, name: str) -> None:
    before = versions()
    new = course / name
    new.parent.mkdir(exist_ok=True)
    new.write_bytes(b"1")
    assert versions()[0] != before[0]
    new.unlink()
    assert versions() == before


def test_what_kernels_must_not_see_is_covered_once(course: Path) -> None:
    """Below what is covered there is nothing left to cover."""
    covered = visible.hidden()
    assert course / "grader" in covered and course / "data" / "checks" in covered
    assert not [path for path in covered if any(above in covered for above in path.parents)]


def test_line_ends_of_another_system_change_nothing(course: Path) -> None:
    before = versions()
    path = course / "grader" / "judging" / "examination.py"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\r\n"))
    assert versions() == before
    path.write_bytes(content)


def test_a_course_that_is_not_whole_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (places.folder() / "course.toml").read_text()
    monkeypatch.setattr(places, "ROOT", tmp_path)
    with pytest.raises(ConfigError, match=r"course\.toml"):
        versions()
    places.folder().mkdir(parents=True)
    (places.folder() / "course.toml").write_text(settings)
    with pytest.raises(ConfigError, match="utils"):
        versions()
    assert "not whole" in course_version() and str(tmp_path / "utils") in course_version()


EXECUTE = """
from grader import sandbox
from grader.executing import execute
sandbox.kernel_manager, sandbox.CourseProvisioner
"""
GRADE = """
from dataclasses import replace
from pathlib import Path
from grader import config
from grader.bench.small_course import hand_in, reference
from grader.classroom.folder import ClassFolder
from grader.grading.run import grade
folder, name = ClassFolder(Path(sys.argv[1])), "01_implementing_cnn"
hand_in(folder, name, "team_1", reference(name, "team_1"))
course = config.load()
course = replace(course, notebooks={name: course.notebooks[name]})  # others: not touched
assert grade(folder, course, isolation="none").executed == 1
"""
OUTSIDE = {
    "notebooks/": opened_files.ELSE["notebooks/"],
    "docs/": "words and pictures",
    "tests/": "try what is there",
    ".ci/": "runs the tests",
}
"""Folders of the repository that no grading looks into, and why.  Files beside them say how it is
installed, and the libraries' versions count by themselves."""


def test_whatever_is_opened_to_grade_a_class_counts(tmp_path: Path) -> None:
    """And to judge each notebook: tests/grader/judging/test_truth.py."""
    _, opened = opened_files.by(GRADE, str(tmp_path / "class"))
    assert "grader/grading/recorder.py" in opened
    assert opened_files.without_reason(opened, freshness.deciding("01_implementing_cnn")) == []


def test_every_file_of_the_repository_counts_or_stands_on_the_list(course: Path) -> None:
    """Each that counts is changed by itself, and those on the list all together."""
    known = [name for name in tracked() if (course / name).is_file()]
    listed = [name for name in known if name.startswith(tuple(opened_files.ELSE))]
    counting = [name for name in known if name not in listed]
    assert len(counting) > 150 < len(listed)
    for name in counting:
        shorten(course / name)
    before = digests()
    wrong = {
        name: (made_stale, should)
        for name in counting
        if (made_stale := stale(course, before, [name])) != (should := judged_with(course, name))
    }
    assert wrong == {}
    assert stale(course, before, listed) == set()


def test_what_lies_outside_is_on_the_list() -> None:
    """Of the repository only these folders hold what may decide a mark."""
    outside = [name for name in tracked() if name.partition("/")[0] not in COPIED]
    assert [name for name in outside if not name.startswith(tuple(OUTSIDE)) and "/" in name] == []


def stale(course: Path, before: Mapping[str, str], names: list[str]) -> set[str]:
    """The notebooks whose marks are stale while these files are other ones."""
    contents = {name: (course / name).read_bytes() for name in names}
    for name, content in contents.items():
        (course / name).write_bytes(content + b"\n")
    after = digests(any("/judges/" in name for name in names))
    for name, content in contents.items():
        (course / name).write_bytes(content)
    return {notebook for notebook in before if before[notebook] != after[notebook]}


def digests(imports: bool = True) -> dict[str, str]:
    """Notebook -> what its marks depend on.  imports: ask again what judges import, too."""
    if imports:
        freshness.forget()
    for remembered in (freshness._code_version, freshness._content):
        remembered.cache_clear()
    return {name: freshness.code_version(name) for name in config.load().notebooks}


def judged_with(course: Path, name: str) -> set[str]:
    """The notebooks that a file should count for: a judge's own and those whose judges import it,
    all for everything else."""
    notebooks = set(config.load().notebooks)
    judge = re.match(r"grader/course/judges/(\w+)(?:/|\.py$)", name)
    if judge is None or judge[1] == "__init__":
        return notebooks
    importing = re.compile(rf"^from \.+(?:judges\.)?{judge[1]}\b", re.MULTILINE)
    return {
        notebook
        for notebook in notebooks
        for own in [course / "grader" / "course" / "judges" / stem(notebook)]
        for modules in [[*own.rglob("*.py"), *own.parent.glob(f"{own.name}.py")]]
        if own.name == judge[1] or any(importing.search(path.read_text()) for path in modules)
    }


def shorten(path: Path) -> None:
    """Leave the beginning of a data file: what is in it makes no difference here, only time."""
    if path.suffix not in (".py", ".toml"):
        path.write_bytes(path.read_bytes()[:100])


def tracked() -> list[str]:
    """The repository's files, by name."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True)
    if done.returncode == 0:
        return [name for name in done.stdout.decode().split("\0") if name]
    found = (path for top in COPIED for path in (REPOSITORY / top).rglob("*"))
    names = [path.relative_to(REPOSITORY).as_posix() for path in found if path.is_file()]
    made = ("__pycache__/", "data/downloads/", "data/cache/", "data/cifar", "data/bvlc")
    return [name for name in names if not any(part in name for part in made)]


def test_whatever_executes_counts() -> None:
    _, opened = opened_files.by(EXECUTE)
    assert "grader/executing/execute.py" in opened
    counted = {**freshness.executing(), "grader": places.ROOT / "grader" / "__init__.py"}
    settings = [n for n in opened_files.without_reason(opened, counted) if not n.endswith(".toml")]
    assert settings == []


def test_a_notebook_depends_on_its_own_judges_and_on_those_that_they_import() -> None:
    of = {name: freshness.deciding(name) for name in config.load().notebooks}
    fooling = "course/judges/fooling_cnn/attacks.py"
    assert [name for name in of if fooling in of[name]] == ["05_fooling_cnn"]
    training = "course/judges/training_cnn/nets.py"
    importing = ["02_training_cnn", "03_data_augmentation", "04_visualizing_cnn"]
    assert [name for name in of if training in of[name]] == importing


def test_other_weights_of_a_net_make_answers_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"1")
    monkeypatch.setattr(places.module("nets"), "files", lambda name: (weights,))
    job = Job("team_01/90_tiny", EMPTY, {}, config.load().limits, net="mini")
    before = stored.execution_key(job)
    assert stored.execution_key(job) == before
    weights.write_bytes(b"22")
    assert stored.execution_key(job) != before


def test_another_kernel_makes_answers_stale() -> None:
    kernels = [PLAIN, Profile(refused=("scipy",)), Profile(preload=("keras",))]
    jobs = [Job("team_01/90_tiny", EMPTY, {}, config.load().limits, kernel) for kernel in kernels]
    assert len({stored.execution_key(job) for job in jobs}) == 3


def test_finding_out_is_quick() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        versions()
        return time.perf_counter() - began

    assert min(seconds() for _ in range(5)) < 0.1  # both of them, on a busy machine
