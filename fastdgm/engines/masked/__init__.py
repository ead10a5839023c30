"""Masked networks (MADE, FVSBN): layout, loops, training, storage."""
