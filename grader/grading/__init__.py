"""A submission on its way: prepare, execute, judge, mark, record; keep answers, mark again.

It never believes what a kernel says, and changes no mark given by hand.
"""
