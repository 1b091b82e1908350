"""What student code can reach, tried from inside a real sandbox.

Each attempt is a few lines that a hostile notebook might contain.  It holds if the lines raise or
return nothing; whatever they return is what they got hold of.
"""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.contract.kernels import PLAIN, Profile
from grader.sandbox.bounds import Bounds
from grader.sandbox.manager import kernel_manager
from grader.sandbox.plan import python_folders

ROOT = Path(__file__).resolve().parents[2]
SECRET = "COURSE_PROBE_SECRET"
"""Set in the grader's environment while the probe runs."""

_SECONDS = 30
_TRAP = "lay a trap among the kernel's sockets"
_OWN = "run machine code that was handed in"

ATTEMPTS: tuple[tuple[str, str], ...] = (
    (
        "reach the internet",
        """
        import socket
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("192.0.2.1", 9))  # looks up the route, sends nothing
            return f"a route, from {s.getsockname()}"
        """,
    ),
    (
        "reach a service on this machine",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as s:
            found = [n for n in open("/proc/net/unix").read().split() if n.startswith(("/", "@"))]
            outside = [n for n in found if not n.startswith(("/run/kernel/", "@/tmp/"))]
            if outside:
                return outside
        socket.create_connection(("127.0.0.1", HOST_PORT), timeout=3)
        return "connected"
        """,
    ),
    (
        "reach the host of a virtual machine (vsock)",
        """
        import socket
        socket.socket(40, socket.SOCK_STREAM)
        return "a socket"
        """,
    ),
    (
        "find sockets of services",
        """
        import os, stat
        found = [
            os.path.join(where, name)
            for top in ("/run", "/var", "/tmp", "/scratch")
            for where, _, names in os.walk(top)
            for name in names
            if stat.S_ISSOCK(os.lstat(os.path.join(where, name)).st_mode)
        ]
        return [f for f in found if not f.startswith("/run/kernel/")]
        """,
    ),
    (
        "read the grader, other students' work, home folders",
        """
        import os
        found = [path for path in FORBIDDEN if os.path.exists(path)]
        return [path for path in found if not os.path.isdir(path) or os.listdir(path)]
        """,
    ),
    (
        "read the grader's environment",
        """
        import os
        seen = str(os.environ)
        for process in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                seen += open(f"/proc/{process}/environ").read()
            except OSError:
                continue
        return SECRET if SECRET in seen else None
        """,
    ),
    (
        "learn from command lines where the grader lies",
        """
        import os, re
        processes = [p for p in os.listdir("/proc") if p.isdigit()]
        seen = "".join(open(f"/proc/{p}/cmdline").read() for p in processes)
        words = re.split("[^\\w/.-]", seen)
        return [path for path in FORBIDDEN if path in words or os.path.dirname(path) in words]
        """,
    ),
    (
        "change the course",
        """
        import os
        for folder in READ_ONLY:
            os.mkdir(os.path.join(folder, "planted"))
            os.rmdir(os.path.join(folder, "planted"))
            return folder
        """,
    ),
    (
        "change the Python installation",
        """
        import os, sys, numpy
        packages = os.path.dirname(numpy.__file__)
        for folder in (sys.prefix, sys.base_prefix, packages, "/usr/bin", "/etc", "/"):
            try:
                os.mkdir(os.path.join(folder, "planted"))
            except OSError:
                continue
            os.rmdir(os.path.join(folder, "planted"))
            return folder
        raise PermissionError("read-only")
        """,
    ),
    (
        _TRAP,
        """
        import os
        os.symlink("/run/docker.sock", "/run/kernel/trap")
        return os.listdir("/run/kernel")
        """,
    ),
    (
        _OWN,
        """
        import contextlib, ctypes, shutil, subprocess
        import _ctypes
        ran = []
        for folder in ("/scratch", "/tmp", "/dev/shm"):
            module = shutil.copy(_ctypes.__file__, f"{folder}/weights.npz")
            program = shutil.copy("/bin/true", f"{folder}/program")
            with contextlib.suppress(OSError):
                ctypes.CDLL(module)
                ran.append(module)
            with contextlib.suppress(OSError):
                subprocess.run([program], check=True)
                ran.append(program)
        return ran
        """,
    ),
    (
        "see other processes",
        """
        import os
        names = {open(f"/proc/{p}/comm").read() for p in os.listdir("/proc") if p.isdigit()}
        count = sum(p.isdigit() for p in os.listdir("/proc"))
        return f"{count} processes: {names}" if count > 2 else None
        """,
    ),
    (
        "signal processes outside",
        """
        import os
        for number in range(2, 3000):
            try:
                os.close(os.pidfd_open(number))  # a process, not a thread of this one
            except OSError:
                continue
            if number != os.getpid():
                os.kill(number, 0)
                return number
        raise ProcessLookupError("nobody there")
        """,
    ),
    (
        "use inherited open files",
        """
        import os, socket, stat
        found = {}
        for number in range(1024):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    with socket.socket(fileno=os.dup(number)) as s:
                        if s.type == socket.SOCK_SEQPACKET:  # what the warm parent speaks
                            found[number] = str(s)
                else:
                    found[number] = os.readlink(f"/proc/self/fd/{number}")
            except OSError:
                continue
        own = ("pipe:", "anon_inode:", "/dev/", "/proc/", "/tmp/", "/scratch")
        return {n: t for n, t in found.items() if not t.startswith(own)}
        """,
    ),
    (
        "read the memory of other processes",
        """
        import os
        others = [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]
        for process in others:
            open(f"/proc/{process}/mem", "rb")
            return f"that of {process}"
        """,
    ),
    (
        "trace a process",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(16, 1, 0, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return "attached"
        """,
    ),
    (
        "make namespaces of its own",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x10000000):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return "a user namespace"
        """,
    ),
    (
        "mount something",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"tmpfs", b"/scratch", b"tmpfs", 0, None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return "mounted"
        """,
    ),
    (
        "hold memory that no process is charged with",
        """
        import contextlib, ctypes, fcntl, mmap, os, socket
        one, _ = socket.socketpair()
        got = []
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF, 32, 33):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, option, 1 << 24)
                got.append(f"a buffer of {one.getsockopt(socket.SOL_SOCKET, option)} bytes")
        with contextlib.suppress(OSError):
            got.append(f"a pipe of {fcntl.fcntl(os.pipe()[1], 1031, 1 << 20)} bytes")
        with contextlib.suppress(OSError):
            mmap.mmap(-1, 1 << 20)  # what is unmapped of it stays
            got.append("shared memory")
        with contextlib.suppress(OSError):
            mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 20)
            got.append("shared memory of a device")
        if ctypes.CDLL(None).inotify_init1(0) >= 0:
            got.append("a queue of events")
        return got
        """,
    ),
    (
        "store something where no bound is",
        """
        import contextlib, os
        points = {line.split()[4] for line in open("/proc/self/mountinfo")}
        got = []
        for point in {*points, *map(os.path.dirname, points)} - {"/scratch", "/tmp", "/dev/shm"}:
            with contextlib.suppress(OSError):
                os.close(os.open(os.path.join(point, "planted"), os.O_WRONLY | os.O_CREAT))
                os.unlink(os.path.join(point, "planted"))
                got.append(point)
        return [point for point in got if point != "/run/kernel"]  # which is looked at from outside
        """,
    ),
    (
        "change the machine's settings",
        """
        import contextlib, os
        got = []
        for where, _, names in os.walk("/proc/sys"):
            for name in names:
                with contextlib.suppress(OSError):
                    os.close(os.open(os.path.join(where, name), os.O_WRONLY))
                    got.append(os.path.join(where, name))
        return got
        """,
    ),
    (
        "keep others from a file of the course",
        """
        import contextlib, fcntl, os
        walks = (walk for folder in READ_ONLY for walk in os.walk(folder))
        name = next(os.path.join(where, name) for where, _, names in walks for name in names)
        kept = [open(name), open(name)]
        got = []
        fcntl.flock(kept[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(kept[1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            got.append("a lock")
        kept.pop().close()
        with contextlib.suppress(OSError):
            fcntl.fcntl(kept[0], 1024, fcntl.F_WRLCK)
            got.append("a lease")
        return got
        """,
    ),
    (
        "take what the machine has only so many of",
        """
        import ctypes, os
        numbers = {"x86_64": 206, "aarch64": 0}
        context = (ctypes.c_ulong * 1)()
        done = ctypes.CDLL(None).syscall(numbers[os.uname().machine], 1, context)
        return "asynchronous input and output" if done >= 0 else ""
        """,
    ),
    (
        "hold privileges",
        """
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
        held = {k: v.strip() for k, v in status.items() if k.startswith("Cap") and int(v, 16)}
        if status["NoNewPrivs"].strip() != "1":
            held["NoNewPrivs"] = "0"
        return held
        """,
    ),
    (
        "read raw devices",
        """
        import os
        raw = ("mem", "kmsg", "sda", "vda", "nvme0n1", "kvm", "fuse", "nvidia0", "dri")
        return [name for name in os.listdir("/dev") if name in raw]
        """,
    ),
    (
        "import a package that is refused",
        """
        import importlib, sys
        sys.meta_path[:] = [f for f in sys.meta_path if "importlib" in getattr(f, "__module__", "")]
        sys.path_importer_cache.clear()
        found = []
        for name in REFUSED:
            for module in (name, name + ".version", name + ".linalg", name + ".signal"):
                try:
                    importlib.import_module(module)
                except ImportError:
                    continue
                found.append(module)
        return found
        """,
    ),
)


