"""Sums over hidden discrete variables: the order in which they are taken, and their loops."""
