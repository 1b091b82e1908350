"""A result is kept for as long as nothing that decides it has changed: no code, no data, no net."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import config, freshness, stored
from grader.cluster.version import course_version
from grader.execute import Job
from utils import pretrained

JUDGES_ONLY = (
    *(
        "grader/attack_reference.py",
        "grader/judging.py",
        "grader/marking.py",
        "grader/second_net.py",
    ),
    *("grader/second_net.npz", "grader/trusted_keras.py", "grader/trusted_layers.py"),
    *("grader/judges/base.py", "grader/judges/fooling/attacks.py", "grader/thresholds.py"),
)
"""What judges and decides, and what a kernel never meets."""
BOTH = (
    *("utils/assess_fooling.py", "utils/assess_visualizing.py", "utils/observing.py"),
    *("utils/opinions.py", "utils/spectra.py", "utils/measures_training.py", "utils/verdict.py"),
    *("utils/assess.py", "utils/compare.py", "utils/measures.py", "utils/check.py"),
    *("data/photo_digits.npz", "data/digits.npz", "data/mini_net.npz"),
    *("grader/execute.py", "grader/prepare.py", "grader/sandbox/kernel.py"),
)
NEITHER = (
    *("data/checks/conv2d_forward.npz", "data/downloads/x.tar.gz", "data/cifar10.npz"),
    *("grader/report/figures.py", "grader/feedback/wording.py", "grader/demo/samples.py"),
    *("utils/__pycache__/check.cpython-311.pyc", "utils/.check.py.swp", "grader/course.toml"),
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, in a folder where it may be changed."""
    root = tmp_path_factory.mktemp("course")
    for name in ("utils", "data", "grader"):
        left_out = shutil.ignore_patterns("__pycache__", "downloads", "cache", "cifar*")
        shutil.copytree(config.ROOT / name, root / name, ignore=left_out)
    return root


@pytest.fixture
def course(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(config, "ROOT", copied)
    yield copied
    forget()


def versions() -> tuple[str, str]:
    """What marks and answers depend on, as a new process would find it."""
    forget()
    return freshness.code_version(), freshness.execution_version()


def forget() -> None:
    freshness.code_version.cache_clear()
    freshness.execution_version.cache_clear()


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
    new = course / "utils" / "assess_next.py"
    new.write_bytes(b"")
    with_it = versions()
    renamed = new.rename(course / "utils" / "assess_other.py")
    assert len({before[0], with_it[0], versions()[0]}) == 3
    renamed.unlink()
    assert versions() == before


def test_line_ends_of_another_system_change_nothing(course: Path) -> None:
    before = versions()
    path = course / "grader" / "judging.py"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\r\n"))
    assert versions() == before
    path.write_bytes(content)


def test_a_course_that_is_not_whole_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "ROOT", tmp_path)
    with pytest.raises(config.ConfigError, match="utils"):
        versions()
    assert "not whole" in course_version() and str(tmp_path / "utils") in course_version()


LOADED = """
import sys
name = sys.argv[1]
if name == "execute":
    from grader import execute, sandbox
    sandbox.kernel_manager, sandbox.CourseProvisioner
else:
    from grader import judging
    assert judging.draw(name, "team_01", "seed").cases
files = {getattr(m, "__file__", None) or "" for n, m in sys.modules.items() if n != "__main__"}
print("\\n".join(sorted(files)))
"""


@pytest.mark.parametrize("name", list(config.load().notebooks))
def test_whatever_a_judge_imports_counts(name: str) -> None:
    loaded = loaded_by(name)
    assert {"grader/judging.py", "utils/compare.py"} <= loaded <= set(freshness.deciding())


def test_whatever_executes_counts() -> None:
    loaded = loaded_by("execute")
    settings = {f"grader/{name}.py" for name in ("__init__", "config", "errors")}  # jobs carry them
    assert "grader/execute.py" in loaded and loaded - settings <= set(freshness.executing())


def loaded_by(name: str) -> set[str]:
    """The course's files that a process has loaded once it has drawn cases, or can execute."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, name], capture_output=True, text=True, cwd=config.ROOT
    )
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stdout.splitlines() if line.startswith(f"{config.ROOT}/")]
    paths = [Path(line).relative_to(config.ROOT).as_posix() for line in ours]
    return {path for path in paths if path.startswith(("utils/", "grader/"))}


def test_other_weights_of_a_net_make_answers_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"1")
    monkeypatch.setattr(pretrained, "files", lambda name: (weights,))
    job = Job("team_01/90_tiny", "{}", {}, config.load().limits, net="mini")
    before = stored.execution_key(job)
    assert stored.execution_key(job) == before
    weights.write_bytes(b"22")
    assert stored.execution_key(job) != before


def test_finding_out_is_quick() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        versions()
        return time.perf_counter() - began

    assert min(seconds() for _ in range(5)) < 0.1  # both of them, on a busy machine
