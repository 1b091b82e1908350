"""Attacks on the border: forged answers in the handover folder, and values that are no answers."""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

from typing import Any

from tests.attacks.base import FORGED, RESOURCES, STOPS, Attack

_FORGE = """
import io, json, os, pathlib, struct, zipfile, zlib
import numpy as np
folder = pathlib.Path(os.environ.get('COURSE_HANDOVER', '.'))
def members(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace('__', '.'), content)
    return buffer.getvalue()
def forge(data, *names):
    for name in names or ('square', 'sums'):
        (folder / f'{name}.answer1.npz').write_bytes(data)
def replies(value, count=2, **more):
    row = {'dict': [['value', value], ['error', {'value': ''}], ['changed', {'list': []}]]}
    entries = [['student', {'value': None}], ['replies', {'list': [row] * count}]]
    entries += [[k, {'value': v}] for k, v in more.items()]
    return {'dict': entries}
def described(value, count=2, **more):
    return members(skeleton__json=json.dumps(replies(value, count, **more)))
def npy(array, allow_pickle=False):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=allow_pickle)
    return buffer.getvalue()
def with_array(raw):
    return members(skeleton__json=json.dumps(replies({'array': 'a0.npy'})), a0__npy=raw)
"""


def _forged(name: str, code: str, threat: str = FORGED, **more: Any) -> Attack:
    return Attack(name, threat, _FORGE + code, **more)


def _returned(name: str, value: str, threat: str = STOPS, **more: Any) -> Attack:
    text = f"import numpy as np\ndef square(x):\n    return {value}"
    return Attack(
        name, threat, square=text, sums=f"import numpy as np\nx = 1.0\nsums = {value}", **more
    )


