"""How data and weights of this course were made; run by hand, by whoever maintains it.

Nothing imports it while a class is graded, and it never runs by itself.
"""
