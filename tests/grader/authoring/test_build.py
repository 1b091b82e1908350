"""What is built is what its sources say, and a release holds nothing of the grader's."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from grader import config, places
from grader.authoring import build, names, release, source_text
from grader.cells import is_bonus
from grader.classroom import releases
from grader.contract import visible
from grader.contract.judges import judges_of
from grader.errors import ConfigError
from grader.formgrader import answer_key
from utils import codec
from utils.packing import asked as asked_for


@pytest.fixture(scope="module")
def course() -> config.Course:
    return config.load()


@pytest.fixture(scope="module")
def packed(
    course: config.Course, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bytes]]:
    """Content of both archives, by suffix and name."""
    out = tmp_path_factory.mktemp("dist")
    (tar, _), (zip_, _) = release.pack(course, out, just_built=True)
    with tarfile.open(tar) as archive:
        from_tar = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    with zipfile.ZipFile(zip_) as archive:
        from_zip = {name: archive.read(name) for name in archive.namelist()}
    return {"tar": from_tar, "zip": from_zip}


def test_what_is_built_is_up_to_date(course: config.Course) -> None:
    assert build.differences(course) == []


def test_every_essay_has_a_rubric_and_every_check_a_judge(course: config.Course) -> None:
    for name in course.notebooks:
        source = build.source_of(name)  # raises where a check has no judge, an essay no rubric
        assert source.checks, name


def test_exercises_are_numbered_within_their_notebook(course: config.Course) -> None:
    for name in course.notebooks:
        text = (places.folder() / "source" / f"{name}.py").read_text(encoding="utf-8")
        numbers = re.findall(r"^# ## Exercise ([^:]+):", text, re.MULTILINE)
        assert numbers == [f"{name[:2]}.{k}" for k in range(1, len(numbers) + 1)]
        assert re.findall(r"[Ee]xercises? \d+(?!\.?\d)|^# \*\*\d+\.\*\*", text, re.MULTILINE) == []


def test_what_a_check_says_to_read_again_is_the_heading_above_it(course: config.Course) -> None:
    for name in course.notebooks:
        above, judges = ["", ""], judges_of(name)
        for cell in nbformat.read(build.released(name), as_version=4).cells:
            if cell.cell_type == "markdown":
                for level, heading in re.findall(r"^##(#?) (.*)$", cell.source, re.MULTILINE):
                    above = [above[0], heading] if level else [heading, ""]
            for check in re.findall(r'^check\("(\w+)"', cell.source, re.MULTILINE):
                said = judges[check].section
                assert not said or any(text.startswith(said) for text in above), (check, above)


def test_the_first_code_cell_of_every_notebook_asks_for_the_id(course: config.Course) -> None:
    first = {}
    for name in course.notebooks:
        notebook = nbformat.read(build.released(name), as_version=4)
        first[name] = next(cell for cell in notebook.cells if cell.cell_type == "code")
    texts = {cell.source for cell in first.values()}
    assert len(texts) == 1 and texts.pop().endswith('\nSTUDENT_ID = "your_id"')
    assert not any("nbgrader" in cell.metadata for cell in first.values())


def test_students_tools_know_what_is_expected_and_which_names_are_taken(
    course: config.Course, tmp_path: Path
) -> None:
    asked = asked_for.read(places.public())
    expected = asked.of("02_training_cnn")
    assert {"mlp.npz", "own_best.npz", "test_set.json"} <= set(expected.handin)
    assert not expected.own_numbers and asked.of("01_implementing_cnn").own_numbers
    assert "mlp_tuning" in expected.essays and "check_one_hot" in expected.cells
    listed = tmp_path / "notebooks.json"
    listed.write_text('{"modules": "of_another_system numpy"}')  # is kept, or builds would differ
    assert {"of_another_system", "numpy", "asyncio", "keras"} <= set(names.modules(listed))
    assert {"utils", "data", "grader"} <= set(names.packages(course))


def _without_arrays(value: Any) -> Any:
    """With a text in the place of each array."""
    if isinstance(value, dict):
        return {key: _without_arrays(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [_without_arrays(inside) for inside in value]
    return "an array" if isinstance(value, np.ndarray) else value


def test_stale_files_are_shown_as_a_diff(
    course: config.Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ("02_training_cnn", "03_data_augmentation")
    course = replace(course, notebooks={name: course.notebooks[name] for name in only})
    (tmp_path / "notebooks").mkdir()
    for name in course.notebooks:
        text = build.released(name).read_text()
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(
            text.replace("STUDENT_ID", "STUDENT_NAME")
        )
    (tmp_path / "notebooks" / "99_old.ipynb").write_text("{}")
    stale = tmp_path / "data" / "checks" / "gap.npz"
    stale.parent.mkdir(parents=True)
    stale.write_bytes((build.public_cases() / "report.npz").read_bytes())
    texts = _without_arrays(codec.unpack((build.public_cases() / "shift.npz").read_bytes()))
    (stale.parent / "shift.npz").write_bytes(codec.pack(texts))
    monkeypatch.setattr(places, "public", lambda: tmp_path)
    shown = "\n".join(build.differences(course))
    assert '-    "STUDENT_NAME = \\"your_id\\""' in shown
    assert '+    "STUDENT_ID = \\"your_id\\""' in shown
    assert "99_old.ipynb: has no source" in shown
    assert "data/checks/gap.npz: the cases differ" in shown
    assert "data/checks/shift.npz: the cases differ" in shown
    assert "data/checks/report.npz: is not built yet" in shown


def test_both_archives_hold_the_same(packed: dict[str, dict[str, bytes]]) -> None:
    assert packed["tar"] == packed["zip"]
    names = {name.split("/", 1)[1] for name in packed["tar"]}
    assert {"notebooks/01_implementing_cnn.ipynb", "utils/checks/handover.py", "README.md"} <= names
    assert {"environment.yml", "requirements.txt", "collect_submission.sh"} <= names


def test_a_release_holds_nothing_of_the_graders(packed: dict[str, dict[str, bytes]]) -> None:
    names = {name.split("/", 1)[1] for name in packed["tar"]}
    assert not [n for n in names if n.startswith(("grader", "tests", "course")) or "cache" in n]
    for name, data in packed["tar"].items():
        assert b"BEGIN SOLUTION" not in data, name
        assert b"import grader" not in data and b"from grader" not in data, name


@pytest.fixture
def small_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with hardly any content."""
    root = tmp_path / "course"
    for name in ("data", "notebooks"):
        (root / name).mkdir(parents=True)
    for name in (
        *visible.AROUND,
        *visible.HARNESS_HALF,
        "LICENSE",
        "docs/students.md",
        "data/mini_net.npz",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("content")
    monkeypatch.setattr(places, "ROOT", root)
    return root


DOWNLOADS = (
    "cifar10.npz",
    "cifar-10-python.tar.gz",
    "cifar-10-batches-py/data_batch_1",
    "bvlc_alexnet.npy",
    "downloads/bvlc_alexnet.npy",
    "mobilenet_2_5_224_tf.h5",
    "imagenet_class_index.json",
)


def test_downloads_in_data_are_not_released(
    course: config.Course, small_root: Path, tmp_path: Path
) -> None:
    for name in DOWNLOADS:
        path = small_root / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not ours to hand on")
    (tar, _), _ = release.pack(course, tmp_path, just_built=True)
    with tarfile.open(tar) as archive:
        inside = {n for n in archive.getnames() if n.startswith("cnn-course/data/")}
    assert inside == {"cnn-course/data/mini_net.npz"}


def test_a_large_file_stops_a_release(
    course: config.Course, small_root: Path, tmp_path: Path
) -> None:
    with (small_root / "data" / "other.bin").open("wb") as stream:
        stream.truncate(release.LARGEST + 1)
    with pytest.raises(ConfigError, match=r"data/other\.bin is larger than 4 MiB"):
        release.pack(course, tmp_path, just_built=True)


def test_git_takes_no_downloads(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copyfile(places.ROOT / ".gitignore", tmp_path / ".gitignore")
    asked = [f"data/{name}" for name in (*DOWNLOADS, "mini_net.npz", "photo_digits.npz")]
    told = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--no-index", *asked],
        capture_output=True,
        text=True,
    )
    assert told.stdout.split() == [f"data/{name}" for name in DOWNLOADS]


def test_no_line_of_a_solution_is_released(course: config.Course) -> None:
    for name in course.notebooks:
        released = nbformat.read(build.released(name), as_version=4)
        text = "\n".join(cell.source for cell in released.cells)
        for cell in build.source_of(name).notebook.cells:
            inside = source_text.rubric(cell) if "BEGIN SOLUTION" in cell.source else ""
            lines = [line.strip() for line in inside.splitlines() if len(line.strip()) > 40]
            leaked = [line for line in lines if line in text]
            assert not leaked, (name, leaked)


def test_a_release_is_the_same_bytes_each_time(course: config.Course, tmp_path: Path) -> None:
    first = release.pack(course, tmp_path / "a", just_built=True)
    second = release.pack(course, tmp_path / "b", just_built=True)
    assert [digest for _, digest in first] == [digest for _, digest in second]


def test_files_of_a_release_have_the_day_of_the_course(
    course: config.Course, tmp_path: Path
) -> None:
    on = replace(course, release=replace(course.release, dated=date(2031, 5, 6)))
    (tar, _), (zip_, _) = release.pack(on, tmp_path, just_built=True)
    with tarfile.open(tar) as archive:
        days = {datetime.fromtimestamp(m.mtime, UTC).date() for m in archive}
    with zipfile.ZipFile(zip_) as archive:
        days |= {date(*entry.date_time[:3]) for entry in archive.infolist()}
    assert days == {date(2031, 5, 6)}
    early = replace(course, release=replace(course.release, dated=date(1970, 1, 1)))
    with pytest.raises(ConfigError, match="from 1980 on"):
        release.pack(early, tmp_path, just_built=True)


def test_students_are_told_whom_to_ask(course: config.Course, tmp_path: Path) -> None:
    guide = (places.ROOT / "docs" / "students.md").read_text(encoding="utf-8")
    (_, _), (plain, _) = release.pack(course, tmp_path / "a", just_built=True)
    (_, _), (told, _) = release.pack(
        replace(course, contact="ta@example.org"), tmp_path / "b", just_built=True
    )
    readme = f"{course.release.name}/README.md"
    assert zipfile.ZipFile(plain).read(readme).decode() == guide
    added = zipfile.ZipFile(told).read(readme).decode().removeprefix(guide)
    assert added.startswith("\n## Whom to ask\n") and "write to ta@example.org" in added


def test_the_hand_in_script_can_be_executed_where_it_is_unpacked(
    course: config.Course, tmp_path: Path
) -> None:
    (tar, _), _ = release.pack(course, tmp_path, just_built=True)
    with tarfile.open(fileobj=io.BytesIO(tar.read_bytes())) as archive:
        assert archive.getmember("cnn-course/collect_submission.sh").mode & 0o111


def test_points_can_be_changed_in_one_file(
    course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "01_implementing_cnn"
    before = {check.name: check.points for check in build.source_of(name).checks}
    changed = {"same_padding": 0.0, "conv2d_forward": 12.5}
    monkeypatch.setattr(config, "load", lambda: replace(course, points=changed))
    source = build.source_of(name)
    assert {check.name: check.points for check in source.checks} == {**before, **changed}
    in_cells = {
        cell.metadata.nbgrader.grade_id.removeprefix("check_"): cell.metadata.nbgrader.points
        for cell in source.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code"
    }
    assert in_cells == {**before, **changed}


def test_an_essays_rubric_follows_its_points(
    course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, essay = "01_implementing_cnn", "training_complexity"
    monkeypatch.setattr(config, "load", lambda: replace(course, points={essay: 12.0}))
    source = build.source_of(name)
    assert {one.name: one.points for one in source.essays}[essay] == 12
    released = nbformat.reads(build.as_released(name), as_version=4)
    assert releases.worth(released.cells)[essay] == 12
    assert re.findall(r"^- (.+ points?):", answer_key.of_notebook(name)[essay], re.M) == [
        "12 points",
        "6 points",
        "0 points",
    ]
    others = "role_of_max_pooling"
    assert "- 2 points: " in answer_key.of_notebook(name)[others]


def test_the_profile_in_the_guide_gives_each_question_its_points(
    course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (places.ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    block = re.search(r"^    \[points\]\n((?:    .+\n)+)", guide, re.M)
    assert block
    questions = re.findall(r"# (\w+) \d, [^:\n]+: (\d+)\n((?:    \w+ = .+\n)+)", block[1])
    assert [kind for kind, _, _ in questions] == ["practical"] * 4 + ["theoretical"] * 3
    points = {k: float(v) for k, v in tomllib.loads(block[0].replace("    ", ""))["points"].items()}
    monkeypatch.setattr(config, "load", lambda: replace(course, points=points))
    sources = [build.source_of(name) for name in course.notebooks]
    worth = {one.name: one.points for source in sources for one in source.graded}
    for kind, said, lines in questions:
        given = sum(worth[name] for name in re.findall(r"\w+(?= =)", lines))
        assert given == int(said) == {"practical": 16, "theoretical": 12}[kind]
    assert sum(worth[name] for name in points) == 4 * 16 + 3 * 12


def test_what_is_bonus_is_called_optional_in_the_heading_above_and_nothing_else_is(
    course: config.Course,
) -> None:
    groups: dict[str, set[bool]] = {}
    for name in course.notebooks:
        heading = ""
        for cell in nbformat.read(visible.released(name), as_version=4).cells:
            if cell.cell_type == "markdown" and (
                found := re.findall(r"^##? .*", cell.source, re.M)
            ):
                heading = found[-1]
            if cell.metadata.get("nbgrader", {}).get("grade"):
                groups.setdefault(f"{name} {heading}", set()).add(is_bonus(cell))
    assert {h for h, found in groups.items() if True in found} == {
        h for h in groups if "(optional, bonus)" in h
    }
    assert all(len(found) == 1 for found in groups.values())
    assert sum(True in found for found in groups.values()) == 7


def test_points_for_no_check_are_refused(course: config.Course) -> None:
    with pytest.raises(ConfigError, match="no check or essay 'conv2d_backwards'"):
        build.build(replace(course, points={"conv2d_backwards": 1.0}))


def test_points_are_not_set_in_a_class_folder(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text("[points]\nsame_padding = 3\n")
    with pytest.raises(ConfigError, match="course build"):
        config.load(tmp_path)


def test_a_course_that_is_not_built_is_told_a_line_for_each_file(
    course: config.Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = places.public() / "notebooks" / "99_missing.ipynb"
    monkeypatch.setattr(build, "_products", lambda course: [(missing, b"a line\n" * 5000)])
    monkeypatch.setattr(build, "_leftovers", lambda course: [])
    (line,) = build.differences(course)
    assert line.endswith("99_missing.ipynb: is not built yet")
