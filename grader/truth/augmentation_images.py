"""Known answers to notebook 03 for images: shifts, masks, augmenters, streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from grader.truth.base import Sample
from utils import augmenting, quiet
from utils.datasets import Dataset

Array = np.ndarray


def _right(check: str, title: str, answer: Any) -> Sample:
    return Sample(title, check, True, answer)


def _wrong(check: str, title: str, diagnosis: str, answer: Any) -> Sample:
    return Sample(title, check, False, answer, diagnosis)


# -- shifts ---------------------------------------------------------------------------------------


def padded_shift(images: Array, down: Array, right: Array) -> Array:
    """Padded far, then cut out."""
    height, width = images.shape[1:3]
    most = max(height, width)
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    cut = [
        image[most - d : most - d + height, most - r : most - r + width]
        for image, d, r in zip(padded, down, right, strict=True)
    ]
    return np.stack(cut)


def _scipy_shift(images: Array, down: Array, right: Array) -> list[Array]:
    from scipy import ndimage

    return [
        ndimage.shift(image, (d, r, 0), order=0, mode="nearest")
        for image, d, r in zip(images, down, right, strict=True)
    ]


def _gathered(images: Array, down: Array, right: Array) -> Any:
    tf = quiet.import_tensorflow()
    height, width = images.shape[1:3]
    rows = tf.clip_by_value(tf.range(height)[None] - np.asarray(down)[:, None], 0, height - 1)
    columns = tf.clip_by_value(tf.range(width)[None] - np.asarray(right)[:, None], 0, width - 1)
    moved = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(moved, columns, axis=2, batch_dims=1)


def rolled(images: Array, down: Array, right: Array) -> Array:
    """Comes back on the other side."""
    return np.stack([np.roll(i, (d, r), (0, 1)) for i, d, r in zip(images, down, right)])  # noqa: B905


def _zeros(images: Array, down: Array, right: Array) -> Array:
    moved = np.zeros_like(images)
    height, width = images.shape[1:3]
    for n, (d, r) in enumerate(zip(down, right, strict=True)):
        moved[n, max(d, 0) : height + min(d, 0), max(r, 0) : width + min(r, 0)] = images[
            n, max(-d, 0) : height - max(d, 0), max(-r, 0) : width - max(r, 0)
        ]
    return moved


_SHIFTS = [
    _right("shift", "padded, then cut out", padded_shift),
    _right("shift", "scipy.ndimage.shift", _scipy_shift),
    _right("shift", "tf.gather", _gathered),
    _wrong("shift", "np.roll", "what leaves the image comes back on the other side", rolled),
    _wrong("shift", "zeros", "filled with zeros", _zeros),
    _wrong(
        "shift",
        "axes mixed up",
        "down and right swapped",
        lambda images, down, right: padded_shift(images, right, down),
    ),
    _wrong(
        "shift",
        "the wrong way",
        "moved up and left in place of down and right",
        lambda images, down, right: padded_shift(images, -down, -right),
    ),
    _wrong(
        "shift",
        "down[0] for all",
        "all images moved by the first one's amount",
        lambda images, down, right: padded_shift(images, 0 * down + down[0], 0 * right + right[0]),
    ),
]


# -- masks ----------------------------------------------------------------------------------------


def _amounts(seed: int, count: int, most: int = 4) -> Array:
    return np.random.RandomState(seed).randint(-most, most + 1, (2, count))


def _moved(images: Array, amounts: Array) -> Array:
    flat = images if images.ndim == 4 else images[..., None]
    return padded_shift(flat, *amounts).reshape(images.shape)


def _masks_loop(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    amounts = _amounts(seed, len(images))
    return rolled(images, *amounts), rolled(masks[..., None], *amounts)[..., 0].astype(int)


def _masks_as_channel(images: Array, masks: Array, seed: int) -> tuple[Any, Any]:
    layers = quiet.import_keras().layers
    layer = layers.RandomTranslation(0.12, 0.12, fill_mode="nearest", seed=seed)
    stacked = np.concatenate([images, masks[..., None].astype(np.float32)], axis=-1)
    moved = np.asarray(layer(stacked, training=True))
    return moved[..., :3], moved[..., 3] > 0.5


def _masks_turned(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    from scipy import ndimage

    angles = np.random.default_rng(seed).uniform(-40, 40, len(images))
    turn = {"reshape": False, "order": 0, "mode": "nearest"}
    return (
        np.stack([ndimage.rotate(i, a, **turn) for i, a in zip(images, angles, strict=True)]),
        np.stack([ndimage.rotate(m, a, **turn) for m, a in zip(masks, angles, strict=True)]),
    )


def _masks_blurred(images: Array, masks: Array, seed: int) -> tuple[Array, Array]:
    from scipy import ndimage

    amounts = _amounts(seed, len(images)) + 0.5
    soft = [
        ndimage.shift(m.astype(float), (d, r), order=1)
        for m, d, r in zip(masks, *amounts, strict=True)
    ]
    moved = [
        ndimage.shift(i, (d, r, 0), order=1, mode="nearest")
        for i, d, r in zip(images, *amounts, strict=True)
    ]
    return np.stack(moved), np.stack(soft)


_MASKS = [
    _right("move_with_masks", "zeros and ones as integers, rolled", _masks_loop),
    _right("move_with_masks", "the mask as a fourth channel", _masks_as_channel),
    _right("move_with_masks", "turned by small angles", _masks_turned),
    _wrong(
        "move_with_masks",
        "mask as it was",
        "the masks stay where they were",
        lambda images, masks, seed: (_moved(images, _amounts(seed, len(images))), masks),
    ),
    _wrong(
        "move_with_masks",
        "drawn twice",
        "the masks are moved by other amounts than the images",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images))),
            _moved(masks, _amounts(seed + 1, len(images))),
        ),
    ),
    _wrong(
        "move_with_masks",
        "the mask the other way",
        "the masks are moved by other amounts than the images",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images))),
            _moved(masks, -_amounts(seed, len(images))),
        ),
    ),
    _wrong(
        "move_with_masks", "interpolated masks", "masks with values between 0 and 1", _masks_blurred
    ),
    _wrong(
        "move_with_masks",
        "one shift for all",
        "all images are moved alike",
        lambda images, masks, seed: (
            _moved(images, np.full((2, len(images)), 3)),
            _moved(masks, np.full((2, len(images)), 3)),
        ),
    ),
    _wrong(
        "move_with_masks",
        "as they were",
        "images are not moved",
        lambda images, masks, seed: (images, masks),
    ),
    _wrong(
        "move_with_masks",
        "by up to 30 pixels",
        "objects are moved out of the picture",
        lambda images, masks, seed: (
            _moved(images, _amounts(seed, len(images), 30)),
            _moved(masks, _amounts(seed, len(images), 30)),
        ),
    ),
    _wrong("move_with_masks", "only images", "", lambda images, masks, seed: images),
]


# -- augmenters -----------------------------------------------------------------------------------

Steps = Callable[[Any], list[Any]]


def _layered(steps: Steps, cifar10: Steps | None = None) -> Any:
    """An augmenter of Keras layers, tried; `cifar10` has its own where that differs."""

    def build(dataset: str) -> Any:
        keras = quiet.import_keras()
        chosen = cifar10 if cifar10 is not None and dataset == "cifar10" else steps
        return keras.Sequential(chosen(keras.layers))

    return augmenting.tried(build)


def _function(augment: Callable[..., Any]) -> Any:
    return augmenting.tried(lambda dataset: augment)


_RNG = np.random.default_rng()


def _drawn_shift(images: Array, training: bool = True) -> Array:
    """By whole pixels, in numpy."""
    if not training:
        return images
    return padded_shift(np.asarray(images), *_RNG.integers(-3, 4, (2, len(images))))


def _tf_image(images: Any, training: bool = True) -> Any:
    tf = quiet.import_tensorflow()
    if not training:
        return images
    padded = tf.pad(images, [[0, 0], [4, 4], [4, 4], [0, 0]], mode="SYMMETRIC")
    cut = tf.map_fn(lambda image: tf.image.random_crop(image, (32, 32, 3)), padded)
    brighter = tf.map_fn(lambda image: tf.image.random_brightness(image, 0.15), cut)
    return tf.clip_by_value(brighter, 0, 1)


def _noise(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    return np.clip(images + _RNG.normal(0, 0.04, np.shape(images)), 0, 1)


def _sometimes(images: Array, training: bool = True) -> Array:
    """Half of the images, moved in a loop."""
    images = np.array(images)
    for n in range(len(images) if training else 0):
        if _RNG.random() < 0.5:
            images[n] = padded_shift(images[n : n + 1], *_RNG.integers(-4, 5, (2, 1)))[0]
    return images


def _alike(images: Array, training: bool = True) -> Array:
    amounts = _RNG.integers(1, 5, (2, 1)) * _RNG.choice([-1, 1], (2, 1))
    return padded_shift(images, *np.repeat(amounts, len(images), 1)) if training else images


def _fixed(images: Array, training: bool = True) -> Array:
    rng = np.random.default_rng(0)
    return padded_shift(images, *rng.integers(-3, 4, (2, len(images)))) if training else images


def _brighter(images: Array, training: bool = True) -> Array:
    more = _RNG.uniform(0.15, 0.45, (len(images), 1, 1, 1))
    return np.clip(images + more, 0, 1) if training else images


def _restless(images: Array, training: bool = True) -> Array:
    return _drawn_shift(images)


def _unswitchable(images: Array) -> Array:
    return _drawn_shift(images)


def _wrapping(images: Array, training: bool = True) -> Array:
    return rolled(images, *_RNG.integers(-5, 6, (2, len(images)))) if training else images


def _as_bytes(images: Array, training: bool = True) -> Array:
    return np.asarray(_drawn_shift(images)).astype(np.uint8) if training else images


def _shrunk(images: Array, training: bool = True) -> Array:
    return _drawn_shift(images) / 255 if training else images


def _unclipped(images: Array, training: bool = True) -> Array:
    return images + _RNG.normal(0, 0.08, np.shape(images)) if training else images


def _drowned(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    return np.clip(0.25 * images + 0.75 * _RNG.random(np.shape(images)), 0, 1)


def _pale(images: Array, training: bool = True) -> Array:
    if not training:
        return images
    mean = np.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + _RNG.uniform(0.2, 0.5, (len(images), 1, 1, 1)) * (images - mean)


_AUGMENTERS = [
    _right(
        "augmenter",
        "geometry and colour by layers",
        _layered(
            lambda k: [
                k.RandomTranslation(0.1, 0.1),
                k.RandomRotation(0.04),
                k.RandomZoom(0.15, 0.15),
                k.RandomBrightness(0.15, value_range=(0, 1)),
                k.RandomContrast(0.3, value_range=(0, 1)),
            ]
        ),
    ),
    _right(
        "augmenter",
        "flips for CIFAR-10 alone",
        _layered(
            lambda k: [k.RandomShear(0.1, 0.1)],
            lambda k: [k.RandomFlip("horizontal"), k.RandomTranslation(0.12, 0.12)],
        ),
    ),
    _right(
        "augmenter",
        "colours only",
        _layered(lambda k: [k.RandomHue(0.2, value_range=(0, 1)), k.RandomGrayscale(0.3)]),
    ),
    _right(
        "augmenter",
        "parts erased",
        _layered(lambda k: [k.RandomErasing(scale=(0.02, 0.12), value_range=(0, 1))]),
    ),
    _right(
        "augmenter",
        "shifted by a tenth, black edges",
        _layered(lambda k: [k.RandomTranslation(0.1, 0.1, fill_mode="constant")]),
    ),
    _right("augmenter", "numpy, whole pixels", _function(_drawn_shift)),
    _right("augmenter", "tf.image", _function(_tf_image)),
    _right("augmenter", "noise, cut off", _function(_noise)),
    _right("augmenter", "half of the images", _function(_sometimes)),
    _wrong("augmenter", "nothing", "nothing is augmented", _function(lambda i, training=True: i)),
    _wrong(
        "augmenter",
        "flips for digits, too",
        "digits are mirrored",
        _layered(lambda k: [k.RandomFlip("horizontal"), k.RandomTranslation(0.1, 0.1)]),
    ),
    _wrong(
        "augmenter",
        "flipped vertically",
        "images are turned upside down",
        _layered(lambda k: [k.RandomFlip("vertical")]),
    ),
    _wrong(
        "augmenter",
        "turned by up to 180 degrees",
        "images are turned upside down",
        _layered(lambda k: [k.RandomRotation(0.5)]),
    ),
    _wrong(
        "augmenter",
        "brightness without value_range",
        "pixels far above 1",
        _layered(lambda k: [k.RandomBrightness(0.2)]),
    ),
    _wrong(
        "augmenter",
        "contrast without value_range",
        "pixels beyond 0 … 1",
        _layered(lambda k: [k.RandomContrast(0.5)]),
    ),
    _wrong("augmenter", "noise, not cut off", "pixels beyond 0 … 1", _function(_unclipped)),
    _wrong("augmenter", "as bytes", "images turn black", _function(_as_bytes)),
    _wrong("augmenter", "divided by 255 again", "images turn black", _function(_shrunk)),
    _wrong(
        "augmenter",
        "one shift for a batch",
        "all images of a batch are changed alike",
        _function(_alike),
    ),
    _wrong("augmenter", "a fixed seed", "the same changes in each call", _function(_fixed)),
    _wrong(
        "augmenter",
        "np.roll",
        "what leaves the image comes back on the other side",
        _function(_wrapping),
    ),
    _wrong(
        "augmenter",
        "fill_mode wrap",
        "what leaves the image comes back on the other side",
        _layered(lambda k: [k.RandomTranslation(0.15, 0.15, fill_mode="wrap")]),
    ),
    _wrong(
        "augmenter",
        "drowned in noise",
        "too strong: hardly to be recognised",
        _function(_drowned),
    ),
    _wrong(
        "augmenter",
        "moved by half the image",
        "too strong: moved out of the picture",
        _layered(lambda k: [k.RandomTranslation(0.5, 0.5, fill_mode="nearest")]),
    ),
    _wrong(
        "augmenter",
        "brightness up to 0.8",
        "bright and dark parts are cut off",
        _layered(lambda k: [k.RandomBrightness(0.8, value_range=(0, 1))]),
    ),
    _wrong(
        "augmenter",
        "only ever brighter",
        "brighter than the originals on average",
        _function(_brighter),
    ),
    _wrong("augmenter", "contrast lost", "paler than the originals", _function(_pale)),
    _wrong("augmenter", "training ignored", "augmented when evaluated, too", _function(_restless)),
    _wrong("augmenter", "without training", "can't be switched off", _function(_unswitchable)),
    _wrong("augmenter", "forgotten return", "", augmenting.tried(lambda dataset: None)),
]


# -- streams --------------------------------------------------------------------------------------


def _pairs(x: Any, y: Any) -> Any:
    return quiet.import_tensorflow().data.Dataset.from_tensor_slices((x, y))


def _validation(data: Dataset, batch: int) -> Any:
    return _pairs(data.x_val, data.y_val).batch(batch)


def _mapped(augmenter: Any) -> Callable[[Any, Any], Any]:
    return lambda x, y: (augmenter(x, training=True), y)


def _usual(data: Dataset, augmenter: Any, batch: int, seed: int) -> Any:
    stream = _pairs(data.x_train, data.y_train).shuffle(len(data.x_train), seed=seed).batch(batch)
    return stream.map(_mapped(augmenter), num_parallel_calls=2)


def _single_images(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    stream = _pairs(data.x_train, data.y_train).map(_mapped(augmenter))
    return stream.shuffle(200).batch(batch, drop_remainder=True), (data.x_val, data.y_val)


def _endless(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    stream = _pairs(data.x_train, data.y_train).shuffle(200).repeat().batch(batch)
    return stream.map(_mapped(augmenter)), _validation(data, batch)


def _py_dataset(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    keras = quiet.import_keras()

    class Batches(keras.utils.PyDataset):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rng = np.random.default_rng(seed)
            self.on_epoch_end()

        def __len__(self) -> int:
            return -(-len(data.x_train) // batch)

        def on_epoch_end(self) -> None:
            self.order = self.rng.permutation(len(data.x_train))

        def __getitem__(self, number: int) -> tuple[Any, Any]:
            chosen = self.order[number * batch : (number + 1) * batch]
            return augmenter(data.x_train[chosen], training=True), data.y_train[chosen]

    return Batches(), _validation(data, batch)


def _generated(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    tf = quiet.import_tensorflow()

    def batches() -> Iterator[Any]:
        order = np.random.permutation(len(data.x_train))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            yield np.asarray(augmenter(data.x_train[chosen])), data.y_train[chosen]

    shapes = ((None, 32, 32, 3), (None, 10))
    signature = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
    stream = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return stream, _validation(data, batch)


def _used_up(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    order = np.random.permutation(len(data.x_train))
    chosen = [order[i : i + batch] for i in range(0, len(order), batch)]
    stream = ((augmenter(data.x_train[c], training=True), data.y_train[c]) for c in chosen)
    return stream, _validation(data, batch)


def _torn(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    tf = quiet.import_tensorflow()
    parts = [
        tf.data.Dataset.from_tensor_slices(part).shuffle(200, seed=number)
        for number, part in enumerate((data.x_train, data.y_train))
    ]
    stream = tf.data.Dataset.zip(tuple(parts)).batch(batch).map(_mapped(augmenter))
    return stream, _validation(data, batch)


def _beforehand(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    changed = np.asarray(augmenter(data.x_train, training=True))
    return _pairs(changed, data.y_train).shuffle(200).batch(batch), _validation(data, batch)


def _with_validation(data: Dataset, augmenter: Any, batch: int, seed: int) -> tuple[Any, Any]:
    x = np.concatenate([data.x_train, data.x_val])
    y = np.concatenate([data.y_train, data.y_val])
    stream = _pairs(x, y).shuffle(200, seed=seed).batch(batch).map(_mapped(augmenter))
    return stream, _validation(data, batch)


def _stream(answer: Callable[..., Any]) -> Any:
    return augmenting.read(answer)


_STREAMS = [
    _right("streams", "image by image, last batch dropped", _stream(_single_images)),
    _right("streams", "without an end", _stream(_endless)),
    _right("streams", "keras.utils.PyDataset", _stream(_py_dataset)),
    _right("streams", "from_generator", _stream(_generated)),
    _right(
        "streams",
        "cached before it is augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train)
                .cache()
                .shuffle(200)
                .batch(batch)
                .map(_mapped(augmenter))
                .prefetch(2),
                _validation(data, batch).cache(),
            )
        ),
    ),
    _wrong(
        "streams",
        "not augmented",
        "training images are not augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train).shuffle(200).batch(batch),
                _validation(data, batch),
            )
        ),
    ),
    _wrong(
        "streams",
        "training=False",
        "training images are not augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train)
                .shuffle(200)
                .batch(batch)
                .map(lambda x, y: (augmenter(x, training=False), y)),
                _validation(data, batch),
            )
        ),
    ),
    _wrong(
        "streams",
        "validation augmented",
        "validation images are augmented",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed),
                _validation(data, batch).map(_mapped(augmenter)),
            )
        ),
    ),
    _wrong("streams", "shuffled apart", "labels torn from their images", _stream(_torn)),
    _wrong(
        "streams",
        "augmented beforehand",
        "augmented once: the same images in each epoch",
        _stream(_beforehand),
    ),
    _wrong(
        "streams",
        "cached after the map",
        "augmented once: the same images in each epoch",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed).cache(),
                _validation(data, batch),
            )
        ),
    ),
    _wrong("streams", "a generator", "the stream can be read only once", _stream(_used_up)),
    _wrong(
        "streams",
        "not shuffled",
        "training images are not shuffled",
        _stream(
            lambda data, augmenter, batch, seed: (
                _pairs(data.x_train, data.y_train).batch(batch).map(_mapped(augmenter)),
                _validation(data, batch),
            )
        ),
    ),
    _wrong(
        "streams",
        "only the first batches",
        "images are missing from an epoch",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed).take(1),
                _validation(data, batch),
            )
        ),
    ),
    _wrong(
        "streams",
        "trained with all images",
        "validation images in the training stream",
        _stream(_with_validation),
    ),
    _wrong(
        "streams",
        "training labels for validation",
        "labels of validation images are wrong",
        _stream(
            lambda data, augmenter, batch, seed: (
                _usual(data, augmenter, batch, seed),
                _pairs(data.x_val, data.y_train[: len(data.x_val)]).batch(batch),
            )
        ),
    ),
    _wrong(
        "streams",
        "one stream",
        "",
        _stream(lambda data, augmenter, batch, seed: [_usual(data, augmenter, batch, seed)]),
    ),
]

SAMPLES_IMAGES = [*_SHIFTS, *_MASKS, *_AUGMENTERS, *_STREAMS]
"""Known answers."""
