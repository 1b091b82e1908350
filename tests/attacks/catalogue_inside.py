"""Attempts against the sandbox itself: memory out of sight, what a machine has only so many of,
what two notebooks share, places to write to, privileges, traces.

{SHARED} is a file of the course that every kernel may read, {CLASS} a class folder, {HOME} the
grader's home folder.
"""

# ruff: noqa: E501  the attempts are lines of code within strings
from __future__ import annotations

from tests.attacks.base import LEAKS, READING, RESOURCES, VICTIMS, WRITING
from tests.attacks.inside import Attempt

_BWRAP = "bubblewrap"
"""It has no mount on which nothing runs, no bound on terminals, and its kernel is process 1."""

MEMORY = [
    Attempt(
        "shared memory that stays when it is unmapped but for a page",
        RESOURCES,
        """
where = called(libc.mmap(None, 8 << 20, 3, 0x21, -1, 0))
ctypes.memset(where, 1, 8 << 20)
called(libc.munmap(where + 4096, (8 << 20) - 4096))
return "8 MB that are in no process"
""",
    ),
    Attempt(
        "shared memory of /dev/zero",
        RESOURCES,
        """
zero = os.open("/dev/zero", os.O_RDWR)
where = called(libc.mmap(None, 8 << 20, 3, 1, zero, 0))
ctypes.memset(where, 1, 8 << 20)
return "8 MB that may be unmapped"
""",
    ),
    Attempt(
        "huge pages that are kept for others",
        RESOURCES,
        "return called(libc.mmap(None, 2 << 20, 3, 0x40022, -1, 0))",
    ),
    Attempt(
        "pages lent to a pipe",
        RESOURCES,
        """
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
kept = ctypes.create_string_buffer(4096)
return called(libc.vmsplice(os.pipe()[1], ctypes.byref(Piece(ctypes.addressof(kept), 4096)), 1, 0))
""",
    ),
    Attempt("events that nobody reads", RESOURCES, "return called(libc.inotify_init1(0)) + 1"),
    Attempt("memory without a name", RESOURCES, "return os.memfd_create('x')"),
    Attempt(
        "memory of System V",
        RESOURCES,
        "return called(libc.shmget(0, 1 << 20, 0o1600)) + 1",
    ),
    Attempt("semaphores of System V", RESOURCES, "return called(libc.semget(0, 1, 0o1600)) + 1"),
    Attempt("messages of System V", RESOURCES, "return called(libc.msgget(0, 0o1600)) + 1"),
    Attempt(
        "a queue of messages",
        RESOURCES,
        "return called(ctypes.CDLL('librt.so.1', use_errno=True).mq_open(b'/x', 0o102, 0o600, None)) + 1",
    ),
    Attempt(
        "keys in the kernel of Linux",
        RESOURCES,
        "return called(libc.syscall(248, b'user', b'x', b'y', 1, -2))",
    ),
    Attempt(
        "connections to itself, whose buffers grow",
        RESOURCES,
        """
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
return f"connected: {socket.create_connection(server.getsockname(), timeout=2)}"
""",
    ),
    Attempt(
        "larger buffers for datagrams",
        RESOURCES,
        """
one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
return one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
""",
    ),
    Attempt(
        "locked memory",
        RESOURCES,
        """
kept = ctypes.create_string_buffer(64 << 20)
return called(libc.mlock(ctypes.byref(kept), ctypes.c_size_t(64 << 20))) + 1
""",
    ),
    Attempt(
        "events of the file system for a group",
        RESOURCES,
        "return called(libc.fanotify_init(0, 0)) + 1",
    ),
    Attempt(
        "a ring of requests",
        RESOURCES,
        "return called(libc.syscall(425, 8, ctypes.create_string_buffer(200)))",
    ),
]

