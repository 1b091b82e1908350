"""Build the file system that a notebook sees: a fresh root with a few read-only folders in it.

Runs after the fork, as process 1 of a new PID namespace and with privileges in its own mount
namespace only.  Nothing of the host is reachable once `enter` has returned.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
from pathlib import Path

from grader.sandbox import linux
from grader.sandbox.bounds import DEEPEST
from grader.sandbox.plan import SCRATCH, SOCKETS, Plan

_DEVICES = ("null", "full", "random", "urandom")
"""Not zero: what is mapped of it is memory that no process is charged with once it is unmapped."""
_TERMINALS = 64
"""Of a notebook; the whole machine has some thousands."""
SETTINGS = ("sys", "sysrq-trigger", "irq", "bus")
"""What lies in /proc and is the machine's: its root may change it, even without any privilege, and
where the grader is root in a container, so is a kernel for Linux."""
_MAX_FILES = 20_000
"""Files and folders in a notebook's scratch space."""
_REFUSAL = """raise ModuleNotFoundError(
    "{name} is not available while this notebook is graded", name="{name}"
)
"""


def enter(plan: Plan) -> None:
    """Build the tree and make it the root.  Raises OSError where the machine doesn't allow it."""
    root = f"{plan.folder}/root"
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755,size=4m")
    _etc(root, plan)
    _writable(root, plan)  # first, since a course may lie in /tmp
    for source, target in plan.binds:
        _bind(source, root + target)
    for target, path in plan.links:
        Path(root + path).parent.mkdir(parents=True, exist_ok=True)
        Path(root + path).symlink_to(target)
    _cover(root, plan)
    _devices(root)
    _processes(root)
    _bind(f"{plan.folder}/sockets", root + SOCKETS)
    _make_read_only(root)
    linux.enter_root(root)


def close_sockets() -> None:
    """Let nobody add, replace or remove a socket once the kernel listens on its own.

    The grader connects to these paths: a link laid there later would lead it elsewhere.
    """
    flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("none", SOCKETS, flags=flags | _kept_flags(SOCKETS))


def copy_out(folder: int, largest: int, most: int) -> None:
    """Copy what lies in the scratch folder to an open folder of the host.

    Every process of the notebook has ended when this is called, so nothing moves under our feet.
    Only plain files of at most `largest` bytes are copied, and no more than `most` bytes in all: a
    file with holes takes little room here and all of its size there.  Links, devices, pipes and
    what lies deeper than DEEPEST folders stay behind.
    """
    room = most
    for where, folders, names, here in os.fwalk(SCRATCH, follow_symlinks=False):
        relative = os.path.relpath(where, SCRATCH)
        if relative.count("/") + 1 >= DEEPEST:
            folders.clear()
        for name in names:
            with contextlib.suppress(OSError):
                path = os.path.normpath(f"{relative}/{name}")
                room -= _copy_file(here, name, folder, path, min(largest, room))


def _copy_file(source: int, name: str, folder: int, path: str, largest: int) -> int:
    """Copy one file; returns how many bytes were written."""
    facts = os.lstat(name, dir_fd=source)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > largest:
        return 0
    parent = os.dup(folder)
    try:
        *parents, last = path.split("/")
        for part in parents:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=parent)
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
            os.close(parent)
            parent = inner
        with contextlib.suppress(FileNotFoundError):
            before = os.lstat(last, dir_fd=parent)
            if (before.st_size, before.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
                return 0
            os.unlink(last, dir_fd=parent)
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with (
            os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source), "rb") as reader,
            os.fdopen(os.open(last, new, 0o600, dir_fd=parent), "wb") as writer,
        ):
            shutil.copyfileobj(reader, writer, 1 << 20)
        return facts.st_size
    finally:
        os.close(parent)


def _bind(source: str, target: str) -> None:
    if Path(source).is_dir():
        Path(target).mkdir(parents=True, exist_ok=True)
    elif not Path(target).exists():
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    linux.mount(source, target, flags=linux.MS_BIND | linux.MS_REC)


