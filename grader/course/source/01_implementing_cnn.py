# %% [markdown] needs="notebook 00; NumPy is all you need"
# # 01 · Implementing a CNN
#
# A convolutional network is made of very few kinds of layers. In the first half of this notebook you
# write two of them yourself, convolution and max pooling, forwards and backwards, with nothing but
# numpy; at the end your own layers learn to read handwritten digits. In the second half you work
# out by hand what such layers do to sizes, receptive fields and costs. Neither half needs the other: to begin with
# the [second](#Second-half:-by-hand), run the cells down to the one that imports `check`, then go there.
#
# Each exercise has a cell to fill in and a check below it. Run the check as often as you like: it
# tries your function on many shapes and tells you which failed, where, and often why.
#
# **Begin here:** write your team's id, or your own, between the quotes below. Some exercises of the
# second half draw their numbers from it.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% locked="setup"
import matplotlib.pyplot as plt
import numpy as np

from utils import check

# %% [markdown]
# ## Conventions
#
# They are TensorFlow's, and hold for the first half of this notebook.
#
# | name | shape | meaning |
# |---|---|---|
# | `x` | `(N, H, W, C)` | `N` images of `H` rows, `W` columns and `C` channels |
# | `w` | `(kh, kw, C, F)` | `F` filters of `kh` × `kw` pixels and all `C` channels |
# | `b` | `(F,)` | one bias per filter |
# | `y` | `(N, H', W', F)` | the output: one map per filter |
# | `stride` | `(sh, sw)` | steps of the window, down and to the right |
# | `padding` | | `"VALID"` or `"SAME"` |
#
# Nothing needs to be square: heights and widths, of images, windows and strides, may all differ. And
# your functions must leave their arguments as they were.

# %% [markdown]
# ### Four tools
#
# All that follows is made of four things that NumPy can do with an array of four axes. Run the cell, look at each
# shape, and change a number: what will the shape be?

# %% figure="tools"
x = np.arange(2 * 5 * 6 * 3).reshape(2, 5, 6, 3)  # two images of 5 rows, 6 columns and 3 channels
w = np.ones((2, 3, 3, 4))  # four filters of 2 × 3 pixels and 3 channels

window = x[:, 1:3, 2:5, :]  # rows 1 and 2, columns 2, 3 and 4, of all images and channels
print("a window           ", window.shape)
print("every second column", x[:, :, ::2, :].shape)
print("with a frame       ", np.pad(x, ((0, 0), (1, 1), (0, 2), (0, 0))).shape)
print("sum of products    ", np.tensordot(window, w, axes=3).shape, "over the last three axes of one, the first of the other")

# %% [markdown] minutes=20
# ## Exercise 01.1: where a window fits
#
# A window of $k$ cells slides along an axis of $n$ cells in steps of $s$. With **VALID** padding
# only windows that lie entirely inside count:
#
# $$ \text{windows} = \left\lfloor \frac{n - k}{s} \right\rfloor + 1 . $$
#
# With **SAME** padding a window starts every $s$ cells, as often as the input allows:
#
# $$ \text{windows} = \left\lceil \frac{n}{s} \right\rceil , $$
#
# and the input is extended just as far as those windows need it: from the beginning of the first
# window to the end of the last. If the number of cells to add is odd, the extra one comes **after**
# the input, that is below or to the right.

# %% figure="padding_picture"
from utils.pictures import layers as plots_layers

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

# %% [markdown] minutes=45 needs="01.1"
# ## Exercise 01.2: convolution, forward
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
# Step through it yourself: run the cell, move the window, and predict each number before you look.
# Numbers, sizes, steps and padding are yours to change. What happens at the edge with `SAME`? What
# does a kernel detect if you turn it upside down?

# %% figure="convolution_explorer"
from utils import explorers

explorers.convolution()

# %% [markdown]
# **Exercise.** Write `conv2d_forward`. Loops over the output positions are welcome here: first make
# it right. Three steps lead there.
#
# 1. Padding and number of windows, for each of the two axes: yours from above, or VALID's.
# 2. The padded input: `np.pad` with one pair of numbers per axis.
# 3. For each output position the window, and the sum of its products with `w`. `np.tensordot` adds up
#    products over several axes at once; or use four more loops.

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

# %% [markdown] minutes=30 needs="01.2"
# ## Exercise 01.3: the same without loops
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
# The check compares results, on larger arrays. Three of them have more than half a million outputs and a
# second of processor time each: enough for a loop over the kernel's cells fifty times over, and too
# little for one over images, positions or filters. Who loops there earns half of the points. The
# picture after the check compares the times.

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

