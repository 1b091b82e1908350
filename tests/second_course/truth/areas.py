"""Known answers to the notebook on areas."""

from grader.contract.sample import right, wrong

SAMPLES = [
    right("area: the other way round", lambda width, height: height * width),
    wrong("area: circumference -> circumference", lambda width, height: 2 * (width + height)),
]