def _etc(root: str, plan: Plan) -> None:
    etc = Path(root, "etc")
    etc.mkdir()
    home = f"student:x:{plan.uid}:{plan.uid}::{SCRATCH}:/bin/sh\n"
    (etc / "passwd").write_text(f"root:x:0:0::/:/bin/false\n{home}")
    (etc / "group").write_text(f"root:x:0:\nstudent:x:{plan.uid}:\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (etc / "hosts").write_text("127.0.0.1 localhost sandbox\n")


def _cover(root: str, plan: Plan) -> None:
    """Cover hidden paths with nothing, and what is refused with a module that says why not."""
    covers = Path(root, ".covers")
    covers.mkdir()
    (covers / "folder").mkdir(mode=0o555)
    (covers / "file").touch(0o444)
    for path in plan.hidden:
        if Path(root + path).is_symlink():
            continue  # what it leads to is hidden by its own path
        if Path(root + path).is_dir():
            linux.mount(str(covers / "folder"), root + path, flags=linux.MS_BIND)
        elif Path(root + path).exists():
            linux.mount(str(covers / "file"), root + path, flags=linux.MS_BIND)
    for path, name in plan.blocked:
        if Path(root + path).exists():
            cover = refusing(covers, name, folder=Path(root + path).is_dir())
            linux.mount(str(cover), root + path, flags=linux.MS_BIND)


def refusing(covers: Path, name: str, folder: bool) -> Path:
    """A package, or a file, that raises ImportError when it is imported as `name`.

    The file stands for compiled modules as well: Python can't load it, which is an ImportError.
    """
    cover = covers / name if folder else covers / f"{name}.py"
    if folder:
        cover.mkdir(exist_ok=True)
    (cover / "__init__.py" if folder else cover).write_text(_REFUSAL.format(name=name))
    return cover


def _writable(root: str, plan: Plan) -> None:
    """One bounded file system for everything that may be written, and nothing in it runs.

    A compiled module that was handed in, under whatever name, can't be loaded from there.
    """
    space = Path(root, ".space")
    space.mkdir()
    size = f"mode=755,size={plan.bounds['scratch_mb']}m,nr_inodes={_MAX_FILES}"
    quiet = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", str(space), "tmpfs", quiet, size)
    for name, place in (("scratch", SCRATCH), ("tmp", "/tmp"), ("shm", "/dev/shm")):
        (space / name).mkdir()
        if name == "scratch" and plan.scratch:
            _copy_in(plan.scratch, space / name)
        Path(root + place).mkdir(parents=True, exist_ok=True)
        linux.mount(str(space / name), root + place, flags=linux.MS_BIND)
    if plan.mode == "root":
        for _, folders, names, here in os.fwalk(space):
            for entry in (*folders, *names):
                os.chown(entry, plan.uid, plan.uid, dir_fd=here, follow_symlinks=False)
    (space / "tmp").chmod(0o1777)
    (space / "shm").chmod(0o1777)
    linux.unmount(str(space))
    space.rmdir()


def _copy_in(source: str, target: Path) -> None:
    for where, folders, names in os.walk(source, followlinks=False):
        inside = target / Path(where).relative_to(source)
        for name in folders:
            if not Path(where, name).is_symlink():
                (inside / name).mkdir()
        for name in names:
            if stat.S_ISREG(Path(where, name).lstat().st_mode):
                shutil.copy2(Path(where, name), inside / name, follow_symlinks=False)
                (inside / name).chmod(0o644)


def _processes(root: str) -> None:
    """Mount /proc; in a container whose own /proc is masked, lay out what libraries insist on."""
    proc = Path(root, "proc")
    proc.mkdir()
    quiet = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    try:
        linux.mount("proc", str(proc), "proc", quiet)
        for name in SETTINGS:
            if (proc / name).exists():
                _bind(f"{proc}/{name}", f"{proc}/{name}")  # read-only, with all that is bound
    except PermissionError:
        for name in ("cpuinfo", "meminfo"):
            (proc / name).write_text(Path("/proc", name).read_text())
        (proc / "self").mkdir()
        (proc / "self" / "exe").symlink_to(sys.executable)  # TensorFlow aborts without these
        (proc / "self" / "cmdline").write_text(f"{sys.executable}\0")


def _devices(root: str) -> None:
    dev = Path(root, "dev")
    dev.mkdir(exist_ok=True)
    for name in _DEVICES:
        _bind(f"/dev/{name}", f"{dev}/{name}")
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ):
        (dev / name).symlink_to(target)
    (dev / "pts").mkdir()
    with contextlib.suppress(OSError):  # only shell escapes want a terminal
        options = f"newinstance,ptmxmode=0666,mode=620,max={_TERMINALS}"
        quiet = linux.MS_NOSUID | linux.MS_NOEXEC
        linux.mount("devpts", f"{dev}/pts", "devpts", quiet, options)


_OPTIONS = {
    "ro": linux.MS_RDONLY,
    "nosuid": linux.MS_NOSUID,
    "nodev": linux.MS_NODEV,
    "noexec": linux.MS_NOEXEC,
    "noatime": linux.MS_NOATIME,
    "nodiratime": linux.MS_NODIRATIME,
    "relatime": linux.MS_RELATIME,
}


def _mounts() -> list[tuple[str, int]]:
    """(mount point, flags) of every mount in this namespace."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split(" ")
        path = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        flags = sum(_OPTIONS.get(option, 0) for option in fields[5].split(","))
        found.append((path, flags))
    return found


def _kept_flags(path: str) -> int:
    """Flags of a mount, which a user namespace may not take away."""
    try:
        return next((flags for point, flags in _mounts() if point == path), 0)
    except OSError:  # no /proc inside: nothing but ours is mounted there
        return 0


def _make_read_only(root: str) -> None:
    """All that is mounted below the new root, except where a notebook may write."""
    writable = {f"{root}{p}" for p in (SCRATCH, SOCKETS, "/tmp", "/dev/shm", "/dev/pts", "/proc")}
    base = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_NOSUID
    for path, flags in _mounts():
        if path != root and not path.startswith(root + "/"):
            continue
        if path in (f"{root}/proc", f"{root}/dev/pts"):
            continue
        more = 0 if path.startswith(f"{root}/dev/") else linux.MS_NODEV
        more |= 0 if path in writable else linux.MS_RDONLY
        linux.mount("none", path, flags=base | flags | more)
