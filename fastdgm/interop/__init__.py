"""Bridges to neighbouring libraries: one file per neighbour, imported only when asked for."""
