"""Known answers to ascents and what they are made of, in students' styles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from grader.contract.sample import Sample
from grader.contract.sample import right as plain_right
from grader.contract.sample import wrong as plain_wrong
from utils.exercises import visualizing
from utils.nets import quiet

from .visualizing_maps import right, wrong

Array = np.ndarray


# -- objective and blur ---------------------------------------------------------------------------


def _objective(
    penalty: Callable[[Any, Any], Any] = lambda x, weight: weight * _squares(x),
    grey: float = 0.5, after: str = "", sign: float = 1.0, both: bool = True,
) -> Callable[..., Any]:  # fmt: skip
    """Plain TensorFlow, with a persistent tape."""

    def objective(net: Any, x: Array, classes: Array, weight: float) -> tuple[Any, Any]:
        tf = quiet.import_tensorflow()
        x = tf.constant(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            scores = net.logits(grey + x)
            scores = getattr(tf.nn, after)(scores) if after else scores
            chosen = tf.reduce_sum(scores * tf.one_hot(classes, scores.shape[1]), axis=1)
            value = sign * (chosen - penalty(x, weight))
        return value, tape.gradient(value if both else chosen, x)

    return objective


def _squares(x: Any) -> Any:
    tf = quiet.import_tensorflow()
    return tf.reduce_sum(tf.square(x), axis=[1, 2, 3])


def _norm(x: Any, weight: Any) -> Any:
    return weight * quiet.import_tensorflow().sqrt(_squares(x))


def _mean(x: Any, weight: Any) -> Any:
    return weight * quiet.import_tensorflow().reduce_mean(x**2, axis=[1, 2, 3])


def _one_by_one(net: Any, x: Array, classes: Array, weight: float) -> tuple[Array, Array]:
    """An image at a time; the penalty's gradient is worked out by hand."""
    tf = quiet.import_tensorflow()
    values, gradients = [], []
    for single, number in zip(x, classes, strict=True):
        image = tf.Variable(0.5 + single[None])
        with tf.GradientTape() as tape:
            score = net.logits(image)[0][int(number)]
        gradients.append(tape.gradient(score, image)[0].numpy() - 2 * weight * single)
        values.append(float(score) - weight * float(np.sum(single**2)))
    return np.array(values), np.array(gradients)


def _depthwise(images: Array, sigma: float) -> Any:
    """A convolution of each colour with a bell, after padding."""
    tf = quiet.import_tensorflow()
    reach = int(np.ceil(3.5 * sigma))
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel = np.outer(bell, bell) / bell.sum() ** 2
    kernel = np.repeat(kernel[:, :, None, None], 3, axis=2).astype(np.float32)
    sides = [[0, 0], [reach, reach], [reach, reach], [0, 0]]
    padded = np.pad(images, sides, mode="edge")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")


def _scipy(sigma: Callable[[float], Any], mode: str = "nearest") -> Callable[..., Array]:
    def blur(images: Array, sigma_: float) -> Array:
        from scipy.ndimage import gaussian_filter  # SciPy takes its time to import

        return gaussian_filter(images, sigma(sigma_), mode=mode)

    return blur


