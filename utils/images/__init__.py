"""The images that notebooks work on: PhotoDigits, CIFAR-10, and those that judge a trained net.

It never fetches anything unless it is asked to by name.
"""
