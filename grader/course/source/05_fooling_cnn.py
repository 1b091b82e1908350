# %% [markdown] needs="notebook 04"
# # 05 · Fooling a CNN
#
# The net that you work with here reads digits on photographs, and is nearly always right. In this
# notebook you make it see whatever you like. You take a photograph that it knows well, choose another
# class, and change the pixels so little that everybody still sees what it shows, until the net swears
# that it is the other class. Such images are called *adversarial examples* (Szegedy et al., *Intriguing
# properties of neural networks*, 2014,
# [arxiv.org/abs/1312.6199](https://arxiv.org/abs/1312.6199)).
#
# There is no trick to it. In training, the gradient tells how to change the *weights* so that the right
# score rises. Here the weights stay as they are, and the gradient tells how to change the *image*
# so that a wrong score rises.
#
# Nothing is trained in this notebook, and you need no network. It runs in about a minute.

# %%
# Whose work this is: your team's id, such as "team_7", or your own as the class list has it.
STUDENT_ID = "your_id"

# %% [markdown]
# **The net is chosen here.** `"mini"` is part of the course. If you are online, or have the weights
# already, try `"mobilenet_0.25"` or another name that `pretrained.NAMES` lists: then you turn a cup of
# coffee into any of a thousand things. All that you write works for every net.

# %%
NET = "mini"

# %% locked="setup"
import matplotlib.pyplot as plt
import numpy as np

from utils import check
from utils.exercises import fooling
from utils.nets import toy as nets, pretrained, quiet
from utils.pictures import fooling as plots_fooling

tf = quiet.import_tensorflow()

# %% figure="the_photographs"
net = pretrained.load(NET)
photographs, labels = fooling.photographs(net)
probabilities = net.probabilities(photographs).numpy()
print(f"{len(photographs)} photographs {photographs.shape[1:]}, pixels {photographs.dtype}")
print(f"{100 * np.mean(probabilities.argmax(axis=1) == labels):.0f} % of them classified correctly")
plots_fooling.pictures(photographs[:6], plots_fooling.captions(net, photographs[:6]))
plt.show()

# %% [markdown] minutes=50 needs="04.3"
# ## Exercise 05.1: a target
#
# To fool somebody, you need somebody who knows better. So begin with photographs that the net classifies
# *correctly*, and is *sure* of. Which ones are they?

# %% solution="good_starts"
def good_starts(probabilities, labels, least):
    """Which images are classified correctly, with a high probability?

    probabilities: (N, classes).    labels: (N,) the right classes.    least: for example 0.9.

    Returns the positions of all images whose likeliest class is the right one and has a probability
    of at least `least`: integers in increasing order.
    """
    ### BEGIN SOLUTION
    right = probabilities.argmax(axis=1) == labels
    return np.flatnonzero(right & (probabilities.max(axis=1) >= least))
    ### END SOLUTION


# %% check="good_starts" points=2
check("good_starts", good_starts)

# %% [markdown]
# ### Which way is up?
#
# A net ends with one *score* (logit) $z_k$ per class; softmax makes probabilities of the scores,
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}. $$
#
# You need the gradient of the target's score with respect to the image: three numbers for each
# pixel, which say how much the score rises if this pixel gets a little more red, green or blue.
#
# Why the score, and not the probability? A probability near 0 or 1 hardly moves, whatever you do to the
# scores: softmax is *saturated* there. And a probability also rises when all other scores fall, which
# is another aim.
#
# Three lines of TensorFlow give the gradient of anything with respect to `x`:
#
#     with tf.GradientTape() as tape:
#         tape.watch(x)              # x is a tensor: tf.constant(…)
#         y = ...                    # one number, computed from x
#     gradient = tape.gradient(y, x).numpy()
#
# `net.logits(images)` takes images with pixels in 0 … 1, (N, H, W, 3), makes them fit for the net, and
# returns (N, classes). Since it does the preprocessing itself, your gradient is that of the photograph,
# not of what the net makes of it. That is what you want: nobody can hand in a preprocessed image.

