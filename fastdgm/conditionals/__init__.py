"""Conditional distributions: parameters and their checks, no loops over data."""
