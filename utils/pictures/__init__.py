"""Figures of the notebooks.

They show what they are given and never compute what is judged.
"""

from utils.pictures import inline

inline.install()