OF_THE_MACHINE = [
    Attempt(
        "all asynchronous input and output of the machine",
        VICTIMS,
        """
context = (ctypes.c_ulong * 1)()
return called(libc.syscall(206, 1000, context)) + 1
""",
    ),
    Attempt(
        "all terminals of the machine",
        VICTIMS,
        """
inner, outer = os.pipe()
for _ in range(3):
    if os.fork() == 0:
        kept = []
        try:
            for _ in range(25):
                kept.append(os.openpty())
                os.write(outer, b'x')
            time.sleep(1)
        finally:
            os._exit(0)
os.close(outer)
got = 0
while part := os.read(inner, 999):
    got += len(part)
return got if got > 64 else 0
""",
        otherwise=_BWRAP,
    ),
    Attempt(
        "the clock",
        VICTIMS,
        "time.clock_settime(time.CLOCK_REALTIME, time.time())\nreturn 'set'",
    ),
    Attempt(
        "the clock, slowly",
        VICTIMS,
        """
change = (ctypes.c_long * 64)()
change[0] = 0x4000  # ADJ_TICK, the first of its fields is a 32-bit one
return called(libc.adjtimex(change)) + 1
""",
    ),
    Attempt("the name of the machine", VICTIMS, "socket.sethostname('x')\nreturn 'set'"),
    Attempt("more of the processor", VICTIMS, "return f'nice {os.nice(-5)}'"),
    Attempt(
        "the processor before all others",
        VICTIMS,
        "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))\nreturn 'real time'",
    ),
    Attempt(
        "the disk before all others", VICTIMS, "return called(libc.syscall(251, 1, 0, 1 << 13)) + 1"
    ),
    Attempt(
        "to be the last that is ended when memory is short",
        VICTIMS,
        "return os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000')",
    ),
    Attempt(
        "more for its session",
        VICTIMS,
        "return os.write(os.open('/proc/self/autogroup', os.O_WRONLY), b'-10')",
    ),
    Attempt(
        "settings of the machine",
        VICTIMS,
        """
got = []
for where, _, names in os.walk('/proc/sys'):
    for name in names:
        try:
            os.close(os.open(os.path.join(where, name), os.O_WRONLY))
            got.append(os.path.join(where, name))
        except OSError:
            pass
return got
""",
    ),
]

NEIGHBOURS = [
    Attempt(
        "a file of the course, for itself",
        VICTIMS,
        """
import fcntl
mine = open({SHARED})
fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
try:
    fcntl.flock(open({SHARED}), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    return 'nobody else may lock it'
""",
    ),
    Attempt(
        "records of a file, one by one",
        RESOURCES,
        """
import fcntl
mine = open('/tmp/records', 'w')
for number in range(0, 200, 2):
    fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
if os.fork() == 0:
    try:
        fcntl.lockf(open('/tmp/records', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 198)
    except OSError:
        os._exit(1)
    os._exit(0)
return os.wait()[1] and '100 records are locked'
""",
    ),
    Attempt(
        "records of a file, for an open file",
        RESOURCES,
        """
import fcntl, struct
lock = lambda: struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 1, 0)
fcntl.fcntl(open('/tmp/open', 'w'), 37, lock())
kept = open('/tmp/open', 'w')
fcntl.fcntl(kept, 37, lock())
again = open('/tmp/open', 'w')
try:
    fcntl.fcntl(again, 37, lock())
except OSError:
    return 'locked'
""",
    ),
    Attempt(
        "a lease on a file of the course, for which whoever opens it waits",
        VICTIMS,
        """
import fcntl
fcntl.fcntl(open({SHARED}), 1024, fcntl.F_RDLCK)
return 'leased'
""",
    ),
    Attempt(
        "a lease on its own file",
        VICTIMS,
        """
import fcntl
open('/tmp/leased', 'w').close()
fcntl.fcntl(open('/tmp/leased'), 1024, fcntl.F_WRLCK)
return 'leased'
""",
    ),
    Attempt(
        "word of what others read",
        LEAKS,
        "import fcntl\nfcntl.fcntl(os.open(os.path.dirname({SHARED}), 0), 1026, 1)\nreturn 'told'",
    ),
    Attempt(
        "a signal to process 1, as the owner of a file",
        VICTIMS,
        """
import fcntl
one, other = socket.socketpair()
fcntl.fcntl(one, fcntl.F_SETOWN, 1)
fcntl.fcntl(one, fcntl.F_SETSIG, signal.SIGKILL)
fcntl.fcntl(one, fcntl.F_SETFL, fcntl.fcntl(one, fcntl.F_GETFL) | os.O_ASYNC)
other.send(b'x')
""",
    ),
]

