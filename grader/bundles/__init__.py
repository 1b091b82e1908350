"""The judge for other graders: a zip for Gradescope, repositories for GitHub, and what runs there.

What is judged there is judged by `grader.grading.single`, as `./course judge` does it.  A bundle
never decides a mark, and never shows a student what is for markers unless its settings say so.
"""
