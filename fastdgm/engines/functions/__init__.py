"""Variables that are Python functions of their parents."""
