"""Values survive the border; anything else is refused before it costs memory."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils import codec

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
@settings(max_examples=100, deadline=None)
def test_plain_values_survive(value: Any) -> None:
    assert codec.unpack(codec.pack(value)) == codec.plain(value) == value


@given(
    hnp.arrays(
        dtype=hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.floating_dtypes(),
        shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
@settings(max_examples=100, deadline=None)
def test_arrays_survive_with_type_and_shape(array: np.ndarray) -> None:
    back = codec.unpack(codec.pack({"a": array}))["a"]
    assert back.dtype == array.dtype and back.shape == array.shape
    np.testing.assert_array_equal(back, array)
    copied = codec.plain({"a": array})["a"]
    assert copied.dtype == array.dtype and copied.shape == array.shape
    np.testing.assert_array_equal(copied, array)
    assert not np.shares_memory(copied, array)


def test_equal_values_give_equal_bytes() -> None:
    value = {"x": np.arange(5.0), "n": [1, 2]}
    assert codec.pack(value) == codec.pack({"x": np.arange(5.0), "n": [1, 2]})


@pytest.mark.parametrize("value", [object(), {"f": print}, [np.array([object()])], {1, 2}])
def test_what_is_not_a_value_is_refused_by_name(value: Any) -> None:
    with pytest.raises(codec.CodecError, match="answer"):
        codec.pack(value)
    with pytest.raises(codec.CodecError, match="answer"):
        codec.plain(value)


def members(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def npy(header: str, body: bytes) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


SKELETON = json.dumps({"array": "a0.npy"}).encode()


def test_a_pickled_array_is_not_loaded() -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return (pytest.fail, ("a pickle was executed",))

    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    data = members(skeleton__json=SKELETON, a0__npy=npy(header, pickle.dumps(Bomb())))
    with pytest.raises(codec.CodecError):
        codec.unpack(data)


def test_an_array_that_claims_more_than_it_holds_is_refused() -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"
    data = members(skeleton__json=SKELETON, a0__npy=npy(header, b"\0" * 64))
    with pytest.raises(codec.CodecError, match="says"):
        codec.unpack(data)


def test_a_compressed_bomb_is_refused_at_the_limit() -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (50000000,)}"
    data = members(skeleton__json=SKELETON, a0__npy=npy(header, b"\0" * 50_000_000))
    assert len(data) < 100_000
    with pytest.raises(codec.CodecError, match="larger than"):
        codec.unpack(data, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "skeleton",
    [b"", b"[]", b'{"array": "a9.npy"}', b'{"eval": "1"}', b'{"list": 3}', b"[" * 100_000],
)
def test_a_malformed_description_is_refused(skeleton: bytes) -> None:
    with pytest.raises(codec.CodecError):
        codec.unpack(members(skeleton__json=skeleton))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_are_refused_or_read_but_never_crash(data: st.DataObject) -> None:
    good = bytearray(codec.pack({"x": np.arange(6).reshape(2, 3), "t": ("a", None, 1.5)}))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    with contextlib.suppress(codec.CodecError):
        codec.unpack(bytes(good[:cut]) if data.draw(st.booleans()) else bytes(good))
