"""The pretrained net of a class: its weights are all that a kernel sees of Keras' folder."""

import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from grader import config, places
from grader.classroom.folder import ClassFolder
from grader.contract.judge import Handed, Judge, Question
from grader.contract.nets import NetUnavailable
from grader.course.nets import of_class
from grader.errors import ConfigError
from grader.executing.execute import Job, execute
from grader.formgrader.setup import set_up
from grader.grading.task import Asked, ask
from grader.grading.tasks import tasks
from grader.judging import examination
from tests.grader import sandbox_helpers, tiny_course
from utils import codec

LIMITS = config.load().limits
LOOK = """
import os
from pathlib import Path
from utils.nets import pretrained
home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
print("sees", sorted(p.name for p in home.rglob("*")))
for path in pretrained.files("mobilenet_0.25"):
    print(path.name, path.read_bytes() if path.is_file() else None)
try:
    (home / "models" / "mobilenet_2_5_224_tf.h5").write_bytes(b"mine")
except OSError as error:
    print("not written:", error.strerror)
"""


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With files that have the right names."""
    home = tmp_path / "home" / ".keras"
    (home / "models").mkdir(parents=True)
    for name in ("mobilenet_2_5_224_tf.h5", "imagenet_class_index.json", "private.h5"):
        (home / "models" / name).write_bytes(f"this is {name}".encode())
    (home / "keras.json").write_text("{}")
    monkeypatch.setenv("KERAS_HOME", str(home))
    return home


def printed(net: str) -> str:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LOOK)])
    job = Job("team_1/some", nbformat.writes(notebook), {}, LIMITS, net=net)
    executed = nbformat.reads(execute(job).notebook, as_version=4)
    return "".join(o.get("text", str(o.get("evalue", ""))) for o in executed.cells[0].outputs)


def test_a_kernel_reads_the_chosen_nets_files_and_nothing_beside_them(keras_home: Path) -> None:
    sandbox_helpers.require("direct")
    text = printed("mobilenet_0.25")
    names = ["imagenet_class_index.json", "mobilenet_2_5_224_tf.h5", "models"]
    assert f"sees {names}" in text
    assert "mobilenet_2_5_224_tf.h5 b'this is mobilenet_2_5_224_tf.h5'" in text
    assert "not written: Read-only file system" in text
    target = keras_home / "models" / "mobilenet_2_5_224_tf.h5"
    assert target.read_bytes() == b"this is mobilenet_2_5_224_tf.h5"


def test_without_a_chosen_net_a_kernel_sees_nothing_of_them(keras_home: Path) -> None:
    sandbox_helpers.require("direct")
    assert "sees []" in printed("")


def test_a_net_that_is_not_here_ends_the_job_with_advice(keras_home: Path) -> None:
    (keras_home / "models" / "mobilenet_2_5_224_tf.h5").unlink()
    with pytest.raises(NetUnavailable, match=r"mobilenet_2_5_224_tf\.h5 is missing; put it there"):
        printed("mobilenet_0.25")


def test_the_class_folder_chooses_the_net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = tmp_path / "course"
    course.mkdir()
    own = (places.folder() / "course.toml").read_text()
    (course / "course.toml").write_text(
        f'{own}\n[notebooks.91_nets]\nuse = true\ntitle = "Nets"\nkernel = "keras"\nnet = "mini"\n'
    )
    monkeypatch.setattr(places, "folder", lambda: course)
    folder = tmp_path / "class"
    folder.mkdir()
    assert config.load(folder).notebooks["91_nets"].net == "mini"
    assert config.load(folder).notebooks["00_getting_started"].net == ""
    (folder / "course.toml").write_text('[notebooks.91_nets]\nnet = "mobilenet_0.25"\n')
    assert config.load(folder).notebooks["91_nets"].net == "mobilenet_0.25"
    (folder / "course.toml").write_text('[notebooks.91_nets]\nnet = "alex"\n')
    with pytest.raises(ConfigError, match="no net is called 'alex'; known: mini, "):
        config.load(folder)


def test_judges_are_handed_the_net_and_public_cases_use_the_mini_net(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def draw(rng: np.random.Generator, variant: int, handed: Handed | None) -> list[Question]:
        return [Question("one", {"net": of_class(handed)})]

    judge = Judge("chosen", lambda net: net, draw, by_files=True)
    monkeypatch.setattr(examination, "judges_of", lambda notebook: {"chosen": judge})
    drawn = examination.draw("91_nets", "team_1", "seed", net="mobilenet_0.25").cases["chosen"]
    assert drawn.cases[0].inputs == {"net": "mobilenet_0.25"}
    assert judge.public_cases().cases[0].inputs == {"net": "mini"}


def test_calls_on_a_large_net_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge("chosen", lambda: 1.0, lambda rng, variant: [Question("one")])
    monkeypatch.setattr(examination, "judges_of", lambda notebook: {"chosen": judge})
    seconds = {
        net: codec.unpack(
            examination.draw("91_nets", "team_1", "seed", net=net).questions(10)["chosen"]
        )["seconds_per_call"]
        for net in ("", "mini", "mobilenet_0.25")
    }
    assert seconds[""] == seconds["mini"] == 10 < seconds["mobilenet_0.25"]


def test_a_result_depends_on_the_net_and_on_its_files(
    keras_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = places.module("nets")
    course = tiny_course.install(tmp_path_factory.mktemp("tiny"))
    monkeypatch.setitem(sys.modules, "grader.course.nets", own)
    folder = ClassFolder(tmp_path / "class")
    set_up(folder, course)
    tiny_course.hand_in(folder, "team_1", tiny_course.reference("team_1"))

    def key(net: str) -> str:
        tiny = replace(course.notebooks[tiny_course.NAME], net=net)
        chosen = replace(course, notebooks={tiny_course.NAME: tiny})
        (task,) = tasks(folder, chosen, "seed", lambda team, notebook: True, [])
        asked = ask(task, chosen, "auto")
        assert isinstance(asked, Asked) and asked.job.net == net
        return task.key

    first = [key(net) for net in ("", "mini", "mobilenet_0.25")]
    assert len(set(first)) == 3
    assert [key(net) for net in ("", "mini", "mobilenet_0.25")] == first
    weights = keras_home / "models" / "mobilenet_2_5_224_tf.h5"
    weights.write_bytes(b"other weights of the same net")
    assert key("mobilenet_0.25") not in first
    weights.unlink()
    with pytest.raises(ConfigError, match=r"90_tiny: the net .* is missing; put it there"):
        key("mobilenet_0.25")
