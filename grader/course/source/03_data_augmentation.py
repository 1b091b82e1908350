# %% [markdown] needs="notebook 02"
# # 03 · Data augmentation
#
# A net with enough weights learns its training images by heart. What helps best against that is more
# images, and they are expensive. But a photograph of a cat that is moved by three pixels, or a little
# darker, is a photograph of a cat as well, and it costs nothing. In this notebook you train nets with
# images that never existed, find out what that is worth, and how it goes wrong.
#
# As in the last notebook, trained weights are saved in `handin/03_data_augmentation/` and handed in.
# All training together takes about eight minutes on two CPU cores with the data set chosen here; each
# training says beforehand how long it will take, and may be interrupted (■) without losing what was
# learned (`more=True` goes on). `"cifar10"` takes about three times as long.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% [markdown]
# Augmentation is for those who have few images, so only a part is used for training. (CIFAR-10 is read from the
# copy that Keras keeps since notebook 02, or downloaded now.)

# %%
DATASET = "photodigits"
IMAGES = {"photodigits": 4000, "cifar10": 10_000}[DATASET]

# %% locked="setup"
import matplotlib.pyplot as plt
import numpy as np

from utils import check, training
from utils.exercises import augmentation_numbers
from utils.nets import quiet
from utils.pictures import augmentation as plots_augmentation
from utils.training import augmentation_view, augmenting, claims, models, sealed

keras = quiet.import_keras()
tf = quiet.import_tensorflow()
layers = keras.layers

data, test_set = training.begin("03_data_augmentation", DATASET, train=IMAGES)
coded = training.with_labels(data, lambda labels: np.eye(10, dtype=np.float32)[labels])
print(data.description)

# %% [markdown] minutes=15
# `coded` holds the same images as `data`, with labels in one-hot code.
#
# ## Exercise 03.1: a net with three convolutions
#
# This net stays the same for a while; what changes is what it gets to see.
#
# | layer | output |
# |---|---|
# | convolution, 32 filters of 3×3, `padding="same"`, ReLU | 32 × 32 × 32 |
# | convolution, 32 filters of 3×3, `padding="same"`, ReLU | 32 × 32 × 32 |
# | max pooling 2×2 | 16 × 16 × 32 |
# | convolution, 32 filters of 3×3, `padding="same"`, ReLU | 16 × 16 × 32 |
# | max pooling 2×2 | 8 × 8 × 32 |
# | flatten, dense with softmax | 10 |
#
# Loss `categorical_crossentropy`, optimiser `adam`, metric `accuracy`.

# %% solution="build_three_convolutions"
def build_three_convolutions():
    """A compiled Keras model: (32, 32, 3) -> 10 probabilities, three convolutions."""
    ### BEGIN SOLUTION
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model
    ### END SOLUTION


# %% check="three_convolutions" points=3
check("three_convolutions", models.configuration(build_three_convolutions))

# %% [markdown]
# Train it for 10 epochs with batches of 128, on the images as they are. (Half of the points are for just that, as
# in notebook 02.)

# %%
plain = training.fit("plain", build_three_convolutions, coded, epochs=10, batch=128)

# %% check="plain" points=3
check("plain", augmenting.answers("plain", build_three_convolutions))

# %% [markdown] minutes=75 needs="03.1"
# Look at the curves: the two lines part. From there on, the net improves on training images only by
# memorising them.
#
# ## Exercise 03.2: images that never existed
#
# To augment is to change an image in ways that leave its label true. Four questions, one after the
# other: how is an image changed, does everything that belongs to it follow, which changes leave the
# label true, and where in the training does it happen?
#
# **How.** Move images by whole pixels. Each has its own amount. Pixel $(y, x)$ of the result is pixel
# $(y - d, x - r)$ of the image, where $d$ and $r$ say how far down and to the right it moves (up and
# left, if negative). Where that lies outside, take the nearest pixel at the edge.
#
# Hint: `np.clip(np.arange(height) - d, 0, height - 1)` are the rows to fetch.

# %% solution="shift"
def shift(images, down, right):
    """Move images, each by its own amount.

    images: (N, H, W, C).    down, right: (N,) whole numbers of pixels; negative ones move up and left.

    Returns an array like `images`; pixels at the edge are repeated.
    """
    ### BEGIN SOLUTION
    height, width = images.shape[1:3]
    moved = np.empty_like(images)
    for n in range(len(images)):
        rows = np.clip(np.arange(height) - down[n], 0, height - 1)
        columns = np.clip(np.arange(width) - right[n], 0, width - 1)
        moved[n] = images[n][rows][:, columns]
    return moved
    ### END SOLUTION


# %% check="shift" points=4
check("shift", shift)

# %% figure="ways_to_fill"
plots_augmentation.ways_to_fill(data.x_train[2], shift, 6, -5)
plt.show()

