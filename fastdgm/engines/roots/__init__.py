"""Real variables without parents that are not normal."""
