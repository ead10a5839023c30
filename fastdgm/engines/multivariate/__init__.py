"""Normal vectors: plans and loops over rows."""