# %% [markdown]
# **What follows.** Some data sets say *where* things are: here a mask for each image, `True` where the
# digit is. (Boxes, outlines and joints of a body are of the same kind.) If the image moves, so must its
# mask, by the same amount. Brightness is another matter: it changes the image alone.
#
# Move each image by up to four pixels in each direction, at random, and its mask with it.
# `rng.integers(-4, 5, n)` gives `n` numbers from -4 to 4.

# %% solution="move_with_masks"
def move_with_masks(images, masks, seed):
    """Move images at random, each by its own amount, together with their masks.

    images: (N, H, W, C) in [0, 1].    masks: (N, H, W) of True and False.

    Returns (images, masks), moved.
    """
    rng = np.random.default_rng(seed)
    ### BEGIN SOLUTION
    down, right = rng.integers(-4, 5, (2, len(images)))
    return shift(images, down, right), shift(masks[..., None], down, right)[..., 0]
    ### END SOLUTION


# %% check="move_with_masks" points=4
check("move_with_masks", move_with_masks)

# %% figure="masks_picture"
some, outlines = augmenting.with_masks(7)
plots_augmentation.masks_follow(some, outlines, *move_with_masks(some, outlines, 3))
plt.show()

# %% [markdown]
# **Which changes leave the label true?** That depends on what is in the picture. Would you still give
# each image in the lower row its label?

# %% figure="mirror_picture"
plots_augmentation.mirrored(data)
plt.show()

# %% [markdown]
# Keras has layers for it: `RandomTranslation`, `RandomRotation`, `RandomZoom`, `RandomFlip`,
# `RandomBrightness`, `RandomContrast`, `RandomErasing` and [others](https://keras.io/api/layers/preprocessing_layers/image_augmentation/).
# They draw new numbers for each image in each call, change images if called with `training=True`, and
# leave them alone with `training=False`. Three things to know:
#
# - factors are fractions: `RandomTranslation(0.1, 0.1)` moves by up to a tenth of the image, and
#   `RandomRotation(0.1)` turns by up to a tenth of a *full turn*, which is 36°;
# - `fill_mode="nearest"` repeats the edge; `"reflect"`, the default, mirrors it; `"wrap"` does what
#   `np.roll` did above;
# - brightness and contrast expect pixels in 0 … 255. Ours are in 0 … 1: say
#   `value_range=(0, 1)`, and look at the result.
#
# Write a function that makes an augmenter for a data set: changes that leave digits digits, and for
# `"cifar10"` things and animals what they are. Images must stay recognisable, in 0 … 1, and about as
# bright as before. (A `keras.Sequential` of layers is the easy way. A function of your own,
# `augmenter(images, training=True)`, is fine, too.)

# %% solution="build_augmenter"
def build_augmenter(dataset):
    """An augmenter: augmenter(images, training=True) changes each image at random, anew in each call.

    dataset: "photodigits" or "cifar10", whose images (N, 32, 32, 3) in [0, 1] it will get.
    """
    ### BEGIN SOLUTION
    steps = [
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        layers.RandomRotation(0.04, fill_mode="nearest"),
        layers.RandomZoom(0.15, 0.15, fill_mode="nearest"),
        layers.RandomBrightness(0.15, value_range=(0, 1)),
        layers.RandomContrast(0.3, value_range=(0, 1)),
    ]
    if dataset == "cifar10":
        steps = [layers.RandomFlip("horizontal"), steps[0]]
    return keras.Sequential(steps)
    ### END SOLUTION


# %% check="augmenter" points=6
check("augmenter", augmenting.tried(build_augmenter))

# %% [markdown]
# **Where does it happen?** *Online*: not before training, but whenever a batch is asked for. Training
# reads a stream of batches, epoch after epoch, and on its way each batch goes through the augmenter.
# So every epoch has images that no epoch had before, and nothing is stored. Validation images come
# through a stream of their own that changes nothing: what counts there is how good the net is on real
# images.
#
# `tf.data.Dataset` makes such streams: `from_tensor_slices((x, y))`, then `.shuffle(n, seed=seed)`,
# `.batch(batch)`, `.map(function)` and `.prefetch(1)`, each of which returns a stream. The function of
# `map` gets images and labels and returns both.