# %% [markdown] minutes=60 needs="01.2"
# ## Exercise 01.4: convolution, backward
#
# To learn, a network must know how its loss $L$ changes with each weight. The layer above hands down
# $\mathtt{dy} = \partial L / \partial y$, an array of the same shape as $y$. The chain rule turns it into the three
# gradients that belong to this layer. Start from the formula for $y$ and ask of each number: *in
# which outputs does it occur, and with which factor?*
#
# - **$b_f$** occurs in every output of map $f$, with factor 1:
# $$ \mathtt{db}_f = \sum_{n,i,j} \mathtt{dy}_{n,i,j,f} $$
# - **$w_{u,v,c,f}$** occurs in every output of map $f$ as well, each time with the pixel that cell $(u, v)$
#   of the window lies on:
# $$ \mathtt{dw}_{u,v,c,f} = \sum_{n,i,j} x_{n,\; i s_h + u,\; j s_w + v,\; c} \;\; \mathtt{dy}_{n,i,j,f} $$
# - **$x_{n,p,q,c}$** occurs once in every window that covers it, multiplied by the weight at that position:
# $$ \mathtt{dx}_{n,p,q,c} = \sum_{i,u:\; i s_h + u = p} \;\; \sum_{j,v:\; j s_w + v = q} \;\;
#    \sum_f \mathtt{dy}_{n,i,j,f} \;\; w_{u,v,c,f} $$
#
# The last sum looks worse than it is. Turn it around: *each window hands its `dy`, times `w`, back to
# the very pixels it has read*. Windows overlap, so a pixel collects from several.

# %% figure="window_counts_picture"
plots_layers.draw_window_counts()

# %% [markdown]
# Choose a pixel below, and see who sends gradient to it, and through which weight. Why is it fewer in a
# corner? Try a stride that is larger than the kernel.

# %% figure="backward_explorer"
from utils import explorers

explorers.convolution("backward")

# %% [markdown]
# Positions here are those of the **padded** input, as in the forward pass. So compute the gradient
# of the padded input first, and cut off the padding at the end: `dx` has the shape of `x`.
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
from utils.exercises.gradient_check import gradient_check

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

# %% [markdown] minutes=25 needs="01.1"
# ## Exercise 01.5: max pooling, forward
#
# A pooling layer makes maps smaller. Each window keeps only its largest value, channel by channel; the
# layer has no weights. What was found is kept, *where exactly* is forgotten: if an edge moves by a
# pixel, most of the output stays as it is.
#
# *Average pooling* keeps the mean of each window in its place: all values count, and one strong value among weak ones
# is watered down. Between convolutions the maximum is more common; averages are taken at the end of many
# nets, where each map becomes a single number (*global average pooling*).
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

# %% [markdown] minutes=40 needs="01.5"
# ## Exercise 01.6: max pooling, backward
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
# (An average would be fair: each value of a window of four gets a quarter of its `dy`.)
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

# %% [markdown]
# # Second half: by hand
#
# Now take pencil and paper: what a layer makes of sizes, how far a unit sees, what a filter costs. If you
# can work that out on paper, you can plan a network before you run it, and find the mistake when it
# doesn't run. (Letters change here, as in most books: $N$ is the width of an input, no longer a number of
# images, $F$ the size of a filter, $P$ the zeros on each side, $S$ the stride.)
#
# Several exercises have numbers of your own, drawn from `STUDENT_ID`. Talk with your neighbours about
# the method; the results won't agree. Answers are filled in where you see `None`. The checks name the
# part that is wrong, but not the right value.

# %% locked="own_numbers"
from utils.exercises import by_hand

own = by_hand.numbers_of(STUDENT_ID)

# %% [markdown]
# If this cell complained, go back to the top, write your id into the cell with `STUDENT_ID`, and run
# both cells again.

# %% [markdown] minutes=20
# ## Exercise 01.7: one row of numbers
#
# One dimension shows all there is to stride and padding. A filter of $F$ weights lies on $F$
# neighbouring values, multiplies value by weight, and adds up. Then it moves on by the **stride** $S$.
# With **padding** $P$ the input first gets $P$ zeros on *each* side.

# %% figure="sliding_window_picture"
from utils.pictures import by_hand as plots_by_hand

plots_by_hand.draw_sliding_window()

# %% [markdown]
# Two conventions hold in all of this notebook:
#
# * The first weight meets the first value of the window; nothing is flipped.
# * A window that doesn't fit entirely into the padded input is dropped. What it would have covered is
#   left over, as on the right. So on $N$ values there are
#   $\left\lfloor \dfrac{N - F + 2P}{S} \right\rfloor + 1$ outputs.
#
# Here are your own input $x$ (nine values) and filter $w$ (three weights):

# %% figure="own_sequence_picture"
plots_by_hand.show_sequence(own)

# %% [markdown]
# **Exercise.** Work out the output for each of the five settings, without a bias, and write it down as
# a list of numbers.

