"""Peers: other people's libraries, each in a virtual environment of its own.

A peer's requirements may contradict the course's, so nothing of it is installed beside ours.  The
environment is made from PyPI on first use, kept below `.course-setup/`, and made anew when its
requirements change.  A peer is asked by running a module of ours in its environment, which gets
plain values and hands plain values back (`utils.codec`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from utils import codec

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".course-setup" / "peers"
"""Where environments are kept; git-ignored."""

_SECONDS = 1800
_COMPLETE = ".complete"


class PeerUnavailable(RuntimeError):
    """A peer's environment can't be made, or what ran in it failed.  The text says why."""


@dataclass(frozen=True)
class Peer:
    """A library to be measured against."""

    name: str
    """Name of its folder."""
    requirements: tuple[str, ...]
    """For pip, each with its version: "foolbox==3.3.4"."""
    alone: tuple[str, ...] = ()
    """Installed last and without what they require, where that would contradict the course's."""

    def python(self) -> Path:
        """The environment's Python; makes the environment if need be.  Raises PeerUnavailable."""
        for requirement in (*self.requirements, *self.alone):
            if "==" not in requirement:
                raise ValueError(f"{requirement!r} names no version")
        wanted = "\n".join([sys.version, *self.requirements, *self.alone])
        digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
        folder = KEPT / f"{self.name}-{digest}"
        python = folder / "bin" / "python"
        if not (folder / _COMPLETE).is_file():
            shown = ", ".join((*self.requirements, *self.alone))
            print(f"setting up {shown} (once) …", flush=True)
            shutil.rmtree(folder, ignore_errors=True)  # begun, but never completed
            folder.parent.mkdir(parents=True, exist_ok=True)
            _run([sys.executable, "-m", "venv", str(folder)], self.name)
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            _run([str(python), *install, "--no-input", *self.requirements], self.name)
            if self.alone:
                _run([str(python), *install, "--no-input", "--no-deps", *self.alone], self.name)
            (folder / _COMPLETE).write_text(wanted)
        return python

    def ask(self, module: str, question: Any, environment: Mapping[str, str] | None = None) -> Any:
        """Run a module of ours in the environment, and return what it answers to a question.

        module: name of a module that ends with `peers.answer(function)`.  question: plain values,
        see `utils.codec`.  environment: variables to set beside the present ones.
        Raises PeerUnavailable, with the end of what the module printed.
        """
        python = self.python()
        with tempfile.TemporaryDirectory() as scratch:
            given, back = Path(scratch, "question.npz"), Path(scratch, "answer.npz")
            given.write_bytes(codec.pack(question))
            command = [str(python), "-m", module, str(given), str(back)]
            _run(command, self.name, _environment(environment or {}))
            if not back.is_file():
                raise PeerUnavailable(f"{self.name}: {module} ended without an answer")
            return codec.unpack(back.read_bytes())


def answer(function: Callable[[Any], Any]) -> None:
    """The other end of `Peer.ask`: call a function with the question, and hand back its result."""
    given, back = map(Path, sys.argv[1:3])
    packed = codec.pack(function(codec.unpack(given.read_bytes())))
    partial = back.with_suffix(".partial")
    partial.write_bytes(packed)
    partial.replace(back)


def same_version(*packages: str) -> tuple[str, ...]:
    """Requirements for what both sides should have alike: the versions that the course runs on."""
    return tuple(f"{package}=={metadata.version(package)}" for package in packages)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return kept | quiet | {"PYTHONPATH": str(ROOT)} | dict(more)


def _run(command: list[str], name: str, environment: dict[str, str] | None = None) -> None:
    try:
        finished = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PeerUnavailable(f"{name}: no end after {_SECONDS // 60} minutes") from None
    if finished.returncode:
        told = (finished.stderr or finished.stdout).strip()[-1500:]
        raise PeerUnavailable(f"{name}: {' '.join(command[1:4])} … failed:\n{told}")
