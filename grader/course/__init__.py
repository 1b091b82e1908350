"""The course on convolutional networks: what it asks, what is right, what mistakes are called.

It never reads a class folder: what it may know of a submission it is handed.
"""
