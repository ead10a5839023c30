"""Autoregressive models as conditionals of a network."""