ATTACKS = [
    _forged(
        "answer says it is right", "forge(described({'value': 1.0}, score=1.0, points=4, ok=True))"
    ),
    _forged("answer is garbage", "forge(b'PK' + bytes(1000))", says="damaged answer"),
    _forged("answer is empty", "forge(b'')", says="damaged answer"),
    _forged(
        "answer is a link",
        "for name in ('square', 'sums'):\n"
        "    os.symlink('/etc/passwd', folder / f'{name}.answer1.npz')\n"
        "    os.symlink('{CLASS}/secret.txt', folder / f'{name}.answer2.npz')",
    ),
    _forged(
        "answer is a hard link",
        "(folder / 'square.answer1.npz').hardlink_to(folder / 'sums.inputs.npz')",
        says="damaged answer",
    ),
    _forged(
        "answer is a pipe",
        "for n in (1, 2, 3): os.mkfifo(folder / f'square.answer{n}.npz')",
    ),
    _forged(
        "answer is a folder",
        "for n in (1, 2, 3): (folder / f'square.answer{n}.npz' / 'deep').mkdir(parents=True)",
    ),
    _forged(
        "answer is a socket",
        "import socket\n"
        "line = socket.socket(socket.AF_UNIX)\n"
        "os.chdir(folder); line.bind('square.answer1.npz')",
    ),
    _forged(
        "answer is sparse and huge",
        "with open(folder / 'square.answer1.npz', 'wb') as stream:\n"
        "    stream.truncate(100 << 20)\n"
        "try:\n"
        "    with open(folder / 'sums.answer1.npz', 'wb') as stream: stream.truncate(1 << 42)\n"
        "except OSError as error: print(error)",
        threat=RESOURCES,
    ),
    _forged(
        "answer is a bomb",
        "forge(members(skeleton__json=json.dumps(replies({'array': 'a0.npy'})), a0__npy=bytes(100 << 20)))",
        threat=RESOURCES,
        says="damaged answer",
    ),
    _forged(
        "answer of many parts",
        "forge(members(skeleton__json='{}', **{f'a{n}__npy': b'x' for n in range(30_000)}))",
        threat=RESOURCES,
        says="damaged answer",
    ),
    _forged(
        "answer with a pickle",
        "class Run:\n"
        "    def __reduce__(self): return os.system, ('touch {PLACE}/attacked_by_pickle',)\n"
        "forge(with_array(npy(np.array([Run()], dtype=object), allow_pickle=True)))",
        says="damaged answer",
    ),
    _forged(
        "answer is a bare pickle",
        "import pickle\n"
        "class Run:\n"
        "    def __reduce__(self): return os.system, ('touch {PLACE}/attacked_by_pickle',)\n"
        "forge(pickle.dumps(Run()))",
        says="damaged answer",
    ),
    _forged(
        "description nested without end",
        "forge(members(skeleton__json='{\"list\":[' * 100_000 + ']}' * 100_000))",
        threat=STOPS,
        says="damaged answer",
    ),
    _forged(
        "description of endless small things",
        "forge(members(skeleton__json='{\"list\":[' + '{},' * 15_000_000 + '{}]}'))",
        threat=RESOURCES,
        says="damaged answer",
    ),
    _forged(
        "array of impossible shape",
        "head = \"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }\"\n"
        "head = head.ljust(117) + chr(10)\n"
        "forge(with_array(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head.encode()))",
        threat=STOPS,
        says="damaged answer",
    ),
    _forged(
        "array header with code",
        "head = \"{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').system('touch {PLACE}/attacked_by'),), }\"\n"
        "head = head.ljust(181) + chr(10)\n"
        "forge(with_array(b'\\x93NUMPY\\x01\\x00' + struct.pack('<H', len(head)) + head.encode()))",
        says="damaged answer",
    ),
    _forged(
        "structured array",
        "forge(with_array(npy(np.zeros(3, dtype=[('a', 'f8'), ('b', 'O')]), allow_pickle=True)))",
        says="damaged answer",
    ),
    _forged("no replies", "forge(members(skeleton__json='{\"dict\": []}'))", says="damaged answer"),
    _forged(
        "replies without keys",
        "forge(members(skeleton__json=json.dumps({'dict': [['student', {'value': 1}], ['replies', {'list': [{'dict': []}] * 3}]]})))",
    ),
    _forged(
        "replies are numbers",
        "forge(members(skeleton__json=json.dumps({'dict': [['replies', {'list': [{'value': 1.0}]}]]})))",
        says="damaged answer",
    ),
    _forged(
        "thousands of replies", "forge(described({'value': 1.0}, count=50_000))", threat=RESOURCES
    ),
    _forged(
        "error text without end",
        "row = {'dict': [['value', {'value': 1}], ['error', {'value': 'x' * 5_000_000}], ['changed', {'list': [{'value': 'y' * 10_000}] * 100}]]}\n"
        "forge(members(skeleton__json=json.dumps({'dict': [['replies', {'list': [row] * 3}]]})))",
        threat=RESOURCES,
    ),
    _forged(
        "half characters in an error",
        "row = {'dict': [['value', {'value': 1}], ['error', {'value': 'E\\ud800\\udc00\\ud83d'}], ['changed', {'list': [{'value': '\\udfff'}]}]]}\n"
        "forge(members(skeleton__json=json.dumps({'dict': [['student', {'value': '\\ud800'}], ['replies', {'list': [row] * 3}]]})))",
        threat=STOPS,
    ),
    _forged(
        "numbers that Python won't print",
        "forge(members(skeleton__json=json.dumps(replies({'value': 10**4000}))), 'square')\n"
        "forge(members(skeleton__json='{\"value\": 1' + '0' * 9000 + '}'), 'sums')",
        threat=STOPS,
    ),
    _forged(
        "infinite numbers",
        'forge(members(skeleton__json=\'{"dict": [["replies", {"list": [{"dict": [["value", {"value": Infinity}]]}]}]]}\'))',
        threat=STOPS,
    ),
    _forged(
        "text that makes an array of gigabytes",
        "items = [{'value': 'x' * 300_000}] + [{'value': 'y'}] * 60_000\n"
        "forge(described({'list': items}, count=1))",
        threat=RESOURCES,
    ),
    _forged(
        "every answer thrice, and more",
        "for n in range(1, 2000):\n"
        "    (folder / f'square.answer{n}.npz').write_bytes(described({'value': 1.0}))",
    ),
    _forged(
        "answers to questions nobody asked",
        "for name in ('other', '..', 'a/../../b', 'square.answer1.npz', 'x' * 200):\n"
        "    try: (folder / f'{name}.answer1.npz').write_bytes(b'x')\n"
        "    except OSError: pass",
    ),
    _forged(
        "handover folder is a link",
        "import shutil\n"
        "shutil.rmtree(folder, ignore_errors=True)\n"
        "try: os.symlink('{CLASS}/submitted/{MATE}', folder)\n"
        "except OSError as error: print(error)",
    ),
    _forged(
        "handover folder is gone", "import shutil; shutil.rmtree(folder)", says="there is no check"
    ),
    _forged(
        "questions are replaced",
        "import utils.codec as codec\n"
        "given = codec.unpack((folder / 'square.inputs.npz').read_bytes())\n"
        "given['calls'] = given['calls'][:0]\n"
        "(folder / 'square.inputs.npz').write_bytes(codec.pack(given))",
    ),
    _forged(
        "questions are answered with the questions",
        "forge((folder / 'square.inputs.npz').read_bytes(), 'square')",
        says="damaged answer",
    ),
    _returned("not a number", "np.full(np.shape(x), np.nan)"),
    _returned("infinite", "np.full(np.shape(x), np.inf)"),
    _returned("minus infinite", "np.full(np.shape(x), -np.inf)"),
    _returned("largest numbers", "np.full(np.shape(x), np.finfo(np.float64).max)"),
    _returned("complex", "np.asarray(x) ** 2 * (1 + 1e-3j)"),
    _returned("complex not a number", "np.full(np.shape(x), complex(np.nan, np.nan))"),
    _returned("long double", "np.asarray(x, dtype=np.longdouble) + 5"),
    _returned("true", "True"),
    _returned("true everywhere", "np.ones(np.shape(x), bool)"),
    _returned("negative zero", "-np.zeros(np.shape(x))"),
    _returned("scalar", "np.float64(1.0)"),
    _returned("many dimensions", "np.ones((1,) * 16)"),
    _returned("empty with a huge shape", "np.empty((0, 10**15))"),
    _returned("text array", "np.array(['x' * 1000] * 100)"),
    _returned("text of no length", "np.array([''] * 100)"),
    _returned("ragged", "[[1, 2], [3], 'x', None, {}]"),
    _returned("object array", "np.array([object()])"),
    _returned("structured", "np.zeros(3, dtype=[('a', 'f8')])"),
    _returned("masked", "np.ma.masked_all(np.shape(x))"),
    _returned("dictionary without the part", "{'nothing': 1}"),
    _returned("dictionary with odd keys", "{None: 1, 1: 2, 'output': {'output': {}}, (1, 2): 3}"),
    _returned("contains itself", "(lambda l: (l.append(l), l)[1])([])"),
    _returned("too large", "np.zeros(10**7)", threat=RESOURCES),
    _returned("half a character", "'\\ud83d'"),
    _returned("the expected name", "'output'"),
    _returned("nothing", "None"),
    _returned("ellipsis", "..."),
    _returned("a function", "lambda *a: 1"),
    _returned("a generator", "(i for i in range(3))"),
    Attack(
        "changes its input",
        FORGED,
        square="def square(x):\n    x[...] = 0\n    return x",
    ),
    Attack(
        "error text in half characters",
        STOPS,
        square="def square(x):\n    raise ValueError('\\ud83d\\ud800 \\x00 \\x1b[2J')",
        sums="class Odd(Exception): pass\nOdd.__name__ = '\\ud800'\nsums = {'\\ud800': '\\ud800'}",
    ),
    Attack(
        "error that can't be printed",
        STOPS,
        square="class Odd(Exception):\n"
        "    def __str__(self): raise Odd()\n"
        "def square(x):\n    raise Odd()",
    ),
]
