"""Find, check and read CIFAR-10: an npz, Keras' copy, or the official archive from the network.

The official files are pickles.  They are read only after their checksums have been verified, and by
an unpickler that knows arrays and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from utils.checks.raised import OneLine
from utils.images.photo_digits import DATA

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

COUNTS = (50_000, 10_000)
"""Images for training and for the test."""

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""Files in the archive and their MD5, as published with the data set."""
_FOLDER = "cifar-10-batches-py"
_MAX_BATCH = 64 * 2**20


class DataUnavailable(OneLine, RuntimeError):
    """CIFAR-10 can't be had, or a file of it is damaged.  The text says what to do."""


@dataclass(frozen=True)
class Cifar10:
    """The whole data set."""

    x_train: np.ndarray
    """(50000, 32, 32, 3) uint8."""
    y_train: np.ndarray
    """(50000,) int64."""
    x_test: np.ndarray
    """(10000, 32, 32, 3) uint8."""
    y_test: np.ndarray
    """(10000,) int64."""
    source: Path


def read() -> Cifar10:
    """Read CIFAR-10 from the first place that has it; download the official archive if none does.

    Raises DataUnavailable if there is no copy and no network, or if the copy found is damaged: a
    damaged file is named, and nothing else is taken in its place.
    """
    for path, reader in _places():
        if path.exists():
            return reader(path)
    return _read_archive(_download())


Loaded = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(x_train, y_train), (x_test, y_test)."""


def loaded(loader: Callable[[], Loaded]) -> Cifar10:
    """CIFAR-10 from somebody's own function, which asks Keras for it.

    Where that has no network, a copy that `read` knows is taken, and said so.  Raises ValueError
    for what is not CIFAR-10, DataUnavailable where there is neither network nor copy.
    """
    try:
        (x_train, y_train), (x_test, y_test) = loader()
    except (TypeError, ValueError) as error:
        raise ValueError(f"load_cifar10() must return (x, y), (x_test, y_test): {error}") from None
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, OSError):
            raise  # a mistake in the function; Keras' own is a bare Exception
        there = [path for path, _ in _places() if path.exists()]
        if not there:
            raise _unavailable(error) from None
        print(f"Keras could not load CIFAR-10 ({type(error).__name__}); read from {there[0]}")
        return read()
    arrays = [np.asarray(array) for array in (x_train, y_train, x_test, y_test)]
    try:
        return _checked(arrays, Path("what load_cifar10() returned"))
    except DataUnavailable as problem:
        raise ValueError(str(problem).rpartition(";")[0]) from None


def _places() -> Iterator[tuple[Path, Callable[[Path], Cifar10]]]:
    keras = _keras_datasets()
    yield DATA / "cifar10.npz", _read_npz
    yield keras / "cifar10.npz", _read_npz
    yield DATA / ARCHIVE, _read_archive
    yield DATA / "downloads" / ARCHIVE, _read_archive
    yield keras / ARCHIVE, _read_archive
    yield keras / "cifar-10-batches-py-target" / _FOLDER, _read_folder  # Keras 3
    yield keras / _FOLDER, _read_folder  # older Keras
    yield keras / f"{_FOLDER}.tar.gz", _read_archive


def _keras_datasets() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def _read_npz(path: Path) -> Cifar10:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile) as e:
        raise _damaged(path, f"{type(e).__name__}: {e}") from None
    return _checked(arrays, path)


def _read_archive(path: Path) -> Cifar10:
    if _md5(path) != ARCHIVE_MD5:
        raise _damaged(path, f"its MD5 is not {ARCHIVE_MD5}, it may be cut short")
    batches = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in BATCHES:
                member = archive.extractfile(f"{_FOLDER}/{name}")
                batches[name] = member.read(_MAX_BATCH) if member else b""
    except (OSError, EOFError, KeyError, tarfile.TarError) as error:
        raise _damaged(path, str(error)) from None
    return _from_batches(batches, path)


def _read_folder(folder: Path) -> Cifar10:
    batches = {}
    for name in BATCHES:
        try:
            batches[name] = (folder / name).read_bytes()
        except OSError as error:
            raise _damaged(folder / name, str(error)) from None
    return _from_batches(batches, folder)


def _from_batches(batches: dict[str, bytes], source: Path) -> Cifar10:
    images, labels = [], []
    for name, raw in batches.items():
        if hashlib.md5(raw, usedforsecurity=False).hexdigest() != BATCHES[name]:
            raise _damaged(source / name, f"its MD5 is not {BATCHES[name]}")
        try:
            batch = _ArraysOnly(io.BytesIO(raw), encoding="bytes").load()
            images.append(np.asarray(batch[b"data"]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            labels.append(np.asarray(batch[b"labels"]))
        except Exception as error:  # unpickling raises whatever the bytes make it raise
            raise _damaged(source / name, str(error)) from None
    x_train, y_train = np.concatenate(images[:-1]), np.concatenate(labels[:-1])
    return _checked([x_train, y_train, images[-1], labels[-1]], source)


class _ArraysOnly(pickle.Unpickler):
    """Reads what Python 2 pickled arrays as, and refuses everything that could do something."""

    def find_class(self, module: str, name: str) -> Any:
        if (module.rpartition(".")[2], name) == ("multiarray", "_reconstruct"):
            return import_module("numpy._core.multiarray")._reconstruct
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-10")


def _checked(arrays: list[np.ndarray], source: Path) -> Cifar10:
    """The arrays if they have CIFAR-10's shapes, types and classes."""
    x_train, y_train, x_test, y_test = arrays
    pairs = ((x_train, y_train), (x_test, y_test))
    for (images, labels), count in zip(pairs, COUNTS, strict=True):
        if images.shape != (count, 32, 32, 3) or images.dtype != np.uint8:
            raise _damaged(source, f"its images are {images.dtype} of shape {images.shape}")
        if labels.size != count or labels.dtype.kind not in "iu":
            raise _damaged(source, f"its labels are {labels.dtype} of shape {labels.shape}")
        if labels.min() < 0 or labels.max() > 9:
            raise _damaged(source, "its labels are not 0 … 9")
    y_train, y_test = (y.reshape(-1).astype(np.int64) for y in (y_train, y_test))
    return Cifar10(x_train, y_train, x_test, y_test, source)


def _download() -> Path:
    import pooch  # takes its time to import, and downloads are rare

    folder = DATA / "downloads"
    try:
        return Path(
            pooch.retrieve(
                URL, f"md5:{ARCHIVE_MD5}", fname=ARCHIVE, path=folder, progressbar=_can_show()
            )
        )
    except Exception as error:  # requests, urllib3, OSError, and ValueError for a wrong checksum
        raise _unavailable(error) from None


def _unavailable(error: Exception) -> DataUnavailable:
    first = textwrap.shorten((str(error).splitlines() or [""])[0], 120, placeholder=" …")
    return DataUnavailable(
        f"CIFAR-10 is not on this machine and could not be downloaded "
        f"({type(error).__name__}: {first}); put {ARCHIVE} from {URL} into {DATA}, or an npz "
        f"with x_train, y_train, x_test and y_test at {_keras_datasets() / 'cifar10.npz'}, "
        'or choose the data set "photodigits", which is always there'
    )


def _can_show() -> bool:
    """Is there what pooch needs to show its progress?"""
    try:
        import tqdm  # noqa: F401  it is only looked for
    except ImportError:
        return False
    return True


def _damaged(path: Path, why: str) -> DataUnavailable:
    return DataUnavailable(f"{path} is damaged or not CIFAR-10 ({why}); delete or replace it")


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()
