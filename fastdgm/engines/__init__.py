"""A model's parameters -> plans (flat arrays) -> loops over rows; one folder per family of kernels."""