PLACES = [
    Attempt(
        "room in the folder of devices",
        RESOURCES,
        "return open('/dev/planted', 'wb').write(bytes(1 << 20))",
    ),
    Attempt(
        "room where no bound is",
        RESOURCES,
        """
points = [line.split()[4] for line in open('/proc/self/mountinfo')]
got = []
for point in {*points, *map(os.path.dirname, points), '/', '/run', '/etc'} - {'/scratch', '/tmp', '/dev/shm'}:
    try:
        open(os.path.join(point, 'planted'), 'wb').close()
        got.append(point)
    except OSError:
        pass
return [point for point in got if not (point == '/run/kernel' and {WAY} == 'bubblewrap')]
""",
    ),
    Attempt(
        "a file of the course by another name",
        WRITING,
        "os.link({SHARED}, '/scratch/mine')\nreturn 'linked'",
    ),
    Attempt(
        "a file of the course by its handle",
        WRITING,
        "return called(libc.linkat(-100, ('/proc/self/fd/%d' % os.open({SHARED}, 0)).encode(), -100, b'/tmp/mine', 0x400)) + 1",
    ),
    Attempt(
        "a file of the course, opened anew",
        WRITING,
        "return os.open('/proc/self/fd/%d' % os.open({SHARED}, 0), os.O_RDWR)",
    ),
    Attempt(
        "marks on a file of the course",
        WRITING,
        """
got = []
for change in (lambda: os.utime({SHARED}), lambda: os.chmod({SHARED}, 0o666), lambda: os.truncate({SHARED}, 0),
               lambda: os.setxattr({SHARED}, 'user.x', b'y'), lambda: os.rename({SHARED}, {SHARED} + 'x'), lambda: os.unlink({SHARED})):
    try:
        change()
        got.append('changed')
    except OSError:
        pass
return got
""",
    ),
    Attempt(
        "a device of its own",
        WRITING,
        "os.mknod('/tmp/null', 0o20666, os.makedev(1, 5))\nreturn readable('/tmp/null')",
    ),
    Attempt(
        "a program by its loader",
        WRITING,
        """
import shutil, subprocess
shutil.copy('/bin/true', '/tmp/program')
loader = next(p for p in ('/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1') if os.path.exists(p))
return not subprocess.run([loader, '/tmp/program'], capture_output=True).returncode and 'it ran'
""",
        otherwise=_BWRAP,
    ),
]

RIGHTS = [
    Attempt("root", WRITING, "os.setuid(0)\nreturn os.getuid() == 0"),
    Attempt("groups of others", WRITING, "os.setgroups([0])\nreturn os.getgroups()"),
    Attempt("another root", WRITING, "os.chroot('/tmp')\nreturn 'changed'"),
    Attempt(
        "namespaces of every kind",
        WRITING,
        """
got = []
for flag in (0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x2000000, 0x80):
    if libc.unshare(flag) == 0:
        got.append(hex(flag))
return got
""",
    ),
    Attempt(
        "a child in a namespace of users",
        WRITING,
        """
child = libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
if child == 0:
    os._exit(0)
return called(child)
""",
    ),
    Attempt(
        "the namespaces of process 1",
        WRITING,
        "return [name for name in os.listdir('/proc/1/ns') if libc.setns(os.open(f'/proc/1/ns/{name}', 0), 0) == 0]",
    ),
    Attempt(
        "calls that make or move mounts",
        WRITING,
        """
return [number for number in (428, 429, 430, 431, 432, 433, 442, 155, 166)
        if libc.syscall(number, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != 1]
""",
    ),
    Attempt(
        "a file by its number on the disk",
        READING,
        "return [n for n in (303, 304) if libc.syscall(n, -100, b'/', 0, 0, 0) >= 0 or ctypes.get_errno() != 1]",
    ),
    Attempt(
        "calls that look into other processes",
        READING,
        "return [n for n in (101, 310, 311, 312, 438, 440, 298, 321, 323) if libc.syscall(n, 16, 1, 0, 0, 0) >= 0 or ctypes.get_errno() != 1]",
    ),
    Attempt(
        "calls by numbers of another interface",
        WRITING,
        "return called(libc.syscall(0x40000000 | 39))",
    ),
    Attempt(
        "calls of a processor with 32 bits",
        WRITING,
        """
import platform
assert platform.machine() == 'x86_64'
code = bytes.fromhex('b814000000cd80c3')  # mov eax, 20; int 0x80; ret
where = called(libc.mmap(None, 4096, 7, 0x22, -1, 0))
ctypes.memmove(where, code, len(code))
return ctypes.CFUNCTYPE(ctypes.c_int)(where)()
""",
    ),
    Attempt(
        "sockets of every family",
        LEAKS,
        """
got = []
for family in {*range(46)} - {0, 1, 2, 10, 16}:
    for kind in (1, 2, 3, 5):
        try:
            got.append((family, kind, socket.socket(family, kind).fileno()))
        except OSError:
            pass
return got
""",
    ),
    Attempt(
        "raw sockets", LEAKS, "return socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).fileno()"
    ),
    Attempt(
        "a network of its own making",
        LEAKS,
        """
import struct
line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
line.send(struct.pack('=IHHII BxHiII', 32, 16, 5, 1, 0, 0, 0, 1, 1, 1))
answer = line.recv(999)
return struct.unpack('=i', answer[16:20])[0] == 0 and 'lo is up'
""",
    ),
]

