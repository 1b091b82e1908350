"""Spectra of images: how much of each frequency there is, and how fast that falls off.

Photographs have a magnitude of about 1/f at frequency f (Field, J. Opt. Soc. Am. A 4, 1987): on a
double logarithmic scale a line of slope -1.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 32
"""Height and width of the reduced image whose spectrum counts."""


@cache
def reduction(size: int, side: int = SIDE) -> np.ndarray:
    """Matrix (side, size) that averages a line of `size` pixels down to `side` of them.

    Where a pixel lies in two of the new ones, it counts in each by its share.  Smaller images stay
    as they are.
    """
    side = min(side, size)
    edges = np.arange(side + 1) * size / side
    pixels = np.arange(size)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    matrix = (np.clip(overlap, 0, None) * side / size).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


def reduced(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Grey, small copies of images: (N, H, H, 3) -> (N, side, side), means of what they cover."""
    grey = np.asarray(images, np.float64).mean(axis=-1)
    matrix = reduction(grey.shape[1], side).astype(np.float64)
    return matrix @ grey @ matrix.T


def distances(side: int) -> np.ndarray:
    """Distance of each entry of np.fft.fft2 from frequency zero, (side, side), in whole waves."""
    along = np.fft.fftfreq(side) * side
    return np.hypot(along[:, None], along[None, :])


def falloff(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean magnitude of all frequencies of about k waves, for k = 1 … half the side.

    images: (N, side, side).  Returns (k, magnitudes) of shapes (side // 2,), (N, side // 2).
    """
    magnitudes = np.abs(np.fft.fft2(np.asarray(images, np.float64)))
    ring = np.rint(distances(magnitudes.shape[-1])).astype(int)
    waves = np.arange(1, magnitudes.shape[-1] // 2 + 1)
    return waves, np.stack([magnitudes[:, ring == k].mean(axis=1) for k in waves], axis=1)


def slope(images: np.ndarray) -> np.ndarray:
    """Slope of the falloff on a double logarithmic scale, (N,): 0 for white noise, -1 for 1/f."""
    waves, magnitudes = falloff(images)
    mean_distance = np.stack(
        [_ring_mean(1 / np.maximum(distances(images.shape[-1]), 1e-9), k) for k in waves]
    )
    x = -np.log(mean_distance)  # so that a perfect 1/f image has a slope of exactly -1
    y = np.log(magnitudes + 1e-12)
    x = x - x.mean()
    return (y * x).sum(axis=1) / (x * x).sum()


def _ring_mean(values: np.ndarray, k: int) -> float:
    ring = np.rint(distances(values.shape[-1])).astype(int)
    return float(values[ring == k].mean())


def one_over_f(side: int, rng: np.random.Generator, amplitude: float = 0.1) -> np.ndarray:
    """A random image (side, side) whose magnitude at frequency f is exactly proportional to 1/f.

    Its phases are those of white noise, its mean is 0, its standard deviation `amplitude`.
    """
    noise = np.fft.fft2(rng.standard_normal((side, side)))
    far = distances(side)
    far[0, 0] = np.inf
    image = np.fft.ifft2(noise / np.abs(noise) / far).real
    return amplitude * image / image.std()
