# %% [markdown] needs="notebook 03"
# # 04 · Seeing what a network sees
#
# A trained network is a quarter of a million numbers, or sixty million, and none of them says what
# it is for. In this notebook you look inside: at the filters, at what an image becomes on its way
# through the layers, at the pixels that a decision depends on. Then you turn the question round and
# *make* images: one that the network takes for the perfect three, one that drives a single unit
# to just the value you want. And finally you cover parts of a photograph to find out where the
# network looks.
#
# All exercises ask networks that are done, one of them yours, and take seconds; the whole notebook runs in about
# a minute on two processor cores.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% [markdown]
# **The network is chosen here**, and nowhere else. `"mini"` belongs to the course: five
# convolutions and three dense layers, named `conv1` to `fc8` as in the famous AlexNet of 2012,
# trained to read digits on photographs. `"own"` is a net that *you* trained: `OWN` says which one of
# notebook 03, `"best"` (by validation accuracy) or its name there, such as `"augmented"`. If you have
# their weights, or are online, `"alexnet"`, `"mobilenet"`, `"vgg16"`, `"resnet50"` or `"inception_v3"`
# work with the same code, and see a cat, a cup of coffee and a rocket. Exercise 04.2 opens the mini net
# and your own. All other checks in this notebook ask the mini net and tiny networks whose answers are
# known exactly.

# %%
NET = "mini"
OWN = "best"

# %% locked="setup"
import matplotlib.pyplot as plt
import numpy as np

from utils import check
from utils.exercises import comparing, visualizing
from utils.nets import toy as nets, pretrained, quiet
from utils.pictures import compared, maps as plots_maps, visualizing as plots

keras = quiet.import_keras()
tf = quiet.import_tensorflow()

# %% [markdown]
# What a network gives you:
#
# - `net.logits(images)`: for each image one *score* per class, before softmax. `images` has the
#   shape `(N, height, width, 3)`, with pixels in [0, 1]; preprocessing is included, and gradients
#   pass.
# - `net.probabilities(images)`: the same after softmax.
# - `net.model`: the Keras model itself, which takes what `net.preprocess(images)` returns.
# - `net.input_size`, `net.class_names`.

# %% figure="the_net"
net = visualizing.load(NET, OWN)
photos = visualizing.photographs(net)
for name, shape in visualizing.layers(net).items():
    print(f"{name:24} puts out {shape}")
plots.photographs(photos)
plt.show()

# %% [markdown] minutes=25
# ## Exercise 04.1: filters
#
# The first layer looks at the image itself, so its filters can be looked at as images: a filter
# answers most to a patch that looks like itself. Weights have both signs, and zero means "this
# pixel does not matter". A good picture shows that: **zero is middle grey**, whatever the other
# weights are,
#
# $$ \text{picture} = 0.5 + \frac{w}{2\,\max|w|}, $$
#
# where the maximum is taken over all weights of that one filter that the picture shows. Deeper layers have
# many input maps in place of three colours; show the weights for the first of them, in grey.
#
# `net.model.get_layer(layer).kernel` has the shape $(k_h, k_w, C_{in}, C_{out})$.

# %% solution="filter_pictures"
def filter_pictures(net, layer):
    """The filters of a convolutional layer as pictures with values in [0, 1].

    net: a PretrainedNet.    layer: the layer's name.

    Returns an array (C_out, kh, kw, 3) if the layer has three input maps, otherwise (C_out, kh, kw): the
    weights for the first input map.
    """
    kernel = np.asarray(net.model.get_layer(layer).kernel)
    ### BEGIN SOLUTION
    filters = np.moveaxis(kernel, -1, 0)
    if filters.shape[-1] != 3:
        filters = filters[..., 0]
    axes = tuple(range(1, filters.ndim))
    return 0.5 + filters / (2 * np.abs(filters).max(axis=axes, keepdims=True))
    ### END SOLUTION


# %% check="filter_pictures" points=3
check("filter_pictures", nets.on_net(filter_pictures))

# %% [markdown]
# Many small pictures are seen best in a grid, row by row, with a white line of one pixel between
# neighbours (not around the whole). Places in the last row that stay empty are white, too.