TRACES = [
    Attempt(
        "the grader's home folder",
        LEAKS,
        """
seen = open('/proc/self/environ').read() + str(os.environ) + os.path.expanduser('~')
return {HOME} in seen.replace(chr(0), chr(10)).split(chr(10)) or 'HOME=' + {HOME} in seen.split(chr(0))
""",
    ),
    Attempt(
        "what started the kernel",
        LEAKS,
        "return [word for word in sys.orig_argv if '/grader' in word or 'course-tmp' in word]",
    ),
    Attempt(
        "objects of the grader",
        LEAKS,
        """
import gc
return {f'{type(o).__module__}.{type(o).__name__}' for o in gc.get_objects() if str(getattr(type(o), '__module__', '')).startswith('grader')}
""",
    ),
    Attempt(
        "the plan of its sandbox",
        LEAKS,
        """
text = ''.join(str(part) for part in readable('/run/plan.json', '/run/code', '/tmp/.connection.json'))
full = open('/run/plan.json').read() if os.path.exists('/run/plan.json') else ''
return [word for word in ('course-tmp', 'hidden', {CLASS}) if word in full + text]
""",
    ),
    Attempt("modules of the grader", READING, "import grader\nreturn grader.__path__"),
    Attempt(
        "what is mounted of the system",
        READING,
        "return readable('/sys', '/boot', '/var', '/lost+found', '/.dockerenv')",
    ),
    Attempt("users of the machine", LEAKS, "return len(open('/etc/passwd').readlines()) != 2"),
    Attempt(
        "the machine's id",
        LEAKS,
        "return readable('/etc/machine-id', '/etc/hostname', '/var/lib/dbus/machine-id') or socket.gethostname() != 'sandbox'",
    ),
    Attempt(
        "the memory of Linux",
        READING,
        "return readable('/proc/kcore', '/proc/kmsg', '/dev/mem', '/dev/kmsg', '/proc/slabinfo', '/proc/keys', '/proc/timer_list')",
    ),
    Attempt(
        "addresses in the memory of Linux",
        READING,
        "return [line for line in open('/proc/kallsyms') if int(line.split()[0], 16)][:3]",
    ),
    Attempt(
        "the grader's terminal",
        WRITING,
        "return [p for p in ('/dev/tty', '/dev/console', '/dev/tty0', '/dev/pts/0') if os.open(p, os.O_RDWR)]",
    ),
    Attempt(
        "process 1",
        READING,
        "return [name for name in ('environ', 'mem', 'maps', 'root', 'cwd', 'exe', 'fd') if readable(f'/proc/1/{name}')]",
        otherwise=_BWRAP,
    ),
    Attempt(
        "credentials of a cloud",
        LEAKS,
        "return socket.create_connection(('169.254.169.254', 80), timeout=2).fileno()",
    ),
    Attempt("names on the internet", LEAKS, "return socket.getaddrinfo('example.org', 80)"),
]

ATTEMPTS = [*MEMORY, *OF_THE_MACHINE, *NEIGHBOURS, *PLACES, *RIGHTS, *TRACES]
