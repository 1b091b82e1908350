"""Nets at hand without training: the embedded one, those of Keras, toy nets; their descriptions.

It never unpickles, and falls back on no other net in silence.
"""
