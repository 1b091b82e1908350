# %% [markdown]
# # 01 · Implementing a CNN
#
# A convolutional network is made of very few kinds of layers. In the first half of this notebook you
# write two of them yourself, convolution and max pooling, forwards and backwards, with nothing but
# numpy; at the end your own layers learn to read handwritten digits. In the second half you work
# out by hand what such layers do to sizes, receptive fields and costs.
#
# Each exercise has a cell to fill in and a check below it. Run the check as often as you like: it
# tries your function on many shapes and tells you which failed, where, and often why.
#
# **Begin here:** write your own id, or your team's, between the quotes below. Some exercises of the
# second half draw their numbers from it.

# %%
STUDENT_ID = "your_id"

# %% locked="setup"
import sys

sys.path.insert(0, "..")  # the notebooks lie beside utils/

import matplotlib.pyplot as plt
import numpy as np

from utils import check

# %% [markdown]
# ## Conventions
#
# They are TensorFlow's, and hold for the whole notebook.
#
# | name | shape | meaning |
# |---|---|---|
# | `x` | `(N, H, W, C)` | `N` images of `H` rows, `W` columns and `C` channels |
# | `w` | `(kh, kw, C, F)` | `F` filters; each is a window of `kh` × `kw` pixels through all `C` channels |
# | `b` | `(F,)` | one bias per filter |
# | `y` | `(N, H', W', F)` | the output: one map per filter |
# | `stride` | `(sh, sw)` | how far the window moves down, and to the right |
# | `padding` | | `"VALID"` or `"SAME"` |
#
# Nothing needs to be square: heights and widths, of images, windows and strides, may all differ. And
# your functions must leave their arguments as they were.

# %% [markdown]
# ## Where a window fits
#
# A window of $k$ cells slides along an axis of $n$ cells in steps of $s$. With **VALID** padding
# only windows that lie entirely inside count:
#
# $$ \text{windows} = \left\lfloor \frac{n - k}{s} \right\rfloor + 1 . $$
#
# With **SAME** padding there are as many windows as there are steps,
#
# $$ \text{windows} = \left\lceil \frac{n}{s} \right\rceil , $$
#
# and the input is extended just as far as those windows need it: from the beginning of the first
# window to the end of the last. If the number of cells to add is odd, the extra one comes **after**
# the input, that is below or to the right.

# %% figure="padding_picture"
from utils import plots_layers

plots_layers.draw_padding()

# %% [markdown]
# Look at the third example. A kernel of 3 does *not* always need one zero on each side: with six
# cells and a stride of 2, the last window reaches one cell beyond the end, and nothing is missing
# at the beginning. (And what if the stride is larger than the kernel?)
#
# **Exercise.** Write `same_padding` for one axis. Integer arithmetic will do: in Python,
# `-(-n // s)` is $\lceil n/s \rceil$.

