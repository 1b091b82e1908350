"""Mutants: how they are made, and what judges say of them."""
