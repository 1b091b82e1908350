"""Changes reference solutions a little, and asks the judges whether they notice.

It never runs a student's code, and knows no exercise: what it changes comes from the sources.
"""
