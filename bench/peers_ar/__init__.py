"""Rivals of the autoregressive models, one to a file; each is built outside the clock."""
