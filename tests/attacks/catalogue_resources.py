"""Attacks on time, memory, storage and processes: the notebook may lose, the machine may not."""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

from typing import Any

from tests.attacks.base import RESOURCES, Attack


def _cell(name: str, code: str, human: str = "?", **more: Any) -> Attack:
    return Attack(name, RESOURCES, code, human=human, **more)


def _call(name: str, body: str, human: str = "", **more: Any) -> Attack:
    lines = body.replace("\n", "\n    ")
    return Attack(name, RESOURCES, square=f"def square(x):\n    {lines}", human=human, **more)


ATTACKS = [
    _call("endless loop in the function", "while True: pass", says="CallTimeout"),
    _call("long sleep in the function", "import time; time.sleep(3600)", says="CallTimeout"),
    _call(
        "endless loop that swallows every exception",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        human="?",
    ),
    _call(
        "endless loop without alarms",
        "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        human="?",
    ),
    _call("stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", human="?"),
    _call("asks for input", "return input('how much? ')"),
    _call("recursion without end", "return square(x)", says="RecursionError"),
    _call("memory without end", "import numpy as np\nreturn np.ones(10**12)", says="MemoryError"),
    _call(
        "memory in small pieces",
        "kept = []\nwhile True: kept.append(bytearray(b'x' * 4_000_000))",
        human="?",
    ),
    _call(
        "regular expression without end",
        "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        human="?",
    ),
    _call(
        "a giant exception",
        "raise ValueError('x' * 50_000_000)",
        says="ValueError",
    ),
    _call("prints without end", "while True: print('x' * 100_000)", human="?"),
    _cell("one line of 20 MB", "print('x' * 20_000_000)"),
    _cell("300 MB in lines", "for _ in range(300): print('x' * 1_000_000)", long=True),
    _cell("prints without end in a cell", "while True: print('x' * 1000)", long=True),
    _cell(
        "displays of nothing",
        "from IPython.display import display\nfor _ in range(20_000): display({}, raw=True)",
        long=True,
    ),
    _cell(
        "displays with huge metadata",
        "from IPython.display import display\n"
        "for _ in range(20): display({'text/plain': 'x'}, metadata={'m': 'y' * 2_000_000}, raw=True)",
    ),
    _cell(
        "comms without end",
        "from ipykernel.comm import Comm\n"
        "comms = [Comm(target_name='jupyter.widget', data={'state': {'x': 'y' * 5_000_000}})"
        " for _ in range(60)]",
    ),
    _cell(
        "messages of 100 MB",
        "kernel = get_ipython().kernel\n"
        "session, parent = kernel.session, kernel.get_parent('shell')\n"
        "head = session.msg('stream', parent=parent)\n"
        'text = b\'{"name": "stdout", "text": "\' + b\'x\' * 100_000_000 + b\'"}\'\n'
        "parts = [session.pack(head['header']), session.pack(head['parent_header']), b'{}', text]\n"
        "sign = session.sign(parts)\n"
        "for _ in range(60):\n"
        "    kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', sign, *parts], copy=False)",
    ),
    _cell(
        "messages to nobody",
        "import threading\n"
        "kernel = get_ipython().kernel\n"
        "def flood():\n"
        "    while True:\n"
        "        kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x'},"
        " parent={'header': {'msg_id': 'nobody'}})\n"
        "threading.Thread(target=flood, daemon=True).start()",
        long=True,
    ),
    _cell(
        "replies without end",
        "kernel = get_ipython().kernel\n"
        "parent = {'header': {'msg_id': 'nobody'}}\n"
        "ident = kernel._parent_ident['shell']\n"
        "while True:\n"
        "    kernel.session.send(kernel.shell_stream.socket, 'execute_reply', {'status': 'ok'},"
        " parent=parent, ident=ident)",
    ),
    _cell("fork bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
    _cell(
        "threads without end",
        "import threading, time\n"
        "while True:\n"
        "    try: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "    except RuntimeError: break",
    ),
    _cell(
        "children that stay",
        "import subprocess\n"
        "for _ in range(5):\n"
        "    subprocess.Popen(['sleep', '86399'], start_new_session=True)\n"
        "get_ipython().system('nohup setsid sleep 86399 >/dev/null 2>&1 &')",
    ),
    _cell(
        "cell magic in the background",
        "get_ipython().run_cell_magic('bash', '--bg', 'sleep 86399; touch {PLACE}/attacked_by')",
    ),
    _cell(
        "exit hooks that never end",
        "import atexit, signal, time\n"
        "atexit.register(lambda: time.sleep(3600))\n"
        "for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):\n"
        "    signal.signal(number, signal.SIG_IGN)",
    ),
    _cell(
        "threads that never end",
        "import threading, time\n"
        "def spin():\n    while True: pass\n"
        "for _ in range(3): threading.Thread(target=spin).start()",
    ),
    _cell(
        "fills its folder",
        "try:\n"
        "    for number in range(10_000):\n"
        "        with open(f'big{number}', 'wb') as stream: stream.write(bytes(50_000_000))\n"
        "except OSError as error: print(error)",
    ),
    _cell(
        "many small files",
        "try:\n"
        "    for number in range(200_000): open(f'{number}', 'w').close()\n"
        "except OSError as error: print(error)",
        long=True,
    ),
    _cell(
        "sparse files that are huge when copied",
        "try:\n"
        "    for number in range(5):\n"
        "        with open(f'sparse{number}', 'wb') as stream: stream.truncate(120 << 20)\n"
        "except OSError as error: print(error)",
    ),
    _cell(
        "folders without end",
        "import os\n"
        "try:\n"
        "    for _ in range(5_000): os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "except OSError as error: print(error)",
    ),
    _cell(
        "folders nested too deep to be removed by recursion",
        "import os\nfor _ in range(990): os.mkdir('d'); os.chdir('d')\nopen('f', 'w').write('x')",
        human="",
    ),
    _cell(
        "folders nested deeper than any path, with files to be copied",
        "import os\n"
        "for _ in range(3_000):\n"
        "    os.mkdir('d' * 100); os.chdir('d' * 100); open('f', 'w').close()",
        human="",
    ),
    _cell(
        "odd file names",
        "import os\n"
        "for name in (b'a\\nb', b'\\xff\\xfe', b'-rf', b'\\x1b[2J', b'%s%n', b'x' * 255, '\\ud83d'.encode('utf-8', 'surrogatepass')):\n"
        "    open(name, 'wb').close(); os.mkdir(name + b'd' if len(name) < 200 else b'd')",
    ),
    _cell(
        "a folder that can't be entered",
        "import os\n"
        "os.mkdir('shut'); open('shut/x', 'w').close(); os.chmod('shut', 0)\n"
        "for path in ('..', '.', os.environ.get('COURSE_HANDOVER', '.')): os.chmod(path, 0)",
    ),
    _cell("another working folder", "import os; os.mkdir('x'); os.chdir('x'); os.rmdir('../x')"),
    _cell(
        "pipes and devices",
        "import os, stat\n"
        "for make in (lambda: os.mkfifo('pipe'), lambda: os.mknod('null', stat.S_IFCHR | 0o666,"
        " os.makedev(1, 3)), lambda: os.symlink('/dev/zero', 'zero'),"
        " lambda: os.symlink('loop', 'loop')):\n"
        "    try: make()\n"
        "    except OSError as error: print(error)",
    ),
    _cell(
        "endless output by children",
        "import subprocess\n"
        "subprocess.Popen(['sh', '-c', 'yes'], start_new_session=True)\n"
        "get_ipython().system('head -c 30000000 /dev/zero | tr \"\\\\0\" x')",
        long=True,
    ),
    _cell(
        "limits that are raised",
        "import resource\n"
        "for which in range(16):\n"
        "    try: resource.setrlimit(which, (resource.RLIM_INFINITY,) * 2)\n"
        "    except (OSError, ValueError): pass\n"
        "kept = bytearray(1 << 34)",
    ),
    _cell(
        "shared memory",
        "try:\n"
        "    with open('/dev/shm/big', 'wb') as stream:\n"
        "        while True: stream.write(bytes(20_000_000))\n"
        "except OSError as error: print(error)",
    ),
]
