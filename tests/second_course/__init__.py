"""Another, tiny course: one notebook on areas, with a helper module of its own."""
