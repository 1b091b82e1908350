"""Answers that lie about themselves, in Python and in numpy: subclasses whose comparison, length or
content changes, and libraries that were rewritten before the check runs.

Each is code that defines `square`; honestly it earns nothing.  {WRONG} is x + 100.
"""

# ruff: noqa: E501  the answers are lines of code within strings
from __future__ import annotations

VALUES: dict[str, str] = {
    "an array whose comparison lies": """
class Yes(np.ndarray):
    def __eq__(self, other): return np.ones(np.shape(other), bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
def square(x): return {WRONG}.view(Yes)
""",
    "an array that answers for numpy's functions": """
class Yes(np.ndarray):
    def __array_function__(self, function, types, args, kwargs): return True
    def __array_ufunc__(self, *args, **kwargs): return np.zeros(self.shape)
def square(x): return {WRONG}.view(Yes)
""",
    "an array that is another when it is asked twice": """
class Turns:
    asked = 0
    def __array__(self, dtype=None, copy=None):
        Turns.asked += 1
        return np.zeros((2, 2)) + Turns.asked
def square(x): return Turns()
""",
    "an array interface with an address": """
class Anywhere:
    __array_interface__ = {'shape': (3,), 'typestr': '<f8', 'data': (4096, True), 'version': 3}
def square(x): return Anywhere()
""",
    "an array over memory that it does not have": """
def square(x): return np.lib.stride_tricks.as_strided(np.ones(1), x.shape, [1 << 40] * x.ndim)
""",
    "an array of a million views of one number": """
def square(x): return np.broadcast_to(np.float64(4), (1 << 40,))
""",
    "an array that can't be copied": """
class Stays(np.ndarray):
    def copy(self, *args): raise KeyboardInterrupt
    def astype(self, *args, **more): return 'no'
    def reshape(self, *args): return self
def square(x): return {WRONG}.view(Stays)
""",
    "a number that is every number": """
class Every(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    def __float__(self): return 4.0
def square(x): return Every(1)
""",
    "a whole number without an end": "def square(x): return 1 << (1 << 22)",
    "a whole number that turns": """
class Turns(int):
    def __index__(self): return 2**80
    def __int__(self): return 4
    def __abs__(self): return 0
    def __lt__(self, other): return True
def square(x): return Turns(7)
""",
    "truth that is a class": "def square(x): return bool",
    "a text that is no text": """
class Name(str):
    def __str__(self): return 'output'
    def __eq__(self, other): return True
    def __hash__(self): return 0
def square(x): return Name('x')
""",
    "a list that is longer than it says": """
class Long(list):
    def __len__(self): return 1
    def __iter__(self): return iter([1.0] * 5_000_000)
def square(x): return Long()
""",
    "a list without an end": """
class Endless(list):
    def __iter__(self):
        while True: yield 1.0
def square(x): return Endless()
""",
    "a dictionary that makes up its keys": """
class Any(dict):
    def __contains__(self, key): return True
    def __getitem__(self, key): return 4.0
    def keys(self): return ['output', 'x', 'error', 'value']
    def items(self): return [('output', [4.0] * 3), ('replies', []), ('student', 'honest_1')]
def square(x): return Any()
""",
    "a key that is a sentence without end": "def square(x): return {'k' * 3_000_000: 1}",
    "keys that are equal as texts": "def square(x): return {1: 2.0, '1': 3.0, 'output': {WRONG}}",
    "a tuple with names": """
from collections import namedtuple
def square(x): return namedtuple('Case', 'expected output')(np.zeros(x.shape), {WRONG})
""",
    "a reply in place of a value": """
from utils.checks.verdicts import Reply
def square(x): return Reply({WRONG})
""",
    "a verdict in place of a value": "def square(x): return {'score': 1.0, 'ok': True, 'points': 4}",
    "a generator that never ends": """
def square(x):
    while True: yield 4.0
""",
    "a coroutine": "async def square(x): return {WRONG}",
    "a masked array": "def square(x): return np.ma.masked_all(x.shape)",
    "a record": "def square(x): return np.rec.array([(1.0, 2)], dtype=[('output', 'f8'), ('b', 'i4')])[0]",
    "objects in an array": "def square(x): return np.array([{WRONG}, None], dtype=object)",
    "times": "def square(x): return np.full(x.shape, 'NaT', 'datetime64[s]')",
    "bytes": "def square(x): return np.full(x.shape, b'4.0')",
    "text that reads like numbers": "def square(x): return (x * x).astype(str)",
    "long doubles between all doubles": "def square(x): return np.full(x.shape, np.longdouble(1) + np.finfo(np.longdouble).eps)",
    "a payload within what is no number": """
def square(x): return np.full(x.shape, 0x7FF8_DEAD_BEEF_0001, np.uint64).view(np.float64)
""",
    "complex and no number": "def square(x): return x * x + 1j * np.nan",
    "signed nothing": "def square(x): return -0.0 * x",
    "a function that returns itself": """
def square(x): return square
""",
    "a file": "def square(x): return open('/etc/passwd')",
    "a module": "def square(x): return np",
    "its own arguments, rewritten": """
def square(x):
    x.flags.writeable = True
    x[...] = 0
    return x
""",
    "a trace that rewrites the checks": """
import sys
def trace(frame, event, value):
    for name in ('replies', 'tried', 'value'):
        if name in frame.f_locals: frame.f_locals[name] = 4.0
    return trace
def square(x):
    sys.settrace(trace)
    return {WRONG}
""",
    "a profile that never ends": """
import sys
def square(x):
    sys.setprofile(lambda *a: sys.setprofile(None))
    return {WRONG}
""",
    "callbacks of the garbage collector": """
import gc
def lie(*a): np.array_equal = lambda *a, **k: True
gc.callbacks.append(lie)
def square(x):
    gc.collect()
    return {WRONG}
""",
    "json that says what it likes": """
import json
json.dumps = lambda *a, **k: '{"value": 4.0}'
def square(x): return {WRONG}
""",
    "numpy that writes what it likes": """
whole = np.lib.format.write_array
def write(stream, array, **more): whole(stream, np.full(array.shape, 4.0), **more)
np.lib.format.write_array = write
def square(x): return {WRONG}
""",
    "a zip that holds another answer": """
import zipfile
class Double(zipfile.ZipFile):
    def close(self):
        if self.mode == 'w':
            for n in range(3): super().writestr(f'../a{n}.npy', b'x')
        super().close()
zipfile.ZipFile = Double
def square(x): return {WRONG}
""",
    "copies that are none": """
import copy
copy.deepcopy = lambda x, memo=None: x
def square(x):
    x *= 0
    return x
""",
    "a clock that stands still": """
import signal, time
time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
signal.setitimer = lambda *a: (0.0, 0.0)
def square(x): return {WRONG}
""",
    "an import hook": """
import sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.startswith('utils'): raise ImportError('none of them')
sys.meta_path.insert(0, Hook())
for name in [n for n in sys.modules if n.startswith('utils.')]: del sys.modules[name]
def square(x): return {WRONG}
""",
    "an end for each fork": """
import os
os.register_at_fork(after_in_child=lambda: os._exit(0))
def square(x): return {WRONG}
""",
    "recursion that swallows its limit": """
import sys
sys.setrecursionlimit(10**6)
def square(x):
    try: return square(x)
    except RecursionError: return {WRONG}
    except BaseException: return {WRONG}
""",
    "an exception with a traceback of its own": """
class Odd(BaseException):
    __traceback__ = property(lambda self: 1 / 0)
    def __repr__(self): raise self
    __str__ = __format__ = __repr__
def square(x): raise Odd
""",
    "an exception whose name is the answer": """
def square(x): raise type('CallTimeout: not tried', (Exception,), {'__module__': 'utils.checks'})('4.0')
""",
}  # fmt: skip
