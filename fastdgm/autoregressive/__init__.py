"""Autoregressive models: one file per family, ``base.py`` holds the public verbs."""
