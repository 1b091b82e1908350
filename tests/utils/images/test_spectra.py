"""Spectra: what is known exactly comes out exactly."""

import numpy as np
import pytest

from utils.images import spectra


def test_a_perfect_image_has_slope_minus_one_and_white_noise_none() -> None:
    rng = np.random.default_rng(0)
    perfect = np.stack([spectra.one_over_f(32, rng, a) for a in (0.1, 0.3)])
    assert spectra.slope(perfect) == pytest.approx([-1, -1], abs=1e-6)
    assert spectra.slope(0.5 + 7 * perfect) == pytest.approx([-1, -1], abs=1e-6)
    white = spectra.slope(rng.normal(size=(40, 32, 32)))
    assert abs(white.mean()) < 0.03


def test_the_falloff_counts_waves() -> None:
    x = np.arange(32)
    waves, levels = spectra.falloff(np.sin(2 * np.pi * 5 * x / 32) * np.ones((1, 32, 1)))
    assert list(waves) == list(range(1, 17))
    assert waves[levels[0].argmax()] == 5


@pytest.mark.parametrize("size", [32, 64, 224])
def test_reduced_images_are_means_of_what_they_cover(size: int) -> None:
    images = np.random.default_rng(1).random((2, size, size, 3))
    k = size // 32
    expected = images.mean(axis=-1).reshape(2, 32, k, 32, k).mean(axis=(2, 4))
    np.testing.assert_allclose(spectra.reduced(images), expected, atol=1e-6)


@pytest.mark.parametrize("size", [20, 227, 299])
def test_reduction_keeps_brightness_at_any_size(size: int) -> None:
    matrix = spectra.reduction(size)
    assert matrix.shape == (min(size, 32), size)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(matrix.sum(axis=0), min(size, 32) / size, atol=1e-5)
