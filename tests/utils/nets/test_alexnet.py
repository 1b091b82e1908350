"""AlexNet: its graph computes what a few lines of NumPy say, and its file is read, never run."""

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.nets import alexnet, pickled_arrays, pretrained
from utils.nets.alexnet import DamagedWeights
from utils.nets.pickled_arrays import NotArrays
from utils.nets.pretrained import NetUnavailable

SMALL = {
    "conv1": (11, 11, 3, 8),
    "conv2": (5, 5, 4, 12),
    "conv3": (3, 3, 12, 10),
    "conv4": (3, 3, 5, 8),
    "conv5": (3, 3, 4, 6),
    "fc6": (6, 7),
    "fc7": (7, 7),
    "fc8": (7, 4),
}
"""The same net with fewer channels, for images of 67 × 67."""


def drawn(shapes: dict[str, tuple[int, ...]] = SMALL) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(2)
    return {
        name: [
            (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32),
            (rng.standard_normal(shape[-1]) / 10).astype(np.float32),
        ]
        for name, shape in shapes.items()
    }


def write(path: Path, content: Any, protocol: int = 2) -> Path:
    """As `np.save` did it when the public file was made: a pickled array that holds one object."""
    array = np.empty((), object)
    array[()] = content
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        pickle.dump(array, stream, protocol=protocol)
    return path


def by_hand(x: np.ndarray, weights: dict[str, list[np.ndarray]]) -> np.ndarray:
    def convolution(x: np.ndarray, name: str, stride: int, margin: int, groups: int) -> np.ndarray:
        kernel, bias = weights[name]
        x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
        size, depth, filters = kernel.shape[0], kernel.shape[2], kernel.shape[3] // groups
        count = (x.shape[0] - size) // stride + 1
        out = np.zeros((count, count, kernel.shape[3]))
        for r in range(count):
            for c in range(count):
                top, left = r * stride, c * stride
                patch = x[top : top + size, left : left + size]
                for g in range(groups):
                    seen = patch[..., g * depth : (g + 1) * depth]
                    own = slice(g * filters, (g + 1) * filters)
                    out[r, c, own] = np.einsum("ijk,ijkf->f", seen, kernel[..., own])
        return out + bias

    def normalised(x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for channel in range(x.shape[-1]):
            near = x[..., max(0, channel - 2) : channel + 3]
            out[..., channel] = x[..., channel] / (1 + 1e-4 / 5 * (near**2).sum(-1)) ** 0.75
        return out

    def pooled(x: np.ndarray) -> np.ndarray:
        count = (x.shape[0] - 3) // 2 + 1
        cells = [
            [x[2 * r : 2 * r + 3, 2 * c : 2 * c + 3].max(axis=(0, 1)) for c in range(count)]
            for r in range(count)
        ]
        return np.array(cells)

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    x = pooled(normalised(relu(convolution(x, "conv1", 4, 0, 1))))
    x = pooled(normalised(relu(convolution(x, "conv2", 1, 2, 2))))
    x = relu(convolution(x, "conv3", 1, 1, 1))
    x = relu(convolution(x, "conv4", 1, 1, 2))
    x = pooled(relu(convolution(x, "conv5", 1, 1, 2))).reshape(-1)
    x = relu(x @ weights["fc6"][0] + weights["fc6"][1])
    x = relu(x @ weights["fc7"][0] + weights["fc7"][1])
    return x @ weights["fc8"][0] + weights["fc8"][1]


def test_the_graph_computes_what_numpy_says() -> None:
    weights = drawn()
    model = alexnet.build(SMALL, 67)
    for name, pair in weights.items():
        model.get_layer(name).set_weights(pair)
    rng = np.random.default_rng(5)
    image = (rng.standard_normal((67, 67, 3)) * 60).astype(np.float32)
    expected = by_hand(image.astype(np.float64), weights)
    np.testing.assert_allclose(model(image[None])[0], expected, rtol=1e-3, atol=1e-4)


def test_gradients_pass_through_groups_and_normalisation() -> None:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)  # some nets are born dead
    model = alexnet.build(SMALL, 67)
    images = tf.random.stateless_normal((2, 67, 67, 3), (1, 2)) * 60
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(model(images) ** 2)
    gradient = tape.gradient(score, images).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_it_has_the_shapes_and_the_parameters_of_alexnet() -> None:
    model = alexnet.build()
    assert model.count_params() == alexnet.PARAMETERS == 60_965_224
    names = [layer.name for layer in model.layers[1:]]
    expected = "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2 conv3 relu3 conv4 relu4"
    expected += " conv5 relu5 pool5 flatten fc6 relu6 fc7 relu7 fc8"
    assert names == expected.split(" ")
    maps = [model.get_layer(f"conv{n}").output.shape[1] for n in range(1, 6)]
    assert maps == [55, 27, 13, 13, 13]
    assert model.get_layer("pool5").output.shape[1:] == (6, 6, 256)
    for name, shape in alexnet.SHAPES.items():
        assert tuple(model.get_layer(name).kernel.shape) == shape
    sizes = [np.prod(shape) + shape[-1] for shape in alexnet.SHAPES.values()]
    assert sum(sizes) == alexnet.PARAMETERS and alexnet.BYTES == 4 * alexnet.PARAMETERS


