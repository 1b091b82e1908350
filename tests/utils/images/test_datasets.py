"""Data sets: one interface, chosen in one place, and CIFAR-10 only from files that are CIFAR-10."""

import hashlib
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path
from typing import ClassVar

import matplotlib
import numpy as np
import pytest

from utils.images import cifar10, datasets, photo_digits
from utils.images.datasets import DataUnavailable, load, load_unsplit
from utils.pictures import figures

matplotlib.use("Agg")

REAL = cifar10._keras_datasets() / "cifar10.npz"


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No CIFAR-10 anywhere, no network, an own cache."""
    monkeypatch.setattr(cifar10, "DATA", tmp_path / "data")
    monkeypatch.setattr(photo_digits, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(datasets.CHOICE, raising=False)
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    (tmp_path / "data").mkdir()
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if CIFAR-10 had a hundredth of its images, since reading it takes a second."""
    monkeypatch.setattr(cifar10, "COUNTS", (500, 100))
    monkeypatch.setitem(datasets._DEFAULT_COUNTS, "cifar10", (400, 100, 100))


def arrays() -> dict[str, np.ndarray]:
    """CIFAR-10's form with next to no content: image i is filled with i % 251."""
    train, test = cifar10.COUNTS
    fill = (np.arange(train) % 251).astype(np.uint8)
    x = np.broadcast_to(fill[:, None, None, None], (train, 32, 32, 3))
    y = (np.arange(train) % 10).astype(np.uint8)
    return {"x_train": x, "y_train": y[:, None], "x_test": x[:test], "y_test": y[:test]}


def put_npz(path: Path, **changes: np.ndarray) -> Path:
    np.savez(path, **(arrays() | changes))
    return path


# -- PhotoDigits ----------------------------------------------------------------------------------


def test_photodigits_come_without_asking() -> None:
    data = load(train=40, validation=20, test=30)
    assert data.name == "photodigits"
    assert [len(x) for x in (data.x_train, data.x_val, data.x_test)] == [40, 20, 30]
    assert [len(y) for y in (data.y_train, data.y_val, data.y_test)] == [40, 20, 30]
    assert data.x_train.dtype == np.float32 and data.x_train.shape[1:] == (32, 32, 3)
    assert 0 <= data.x_train.min() < 0.1 and 0.9 < data.x_train.max() <= 1
    assert data.y_train.dtype == np.int64
    assert data.masks_test is not None and data.masks_test.shape == (30, 32, 32)
    assert data.class_names[3] == "three"
    assert data.description == (
        "photodigits 32×32, 40 training, 20 validation and 30 test images, seed 0"
    )


def test_larger_images_can_be_had() -> None:
    assert load(size=64, train=10, validation=0, test=0).x_train.shape == (10, 64, 64, 3)


def test_unsplit_images_are_training_and_validation_together() -> None:
    split = load(train=30, validation=10, test=10)
    (x, y), (x_test, y_test) = load_unsplit(train=30, validation=10, test=10)
    np.testing.assert_array_equal(x, np.concatenate([split.x_train, split.x_val]))
    np.testing.assert_array_equal(y, np.concatenate([split.y_train, split.y_val]))
    np.testing.assert_array_equal(x_test, split.x_test)
    np.testing.assert_array_equal(y_test, split.y_test)


# -- the choice -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_the_environment_chooses_and_the_argument_overrides(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_npz(empty_machine / "data" / "cifar10.npz")
    monkeypatch.setenv(datasets.CHOICE, "cifar10")
    assert load(train=10, validation=0, test=0).name == "cifar10"
    assert load("photodigits", train=10, validation=0, test=0).name == "photodigits"


def test_an_unknown_data_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"asked for 'mnist', but the data sets are: photodigits"):
        load("mnist")
    monkeypatch.setenv(datasets.CHOICE, "cifar100")
    with pytest.raises(ValueError, match="COURSE_DATASET is 'cifar100'"):
        load()


def test_cifar10_without_file_and_network_says_where_to_put_the_file() -> None:
    with pytest.raises(DataUnavailable) as caught:
        load("cifar10")
    told = str(caught.value)
    assert "could not be downloaded" in told and "put cifar-10-python.tar.gz from" in told
    assert str(Path("keras") / "datasets" / "cifar10.npz") in told
    assert "\n" not in told


