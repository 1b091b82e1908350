"""From source text to what students open: notebooks, public cases, the release.

It never ships a solution.
"""
