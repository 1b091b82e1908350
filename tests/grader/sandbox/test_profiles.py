"""A kernel's profile: what it refuses is not there, and what it preloads is what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import sandbox
from grader.contract.kernels import Profile
from tests.grader.sandbox_helpers import require, run


@pytest.fixture(autouse=True)
def _isolated() -> None:
    require("direct")


def test_whatever_a_profile_refuses_is_not_there():
    """Packages, modules of one file and compiled ones, the warm parent's own numpy among them."""
    refused = ("numpy", "skimage", "turtle", "_lsprof", "six")
    session = run(
        "import importlib, sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'importlib' in f.__module__]\n"
        f"for name in {refused}:\n"
        "    try:\n"
        "        print(name, importlib.import_module(name))\n"
        "    except ImportError as error:\n"
        "        print(name, 'refused')",
        profile=Profile(refused),
    )
    assert session.text == "".join(f"{name} refused\n" for name in refused)


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (Profile(refused=("json",)), "json can't be refused: the kernel itself needs it"),
        (Profile(preload=("tensorflwo",)), "No module named 'tensorflwo'"),
    ],
)
def test_a_profile_that_can_not_be_had_is_told(profile: Profile, said: str):
    with pytest.raises(sandbox.SandboxUnavailable, match=f"kernel profile can't be had: {said}"):
        run("print('never')", profile=profile)


def test_frameworks_of_another_profile_are_not_in_the_parent():
    session = run(
        "import sys; print([n for n in ('numpy', 'tensorflow', 'keras') if n in sys.modules])"
    )
    assert session.text == "['numpy']\n"


def test_keras_runs_on_tensorflow_whatever_the_instructor_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"backend": "torch"}')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "nonsense")
    fresh = Profile(preload=("keras.layers",))  # its parent starts here, from this environment
    session = run("import keras; print(keras.backend.backend())", profile=fresh, seconds=60)
    assert session.text == "tensorflow\n"
