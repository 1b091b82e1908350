"""Pictures show what they were given."""

import matplotlib
import numpy as np
import pytest

from utils.pictures import figures

matplotlib.use("Agg")


def test_best_guesses_show_names_and_probabilities_beside_their_image() -> None:
    images = [np.full((8, 8, 3), v) for v in (0.1, 0.5, 0.9, 0.3)]
    classes = np.array([[2, 0], [1, 2], [0, 1], [2, 1]])
    likely = np.array([[0.9, 0.1], [0.6, 0.3], [0.5, 0.4], [0.8, 0.2]])
    figure = figures.best_guesses(images, classes, likely, ["cat", "cup", "dog"], columns=3)
    pictures, bars = figure.axes[0::2], figure.axes[1::2]
    for number, (picture, axis) in enumerate(zip(pictures, bars, strict=True)):
        np.testing.assert_array_equal(picture.images[0].get_array(), images[number])
        assert [bar.get_width() for bar in axis.patches] == pytest.approx(likely[number])
    assert [text.get_text() for text in bars[1].texts] == ["cup  0.60", "dog  0.30"]


def test_images_in_rows_keep_their_order_and_titles() -> None:
    images = [np.zeros((4, 4, 3)), np.ones((4, 4))]
    figure = figures.images_in_rows(images, ["black"])
    assert [axis.get_title() for axis in figure.axes] == ["black", ""]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), images[1])
