"""Bayes nets of tables: fused clusters, their plans, and the loops over rows."""
