"""Log-densities of conditionals in torch, differentiable by their parameters and by the data."""
