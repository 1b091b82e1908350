"""Judges of the notebook on areas."""

from grader.contract.judge import Judge, Mistake, Question

JUDGES = [
    Judge(
        "area",
        lambda width, height: width * height,
        lambda rng, variant: [
            Question(f"rectangle {n}", {"width": rng.uniform(1, 2), "height": rng.uniform(3, 4)})
            for n in (1, 2)
        ],
        {"circumference": Mistake(lambda width, height: 2 * (width + height), "What is inside?")},
    ),
    Judge("units", lambda: "m2", lambda rng, variant: [Question("units")], kind="value"),
]
