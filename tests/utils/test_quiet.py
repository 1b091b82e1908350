"""Importing the framework leaves the terminal clean, and a failure is not hushed up."""

import os
import subprocess
import sys

import pytest

from utils.quiet import silent_stderr


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
    program = "from utils import quiet; print(quiet.import_keras().config.backend())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")
