"""Read a dictionary of arrays that somebody once saved with `np.save`, without unpickling it.

Such a file is a pickle, and a pickle is a program: loaded as one, it may do anything.  So nothing
is loaded here.  Its instructions are read one by one; those that put together numbers, text, lists,
dictionaries and numeric arrays are followed, with containers of our own in NumPy's place, and any
other ends the reading.  Nothing but arrays, in dictionaries, lists and tuples, ever comes out.
"""

from __future__ import annotations

import math
import mmap
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MAX_BYTES = 400 * 1024 * 1024
"""Larger files are refused."""
_MOST_STEPS = 20_000
_MOST_AXES = 8
_DEEPEST = 6
_TYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "O8", "O4")


class NotArrays(ValueError):
    """A file is no dictionary of arrays, or it is damaged.  The text says what was found."""


def read(path: Path) -> dict[str, Any]:
    """The dictionary in an .npy file as NumPy writes it, of Python 2 and 3 alike.

    Its values are arrays, numbers or text, or dictionaries, lists and tuples of them.  Raises
    NotArrays for anything else, OSError if the file can't be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise NotArrays(f"it is larger than {MAX_BYTES // 2**20} MiB")
    if not path.stat().st_size:
        raise NotArrays("it is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            _check_head(data)
            return _dictionary(_Reader().run(data))
        except NotArrays:
            raise
        except Exception as error:  # pickletools and numpy raise many types on malformed bytes
            raise NotArrays(f"it is cut short or damaged ({type(error).__name__})") from None


def _check_head(data: Any) -> None:
    version = np.lib.format.read_magic(data)
    head = (
        np.lib.format.read_array_header_1_0(data)
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0(data)
    )
    shape, _, dtype = head
    if shape != () or dtype.kind != "O":
        raise NotArrays(f"it holds an array of shape {shape} and type {dtype}, not a dictionary")


def _dictionary(value: Any) -> dict[str, Any]:
    found = _Plain().of(value)
    if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
        raise NotArrays("it holds no dictionary")
    return found[0]


class _Plain:
    """Puts NumPy's arrays in place of ours."""

    def __init__(self) -> None:
        self.seen = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        self.seen += 1  # a list may hold another one many times, and that one a third
        if depth > _DEEPEST or self.seen > _MOST_STEPS:
            raise NotArrays("it is nested too deeply")
        if isinstance(value, _Array):
            if value.content is None:
                raise NotArrays("an array has no content")
            objects = isinstance(value.content, list)
            return self.of(value.content, depth + 1) if objects else value.content
        if isinstance(value, dict):
            return {name: self.of(v, depth + 1) for name, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.of(v, depth + 1) for v in value)
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise NotArrays("it holds something that is no array")


def _name(key: Any) -> str:
    if isinstance(key, bytes):
        key = key.decode("latin-1")
    if not isinstance(key, str):
        raise NotArrays("a name in it is no text")
    return key


@dataclass(eq=False)
class _Type:
    """What a pickle says about an array's type."""

    name: str
    order: str = "="

    def build(self, state: Any) -> None:
        order = _text(state[1])
        if order not in ("<", ">", "|", "="):
            raise NotArrays(f"no byte order is called {order!r}")
        self.order = order


@dataclass(eq=False)
class _Array:
    """An array in the making."""

    content: np.ndarray | list[Any] | None = None

    def build(self, state: Any) -> None:
        _, shape, kind, fortran, raw = state
        if not isinstance(kind, _Type) or not isinstance(shape, tuple):
            raise NotArrays("an array's description is damaged")
        if len(shape) > _MOST_AXES or not all(type(n) is int and n >= 0 for n in shape):
            raise NotArrays(f"an array has the shape {shape}")
        if kind.name.startswith("O"):
            if not isinstance(raw, list) or len(raw) != math.prod(shape):
                raise NotArrays("an array of objects is damaged")
            self.content = raw
            return
        data = raw.encode("latin-1") if isinstance(raw, str) else raw  # Python 2 has one type
        dtype = np.dtype(kind.order.replace("|", "") + kind.name)
        if not isinstance(data, bytes) or len(data) != math.prod(shape) * dtype.itemsize:
            raise NotArrays(f"an array of shape {shape} is incomplete")
        flat = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="), copy=False)
        self.content = flat.reshape(shape, order="F" if fortran else "C")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _new_array(*_: Any) -> _Array:
    return _Array()


