"""Answers whose worth is known."""