# -- CIFAR-10 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["data/cifar10.npz", "keras/datasets/cifar10.npz"])
@pytest.mark.usefixtures("small")
def test_an_npz_is_found_in_both_places(empty_machine: Path, where: str) -> None:
    put_npz(empty_machine / where)
    data = load("cifar10", train=10)
    assert data.description == "cifar10, 10 training, 100 validation and 100 test images, seed 0"


def test_an_npz_is_split_into_40_10_10_thousand(empty_machine: Path) -> None:
    put_npz(empty_machine / "data" / "cifar10.npz")
    data = load("cifar10")
    assert len(data.x_test) == len(data.y_test) == 10_000
    assert len(data.x_train) == len(data.y_train) == 40_000 and len(data.x_val) == 10_000
    assert data.x_train.dtype == np.float32 and data.class_names[3] == "cat"
    assert data.masks_train is None
    # image i holds i % 251 and label i % 10, so that labels must have moved with their images
    shown = np.rint(np.concatenate([data.x_train, data.x_val])[:, 0, 0, 0] * 255)
    labels = np.concatenate([data.y_train, data.y_val])
    wanted = arrays()
    pairs = sorted(zip(wanted["x_train"][:, 0, 0, 0], wanted["y_train"][:, 0], strict=True))
    assert sorted(zip(shown.astype(np.uint8), labels, strict=True)) == pairs


@pytest.mark.usefixtures("small")
def test_cifar10_comes_through_a_function_of_ones_own() -> None:
    images = arrays()
    pairs = [(images[f"x_{part}"], images[f"y_{part}"].reshape(-1)) for part in ("train", "test")]
    found = load("cifar10", train=6, validation=2, test=2, loader=lambda: pairs)
    np.testing.assert_array_equal(found.x_test, images["x_test"][:2] / np.float32(255))
    assert load("photodigits", train=2, validation=2, test=2, loader=pytest.fail).name  # not asked
    for wrong, told in (
        (
            lambda: [(x / 255, y) for x, y in pairs],
            "load_cifar10.. returned is .*float64",
        ),
        (lambda: pairs[0], "must return"),
        (lambda: None, "must return"),
    ):
        with pytest.raises(ValueError, match=told):
            load("cifar10", train=6, validation=2, test=2, loader=wrong)
    with pytest.raises(NotImplementedError):
        load("cifar10", train=6, validation=2, test=2, loader=_not_written)


def _not_written() -> None:
    raise NotImplementedError


def _without_network() -> None:
    raise Exception("URL fetch failure on …")


@pytest.mark.usefixtures("small")
def test_where_keras_has_no_network_a_copy_is_taken_and_said_so(
    empty_machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataUnavailable, match="URL fetch failure"):
        load("cifar10", train=6, validation=2, test=2, loader=_without_network)  # type: ignore[arg-type]
    path = put_npz(empty_machine / "data" / "cifar10.npz")
    assert load("cifar10", train=6, validation=2, test=2, loader=_without_network).name == "cifar10"  # type: ignore[arg-type]
    assert f"read from {path}" in capsys.readouterr().out


def test_more_images_than_there_are_is_an_error() -> None:
    with pytest.raises(ValueError, match="45000 \\+ 10000 and 10000 can't be had"):
        load("cifar10", train=45_000)
    with pytest.raises(ValueError, match="images of size 32, not 64"):
        load("cifar10", size=64)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("damage", ["cut short", "no zip", "labels", "shape", "pickled"])
