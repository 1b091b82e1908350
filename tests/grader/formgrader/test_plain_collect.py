"""What nbgrader's own Collect says in a class folder, and that it leaves submissions alone."""

from __future__ import annotations

from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from grader.formgrader import setup


def test_collect_in_formgrader_says_what_to_run_and_leaves_submissions_alone(tmp_path: Path):
    name, exchange = "01_first", tmp_path / "exchange"
    theirs = exchange / "cnn" / "inbound" / f"ann+{name}+2027-01-20 12:00:00.000000 UTC+x"
    theirs.mkdir(parents=True)
    ours = tmp_path / "class" / "submitted" / "ann" / name / f"{name}.ipynb"
    ours.parent.mkdir(parents=True)
    ours.write_text("{}")
    settings = Config()
    exec(setup.NO_PLAIN_COLLECT, {"c": settings})
    settings.CourseDirectory.root = str(tmp_path / "class")
    settings.CourseDirectory.course_id = "cnn"
    settings.Exchange.root = str(exchange)
    told = NbGraderAPI(config=settings).collect(name)
    assert not told["success"]
    assert f"Run ./course collect --exchange {exchange} instead" in told["error"]
    assert ours.is_file() and [path.name for path in ours.parent.iterdir()] == [ours.name]
