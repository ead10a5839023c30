"""Moments of real columns by configuration of discrete parents: plan, loops, sums."""