def test_a_damaged_npz_is_named_and_not_passed_over(empty_machine: Path, damage: str) -> None:
    put_npz(empty_machine / "keras" / "datasets" / "cifar10.npz")  # a good one, further down
    path = empty_machine / "data" / "cifar10.npz"
    if damage == "cut short":
        raw = put_npz(path).read_bytes()
        path.write_bytes(raw[: len(raw) * 2 // 3])
    elif damage == "no zip":
        path.write_bytes(b"<html>404</html>")
    elif damage == "labels":
        put_npz(path, y_train=np.full(500, 10, np.uint8))
    elif damage == "shape":
        put_npz(path, x_test=np.zeros((99, 32, 32, 3), np.uint8))
    else:
        put_npz(path, y_train=np.array([Touch(empty_machine / "touched")], object))
    with pytest.raises(DataUnavailable) as caught:
        load("cifar10")
    assert str(caught.value).startswith(f"{path} is damaged or not CIFAR-10")
    assert not (empty_machine / "touched").exists()


class Touch:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


class Python2(pickle._Pickler):
    """Pickles as Python 2 did, in which CIFAR-10 was written: all text is bytes."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value: bytes | str) -> None:
        raw = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)

    dispatch[bytes] = dispatch[str] = save_bytes


def batch(extra: object = None) -> bytes:
    fill = (np.arange(100) % 251).astype(np.uint8)
    content = {
        b"data": np.repeat(fill, 3072).reshape(100, 3072),
        b"labels": [i % 10 for i in range(100)],
        b"extra": extra,
    }
    buffer = io.BytesIO()
    Python2(buffer, protocol=2).dump(content)
    return buffer.getvalue()


def make_archive(
    folder: Path, monkeypatch: pytest.MonkeyPatch, first: bytes | None = None
) -> dict[str, bytes]:
    """An archive of CIFAR-10's form, with checksums that say it is the right one."""
    plain = batch()
    batches = dict.fromkeys(cifar10.BATCHES, plain) | ({"data_batch_1": first} if first else {})
    with tarfile.open(folder / cifar10.ARCHIVE, "w:gz", compresslevel=1) as archive:
        for name, raw in batches.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    sums = {name: hashlib.md5(raw).hexdigest() for name, raw in batches.items()}
    monkeypatch.setattr(cifar10, "BATCHES", sums)
    monkeypatch.setattr(cifar10, "ARCHIVE_MD5", cifar10._md5(folder / cifar10.ARCHIVE))
    return batches


@pytest.mark.usefixtures("small")
def test_the_official_archive_is_read(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_archive(empty_machine / "data", monkeypatch)
    data = load("cifar10", train=100, validation=0, test=20)
    np.testing.assert_array_equal(np.rint(data.x_test[:, 5, 5, 1] * 255), np.arange(20) % 251)
    np.testing.assert_array_equal(data.y_test, np.arange(20) % 10)


@pytest.mark.usefixtures("small")
def test_an_archive_cut_short_is_named(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_archive(empty_machine / "data", monkeypatch)
    path = empty_machine / "data" / cifar10.ARCHIVE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataUnavailable, match="it may be cut short"):
        load("cifar10")


@pytest.mark.usefixtures("small")
def test_keras_copy_is_read_and_a_changed_file_in_it_is_named(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = make_archive(empty_machine, monkeypatch)  # elsewhere: only for the checksums
    folder = empty_machine / "keras/datasets/cifar-10-batches-py-target/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, raw in batches.items():
        (folder / name).write_bytes(raw)
    assert len(load("cifar10", train=10, validation=0, test=5).x_test) == 5
    (folder / "data_batch_3").write_bytes(batches["data_batch_3"][:-1])
    with pytest.raises(DataUnavailable, match="data_batch_3 is damaged or not CIFAR-10"):
        load("cifar10")


@pytest.mark.usefixtures("small")
def test_a_pickle_that_wants_more_than_arrays_gets_nothing(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_archive(empty_machine / "data", monkeypatch, batch(Touch(empty_machine / "touched")))
    with pytest.raises(DataUnavailable, match=r"mkdir has no place in CIFAR-10"):
        load("cifar10")
    assert not (empty_machine / "touched").exists()


@pytest.mark.skipif(not REAL.is_file(), reason=f"no real CIFAR-10 at {REAL}")
def test_real_cifar10_has_every_class_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(REAL.parent.parent))
    found = cifar10.read()
    np.testing.assert_array_equal(np.bincount(found.y_train), [5000] * 10)
    np.testing.assert_array_equal(np.bincount(found.y_test), [1000] * 10)


# -- the picture ----------------------------------------------------------------------------------


def test_samples_of_each_class_stand_in_the_row_of_their_class() -> None:
    data = load(train=60, validation=0, test=0)
    figure = figures.samples_per_class(data, per_class=4)
    rows = np.array(figure.axes).reshape(10, 4)
    for label, row in enumerate(rows):
        assert row[0].get_ylabel() == data.class_names[label]
        wanted = data.x_train[data.y_train == label][:4]
        for axis, image in zip(row, wanted, strict=True):
            np.testing.assert_array_equal(axis.images[0].get_array(), image)
