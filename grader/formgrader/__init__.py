"""The human half on nbgrader: set-up of a class folder, answer keys, names left out.

It never shows a marker anything that runs.
"""
