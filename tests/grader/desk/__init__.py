"""Tests of grader/desk/."""
