"""Plain values to npz bytes and back, without pickle.

Answers cross a border here: what a student's kernel hands back is written by a process nobody
trusts and read by the grader.  So the format is small (numbers, text, arrays, lists, tuples and
dictionaries), every size is checked before memory is reserved, and nothing is ever executed.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from typing import Any

import numpy as np

MAX_BYTES = 64 * 1024 * 1024
"""Largest unpacked answer that is accepted, in bytes."""

_MAX_MEMBERS = 20_000
_MAX_SKELETON = 8 * 1024 * 1024  # unpacked, a description takes forty times its size
_MAX_DEPTH = 12
_SKELETON = "skeleton.json"
_KINDS = "biufcU"  # bool, integers, floats, complex, text: nothing that can hold an object
_SMALL_FLOATS = ("bfloat16", "float8_e4m3fn", "float8_e5m2")  # TensorFlow's; files can't hold them


class CodecError(ValueError):
    """A value can't be handed over, or bytes are not an answer.  The text says which part."""


def pack(value: Any) -> bytes:
    """Turn nested lists, tuples, dicts, numbers, text and arrays into compressed npz bytes.

    Anything that numpy can turn into a numeric or text array (a TensorFlow tensor, say) is taken as
    that array.  Raises CodecError for everything else.
    """
    described, arrays = _described(value)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _store(archive, _SKELETON, described)
        for number, array in enumerate(arrays):
            data = io.BytesIO()
            np.lib.format.write_array(data, array, version=(1, 0), allow_pickle=False)
            _store(archive, f"a{number}.npy", data.getvalue())
    return buffer.getvalue()


def plain(value: Any) -> Any:
    """The copy that `unpack` makes of what `pack` has written, without the way through bytes.

    Raises CodecError for what can't be packed.
    """
    described, arrays = _described(value)
    copies = {f"a{number}.npy": array.copy() for number, array in enumerate(arrays)}
    copied = _rebuild(json.loads(described), copies, 0)
    _check_texts(copied)
    return copied


def unpack(data: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """Read what `pack` wrote.  Raises CodecError on anything else, before reserving memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _read_members(archive, max_bytes)
        described = members.pop(_SKELETON)
        if len(described) > _MAX_SKELETON:
            raise CodecError("too many single values")
        arrays = {name: _read_array(name, raw) for name, raw in members.items()}
        value = _rebuild(json.loads(described), arrays, 0)
        _check_texts(value)
        return value
    except CodecError:
        raise
    except Exception as error:  # zip, JSON and numpy raise many types on malformed bytes
        raise CodecError(f"not a packed answer: {type(error).__name__}: {error}") from None


def _described(value: Any) -> tuple[bytes, list[np.ndarray]]:
    arrays: list[np.ndarray] = []
    skeleton = _describe(value, arrays, "answer", 0)
    if sum(a.nbytes for a in arrays) > MAX_BYTES:
        raise CodecError(f"the answer is larger than {MAX_BYTES // 2**20} MiB")
    described = json.dumps(skeleton).encode()
    if len(described) > _MAX_SKELETON:
        raise CodecError("the answer holds too many single values; hand back arrays instead")
    return described, arrays


def _store(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # same value, same bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, data)


def _describe(value: Any, arrays: list[np.ndarray], where: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise CodecError(f"{where} is nested too deeply")
    if value is None or isinstance(value, (bool, str)):
        return {"value": value}
    if isinstance(value, int) and abs(value) < 2**62:
        return {"value": int(value)}
    if isinstance(value, float):
        return {"value": float(value)} if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, (list, tuple)):
        items = [_describe(v, arrays, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    if isinstance(value, dict):
        entries = [
            [str(k), _describe(v, arrays, f"{where}[{k!r}]", depth + 1)] for k, v in value.items()
        ]
        return {"dict": entries}
    if isinstance(value, int) and abs(value) >= 2**64:
        raise CodecError(f"{where} is too large a whole number")
    try:
        array = np.asarray(value)
        if array.dtype.name in _SMALL_FLOATS:
            array = array.astype(np.float32)
    except Exception as error:
        raise CodecError(f"{where} can't become an array: {error}") from None
    if array.dtype.kind not in _KINDS:
        what = f"of type {type(value).__name__}"
        if callable(value):
            what = "a function or a class, not what it gives back"
        if array.ndim or isinstance(value, (np.ndarray, np.generic)):
            what = f"an array of type {array.dtype}"
        raise CodecError(f"{where} is {what}; expected numbers, text, arrays or lists of them")
    if array.dtype.itemsize > 16 and array.dtype.kind == "f":
        array = array.astype(np.float64)
    arrays.append(np.ascontiguousarray(array).reshape(array.shape))
    if len(arrays) >= _MAX_MEMBERS:
        raise CodecError("the answer consists of too many arrays")
    return {"array": f"a{len(arrays) - 1}.npy"}


def _read_members(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise CodecError("too many parts")
    members: dict[str, bytes] = {}
    left = max_bytes
    for info in infos:
        if info.filename in members:
            raise CodecError(f"part {info.filename!r} appears twice")
        with archive.open(info) as stream:
            raw = stream.read(left + 1)  # bounded whatever size the archive claims
        if len(raw) > left:
            raise CodecError(f"larger than {max_bytes} bytes when unpacked")
        left -= len(raw)
        members[info.filename] = raw
    if _SKELETON not in members:
        raise CodecError(f"{_SKELETON} is missing")
    return members


def _read_array(name: str, raw: bytes) -> np.ndarray:
    stream = io.BytesIO(raw)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise CodecError(f"{name}: unknown array version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in _KINDS or dtype.hasobject:
        raise CodecError(f"{name}: arrays of type {dtype} are not accepted")
    if any(n < 0 for n in shape) or len(shape) > 16:
        raise CodecError(f"{name}: impossible shape")
    size = math.prod(shape) * dtype.itemsize
    if size != len(raw) - stream.tell():
        raise CodecError(f"{name}: says {size} bytes but holds {len(raw) - stream.tell()}")
    flat = np.frombuffer(raw, dtype=dtype, count=math.prod(shape), offset=stream.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy()


def _rebuild(node: Any, arrays: dict[str, np.ndarray], depth: int) -> Any:
    if depth > _MAX_DEPTH + 1 or not isinstance(node, dict) or len(node) != 1:
        raise CodecError("malformed description")
    (kind, content), *_ = node.items()
    if kind == "value" and (content is None or isinstance(content, (bool, int, float, str))):
        return content
    if kind == "float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind == "array" and content in arrays:
        return arrays[content]
    if kind in ("list", "tuple") and isinstance(content, list):
        items = [_rebuild(item, arrays, depth + 1) for item in content]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict" and isinstance(content, list):
        return {str(key): _rebuild(item, arrays, depth + 1) for key, item in content}
    raise CodecError("malformed description")


def _check_texts(value: Any) -> tuple[int, int]:
    """(elements, longest text in characters) of what numpy would make one array of.

    It gives every element the room of the longest text: a few megabytes become terabytes.
    """
    if isinstance(value, dict):
        for item in value.values():
            _check_texts(item)
        return 1, 0
    if isinstance(value, np.ndarray):
        return value.size, value.dtype.itemsize // 4 if value.dtype.kind == "U" else 0
    if not isinstance(value, (list, tuple)):
        return 1, len(value) if isinstance(value, str) else 0
    parts = [_check_texts(item) for item in value]
    elements, longest = sum(n for n, _ in parts), max((m for _, m in parts), default=0)
    if 4 * elements * longest > MAX_BYTES:
        raise CodecError("a list holds too long texts")
    return elements, longest
