"""Means of the normal density over intervals."""
