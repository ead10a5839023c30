"""Learning tables from data."""