# %% solution="streams"
def streams(data, augmenter, batch, seed):
    """Streams of training and of validation images.

    data: with x_train, y_train, x_val, y_val.    augmenter: as `build_augmenter` makes it.
    batch: images per batch.    seed: for shuffling; the same seed gives the same order.

    Returns (training, validation), two tf.data.Datasets (or whatever else Keras' fit can read more
    than once) of batches (images, labels).  The training stream is an epoch long or has no end (then
    `training.fit` counts the batches of an epoch); its images are shuffled and augmented, anew in each
    epoch.  The validation stream gives each image once.
    """
    ### BEGIN SOLUTION
    training = tf.data.Dataset.from_tensor_slices((data.x_train, data.y_train))
    training = training.shuffle(len(data.x_train), seed=seed).batch(batch)
    training = training.map(lambda x, y: (augmenter(x, training=True), y)).prefetch(1)
    validation = tf.data.Dataset.from_tensor_slices((data.x_val, data.y_val)).batch(batch)
    return training, validation
    ### END SOLUTION


# %% check="streams" points=6
check("streams", augmenting.read(streams))

# %% [markdown]
# Here is what the net will get to see. Each row is one image of the training set, each column an epoch.

# %% figure="epochs_picture"
plots_augmentation.told_of(build_augmenter(DATASET))
plots_augmentation.through_epochs(coded, streams, build_augmenter(DATASET))
plt.show()

# %% [markdown]
# Now train with it. Augmented images are harder, and ten epochs are few for them; so the net gets 15
# of them (30 with CIFAR-10, whose classes are harder), and for a fair comparison another one without augmentation
# gets as many.

# %%
EPOCHS = {"photodigits": 15, "cifar10": 30}[DATASET]

# %%
augmented = training.fit(
    "augmented",
    build_three_convolutions,
    coded,
    epochs=EPOCHS,
    batch=128,
    streams=streams,
    augment=lambda: build_augmenter(DATASET),
)

# %%
none = training.fit("none", build_three_convolutions, coded, epochs=EPOCHS, batch=128)

# %% check="augmented" points=4
check("augmented", augmenting.answers("augmented", build_three_convolutions))

# %% [markdown] minutes=5 needs="03.2"
# ## Exercise 03.3: with and without
#
# Report what came of it, in percent, rounded to one decimal: accuracy on training and on validation images
# of the two nets. `none.record["train"]` and `none.record["validation"]` have the fractions. (They were
# measured after training, on images as they are, also for the net that was trained with augmented
# ones.) When graded, each number is measured again.

# %% solution="report"
report = {
    "none": {"train": None, "validation": None},
    "augmented": {"train": None, "validation": None},
}
### BEGIN SOLUTION
for run in (none, augmented):
    for which in ("train", "validation"):
        report[run.name][which] = round(100 * run.record[which], 1)
### END SOLUTION
report

# %% check="report" points=4
check("report", claims.about(dict.fromkeys(["none", "augmented"], build_three_convolutions), report))

# %% [markdown] minutes=25 needs="03.2"
# ## Exercise 03.4: two pairs of curves

# %% figure="curves_picture"
plots_augmentation.curves(["none", "augmented"])
plt.show()

# %% [markdown]
# Read the curves with a function. A history has a list for each of `loss`, `val_loss`, `accuracy` and
# `val_accuracy`, one number per epoch.

# %% solution="gap"
def gap(history):
    """How far training and validation are apart.

    history: name -> list of numbers, one per epoch.

    Returns a dictionary: "best epoch", the one with the lowest validation loss, counted from 1;
    "loss gap", in the last epoch, validation loss minus training loss; "accuracy gap", in the last
    epoch, training accuracy minus validation accuracy, as a fraction.
    """
    ### BEGIN SOLUTION
    return {
        "best epoch": int(np.argmin(history["val_loss"])) + 1,
        "loss gap": history["val_loss"][-1] - history["loss"][-1],
        "accuracy gap": history["accuracy"][-1] - history["val_accuracy"][-1],
    }
    ### END SOLUTION


# %% check="gap" points=3
check("gap", gap)

# %% figure="gaps"
for run in (none, augmented):
    print(run.name, {name: round(value, 3) for name, value in gap(run.record["history"]).items()})

# %% [markdown]
# The gap of the augmented net may be negative: in the curves, its training images are the augmented ones,
# which are harder than those for validation.
#
# **Question.** Compare how the losses develop over the epochs, with and without augmentation. When does which
# net stop getting better? Why is the training loss with augmentation so much higher, and is that bad?

# %% [markdown] essay="losses_compared" points=3
# ### BEGIN SOLUTION
# Without augmentation the training loss falls all the time. The validation loss falls faster at first, reaches its
# lowest value (0.51) in epoch 11 of 15 and creeps up from there, while the training loss goes on falling to a third
# of it: from then on the net learns by heart, and becomes surer of its mistakes. That is overfitting. With
# augmentation both losses fall together until the last epoch, so training longer would still help. Its training
# loss is higher for two reasons: it is measured on changed images, which are harder, and the net never
# meets the same image twice, so it can't learn any by heart. That is not bad. What counts is the validation
# loss, which ends lower (0.41) than without augmentation (0.55).
#
# **Rubric**
#
# - 3 points: overfitting located in the curves (validation loss rises while training loss falls), its absence with
#   augmentation, and why the training losses can't be compared directly
# - 1.5 points: the difference described, but not explained, or training losses compared as if they meant the same
# - 0 points: no reference to the own curves, or claims that they contradict
# ### END SOLUTION

