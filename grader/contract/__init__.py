"""What a course brings, and where it lies: judges, known answers, thresholds.

It never names a course, a notebook or an exercise.
"""