# %% solution="score_gradient"
def score_gradient(net, image, target):
    """The gradient of the target's score with respect to the image.

    net: a PretrainedNet.    image: (H, W, 3) float32, pixels in 0 … 1.    target: class number.

    Returns an array (H, W, 3).
    """
    ### BEGIN SOLUTION
    images = tf.constant(image[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = net.logits(images)[0, target]
    return tape.gradient(score, images)[0].numpy()
    ### END SOLUTION


# %% check="score_gradient" points=3
check("score_gradient", nets.on_net(score_gradient))

# %% [markdown]
# ### One step
#
# The gradient $g$ tells the direction. Its length tells little: in one place it is tiny, in another
# huge. So divide by the length, the *L2 norm*, and take a step of the size $s$ that you want:
#
# $$ x \leftarrow \operatorname{clip}\!\left(x + s\, \frac{g}{\lVert g \rVert_2}\right), \qquad
#    \lVert g \rVert_2 = \sqrt{\textstyle\sum_i g_i^2} $$
#
# where the sum goes over all pixels and colours. Clipping to 0 … 1 comes last, since no pixel is
# blacker than black. (Where pixels are clipped, the step is a little shorter than $s$.)

# %% solution="step_towards"
def step_towards(image, gradient, size):
    """One step along a gradient.

    image: (H, W, 3), pixels in 0 … 1.    gradient: (H, W, 3).    size: the L2 norm of the step.

    Returns the next image (H, W, 3), pixels in 0 … 1.
    """
    ### BEGIN SOLUTION
    return np.clip(image + size * gradient / np.linalg.norm(gradient), 0, 1)
    ### END SOLUTION


# %% check="step_towards" points=3
check("step_towards", step_towards)

# %% [markdown]
# ### Step after step
#
# Now walk until the target wins. At each image ask the net first: if the target has the highest score,
# stop. Otherwise take one more step, with a new gradient, since that changes on the way. Keep all
# images; we want to look back.

# %% solution="fool"
def fool(net, image, target, size, most):
    """Walk from an image to where the net takes it for the target.

    net: a PretrainedNet.    image: (H, W, 3) uint8.    target: class number.
    size: the L2 norm of each step, for pixels in 0 … 1.    most: take no more steps than this.

    Returns (T + 1, H, W, 3), pixels in 0 … 1: the image itself, then the image after each of T
    steps.  The last one is the first that the net takes for the target.
    """
    ### BEGIN SOLUTION
    images = [image.astype(np.float32) / 255]
    for _ in range(most):
        if net.logits(images[-1][None]).numpy().argmax() == target:
            break
        gradient = score_gradient(net, images[-1], target)
        images.append(step_towards(images[-1], gradient, size))
    return np.stack(images)
    ### END SOLUTION


# %% check="fool" points=6
check("fool", nets.on_net(fool))

# %% [markdown]
# Look at a way: above, pictures from it; below, what the net made of them. Watch the moment when the
# orange line crosses the blue one.

# %% figure="the_way"
sure = good_starts(probabilities, labels, 0.9 if NET == "mini" else 0.5)
start = sure[0]
photograph, label = photographs[start], int(labels[start])
target = int(np.argsort(probabilities[start])[len(net.class_names) // 2])
way = fool(net, photograph, target, size=0.1, most=60)
plots_fooling.trajectory(net, way, label, target)
plt.show()

# %% [markdown] minutes=10 needs="05.1"
# ## Exercise 05.2: what has changed?
#
# Compare the first picture with the last one. To see what is different, subtract the two. Differences have both signs, and pictures have not, so add them
# to a medium grey: what got brighter is brighter than the grey, what got darker is darker,
#
# $$ \text{difference} = 0.5 + d, \qquad \text{magnified} = 0.5 + 10\,d, \qquad
#    d = \frac{\text{fooled} - \text{image}}{255}, $$
#
# both clipped to 0 … 1. Take care: the images are `uint8`, whole numbers from 0 to 255, and in `uint8`
# 3 - 5 is 254.

# %% solution="difference_pictures"
def difference_pictures(image, fooled):
    """The difference of two images as a picture, and ten times the difference.

    image, fooled: (H, W, 3) uint8.

    Returns (difference, magnified): two float arrays (H, W, 3), pixels in 0 … 1; 0.5 is no change.
    """
    ### BEGIN SOLUTION
    d = fooled / 255.0 - image / 255.0
    return np.clip(0.5 + d, 0, 1), np.clip(0.5 + 10 * d, 0, 1)
    ### END SOLUTION


# %% check="difference_pictures" points=4
check("difference_pictures", difference_pictures)

# %% figure="image_and_difference"
last = np.rint(255 * way[-1]).astype(np.uint8)
difference, magnified = difference_pictures(photograph, last)
seen = plots_fooling.captions(net, np.stack([photograph, last]))
plots_fooling.pictures(
    [photograph, last, difference, magnified], [*seen, "difference", "10 × difference"]
)
plt.show()

# %% [markdown] minutes=60 needs="05.1"
# To turn one digit into another, you would draw a stroke. The net is content with specks here and there,
# which for us change nothing. Its reasons are not ours.
#
# ## Exercise 05.3: as little as possible
#
# So far the target only had to *win*; it may have won with 40 %. Now it must reach a probability of
# **0.98 or more**, and the change must be **as small as possible**, in its L2 norm.
#
# And the image must survive being saved. One that exists only as floats in your notebook fools nobody: images
# are files, and files have 8 bits, 256 steps per colour. Rounding to them is a change of its own, and may undo
# yours, which is about as small.

# %% solution="to_8_bit"
def to_8_bit(image):
    """An image as it comes back from a file.

    image: (H, W, 3) floats, pixels in 0 … 1; some may lie a little beyond.

    Returns (H, W, 3) uint8: 0 for black, 255 for 1.0, rounded to the nearest step.
    """
    ### BEGIN SOLUTION
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    ### END SOLUTION


# %% check="to_8_bit" points=2
check("to_8_bit", to_8_bit)

# %% [markdown]
# ### The search
#
# Two thoughts lead to a good attack.
#
# 1. **Climb the right hill.** For 0.98, it doesn't help to raise the target's score if the other scores
#    rise, too. The logarithm of the probability, $\log p_t = z_t - \log \sum_k e^{z_k}$, has both in it,
#    and does not saturate when $p_t$ is small: `tf.nn.log_softmax(scores)[0, target]`. As you divide the
#    gradient by its length, it doesn't matter either that it gets small when $p_t$ is near 1.
# 2. **Keep the size on a leash.** Write the image as original + change, and keep the length of the change at
#    a radius $r$. In each round
#    - round original + change to 8 bits, and ask the net about *that*;
#    - if the target has 0.98, remember the image, provided that its change is the smallest so far (measured
#      after rounding), and make $r$ 10 % smaller; if not, make $r$ 10 % larger;
#    - take a step along the gradient, put the change back to length $r$, and clip.
#
# In this way the change slides along the sphere to where the probability is highest, while the sphere
# shrinks until it can't shrink any more (Rony et al., *Decoupling direction and norm*, 2019,
# [arxiv.org/abs/1811.09600](https://arxiv.org/abs/1811.09600)). Numbers that work:
#
# | | first round | last of 100 rounds |
# |---|---|---|
# | radius $r$ | 1 | whatever came out |
# | length of a step | 1 | 0.01 |
# | $r$ grows or shrinks by | 10 % | 0.3 % |
#
# First find the right place, then settle there.
#
# But find your own way if you like: all that counts is the image. Points get fewer as the change grows, compared
# with a change that the grader finds for the same image. Two hints: stay slightly above 0.98, since other
# computers round in other ways; and `fooling.compiled(net)` is `net.logits`, only several times as fast.

# %% solution="smallest_change"
def smallest_change(net, image, target):
    """The smallest change that makes the net see the target with a probability of 0.98.

    net: a PretrainedNet.    image: (H, W, 3) uint8.    target: class number.

    Returns the changed image, (H, W, 3) uint8.
    """
    logits = fooling.compiled(net)
    ### BEGIN SOLUTION
    original = image.astype(np.float32) / 255
    change = np.zeros_like(original)
    radius, rounds = 1.0, 100
    best, smallest = image, np.inf
    for number in range(rounds):
        candidate = to_8_bit(original + change)
        x = tf.constant(candidate[None] / np.float32(255))
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_p = tf.nn.log_softmax(logits(x))[0, target]
        gradient = tape.gradient(log_p, x)[0].numpy()

        size = np.linalg.norm(candidate / 255.0 - original)
        reached = np.exp(log_p) >= 0.9802
        if reached and size < smallest:
            best, smallest = candidate, size
        pace = (1 + np.cos(np.pi * number / rounds)) / 2  # from 1 down to 0
        radius *= 1 + (-1 if reached else 1) * (0.1 * pace + 0.003)
        step = 0.99 * pace + 0.01
        change = change + step * gradient / (np.linalg.norm(gradient) + 1e-12)
        change = radius * change / np.linalg.norm(change)
        change = np.clip(original + change, 0, 1) - original
    return best
    ### END SOLUTION


# %% check="smallest_change" points=10
check("smallest_change", nets.on_net(smallest_change))

# %% figure="the_smallest_change"
twin = smallest_change(net, photograph, target)
difference, magnified = difference_pictures(photograph, twin)
seen = plots_fooling.captions(net, np.stack([photograph, twin]))
size = np.linalg.norm(twin / 255.0 - photograph / 255.0)
largest = np.abs(twin.astype(int) - photograph).max()
print(f"L2 of the change: {size:.3f}; no pixel is changed by more than {largest} of 255")
plots_fooling.pictures(
    [photograph, twin, difference, magnified], [*seen, "difference", "10 × difference"]
)
plt.show()

# %% [markdown]
# ### From the image to its twin
#
# Move the slider: the picture goes from the photograph to its adversarial twin in a straight line, and the bars
# show what the net thinks of it. (A slider needs a running kernel. The picture below it says the same where
# there is none, in a printed notebook for example.)

# %% figure="the_slider"
display(plots_fooling.slider(net, photograph, twin))

# %% figure="from_image_to_twin"
plots_fooling.strip(net, photograph, twin)
plt.show()

# %% [markdown] minutes=25 needs="05.3"
# ## Exercise 05.4: likely and unlikely targets
#
# Is it harder to make the net see something that it had ruled out than something that it had
# considered? Choose for an image two targets: the class that was second, and the class that was last.

# %% solution="likely_and_unlikely"
def likely_and_unlikely(probabilities):
    """Two targets for an image.

    probabilities: (classes,), what the net thinks of the image.

    Returns two class numbers: the second likeliest class, and the least likely one.
    """
    ### BEGIN SOLUTION
    order = np.argsort(probabilities)
    return order[-2], order[0]
    ### END SOLUTION


# %% check="likely_and_unlikely" points=2
check("likely_and_unlikely", likely_and_unlikely)

# %% [markdown]
# Then fool the net with each of some targets, and note for each: how probable it was for the image as it was,
# how probable it is for the 8-bit image that you found, and the L2 norm of the change (for pixels in 0 … 1).

# %% solution="compare_targets"
def compare_targets(net, image, targets):
    """What it takes to turn one image into each of several targets.

    net: a PretrainedNet.    image: (H, W, 3) uint8.    targets: (T,) class numbers.

    Returns four arrays: the targets' probabilities before (T,), the images found (T, H, W, 3) uint8, the
    targets' probabilities after (T,), and the L2 norms of the changes (T,).
    """
    ### BEGIN SOLUTION
    found = np.stack([smallest_change(net, image, target) for target in targets])
    before = net.probabilities(image[None]).numpy()[0, targets]
    after = net.probabilities(found).numpy()[np.arange(len(targets)), targets]
    changes = found / 255.0 - image / 255.0
    return before, found, after, np.sqrt(np.sum(changes**2, axis=(1, 2, 3)))
    ### END SOLUTION


# %% check="compare_targets" points=5
check("compare_targets", nets.on_net(compare_targets))

# %% [markdown]
# Now for some photographs, the likely target and the unlikely one each:

# %% figure="table_of_targets"
chosen = sure[:6]
pairs = [np.array(likely_and_unlikely(probabilities[n])) for n in chosen]
found = [compare_targets(net, photographs[n], t) for n, t in zip(chosen, pairs)]
before, twins, after, sizes = (np.stack(column) for column in zip(*found))
display(
    plots_fooling.table_of_targets(
        net.class_names, np.repeat(labels[chosen], 2), np.concatenate(pairs),
        before.ravel(), after.ravel(), sizes.ravel(),
    )
)
plots_fooling.likely_against_unlikely(sizes[:, 0], sizes[:, 1])
plt.show()

# %% [markdown]
# **Question.** Describe what you see in table and picture. How large are the changes for likely and for
# unlikely targets? How closely does the size of the change follow the probability that the target had at first?
# Try to explain it by the scores: how many points of score must be made up for a target with probability
# $10^{-2}$, and how many for one with $10^{-8}$?

# %% [markdown] essay="likely_unlikely" points=4
# ### BEGIN SOLUTION
# All targets can be reached, also those that the net had as good as ruled out, and one still sees what each image
# was. For every image the unlikely target needs the larger change, but not by much: 1.7 times as large in the median
# (1.7 against 1.0), though its probability was smaller by many powers of ten. The reason is that softmax turns differences of scores
# into ratios of probabilities. A target with probability 10⁻² lies log(99) ≈ 4.6 below the winner's score if that
# has nearly all the rest, one with 10⁻⁸ about 18 below. To reach 0.98, both must then come out log(49) ≈ 3.9
# above all others. So it is 8.5 against 22 points that must be made up, a factor of 2.6, not of a million; and along
# the gradient a score rises nearly in proportion to the length of the change. That the factor in the table is still
# smaller means that the score of the unlikely class can be raised by more per step. Between images
# the sizes differ as well, so the probability at first tells the size only roughly.
#
# **Rubric**
#
# - 4 points: both targets can be reached and unlikely ones need larger changes, with numbers from the table; explained
#   by scores (the logarithm of the probability), so that the size grows far more slowly than the probability falls
# - 2 points: the observation with numbers, but the explanation is missing or speaks of probabilities only
# - 0 points: no numbers, or claims that the table contradicts
# ### END SOLUTION

# %% [markdown]
# ## How small is small?
#
# The changes that you found are small. But perhaps the net is simply nervous, and *any* change of that
# size would throw it off? Compare: noise with exactly the same L2 norm, but in a random direction.

# %% figure="against_noise"
plots_fooling.against_noise(net, photograph, twin)
plt.show()

# %% [markdown]
# Noise of the same size changes nothing, and even noise of several times that size leaves the net sure of what
# it sees. An image has thousands of pixels, so there are thousands of directions in which it can be changed,
# and the net is calm in nearly all of them. You have found one of the few in which it is not. Chance would
# never have found it; the gradient finds it in a few steps. That is the lesson, and it holds for
# every net that was trained like this one: *robust against accidents is not robust against
# intent*. A test set tells how often a net errs by accident. It says nothing about somebody who tries.

# %% [markdown]
# **Question.** In a linear net with $n$ pixels, the score is $w \cdot x$. By how much does it change for a
# change of L2 norm $r$ along $w$, and by how much, typically, for noise of the same norm? What follows for images with
# many pixels? And what does that say about a camera in a car that was tested with noise, fog and rain?

# %% [markdown] essay="how_small" points=3
# ### BEGIN SOLUTION
# Along w the change of the score is r·‖w‖, the largest that a change of length r can have. Noise of length r has a
# component of about r/√n along any given direction, so it changes the score by about r·‖w‖/√n, with random sign. For
# 32×32×3 pixels √n is 55, for 224×224×3 it is 388: the more pixels, the larger the difference between the worst case and
# the usual one. A net can therefore be calm under noise that everybody sees and still be turned by a change nobody
# sees. Tests with noise, fog and rain say how the camera does when nature is indifferent; they explore random
# directions, where hardly any harm is. Against somebody who puts the right sticker on a road sign they say nothing: for
# that one must search for the worst case, as in this notebook, and train with what was found.
#
# **Rubric**
#
# - 3 points: r‖w‖ against about r‖w‖/√n, the ratio grows with the number of pixels, and the conclusion that random tests
#   don't bound the worst case
# - 1.5 points: the ratio without its reason, or the reason without a conclusion
# - 0 points: noise and adversarial changes are not told apart
# ### END SOLUTION

# %% [markdown] minutes=10 needs="05.3"
# ## Exercise 05.5: code that explains itself
#
# Code tells what is done. It can't tell *why*: why the largest score is subtracted first, why the loop ends where
# it does, where the number 0.9802 comes from. That is what comments are for, and a docstring for what goes in,
# what comes out, and in which shape. The docstrings of the functions above are ours. Explain what you have added
# to them: write comments where a reader would stop and ask, and a docstring for each function that you wrote for
# yourself. "Add one to i" helps nobody.
#
# **Question.** Which two places in your code would a reader who knows Python, but not this course, have found
# hardest? Name the functions, and say in a sentence each what you explain there, and why it needed it. Whoever marks
# this reads your code as well.

# %% [markdown] essay="documentation" points=3 beside="code"
# ### BEGIN SOLUTION
# In `smallest_change` the radius is made smaller where the target was reached and larger where not, which looks like
# the wrong way round until one knows that the change shall slide along a sphere that shrinks; a comment above the line
# says so, and why the factor itself falls from 10 % to 0.3 %. In `compare_targets`, `probabilities[np.arange(T),
# targets]` picks one number from each row; the comment gives the shapes, since `[:, targets]` would look as good and
# be a (T, T) table. The helper `pace` has a docstring with its range.
#
# **Rubric**
#
# - 3 points: two places named, and in the code comments or docstrings of their own that give reasons, shapes or sources
#   where a reader needs them
# - 1.5 points: comments repeat what the code says, or are good in one place only
# - 0 points: nothing in the code is explained beyond what was given, whatever the answer says
# ### END SOLUTION

# %% [markdown] minutes=20 needs="04 and 05"
# ## Exercise 05.6: your report (optional, bonus)
#
# A course may ask for a report besides the notebooks: two to six pages as one PDF, for somebody who won't open
# Jupyter. It says for each exercise what was asked, how you solved it and what came out, with the figures and numbers
# that show it, and what you make of them. Your names stand on its first page.
# `python -m utils.report_pdf` makes a first draft of your notebooks, and `./collect_submission.sh` packs it:
# `--zip team_7 --report report.pdf`, or in pairs `--ex2 NameOne_NameTwo`, one zip per pair.
#
# **Question.** If you hand in a report: what is its most important result, on which page does it stand, and what would
# you do next? Three sentences are enough.

# %% [markdown] essay="written_report" points=4 bonus=true beside="report"
# ### BEGIN SOLUTION
# The result that matters most is on page 4: a change with an L2 norm of 1.0 turns a digit into the class that the net
# had thought second, and one of 1.7 into the class that it had ruled out, while noise of the same size does nothing.
# Next we would train with the images found, and measure how much larger the change then has to be.
#
# **Rubric**
#
# - 4 points: the report can be read without the notebooks; it describes how each exercise was solved and reports the
#   results with figures and numbers that are explained; names are on it
# - 2 points: results without how they came about, or figures that nobody explains; or a print of the notebooks
# - 0 points: no report, or one that shows nothing of the team's own work
# ### END SOLUTION

# %% [markdown]
# ## To play with
#
# Everything of the last two notebooks on one photograph: slide the grey box and watch the
# probability, compare saliency, occlusion and class activation, take fooling steps and watch the
# L2 norm grow. (The picture below it stands for all that where no kernel runs.)
#
# **Further reading.** Goodfellow, Shlens and Szegedy, *Explaining and harnessing adversarial examples*, 2014,
# [arxiv.org/abs/1412.6572](https://arxiv.org/abs/1412.6572).

# %% figure="evidence_explorer"
from utils import explorers

explorers.evidence(net, photographs[0])
