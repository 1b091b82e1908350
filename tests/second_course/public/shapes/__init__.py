"""What the course on areas brings: its students' notebooks import it."""


def units_of(quantity: str) -> str:
    """The unit of a quantity."""
    return {"length": "m", "area": "m2"}[quantity]