# -- ascent ---------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _step(net: Any, layer: str) -> Any:
    """Activation of a layer's unit and its gradient, compiled once."""
    tf, keras = quiet.import_tensorflow(), quiet.import_keras()
    part = keras.Model(net.model.inputs, net.model.get_layer(layer).output)

    @tf.function
    def step(image: Any, unit: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(image)
            activation = tf.gather_nd(part(net.preprocess(image[None])), unit[None])[0]
        return activation, tape.gradient(activation, image)

    return step


def _driven(
    steps: int = 14, shrink: float = 0.25, limit: Callable[[Array], Array] | None = None,
    change: Callable[..., Any] = lambda unit: unit, goal: Callable[[float], float] = lambda v: v,
) -> Any:  # fmt: skip
    """Steps straight to the value, the last ones without shrinking."""
    cut = limit or (lambda image: np.clip(image, 0, 1))

    def drive(
        net: Any, layer: str, unit: tuple[Any, ...], value: float, start: Array, strength: float
    ) -> Array:
        tf = quiet.import_tensorflow()
        image, step = start.copy(), _step(net, layer)
        place = tf.constant((0, *change(tuple(unit))))
        for number in range(steps):
            if strength and number < steps - 6:
                image = 0.5 + (1 - shrink) * (image - 0.5)
            activation, gradient = (p.numpy() for p in step(tf.constant(image, tf.float32), place))
            length = float(np.vdot(gradient, gradient)) + 1e-9
            image = cut(image + 0.8 * (goal(value) - activation) / length * gradient)
        return image.astype(np.float32)

    return visualizing.with_and_without(drive)


def _adam(
    net: Any, layer: str, unit: tuple[Any, ...], value: float, start: Array, strength: float
) -> Array:
    """Adam on the sum of both terms; the norm's share falls to zero."""
    tf, keras = quiet.import_tensorflow(), quiet.import_keras()
    steps = 70
    x, step = tf.Variable(start - 0.5), _step(net, layer)
    place = tf.constant((0, *unit))
    rate = keras.optimizers.schedules.PolynomialDecay(0.04, steps, 1e-4)
    optimizer = keras.optimizers.Adam(rate, beta_2=0.9)
    for number in range(steps):
        activation, gradient = step(0.5 + x, place)
        share = 0.05 * strength * max(0.0, 1 - number / (0.6 * steps))
        slope = 2 * (activation - value) / abs(value) * gradient / tf.norm(gradient)
        optimizer.apply([slope + 2 * share * x], [x])
        x.assign(tf.clip_by_value(x, -0.5, 0.5))
    return _finish(x.numpy(), value, step, place)


def _finish(x: Array, value: float, step: Any, place: Any) -> Array:
    tf = quiet.import_tensorflow()
    for _ in range(10):
        activation, gradient = (p.numpy() for p in step(tf.constant(0.5 + x, tf.float32), place))
        x = x + (value - activation) * gradient / (np.sum(gradient**2) + 1e-9)
        x = np.clip(x, -0.5, 0.5)
    return 0.5 + x


def _smooth(
    net: Any, layer: str, unit: tuple[Any, ...], value: float, start: Array, strength: float
) -> Array:
    """Only large strokes: the image is made of a coarse grid of colours."""
    tf = quiet.import_tensorflow()
    step, place = _step(net, layer), tf.constant((0, *unit))
    size = len(start)
    wide = min(size, 16) if strength else size
    coarse = np.zeros((wide, wide, 3), np.float32) if strength else start - 0.5
    for _ in range(30):
        image = tf.image.resize(coarse, (size, size)).numpy() + 0.5
        activation, gradient = (p.numpy() for p in step(tf.constant(image, tf.float32), place))
        if wide < size:
            factor = size // wide
            gradient = gradient.reshape(wide, factor, wide, factor, 3).sum(axis=(1, 3))
        length = float(np.sum(gradient**2)) + 1e-9
        coarse = np.clip(coarse + 0.7 * (value - activation) / length * gradient, -0.5, 0.5)
    return tf.image.resize(coarse, (size, size)).numpy() + 0.5


def _exponent(power: float) -> Any:
    """Noise that is given the spectrum first, and then as little as the unit needs."""

    def drive(
        net: Any, layer: str, unit: tuple[Any, ...], value: float, start: Array, strength: float
    ) -> Array:
        tf = quiet.import_tensorflow()
        step, place = _step(net, layer), tf.constant((0, *unit))
        x = start - 0.5
        if strength:
            along = np.fft.fftfreq(len(x)) * len(x)
            far = np.maximum(np.hypot(along[:, None], along), 1)[..., None]
            found = np.fft.fft2(x, axes=(0, 1))
            found = found / np.maximum(np.abs(found), 1e-9) / far**power
            x = np.fft.ifft2(found, axes=(0, 1)).real
            x = 0.12 * x / x.std()
        return _finish(np.clip(x, -0.5, 0.5), value, step, place)

    return visualizing.with_and_without(drive)


# -- classes --------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _climber(net: Any) -> Any:
    tf = quiet.import_tensorflow()

    @tf.function
    def climb(images: Any, chosen: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(net.logits(images) * chosen)
        return tape.gradient(total, images)

    return climb


def _classes(
    steps: int = 40, blurred: bool = True, direction: float = 1.0, shift: int = 0,
    noise: bool = True, end: Callable[[Array], Array] = lambda images: images,
) -> Callable[..., Array]:  # fmt: skip
    """Ascent with steps of a fixed length."""

    def images_of(net: Any, classes: Array, seed: int) -> Array:
        from scipy.ndimage import gaussian_filter  # SciPy takes its time to import

        tf = quiet.import_tensorflow()
        size, climb = net.input_size, _climber(net)
        images = np.full((len(classes), size, size, 3), 0.5)
        if noise:
            images += np.random.RandomState(seed).normal(0, 0.1, images.shape)
        chosen = np.eye(len(net.class_names), dtype=np.float32)[np.roll(classes, shift)]
        for number in range(steps):
            gradient = climb(tf.constant(images, tf.float32), tf.constant(chosen)).numpy()
            length = np.sqrt((gradient**2).sum(axis=(1, 2, 3), keepdims=True)) + 1e-9
            images += direction * 0.12 * np.sqrt(gradient[0].size) * gradient / length
            images = 0.5 + 0.97 * (images - 0.5)
            if blurred and number < steps - 8:
                images = gaussian_filter(images, (0, 0.6, 0.6, 0))
            images = np.clip(images, 0, 1)
        return end(images)

    return images_of


def _spectral(net: Any, classes: Array, seed: int) -> Array:
    """The image is a sum of waves, fine ones made small; Adam finds their strengths."""
    tf, keras = quiet.import_tensorflow(), quiet.import_keras()
    size, climb = net.input_size, _climber(net)
    along = np.fft.fftfreq(size) * size
    scale = 1 / np.maximum(np.hypot(along[:, None], along[None, : size // 2 + 1]), 1.5)
    rng = np.random.default_rng(seed)
    shape = (2, len(classes), 3, size, size // 2 + 1)
    waves = tf.Variable(rng.normal(0, 0.1, shape).astype(np.float32))
    optimizer = keras.optimizers.Adam(0.08)
    chosen = tf.one_hot(classes, len(net.class_names))

    def picture() -> Any:
        spectrum = tf.complex(waves[0], waves[1]) * tf.cast(scale * size, tf.complex64)
        return tf.sigmoid(tf.transpose(tf.signal.irfft2d(spectrum), (0, 2, 3, 1)) * 1.2)

    for _ in range(40):
        with tf.GradientTape() as tape:
            images = picture()
        uphill = climb(images, chosen)
        optimizer.apply(tape.gradient(images, [waves], [-uphill]), [waves])
    return picture().numpy()


# -- clipping and spectra -------------------------------------------------------------------------


def _sorted_out(
    size: Callable[..., Array], whole: bool = True, end: str = "small"
) -> Callable[..., Array]:
    """Sort, and set the first ones to zero."""

    def drop(x: Array, *rest: Any) -> Array:
        *more, share = rest
        values = size(x, *more)
        flat = x.reshape(-1, 3).copy() if whole else x.flatten()
        order = np.argsort(values.ravel())
        order = order if end == "small" else order[::-1]
        flat[order[: round(share * len(order))]] = 0
        return flat.reshape(x.shape)

    return drop


def _rings(
    power: float = 1.0, frequency: bool = True, log: bool = True, spread: str = "var",
    corner: bool = False,
) -> Callable[[Array], Any]:  # fmt: skip
    """A loop over rings, in TensorFlow."""

    def penalty(greys: Array) -> Any:
        tf = quiet.import_tensorflow()
        side = greys.shape[-1]
        axis = np.arange(side) if corner else np.fft.ifftshift(np.arange(side) - side // 2)
        far = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
        found = tf.signal.fft2d(tf.complex(greys, tf.zeros_like(greys)))
        size = tf.abs(found) ** power
        size = size * tf.constant(far, tf.float32) if frequency else size
        levels = []
        for k in range(1, side // 2 + 1):
            ring = (far >= k - 0.5) & (far < k + 0.5)
            levels.append(tf.reduce_mean(tf.boolean_mask(size, ring, axis=1), axis=1))
        table = tf.stack(levels, axis=1)
        table = tf.math.log(table) if log else table
        if spread == "var":
            return tf.reduce_mean((table - tf.reduce_mean(table, 1, keepdims=True)) ** 2, axis=1)
        if spread == "std":
            return tf.math.reduce_std(table, axis=1)
        return tf.reduce_mean(table**2, axis=1)

    return visualizing.with_gradient(penalty)


def _in_numpy(greys: Any) -> Array:
    """The right number, by functions that no gradient passes."""
    greys = np.asarray(greys)
    side = greys.shape[-1]
    along = np.fft.fftfreq(side) * side
    far = np.hypot(along[:, None], along)
    size = np.abs(np.fft.fft2(greys)) * far
    rings = [size[:, np.rint(far) == k].mean(axis=1) for k in range(1, side // 2 + 1)]
    return np.log(np.stack(rings, axis=1)).var(axis=1)


def _effect(x: Array, gradient: Array) -> Array:
    return np.abs(np.einsum("ijc,ijc->ij", x, gradient))


SAMPLES_ASCENT: list[Sample] = [
    right("class_objective: a persistent tape", _objective()),
    right("class_objective: one by one", _one_by_one),
    wrong(
        "class_objective: plus -> the penalty is added, not subtracted",
        _objective(lambda x, weight: -weight * _squares(x))),
    wrong(
        "class_objective: tf.norm -> the norm in place of its square", _objective(_norm)),
    wrong(
        "class_objective: reduce_mean -> the mean of the squares in place of their sum",
        _objective(_mean)),
    wrong("class_objective: x as it is -> x given to the net, not 0.5 + x", _objective(grey=0.0)),
    wrong(
        "class_objective: softmax -> the probability in place of the score",
        _objective(after="softmax")),
    wrong(
        "class_objective: a loss -> the sign is reversed: that is a loss", _objective(sign=-1.0)),
    wrong(
        "class_objective: half the gradient -> the gradient of the score alone",
        _objective(both=False)),
    plain_right("blur: a depthwise convolution", _depthwise),
    plain_wrong(
        "blur: one σ for all axes -> blurred across colours and images, too",
        _scipy(lambda sigma: sigma)),
    plain_wrong(
        "blur: zeros outside -> zeros beyond the border darken it",
        _scipy(lambda sigma: (0, sigma, sigma, 0), "constant")),
    *(
        plain_wrong(
            f"blur: mode {mode} -> {name}", _scipy(lambda sigma: (0, sigma, sigma, 0), mode)
        )
        for mode, name in (
            ("reflect", "the border mirrored, not repeated"),
            ("wrap", "what lies beyond comes from the other side"),
        )
    ),
    plain_wrong(
        "blur: three sigmas -> blurred across the images, too",
        _scipy(lambda sigma: (sigma, sigma, sigma, 0))),
    right("class_images: waves and Adam", _spectral),
    wrong("class_images: no blur -> rough as noise: not blurred", _classes(24, blurred=False)),
    wrong(
        "class_images: minus -> the class became unlikely: descent in place of ascent",
        _classes(16, direction=-1.0)),
    wrong("class_images: another order -> pictures of other classes", _classes(24, shift=3)),
    wrong(
        "class_images: from grey -> every picture begins the same way, not from noise",
        _classes(noise=False)),
    wrong(
        "class_images: bytes -> pixels outside 0 … 1",
        _classes(2, end=lambda images: 255 * images)),
    right("drive_unit: Adam on the sum", visualizing.with_and_without(_adam)),
    wrong(
        "drive_unit: norm forgotten -> the regulariser does not make the image smaller",
        _driven(shrink=0.0)),
    wrong(
        "drive_unit: as much as possible -> "
"the activation is made as large as can be, not as desired",
        _driven(goal=lambda v: 3 * v)),
    wrong(
        "drive_unit: column, row -> another unit is driven: row and column are swapped",
        _driven(change=lambda unit: (unit[1], unit[0], unit[2]) if len(unit) == 3 else unit)),
    wrong("drive_unit: one step -> the desired activation is not reached", _driven(1)),
    wrong(
        "drive_unit: x in place of the image -> pixels outside 0 … 1",
        _driven(4, limit=lambda image: image - 0.5)),
    right("drive_smoothly: a coarse grid", visualizing.with_and_without(_smooth)),
    wrong(
        "drive_smoothly: only the norm -> the regularisers do not make the image smoother",
        _driven(shrink=0.02)),
    right("drive_naturally: the spectrum first", _exponent(1.0)),
    wrong(
        "drive_naturally: no prior -> "
"the prior does not bring the slope nearer to that of natural images", _exponent(0.0)),
    wrong(
        "drive_naturally: 1/f² -> "
"the prior does not bring the slope nearer to that of natural images", _exponent(2.0)),
    plain_right(
        "drop_small_pixels: sorting", _sorted_out(lambda x: np.linalg.norm(x, axis=2))),
    plain_wrong(
        "drop_small_pixels: colour by colour -> each colour by itself",
        _sorted_out(np.abs, whole=False)),
    plain_wrong(
        "drop_small_pixels: large ones -> the largest in place of the smallest",
        _sorted_out(lambda x: (x**2).sum(axis=2), end="large")),
    plain_right("drop_small_contributions: sorting", _sorted_out(_effect)),
    plain_wrong(
        "drop_small_contributions: gradient -> the gradient alone",
        _sorted_out(lambda x, gradient: (gradient**2).sum(axis=2))),
    plain_wrong(
        "drop_small_contributions: no abs -> no absolute value",
        _sorted_out(lambda x, gradient: (x * gradient).sum(axis=2))),
    plain_right("spectrum_penalty: a loop over rings", _rings()),
    plain_wrong(
        "spectrum_penalty: numpy -> no gradient comes through",
        visualizing.with_gradient(_in_numpy)),
    plain_wrong(
        "spectrum_penalty: numpy, as a tensor -> no gradient comes through",
        visualizing.with_gradient(
            lambda greys: quiet.import_tensorflow().constant(_in_numpy(greys))
        )),
    plain_wrong(
        "spectrum_penalty: white is natural -> not multiplied by the frequency",
        _rings(frequency=False)),
    plain_wrong("spectrum_penalty: power -> squared magnitudes", _rings(2.0)),
    plain_wrong("spectrum_penalty: no log -> no logarithm", _rings(log=False)),
    plain_wrong(
        "spectrum_penalty: std -> standard deviation in place of variance", _rings(spread="std")),
    plain_wrong(
        "spectrum_penalty: mean of squares -> the mean is not taken off", _rings(spread="squares")),
    plain_wrong(
        "spectrum_penalty: arange -> frequencies counted from the corner", _rings(corner=True)),
]  # fmt: skip
"""Known answers to pictures made by ascent, and to their parts."""
