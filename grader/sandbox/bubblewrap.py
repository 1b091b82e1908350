"""The second way: a fresh interpreter under bubblewrap, by the same plan and the same rules.

Slower than a forked kernel, since it imports everything anew, but it works where only a set-uid
bubblewrap may make namespaces.  The same interpreter without bubblewrap is what `isolation="none"`
gets.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from grader.sandbox import kernel, seccomp, tree
from grader.sandbox.bounds import Bounds
from grader.sandbox.plan import SCRATCH, SOCKETS, Plan, threads_of_user

_CODE = "/run/code"
_PLAN = "/run/plan.json"
_NEEDED = ("environment", "cwd", "preload", "refused", "bounds")
"""Fields of a plan that a kernel reads, and a notebook may: not where the grader's things lie."""
_FOR_ROOT = ("kcore", "keys", "kmsg", "kpagecount", "kpageflags", "slabinfo", "timer_list")
"""What lies in /proc and only root may read."""


def program() -> str | None:
    """Path of bubblewrap, if it is installed."""
    return shutil.which("bwrap")


def cold_command(plan: Plan, bounds: Bounds, isolated: bool) -> list[str]:
    """Command that runs a kernel for a plan; writes what it needs to the plan's folder."""
    folder = Path(plan.folder)
    code = folder / "code"
    code.mkdir(exist_ok=True)
    for name in ("kernel.py", "bounds.py", "linux.py", "seccomp.py"):
        shutil.copyfile(Path(__file__).with_name(name), code / name)
    content = {name: value for name, value in asdict(plan).items() if name in _NEEDED}
    content |= {"others": threads_of_user(), "isolated": isolated}
    if isolated:
        content["connection"] = {**plan.connection, "ip": f"{SOCKETS}/k"}
        content["connection_file"] = kernel.CONNECTION
    else:
        content["connection"] = {**plan.connection, "ip": f"{folder}/sockets/k"}
        content["connection_file"] = str(folder / "inside.json")
        content["environment"] = _outside(plan)
        content["cwd"] = start_folder(plan, "none")
    (folder / "cold.json").write_text(json.dumps(content))
    if not isolated:
        return [sys.executable, "-I", "-B", str(code / "kernel.py"), str(folder / "cold.json")]
    (folder / "filter.bpf").write_bytes(seccomp.program() or b"")
    return [
        # bubblewrap reads the filter from an open file, which only a shell can hand it here
        *("/bin/sh", "-c", 'exec "$@" 9<"$0"', str(folder / "filter.bpf")),
        *arguments(plan, bounds),
        *(("--seccomp", "9") if seccomp.program() else ()),
        *("--ro-bind", str(code), _CODE),
        *("--ro-bind", str(folder / "cold.json"), _PLAN),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *(sys.executable, "-I", "-B", f"{_CODE}/kernel.py", _PLAN),
    ]


def start_folder(plan: Plan, way: str) -> str:
    """Working folder on the host."""
    if way == "none" and plan.scratch:
        return plan.scratch + plan.cwd.removeprefix(SCRATCH)
    return plan.folder


def arguments(plan: Plan, bounds: Bounds) -> list[str]:
    """The sandbox itself, without the command to run."""
    found = program()
    assert found is not None
    words = [found, "--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"]
    words += ["--uid", str(plan.uid), "--gid", str(plan.uid)]
    words += ["--clearenv", "--cap-drop", "ALL", "--hostname", "sandbox"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for name in (f"/proc/{name}" for name in tree.SETTINGS):
        words += ["--ro-bind-try", name, name]
    for name in (f"/proc/{name}" for name in _FOR_ROOT):
        if Path(name).exists():  # a kernel is the grader's user for Linux, who may be root
            words += ["--ro-bind", os.devnull, name]
    words += ["--ro-bind", os.devnull, "/dev/zero"]  # see tree: what is mapped of it
    for place in ("/tmp", "/dev/shm"):  # first, since a course may lie in /tmp
        words += ["--size", str(bounds.scratch_mb << 20), "--tmpfs", place]
    for source, target in plan.binds:
        words += ["--ro-bind", source, target]
    for target, path in plan.links:
        words += ["--symlink", target, path]
    empty = Path(plan.folder) / "empty"
    empty.mkdir(exist_ok=True)
    for path in plan.hidden:
        if any(path == t or path.startswith(t + "/") for _, t in plan.binds):
            if Path(path).is_dir():
                words += ["--ro-bind", str(empty), path]
            elif Path(path).exists():
                words += ["--ro-bind", os.devnull, path]
    for path, name in plan.blocked:
        if any(path.startswith(t + "/") for _, t in plan.binds):
            words += ["--ro-bind", str(_cover(plan, path, name)), path]
    words += ["--bind", f"{plan.folder}/sockets", SOCKETS]
    if plan.scratch:
        words += ["--bind", plan.scratch, SCRATCH]
    else:
        words += ["--size", str(bounds.scratch_mb << 20), "--tmpfs", SCRATCH]
    return words


def _cover(plan: Plan, path: str, name: str) -> Path:
    covers = Path(plan.folder) / "covers"
    covers.mkdir(exist_ok=True)
    return tree.refusing(covers, name, folder=Path(path).is_dir())


def _outside(plan: Plan) -> dict[str, str]:
    """The environment with the host's paths, for a kernel that isn't isolated."""
    home = plan.scratch or plan.folder
    return {
        key: value.replace(SCRATCH, home) if value.startswith(SCRATCH) else value
        for key, value in plan.environment.items()
    } | {"TMPDIR": home}