def test_its_preprocessing_is_blue_first_without_the_mean_colour() -> None:
    x = np.asarray(alexnet.preprocess_input(np.array([[[[255.0, 100.0, 0.0]]]], np.float32)))
    np.testing.assert_allclose(x[0, 0, 0], [-104.007, 100 - 116.669, 255 - 122.679], rtol=1e-5)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_the_file_is_read_whichever_python_wrote_it(tmp_path: Path, protocol: int) -> None:
    weights = drawn()
    path = write(tmp_path / "some.npy", weights, protocol)
    if protocol == 2:
        assert path.read_bytes().count(b"_reconstruct") == 1  # as in the public file
    found = alexnet.read(path, SMALL)
    for name, (kernel, bias) in weights.items():
        np.testing.assert_array_equal(found[name][0], kernel)
        np.testing.assert_array_equal(found[name][1], bias)
    assert alexnet.count(found) == sum(part.size for pair in weights.values() for part in pair)


def test_python_2s_strings_are_bytes() -> None:
    """Python 2 wrote an array's numbers as a string, which is text of the first 256 characters."""
    raw = np.arange(-3, 3, dtype="<f4").tobytes()
    pieces = [
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85",
        b"U\x01b\x87Rq\x03(K\x01)cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87R(K\x03U\x01|NNN",
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]q\x05}q\x06U\x05conv1]q\x07",
        b"h\x01h\x02K\x00\x85U\x01b\x87R(K\x01K\x02K\x03\x86h\x04U\x02f4K\x00K\x01\x87R",
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
        b"T" + len(raw).to_bytes(4, "little") + raw + b"tbasatb.",
    ]
    found = pickled_arrays._dictionary(pickled_arrays._Reader().run(io.BytesIO(b"".join(pieces))))
    np.testing.assert_array_equal(found["conv1"][0], [[-3, -2, -1], [0, 1, 2]])


class Harmful:
    def __reduce__(self) -> Any:
        return (os.mkdir, (os.environ["HARM"],))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_file_that_is_a_program_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.setenv("HARM", str(tmp_path / "harm"))
    path = write(tmp_path / "evil.npy", {"conv1": [Harmful(), np.zeros(3)]}, protocol)
    with pytest.raises(DamagedWeights, match="which no array needs"):
        alexnet.read(path, SMALL)
    assert not (tmp_path / "harm").exists()
    np.load(path, allow_pickle=True)
    assert (tmp_path / "harm").exists()  # it would have been


