"""Pages that leave the grader: feedback, report, similar pairs.

They never show a hidden case, and pass no HTML through.
"""