# %% [markdown] minutes=50 needs="03.2"
# ## Exercise 03.5: which strategy is the best?
#
# Several changes at once say little about any of them. Try at least three strategies beside your own, in any
# way you like: one kind of change each, weak against strong, geometry against colour. Put a function
# that makes the augmenter under each name.

# %% solution="strategies"
strategies = {}
### BEGIN SOLUTION
strategies["shift"] = lambda: keras.Sequential(
    [layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")]
)
strategies["colour"] = lambda: keras.Sequential(
    [
        layers.RandomBrightness(0.15, value_range=(0, 1)),
        layers.RandomContrast(0.3, value_range=(0, 1)),
    ]
)
strategies["erase"] = lambda: keras.Sequential(
    [layers.RandomErasing(scale=(0.02, 0.12), value_range=(0, 1))]
)
### END SOLUTION

# %% [markdown]
# All of them get the same budget: the same net, seed, number of epochs and batch size.

# %%
for name, build_it in strategies.items():
    training.fit(
        name,
        build_three_convolutions,
        coded,
        epochs=EPOCHS,
        batch=128,
        streams=streams,
        augment=build_it,
    )

# %%
rows = ["none", "augmented", *strategies]
augmentation_view.table(rows)

# %% figure="strategies_picture"
plots_augmentation.strategies(rows)
plt.show()

# %% [markdown]
# When graded, each row is measured again: on the validation images, where it must be what the table says within a
# point, and on images that nobody has seen.

# %% check="strategies" points=6
check("strategies", claims.about(dict.fromkeys(rows, build_three_convolutions), None))

# %% [markdown]
# Now draw your conclusions, from the table and nothing else:
#
# - `best`: the row with the highest accuracy on validation images
# - `gain`: what the best strategy gains over `none` on validation images, in points (percent minus percent)
# - `helps`: a list of all strategies that gain **more than one point** over `none`
# - `gap`: for each row, training minus validation accuracy, in points
#
# They are held against what your nets really do. A claim that your own numbers contradict is pointed out.

# %% solution="findings"
findings = {"best": None, "gain": None, "helps": None, "gap": None}
### BEGIN SOLUTION
percent = {
    name: {which: 100 * models.load(name)[0][which] for which in ("train", "validation")}
    for name in rows
}
gains = {
    name: percent[name]["validation"] - percent["none"]["validation"]
    for name in rows
    if name != "none"
}
findings["best"] = max(rows, key=lambda name: percent[name]["validation"])
findings["gain"] = max(gains.values())
findings["helps"] = [name for name, gain in gains.items() if gain > 1]
findings["gap"] = {name: percent[name]["train"] - percent[name]["validation"] for name in rows}
### END SOLUTION
findings

# %% check="findings" points=4
check("findings", claims.about(dict.fromkeys(rows, build_three_convolutions), findings))

# %% [markdown]
# **Question.** Which strategies help, which don't, and what could be the reason? How sure are you, having trained
# each once?

# %% [markdown] essay="best_strategy" points=4
# ### BEGIN SOLUTION
# Two strategies lead, equally good: the combination of shift, rotation, zoom, brightness and contrast, and shift alone
# (both 88.8 %, 4.6 points above none). So most of the gain comes from geometry, which fits the data: digits stand
# anywhere in the image, and the net's dense layer knows only the places that it has seen. Brightness and contrast
# gain a point: the photographs already bring all kinds of light. Erasing parts gains nothing, since a digit with a
# missing piece may be another digit. The gap agrees: it is 11 points without augmentation and with colour, 10 with
# erasing, but 1 with shift and none at all with the combination, which therefore could be trained longer still. That is
# why I chose it. Each row is one training: with another seed an accuracy changes by about a point, and 2,000
# validation images leave it uncertain by almost another. So I am sure that geometry helps, but not
# about colour, nor about the order of the first two; more seeds would tell.
#
# **Rubric**
#
# - 4 points: the strategies ordered by validation accuracy with reasons that fit the data set, the gap looked
#   at, and an eye on chance (one seed, limited images)
# - 2 points: order and numbers right, but reasons or chance missing
# - 0 points: a bare list, or claims that the table contradicts
# ### END SOLUTION

# %% [markdown] minutes=40 needs="03.2"
# ## Exercise 03.6: deeper, after VGG (optional, bonus)
#
# The VGG nets (Simonyan and Zisserman, 2014, [arxiv.org/abs/1409.1556](https://arxiv.org/abs/1409.1556)) are
# made of blocks of 3×3 convolutions. With batch normalisation (BN) and dropout, which the originals did not have:
#
# $$ \big[\,[\text{conv} \to \text{ReLU} \to \text{BN}] \times 3 \to \text{max pooling} \to \text{dropout}\,\big] \times 4
# \to \text{flatten} \to \text{dense} \to \text{ReLU} \to \text{dropout} \to \text{output} $$
#
# Convolutions of 3×3, stride 1, `padding="same"`, all with the same number of filters; max pooling 2×2; dropout 0.2;
# a dense layer of 256 units; ten outputs with softmax. Loss `categorical_crossentropy`, optimiser `adam`,
# metric `accuracy`.

# %% solution="build_vgg"
def build_vgg(filters=64):
    """A compiled Keras model after VGG: (32, 32, 3) -> 10 probabilities, twelve convolutions."""
    ### BEGIN SOLUTION
    steps = [keras.Input((32, 32, 3))]
    for _ in range(4):
        for _ in range(3):
            steps += [layers.Conv2D(filters, 3, padding="same", activation="relu")]
            steps += [layers.BatchNormalization()]
        steps += [layers.MaxPooling2D(2), layers.Dropout(0.2)]
    steps += [layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dropout(0.2)]
    model = keras.Sequential([*steps, layers.Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model
    ### END SOLUTION


# %% check="vgg_configuration" points=3 bonus=true
check("vgg_configuration", augmenting.configured(build_vgg))

# %% [markdown]
# How large? That is yours to choose. 16 filters and the images that you have so far suit two cores. 64 filters and
# the 40,000 images of CIFAR-10 want a graphics card or a night, and then more is expected of the net: 80 % and more is
# a good aim (ours came to 84 % on the test images, after 30 epochs). Twelve layers want many steps: small batches, and more epochs than before. (There are better recipes, too: `utils/fast/training.py` trains CIFAR-10 on a
# processor within minutes, and its tricks are worth knowing.)

# %%
FILTERS = 16  # 64: a graphics card, or a night
DEEP_IMAGES = IMAGES  # 40_000: all there are of CIFAR-10
VGG_EPOCHS = 30
VGG_BATCH = 32  # 128 with 40,000 images


def build_small_vgg():
    return build_vgg(FILTERS)


many = training.with_images(coded, DEEP_IMAGES)

# %%
vgg = training.fit(
    "vgg",
    build_small_vgg,
    many,
    epochs=VGG_EPOCHS,
    batch=VGG_BATCH,
    falling=True,
    streams=streams,
    augment=lambda: build_augmenter(DATASET),
)

# %% check="vgg" points=4 bonus=true
check("vgg", augmenting.answers("vgg", build_small_vgg))

# %% [markdown] minutes=20 needs="03.6"
# ## Exercise 03.7: the deep net with and without (optional, bonus)
#
# The same once more without augmentation, and the report as in exercise 03.3.

# %%
vgg_plain = training.fit(
    "vgg_plain", build_small_vgg, many, epochs=VGG_EPOCHS, batch=VGG_BATCH, falling=True
)

# %% solution="vgg_report"
vgg_report = {
    "vgg_plain": {"train": None, "validation": None},
    "vgg": {"train": None, "validation": None},
}
### BEGIN SOLUTION
for run in (vgg_plain, vgg):
    for which in ("train", "validation"):
        vgg_report[run.name][which] = round(100 * run.record[which], 1)
### END SOLUTION
vgg_report

# %% check="vgg_report" points=3 bonus=true
check("vgg_report", claims.about(dict.fromkeys(["vgg_plain", "vgg"], build_small_vgg), vgg_report))

# %% figure="vgg_curves"
plots_augmentation.curves(["vgg_plain", "vgg"])
plt.show()

# %% [markdown]
# **Question.** What do you observe? Compare with the three convolutions: what do depth, batch normalisation and
# dropout change, and what does augmentation add to them?

# %% [markdown] essay="vgg_observations" points=3 bonus=true
# ### BEGIN SOLUTION
# The deep net reaches 92.0 % on validation images with and without augmentation, against 84.2 % (none) and 88.8 %
# (augmented) of the three convolutions, with about as many parameters (45,946): most of its weights are in
# convolutions that see more of the image the deeper they are, not in a dense layer. Depth makes the way longer: for three
# or four epochs hardly anything happens, until twelve layers and the moving averages of batch normalisation have found
# their scale; without BN it would hardly train at all. Dropout in five places works against learning by heart
# as augmentation does: without augmentation the gap is 3.5 points, where the small net had 11.4. With
# augmentation there is no gap left (91.8 and 92.0 %), but nothing gained on validation images either: net and
# epochs are now what limits it, both losses still fall, and more filters or a longer training would pay. So the two
# don't add up as I expected: augmentation gains where there is a gap to close, and dropout had closed most of it.
#
# *With CIFAR-10* (10,000 images, 16 filters, 30 epochs): the deep net reaches 61.0 % on validation images without
# augmentation and 58.5 % with it, against 58.1 % (none) and 64.2 % (augmented) of the three convolutions. So here
# augmentation costs 2.5 points. The training accuracies say why: 70.7 % without, 61.5 % with. With flips and shifts
# the net has not even learned what its own training images show; it doesn't overfit yet, so there is nothing to be
# won against overfitting, and the task has become harder. The small net had learned 85.0 % of its training images and
# kept 58.1 %: a gap of 27 points, of which augmentation closed the most. More epochs or filters would turn it round for the
# deep net, too: augmentation is for nets that have capacity and time to learn by heart.
#
# **Rubric**
#
# - 3 points: accuracies and gaps of the two runs compared with each other and with the small net, and the parts
#   that depth, BN, dropout and augmentation have in it, told apart with reasons
# - 1.5 points: numbers compared, but only one of the parts explained
# - 0 points: no comparison, or claims that the numbers contradict
# ### END SOLUTION

# %% [markdown] minutes=15 needs="03.5"
# ## Exercise 03.8: the test images
#
# Everything has been trained, the deep nets too if you took them on. Decide for one of the strategies of
# exercise 03.5, and only then look at the test images: once, for all nets.

# %%
CHOSEN = "augmented"

# %%
nets = dict.fromkeys(rows, build_three_convolutions)
nets |= {name: build_small_vgg for name in ("vgg_plain", "vgg") if name in models.names()}
x_test, y_test = test_set.open("choosing a strategy", CHOSEN)
training.final_table(nets, x_test, y_test)

# %% check="strategy_choice" points=2
check("strategy_choice", sealed.choice("choosing a strategy", rows))

# %% [markdown]
# When graded, the three columns are measured again, each on its own images.

# %% check="tested_strategies" points=2
check("tested_strategies", claims.about(nets, sealed.reported(nets)))

# %% [markdown]
# **Question.** Compare the test column with that of validation: does it confirm your choice, and what it says about
# augmentation? Why is it lower, and why was it opened only now?

# %% [markdown] essay="test_images" points=2
# ### BEGIN SOLUTION
# All nets are three to six points lower on test images: these show digits by other hands on other photographs, and
# I chose strategies and epochs by the validation images, which favours what happens to fit them. The order is the
# same, within chance: the two strategies that move the image gain 3.6 and 3.0 points over none (83.5 and 82.9 against
# 79.9 %), colour gains nothing (80.0) and erasing loses two points (78.0). So the choice is confirmed, and so is that
# shift and the combination are nearly equal. The deep nets are the best here, too (88.9 % with augmentation, 87.1
# without), and augmentation gains 1.8 points where validation showed none. The seal was broken only now because each
# decision after looking would be made for these images, and their accuracy would no longer say what new ones bring; how
# to train the deep nets is a decision, too.
#
# **Rubric**
#
# - 2 points: both columns compared with numbers (order, gain), a reason why test is lower, and why it comes last
# - 1 point: one of the comparisons, or the reason without numbers
# - 0 points: neither, or a choice made by the test column
# ### END SOLUTION

# %% [markdown] minutes=25
# ## Exercise 03.9: Inception-v4
#
# Szegedy, Ioffe, Vanhoucke and Alemi, *Inception-v4, Inception-ResNet and the impact of residual connections on
# learning*, 2016, [arxiv.org/abs/1602.07261](https://arxiv.org/abs/1602.07261). Read until you have understood the
# strategy; the details of each block are not needed.
#
# **Question.** Explain the architecture in a few sentences, and compare it with GoogLeNet and ResNet.

# %% [markdown] essay="inception_v4" points=4
# ### BEGIN SOLUTION
# Inception-v4 is built like GoogLeNet, from modules with parallel branches of different kernel sizes whose maps are
# stacked, and 1×1 convolutions that keep the cost down. It makes the plan more uniform: a deeper *stem* brings the
# 299×299 image down to 35×35 maps, then come four Inception-A modules at 35×35, seven Inception-B at 17×17 and
# three Inception-C at 8×8, with *reduction* modules between them that halve height and width in parallel
# branches (strided convolution and pooling); average pooling, dropout and softmax follow. Large kernels are
# factorised: 5×5 becomes two 3×3, and in B 7×7 becomes 1×7 and 7×1. There are no auxiliary
# classifiers as in GoogLeNet; batch normalisation makes training stable. The same paper puts ResNet's idea into it:
# in Inception-ResNet the output of a (cheaper) module is added to its input, scaled down by 0.1 to 0.3 where
# there are very many filters, since training died otherwise. Residual connections made training much faster, but the
# accuracy in the end was nearly the same for nets of equal cost: Inception-v4 reached 3.8 % top-5 error (many crops),
# Inception-ResNet-v2 3.7 %, and an ensemble 3.1 %. Unlike ResNet, depth alone isn't the means here: width and
# parallel kernel sizes are, and the paper shows that a very deep net can be trained without residual connections.
#
# **Rubric**
#
# - 4 points: stem, three kinds of modules and reductions, factorised kernels or 1×1 reductions, and a comparison with
#   GoogLeNet (same idea, more uniform) and ResNet (residual variants: faster, hardly better)
# - 2 points: the modules described, but the comparison is missing or wrong in one of the two
# - 0 points: nothing beyond "deeper than before", or text that isn't about this architecture
# ### END SOLUTION

# %% [markdown] minutes=60
# ## Exercises 03.10 to 03.14: review (optional, bonus)
#
# **03.10.** Explain the notion of hierarchical features in convolutional networks.

# %% [markdown] essay="hierarchical_features" points=2 bonus=true
# ### BEGIN SOLUTION
# Each layer builds its features out of those of the layer before. The first convolution sees a few pixels and finds
# edges and colours; the next ones combine edges to corners and textures, these to parts (an eye, a wheel), and the
# last ones parts to objects. Two things make it so: the receptive field grows with depth and with pooling, so later
# units see more of the image; and each layer's nonlinearity lets it combine what it gets in ways that a single
# layer couldn't. Early features are general and useful for many tasks, late ones are specific to the classes. Nobody
# tells the net so: it is what training finds, since shared parts are the cheapest way to describe many objects.
#
# **Rubric**
#
# - 2 points: from edges over parts to objects, with the reason (composition and a growing receptive field)
# - 1 point: the sequence without a reason
# - 0 points: no hierarchy described
# ### END SOLUTION

# %% [markdown]
# **03.11.** Explain two strategies to visualise what a convolutional network has learned.

# %% [markdown] essay="two_visualisations" points=2 bonus=true
# ### BEGIN SOLUTION
# Activation maps: give the net an image and draw the maps that come out of a layer. Bright places are where a filter
# found its feature, so one sees what each filter responds to, and that maps become coarser and rarer with depth.
# Activation maximisation: begin with noise and change the *image* by gradient ascent until a chosen unit or class score
# is high, with a regulariser that keeps it natural; the result shows what the unit looks for, independently of any one
# image. (Also possible: filters of the first layer as images; saliency, the gradient of the class score with respect to
# the pixels; occlusion, the score while a grey box covers one place after the other; images of the training set with
# the highest activation; t-SNE of the last layer.)
#
# **Rubric**
#
# - 2 points: two different strategies, each with how it is done and what can be read from it
# - 1 point: one explained, or two only named
# - 0 points: none
# ### END SOLUTION

# %% [markdown]
# **03.12.** What do we fight with data augmentation? First look at four nets with numbers of your own, and
# say of each what it does: `"overfits"`, `"underfits"` or `"fits"`.

# %% locked="own_numbers"
own = augmentation_numbers.numbers_of(STUDENT_ID)
own

# %% [markdown]
# (If this cell complained, write your id into the first code cell, and run that one and this one again.)

# %% solution="four_nets"
nets_do = {"A": None, "B": None, "C": None, "D": None}
### BEGIN SOLUTION
for net, (train, validation) in own.accuracies.items():
    if train - validation > 8:
        nets_do[net] = "overfits"
    else:
        nets_do[net] = "underfits" if train < 70 else "fits"
### END SOLUTION

# %% check="four_nets" points=2 bonus=true
check("four_nets", nets_do, student=STUDENT_ID)

# %% [markdown]
# **Question.** What do we fight with data augmentation, and why does it work? For which of the four nets would you try
# it, and what would you do for the others?

# %% [markdown] essay="what_we_fight" points=2 bonus=true
# ### BEGIN SOLUTION
# Overfitting: a net with many weights and few images learns the images themselves, with everything accidental in them
# (where the object stood, how bright it was), in place of what makes the class. Augmentation varies just these
# accidents while the label stays, so they no longer help, and the net must find what doesn't change; it is knowledge
# about the task (which changes don't matter), put into the data. It stands for more data, but only for the changes that
# we thought of. I would try it for the two nets with a large gap. The net that is bad on both sets underfits: it needs
# more filters or layers, a longer training or a better learning rate, and augmentation would make its task harder
# still. The one that is good on both needs nothing, or a larger net together with augmentation.
#
# **Rubric**
#
# - 2 points: overfitting named, why augmentation works against it, and what is to be done for nets that overfit and that
#   underfit told apart
# - 1 point: overfitting named without the mechanism, or the same remedy for all nets
# - 0 points: something else
# ### END SOLUTION

# %% [markdown]
# **03.13.** What are the ways to implement data augmentation? Work out what two of them cost, with the numbers in the
# sentence below your table. *Offline*: before training, augmented copies of each image are stored beside it, and all of them are
# trained with. *Online*: each image gets one new version per epoch. Mega means a million; a last batch that isn't full
# counts as one. Don't round the megabytes.

# %% solution="offline_online"
answers = {
    "images on disk, offline": None,
    "megabytes on disk, offline": None,
    "megabytes on disk, online": None,
    "versions of an image seen, offline": None,  # different ones, in the whole training
    "versions of an image seen, online": None,
    "updates per epoch, offline": None,
    "updates per epoch, online": None,
}
### BEGIN SOLUTION
stored = own.images * (own.copies + 1)
each = own.size * own.size * 3 / 1e6
answers["images on disk, offline"] = stored
answers["megabytes on disk, offline"] = stored * each
answers["megabytes on disk, online"] = own.images * each
answers["versions of an image seen, offline"] = own.copies + 1
answers["versions of an image seen, online"] = own.epochs
answers["updates per epoch, offline"] = -(-stored // own.batch)
answers["updates per epoch, online"] = -(-own.images // own.batch)
### END SOLUTION

# %% check="offline_online" points=3 bonus=true
check("offline_online", answers, student=STUDENT_ID)

# %% [markdown]
# **Question.** Compare the ways to implement augmentation: offline or online, in the data stream or as layers of the
# model, and what about the time of prediction? When would you take which?

# %% [markdown] essay="implementations" points=2 bonus=true
# ### BEGIN SOLUTION
# Offline: copies are computed once and stored. Simple, and works with any training code, also for changes that are
# slow to compute; but it costs disk space in proportion to the copies, and the net sees only those few versions, again
# and again. Online: each batch is changed when it is asked for. No storage, and new versions in every epoch; but it
# costs computing time in each epoch, which the CPU can do ahead while a graphics card trains (prefetch). Online it can
# stand in the data stream (`map`, any Python function, also labels and masks can be changed with the image), or as the first
# layers of the model, which run on the graphics card, travel with the saved model and switch themselves off when
# predicting. At the time of prediction nothing is augmented, with one exception: averaging the outputs for some
# versions of the image (test-time augmentation) is a point or so better, for several times the computing. I
# would take online augmentation in the stream as a rule, layers where the CPU is the bottleneck, and offline for slow
# changes or rendered data.
#
# **Rubric**
#
# - 2 points: offline and online with cost (storage, time) and effect (versions seen), and where online augmentation can
#   stand
# - 1 point: the ways named, with costs or effects missing
# - 0 points: only one way, or wrong
# ### END SOLUTION

# %% [markdown]
# **03.14.** What are the main differences between AlexNet, VGGNet, GoogLeNet and ResNet, and what was the intuition behind
# each?

# %% [markdown] essay="four_architectures" points=4 bonus=true
# ### BEGIN SOLUTION
# *AlexNet* (2012): five convolutions (11×11, 5×5, then 3×3) and three dense layers, 60 million parameters. Its intuition: what
# was known for digits works for photographs, if net and data are large enough; ReLU, dropout, augmentation and two
# graphics cards made it trainable. *VGGNet* (2014): only 3×3 convolutions, 16 or 19 layers, 138 million parameters. Two
# 3×3 see as much as one 5×5, with fewer weights and one more nonlinearity: so go deeper with small, uniform blocks.
# *GoogLeNet* (2014): 22 layers of Inception modules, only 5 to 7 million parameters, as one counts. Things have different sizes, so
# look with 1×1, 3×3 and 5×5 at the same time and let training choose; 1×1 convolutions reduce the channels first, average
# pooling replaces the large dense layers, and auxiliary classifiers help the gradient. *ResNet* (2015): up to 152 layers.
# Deeper plain nets got worse even on training images, so depth itself was hard to train; a block that adds what it
# finds to its input, x + F(x), can at least do nothing, and the gradient passes through the sum undamped. With batch
# normalisation that makes very deep nets trainable.
#
# **Rubric**
#
# - 4 points: for each of the four what is particular about it (kernels, depth, modules, connections) and why
# - 2 points: three of them right, or all without the intuition
# - 0 points: fewer, or mixed up
# ### END SOLUTION

# %% [markdown]
# That is all for this notebook. In the next one you look inside a net, and see what it pays attention to.
#
# **Further reading.** Shorten and Khoshgoftaar, *A survey on image data augmentation for deep learning*, Journal of
# Big Data 6, 2019, [doi.org/10.1186/s40537-019-0197-0](https://doi.org/10.1186/s40537-019-0197-0).
