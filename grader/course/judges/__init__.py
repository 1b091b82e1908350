"""What is right: for each notebook a list `JUDGES`, one judge for each of its checks.

They never meet a student's code, and no release holds them.
"""