def _new_type(name: Any, *_: Any) -> _Type:
    if _text(name) not in _TYPES:
        raise NotArrays(f"it holds values of type {_text(name)[:20]!r}")
    return _Type(_text(name))


def _encoded(text: Any, *_: Any) -> bytes:
    return str(text).encode("latin-1")  # how Python 3 writes bytes for Python 2


_NAMES: dict[str, Callable[..., Any]] = {
    "numpy.core.multiarray _reconstruct": _new_array,
    "numpy._core.multiarray _reconstruct": _new_array,
    "numpy ndarray": _new_array,
    "numpy dtype": _new_type,
    "_codecs encode": _encoded,
}
"""The names that NumPy's pickles hold, and what stands for them here."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


class _Reader:
    """Follows the harmless instructions of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: Any) -> Any:
        """What the pickle puts together.  Raises NotArrays at any other instruction."""
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number > _MOST_STEPS:
                raise NotArrays("it holds more than a net")
            if opcode.name == "STOP":
                (result,) = self.stack
                return result.content if isinstance(result, _Array) else result
            self._step(opcode.name, argument)
        raise NotArrays("it is cut short")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _SHORT_TUPLES:
            count = _SHORT_TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif (action := getattr(self, f"_{name.lower()}", None)) is not None:
            action(argument)
        else:
            raise NotArrays(f"it asks for {name!r}, which no array needs")

    def _proto(self, _: Any) -> None:
        pass

    _frame = _proto

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _since_mark(self) -> list[Any]:
        start = len(self.stack) - 1
        while self.stack[start] is not _MARK:  # IndexError at the bottom: damaged
            start -= 1
        items = self.stack[start + 1 :]
        del self.stack[start:]
        return items

    def _empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def _empty_list(self, _: Any) -> None:
        self.stack.append([])

    def _empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _list(self, _: Any) -> None:
        self.stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        items = self._since_mark()
        self.stack.append({})
        self._fill(items)

    def _append(self, _: Any) -> None:
        item = self.stack.pop()
        self._extend([item])

    def _appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise NotArrays("it appends to what is no list")
        self.stack[-1].extend(items)

    def _setitem(self, _: Any) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self._fill(items)

    def _setitems(self, _: Any) -> None:
        self._fill(self._since_mark())

    def _fill(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise NotArrays("it sets items of what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_name(key)] = value

    def _binput(self, argument: Any) -> None:
        self.memo[int(argument)] = self.stack[-1]

    _long_binput = _binput

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _binget(self, argument: Any) -> None:
        self.stack.append(self.memo[int(argument)])

    _long_binget = _binget

    def _global(self, argument: Any) -> None:
        if argument not in _NAMES:
            raise NotArrays(f"it asks for {argument[:60]!r}, which no array needs")
        self.stack.append(_NAMES[argument])

    def _stack_global(self, _: Any) -> None:
        module, name = self.stack[-2:]
        del self.stack[-2:]
        self._global(f"{module} {name}")

    def _reduce(self, _: Any) -> None:
        function, arguments = self.stack[-2:]
        del self.stack[-2:]
        if function not in _NAMES.values() or not isinstance(arguments, tuple):
            raise NotArrays("it calls what is no part of an array")
        self.stack.append(function(*arguments))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Array | _Type) or not isinstance(state, tuple):
            raise NotArrays("it changes what is no part of an array")
        self.stack[-1].build(state)
