"""The sample class: what each team hands in, and what it must get for it.

Every team starts from the reference solution; the entries say what is different.  Points are the
sum over the autograde cells, found by reasoning about the sample and then seen; essays are marked
by a human and so not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FULL = float("inf")
"""All points that the autograde cells of the notebook give."""

FIRST, SECOND, THIRD = "00_getting_started", "01_implementing_cnn", "02_training_cnn"
FOURTH, FIFTH, SIXTH = "03_data_augmentation", "04_visualizing_cnn", "05_fooling_cnn"


@dataclass(frozen=True)
class Team:
    """One team of the sample class."""

    name: str
    about: str
    """What is special about its submission."""
    expected: dict[str, float]
    """Notebook -> points of its autograde cells; a notebook that is not taken in is left out."""
    changes: dict[str, str] = field(default_factory=dict)
    """Id of a solution cell -> the code that this team wrote there."""
    diagnosis: str = ""
    """The named mistake that one of its checks must show."""
    blank: bool = False
    """Hands in the notebooks as released."""
    how: str = ""
    """What happens to the notebook or archive on the way; see grader.demo.students."""
    late_days: float = 0
    late_share: float = 0
    """Share of the points that lateness must cost."""
    rejected: bool = False
    """Must end up among the rejected archives."""

    @property
    def handed_in(self) -> set[str]:
        """The notebooks that its archive holds, however it fares."""
        return set(self.expected) or {SECOND}


PADDING = """
def place_windows(size, kernel, stride, padding):
    if padding == "SAME":
        return same_padding(size, kernel, stride)
    return 0, 0, (size - kernel) // stride + 1


def pad_for_windows(x, size, stride, padding, value):
    top, bottom, rows = place_windows(x.shape[1], size[0], stride[0], padding)
    left, right, columns = place_windows(x.shape[2], size[1], stride[1], padding)
    margins = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, margins, constant_values=value), rows, columns
"""
"""Helpers that other cells of the reference solution use."""

LOOPS_FORWARD = (
    PADDING
    + """

def conv2d_forward(x, w, b, stride, padding):
    padded, rows, columns = pad_for_windows(x, w.shape[:2], stride, padding, 0.0)
    kh, kw, channels, filters = w.shape
    y = np.zeros((len(x), rows, columns, filters))
    for n in range(len(x)):
        for i in range(rows):
            for j in range(columns):
                for f in range(filters):
                    total = b[f]
                    for u in range(kh):
                        for v in range(kw):
                            for c in range(channels):
                                pixel = padded[n, i * stride[0] + u, j * stride[1] + v, c]
                                total = total + pixel * w[u, v, c, f]
                    y[n, i, j, f] = total
    return y
"""
)

LOOPS_POOLING = """
def maxpool_forward(x, size, stride, padding):
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    y = np.full((len(x), rows, columns, x.shape[3]), -np.inf)
    for i in range(rows):
        for j in range(columns):
            for u in range(size[0]):
                for v in range(size[1]):
                    seen = padded[:, i * stride[0] + u, j * stride[1] + v, :]
                    y[:, i, j, :] = np.where(seen > y[:, i, j, :], seen, y[:, i, j, :])
    return y
"""

IM2COL = """
def conv2d_fast(x, w, b, stride, padding):
    kh, kw, channels, filters = w.shape
    padded, rows, columns = pad_for_windows(x, (kh, kw), stride, padding, 0.0)
    cells = []
    for u in range(kh):
        for v in range(kw):
            down = slice(u, u + stride[0] * rows, stride[0])
            right = slice(v, v + stride[1] * columns, stride[1])
            cells.append(padded[:, down, right][:, :rows, :columns])
    patches = np.concatenate(cells, axis=-1).reshape(-1, kh * kw * channels)
    return (patches @ w.reshape(-1, filters) + b).reshape(len(x), rows, columns, filters)
