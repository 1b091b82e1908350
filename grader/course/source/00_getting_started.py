# %% [markdown]
# # 00 · Getting started
#
# A convolutional net is a function: an image goes in, and out come numbers that say what is in the
# image. In this course you will write such nets by hand, train them, look into them, and fool them.
# Today you make sure that everything is installed, and you ask a net that somebody else has trained
# what it sees.
#
# It works offline.
#
# **How the exercises work.** Put your own code wherever it says `YOUR CODE HERE`, then run the cell
# below it, which calls `check(...)`. It tries your answer, tells you what passed and what did not,
# and, if it recognises the mistake, which one it was. Run it as often as you like. When your work
# is graded, the same checks are made on other images and other numbers.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% locked="setup"
import matplotlib.pyplot as plt
import numpy as np

from utils import check
from utils.images import datasets
from utils.nets import pretrained, quiet
from utils.pictures import figures

keras = quiet.import_keras()  # a moment of patience
tf = quiet.import_tensorflow()

mini = pretrained.load("mini")

# %% [markdown] minutes=10
# ## Exercise 00.1: is everything there?
#
# If the cell above ran without an error, the answer is: nearly certainly. Let us look more closely.
# *TensorFlow* does the computing, on the processors (CPU) or on a graphics card (GPU) if there is
# one. *Keras* sits on top of it and works with layers and models.

# %% figure="versions"
print("Python     ", sys.version.split()[0])
print("NumPy      ", np.__version__)
print("TensorFlow ", tf.__version__)
print("Keras      ", keras.__version__, "on", keras.config.backend())
for device in tf.config.list_physical_devices():
    print("Device     ", device.device_type, device.name)

# %% [markdown]
# Fill in what your installation says, by asking it rather than by copying numbers:
#
# | entry | what |
# |---|---|
# | `"tensorflow"`, `"keras"` | the version's first number, as an `int`: 2 for version 2.21.0 |
# | `"backend"` | what Keras computes with |
# | `"image_data_format"` | where Keras expects the channels of an image, see `keras.config` |
# | `"cpus"` | how many devices of type `"CPU"` TensorFlow lists |

# %% solution="installation"
installation = {
    "tensorflow": None,
    "keras": None,
    "backend": None,
    "image_data_format": None,
    "cpus": None,
}
### BEGIN SOLUTION
installation["tensorflow"] = int(tf.__version__.split(".")[0])
installation["keras"] = int(keras.__version__.split(".")[0])
installation["backend"] = keras.config.backend()
installation["image_data_format"] = keras.config.image_data_format()
installation["cpus"] = len(tf.config.list_physical_devices("CPU"))
### END SOLUTION

# %% check="installation" points=1
check("installation", installation)

# %% [markdown]
# ### One convolution
#
# A convolution lays a small *kernel* on the image, multiplies what lies on top of each other, adds
# it all up, and writes the sum down; then it moves on by a pixel. Where the image looks like the
# kernel, the sum is large. Below, a kernel that compares each pixel with its neighbours to the left
# and right responds to vertical edges, and one turned by 90° to horizontal edges.

# %% figure="edges"
photo = datasets.load("photodigits", size=64, train=40, validation=0, test=0).x_train[30]
upright = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 4
grey = photo.mean(axis=2)[None, :, :, None]
answers = [
    np.abs(tf.nn.conv2d(grey, kernel[:, :, None, None], strides=1, padding="VALID"))[0, :, :, 0]
    for kernel in (upright, upright.T)
]
figures.images_in_rows(
    [photo, grey[0, :, :, 0], *answers], ["image", "brightness", "vertical edges", "horizontal edges"]
)
plt.show()

# %% [markdown]
# Let TensorFlow compute one convolution: `tf.nn.conv2d` with stride 1 and padding `"VALID"`, which
# means that the kernel never leaves the image.
#
# Arrays are laid out like this all through the course:
#
# - images: `(number of images, height, width, channels)`
# - kernels: `(kernel height, kernel width, channels in, channels out)`
#
# In the next notebook you will write this function yourself, without TensorFlow.

# %% solution="one_convolution"
def one_convolution(images, kernels):
    """Convolve images with kernels, stride 1, no padding.

    images: (N, H, W, C_in) float32.  kernels: (kh, kw, C_in, C_out) float32.
    Returns an array or tensor (N, H - kh + 1, W - kw + 1, C_out).
    """
    ### BEGIN SOLUTION
    return tf.nn.conv2d(images, kernels, strides=1, padding="VALID")
    ### END SOLUTION

# %% check="one_convolution" points=2
check("one_convolution", one_convolution)

