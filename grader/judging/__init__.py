"""From answers to points, in a process that never ran a student's code.

It never unpickles, and never lets an odd answer cost more than its own points.
"""
