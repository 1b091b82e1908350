"""Every slip of an author's is refused with file, line and what to do, before anything is built."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader import config, places
from grader.authoring import build, new
from grader.errors import CourseError

SOURCE, JUDGE, LIST = "source/01_arrays.py", "judges/arrays/means.py", "judges/arrays/__init__.py"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course of one exercise, all of it written."""
    folder = tmp_path_factory.mktemp("begun") / "numpy-basics"
    new.course(folder)
    try:
        for step, words in ((new.notebook, ["arrays"]), (new.exercise, ["means", "01_arrays"])):
            places.use(folder)
            step(*words)
    finally:
        places.use(None)
    for path in folder.rglob("*.py"):
        path.write_text(path.read_text().replace("AUTHOR: ", ""))
    return folder


@pytest.fixture
def course(begun: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "course"
    shutil.copytree(begun, folder)
    yield folder
    places.use(None)


CHECK = '# %% check="means" points=4\ncheck("means", means)'
SOLUTION = '# %% solution="means"'


@pytest.mark.parametrize(
    ("file", "old", "changed", "place", "at", "message"),
    [
        (SOURCE, "def means(x):", "def means(x:", SOURCE, "def means", "this isn't Python: "),
        (SOURCE, "numpy as np", "numpy as", SOURCE, "import numpy", "this isn't Python: "),
        (SOURCE, SOLUTION, "#%% s", SOURCE, "#%% s", "a cell begins with '# %%', at the margin"),
        (SOURCE, SOLUTION, "  # %% s", SOURCE, "  # %% s", "a cell begins with '# %%'"),
        (SOURCE, ", means)", ", mean)", SOURCE, "mean)", "mean is not known here; make it in"),
        (SOURCE, "x.mean(axis=1)", "mp.mean(x)", SOURCE, "mp.", "mp is not known here; make"),
        (SOURCE, "locked", "figure", SOURCE, ", means)", "check is not known here; it is made in"),
        (SOURCE, " points=4", "", SOURCE, "check=", "check 'means' needs points, a number above 0"),
        (SOURCE, SOLUTION, '# %% solution="setup"', SOURCE, "solution=", "the id 'setup' is taken"),
        (SOURCE, CHECK, CHECK.replace('"means"', '"mean"'), SOURCE, "check=",
         "check 'mean' has no judge; add one to judges/arrays"),
        (SOURCE, CHECK, "", JUDGE, '"means",', "the judge 'means' has no check; add a cell with"),
        (LIST, "[*J", "[*JUDGES_MEANS, *J", JUDGE, '"means",', "two judges are called 'means'"),
        (JUDGE, "(axis=1)", "(axis=1", JUDGE, "(axis=1", "this isn't Python: "),
        (JUDGE, "(axis=1)", "(axis=2)", JUDGE, "(axis=2)", "AxisError: axis 2 is out of bounds"),
        (JUDGE, "=(rows, columns)", "=cols", JUDGE, "=cols", "NameError: name 'cols' is not"),
        (JUDGE, "(axis=0)", "(axis=1)", JUDGE, '"the mean of each',
         "the mistake 'the mean of each column' of 'means' makes no difference to any case; draw"),
        (JUDGE, "grader.contract.judge ", "grader.juge ", JUDGE, "grader.juge", "ModuleNotFound"),
    ],
)  # fmt: skip
def test_a_slip_is_refused(
    course: Path, file: str, old: str, changed: str, place: str, at: str, message: str
) -> None:
    path = course / file
    before = path.read_text()
    assert before.count(old) == 1
    path.write_text(before.replace(old, changed))
    places.use(course)
    with pytest.raises(CourseError) as refused:
        build.build(config.load())
    lines = (course / place).read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if at in line)
    name = Path(place).name if place == SOURCE else place
    assert str(refused.value).startswith(f"{name}:{number}: {message}")
    with pytest.raises(CourseError, match=re.escape(str(refused.value))):
        build.differences(config.load())


def test_names_that_cells_make_in_any_way_are_known(course: Path) -> None:
    path = course / SOURCE
    path.write_text(
        path.read_text() + "\n# %%\n%matplotlib inline\nwith open('x') as file, open('y'):\n"
        "    for line in file:\n        (a, *b), c = line\n"
        "try:\n    d: int = 1\nexcept OSError as error:\n    print(error)\n"
        "def outer(k, *rest, **more):\n    global seen\n    seen = k\n"
        "    return [j for j in rest if j in more and __name__]\n"
        "class Thing:\n    size = 1\n    area = size * a\n"
        "if (e := c):\n    import os.path as places, sys\n    del e\n"
        "\n# %%\ndisplay(file, line, a, b, c, d, outer, seen, Thing, places, sys)\n"
    )
    places.use(course)
    assert build.build(config.load())
