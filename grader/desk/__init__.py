"""The marking desk: one question, all its answers, each marked with a key or two.

It sets no mark on an answer that nobody has seen, and shows nothing of a student's that could
run.
"""
