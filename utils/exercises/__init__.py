"""What single exercises need beside their judge: numbers of one's own, small tools.

It never holds a solution.
"""
