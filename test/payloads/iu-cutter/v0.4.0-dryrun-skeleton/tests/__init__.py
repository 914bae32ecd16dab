"""The suite. Run from the tree's root: ``python3 -m unittest discover``."""
