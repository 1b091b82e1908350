"""The system calls that build a sandbox, through ctypes: no compiled helper, no set-uid program.

Each function does one thing and raises OSError with a text that says what failed.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_NOATIME, MS_NODIRATIME, MS_BIND = 32, 1024, 2048, 4096
MS_REC, MS_PRIVATE, MS_RELATIME = 16384, 1 << 18, 1 << 21
MNT_DETACH = 2

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET

CAP_CHOWN, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 0, 6, 7, 21

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_CAP_AMBIENT = 38, 22, 47
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

if sys.platform != "win32":  # there `probe` says that notebooks can't be graded
    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.syscall.restype = ctypes.c_long


def _done(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Give the calling process namespaces of its own."""
    _done(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system, or bind a folder."""
    _done(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        ),
        f"mount {kind or source} on {target}",
    )


def unmount(target: str) -> None:
    """Take a mount out of the tree; what is bound elsewhere stays."""
    _done(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def enter_root(root: str) -> None:
    """Make a mounted folder the root of the file system and let go of the old one."""
    os.chdir(root)
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"no pivot_root known for {platform.machine()}")
    _done(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")


def set_hostname(name: str) -> None:
    """Name the machine, in this UTS namespace."""
    _done(_libc.sethostname(name.encode(), len(name)), "sethostname")


def die_with_parent() -> None:
    """Be killed when the parent's thread that forked this process ends."""
    _done(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl PDEATHSIG")


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one."""
    _done(_libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0), "prctl DUMPABLE")


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


_CAP_VERSION_3 = 0x20080522


def effective_capabilities() -> int:
    """Bit set of the capabilities of the calling process."""
    header = _CapHeader(_CAP_VERSION_3, 0)
    data = (_CapData * 2)()
    _done(_libc.capget(ctypes.byref(header), data), "capget")
    return int(data[0].effective) | int(data[1].effective) << 32


def drop_capability_bounds() -> None:
    """Empty the bounding and ambient sets, so that no program can hand capabilities out again."""
    for number in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # EINVAL beyond the last one
    _libc.prctl(_PR_CAP_AMBIENT, 4, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up all capabilities for good, and forbid gaining any by exec."""
    header = _CapHeader(_CAP_VERSION_3, 0)
    _done(_libc.capset(ctypes.byref(header), (_CapData * 2)()), "capset")
    _done(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl NO_NEW_PRIVS")


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def install_filter(program: bytes) -> None:
    """Filter all later system calls of this process and its children (classic BPF)."""
    filter_ = _Filter(len(program) // 8, program)
    _done(_libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(filter_), 0, 0), "prctl SECCOMP")


def release() -> tuple[int, int]:
    """Version of the running kernel, as in (6, 1)."""
    major, minor, *_ = platform.release().split(".")
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)