@dataclass(frozen=True)
class Attempt:
    """One row of the table."""

    what: str
    outcome: str
    """What came of it, in the words of the machine."""
    held: bool
    """Whether the sandbox held."""
    promised: bool = True
    """Whether this kind of isolation promises it at all; else it was not tried."""


def probe_table(
    profile: Profile = PLAIN,
    isolation: str = "auto",
    read_only: tuple[Path, ...] = (ROOT / "utils", ROOT / "data"),
    forbidden: tuple[Path, ...] = (),
    port: int = 9,
) -> list[Attempt]:
    """Try everything in ATTEMPTS in one sandboxed kernel.

    profile: the kernel's; what it refuses is tried, too.
    forbidden: more paths that must not be visible, such as a class folder.
    port: a TCP port of this machine on which something listens.
    Raises ValueError for isolation "none": the attempts are real.
    """
    if isolation == "none":
        raise ValueError("isolation: the attempts are made in a sandbox only")
    names = {
        "FORBIDDEN": [str(p) for p in (*_private_paths(read_only), *forbidden)],
        "READ_ONLY": [str(p) for p in read_only],
        "SECRET": SECRET,
        "HOST_PORT": port,
        "REFUSED": profile.refused,
    }
    os.environ[SECRET] = "known to the grader alone"
    try:
        return asyncio.run(_try_all(profile, isolation, read_only, names))
    finally:
        del os.environ[SECRET]