@pytest.mark.parametrize(
    "program",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
        b"(S'1'\nibuiltins\neval\n.",
        b"\x80\x02cnumpy\ndtype\n\x81.",
        b"\x80\x02cnumpy\nload\n.",
        b"\x80\x02]}b.",  # state for a list
        b"\x80\x02\x82\x01.",  # registered extension
        b"Pname\n.",  # persistent id
        b"\x80\x02cnumpy\ndtype\n(U\x02f4tR(K\x03U\x01<U\x05shape]tb.",
        b"\x80\x02" + b"]" * 30_000 + b".",
        b"\x80\x02]q\x00h\x00a.",  # a list that holds itself
        b"\x80\x02]q\x00(K\x01" + b"K\x01" * 99 + b"e" + b"]q\x01(" + b"h\x00" * 999 + b"e.",
        b"\x80\x02a.",
        b"\x80\x02T\xff\xff\xff\x7fabc.",
        b"\x80\x02r\xff\xff\xff\xff.",
    ],
)
def test_no_instruction_leads_out_of_arrays(program: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "evil.npy", {})
    head = path.read_bytes().split(b"\n", 1)[0] + b"\n"
    path.write_bytes(head + program)
    with pytest.raises(NotArrays):
        pickled_arrays.read(path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # in what became text
def test_files_that_are_cut_or_changed_anywhere_are_refused_or_read_as_arrays(
    tmp_path: Path,
) -> None:
    whole = write(tmp_path / "whole.npy", {"conv1": drawn()["fc7"]}).read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / "changed.npy"
    for number in range(300):
        data = bytearray(whole)
        if number % 2:
            del data[int(rng.integers(len(data))) :]
        else:
            for place in rng.integers(len(data), size=3):
                data[place] = rng.integers(256)
        path.write_bytes(data)
        try:
            found = pickled_arrays.read(path)
        except NotArrays:
            continue
        assert isinstance(found, dict)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: w.pop("fc8"), "no weights and biases for fc8"),
        (lambda w: w["conv2"].pop(), "no weights and biases for conv2"),
        (lambda w: w.update(conv4=drawn()["conv3"]), r"conv4 has weights \(3, 3, 12, 10\)"),
        (lambda w: w.update(fc9=drawn()["fc7"]), "layers that AlexNet has not: fc9"),
        (lambda w: w.update(fc7=["a", "b"]), "fc7 holds something else"),
        (lambda w: w.update(fc7=[np.zeros((7, 7), int), np.zeros(7)]), "fc7 holds something else"),
    ],
)
def test_another_nets_weights_are_named(tmp_path: Path, change: Any, reason: str) -> None:
    weights: dict[str, Any] = drawn()
    change(weights)
    with pytest.raises(DamagedWeights, match=reason):
        alexnet.read(write(tmp_path / "other.npy", weights), SMALL)


def test_a_wrong_or_truncated_file_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "DATA", tmp_path / "data")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "imagenet_class_index.json").write_text("{}")
    with pytest.raises(NetUnavailable, match=r"put bvlc_alexnet\.npy from http.*guerzhoy.* into"):
        pretrained.load("alexnet")
    assert "alexnet" not in pretrained.available()
    (tmp_path / "data").mkdir()
    path = write(tmp_path / "data" / "bvlc_alexnet.npy", drawn())
    assert "alexnet" in pretrained.available()
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(NetUnavailable, match=r"bvlc_alexnet\.npy .*cut short.* bytes, AlexNet's"):
        pretrained.load("alexnet")
    path.write_bytes(b"<html>404 not found</html>")
    with pytest.raises(NetUnavailable, match=r"bvlc_alexnet\.npy .*delete it, and put it there"):
        pretrained.load("alexnet")
    write(path, drawn())
    with pytest.raises(NetUnavailable, match=r"conv1 has weights \(11, 11, 3, 8\)"):
        pretrained.load("alexnet")
    np.save(path, np.zeros((3, 3)))
    with pytest.raises(NetUnavailable, match=r"an array of shape \(3, 3\) and type float64"):
        pretrained.load("alexnet")