# %% solution="same_padding"
def same_padding(size, kernel, stride):
    """Padding and number of windows along one axis, for SAME padding.

    size: cells of the input along this axis.
    kernel: cells of the window.
    stride: step of the window.

    Returns (before, after, windows): cells to add before and after the input, and the number of
    windows; three integers.
    """
    ### BEGIN SOLUTION
    windows = -(-size // stride)
    end_of_last = (windows - 1) * stride + kernel
    total = max(end_of_last - size, 0)
    before = total // 2
    return before, total - before, windows
    ### END SOLUTION


# %% check="same_padding" points=4
check("same_padding", same_padding)

# %% [markdown]
# ## Convolution, forward
#
# A filter looks at one window of the image, multiplies it with its weights cell by cell, adds
# everything up, adds its bias, and writes a single number. Then it moves on:
#
# $$ y_{n,i,j,f} \;=\; b_f + \sum_{u=0}^{k_h-1} \sum_{v=0}^{k_w-1} \sum_{c=0}^{C-1}
#    x_{n,\; i s_h + u,\; j s_w + v,\; c} \; w_{u,v,c,f} $$
#
# where $x$ has been padded with zeros before. Strictly speaking this is a *cross-correlation*. A
# convolution in the sense of mathematics would flip the kernel, $w_{k_h-1-u,\,k_w-1-v}$. A network learns its
# kernels anyway, so all frameworks leave the flip out, and keep the name.

# %% figure="convolution_picture"
plots_layers.draw_convolution_step()

# %% [markdown]
# **Exercise.** Write `conv2d_forward`. Loops over the output positions are welcome here: first make
# it right. Three steps lead there.
#
# 1. Padding and number of windows, for each of the two axes: yours from above, or VALID's.
# 2. The padded input: `np.pad` with one pair of numbers per axis.
# 3. For each output position the window, and the sum of its products with `w`. `np.tensordot` adds up
#    products over several axes at once; four more loops do, too.

# %% solution="conv2d_forward"
def conv2d_forward(x, w, b, stride, padding):
    """Convolution layer (cross-correlation, as in TensorFlow).

    x: images (N, H, W, C).    w: kernels (kh, kw, C, F).    b: biases (F,).
    stride: (sh, sw).    padding: "VALID" or "SAME".

    Returns y of shape (N, H', W', F).
    """
    ### BEGIN SOLUTION
    kh, kw, _, filters = w.shape
    sh, sw = stride
    padded, rows, columns = pad_for_windows(x, (kh, kw), stride, padding, 0.0)
    y = np.zeros((len(x), rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            window = padded[:, i * sh : i * sh + kh, j * sw : j * sw + kw, :]
            y[:, i, j, :] = np.tensordot(window, w, axes=3) + b
    return y


def place_windows(size, kernel, stride, padding):
    """(before, after, windows) along one axis."""
    if padding == "SAME":
        return same_padding(size, kernel, stride)
    return 0, 0, (size - kernel) // stride + 1


def pad_for_windows(x, size, stride, padding, value):
    """The padded images, and the number of windows down and to the right."""
    top, bottom, rows = place_windows(x.shape[1], size[0], stride[0], padding)
    left, right, columns = place_windows(x.shape[2], size[1], stride[1], padding)
    margins = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(x, margins, constant_values=value), rows, columns
    ### END SOLUTION


# %% check="conv2d_forward" points=8
check("conv2d_forward", conv2d_forward)

# %% [markdown]
# What can a single convolution see? Three kernels chosen by hand, on one digit. Later the network
# will find its own.

# %% figure="edges_picture"
plots_layers.show_edges(conv2d_forward)

# %% [markdown]
# ## The same without loops
#
# A Python loop costs about a microsecond per turn before any arithmetic has happened. So real
# implementations turn the whole layer into what computers do best, one product of two matrices: write
# the values of each window into a row of a matrix (the trick is called *im2col*), the weights of
# each filter into a column of another, and multiply.

# %% figure="patches_picture"
plots_layers.draw_patch_matrix()

# %% [markdown]
# **Exercise.** Write `conv2d_fast` with the same result as `conv2d_forward`, but without a Python loop
# over images, output positions or filters. Two ways to get the patches:
#
# - `np.lib.stride_tricks.sliding_window_view` shows all windows without copying anything; every
#   `sh`-th and `sw`-th of them is yours. Mind the order of its axes.
# - Or loop over the few cells $(u, v)$ of the *kernel*: the slice of the padded input that starts at
#   $(u, v)$ and takes steps of `sh` and `sw` holds what cell $(u, v)$ sees in all windows at once.
#
# The check compares results, on larger arrays. The picture after it compares the times.

# %% solution="conv2d_fast"
def conv2d_fast(x, w, b, stride, padding):
    """The same as conv2d_forward, without loops over images, positions or filters."""
    ### BEGIN SOLUTION
    kh, kw, channels, filters = w.shape
    padded, rows, columns = pad_for_windows(x, (kh, kw), stride, padding, 0.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]  # (N, H', W', C, kh, kw)
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kh * kw * channels)
    y = patches @ w.reshape(-1, filters) + b
    return y.reshape(len(x), rows, columns, filters)
    ### END SOLUTION


# %% check="conv2d_fast" points=4
check("conv2d_fast", conv2d_fast)

# %% figure="speed_picture"
plots_layers.show_speed(conv2d_forward, conv2d_fast)

# %% [markdown]
# ## Convolution, backward
#
# To learn, a network must know how its loss $L$ changes with each weight. The layer above hands down
# $\mathtt{dy} = \partial L / \partial y$, as large as $y$. The chain rule turns it into the three
# gradients that belong to this layer. Start from the formula for $y$ and ask of each number: *in
# which outputs does it occur, and with which factor?*
#
# - **$b_f$** occurs in every output of map $f$, with factor 1:
# $$ \mathtt{db}_f = \sum_{n,i,j} \mathtt{dy}_{n,i,j,f} $$
# - **$w_{u,v,c,f}$** occurs in every output of map $f$ as well, each time with the pixel that cell $(u, v)$
#   of the window lies on:
# $$ \mathtt{dw}_{u,v,c,f} = \sum_{n,i,j} x_{n,\; i s_h + u,\; j s_w + v,\; c} \;\; \mathtt{dy}_{n,i,j,f} $$
# - **$x_{n,p,q,c}$** occurs once in every window that covers it, with the weight that lies on it there:
# $$ \mathtt{dx}_{n,p,q,c} = \sum_{i,u:\; i s_h + u = p} \;\; \sum_{j,v:\; j s_w + v = q} \;\;
#    \sum_f \mathtt{dy}_{n,i,j,f} \;\; w_{u,v,c,f} $$
#
# The last sum looks worse than it is. Turn it around: *each window hands its `dy`, times `w`, back to
# the very pixels it has read*. Windows overlap, so a pixel collects from several.

# %% figure="window_counts_picture"
plots_layers.draw_window_counts()

# %% [markdown]
# Positions here are those of the **padded** input, as in the forward pass. So compute the gradient
# of the padded input first, and cut off the padding at the end: `dx` is as large as `x`.
#
# **Exercise.** Write `conv2d_backward`. The loop over output positions from `conv2d_forward` is a good
# skeleton: where it read a window, it now adds to one.

# %% solution="conv2d_backward"
def conv2d_backward(dy, x, w, stride, padding):
    """Gradients of a convolution layer.

    dy: gradient of the loss with respect to the output, (N, H', W', F).
    x, w, stride, padding: as they were in the forward pass.

    Returns (dx, dw, db), with the shapes of x, w and b.
    """
    ### BEGIN SOLUTION
    kh, kw, _, _ = w.shape
    sh, sw = stride
    padded, rows, columns = pad_for_windows(x, (kh, kw), stride, padding, 0.0)
    dpadded = np.zeros(padded.shape)
    dw = np.zeros(w.shape)
    for i in range(rows):
        for j in range(columns):
            here = np.s_[:, i * sh : i * sh + kh, j * sw : j * sw + kw, :]
            dw += np.tensordot(padded[here], dy[:, i, j, :], axes=(0, 0))
            dpadded[here] += np.tensordot(dy[:, i, j, :], w, axes=(1, 3))
    top, _, _ = place_windows(x.shape[1], kh, sh, padding)
    left, _, _ = place_windows(x.shape[2], kw, sw, padding)
    dx = dpadded[:, top : top + x.shape[1], left : left + x.shape[2], :]
    return dx, dw, dy.sum(axis=(0, 1, 2))
    ### END SOLUTION


# %% [markdown]
# ### Test a gradient without knowing it
#
# There is a way to test any backward pass with nothing but the forward pass: nudge one number up and
# down by a little $\varepsilon$ and see how the loss responds,
#
# $$ \frac{\partial L}{\partial a} \approx \frac{L(a + \varepsilon) - L(a - \varepsilon)}{2 \varepsilon} . $$
#
# `gradient_check` does so for every number of every input and names the one that is furthest off. Use
# it for every backward pass that you will ever write. To try other shapes, strides and paddings, copy
# the cell into one of your own. Small and simple ones show more: one image, one channel, a 1×1 kernel.

# %% figure="convolution_gradient_check"
from utils.gradient_check import gradient_check

rng = np.random.default_rng(1)
gradient_check(
    lambda x, w, b: conv2d_forward(x, w, b, (2, 1), "SAME"),
    lambda dy, x, w, b: conv2d_backward(dy, x, w, (2, 1), "SAME"),
    {
        "x": rng.normal(size=(2, 5, 4, 2)),
        "w": rng.normal(size=(3, 2, 2, 3)),
        "b": rng.normal(size=3),
    },
)

# %% check="conv2d_backward" points=12
check("conv2d_backward", conv2d_backward)

# %% [markdown]
# ## Max pooling, forward
#
# A pooling layer makes maps smaller. Each window keeps only its largest value, channel by channel; the
# layer has no weights. What was found is kept, *where exactly* is forgotten: if an edge moves by a
# pixel, most of the output stays as it is.
#
# Windows of 2×2 at stride (2, 2) tile the image, and many programs can do only that. Yours can do more:
# windows may overlap, leave gaps, and end before the image does. With SAME padding, the padding
# **never wins** a maximum, not even if all values in the window are negative. So zeros won't do.
# What will?

# %% figure="pooling_picture"
plots_layers.draw_pooling()

# %% [markdown]
# **Exercise.** Write `maxpool_forward`.

# %% solution="maxpool_forward"
def maxpool_forward(x, size, stride, padding):
    """Max pooling layer.

    x: images (N, H, W, C).    size: window (ph, pw).
    stride: (sh, sw).    padding: "VALID" or "SAME".

    Returns y of shape (N, H', W', C).
    """
    ### BEGIN SOLUTION
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    y = np.zeros((len(x), rows, columns, x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[:, top : top + size[0], left : left + size[1], :]
            y[:, i, j, :] = window.max(axis=(1, 2))
    return y
    ### END SOLUTION


# %% check="maxpool_forward" points=5
check("maxpool_forward", maxpool_forward)

# %% [markdown]
# ## Max pooling, backward
#
# Nudge a value that is not the maximum of its window, and the output stays as it was: its gradient is
# zero. Nudge the maximum, and the output follows one to one. So each `dy` goes to the place where its
# window's maximum was, and nowhere else. Two details matter.
#
# - **Overlap.** A value can be the maximum of several windows. It collects the `dy` of each of them.
# - **Ties.** If a window holds its maximum more than once, the **first** one gets everything, in
#   reading order: row by row, from left to right. (`np.argmax` on a flattened window looks for
#   the same one.) Ties are common: after a ReLU whole regions are zero.
#
# **Exercise.** Write `maxpool_backward`.

# %% solution="maxpool_backward"
def maxpool_backward(dy, x, size, stride, padding):
    """Gradient of a max pooling layer.

    dy: gradient of the loss with respect to the output, (N, H', W', C).
    x, size, stride, padding: as they were in the forward pass.

    Returns dx, with the shape of x.
    """
    ### BEGIN SOLUTION
    ph, pw = size
    padded, rows, columns = pad_for_windows(x, size, stride, padding, -np.inf)
    dpadded = np.zeros(padded.shape)
    image, channel = np.ix_(range(x.shape[0]), range(x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            window = padded[:, top : top + ph, left : left + pw, :]
            winner = window.reshape(len(x), ph * pw, -1).argmax(axis=1)
            row, column = top + winner // pw, left + winner % pw
            dpadded[image, row, column, channel] += dy[:, i, j, :]
    above, _, _ = place_windows(x.shape[1], ph, stride[0], padding)
    before, _, _ = place_windows(x.shape[2], pw, stride[1], padding)
    return dpadded[:, above : above + x.shape[1], before : before + x.shape[2], :]
    ### END SOLUTION


# %% [markdown]
# The numeric gradient helps here, too, as long as no two values are so close that a nudge changes
# which is the larger. A shuffled list of whole numbers is safe.

# %% figure="pooling_gradient_check"
rng = np.random.default_rng(2)
gradient_check(
    lambda x: maxpool_forward(x, (3, 2), (2, 1), "SAME"),
    lambda dy, x: maxpool_backward(dy, x, (3, 2), (2, 1), "SAME"),
    {"x": rng.permutation(2 * 5 * 4 * 2).reshape(2, 5, 4, 2) - 40.0},
)

# %% check="maxpool_backward" points=7
check("maxpool_backward", maxpool_backward)

# %% [markdown]
# ## Your layers learn to read
#
# That is all it takes. The cell below builds a network from **your** functions (convolution, ReLU, max
# pooling; a dense layer and softmax come from `utils`) and trains it on 1,437 handwritten digits of
# 8×8 pixels. No framework, no other library: each weight moves along the gradient that you have
# worked out. Then it reads 360 digits by people whose handwriting it has never seen.
#
# Nothing here is graded. It takes a few seconds; if your layers are slow, training ends early.

# %% figure="training_picture"
plots_layers.watch_training(conv2d_fast, conv2d_backward, maxpool_forward, maxpool_backward)

# %% [markdown]
# With so few pixels even this small network gets most digits right. What remains between it and the
# networks of the next notebooks is not the mathematics, but size, speed, and the craft of training.
