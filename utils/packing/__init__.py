"""What may be handed in, and what a student should know before: for the packer and for intake.

It needs Python's own library alone, 3.8 or newer, imports nothing else of the course, and never
runs what it looks at.
"""