# %% solution="conv1d_by_hand"
outputs = {
    "S=1, P=0": None,
    "S=2, P=0": None,
    "S=4, P=0": None,
    "S=1, P=1": None,
    "S=4, P=1": None,
}
### BEGIN SOLUTION
for name, (stride, zeros) in by_hand.STEPS.items():
    padded = [0] * zeros + list(own.x) + [0] * zeros
    starts = range(0, len(padded) - 2, stride)
    outputs[name] = [
        sum(value * weight for value, weight in zip(padded[i : i + 3], own.w)) for i in starts
    ]
### END SOLUTION

# %% check="conv1d_by_hand" points=4
check("conv1d_by_hand", outputs, student=STUDENT_ID)

# %% [markdown]
# **Exercise.** For which of the five settings has the output as many values as the input? Give their
# names in a list, such as `["S=2, P=0", "S=4, P=0"]`.

# %% solution="keeps_the_size"
settings_that_keep_the_size = None
### BEGIN SOLUTION
settings_that_keep_the_size = ["S=1, P=1"]
### END SOLUTION

# %% check="keeps_the_size" points=2
check("keeps_the_size", settings_that_keep_the_size)

# %% [markdown] minutes=25 needs="01.7"
# ## Exercise 01.8: two filters over three channels
#
# An image has three channels, and a filter reaches through all of them: a filter "of size 2 × 2" on an
# RGB image has 2 × 2 × 3 weights. All twelve products go into **one** sum, the filter's bias is added,
# and that is one value of one map. These numbers are the same for everybody:

# %% figure="volume_picture"
plots_by_hand.draw_volume()

# %% [markdown]
# **Exercise.** Without padding: how many maps come out? And what is the size of the output volume at
# $S = 1$ and at $S = 2$? Write volumes as `[height, width, maps]`.

# %% solution="output_volumes"
volumes = {"maps": None, "S=1": None, "S=2": None}
### BEGIN SOLUTION
volumes = {"maps": 2, "S=1": [3, 4, 2], "S=2": [2, 2, 2]}
### END SOLUTION

# %% check="output_volumes" points=2
check("output_volumes", volumes)

# %% [markdown]
# **Exercise.** Choose a filter size $F$ (the filter is $F \times F$), a padding $P$ on each side and a
# stride $S$ so that the output is again 4 high and 5 wide. There are many right answers.

# %% solution="size_preserving_choice"
choice = {"filter size": None, "padding": None, "stride": None}
### BEGIN SOLUTION
choice = {"filter size": 3, "padding": 1, "stride": 1}
### END SOLUTION

# %% check="size_preserving_choice" points=2
check("size_preserving_choice", choice)

# %% [markdown]
# **Exercise.** Now the values, at $S = 1$ and $P = 0$. Twenty-four sums of twelve products are a job for
# a spreadsheet: open [data/convolution_by_hand.xlsx](../data/convolution_by_hand.xlsx), which holds these numbers and empty cells for the
# sums of each channel and for the two maps. One formula, with absolute references to the filter, can
# be copied to a whole block. Then copy both maps here, row by row.

# %% solution="conv2d_by_hand"
maps = {  # each a list of rows: [[…, …, …, …], […], […]]
    "map 1": None,
    "map 2": None,
}
### BEGIN SOLUTION
for f in range(2):
    maps[f"map {f + 1}"] = [
        [
            int((by_hand.VOLUME[i : i + 2, j : j + 2] * by_hand.FILTERS[..., f]).sum())
            + int(by_hand.BIASES[f])
            for j in range(4)
        ]
        for i in range(3)
    ]
### END SOLUTION

# %% check="conv2d_by_hand" points=4
check("conv2d_by_hand", maps)

# %% [markdown] minutes=15
# ## Exercise 01.9: flipped or not
#
# What deep learning calls convolution is, strictly, a **cross-correlation**. The two differ in a sign:
#
# $$ \begin{aligned}
#    \text{cross-correlation:}\quad & \sum_{m,n} I(i+m,\, j+n)\, K(m,n) \\
#    \text{convolution:}\quad & \sum_{m,n} I(i-m,\, j-n)\, K(m,n)
#    \end{aligned} $$
#
# With minus signs the kernel is read backwards in both directions: convolution is cross-correlation
# with the kernel turned by 180°. An image with a single 1 shows it.

# %% figure="flip_picture"
plots_by_hand.draw_flip()

# %% [markdown]
# To a network it makes no difference: it would learn the turned kernel instead. To mathematics it
# does: convolution is commutative and associative, $(I * f_1) * f_2 = I * (f_1 * f_2)$, which will be
# useful below, and cross-correlation is not.

# %% figure="own_image_picture"
plots_by_hand.show_image_and_kernel(own)

# %% [markdown]
# **Exercise.** Work out both for your own image and kernel, only where the kernel lies entirely on the
# image. Each result has two rows of three values.