# %% solution="grid"
def grid(pictures, columns):
    """Pictures side by side in one.

    pictures: (N, h, w) or (N, h, w, 3), values in [0, 1].    columns: how many stand in a row.

    Returns an array of rows · (h + 1) - 1 by columns · (w + 1) - 1 pixels (times 3).
    """
    ### BEGIN SOLUTION
    count, height, width = pictures.shape[:3]
    rows = -(-count // columns)
    shape = (rows * (height + 1) - 1, columns * (width + 1) - 1)
    whole = np.ones((*shape, *pictures.shape[3:]))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * (height + 1), column * (width + 1)
        whole[top : top + height, left : left + width] = picture
    return whole
    ### END SOLUTION


# %% check="grid" points=2
check("grid", grid)

# %% [markdown]
# Choose the convolutions whose filters are drawn, all of them: numbers count from 1, -1 is the last one.

# %%
FILTERS = [1, -1]

# %% figure="filters_picture"
names = [visualizing.stages(net, number)[0].layer for number in FILTERS]
plots_maps.filters({name: filter_pictures(net, name) for name in names}, grid)
plt.show()

# %% [markdown] minutes=40 needs="04.1 and notebook 03"
# In a first layer one finds blobs, edges and contrasts of colour; the more photographs a net was
# trained on, the clearer they are. The last convolution's weights tell you nothing: its inputs are not
# colours, but answers of layers before it. To understand those, other means are needed. They are what
# the rest of this notebook is about.
#
# ## Exercise 04.2: activation maps
#
# What a layer puts out for one image is a stack of *activation maps*, one for each filter: bright
# where the filter found what it looks for. A model that stops in the middle gives them to you, and
# it may have several outputs at once:
#
#     part = keras.Model(net.model.inputs, [net.model.get_layer(name).output for name in layers])

# %% solution="activation_maps"
def activation_maps(net, image, layers):
    """What several layers put out for one image.

    image: (S, S, 3), pixels in [0, 1], of the net's size.    layers: names of layers.

    Returns a list of arrays, one for each layer: (H, W, C), without an axis for the batch.
    """
    ### BEGIN SOLUTION
    outputs = [net.model.get_layer(name).output for name in layers]
    part = keras.Model(net.model.inputs, outputs)
    return [np.asarray(maps[0]) for maps in part(net.preprocess(image[None]))]
    ### END SOLUTION


# %% check="activation_maps" points=4
check("activation_maps", nets.on_net(activation_maps))

# %% [markdown]
# Below, a convolution (CONV), its ReLU (RELU) and, where the net has one, max pooling (MAXP), all for one
# image and with all their maps: the first convolution, and a deep one. Your `grid` puts the maps in order,
# so the same place in each grid is the same filter. Choose the image, and which convolutions are opened,
# by number as above; a list of layers' names, `["conv2", "relu2"]`, does as well.

# %%
IMAGE = 12
BLOCKS = [1, -1]

# %% figure="maps_picture"
def show_maps(net, image, blocks):
    """One figure for each entry of BLOCKS, and in words what each layer is."""
    shown, title = visualizing.picture(net, image)
    for block in blocks:
        stages = visualizing.stages(net, block)
        maps = activation_maps(net, shown, [stage.layer for stage in stages])
        plots_maps.activation_maps(shown, f"{net.name}, {title}", stages, maps, grid)
        plt.show()


show_maps(net, IMAGE, BLOCKS)

# %% [markdown]
# What stands between CONV and MAXP differs from net to net, and each title says it. In the mini net
# RELU is exactly max(CONV, 0) and MAXP the largest of 2×2 values of RELU. In many nets *batch
# normalisation* (BN) stands between: it multiplies each map by a number and adds another, so RELU is
# max(BN, 0) there, or MAXP is taken of BN. In others (VGG-16 in Keras) the ReLU is inside the
# convolution's own layer: what comes out of that is RELU already, and CONV itself can't be seen.
#
# **Question.** What do you see? Compare CONV with RELU and RELU with MAXP. Do all filters answer to
# this image? What has become of the background? And what is different in the deep block?

# %% [markdown] essay="maps_seen" points=3
# ### BEGIN SOLUTION
# Each map of `conv1` is the image seen through one filter: edges of one direction give a bright line where
# brightness rises and a dark one where it falls, blobs give a smoothed copy. Values have both signs, from -2.7
# to 1.8. RELU keeps the positive ones exactly and turns all others into zero, more than half of all values, so
# each map keeps one kind of edge only: the code has become sparse. MAXP has half the height and width. Each value
# is the largest of a 2×2 window, so every strong answer survives while its exact place is lost; the maps look like
# coarse copies of RELU, with thicker lines. Not all filters answer: five of the 32 maps are empty after
# RELU, since what they look for (a colour, a direction) does not occur in this image. The digit stands out, but
# edges of the background answer, too: the first layer does not know yet what belongs to a digit.
#
# In the deep block (`conv5`) the maps have 8×8 values, and nobody recognises the five in them. Most of CONV is
# negative, and RELU leaves 8 % of the values: a few places in a few maps, but strong ones (up to 5). They are
# answers such as "here is the open side of a curve", which only parts of digits give, so the background is gone. MAXP
# leaves 4×4 places: where something is has become less important than what it is.
#
# **Rubric**
#
# - 3 points: signs and sparsity of RELU, coarser but not weaker MAXP, differences between filters, and how
#   the deep block differs (coarser, sparser, no picture of the image any more), each with something seen in the figures
# - 1.5 points: two or three of these, or all without reference to the figures
# - 0 points: only repeats what the layers compute
# ### END SOLUTION

# %% [markdown]
# ### The same in a net of your own
#
# Now open a net that *you* trained. The next cell takes the best net of notebook 03, or the one that `OWN`
# names above, and rebuilds it from what was saved there: its layers, each activation as a layer of its
# own, and its weights. A copy is handed in with this notebook.

# %% figure="own_maps_picture"
own_net = visualizing.load("own", OWN)
for name, shape in visualizing.layers(own_net).items():
    print(f"{name:24} puts out {shape}")
show_maps(own_net, IMAGE, BLOCKS)

# %% [markdown]
# The check gives your function hidden images and the layers of its first and its last block.

# %% check="own_maps" points=3
check("own_maps", visualizing.of_own(activation_maps))

# %% [markdown]
# **Question.** Which net did you open? Say what each of its layers does to the maps, from the first block to
# the last. What do you see that the mini net does not show, and is it because of how the net is built or of how it
# was trained?

# %% [markdown] essay="own_maps_seen" points=3
# ### BEGIN SOLUTION
# I opened `vgg`, the deep net of notebook 03: twelve convolutions of 16 filters in four blocks, 92 % of
# validation images right. Each convolution has RELU behind it, then batch normalisation (BN), and every third one
# MAXP; so RELU = max(CONV, 0), BN = a · RELU + b with two numbers per map, and MAXP is taken of BN, not of RELU.
# The first block shows what BN is for: `conv1` has small values (-1.1 to 0.9), five of the 16 maps are empty after
# RELU, others are pale copies of the image. BN gives each map the same strength (up to 4.3) and a mean near zero: the digit
# becomes positive and the background slightly negative, and maps that hardly answered are as clear as the others. So
# nothing is zero any more: unlike the mini net, where more than half of the values stay zero, the next layer gets both signs.
# Here the reason is how the net is built. Filters are 3×3 and the first maps look like the image, its
# brightness and its edges; the mini net's 5×5 filters already tell directions apart. The last block has 4×4 places and
# 16 maps, after MAXP 2×2: two or three maps answer strongly, each for a part of the digit, and 64 numbers are
# all that the dense layers get. The deep maps of the mini net are sparser (92 % zeros, here 64 %): it has four
# times as many filters, trained on 16,000 images, so each can wait for something rarer. That is a matter of width and
# training.
#
# (With `augmented`, three convolutions of 32 filters: no BN, RELU = max(CONV, 0) and MAXP = the largest of 2×2
# of RELU, but the first convolution has no pooling behind it. A few maps of `conv1` are strong, weighted sums of the
# colours, and the others weak; `conv3` at 16×16 still shows the outline of the digit, since only one pooling
# comes before it.)
#
# **Rubric**
#
# - 3 points: the net named and its layers said in order (where BN stands, what MAXP is taken of), first and
#   last block described from the own figures, and a difference to the mini net with a reason (structure or training)
# - 1.5 points: two of these
# - 0 points: no reference to the own figures, or only about the mini net
# ### END SOLUTION

# %% [markdown] minutes=35
# ## Exercise 04.3: saliency
#
# Which pixels does a decision depend on? Ask the gradient (Simonyan, Vedaldi and Zisserman, 2014): if
# a pixel changes a little, how much does the **score** of the class change, before softmax?
#
# $$ M_{ij} = \max_{c \in \{r, g, b\}} \left| \frac{\partial s_y}{\partial I_{ijc}} \right| $$
#
# The absolute value, since a pixel that lowers the score when it gets brighter is just as
# important; the maximum over the three colours, to have one number per pixel. The score and not the
# probability: that of one class also rises when all others fall, and where the net is sure, its
# gradient vanishes.
#
#     with tf.GradientTape() as tape:
#         tape.watch(x)
#         ...
#     tape.gradient(target, x)
#
# The gradient of a *sum* of scores, each of one image, is all images' gradients at once.

# %% solution="saliency"
def saliency(net, images, classes):
    """Saliency maps.

    images: (N, S, S, 3), pixels in [0, 1].    classes: (N,), for each image the class that is asked about.

    Returns an array (N, S, S): for each pixel the largest absolute derivative of the class score with
    respect to its three colours, in units of score per unit of [0, 1].
    """
    ### BEGIN SOLUTION
    x = tf.constant(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = tf.gather(net.logits(x), classes, batch_dims=1)
        total = tf.reduce_sum(scores)
    return tf.reduce_max(tf.abs(tape.gradient(total, x)), axis=-1).numpy()
    ### END SOLUTION


# %% check="saliency" points=6
check("saliency", nets.on_net(saliency))

# %% [markdown]
# Does the map point at the digit? For PhotoDigits the right answer is known: each has a mask that
# says where its ink is. The next check takes your maps of photographs that nobody has seen. The
# brightest pixel should lie on the digit, most of the map too, and the map for another class must
# be another one.

# %% check="saliency_points" points=2
check("saliency_points", nets.on_net(saliency))

# %% figure="saliency_picture"
plots.saliency(photos, saliency(net, photos.images, photos.classes))
plt.show()

# %% [markdown]
# The same photograph, asked about other classes: what would have to change for the net to see
# something else?

# %% figure="saliency_classes"
order = np.argsort(-np.asarray(net.logits(photos.images[:1]))[0])[:4]
maps = saliency(net, np.repeat(photos.images[:1], 4, axis=0), order)
plots.maps_of_classes(photos.images[0], maps, [net.class_names[c] for c in order])
plt.show()

# %% [markdown] minutes=60
# ## Exercise 04.4: what a class looks like
#
# Now the other way round. Not "which class is this image?", but "which image is most of all this
# class?" Start from noise and climb the class score, that is, take steps along its gradient with
# respect to the **image**. If that is all you do, you get an image that excites the net enormously
# and looks like nothing: there are far more meaningless images with a high score than meaningful
# ones. So the image must pay for being extreme:
#
# $$ I^* = \arg\max_I \; s_y(I) - \lambda\,\|I\|_2^2 $$
#
# In this notebook the sum of squares is taken over $x = I - 0.5$: what differs from middle grey
# costs. So $x = 0$ is a grey image, and the image itself is `0.5 + x`.
#
# **First the objective and its gradient.** The line `@tf.function` makes TensorFlow compile the
# function when it is first called, and keep what it compiled as long as arguments are *tensors* of
# the same shape. A Python number is part of the program, and each new one is compiled anew: give it
# `tf.constant(0.05)`, not `0.05`, in a loop.

# %% solution="class_objective"
@tf.function
def class_objective(net, x, classes, weight):
    """What the ascent makes large, and its gradient.

    x: (N, S, S, 3), distance from middle grey: the images are 0.5 + x.    classes: (N,).
    weight: λ, how much the norm costs.

    Returns (objective, gradient): for each image the score of its class minus weight · sum of x²,
    (N,), and the gradient with respect to x, (N, S, S, 3).
    """
    ### BEGIN SOLUTION
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = tf.gather(net.logits(0.5 + x), classes, batch_dims=1)
        objective = scores - weight * tf.reduce_sum(x**2, axis=(1, 2, 3))
    return objective, tape.gradient(objective, x)
    ### END SOLUTION


# %% check="class_objective" points=4
check("class_objective", nets.on_net(class_objective))

# %% [markdown]
# **Then the blur.** Ascent loves fine patterns that no photograph has. Blurring the image every few
# steps removes them, while what is large and smooth survives and grows. Write a Gaussian blur along
# height and width. Beyond the border the outermost pixels go on (`mode="nearest"`).
# (`scipy.ndimage.gaussian_filter` takes one σ per axis.)

# %% solution="blur"
def blur(images, sigma):
    """Images, blurred by a Gaussian.

    images: (N, S, S, 3).    sigma: its standard deviation in pixels.

    Returns an array of the same shape.
    """
    ### BEGIN SOLUTION
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")
    ### END SOLUTION


# %% check="blur" points=2
check("blur", blur)

# %% [markdown]
# **Now climb.** Begin with normal noise, other noise for each image (a standard deviation of 0.1 is
# good). A hundred steps or so: go along the gradient, divided by its root mean square so that the
# size of a step does not depend on the steepness; keep `x` between -0.5 and 0.5; blur every few
# steps. Steps that get smaller towards the end, and a last part without blur, make the result
# crisper. All images together are one batch.
#
# What λ is good depends on the number of pixels, over which the squares are summed: try $50 / S^2$.
#
# Your pictures are judged by the net, by how smooth they are, and, when your work is graded, by **a
# second net that you never get to see**. What only one net recognises is no picture of a digit. And they must be
# *more* of their class than photographs are, whose scores in the mini net are 36 at best, and 3.7 times $\|x\|$: reach 45
# on average, or, with fainter pictures, 4.2 times $\|x\|$ and at least 25.

# %% solution="class_images"
def class_images(net, classes, seed):
    """Images that are most of all of a class, found by gradient ascent from noise.

    classes: (N,).    seed: of the noise.

    Returns an array (N, S, S, 3), pixels in [0, 1].
    """
    ### BEGIN SOLUTION
    size = net.input_size
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.1, (len(classes), size, size, 3))
    classes, weight = tf.constant(classes), tf.constant(50 / size**2)
    steps = 128
    for step in range(steps):
        _, gradient = class_objective(net, tf.constant(x, tf.float32), classes, weight)
        gradient = gradient.numpy()
        gradient /= np.sqrt((gradient**2).mean(axis=(1, 2, 3), keepdims=True)) + 1e-12
        x += 0.1 * (1 - step / steps) * gradient
        if step % 4 == 0 and step < 0.8 * steps:
            x = blur(x, 1.0)
        x = np.clip(x, -0.5, 0.5)
    return 0.5 + x
    ### END SOLUTION


# %% check="class_images" points=6
check("class_images", nets.on_net(class_images))

# %% figure="class_gallery"
shown = np.arange(10) if NET == "mini" else np.array([281, 967, 657, 309, 985, 954])
shown = shown % len(net.class_names)
gallery = class_images(net, shown, 0)
plots.classes(gallery, [net.class_names[c] for c in shown], np.asarray(net.probabilities(gallery)), shown)
plt.show()

# %% [markdown]
# **Question.** Compare with an ascent that has neither penalty nor blur (a copy of your function
# with `weight` 0 and no blur will do). What do the two regularisers change? In which details do the
# pictures differ from real digits, and what does that say about how the net recognises them?

# %% [markdown] essay="classes_seen" points=3
# ### BEGIN SOLUTION
# Without regularisers the digit is there, but drowned in saturated noise of all colours: every
# pixel runs to black or white if that raises the score ever so little. The norm makes pixels that
# contribute little go back to grey, so the background calms down. The blur takes away what varies
# from pixel to pixel, so strokes become connected and smooth; the score is lower, but other nets
# recognise the picture. All digits have bright strokes with a dark rim: the net has learned
# contrast, since the digits it was trained on are brighter than the photograph around them. Some
# pictures show parts twice, or strokes that belong to no digit: the score adds up evidence from
# everywhere and does not know that a digit has one outline. The colours mean nothing.
#
# **Rubric**
#
# - 3 points: the effect of each regulariser as seen in pictures, and a difference from real digits
#   that is explained
# - 1.5 points: effects described, but nothing said about the net; or the other way round
# - 0 points: no comparison was made
# ### END SOLUTION

# %% [markdown] minutes=40 needs="04.4"
# ## Exercise 04.5: any unit
#
# Class scores are only the last layer. Take any unit, of any convolutional or dense layer, and find
# an image that gives it a **desired activation** $v$: not as much as possible, but just so much.
# There are endlessly many such images; the one with a small norm shows only what the unit looks at:
#
# $$ \min_x \; \bigl(a(x) - v\bigr)^2 + \lambda\,\|x\|_2^2 $$
#
# A unit of a convolutional layer is one place in one map: `(row, column, channel)`. A unit of a
# dense layer is `(number,)`. `tf.gather_nd(maps, [unit])` picks it from an array. The gradient of
# its activation:

# %% solution="unit_gradient"
@tf.function
def unit_gradient(net, layer, x, unit):
    """The activation of a unit, and its gradient with respect to x; the image is 0.5 + x.

    x: (S, S, 3) tensor.    unit: tensor of one index (dense layer) or three (convolution).

    Returns (activation, gradient), a number and an array (S, S, 3), as tensors.
    """
    ### BEGIN SOLUTION
    part = keras.Model(net.model.inputs, net.model.get_layer(layer).output)
    with tf.GradientTape() as tape:
        tape.watch(x)
        maps = part(net.preprocess((0.5 + x)[None]))[0]
        activation = tf.gather_nd(maps, unit[None])[0]
    return activation, tape.gradient(activation, x)
    ### END SOLUTION


# %% [markdown]
# How to get there is up to you: gradient descent on the sum above works, with a small λ. Faster is
# this. A small step $d$ changes the activation by about $g \cdot d$, where $g$ is the gradient. The
# shortest step that would change it by $v - a$ is
#
# $$ d = (v - a) \, \frac{g}{\|g\|^2}. $$
#
# Take half of it, then let the norm have its share by making $x$ a few percent smaller, and repeat.
# Towards the end leave out the shrinking, so that $v$ is met. Keep the pixels in [0, 1].
#
# Your function is called twice for each unit: with `strength` 1 (as much regularisation as you find
# good) and with `strength` 0 (none). Both must come within 5 % of the desired activation, and the
# first must have a norm of 90 % of the other's or less. Units, layers and values are drawn at random.

# %% solution="drive_unit"
def drive_unit(net, layer, unit, value, start, strength):
    """An image that gives a unit a desired activation.

    layer: its name.    unit: (row, column, channel) or (number,).    value: the desired activation.
    start: image (S, S, 3) in [0, 1] to begin with.    strength: 1 with, 0 without the regulariser.

    Returns an image (S, S, 3), pixels in [0, 1].
    """
    ### BEGIN SOLUTION
    x, unit, steps = start - 0.5, tf.constant(unit), 120
    for step in range(steps):
        if step < 0.75 * steps:
            x = x * (1 - 0.1 * strength)
        activation, gradient = unit_gradient(net, layer, tf.constant(x, tf.float32), unit)
        missing, gradient = value - float(activation), gradient.numpy()
        x = x + 0.5 * missing * gradient / (np.sum(gradient**2) + 1e-12)
        x = np.clip(x, -0.5, 0.5)
    return 0.5 + x
    ### END SOLUTION


# %% check="drive_unit" points=6
check("drive_unit", nets.on_net(visualizing.with_and_without(drive_unit)))

# %% [markdown]
# One unit of each kind of layer, driven to an activation that no photograph above gives it. Images
# are shown as they are; those with a small norm would be nearly grey, so their contrast is raised
# by the factor that is written above them.

# %% figure="units_picture"
chosen = visualizing.some_units(net, photos.images)
start = visualizing.noise(net)
pairs = [
    (drive_unit(net, layer, unit, value, start, 0.0), drive_unit(net, layer, unit, value, start, 1.0))
    for layer, unit, value in chosen
]
plots.units(chosen, pairs)
plt.show()

# %% [markdown] minutes=40 needs="04.5"
# The early unit's image is a small patch: its receptive field. Whatever lies outside makes no
# difference to it, and so the norm has made it grey. Units of dense layers look at all of the
# image.
#
# ## Exercise 04.6: stronger regularisers (optional, bonus)
#
# With a small norm alone, images of deeper units are faint and speckled. Yosinski et al. (2015)
# found that several regularisers together do better. Blur you have. The other two set pixels to
# zero, that is, to grey:
#
# - pixels with a **small norm**: those where $\sqrt{x_r^2 + x_g^2 + x_b^2}$ is among the smallest
# - pixels with a **small contribution**: those whose removal would change the activation least. It
#   would change by about $|\sum_c x_c \, g_c|$, pixel times gradient, summed over the three colours
#
# Write both. `share` is the fraction of pixels that go; `np.quantile` finds the limit.

# %% solution="drop_small_pixels"
def drop_small_pixels(x, share):
    """Set the pixels of smallest norm to zero.

    x: (S, S, 3).    share: fraction of the pixels that are set to zero, all three colours of them.

    Returns a new array (S, S, 3).
    """
    ### BEGIN SOLUTION
    norms = np.sqrt((x**2).sum(axis=-1))
    return np.where((norms < np.quantile(norms, share))[..., None], 0, x)
    ### END SOLUTION


# %% check="drop_small_pixels" points=1 bonus=true
check("drop_small_pixels", drop_small_pixels)

# %% solution="drop_small_contributions"
def drop_small_contributions(x, gradient, share):
    """Set the pixels to zero that contribute least to the activation.

    x, gradient: (S, S, 3).    share: fraction of the pixels that are set to zero.

    Returns a new array (S, S, 3).
    """
    ### BEGIN SOLUTION
    contributions = np.abs((x * gradient).sum(axis=-1))
    return np.where((contributions < np.quantile(contributions, share))[..., None], 0, x)
    ### END SOLUTION


# %% check="drop_small_contributions" points=1 bonus=true
check("drop_small_contributions", drop_small_contributions)

# %% [markdown]
# Now put them to work, all in one ascent: shrink a little in each step, and every few steps blur
# and drop. Towards the end only the activation counts, as before. The image with the regularisers
# must be clearly smoother than that without.

# %% solution="drive_smoothly"
def drive_smoothly(net, layer, unit, value, start, strength):
    """An image that gives a unit a desired activation, with several regularisers.

    Arguments and result as for drive_unit; strength 0 leaves all regularisers out.
    """
    ### BEGIN SOLUTION
    x, unit, steps = start - 0.5, tf.constant(unit), 150
    for step in range(steps):
        activation, gradient = unit_gradient(net, layer, tf.constant(x, tf.float32), unit)
        missing, gradient = value - float(activation), gradient.numpy()
        x = x + 0.5 * missing * gradient / (np.sum(gradient**2) + 1e-12)
        if strength and step < 0.85 * steps:
            x = 0.98 * x
            if step % 3 == 0:
                x = blur(x[None], 0.7)[0]
                x = drop_small_pixels(x, 0.1)
                x = drop_small_contributions(x, gradient, 0.1)
        x = np.clip(x, -0.5, 0.5)
    return 0.5 + x
    ### END SOLUTION


# %% check="drive_smoothly" points=3 bonus=true
check("drive_smoothly", nets.on_net(visualizing.with_and_without(drive_smoothly)))

# %% figure="regularisers_picture"
deep = chosen[-3:]
versions = {
    "no regulariser": [drive_unit(net, *unit, start, 0.0) for unit in deep],
    "small norm": [drive_unit(net, *unit, start, 1.0) for unit in deep],
    "norm, blur and dropping": [drive_smoothly(net, *unit, start, 1.0) for unit in deep],
}
plots.regularisers(deep, versions)
plt.show()

# %% [markdown]
# **Question (optional, bonus).** Which regulariser does what? Which image would you show to somebody who
# wants to know what the unit looks for, and why?

# %% [markdown] essay="regularisers_seen" points=2 bonus=true
# ### BEGIN SOLUTION
# Without a regulariser the noise of the start stays, and the little that was added to it is hard to
# see. The norm removes all noise that the unit does not care for, but what is left is speckled:
# single pixels are the cheapest way to change an activation, as in images that fool a net. Blur
# makes that way expensive, since a speck is gone after it, and so the activation must come from
# strokes. Dropping what is small leaves grey where nothing matters, so the strokes stand alone. I
# would show the last one: all three give the unit the same activation, but only there one
# recognises a stroke or a loop. It is an honest picture only if one says how it was made, since the
# smoothness comes from us and not from the net.
#
# **Rubric**
#
# - 2 points: what each regulariser does, with something seen in the images, and a reasoned choice
# - 1 point: effects without reasons, or a choice without effects
# - 0 points: neither
# ### END SOLUTION

# %% [markdown] minutes=50 needs="04.5"
# ## Exercise 04.7: natural images
#
# What distinguishes photographs from noise? Among other things their **spectrum**. Take the Fourier
# transform of a grey photograph. The magnitude $|F|$ falls off as $1/f$ with the frequency $f$:
# twice as fine is half as strong (Field, 1987). White noise has the same magnitude at all
# frequencies. A penalty for images that fall off otherwise:
#
# 1. $f$: the distance of each entry of `fft2` from frequency zero, in whole waves.
#    `np.fft.fftfreq(s) * s` gives the frequencies along one axis, for an image of side $s$.
# 2. Multiply each magnitude by its frequency: for a natural image, $f \cdot |F|$ is about the same
#    everywhere.
# 3. Take the mean of $f \cdot |F|$ over each **ring** $k = 1, \dots, s/2$: all entries whose
#    distance, rounded, is $k$. (Frequency zero, the brightness, is in no ring.)
# 4. The penalty is the **variance** of the logarithms of these means.
#
# It is zero if the image falls off as $1/f$, and does not depend on brightness or contrast. It must
# be made of TensorFlow's functions, since you need its gradient: `tf.signal.fft2d` takes complex
# numbers, `tf.cast(greys, tf.complex64)`. What does not depend on the image may be numpy.

# %% solution="spectrum_penalty"
def spectrum_penalty(greys):
    """How far the spectra of grey images are from falling off as 1/f.

    greys: (N, s, s).

    Returns a tensor (N,): for each image the variance of log(mean of f · |F| over ring k), k = 1 … s // 2.
    """
    ### BEGIN SOLUTION
    side = greys.shape[-1]
    along = np.fft.fftfreq(side) * side
    frequency = np.hypot(along[:, None], along)
    ring = np.rint(frequency)
    weights = np.stack([(ring == k) * frequency / np.sum(ring == k) for k in range(1, side // 2 + 1)])
    magnitude = tf.abs(tf.signal.fft2d(tf.cast(greys, tf.complex64)))
    levels = tf.einsum("nij,kij->nk", magnitude, tf.constant(weights, tf.float32))
    return tf.math.reduce_variance(tf.math.log(levels + 1e-9), axis=1)
    ### END SOLUTION


# %% check="spectrum_penalty" points=4
check("spectrum_penalty", visualizing.with_gradient(spectrum_penalty))

# %% [markdown]
# Now give a unit of the **last layer before softmax**, a class score, a desired activation, with
# this penalty as the regulariser. The penalty looks at a reduced copy:
# `visualizing.reduced(images)` makes (N, S, S, 3) grey and 32 pixels small, and lets gradients
# pass. Take steps against the gradient of the penalty, and steps towards the activation as in
# exercise 04.5. (The gradient of the penalty is tiny and its size says little: divide it by its root
# mean square, and make steps smaller as the penalty shrinks.)
#
# At the same activation the slope of the spectrum, on a double logarithmic scale, must come near
# the natural -1.

# %% solution="drive_naturally"
@tf.function
def prior_gradient(x):
    """The penalty of the image 0.5 + x, and its gradient with respect to x (S, S, 3)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        penalty = spectrum_penalty(visualizing.reduced((0.5 + x)[None]))[0]
    return penalty, tape.gradient(penalty, x)


def drive_naturally(net, layer, unit, value, start, strength):
    """An image that gives a unit a desired activation and has the spectrum of a natural image.

    Arguments and result as for drive_unit; strength 0 leaves the prior out.
    """
    ### BEGIN SOLUTION
    x, unit, steps = start - 0.5, tf.constant(unit), 150
    for step in range(steps):
        if strength:
            penalty, uphill = (part.numpy() for part in prior_gradient(tf.constant(x, tf.float32)))
            uphill /= np.sqrt((uphill**2).mean()) + 1e-12
            x = x - 0.03 * strength * np.sqrt(penalty) * (1 - step / steps) * uphill
        activation, gradient = unit_gradient(net, layer, tf.constant(x, tf.float32), unit)
        missing, gradient = value - float(activation), gradient.numpy()
        x = x + 0.5 * missing * gradient / (np.sum(gradient**2) + 1e-12)
        x = np.clip(x, -0.5, 0.5)
    return 0.5 + x
    ### END SOLUTION


# %% check="drive_naturally" points=5
check("drive_naturally", nets.on_net(visualizing.with_and_without(drive_naturally)))

# %% [markdown]
# Each image beside its spectrum. The straight line falls off as $1/f$.

# %% figure="spectra_picture"
top = visualizing.last_layer(net)
target = int(photos.classes[0])
unit = visualizing.unit_in_the_middle(net, top, target)
score = float(np.asarray(net.logits(photos.images[:1]))[0, target])
start = visualizing.noise(net, grey=True)
plots.spectra(
    {
        f"a photograph, score {score:.1f}": photos.images[0],
        "noise, with which the ascent begins": start,
        f"score {score:.1f}, no prior": drive_naturally(net, top, unit, score, start, 0.0),
        f"score {score:.1f}, 1/f prior": drive_naturally(net, top, unit, score, start, 1.0),
    }
)
plt.show()

# %% [markdown]
# And for other classes, each with the score that its photograph has. What do they share, and what is the class's own?

# %% figure="spectra_classes"
scores = np.asarray(net.logits(photos.images))
natural = {}
for number, target in enumerate(photos.classes[1:5], start=1):
    unit = visualizing.unit_in_the_middle(net, top, int(target))
    score = float(scores[number, target])
    title = f"{net.class_names[target]}, score {score:.1f}"
    natural[title] = drive_naturally(net, top, unit, score, start, 1.0)
if natural:
    plots.spectra(natural)
plt.show()

# %% [markdown] minutes=30
# ## Exercise 04.8: occlusion
#
# Gradients say what *small* changes do. A more direct question: what if a part of the image were
# not there? Lay a grey box on it, ask the net, move the box, ask again: Zeiler and Fergus, *Visualizing and
# understanding convolutional networks*, 2014, [arxiv.org/abs/1311.2901](https://arxiv.org/abs/1311.2901). Read
# what they say about occlusion, and look at their figure of it. Where the score falls, there was something that
# mattered.
#
# - The box has `box` × `box` pixels, all of them 0.5. Its upper left corner takes the rows and
#   columns 0, `stride`, 2 · `stride`, …, as long as the whole box lies inside the image.
# - What is measured is the **rate of change** of the class score $s$ (before softmax), by which
#   fraction it falls: $(s_{\text{before}} - s_{\text{with box}}) \,/\, |s_{\text{before}}|$
#
# All covered copies of an image are one batch (or, for large nets, a few): asking for each one
# separately takes ten times as long.

# %% solution="occlusion_map"
def covered_copies(image, box, stride, colour):
    """Copies of an image with a box in every place, and how many places there are along an axis.

    Returns (copies, count): (count², S, S, 3), row by row, and the number.
    """
    ### BEGIN SOLUTION
    places = range(0, len(image) - box + 1, stride)
    copies = np.repeat(image[None], len(places) ** 2, axis=0)
    corners = [(top, left) for top in places for left in places]
    for copy, (top, left) in zip(copies, corners):
        copy[top : top + box, left : left + box] = colour
    return copies, len(places)
    ### END SOLUTION


def occlusion_map(net, image, target, box, stride):
    """By which fraction the score of a class falls when a grey box covers a part of the image.

    image: (S, S, 3), pixels in [0, 1].    target: the class.    box, stride: in pixels.

    Returns an array (n, n): [i, j] belongs to the box at row i · stride, column j · stride.
    """
    ### BEGIN SOLUTION
    copies, count = covered_copies(image, box, stride, 0.5)
    batches = [net.logits(copies[i : i + 64]) for i in range(0, len(copies), 64)]
    scores = np.concatenate(batches)[:, target]
    before = float(net.logits(image[None])[0, target])
    return ((before - scores) / abs(before)).reshape(count, count)
    ### END SOLUTION


# %% check="occlusion_map" points=5
check("occlusion_map", nets.on_net(occlusion_map))

# %% [markdown]
# And does it point at the digit? Three photographs that nobody has seen:

# %% check="occlusion_points" points=1
check("occlusion_points", nets.on_net(occlusion_map))

# %% [markdown] minutes=20 needs="04.8"
# ## Exercise 04.9: a heat map
#
# The map has one value per box, the image many more pixels. To lay one over the other, give each
# **pixel** the mean of the values of all boxes that cover it, and 0 if there are none (at the
# border, if the boxes do not tile).

# %% solution="heat_map"
def heat_map(changes, size, box, stride):
    """Spread a map of boxes over the pixels.

    changes: (n, n), a value for each box.    size: height and width of the image.    box, stride: in pixels.

    Returns an array (size, size): the mean over all boxes that cover a pixel, 0 where there is none.
    """
    ### BEGIN SOLUTION
    total, count = np.zeros((size, size)), np.zeros((size, size))
    for (i, j), change in np.ndenumerate(changes):
        part = np.s_[i * stride : i * stride + box, j * stride : j * stride + box]
        total[part] += change
        count[part] += 1
    return total / np.maximum(count, 1)
    ### END SOLUTION


# %% check="heat_map" points=3
check("heat_map", heat_map)

# %% [markdown]
# Beside each photograph, what your functions make of it; on the right both together. Where the
# overlay is clear, covering changed nothing.

# %% figure="occlusion_picture"
box, stride = comparing.box_of(net)
few = slice(0, 3)
changes = [
    occlusion_map(net, image, target, box, stride)
    for image, target in zip(photos.images[few], photos.classes[few])
]
heats = [heat_map(change, net.input_size, box, stride) for change in changes]
plots.occlusion(photos, changes, heats, box, stride)
plt.show()

# %% [markdown]
# **Question.** Where does the net look? Is there a place where covering makes the score *rise*, and
# how can that be? Try other sizes of the box: what speaks for a small one, what for a large one? Zeiler and Fergus
# do not only draw the class, but also how the strongest map of a deep layer changes as the box moves. Why do
# they do that, and what came out?

# %% [markdown] essay="occlusion_seen" points=4
# ### BEGIN SOLUTION
# The score falls where the digit is, and most where a stroke distinguishes it from others: the
# crossing of a four, the open side of a three. The background hardly matters, though nobody told
# the net what to look at. In some places the score rises, up to a tenth. There the box hides
# something that spoke against the class, such as an edge of the photograph that looks like a stroke
# of another digit. And the box itself is an object, too: its edges can look like part of a digit,
# which is a weakness of the method. A small box gives a fine map, but may change too little: if the
# net knows a digit by several parts, each one alone can be spared. A large one removes a whole
# part, so the changes are large, but the map is coarse, and it cannot be said which pixel mattered.
# Stride only sets how finely this is sampled.
#
# Zeiler and Fergus want to know whether a net really finds the object, or only things around it. The probability of the right
# class falls clearly when the object itself is covered, as in my maps: it finds it. The map of layer 5 with the strongest answer
# tests their other method, which projects a map's activity back to the pixels: where the box covers the structure
# that this shows, the map's activity falls, so the picture was right. The two need not agree: in one of their
# photographs the strongest map answers to lettering on a car, while the class, the car's wheel, hangs on the wheel.
#
# **Rubric**
#
# - 4 points: where it looks, a reason for rising scores, the trade-off of the box's size from own trials, and what
#   the paper's second map is for
# - 2 points: two or three of these
# - 0 points: only describes the colours of the map
# ### END SOLUTION

# %% [markdown] minutes=30 needs="04.3 and 04.9"
# ## Exercise 04.10: comparing (optional, bonus)
#
# "The map points at the digit" can be measured where masks are known. Two measures:
#
# - **hits**: the share of maps whose highest value lies inside the mask (the *pointing game*)
# - **mass**: which share of the map's sum lies inside the mask, as a mean over the maps. Negative
#   values count as 0.

# %% solution="pointing"
def pointing(maps, masks):
    """How well maps point at what is known to be there.

    maps: (N, S, S).    masks: (N, S, S) booleans.

    Returns (hits, mass), two numbers from 0 to 1.
    """
    ### BEGIN SOLUTION
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    hits = np.mean(inside[np.arange(len(maps)), flat.argmax(axis=1)])
    positive = np.maximum(flat, 0)
    mass = np.mean((positive * inside).sum(axis=1) / positive.sum(axis=1))
    return hits, mass
    ### END SOLUTION


# %% check="pointing" points=2 bonus=true
check("pointing", pointing)

# %% [markdown]
# With them, methods and **architectures** can be compared. Beside the mini net there are two
# simpler ones here, trained within seconds: a single layer, and a single convolution. `"own"` is the net
# of exercise 04.2. Put whatever you like on the list, also the nets of the great contests, where their
# weights are or can be downloaded:
#
# | net | year | parameters | download | time for one photograph |
# |---|---|---|---|---|
# | `"mobilenet_0.25"` | 2017 | 0.5 million | 2 MB | 1 s |
# | `"alexnet"` | 2012 | 61 million | 244 MB, by hand (the message says where from) | 2 s |
# | `"resnet50"` | 2015 | 26 million | 103 MB | 5 s |
# | `"inception_v3"`, successor of GoogLeNet | 2015 | 24 million | 96 MB | 7 s |
# | `"vgg16"` | 2014 | 138 million | 553 MB | 9 s |
#
# (Times on two processor cores, opening the net included; what each took is printed below.)
# The box is a quarter of the image's side, whatever the net's input size, and is moved by half of that. For
# ImageNet nets there are no masks: each shows one photograph, number `PHOTO` of three, and you compare the
# maps by eye.

# %%
NETS = ["one layer", "one convolution", "mini"]
PHOTO = 0

# %% figure="architectures"
seen = comparing.compare(NETS, PHOTO, saliency, occlusion_map, heat_map, OWN)
if seen:
    compared.architectures(seen, pointing, PHOTO)
plt.show()

# %% [markdown]
# **Question (optional, bonus).** How do the nets on your list differ in what they look at? Why is the saliency
# map of a single layer the same for all images of a class? Zeiler and Fergus
# ([arxiv.org/abs/1311.2901](https://arxiv.org/abs/1311.2901), section 4.1) looked into AlexNet's first
# layers before they changed them: what did they see, and what did they change?

# %% [markdown] essay="architectures_seen" points=2 bonus=true
# ### BEGIN SOLUTION
# The score of a single layer is a weighted sum of the pixels, so its gradient is the weights
# themselves, whatever the image is: the map shows the class and not the picture. It points at the digit in half of
# the photographs, because digits stand in the middle, but only 19 % of it lies there, where chance gives 17 %. With
# one convolution the map follows the edges of the image, those of the background as well: 25 %. Both give the
# three of the figure a probability of 0.26 at most, and covering its middle even raises the score: where a net does not recognise a
# thing, its map can't point at it. The mini net has five convolutions; both its maps have their maximum on the digit in
# all eight photographs, and 45 and 41 % of their mass. My own net (`vgg` of notebook 03) comes between, with 33 and
# 42 %. So nets that are better at the task also look at the right place more often. In MobileNet (a photograph of a cat)
# covering what is around the eyes costs most, and the corners hardly anything, but its saliency map is a
# sprinkling of single pixels at 224 × 224: there occlusion is what can be read.
#
# Zeiler and Fergus saw filters of very high and very low frequencies in AlexNet's first layer, hardly any between,
# and some that did nothing, and aliasing in the second layer, which they put down to the first one's stride of 4. They made
# filters of 7×7 out of those of 11×11, and a stride of 2, and the net became better.
#
# **Rubric**
#
# - 2 points: a linear net explained, or for other nets what their maps have to do with how they are built, from the own
#   figure; and what Zeiler and Fergus saw and changed
# - 1 point: one of the two
# - 0 points: neither
# ### END SOLUTION

# %% [markdown] minutes=30 needs="04.8"
# ## Exercise 04.11: the probability without a block
#
# Another custom is to **zero out** a block, which makes it black, and to draw the class's
# **probability** itself, not its change. It has the advantage that everybody understands it, and a
# drawback: where the net is very sure, softmax hardly moves though the score falls.

# %% solution="probability_map"
def probability_map(net, image, target, block, stride):
    """The probability of a class when a block of the image is set to zero.

    image: (S, S, 3), pixels in [0, 1].    target: the class.    block, stride: in pixels.

    Returns an array (n, n): [i, j] belongs to the block at row i · stride, column j · stride.
    """
    ### BEGIN SOLUTION
    copies, count = covered_copies(image, block, stride, 0.0)
    batches = [net.probabilities(copies[i : i + 64]) for i in range(0, len(copies), 64)]
    return np.concatenate(batches)[:, target].reshape(count, count)
    ### END SOLUTION


# %% check="probability_map" points=4
check("probability_map", nets.on_net(probability_map))

# %% figure="probability_picture"
tables = [
    probability_map(net, image, target, box, stride)
    for image, target in zip(photos.images[few], photos.classes[few])
]
plots.probabilities(
    photos, tables, [heat_map(t, net.input_size, box, stride) for t in tables], box, stride
)
plt.show()

# %% [markdown]
# **Question.** Compare with the maps of exercise 04.8: the same photographs, nearly the same question. Where does the
# probability show nothing though the score falls, and why? Find out what the net sees where the probability is lowest
# (`net.top(copy[None], 3)`). Does it matter that the block is black and not grey?

# %% [markdown] essay="probability_seen" points=3
# ### BEGIN SOLUTION
# The probability stays at 1.00 nearly everywhere and drops to nearly nothing at a few places: of 169 blocks, 12 take the
# three below 0.9, 15 the seven, 7 the zero. The score falls by more than a fifth at 79, 77 and 90 places, and at most of
# them (64, 52 and 75) the probability is still above 0.99. Softmax is the reason: it only counts how far the score is
# above the others. The three has 27.0 and the runner-up 7.0; nearly all of that lead must go before the probability shows it. So
# the map tells where a block changes the decision, and says little of what else supports it; the map of scores tells
# what contributes at all.
#
# Where the probability is lowest, the net sees another digit: a block on the middle of the three gives a zero (0.95), on
# the seven's lower end a three (0.99), at the upper right of the zero a six (0.90). That one takes a fifth of
# the stroke, and the round is open now, as in a six. And black matters: with a grey box of the
# same size at the same places the seven and the zero stay above 0.99, and the three is lost at three places only. On these photographs grey
# is near the background, while black is an edge and a dark thing of its own. A block does not just take something
# away, it puts something there.
#
# **Rubric**
#
# - 3 points: saturation of softmax explained with numbers or places of the own maps, what is seen in place of the class, and
#   that black is an object of its own
# - 1.5 points: two of these, or all without reference to the own maps
# - 0 points: only that the two maps look alike or different
# ### END SOLUTION

# %% [markdown]
# You have now seen where a net looks and what it wants to see. In the next notebook you use the same gradients
# against it.
#
# **Further reading.** Olah, Mordvintsev and Schubert, *Feature visualization*, 2017,
# [distill.pub/2017/feature-visualization](https://distill.pub/2017/feature-visualization).
