"""Real variables that are normal given their parents."""