# %% solution="flipped_or_not"
results = {  # each [[…, …, …], […, …, …]]
    "cross-correlation": None,
    "convolution": None,
}
### BEGIN SOLUTION
for name, kernel in (("cross-correlation", own.kernel), ("convolution", own.kernel[::-1, ::-1])):
    results[name] = [
        [int((own.image[i : i + 2, j : j + 2] * kernel).sum()) for j in range(3)] for i in range(2)
    ]
### END SOLUTION

# %% check="flipped_or_not" points=3
check("flipped_or_not", results, student=STUDENT_ID)

# %% [markdown] minutes=20 needs="01.7"
# ## Exercise 01.10: zeros at the edge
#
# `VALID` and `SAME` are TensorFlow's names for "no zeros" and "as many zeros as it takes". For an input
# of $m$ values, a kernel of $k$ and stride $s$, `SAME` promises $\lceil m / s \rceil$ outputs and adds
#
# $$ \max\bigl( (\lceil m / s \rceil - 1)\, s + k - m,\; 0 \bigr) $$
#
# zeros in all; half of them, rounded down, on the left, and the rest on the right.

# %% locked="padding_rows"
for name, (m, k) in own.padding.items():
    print(f"{name:14}  m = {m:2}, k = {k}")

# %% [markdown]
# **Exercise.** Fill in the table for stride 1 and your own $m$ and $k$. Each row is
# `[outputs, zeros on the left, zeros on the right, zeros in all]`.

