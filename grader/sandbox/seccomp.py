"""A small system-call filter: what no notebook needs and what has often been a way out.

It is the second line of defence; the first are the namespaces.  Refused are new namespaces and
mounts, looking into other processes, kernel keys, BPF, io_uring, memory that no process accounts
for (larger buffers of sockets and pipes among it, see `Bounds.open_files`), and socket families
that a network namespace doesn't cover (vsock reaches the host of a virtual machine).  Everything
else passes.
"""

from __future__ import annotations

import errno
import platform
import struct

# name: (x86_64, aarch64), from the kernel's asm/unistd.h
_REFUSED = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "personality": (135, 92),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
}
# Libraries take these for features of a newer kernel and fall back to something older.
_ABSENT = {"clone3": (435, 435), "memfd_create": (319, 279), "memfd_secret": (447, 447)}
# name: (numbers, position of an argument, its refused values), from asm/socket.h and linux/fcntl.h;
# the option of a socket has the same meaning at no other level that a notebook needs
_REFUSED_WITH = {
    "setsockopt": ((54, 208), 2, (7, 8, 32, 33)),  # SO_SNDBUF, SO_RCVBUF, and both by FORCE
    "fcntl": ((72, 25), 1, (1031,)),  # F_SETPIPE_SZ
}
_CLONE = (56, 220)
_SOCKET = (41, 198)
_NEW_NAMESPACE = 0x7E020080  # all CLONE_NEW* flags, time and cgroup included
_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink

_LOAD, _EQUAL, _ATLEAST, _ANYBIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENT_0 = 0, 4, 16  # offsets in struct seccomp_data
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def program() -> bytes | None:
    """The filter as BPF instructions, or None on a processor whose numbers aren't listed here."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return None
    column, audit_code = machine
    code = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, audit_code, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if column == 0:  # the x32 interface has numbers of its own for the same calls
        code += [_instruction(_ATLEAST, 0x40000000, 0, 1), _refuse(errno.ENOSYS)]
    for numbers in _REFUSED.values():
        code += [_instruction(_EQUAL, numbers[column], 0, 1), _refuse(errno.EPERM)]
    for numbers in _ABSENT.values():
        code += [_instruction(_EQUAL, numbers[column], 0, 1), _refuse(errno.ENOSYS)]
    for numbers, argument, values in _REFUSED_WITH.values():
        code += [
            _instruction(_EQUAL, numbers[column], 0, 2 * len(values) + 2),
            _instruction(_LOAD, _ARGUMENT_0 + 8 * argument),
        ]
        for value in values:
            code += [_instruction(_EQUAL, value, 0, 1), _refuse(errno.EPERM)]
        code += [_instruction(_RETURN, _ALLOW)]
    code += [
        _instruction(_EQUAL, _CLONE[column], 0, 4),
        _instruction(_LOAD, _ARGUMENT_0),
        _instruction(_ANYBIT, _NEW_NAMESPACE, 0, 1),
        _refuse(errno.EPERM),
        _instruction(_RETURN, _ALLOW),
        _instruction(_EQUAL, _SOCKET[column], 0, len(_FAMILIES) + 2),
        _instruction(_LOAD, _ARGUMENT_0),
    ]
    for position, family in enumerate(_FAMILIES):
        code.append(_instruction(_EQUAL, family, len(_FAMILIES) - position, 0))
    code += [_refuse(errno.EAFNOSUPPORT), _instruction(_RETURN, _ALLOW)]
    return b"".join(code)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(code: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | code)
