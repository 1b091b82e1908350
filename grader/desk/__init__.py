"""The marking desk: one question, all its answers, each marked with a key or two.

It never sets a mark on an answer that nobody has seen, and never shows what could run.
"""
