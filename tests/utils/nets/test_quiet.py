"""Importing the framework leaves the terminal clean, and a failure is not hushed up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.nets.quiet import silent_stderr


def test_what_is_written_meanwhile_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_stderr():
        os.write(2, b"a log line of C++ code\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_a_failure_shows_what_was_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError, match="no such thing"), silent_stderr():
        os.write(2, b"the library is missing a symbol\n")
        raise ImportError("no such thing")
    assert capfd.readouterr().err == "the library is missing a symbol\n"


def test_importing_keras_prints_nothing() -> None:
    program = "from utils.nets import quiet; print(quiet.import_keras().config.backend())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


SHOWN = """
from utils.nets import quiet
keras = quiet.import_keras()
found = keras.config
print(found.backend(), found.floatx(), found.image_data_format(), found.epsilon())
print(keras.layers.Flatten().data_format, keras.layers.Dense(1).dtype, found.max_epochs())
keras.config.set_image_data_format("channels_first")
print(quiet.import_keras().config.image_data_format())
"""


def test_what_a_machine_has_set_for_keras_does_not_reach_the_course(tmp_path: Path) -> None:
    """Green at home is green when graded: there, nothing is set."""
    odd = {"floatx": "float64", "epsilon": 0.01, "backend": "jax"}
    (tmp_path / "keras.json").write_text(json.dumps(odd | {"image_data_format": "channels_first"}))
    others = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SHOWN], capture_output=True, text=True, env=os.environ | others
    )
    first, second, third = done.stdout.splitlines()
    assert first == "tensorflow float32 channels_last 1e-07"
    assert second == "channels_last float32 None"
    assert third == "channels_first", "what a notebook sets itself holds at home and when graded"
    (told,) = done.stderr.splitlines()
    for change in ("backend torch", "floatx float64", "image_data_format channels_first"):
        assert change in told
    assert "takes tensorflow" in told


def test_a_framework_that_was_imported_before_is_pointed_out() -> None:
    program = """
import sys, types
keras = types.ModuleType("keras")
keras.config = types.SimpleNamespace(backend=lambda: "torch")
sys.modules["keras"] = keras
from utils.nets import quiet
quiet.import_keras()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "restart the kernel" in done.stderr.splitlines()[-1]
