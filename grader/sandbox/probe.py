"""What isolation this machine offers: found out by trying, and told in plain words."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from grader.sandbox import bubblewrap
from grader.sandbox.bounds import Bounds
from grader.sandbox.client import WarmParents
from grader.sandbox.plan import draw_up, unreadable

_SECONDS = 30


@dataclass(frozen=True)
class Report:
    """What was found."""

    ways: tuple[str, ...] = ()
    """Ways that work, the best one first: "direct", "bubblewrap"."""
    findings: tuple[str, ...] = field(default=())
    """One sentence each: what was tried and what came of it."""
    advice: str = ""
    """What to do, if no way works."""

    @property
    def way(self) -> str:
        """The best way, or ""."""
        return self.ways[0] if self.ways else ""

    @property
    def usable(self) -> bool:
        """Whether student code can be isolated here."""
        return bool(self.ways)

    def __str__(self) -> str:
        head = "Student code can be isolated." if self.usable else "Student code can't be isolated."
        return "\n".join([head, *(f"- {text}" for text in self.findings), self.advice]).strip()


def way() -> str:
    """The best way that works here, or "": what `probe().way` says, found out sooner."""
    if not sys.platform.startswith("linux"):
        return ""
    return next((name for name, attempt in _ATTEMPTS.items() if not attempt()), "")


def probe() -> Report:
    """Try each way with a real sandbox.  Cached: a machine's rules don't change while we run."""
    if not sys.platform.startswith("linux"):
        return Report(
            findings=(f"{sys.platform} has no namespaces; only Linux does.",),
            advice="Grade in a Linux container or virtual machine, or on a Linux computer.",
        )
    ways, findings = [], []
    for name, attempt in _ATTEMPTS.items():
        what, good = _WORDS[name]
        if problem := attempt():
            findings.append(f"{what}: not available ({problem}).")
        else:
            ways.append(name)
            findings.append(f"{what}: {good}.")
    return Report(tuple(ways), tuple(findings), "" if ways else _advice())


@functools.cache
def _try_direct() -> str:
    """Build a whole sandbox without a kernel; returns what went wrong, or ""."""
    folder = _folder()
    parents = WarmParents()
    try:
        bounds = Bounds()
        plan = draw_up(folder, bounds)
        plan.trial = True
        if path := unreadable(plan):
            return f"{path} can't be read by others: chmod -R a+rX {path}"
        plan.save(folder / "plan.json")
        line, parent = parents.ask(None, folder / "plan.json", bounds)
        with line:
            line.settimeout(_SECONDS)
            try:
                answer = line.recv(65536)
            except OSError as error:
                return str(error)
        if not answer:
            lines = parent.last_words().strip().splitlines()
            return lines[-1] if lines else "it ended without a word"
        message = json.loads(answer)
        return "" if "listening" in message else str(message.get("reason") or message.get("error"))
    except OSError as error:
        return str(error)
    finally:
        parents.close()
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _try_bubblewrap() -> str:
    if bubblewrap.program() is None:
        return "not installed"
    folder = _folder()
    try:
        bounds = Bounds()
        plan = draw_up(folder, bounds)
        command = [*bubblewrap.arguments(plan, bounds), sys.executable, "-I", "-c", "print(42)"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        lines = done.stderr.strip().splitlines()
        return "" if done.stdout == "42\n" else (lines[-1] if lines else "it does not start")
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_ATTEMPTS = {"direct": _try_direct, "bubblewrap": _try_bubblewrap}
"""Ways, the best one first -> what tries it and returns what went wrong, or ""."""
_WORDS = {
    "direct": ("Namespaces", "available; kernels are forked from a warm parent"),
    "bubblewrap": ("bubblewrap", "available"),
}


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="course-probe-")).resolve()
    for name in ("root", "sockets"):
        (folder / name).mkdir(mode=0o700)
    return folder


def _advice() -> str:
    """What an administrator can do about it."""
    switches = {
        "kernel/apparmor_restrict_unprivileged_userns": (
            "1",
            "AppArmor forbids user namespaces: sudo apt install bubblewrap, or "
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        "kernel/unprivileged_userns_clone": (
            "0",
            "user namespaces are switched off: sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        "user/max_user_namespaces": (
            "0",
            "user namespaces are switched off: sudo sysctl user.max_user_namespaces=10000",
        ),
    }
    for name, (bad, text) in switches.items():
        try:
            if Path("/proc/sys", name).read_text().strip() == bad:
                return f"What to do: {text}."
        except OSError:
            continue
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return (
            "What to do: this container forbids namespaces; start it with "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined, "
            "or grade outside of it."
        )
    return (
        "What to do: install bubblewrap, or grade on a Linux machine that allows user namespaces."
    )
