"""Answers whose worth is known: wrong ones, with what they should be called, and right ones.

They never reach a student: a release holds none of them.
"""
