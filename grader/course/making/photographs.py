"""Make `data/photo_digits.npz`, what PhotoDigits is rendered from.

Run once by whoever maintains the course: the file is part of it, so that pictures stay the same
whatever version of scikit-learn and scikit-image is installed, and rendering needs neither.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from skimage import data as photographs
from sklearn.datasets import load_digits, load_sample_image

from grader import places

DATA = places.ROOT / "data"

PHOTOS = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "rocket")
"""Photographs inside scikit-image's wheel that are in the public domain or CC0."""

SAMPLES = ("china.jpg", "flower.jpg")
"""Photographs inside scikit-learn's wheel, CC BY 2.0; see data/README.md for whose they are."""


def halve(photo: np.ndarray) -> np.ndarray:
    """Shrink an image (H, W, 3) or (H, W) of uint8 to half its size, as (H/2, W/2, 3)."""
    if photo.ndim == 2:
        photo = np.repeat(photo[..., None], 3, axis=2)
    height, width = photo.shape[0] // 2, photo.shape[1] // 2
    blocks = photo[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a compressed npz whose bytes depend on the arrays alone."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in sorted(arrays.items()):
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data.getvalue(), compresslevel=9)


def main() -> None:
    """Write the file."""
    photos = {name: getattr(photographs, name)() for name in PHOTOS}
    photos |= {name.removesuffix(".jpg"): load_sample_image(name) for name in SAMPLES}
    digits = load_digits()
    arrays = {f"photo_{name}": halve(photo) for name, photo in photos.items()}
    arrays["digit_images"] = digits.images.astype(np.uint8)
    arrays["digit_labels"] = digits.target.astype(np.uint8)
    save(DATA / "photo_digits.npz", arrays)


if __name__ == "__main__":
    main()
