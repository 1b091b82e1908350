"""Write data/digits.npz: the handwritten digits that the notebooks train on without a network.

Run once, with scikit-learn: `python -m grader.course.making.digits`.  Source: E. Alpaydin and C.
Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
doi.org/10.24432/C50P49 (CC BY 4.0), as shipped by scikit-learn.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from grader import places

TARGET = places.ROOT / "data" / "digits.npz"
TEST_IMAGES = 360
"""The last images of the set.  They come in the order of collection, so other people wrote them."""


def main() -> None:
    """Write x_train, x_test (N, 8, 8, 1) uint8 in 0-16, and y_train, y_test (N,) uint8 in 0-9."""
    digits = load_digits()
    images = digits.images.astype(np.uint8)[..., None]
    labels = digits.target.astype(np.uint8)
    np.savez_compressed(
        TARGET,
        x_train=images[:-TEST_IMAGES],
        y_train=labels[:-TEST_IMAGES],
        x_test=images[-TEST_IMAGES:],
        y_test=labels[-TEST_IMAGES:],
    )
    print(f"{TARGET.name}: {len(images)} images, {TARGET.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