# %% [markdown] minutes=10
# ## Exercise 00.2: what is in the picture?
#
# Training a net takes data and hours. Using one that is trained takes a line.
# `pretrained.load("mini")` gives you a small net that belongs to the course: five convolutions and
# three dense layers, arranged as in the famous AlexNet of 2012, but two hundred times smaller. It
# was trained to read digits on photographs.
#
# Real photographs need a net that was trained on real photographs. If you are online, or have the
# weights already, change the next line to `"inception_v3"`, `"mobilenet"` or one of the other
# names; then this notebook shows you a cat, a cup of coffee and a rocket instead of digits, and a
# thousand classes instead of ten. Inception-v3 is a download of 96 MB, once; then it takes about
# five seconds to open, and a tenth of a second for a photograph on two processor cores. MobileNet is 17 MB. All that
# you write below works for every net. (Your work is graded with `"mini"`.)

# %%
NET = "mini"

# %% figure="photographs"
print("At hand without a network:", ", ".join(pretrained.available()))
net = pretrained.load(NET)
photographs = pretrained.photographs(NET)
figures.images_in_rows(photographs)
plt.show()

# %% [markdown]
# What a net gives you:
#
# - `net.preprocess(images)`: photographs come in all sizes, with pixels from 0 to 255. A net only
#   works on images like those it was trained on, so size and range must be made the same.
# - `net.model(x)`: for each preprocessed image one *score* (also called *logit*) per class, as a
#   tensor of shape `(images, classes)`. The higher, the more the net believes in that class.
# - `net.class_names`: what the classes are called, in the order of the scores.
#
# Write a function that says for each image which class the net believes in most. A class is given
# by its number, counted from 0.

# %% solution="classify"
def classify(net, images):
    """The class that a net believes in most, for each image.

    net: a PretrainedNet.  images: (N, H, W, 3) uint8, pixels in 0 … 255.
    Returns N class numbers: an integer array of shape (N,).
    """
    ### BEGIN SOLUTION
    scores = net.model(net.preprocess(images))
    return np.argmax(scores, axis=1)
    ### END SOLUTION

# %% check="classify" points=3
check("classify", lambda images: classify(mini, images))

# %% [markdown] minutes=10 needs="00.2"
# ## Exercise 00.3: the five best guesses
#
# One name says little about how sure the net is. *Softmax* turns the scores $z_1, \dots, z_K$ of an
# image into probabilities, which are positive and add up to 1:
#
# $$p_k = \frac{e^{z_k}}{\sum_{j=1}^{K} e^{z_j}}$$
#
# A list of the five likeliest classes is what the great image recognition contests were judged by:
# with a thousand classes, over a hundred of them kinds of dogs, a second guess is often good, too.
#
# Write a function that returns the five likeliest classes of each image, the likeliest first, and
# their probabilities. `np.argsort` tells in which order to take the elements of an array, from the
# smallest to the largest; `np.take_along_axis` takes them.

# %% solution="top5"
def top5(net, images):
    """The five likeliest classes of each image and their probabilities, likeliest first.

    net: a PretrainedNet.  images: (N, H, W, 3) uint8, pixels in 0 … 255.
    Returns (classes, probabilities): two arrays of shape (N, 5).
    """
    ### BEGIN SOLUTION
    probabilities = tf.nn.softmax(net.model(net.preprocess(images))).numpy()
    classes = np.argsort(-probabilities, axis=1)[:, :5]
    return classes, np.take_along_axis(probabilities, classes, axis=1)
    ### END SOLUTION

# %% check="top5" points=4
check("top5", lambda images: top5(mini, images))

# %% [markdown]
# Now look at what the net thinks of the photographs. Where is it confident and right, and where confident
# and wrong? Which digits does it take for each other?

# %% figure="best_guesses"
guesses = [top5(net, photograph[None]) for photograph in photographs]
figures.best_guesses(
    photographs,
    np.concatenate([classes for classes, _ in guesses]),
    np.concatenate([probabilities for _, probabilities in guesses]),
    net.class_names,
)
plt.show()

# %% [markdown]
# **And of your own photographs?** Put a file beside this notebook, write its name below, and run the
# cell: read it, cut out what matters, ask. A photograph from a phone may lie on its side (`np.rot90` turns it),
# and the net sees the middle square of what you cut out. The mini net wants a digit, thick, bright and large;
# for a cat or a bicycle choose one of the other nets above.

# %%
PHOTO = ""  # such as "images/cat.jpg"

if PHOTO:
    mine = plt.imread(PHOTO)[..., :3]  # (height, width, 3)
    mine = mine[0:, 0:]  # rows from : to, columns from : to
    figures.best_guesses([mine], *top5(net, mine[None]), net.class_names)
    plt.show()

# %% [markdown]
# That is all for today. In the next notebook you build the layers of such a net yourself.
#
# **Further reading.** Goodfellow, Bengio and Courville, *Deep Learning*, chapter 9: [deeplearningbook.org](https://www.deeplearningbook.org).