def _private_paths(visible: tuple[Path, ...]) -> list[Path]:
    """What a notebook has no business with: the grader, the system's state, the home folder."""
    course = [ROOT / "grader", ROOT / "tests", ROOT / ".git", ROOT / "data" / "checks"]
    system = [Path(p) for p in ("/etc/shadow", "/var", "/home", "/sys", "/boot", "/mnt", "/srv")]
    shown = [*visible, *python_folders()]
    home = [p for p in Path.home().iterdir() if not any(s.is_relative_to(p) for s in shown)]
    home = [p for p in home if not any(p.is_relative_to(s) for s in shown)]
    shown_homes = any(s.is_relative_to(p) for s in shown for p in (Path("/home"), Path("/mnt")))
    return course + (system[:2] if shown_homes else system) + home


async def _try_all(
    profile: Profile, isolation: str, read_only: tuple[Path, ...], names: dict[str, Any]
) -> list[Attempt]:
    manager = kernel_manager(
        read_only=read_only,
        hidden=[ROOT / "data" / "checks"],
        profile=profile,
        bounds=Bounds(memory_mb=1024),
        isolation=isolation,
    )
    await manager.start_kernel()
    way = getattr(manager.provisioner, "way", "")
    # A cold kernel may write there; the grader then connects by names of its own.
    # And bubblewrap has no way to say that nothing in a folder runs.
    skipped = (_TRAP, _OWN) if way == "bubblewrap" else ()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        tried = [
            await _try(client, what, code, names) for what, code in ATTEMPTS if what not in skipped
        ]
        if _OWN in skipped:
            tried.append(Attempt(_OWN, f"{way} has no way to forbid it", False, promised=False))
        return tried
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def _try(client: Any, what: str, code: str, names: dict[str, Any]) -> Attempt:
    printed: list[str] = []

    def take(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    lines = [f"{name} = {value!r}" for name, value in names.items()]
    lines += ["def attempt():", textwrap.indent(textwrap.dedent(code), "    ")]
    lines += [
        "import json",
        "try:",
        "    got = attempt()",
        "    print(json.dumps([not got, str(got) if got else 'nothing there']))",
        "except Exception as error:",
        "    print(json.dumps([True, f'{type(error).__name__}: {error}']))",
    ]
    await client.execute_interactive("\n".join(lines), output_hook=take, timeout=_SECONDS)
    try:
        held, outcome = json.loads("".join(printed).splitlines()[-1])
    except (ValueError, IndexError):
        held, outcome = False, f"no clear answer: {''.join(printed)[:300]}"
    return Attempt(what, outcome, held)
