"""One class: its folder, its roster, its gradebook, its results, and where everybody stands.

It never runs, judges or parses a submission.
"""