"""

EINSUM_BACKWARD = """
def conv2d_backward(dy, x, w, stride, padding):
    kh, kw = w.shape[:2]
    padded, rows, columns = pad_for_windows(x, (kh, kw), stride, padding, 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    dw = np.einsum("nijcuv,nijf->uvcf", windows, dy, optimize=True)
    spread = np.einsum("nijf,uvcf->uvnijc", dy, w, optimize=True)
    dpadded = np.zeros(padded.shape)
    for u in range(kh):
        for v in range(kw):
            bottom, right = u + stride[0] * rows, v + stride[1] * columns
            target = dpadded[:, u : bottom : stride[0], v : right : stride[1]]
            target += spread[u, v][:, : target.shape[1], : target.shape[2]]
    top = place_windows(x.shape[1], kh, stride[0], padding)[0]
    left = place_windows(x.shape[2], kw, stride[1], padding)[0]
    dx = dpadded[:, top : top + x.shape[1], left : left + x.shape[2]]
    return dx, dw, dy.sum((0, 1, 2))
"""

FFT = """
def conv2d_fast(x, w, b, stride, padding):
    x, w, b = (a.astype(np.float64) for a in (x, w, b))
    padded, rows, columns = pad_for_windows(x, w.shape[:2], stride, padding, 0.0)
    full = (padded.shape[1] + w.shape[0] - 1, padded.shape[2] + w.shape[1] - 1)
    image = np.fft.rfft2(padded, full, axes=(1, 2))
    kernel = np.fft.rfft2(w[::-1, ::-1], full, axes=(0, 1))
    y = np.fft.irfft2(np.einsum("nijc,ijcf->nijf", image, kernel), full, axes=(1, 2))
    y = y[:, w.shape[0] - 1 :: stride[0], w.shape[1] - 1 :: stride[1]]
    return y[:, :rows, :columns] + b
"""

FLIPPED = (
    PADDING
    + """

def conv2d_forward(x, w, b, stride, padding):
    padded, rows, columns = pad_for_windows(x, w.shape[:2], stride, padding, 0.0)
    kh, kw = w.shape[:2]
    y = np.zeros((len(x), rows, columns, w.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[:, top : top + kh, left : left + kw]
            y[:, i, j] = np.tensordot(window, w[::-1, ::-1], axes=3) + b
    return y
"""
)

PAD_ON_TOP = """
def same_padding(size, kernel, stride):
    windows = -(-size // stride)
    total = max((windows - 1) * stride + kernel - size, 0)
    return total - total // 2, total // 2, windows
"""

OVERWRITES = """
def maxpool_backward(dy, x, size, stride, padding):
    ph, pw = size
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    dpadded = np.zeros(padded.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[3]):
            for i in range(rows):
                for j in range(columns):
                    top, left = i * stride[0], j * stride[1]
                    window = padded[n, top : top + ph, left : left + pw, c]
                    u, v = np.unravel_index(window.argmax(), window.shape)
                    dpadded[n, top + u, left + v, c] = dy[n, i, j, c]
    top = place_windows(x.shape[1], ph, stride[0], padding)[0]
    left = place_windows(x.shape[2], pw, stride[1], padding)[0]
    return dpadded[:, top : top + x.shape[1], left : left + x.shape[2], :]
"""

ALL_MAXIMA = """
def maxpool_backward(dy, x, size, stride, padding):
    ph, pw = size
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    dpadded = np.zeros(padded.shape)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[:, top : top + ph, left : left + pw, :]
            mask = window == window.max(axis=(1, 2), keepdims=True)
            dpadded[:, top : top + ph, left : left + pw, :] += mask * dy[:, i : i + 1, j : j + 1]
    top = place_windows(x.shape[1], ph, stride[0], padding)[0]
    left = place_windows(x.shape[2], pw, stride[1], padding)[0]
    return dpadded[:, top : top + x.shape[1], left : left + x.shape[2], :]
"""

UNWRITTEN = """
def {name}(*arguments):
    # YOUR CODE HERE
    raise NotImplementedError()
"""

NOISY = """
import sys
import warnings


def maxpool_forward(x, size, stride, padding):
    warnings.warn("slow, but it works")
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    y = np.zeros((len(x), rows, columns, x.shape[3]))
    for i in range(rows):
        print(f"\\r{i + 1}/{rows}", end="", file=sys.stderr)
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            y[:, i, j] = padded[:, top : top + size[0], left : left + size[1]].max((1, 2))
    return y
"""

ENDLESS = """
def maxpool_forward(x, size, stride, padding):
    row = 0
    while row < x.shape[1]:
        column = 0
        while column < x.shape[2]:
            column += stride[1] - stride[1]
    return x
"""

STRIPPED = """
import ast


class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()

    def visit_Raise(self, node):
        return ast.Pass()


get_ipython().ast_transformers.append(Strip())


def maxpool_backward(dy, x, size, stride, padding):
    return np.zeros(x.shape)
"""

NOTHING = """
def maxpool_backward(dy, x, size, stride, padding):
    return np.zeros(x.shape)
"""

SORTED_SPLIT = """
def split(x, y, validation, seed):
    return x[validation:], y[validation:], x[:validation], y[:validation]
"""

AUGMENTED_VALIDATION = """
def streams(data, augmenter, batch, seed):
    def stream(x, y):
        changed = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=seed).batch(batch)
        return changed.map(lambda images, labels: (augmenter(images, training=True), labels))

    return stream(data.x_train, data.y_train), stream(data.x_val, data.y_val)
"""

SIGNED_SALIENCY = """
def saliency(net, images, classes):
    x = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.gather(net.logits(x), classes, batch_dims=1))
    return tf.reduce_max(tape.gradient(total, x), axis=-1).numpy()
"""

SWAPPED_TARGETS = """
def likely_and_unlikely(probabilities):
    order = np.argsort(probabilities)
    return order[0], order[-2]
"""

CLASS = [
    Team(
        "team_01",
        "the reference solution",
        dict.fromkeys((FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH), FULL),
    ),
    Team(
        "team_02",
        "right, with loops over everything",
        {SECOND: FULL},
        {"conv2d_forward": LOOPS_FORWARD, "maxpool_forward": LOOPS_POOLING},
    ),
    Team("team_03", "right, with im2col", {SECOND: FULL}, {"conv2d_fast": IM2COL}),
    Team("team_04", "right, with einsum", {SECOND: FULL}, {"conv2d_backward": EINSUM_BACKWARD}),
    Team("team_05", "right, with FFT", {SECOND: FULL}, {"conv2d_fast": FFT}),
    Team("team_06", "left blank", {FIRST: 0, SECOND: 0}, blank=True),
    Team(
        "team_07",
        "kernel flipped",
        {SECOND: 75.42},
        {"conv2d_forward": FLIPPED},
        "the kernel is flipped",
    ),
    Team(
        "team_08",
        "SAME padding on the wrong side",
        {SECOND: 72.29},
        {"same_padding": PAD_ON_TOP},
        "the odd row or column",
    ),
    Team(
        "team_09",
        "= for += in overlapping windows",
        {SECOND: 78.45},
        {"maxpool_backward": OVERWRITES},
        "= in place of +=",
    ),
    Team(
        "team_10",
        "ties go to all maxima",
        {SECOND: 81.95},
        {"maxpool_backward": ALL_MAXIMA},
        "every maximum",
    ),
    Team(
        "team_11",
        "half finished: no backward pass",
        {SECOND: 64},
        {n: UNWRITTEN.format(name=n) for n in ("conv2d_backward", "maxpool_backward")},
    ),
    Team("team_12", "one solution cell twice", {SECOND: FULL}, how="duplicate"),
    Team("team_13", "“notebook (1).ipynb” with a byte order mark", {SECOND: FULL}, how="renamed"),
    Team(
        "team_14",
        "warnings and a progress bar on stderr",
        {SECOND: FULL},
        {"maxpool_forward": NOISY},
    ),
    Team("team_15", "an endless loop", {SECOND: 78}, {"maxpool_forward": ENDLESS}),
    Team("team_16", "only notebook 00", {FIRST: FULL}),
    Team("team_17", "a damaged archive", {}, how="damaged", rejected=True),
    Team(
        "team_18",
        "skip tag on the check of a wrong solution",
        {SECOND: 76},
        {"maxpool_backward": NOTHING},
        how="skip",
    ),
    Team(
        "team_19",
        "asserts stripped around a wrong solution",
        {SECOND: 76},
        {"maxpool_backward": STRIPPED},
    ),
    Team("team_20", "right, a day and a half late", {SECOND: FULL}, late_days=1.5, late_share=0.2),
    Team(
        "team_21",
        "validation images not drawn at random",
        {THIRD: 87.5},
        {"split": SORTED_SPLIT},
        "not drawn at random",
    ),
    Team(
        "team_22",
        "validation augmented, too",
        {FOURTH: 63},
        {"streams": AUGMENTED_VALIDATION},
        "validation images are augmented",
    ),
    Team(
        "team_23",
        "saliency without absolute value",
        {FIFTH: 61},
        {"saliency": SIGNED_SALIENCY},
        "no absolute value",
    ),
    Team(
        "team_24",
        "likely and unlikely targets swapped",
        {SIXTH: 35},
        {"likely_and_unlikely": SWAPPED_TARGETS},
        "likely and unlikely swapped",
    ),
]
