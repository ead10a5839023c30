"""Markov chains: counts, smoothing, tables, loops."""
