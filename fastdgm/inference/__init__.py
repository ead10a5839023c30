"""Exact answers about rows with missing values: marginals, posteriors, classes."""
