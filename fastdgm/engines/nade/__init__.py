"""NADE: layout, loops, training."""
