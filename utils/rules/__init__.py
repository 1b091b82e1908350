"""What counts as right beyond equality: rules by theme, on both sides of the wire.

They never call a student's code: they look at values alone.
"""
