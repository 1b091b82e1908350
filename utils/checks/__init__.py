"""The one call `check(...)` and all behind it: cases, comparison, verdicts and how they look.

It never calls an answer in the grader's process, and knows no exercise.
"""
