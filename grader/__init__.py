"""The grading harness.  A submission flows one way through its rooms:

archive -> intake -> execute -> judges -> mark (gradebook) -> feedback / report / export
"""