# %% solution="padding_table"
padding_table = {  # each […, …, …, …]
    "VALID, odd k": None,
    "VALID, even k": None,
    "SAME, odd k": None,
    "SAME, even k": None,
}
### BEGIN SOLUTION
for name, (m, k) in own.padding.items():
    zeros = k - 1 if name.startswith("SAME") else 0
    padding_table[name] = [m + zeros - k + 1, zeros // 2, zeros - zeros // 2, zeros]
### END SOLUTION

# %% check="padding_table" points=2
check("padding_table", padding_table, student=STUDENT_ID)

# %% [markdown] minutes=20
# ## Exercise 01.11: what a neuron sees
#
# A neuron, or *unit*, is one value of a map. Its **receptive field** is the part of the image that can change it.
# In the first layer that is just the window. Further up, a window of a window sees more. Count how much
# more in the picture: on the left each layer's windows overlap; on the right the lower layer has stride
# 2, and its three units lie further apart.

# %% figure="cone_picture"
plots_by_hand.draw_cones()

# %% [markdown]
# There is another way to see it. By associativity, $(I * f_1) * f_2 = I * (f_1 * f_2)$: two filters
# in a row act like one, $f_1 * f_2$, and its size is the receptive field. To find that size let $I$ be a
# single 1 and see how far it spreads. A stride in the first layer corresponds to zeros put between
# the weights of $f_2$.
#
# **Exercise.** How large is the receptive field of a unit in the last layer of these nets? Give the
# length of its side.
#
# | net | layers | stride |
# |---|---|---|
# | i | one convolution 7×7 | 1 |
# | ii | three convolutions 3×3 | 1 |
# | iii | a convolution 5×5, then one of 3×3 | 1 |
# | iv | a convolution 5×5, then one of 3×3 | 2 in the first, 1 in the second |

# %% solution="receptive_fields"
sides = {"i": None, "ii": None, "iii": None, "iv": None}
### BEGIN SOLUTION
sides = {"i": 7, "ii": 1 + 2 + 2 + 2, "iii": 1 + 4 + 2, "iv": 1 + 4 + 2 * 2}
### END SOLUTION

# %% check="receptive_fields" points=4
check("receptive_fields", sides)

# %% [markdown] minutes=20
# ## Exercise 01.12: what a filter costs
#
# Nets i and iii see equally far. Do they cost the same? Let the image have one channel and $n \times n$
# pixels, let each layer have a single filter, stride 1, no padding (`VALID`) and no biases, and let there
# be nothing between the layers. We count
#
# * **weights, shared**: the numbers stored by a convolution, which uses one filter everywhere;
# * **weights, not shared**: those stored if every output position of every layer had a filter of its
#   own (a locally connected layer);
# * **multiplications**: those needed for the whole last map, where each value of a map in between is
#   computed once and kept;
# * **multiplications for one output** of net iii: those needed if only a single value of the last
#   map is wanted, and nothing else has been computed.

# %% locked="cost_numbers"
n = own.side
print(f"your image: n × n with n = {n}")

# %% [markdown]
# **Exercise.** Fill in the numbers for your own $n$. A product such as `7 * 7` may be left to Python.

# %% solution="weights_and_multiplications"
costs = {
    "i: weights, shared": None,
    "i: weights, not shared": None,
    "i: multiplications": None,
    "iii: weights, shared": None,
    "iii: weights, not shared": None,
    "iii: multiplications": None,
    "iii: multiplications for one output": None,
}
### BEGIN SOLUTION
last, first = (n - 6) ** 2, (n - 4) ** 2  # values in the last map, and in iii's first one
costs = {
    "i: weights, shared": 49,
    "i: weights, not shared": 49 * last,
    "i: multiplications": 49 * last,
    "iii: weights, shared": 25 + 9,
    "iii: weights, not shared": 25 * first + 9 * last,
    "iii: multiplications": 25 * first + 9 * last,
    "iii: multiplications for one output": 9 * 25 + 9,
}
### END SOLUTION

# %% check="weights_and_multiplications" points=4
check("weights_and_multiplications", costs, student=STUDENT_ID)

# %% [markdown]
# So sharing saves weights and not multiplications, and small filters in a row save both, as long as
# what lies between them is computed once. (In return they can't be any 7×7 filter: 34 numbers
# can't stand for 49.)

# %% [markdown] minutes=25 needs="01.11"
# ## Exercise 01.13: strides multiply
#
# Now for any net. Describe it by a list of `(kernel, stride)` from the image upwards, and forget about
# the edges of the image. Walk up the layers and keep two numbers in mind: how much a unit sees, and how
# many pixels apart two neighbouring units look.
#
# **Exercise.** Write `receptive_field`. If strides are larger than kernels there are gaps; the receptive
# field then reaches from the first pixel seen to the last. Without any layer, a unit is a pixel and sees
# itself.

# %% solution="receptive_field"
def receptive_field(layers):
    """Side of the receptive field of a unit in the last layer.

    layers: list of (kernel, stride), the layer next to the image first; may be empty.

    Returns an integer.
    """
    ### BEGIN SOLUTION
    side, distance = 1, 1  # what a unit sees; how far apart neighbours look
    for kernel, stride in layers:
        side += (kernel - 1) * distance
        distance *= stride
    return side
    ### END SOLUTION


# %% check="receptive_field" points=4
check("receptive_field", receptive_field)

# %% figure="growth_picture"
plots_by_hand.draw_growth(receptive_field)

# %% [markdown]
# **Question.** Explain how the support grows with the stride, and with the number of layers. Why does a
# layer's own stride not widen its own receptive field? You may argue with windows, or with filters
# into which zeros were inserted.

# %% [markdown] essay="how_support_grows" points=3
# ### BEGIN SOLUTION
# A layer with kernel $k$ adds $(k-1)\,d$ to the side, where $d$ is the distance, in pixels, at which
# neighbouring units of the layer below look. $d$ is the product of the strides of all layers below:
# $r = 1 + \sum_i (k_i - 1) \prod_{j<i} s_j$. With strides 1 the support grows linearly with depth; with
# strides $s > 1$ in every layer the increments grow by a factor $s$ from layer to layer, so the support
# grows exponentially, like $s^{L-1}$. A layer's own stride decides where its next unit looks, not how
# much one unit looks at; it counts only for the layers above. With filters: a second filter after
# stride $s$ acts on the image like a filter with $s - 1$ zeros between neighbouring weights, whose size
# is $(k_2 - 1)s + 1$; convolved with the first filter this gives $k_1 + (k_2 - 1)s$.
#
# **Rubric**
#
# - 3 points: says that increments are multiplied by the product of the strides below, concludes linear
#   against exponential growth (or gives the formula), and explains why the own stride doesn't count
# - 1.5 points: says that strides enlarge the step of the layers above, but without the product, or
#   without the reason why the own stride doesn't count
# - 0 points: only says that more stride means more support, or confuses stride and kernel size
# ### END SOLUTION

# %% [markdown] minutes=60
# ## Exercise 01.14: deep instead of wide
#
# A shallow net with one hidden layer of $n$ ReLU units computes, for $x \in \mathbb{R}^d$,
#
# $$ f(x) = \sum_{j=1}^{n} a_j\, h_j(x), \qquad h_j(x) = \mathrm{ReLU}(w_j \cdot x + b_j). $$
#
# The same function can be had from a deep net with layers of constant width. If all $a_j$ and all
# inputs are positive it is easy: compute one $h_j$ in each layer, hand $x$ on to the next, and
# collect the terms in a running sum $s$. Positive numbers pass a ReLU unharmed.

# %% figure="chain_picture"
plots_by_hand.draw_chain()

# %% [markdown]
# Without that assumption two things break. The inputs may be negative, and so may the sum on its way,
# even where the final result isn't:

# %% figure="partial_sums_picture"
plots_by_hand.draw_partial_sums()

# %% [markdown]
# **Exercise.** Write `build_deep` for $a_j$ and $x$ of any sign. It returns the layers of a net that
# computes exactly $f(x)$ for **every** $x \in \mathbb{R}^d$. The check runs your net: ReLU follows every layer
# except the last. It must be deep rather than wide:
#
# * no hidden layer has more than $4(d+2)$ units, however large $n$ is;
# * all hidden layers together have $O(n)$ units: at most $8(d+2)(n+1)$.

# %% solution="build_deep"
def build_deep(w, b, a):
    """A deep, narrow ReLU net that computes f(x) = sum over j of a[j] ReLU(w[j] · x + b[j]).

    w: (n, d).    b: (n,).    a: (n,), of any sign.

    Returns a list of layers (W, b), the one next to the input first: W of shape (outputs, inputs), b of
    shape (outputs,). A layer computes W @ h + b; all but the last are followed by ReLU. The last one
    has one output.
    """
    ### BEGIN SOLUTION
    n, d = w.shape
    eye = np.eye(d)
    size = 2 * d + 3  # units: ReLU(x), ReLU(-x), positive sum, negative sum, h_j
    layers = [
        (
            np.vstack([eye, -eye, np.zeros((2, d)), w[:1]]),
            np.concatenate([np.zeros(2 * d + 2), b[:1]]),
        )
    ]
    for j in range(1, n):
        step = np.zeros((size, size))
        step[: 2 * d + 2, : 2 * d + 2] = np.eye(2 * d + 2)  # hand on x and both sums
        step[2 * d, -1] = max(a[j - 1], 0)
        step[2 * d + 1, -1] = max(-a[j - 1], 0)
        step[-1, :d], step[-1, d : 2 * d] = w[j], -w[j]  # w · (ReLU(x) - ReLU(-x)) = w · x
        layers.append((step, np.concatenate([np.zeros(size - 1), b[j : j + 1]])))
    last = np.zeros((1, size))
    last[0, -3:] = 1, -1, a[-1]
    return [*layers, (last, np.zeros(1))]
    ### END SOLUTION


# %% check="build_deep" points=6
check("build_deep", build_deep)

# %% [markdown]
# **Question.** Prove that every shallow net with $n$ hidden ReLU units equals a deep net of constant width
# with $O(n)$ units, without assuming $a_j > 0$. State what each unit of a layer holds, why ReLU does
# it no harm, and how many units there are.

# %% [markdown] essay="deep_for_shallow" points=4
# ### BEGIN SOLUTION
# Let layer $j$ hold $2d + 3$ units: $x^+ = \mathrm{ReLU}(x)$, $x^- = \mathrm{ReLU}(-x)$, two sums
# $P_j = \sum_{i<j,\, a_i>0} a_i h_i(x)$ and $N_j = \sum_{i<j,\, a_i<0} (-a_i) h_i(x)$, and $h_j(x)$.
# *Claim:* each layer can be computed from the one below by a linear map and ReLU. By induction: for
# $j = 1$ the sums are zero and the rest are ReLUs of linear functions of $x$. From $j$ to $j+1$:
# $x^+, x^-$ are not negative, so $\mathrm{ReLU}(x^\pm) = x^\pm$. $P_{j+1} = \mathrm{ReLU}(P_j + \max(a_j, 0) h_j)$
# and $N_{j+1} = \mathrm{ReLU}(N_j + \max(-a_j, 0) h_j)$, since sums of terms that aren't negative are not
# negative and ReLU leaves them alone. $h_{j+1} = \mathrm{ReLU}(w_{j+1} \cdot (x^+ - x^-) + b_{j+1})$, for
# $x = x^+ - x^-$. The last layer is linear: $P_n - N_n + a_n h_n = \sum_j a_j h_j = f(x)$. There are $n$
# hidden layers of $2d+3$ units: $(2d+3)\,n = O(n)$ neurons for fixed $d$. The sign that the assumption
# excluded is applied only at the end, where there is no ReLU.
#
# **Rubric**
#
# - 4 points: a construction that holds for all signs of $a_j$ and $x$, an argument for every kind of unit
#   why ReLU doesn't change it, and the count of neurons
# - 2 points: the right idea (two sums, or a pair for a signed sum, or an offset with its bound), but a
#   gap: $x$ is not carried on properly, ReLU's effect is not argued, or the count is missing
# - 0 points: assumes $a_j > 0$ after all, or describes a net that is still wide or needs more than O(n)
# ### END SOLUTION

# %% [markdown] minutes=20
# ## Exercise 01.15: what training can't promise
#
# Finding weights with which even a tiny net classifies a given training set without error is an
# NP-complete problem. Yet gradient descent stops: where the gradient vanishes nothing changes any more.
#
# **Question.** Suppose that gradient descent always got there after a fixed number of operations,
# whatever the initial weights. Would that necessarily contradict the NP-completeness of training? Explain.

# %% [markdown] essay="training_complexity" points=3
# ### BEGIN SOLUTION
# No. NP-completeness is a statement about *finding the best weights* (or deciding whether weights with
# zero error exist). Gradient descent, by assumption, finds in fixed time a point where the gradient
# vanishes, and such a point may be a local minimum, a saddle or a plateau, with an error that says
# nothing about the best one. Deciding the hard problem would need a guarantee that some start leads to a
# global minimum; restarts don't help in general, since the number of basins may grow exponentially
# with the size of the net. If stops were known to be global minima (as in a convex problem), or if
# few restarts were sure to meet one, then we would have a polynomial algorithm, and P = NP would follow.
#
# **Rubric**
#
# - 3 points: no; a vanishing gradient doesn't mean a global minimum, and the NP-complete problem asks for
#   the global one; says what would have to hold for a contradiction, or why restarts don't help
# - 1.5 points: no, with local minima mentioned, but not related to what the NP-complete problem asks
# - 0 points: yes, or no with a reason that has nothing to do with local against global minima
# ### END SOLUTION

# %% [markdown] minutes=60 needs="01.13"
# ## Exercise 01.16: looking back (optional, bonus)
#
# A few questions to see whether everything has found its place. Two to five sentences each will do.
#
# **a)** What is the difference between a `Dense` and a `Conv2D` layer in Keras?

# %% [markdown] essay="dense_and_conv2d" points=2 bonus=true
# ### BEGIN SOLUTION
# In a `Dense` layer each unit is connected to all values of its input, each connection with a weight of its
# own; the input is a flat vector. In a `Conv2D` layer each unit is connected only to a small window
# (through all channels), and all units of a map share the same weights; the input keeps its height, width
# and channels. So `Conv2D` needs far fewer weights, their number doesn't depend on the image's size, and a
# shifted input gives a shifted output.
#
# **Rubric**
#
# - 2 points: names local connections and shared weights, and a consequence (fewer weights, kept layout,
#   shifts)
# - 1 point: names one of local connections and weight sharing
# - 0 points: neither, or confuses the two layers
# ### END SOLUTION

# %% [markdown]
# **b)** What does it mean that a convolutional network "preserves the spatial structure"?

# %% [markdown] essay="spatial_structure" points=2 bonus=true
# ### BEGIN SOLUTION
# Input and output of a convolution are both laid out in height and width, and the output at a position
# comes from the input around that position. So neighbouring values stay neighbours, and where something
# is found can be read off the map. A dense layer needs the image flattened and mixes all positions; to it,
# any fixed shuffling of the pixels would be equally good.
#
# **Rubric**
#
# - 2 points: neighbours stay neighbours, position in the map corresponds to position in the image, in
#   contrast to flattening
# - 1 point: says that the image isn't flattened, without saying what is gained
# - 0 points: something else, such as that the size stays the same
# ### END SOLUTION

# %% [markdown]
# **c)** Describe the operations that take place when a filter is convolved with an input such as an image. By
# which hyper-parameters is the convolution defined?

# %% [markdown] essay="what_a_filter_does" points=2 bonus=true
# ### BEGIN SOLUTION
# The input is padded if asked for. At each position the filter is laid on a window, through all
# channels; values and weights are multiplied element by element, all products are added to one number, and
# the filter's bias is added. Then the window moves on by the stride. The results of one filter make
# one map; the maps of all filters are stacked to the output volume. Hyper-parameters: height and
# width of the filter, number of filters, stride, padding (the depth of a filter is given by the input). The
# weights and biases are learned.
#
# **Rubric**
#
# - 2 points: products, sum over window and channels, bias, sliding; and size, number of filters, stride
#   and padding
# - 1 point: operations without channels or bias, or an incomplete list of hyper-parameters
# - 0 points: neither operations nor hyper-parameters are right
# ### END SOLUTION

# %% [markdown]
# **d)** A 64×64 RGB image goes through a 3×3 convolution (8 filters, `SAME`), max pooling 2×2 with stride
# 2, and a second 3×3 convolution (16 filters, `SAME`). Rows and columns are counted from 0. Take one unit
# of the last layer, in the row and column printed below.

# %% locked="review_numbers"
row, column = own.unit
print(f"your unit: row {row}, column {column}")
print(f"for question e), your input: W = {own.width}")

# %% [markdown]
# **Exercise.** How many activation maps does the last layer have, and of what size `[height, width]`? What is
# the side of the unit's receptive field in the image? Which rows does it see, as `[first, last]`, both
# included, and which columns?

# %% solution="unit_and_map"
unit = {"maps": None, "map size": None, "side": None, "rows": None, "columns": None}
### BEGIN SOLUTION
unit = {
    "maps": 16,
    "map size": [32, 32],
    "side": 3 + 1 + 2 * 2,
    "rows": [2 * (row - 1) - 1, 2 * (row + 1) + 1 + 1],
    "columns": [2 * (column - 1) - 1, 2 * (column + 1) + 1 + 1],
}
### END SOLUTION

# %% check="unit_and_map" points=2 bonus=true
check("unit_and_map", unit, student=STUDENT_ID)

# %% [markdown]
# **Question.** Define *receptive field* and *activation map*.

# %% [markdown] essay="field_and_map" points=2 bonus=true
# ### BEGIN SOLUTION
# The receptive field of a unit is the region of the input image that can influence its value: the filter's
# window in the first layer, and larger with every layer above and every stride below. An activation map
# is the two-dimensional array of outputs of one filter at all positions: each value says how strongly
# that filter's pattern is present in the receptive field at that place. All units of a map share
# their weights and differ in their receptive fields.
#
# **Rubric**
#
# - 2 points: both defined: the part of the input that influences one unit, and one filter's outputs over all
#   positions
# - 1 point: one of them
# - 0 points: neither
# ### END SOLUTION

# %% [markdown]
# **e)** **Exercise.** For your own input width $W$ (printed above): how wide is the output for each of these
# filter sizes $F$, strides $S$, and $P$ zeros on each side?

# %% solution="output_sizes"
widths = {
    "F=3, S=1, P=0": None,
    "F=5, S=1, P=2": None,
    "F=5, S=2, P=2": None,
    "F=4, S=3, P=1": None,
}
### BEGIN SOLUTION
for name, (size, stride, zeros) in by_hand.SIZES.items():
    widths[name] = (own.width - size + 2 * zeros) // stride + 1
### END SOLUTION

# %% check="output_sizes" points=2 bonus=true
check("output_sizes", widths, student=STUDENT_ID)

# %% [markdown]
# **Question.** Explain the effect of stride and of zero-padding, on the size of the output and beyond.

# %% [markdown] essay="stride_and_padding" points=2 bonus=true
# ### BEGIN SOLUTION
# A stride $S$ keeps only every $S$-th position: the output is about $S$ times smaller in each direction,
# computing costs fall by $S^2$, the layers above see $S$ times further, and fine positions are lost. Zero-padding
# lets windows begin outside the image: the output gets larger by $2P$ positions before striding, with
# $P = (F-1)/2$ at stride 1 it is as large as the input, so that many layers can follow each other; pixels at the
# edge are seen as often by windows centred there, at the price of zeros that were never in the image.
#
# **Rubric**
#
# - 2 points: effect on the size of both, and a further effect (receptive field, cost, the edge, depth)
# - 1 point: effect on the size of both, or one of the two fully
# - 0 points: effects are wrong
# ### END SOLUTION

# %% [markdown]
# **f)** **Exercise.** Write `conv_parameters`: how many weights and how many biases does a convolution layer
# have?

# %% solution="conv_parameters"
def conv_parameters(kernel, channels, filters, use_bias):
    """Number of parameters of a convolution layer.

    kernel: (height, width).    channels: of the input.    filters: number of filters.
    use_bias: whether the layer has biases.

    Returns (weights, biases), two integers.
    """
    ### BEGIN SOLUTION
    height, width = kernel
    return height * width * channels * filters, filters if use_bias else 0
    ### END SOLUTION


# %% check="conv_parameters" points=2 bonus=true
check("conv_parameters", conv_parameters)

# %% [markdown]
# **g)** What is a max pooling layer, and what is its role in a convolutional network? How does average pooling
# differ, forwards and backwards, and where would you take which?

# %% [markdown] essay="role_of_max_pooling" points=2 bonus=true
# ### BEGIN SOLUTION
# A max pooling layer slides a window over each map by itself, usually 2×2 with stride 2, and keeps the
# largest value. It has no weights. It makes maps smaller, which saves computing and memory and lets the
# layers above see further, and it makes them less sensitive to small shifts: whether a pattern was found
# matters more than exactly where. The number of maps stays the same. Average pooling keeps the mean of each window:
# every value counts, so it smooths, and a strong response among weak ones is watered down. Backwards, it shares the
# gradient out evenly, where max pooling gives all of it to the winner. I would take the maximum between
# convolutions, where it matters whether a feature is there, and averages over whole maps before the last layer, in place
# of flattening, as GoogLeNet and ResNet do: no weights, and the size of the image doesn't matter.
#
# **Rubric**
#
# - 2 points: largest value per window and map; its role (smaller maps, tolerance to small shifts); and how the mean
#   differs, with a place for each
# - 1 point: one of the three is missing
# - 0 points: no more than one of them
# ### END SOLUTION

# %% [markdown]
# ## A net of your own
#
# You have done it all by hand; from here on, let the machine count. Stack layers and watch what each
# makes of the image, what it costs, and how far a unit sees. Some things to try:
#
# - Five small convolutions see as far as one window of which size? Which is cheaper?
# - Where do most parameters sit, and where are most multiplications done?
# - How few layers does it take until one unit sees the whole image? And with strides of 2?
# - Put a unit into a corner: how much of what it could see lies outside of the image?
#
# **Further reading.** Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, 2016,
# [arxiv.org/abs/1603.07285](https://arxiv.org/abs/1603.07285).

# %% figure="shape_explorer"
from utils import explorers

explorers.shapes()
