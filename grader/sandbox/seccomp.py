"""A small system-call filter: what no notebook needs and what has often been a way out.

It is the second line of defence; the first are the namespaces.  Refused are new namespaces and
mounts, looking into other processes, kernel keys, BPF, io_uring, memory that no process accounts
for (larger buffers of sockets and pipes, see `Bounds.open_files`; shared memory without a file,
which stays when all but one page of it is unmapped; pages lent to pipes; events that wait to be
read), what the whole machine has only so many of (asynchronous input and output), leases, and
socket families that a network namespace doesn't cover (vsock reaches the host of a virtual
machine).  Locks on files seem to succeed and do nothing: two notebooks may read one file, and
neither is to keep it from the other.  Everything else passes.
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
    "vmsplice": (278, 75),
}
# Libraries take these for features of a newer kernel and fall back to something older.
_ABSENT = {
    "clone3": (435, 435),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "inotify_init": (253, -1),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
}
_IDLE = {"flock": (73, 32)}
# name: (numbers, position of an argument, its values that are refused, those that do nothing), from
# asm/socket.h and linux/fcntl.h; the option of a socket has the same meaning at no other level that
# a notebook needs
_DEPENDING = {
    # SO_SNDBUF, SO_RCVBUF, and both by FORCE
    "setsockopt": ((54, 208), 2, (7, 8, 32, 33), ()),
    # F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ; F_SETLK, F_SETLKW, and both for open files
    "fcntl": ((72, 25), 1, (1024, 1026, 1031), (6, 7, 37, 38)),
}
_CLONE = (56, 220)
_MMAP = (9, 222)
_SHARED, _ANONYMOUS, _HUGETLB = 0x1, 0x20, 0x40000
_SOCKET = (41, 198)
_NEW_NAMESPACE = 0x7E020080  # all CLONE_NEW* flags, time and cgroup included
_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink
_INTERNET = (2, 10)
_DATAGRAM, _KIND_OF_SOCKET = 2, 0xF

_LOAD, _EQUAL, _ATLEAST, _ANYBIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENT_0 = 0, 4, 16  # offsets in struct seccomp_data
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def program() -> bytes | None:
    """The filter as BPF instructions, or None on a processor whose numbers aren't listed here."""
    if (column := _column()) is None:
        return None
    code = _for_this_machine(column)
    for numbers in _REFUSED.values():
        code += [_instruction(_EQUAL, numbers[column], 0, 1), _refuse(errno.EPERM)]
    for numbers in _ABSENT.values():
        if numbers[column] >= 0:
            code += [_instruction(_EQUAL, numbers[column], 0, 1), _refuse(errno.ENOSYS)]
    for numbers in _IDLE.values():
        code += [_instruction(_EQUAL, numbers[column], 0, 1), _refuse(0)]
    for numbers, argument, refused, idle in _DEPENDING.values():
        inner = [_instruction(_LOAD, _ARGUMENT_0 + 8 * argument)]
        for value in (*refused, *idle):
            answer = errno.EPERM if value in refused else 0
            inner += [_instruction(_EQUAL, value, 0, 1), _refuse(answer)]
        code += _only_for(numbers[column], inner)
    code += _only_for(
        _MMAP[column],
        [
            _instruction(_LOAD, _ARGUMENT_0 + 8 * 3),
            _instruction(_ANYBIT, _HUGETLB, 0, 1),
            _refuse(errno.ENOMEM),
            _instruction(_AND, _SHARED | _ANONYMOUS),
            _instruction(_EQUAL, _SHARED | _ANONYMOUS, 0, 1),
            _refuse(errno.EPERM),
        ],
    )
    code += _only_for(
        _CLONE[column],
        [
            _instruction(_LOAD, _ARGUMENT_0),
            _instruction(_ANYBIT, _NEW_NAMESPACE, 0, 1),
            _refuse(errno.EPERM),
        ],
    )
    allowed = _instruction(_RETURN, _ALLOW)
    inner = [_instruction(_LOAD, _ARGUMENT_0)]
    for family in _FAMILIES:
        inner += [_instruction(_EQUAL, family, 0, 1), allowed]
    code += _only_for(_SOCKET[column], [*inner, _refuse(errno.EAFNOSUPPORT)])
    return b"".join([*code, allowed])


def without_connections() -> bytes | None:
    """A filter more, where a network is up that leads nowhere: no sockets but for datagrams.

    The buffers of TCP grow to megabytes, and no process is charged with them.
    """
    if (column := _column()) is None:
        return None
    inner = [_instruction(_LOAD, _ARGUMENT_0)]
    for left, family in reversed([*enumerate(reversed(_INTERNET))]):
        inner += [_instruction(_EQUAL, family, left + 1, 0)]
    inner += [
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _ARGUMENT_0 + 8),
        _instruction(_AND, _KIND_OF_SOCKET),
        _instruction(_EQUAL, _DATAGRAM, 1, 0),
        _refuse(errno.ENETUNREACH),
    ]
    code = [*_for_this_machine(column), *_only_for(_SOCKET[column], inner)]
    return b"".join([*code, _instruction(_RETURN, _ALLOW)])


def _column() -> int | None:
    """Which of the numbers above are this processor's; None if none are."""
    machine = _MACHINES.get(platform.machine())
    return machine[0] if machine else None


def _for_this_machine(column: int) -> list[bytes]:
    """How each filter begins: it ends calls of other interfaces, and loads the number of a call."""
    _, audit_code = _MACHINES[platform.machine()]
    code = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, audit_code, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if column == 0:  # the x32 interface has numbers of its own for the same calls
        code += [_instruction(_ATLEAST, 0x40000000, 0, 1), _refuse(errno.ENOSYS)]
    return code


def _only_for(number: int, code: list[bytes]) -> list[bytes]:
    """Instructions for one system call, which passes if they come to their end."""
    return [
        _instruction(_EQUAL, number, 0, len(code) + 1),
        *code,
        _instruction(_RETURN, _ALLOW),
    ]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(code: int) -> bytes:
    return _instruction(_RETURN, _ERRNO | code)
